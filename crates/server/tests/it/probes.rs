//! Active probes: who is out by a policy comes back by itself, and who was switched off by a person does not.

use std::time::Duration;

use easyai_bench::mock::{Behaviour, MockUpstream, Reply};
use serde_json::json;

use crate::app::{Catalog, TestApp};
use crate::caller::Caller;
use crate::patience::within;

const PATIENCE: Duration = Duration::from_secs(15);

/// Offers of `demo` by these platforms, the first one first, under a policy set that probes each second.
fn probed(platforms: &[(&str, &MockUpstream)], policies: &str) -> Catalog {
    let mut text = format!(
        "[[policy_set]]\nname = \"probed\"\n[policy_set.probe]\ninterval_seconds = 1\nmax_interval_seconds = 1\ntimeout_ms = 500\n{policies}\n\
         [[model]]\nname = \"demo\"\n"
    );
    for (priority, (name, upstream)) in platforms.iter().enumerate() {
        let base_url = upstream.base_url();
        text += &format!(
            "[[platform]]\nname = \"{name}\"\nprovider = \"openai\"\nbase_url = \"{base_url}\"\npriority = {priority}\n\
             credentials = [{{ secret = \"sk-mock\" }}]\n\
             [[platform_model]]\nplatform = \"{name}\"\nmodel = \"demo\"\nupstream_name = \"up-demo\"\npolicy_set = \"probed\"\n\
             price = {{ input_per_million = \"1000\", output_per_million = \"2000\" }}\n"
        );
    }
    Catalog::default().and(&text)
}

async fn mock(reply: impl Into<Reply>) -> MockUpstream {
    MockUpstream::start(Behaviour::always(reply)).await.unwrap()
}

async fn well() -> MockUpstream {
    MockUpstream::start(Behaviour::default()).await.unwrap()
}

async fn calls_reach(upstream: &MockUpstream, calls: u64) {
    upstream.wait_for(|stats| stats.calls >= calls, PATIENCE).await.unwrap();
}

async fn metric(caller: &Caller, line: &str) -> bool {
    String::from_utf8_lossy(&caller.get("/metrics").await.body).contains(line)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_policy_switched_off_comes_back_by_a_probe_and_what_a_person_switched_off_does_not() {
    let (ill, left, good) = (mock(Reply::status(401)).await, mock(Reply::status(401)).await, well().await);
    let platforms = [("ill", &ill), ("left", &left), ("good", &good)];
    let mut app = TestApp::start(probed(&platforms, "")).await;
    app.caller.chat("hello").answer().await.ok();
    assert_eq!(good.calls(), 1);
    app.program.good(&["platform", "disable", "left"]);
    calls_reach(&ill, 3).await;
    let shown = app.program.good(&["platform", "list"]);
    assert!(shown.contains("switched_off") && shown.contains("in vain, the next probe is due at"), "{shown}");
    let served = app.caller.chat("hello").answer().await.ok().task();
    let shown = app.task_show(&served);
    assert!(shown.contains("in vain, the next probe is due at"), "{shown}");
    // A kill forgets nothing of it, and only now it is surely known that `left` is left alone.
    app.gateway.kill();
    app.restart().await;
    let (asked, probes_of_ill) = (left.calls(), ill.calls());
    calls_reach(&ill, probes_of_ill + 3).await;
    assert!(metric(&app.caller, r#"easyai_probes_total{outcome="auth"}"#).await);

    ill.set(Behaviour::default());
    left.set(Behaviour::default());
    within(PATIENCE, "it is back", async || metric(&app.caller, r#"easyai_probes_total{outcome="succeeded"} 1"#).await).await;
    let probe = ill.requests().last().unwrap().json().unwrap();
    assert_eq!(probe, json!({"model": "up-demo", "messages": [{"role": "user", "content": "ping"}], "max_tokens": 1}));
    within(PATIENCE, "it serves again", async || {
        let answer = app.caller.chat("hello").answer().await.ok();
        app.caller.trace(&answer.task()).await["candidates"][0]["platform"] == "ill"
    })
    .await;
    let shown = app.program.good(&["platform", "list"]);
    assert!(!shown.contains("ill       "), "{shown}");
    assert_eq!(left.calls(), asked, "a person left it alone");
    app.everything_is_settled("1000").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cooldown_ends_and_a_circuit_breaker_closes_early() {
    let breaker = "[policy_set.breaker]\nfailures = 1\ncooldown_seconds = 600\n";
    let (cooled, broken, good) = (mock(Reply::rate_limited_for("600")).await, mock(Reply::status(500)).await, well().await);
    let app = TestApp::start(probed(&[("cooled", &cooled), ("broken", &broken), ("good", &good)], breaker)).await;
    let first = app.caller.chat("hello").answer().await.ok().task();
    let shown = app.task_show(&first);
    assert!(shown.contains("cools down for 600 s") && shown.contains("its circuit breaker opens for 600 s"), "{shown}");
    // Each has been probed in vain.
    calls_reach(&cooled, 2).await;
    calls_reach(&broken, 2).await;
    cooled.set(Behaviour::default());
    broken.set(Behaviour::default());
    within(PATIENCE, "both are back", async || metric(&app.caller, r#"easyai_probes_total{outcome="succeeded"} 2"#).await).await;
    let served = app.caller.chat("hello").answer().await.ok().task();
    let trace = app.caller.trace(&served).await;
    assert_eq!((&trace["candidates"][0]["platform"], &trace["candidates"][1]["platform"]), (&json!("cooled"), &json!("broken")), "{trace}");
    assert_eq!(app.caller.tasks("").await.len(), 2, "probes are no tasks");
    app.everything_is_settled("1000").await;
}

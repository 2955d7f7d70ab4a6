//! How candidates are: who fails is left alone and comes back, credentials answer for themselves, and a kill forgets nothing.

use std::time::Duration;

use easyai_bench::mock::{Behaviour, MockUpstream, Reply};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::app::{Catalog, Setup, TestApp};
use crate::patience::within;

async fn mock() -> MockUpstream {
    MockUpstream::start(Behaviour::default()).await.unwrap()
}

fn two(bad: &MockUpstream, good: &MockUpstream) -> Catalog {
    let catalog = Catalog::default().platform("bad", &bad.base_url(), "").platform("good", &good.base_url(), "");
    catalog.offer("bad", "demo").offer("good", "demo")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rate_limited_platform_costs_callers_nothing_and_is_left_alone_also_after_a_kill() {
    let (bad, good) = (MockUpstream::start(Behaviour::always(Reply::rate_limited_for("30"))).await.unwrap(), mock().await);
    let mut app = TestApp::start(two(&bad, &good)).await;
    app.caller.chat("the first").answer().await.ok();
    let mut crowd = JoinSet::new();
    for _ in 0..200 {
        let chat = app.caller.chat("hello");
        crowd.spawn(async move { chat.answer().await.ok() });
    }
    crowd.join_all().await;
    assert_eq!((bad.calls(), good.calls()), (1, 201));
    // Written down a moment after it happened.
    let body = app.program.file("request.json");
    std::fs::write(&body, json!({"model": "demo", "messages": [{"role": "user", "content": "hi"}]}).to_string()).unwrap();
    let told = || app.program.good(&["explain", &body.to_string_lossy(), "--account", "demo"]);
    within(Duration::from_secs(5), "the cooldown is durable", async || told().contains("left out: bad: it is left alone")).await;
    app.gateway.kill();
    app.restart().await;
    let answer = app.caller.chat("after the kill").answer().await.ok();
    let trace = app.caller.trace(&answer.task()).await;
    assert_eq!((&trace["left_out"][0]["platform"], &trace["left_out"][0]["reason"]), (&json!("bad"), &json!("cooling_down")), "{trace}");
    let told = trace["left_out"][0]["message"].as_str().unwrap();
    assert!(told.contains("attempt 1 at bad failed with rate_limit (HTTP 429)"), "{told}");
    assert!(app.task_show(&answer.task()).contains(told));
    let explained = explain(&app, json!({"model": "demo", "messages": [{"role": "user", "content": "hi"}]})).await;
    assert_eq!(explained["left_out"][0]["message"], told);
    assert_eq!(bad.calls(), 1);
}

async fn explain(app: &TestApp, body: Value) -> Value {
    app.caller.send("POST", "/api/v1/explain", &[], body.to_string().as_bytes()).await.unwrap().rest().await.ok().json()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_credential_is_switched_off_and_its_platform_serves_on() {
    let upstream = mock().await;
    let text = format!(
        "[[platform]]\nname = \"only\"\nprovider = \"openai\"\nbase_url = \"{}\"\n\
         credentials = [{{ secret = \"sk-one\", name = \"one\" }}, {{ secret = \"sk-two\", name = \"two\" }}]\n\
         [[model]]\nname = \"demo\"\n[[platform_model]]\nplatform = \"only\"\nmodel = \"demo\"\n\
         price = {{ input_per_million = \"1000\", output_per_million = \"2000\" }}\n",
        upstream.base_url()
    );
    let app = TestApp::start(Catalog::default().and(&text)).await;
    upstream.script(vec![Reply::status(401)]);
    let answer = app.caller.chat("hello").answer().await.ok();
    let trace = app.caller.trace(&answer.task()).await;
    assert_eq!(
        (&trace["decisions"][0]["action"], &trace["decisions"][0]["remedies"][0]["scope"]),
        (&json!("next_credential"), &json!("credential"))
    );
    let refused = trace["decisions"][0]["credential"].as_str().unwrap().to_owned();
    for _ in 0..10 {
        app.caller.chat("hello").answer().await.ok();
    }
    let used: Vec<_> = upstream.requests().iter().map(|request| request.header("authorization").unwrap().to_owned()).collect();
    assert_eq!(used.iter().filter(|used| **used == format!("Bearer sk-{refused}")).count(), 1, "{used:?}");
    let explained = explain(&app, json!({"model": "demo", "messages": [{"role": "user", "content": "hi"}]})).await;
    let credentials = explained["candidates"][0]["credentials"].as_array().unwrap();
    let off = credentials.iter().find(|credential| credential["name"] == refused.as_str()).unwrap();
    assert!(off["health"].as_str().unwrap().starts_with("auto_disabled (attempt 1 at only with"), "{off}");
    app.everything_is_settled("1000").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_circuit_breaker_opens_lets_one_probe_through_and_closes() {
    let (bad, good) = (MockUpstream::start(Behaviour::always(Reply::status(500))).await.unwrap(), mock().await);
    let breaker = "[[policy_set]]\nname = \"careful\"\n[policy_set.breaker]\nfailures = 3\nwindow_seconds = 60\ncooldown_seconds = 1\nmax_cooldown_seconds = 60\n";
    let price = "price = { input_per_million = \"1000\", output_per_million = \"2000\" }\npolicy_set = \"careful\"";
    let catalog = Catalog::default().platform("bad", &bad.base_url(), "").platform("good", &good.base_url(), "");
    let catalog =
        catalog.offer("good", "demo").and(&format!("[[platform_model]]\nplatform = \"bad\"\nmodel = \"demo\"\n{price}\n")).and(breaker);
    let app = TestApp::start(catalog).await;
    for _ in 0..3 {
        assert_eq!(app.caller.chat("hello").answer().await.ok().header("x-easyai-attempts"), Some("2"));
    }
    let third = app.caller.tasks("").await[0]["id"].as_str().unwrap().to_owned();
    let shown = app.task_show(&third);
    assert!(shown.contains("its circuit breaker opens for 1 s"), "{shown}");
    let fourth = app.caller.chat("hello").answer().await.ok();
    assert_eq!((fourth.header("x-easyai-attempts"), bad.calls()), (Some("1"), 3));
    let trace = app.caller.trace(&fourth.task()).await;
    assert_eq!(trace["left_out"][0]["reason"], "circuit_open", "{trace}");
    bad.set(Behaviour::default());
    within(Duration::from_secs(10), "the probe went well", async || {
        app.caller.chat("hello").answer().await.ok();
        bad.calls() > 4
    })
    .await;
    let last = app.caller.chat("hello").answer().await.ok();
    let trace = app.caller.trace(&last.task()).await;
    assert_eq!(
        (&trace["candidates"][0]["platform"], &trace["candidates"][0]["probe"]),
        (&json!("bad"), &Value::Null),
        "it is closed: {trace}"
    );
    app.everything_is_settled("1000").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fallback_model_serves_when_all_candidates_have_failed_and_the_answer_says_so() {
    let (bad, good) = (MockUpstream::start(Behaviour::always(Reply::status(500))).await.unwrap(), mock().await);
    let catalog = Catalog::default().platform("bad", &bad.base_url(), "").platform("good", &good.base_url(), "");
    let offers = "[[model]]\nname = \"best\"\nfallbacks = [\"plain\"]\n[[platform_model]]\nplatform = \"bad\"\nmodel = \"best\"\n\
                  price = { input_per_million = \"1000\", output_per_million = \"2000\" }\n";
    let app = TestApp::start(catalog.offer("good", "plain").and(offers)).await;
    let answer = app.caller.chat("hello").model("best").answer().await.ok();
    assert_eq!(answer.header("x-easyai-model"), Some("plain"));
    let trace = app.caller.trace(&answer.task()).await;
    assert_eq!(trace["candidates"][1]["fallback_model"], "plain", "{trace}");
    assert_eq!(good.requests()[0].json().unwrap()["model"], "up-plain");
    app.everything_is_settled("1000").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_request_needs_chooses_who_serves_and_a_conversation_stays_where_it_was() {
    let (plain, able) = (mock().await, mock().await);
    let text = "price = { input_per_million = \"1000\", output_per_million = \"2000\" }";
    let catalog = Catalog::default().platform("plain", &plain.base_url(), "").platform("able", &able.base_url(), "");
    let offers = format!(
        "[[model]]\nname = \"demo\"\nstickiness = {{ seconds = 60 }}\n[[platform_model]]\nplatform = \"plain\"\nmodel = \"demo\"\n{text}\ncapabilities = []\npriority = 1\n\
         [[platform_model]]\nplatform = \"able\"\nmodel = \"demo\"\n{text}\ncapabilities = [\"tools\"]\npriority = 1\n"
    );
    let app = Setup::new(catalog.and(&offers)).start().await;
    let tools = json!([{"type": "function", "function": {"name": "f", "parameters": {}}}]);
    let answer = app.caller.chat("hello").field("tools", tools).answer().await.ok();
    assert_eq!((plain.calls(), able.calls()), (0, 1));
    let trace = app.caller.trace(&answer.task()).await;
    assert_eq!(trace["left_out"][0]["reason"], "lacks_capability", "{trace}");
    let picture = json!([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}]}]);
    let refused = app.caller.chat("").field("messages", picture).answer().await.refused(400, "capability_unsupported");
    assert!(refused.to_string().contains("vision"), "{refused}");
    for session in ["one", "two", "three"] {
        let chat = app.caller.chat("hello").header("x-easyai-session", session);
        let first = chat.answer().await.ok().task();
        let served_by = app.caller.trace(&first).await["candidates"][0]["platform"].clone();
        for _ in 0..6 {
            let again = chat.answer().await.ok().task();
            assert_eq!(app.caller.trace(&again).await["candidates"][0]["platform"], served_by, "{session}");
        }
    }
    app.everything_is_settled("1000").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_platform_that_breaks_its_answers_off_opens_its_circuit_too() {
    let cut = easyai_bench::mock::Answer::of_deltas(4).broken(easyai_bench::mock::Place::Deltas(2), easyai_bench::mock::Fault::Cut);
    let (bad, good) = (MockUpstream::start(Behaviour::always(cut)).await.unwrap(), mock().await);
    let breaker = "[[policy_set]]\nname = \"careful\"\n[policy_set.breaker]\nfailures = 2\n";
    let offer = "[[platform_model]]\nplatform = \"bad\"\nmodel = \"demo\"\npolicy_set = \"careful\"\n\
                 price = { input_per_million = \"1000\", output_per_million = \"2000\" }\n";
    let catalog = Catalog::default().platform("bad", &bad.base_url(), "").platform("good", &good.base_url(), "");
    let app = TestApp::start(catalog.offer("good", "demo").and(offer).and(breaker)).await;
    for _ in 0..2 {
        assert!(!app.caller.chat("hello").streamed().answer().await.is_complete());
    }
    let broken = app.caller.tasks("").await[0]["id"].as_str().unwrap().to_owned();
    let shown = app.task_show(&broken);
    assert!(shown.contains("stream_already_started") && shown.contains("its circuit breaker opens for 30 s"), "{shown}");
    assert!(app.caller.chat("hello").streamed().answer().await.ok().is_complete());
    assert_eq!((bad.calls(), good.calls()), (2, 1));
    app.everything_is_settled("1000").await;
}

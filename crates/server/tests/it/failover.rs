//! Before the first useful delta a failure is invisible to the caller, and explained to the operator.

use std::time::Duration;

use easyai_bench::mock::{Answer, Behaviour, Fault, MockUpstream, Place, RefusedAddress, Reply, UpstreamError};
use tokio::task::JoinSet;

use crate::app::catalog::DEFAULT_CHARGE;
use crate::app::{Catalog, TestApp};
use crate::caller::Caller;

/// Of those that hang; nobody else may be that slow.
const SHORT: &str = "timeouts = { connect_ms = 1000, first_delta_ms = 700, idle_ms = 700, total_ms = 5000 }";

fn broken(place: Place, fault: Fault) -> Reply {
    Answer::default().broken(place, fault).into()
}

/// What goes wrong, how often it can go wrong in a stream, and what it is called.
fn faults() -> Vec<(&'static str, Reply, &'static str)> {
    vec![
        ("reset", Reply::Reset, "network"),
        ("close", Reply::Close, "network"),
        ("hang", Reply::Hang, "timeout"),
        ("rate-limit", Reply::status(429), "rate_limit"),
        ("error-500", Reply::status(500), "server_error"),
        ("error-503", Reply::status(503), "overloaded"),
        ("error-in-200", broken(Place::Preamble, Fault::Error(UpstreamError::of_status(500))), "server_error"),
        ("nothing-after-200", broken(Place::Headers, Fault::Stall), "timeout"),
        ("cut-before-text", broken(Place::Preamble, Fault::Cut), ""),
        ("end-before-text", broken(Place::Preamble, Fault::End), "bad_response"),
        ("garbage", Reply::Garbage, "bad_response"),
        ("html", Reply::Html, "bad_response"),
        ("empty", Reply::Empty, "bad_response"),
    ]
}

async fn is_invisible(caller: Caller, model: String, category: &'static str, streamed: bool) -> String {
    let chat = caller.chat("hello").model(&model);
    let answer = if streamed { chat.streamed() } else { chat }.answer().await.ok();
    assert_eq!((answer.is_stream(), answer.text().as_str()), (streamed, "The answer is 42."), "{model}: {answer}");
    assert_eq!(answer.header("x-easyai-attempts"), Some("2"), "{model}: {answer}");
    let id = answer.task();
    let task = caller.task(&id).await;
    assert_eq!(
        (&task["status"], &task["attempts"], &task["charge"]),
        (&"succeeded".into(), &2.into(), &DEFAULT_CHARGE.into()),
        "{model}: {task}"
    );
    let trace = caller.trace(&id).await;
    let decisions = trace["decisions"].as_array().unwrap();
    assert_eq!((decisions.len(), &decisions[0]["action"]), (1, &"next_platform".into()), "{model}: {trace}");
    let told = decisions[0]["failure"]["category"].as_str().unwrap();
    assert!(told == category || category.is_empty(), "{model}: {told} instead of {category}");
    id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_before_the_first_useful_delta_is_invisible_and_explained() {
    let good = MockUpstream::start(Behaviour::default()).await.unwrap();
    let nobody = RefusedAddress::take().unwrap();
    let mut catalog = Catalog::default().platform("bad-refused", &nobody.base_url(), SHORT);
    let mut cases = vec![("refused", "network")];
    let mut mocks = Vec::new();
    for (name, reply, category) in faults() {
        let mock = MockUpstream::start(Behaviour::always(reply)).await.unwrap();
        catalog = catalog.platform(&format!("bad-{name}"), &mock.base_url(), SHORT);
        cases.push((name, category));
        mocks.push(mock);
    }
    catalog = catalog.platform("good", &good.base_url(), "");
    for (name, _) in &cases {
        for form in ["plain", "stream"] {
            let model = format!("{name}-{form}");
            catalog = catalog.offer(&format!("bad-{name}"), &model).offer("good", &model);
        }
    }
    let app = TestApp::start(catalog).await;

    let mut running = JoinSet::new();
    for (name, category) in cases {
        for streamed in [false, true] {
            let model = format!("{name}-{}", if streamed { "stream" } else { "plain" });
            let caller = app.caller.clone();
            running.spawn(async move { (name, is_invisible(caller, model, category, streamed).await) });
        }
    }
    let expected = running.len() as u64;
    while let Some(done) = running.join_next().await {
        let (name, id) = done.unwrap();
        let story = app.task_show(&id);
        for told in [&format!("#1 bad-{name} failed"), "#2 good succeeded", "went on to the next platform because", DEFAULT_CHARGE] {
            assert!(story.contains(told), "{told} is not in\n{story}");
        }
    }
    assert_eq!(good.calls(), expected);
    app.everything_is_settled("1000").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operators_credential_that_is_refused_switches_its_platform_off_and_is_never_the_callers_fault() {
    let refuses = MockUpstream::start(Behaviour::always(Reply::status(401))).await.unwrap();
    let good = MockUpstream::start(Behaviour::default()).await.unwrap();
    let catalog = Catalog::default().platform("refuses", &refuses.base_url(), "").platform("good", &good.base_url(), "");
    let app = TestApp::start(catalog.offer("refuses", "demo").offer("refuses", "lonely").offer("good", "demo")).await;
    app.caller.chat("hello").model("lonely").answer().await.refused(502, "upstream_auth");
    let answer = app.caller.chat("hello").answer().await.ok();
    assert_eq!((answer.header("x-easyai-attempts"), refuses.calls()), (Some("1"), 1), "{answer}");
    let trace = app.caller.trace(&answer.task()).await;
    assert_eq!(trace["left_out"][0]["platform"], "refuses", "{trace}");
    app.caller.chat("hello").model("lonely").answer().await.refused(503, "no_candidate");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_caller_got_wrong_is_told_in_the_upstreams_words_and_tried_nowhere_else() {
    let strict = MockUpstream::start(Behaviour::always(Reply::status(400))).await.unwrap();
    let other = MockUpstream::start(Behaviour::default()).await.unwrap();
    let catalog = Catalog::default().platform("strict", &strict.base_url(), "").platform("other", &other.base_url(), "");
    let app = TestApp::start(catalog.offer("strict", "demo").offer("other", "demo")).await;
    let answer = app.caller.chat("hello").answer().await.refused(400, "bad_request");
    assert!(answer.json()["error"]["message"].as_str().unwrap().contains("temperature"), "{answer}");
    assert_eq!((strict.calls(), other.calls()), (1, 0));
    app.everything_is_settled("1000").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_platform_is_asked_again_as_its_policy_set_says() {
    let upstream = MockUpstream::start(Behaviour::default()).await.unwrap();
    upstream.script(vec![Reply::status(500), Reply::status(503), Reply::rate_limited_for("1")]);
    let app = TestApp::start(Catalog::demo(&upstream.base_url()).and(
        "policy_set = \"patient\"\n[[policy_set]]\nname = \"patient\"\n[policy_set.retry]\nmax_attempts = 4\nbackoff = { initial_ms = 10, max_ms = 1500 }",
    ))
    .await;
    let answer = app.caller.chat("hello").answer().await.ok();
    assert_eq!((answer.header("x-easyai-attempts"), upstream.calls()), (Some("4"), 4), "{answer}");
    let trace = app.caller.trace(&answer.task()).await;
    let actions: Vec<_> = trace["decisions"].as_array().unwrap().iter().map(|entry| entry["action"].clone()).collect();
    assert_eq!(actions, ["retry_same_client"; 3], "{trace}");
    app.everything_is_settled("1000").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_more_platforms_are_tried_than_the_policy_allows() {
    let bad = MockUpstream::start(Behaviour::always(Reply::status(500))).await.unwrap();
    let good = MockUpstream::start(Behaviour::default()).await.unwrap();
    let mut catalog = Catalog::default();
    for name in ["one", "two", "three"] {
        catalog = catalog.platform(name, &bad.base_url(), "").offer(name, "demo");
    }
    let catalog = catalog.platform("good", &good.base_url(), "").offer("good", "demo");
    let app = TestApp::start(catalog.and("[runner_policy.failover]\nmax_platforms = 2")).await;
    let answer = app.caller.chat("hello").answer().await.refused(502, "upstream_error");
    assert_eq!((bad.calls(), good.calls()), (2, 0));
    let trace = app.caller.trace(&answer.task()).await;
    assert_eq!(trace["decisions"][1]["reason"], "max_platforms_reached", "{trace}");
    assert!(app.task_show(&answer.task()).contains("max_platforms=2"));
    app.everything_is_settled("1000").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_callers_own_deadline_ends_the_run() {
    let silent = MockUpstream::start(Behaviour::always(Reply::Hang)).await.unwrap();
    let good = MockUpstream::start(Behaviour::default()).await.unwrap();
    let catalog = Catalog::default().platform("silent", &silent.base_url(), "").platform("good", &good.base_url(), "");
    let app = TestApp::start(catalog.offer("silent", "demo").offer("good", "demo")).await;
    let began = std::time::Instant::now();
    let answer = app.caller.chat("hello").header("x-easyai-timeout-ms", "400").answer().await.refused(504, "upstream_timeout");
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    assert_eq!((good.calls(), app.caller.task(&answer.task()).await["charge"].as_str()), (0, Some("0")));
    silent.wait_for(|stats| stats.cancelled == 1, Duration::from_secs(2)).await.unwrap();
    app.everything_is_settled("1000").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_overloaded_platform_is_left_alone_for_a_while_but_never_the_last_one() {
    let (bad, good) = (MockUpstream::start(Behaviour::default()).await.unwrap(), MockUpstream::start(Behaviour::default()).await.unwrap());
    bad.script(vec![Reply::status(503), Reply::status(503)]);
    let catalog = Catalog::default().platform("bad", &bad.base_url(), "").platform("good", &good.base_url(), "");
    let app = TestApp::start(catalog.offer("bad", "demo").offer("good", "demo").offer("bad", "lonely")).await;
    app.caller.chat("hello").answer().await.ok();
    let second = app.caller.chat("hello").answer().await.ok();
    assert_eq!((second.header("x-easyai-attempts"), bad.calls()), (Some("1"), 1), "{second}");
    let trace = app.caller.trace(&second.task()).await;
    assert_eq!((&trace["left_out"][0]["platform"], &trace["candidates"][0]["platform"]), (&"bad".into(), &"good".into()), "{trace}");

    app.caller.chat("hello").model("lonely").answer().await.refused(502, "upstream_error");
    let answer = app.caller.chat("hello").model("lonely").answer().await.ok();
    assert_eq!(app.caller.trace(&answer.task()).await["candidates"][0]["last_resort"], true);
    app.everything_is_settled("1000").await;
}

//! After the first useful delta: what was delivered is charged, what goes wrong is told inside the stream, nobody else is called.

use std::time::Duration;

use easyai_bench::mock::{Answer, Behaviour, Fault, MockUpstream, Place, Reply, UpstreamError, UsageReport};
use serde_json::Value;

use crate::app::{Catalog, Setup, TestApp};
use crate::caller::money;
use crate::patience::within;

const SHORT: &str = "timeouts = { connect_ms = 5000, first_delta_ms = 5000, idle_ms = 500, total_ms = 20000 }";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_an_upstream_thinks_comments_keep_the_connection_alive_and_failover_goes_on() {
    let thoughtful = Behaviour::always(Reply::status(503)).with_latency(Duration::from_millis(450));
    let bad = MockUpstream::start(thoughtful.clone()).await.unwrap();
    let good = MockUpstream::start(Behaviour::default().with_latency(Duration::from_millis(450))).await.unwrap();
    let catalog = Catalog::default().platform("bad", &bad.base_url(), "").platform("good", &good.base_url(), "");
    let catalog = catalog.offer("bad", "demo").offer("good", "demo").offer("bad", "lonely");
    let app = Setup::new(catalog).with("EASYAI_KEEP_ALIVE_MS", "100").start().await;
    let answer = app.caller.chat("hello").streamed().answer().await.ok();
    assert!(answer.is_complete(), "{answer}");
    assert!(String::from_utf8_lossy(&answer.body).starts_with(": keep-alive\n\n: keep-alive\n\n"), "{answer}");
    assert_eq!(app.caller.task(&answer.task()).await["attempts"], 2);
    let failed = app.caller.chat("hello").streamed().model("lonely").answer().await;
    assert_eq!(failed.status, 200, "the head was sent: {failed}");
    let last = failed.frames().pop().unwrap();
    assert!(last.contains("upstream_error") && !failed.is_complete(), "{failed}");
    let leaves = app.caller.chat("hello").streamed().begin().await;
    let task = leaves.header("x-easyai-task-id").unwrap().to_owned();
    drop(leaves);
    within(Duration::from_secs(5), "the task is cancelled", async || app.caller.task(&task).await["status"] == "cancelled").await;
    app.everything_is_settled("1000").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_after_the_first_delta_is_told_in_the_stream_and_what_was_delivered_is_charged() {
    let faults = [
        ("stall", Fault::Stall),
        ("cut", Fault::Cut),
        ("reset", Fault::Reset),
        ("end", Fault::End),
        ("error", Fault::Error(UpstreamError::of_status(500))),
        ("garbage", Fault::Garbage),
    ];
    let other = MockUpstream::start(Behaviour::default()).await.unwrap();
    let (mut catalog, mut mocks, mut names) = (Catalog::default(), Vec::new(), Vec::new());
    for (name, fault) in faults {
        // Apart in time, so that a reset does not overtake the deltas before it.
        let answer = Answer { chunk_delay: Duration::from_millis(50), ..Answer::default() }.broken(Place::Deltas(2), fault);
        let mock = MockUpstream::start(Behaviour::always(answer)).await.unwrap();
        catalog = catalog.platform(name, &mock.base_url(), SHORT).offer(name, name);
        mocks.push(mock);
        names.push(name);
    }
    catalog = catalog.platform("other", &other.base_url(), "");
    for name in &names {
        catalog = catalog.offer("other", name);
    }
    let app = TestApp::start(catalog).await;

    for name in names {
        let answer = app.caller.chat("hello").model(name).streamed().answer().await;
        assert_eq!((answer.status, answer.whole, answer.error_code().is_some()), (200, true, true), "{name}: {answer}");
        assert!(!answer.frames().iter().any(|frame| frame == "[DONE]"), "{name}: {answer}");
        // A reset may take with it what the system had not handed over yet.
        let text = answer.text();
        assert!(text == "The answer" || (name == "reset" && text == "The"), "{name}: {answer}");
        let task = app.caller.task(&answer.task()).await;
        assert_eq!((task["status"].as_str(), task["usage"]["source"].as_str()), (Some("failed"), Some("counted")), "{name}: {task}");
        let output = task["usage"]["output_tokens"].as_u64().unwrap();
        assert!((1..=2).contains(&output) && money(&task["charge"]).is_positive(), "{name}: {task}");
        let trace = app.caller.trace(&answer.task()).await;
        assert_eq!(trace["decisions"][0]["reason"], "stream_already_started", "{name}: {trace}");
        assert!(app.task_show(&answer.task()).contains("stream_already_started"), "{name}");
    }
    assert_eq!(other.calls(), 0);
    app.everything_is_settled("1000").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn usage_that_the_upstream_does_not_tell_is_counted() {
    let answer = Answer { usage_report: UsageReport::Never, ..Answer::default() };
    let upstream = MockUpstream::start(Behaviour::always(answer)).await.unwrap();
    let app = TestApp::start(Catalog::demo(&upstream.base_url())).await;
    let plain = app.caller.chat("hello").answer().await.ok();
    let stream = app.caller.chat("hello").streamed().answer().await.ok();
    let (plain, stream) = (app.caller.task(&plain.task()).await, app.caller.task(&stream.task()).await);
    for task in [&plain, &stream] {
        assert_eq!((task["status"].as_str(), task["usage"]["source"].as_str()), (Some("succeeded"), Some("counted")), "{task}");
        assert!(task["usage"]["input_tokens"].as_u64().unwrap() > 0 && money(&task["charge"]).is_positive(), "{task}");
    }
    assert_eq!(plain["charge"], stream["charge"]);
    app.everything_is_settled("1000").await;
}

fn usages(answer: &crate::http::Answer) -> Vec<Value> {
    let chunks = answer.frames().into_iter().filter_map(|frame| serde_json::from_str::<Value>(frame.as_ref()).ok());
    chunks.map(|chunk| chunk["usage"].clone()).filter(Value::is_object).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn usage_that_no_upstream_tells_is_shown_as_it_was_counted() {
    let answer = Answer { usage_report: UsageReport::Never, ..Answer::default() };
    let upstream = MockUpstream::start(Behaviour::always(answer)).await.unwrap();
    let app = TestApp::start(Catalog::demo(&upstream.base_url())).await;
    let asked = serde_json::json!({ "include_usage": true });
    let shown = app.caller.chat("hello").streamed().field("stream_options", asked).answer().await.ok();
    let task = app.caller.task(&shown.task()).await;
    let [usage] = &*usages(&shown) else { panic!("{shown}") };
    assert_eq!((&usage["prompt_tokens"], &usage["completion_tokens"]), (&task["usage"]["input_tokens"], &task["usage"]["output_tokens"]));
    assert_eq!(task["usage"]["source"], "counted");
    let hidden = app.caller.chat("hello").streamed().answer().await.ok();
    assert!(usages(&hidden).is_empty(), "{hidden}");
    app.everything_is_settled("1000").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn usage_is_always_asked_for_and_shown_only_to_those_who_asked() {
    let upstream = MockUpstream::start(Behaviour::default()).await.unwrap();
    let app = TestApp::start(Catalog::demo(&upstream.base_url())).await;
    let hidden = app.caller.chat("hello").streamed().answer().await.ok();
    let asked = serde_json::json!({ "include_usage": true });
    let shown = app.caller.chat("hello").streamed().field("stream_options", asked).answer().await.ok();
    assert_eq!((usages(&hidden).len(), usages(&shown).len()), (0, 1), "{hidden}\n{shown}");
    for request in upstream.requests() {
        assert_eq!(request.json().unwrap()["stream_options"]["include_usage"], true);
    }
    for answer in [hidden, shown] {
        assert_eq!(app.caller.task(&answer.task()).await["usage"]["source"], "upstream");
    }
}

/// Callers that go away at once.
const GONE: usize = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_that_vanish_cancel_the_upstream_and_pay_once_for_what_was_produced() {
    let slow = Answer { chunk_delay: Duration::from_millis(200), ..Answer::of_deltas(300) };
    let upstream = MockUpstream::start(Behaviour::always(slow)).await.unwrap();
    let app = TestApp::start(Catalog::demo(&upstream.base_url())).await;
    let mut opening = tokio::task::JoinSet::new();
    for _ in 0..GONE {
        let caller = app.caller.clone();
        opening.spawn(async move {
            let mut exchange = caller.chat("hello").streamed().field("max_tokens", 50).begin().await;
            // The role, and a delta: now it is paid for.
            assert!(exchange.frame().await.is_some() && exchange.frame().await.is_some());
            exchange
        });
    }
    let open = opening.join_all().await;
    assert_eq!(upstream.in_flight(), GONE as u64);
    drop(open);
    upstream.wait_for(|stats| stats.cancelled == GONE as u64, Duration::from_secs(2)).await.unwrap();
    within(Duration::from_secs(10), "nothing is held", async || app.caller.wallet().await.1.nanos() == 0).await;
    let tasks = app.caller.tasks("").await;
    assert_eq!(tasks.len(), GONE);
    for task in tasks {
        assert_eq!((task["status"].as_str(), task["usage"]["source"].as_str()), (Some("cancelled"), Some("counted")), "{task}");
        assert!(money(&task["charge"]).is_positive(), "{task}");
    }
    app.everything_is_settled("1000").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_vanishes_before_anything_was_produced_pays_nothing() {
    let silent = MockUpstream::start(Behaviour::always(easyai_bench::mock::Reply::Hang)).await.unwrap();
    let app = TestApp::start(Catalog::demo(&silent.base_url())).await;
    let caller = app.caller.clone();
    let asking = tokio::spawn(async move { caller.chat("hello").answer().await });
    silent.wait_for(|stats| stats.in_flight == 1, Duration::from_secs(10)).await.unwrap();
    asking.abort();
    silent.wait_for(|stats| stats.cancelled == 1, Duration::from_secs(2)).await.unwrap();
    within(Duration::from_secs(10), "the task is cancelled", async || app.caller.tasks("&status=cancelled").await.len() == 1).await;
    assert_eq!(app.caller.wallet().await.0, "1000".parse().unwrap());
    app.everything_is_settled("1000").await;
}

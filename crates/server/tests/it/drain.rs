//! SIGTERM: readiness goes false, nothing new is begun, what runs may end.

use std::time::Duration;

use easyai_bench::mock::{Answer, Behaviour, MockUpstream};

use crate::app::gateway::readiness;
use crate::app::{Catalog, Setup, TestApp};
use crate::patience::within;

fn slow(deltas: usize) -> Behaviour {
    Behaviour::always(Answer { chunk_delay: Duration::from_millis(50), ..Answer::of_deltas(deltas) })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_stream_ends_and_new_work_is_refused() {
    let upstream = MockUpstream::start(slow(40)).await.unwrap();
    let mut app = TestApp::start(Catalog::demo(&upstream.base_url())).await;
    let mut running = app.caller.chat("hello").streamed().begin().await;
    assert!(running.frame().await.is_some());

    app.gateway.terminate();
    let addr = app.gateway.addr;
    within(Duration::from_secs(5), "readiness is false", async || readiness(addr).await != Some(200)).await;
    // For a moment it still answers, to say so; then nobody listens.
    if let Ok(exchange) = app.caller.chat("hello").try_begin().await {
        exchange.rest().await.refused(503, "shutting_down");
    }
    let answer = running.rest().await.ok();
    assert_eq!(answer.text(), Answer::of_deltas(40).text());
    assert_eq!(app.gateway.ended(Duration::from_secs(10)).await.code(), Some(0));
    assert_eq!(upstream.calls(), 1);

    app.restart().await;
    assert_eq!(app.caller.task(&answer.task()).await["status"], "succeeded");
    app.everything_is_settled("1000").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_takes_longer_than_the_drain_time_is_cut_and_booked() {
    let upstream = MockUpstream::start(slow(2_000)).await.unwrap();
    let mut app = Setup::new(Catalog::demo(&upstream.base_url())).with("EASYAI_DRAIN_SECONDS", "1").start().await;
    let mut running = app.caller.chat("hello").streamed().begin().await;
    assert!(running.frame().await.is_some() && running.frame().await.is_some());
    app.gateway.terminate();
    assert_eq!(app.gateway.ended(Duration::from_secs(10)).await.code(), Some(0));
    let answer = running.rest().await;
    assert!(!answer.is_complete() && !answer.whole, "{answer}");
    app.restart().await;
    let task = app.caller.task(&answer.task()).await;
    assert!(task["status"] != "running" && crate::caller::money(&task["charge"]).is_positive(), "{task}");
    app.everything_is_settled("1000").await;
}

//! The simulation answers offline and repeatably, and fails as it is told; a simulated task costs nothing.

use easyai_bench::mock::{Behaviour, MockUpstream};

use crate::app::{Catalog, TestApp};

fn offline() -> Catalog {
    Catalog::default().simulation("offline", "").offer("offline", "demo")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_prompt_gets_the_same_answer_plain_and_streamed() {
    let app = TestApp::start(offline()).await;
    let plain = app.caller.chat("hello").answer().await.ok();
    let again = app.caller.chat("hello").answer().await.ok();
    let streamed = app.caller.chat("hello").streamed().answer().await.ok();
    assert!(plain.text().contains("hello"), "{plain}");
    assert_eq!((plain.text(), plain.text()), (again.text(), streamed.text()));
    assert_ne!(plain.text(), app.caller.chat("goodbye").answer().await.ok().text());
    let (first, second) = (app.caller.task(&plain.task()).await, app.caller.task(&streamed.task()).await);
    assert_eq!(first["usage"], second["usage"]);
    app.everything_is_settled("1000").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_simulated_task_runs_the_same_path_without_a_call_or_a_charge() {
    let upstream = MockUpstream::start(Behaviour::default()).await.unwrap();
    let app = TestApp::start(Catalog::demo(&upstream.base_url())).await;
    for chat in [app.caller.chat("hello"), app.caller.chat("hello").streamed()] {
        let answer = chat.header("x-easyai-run-mode", "simulation").answer().await.ok();
        let task = app.caller.task(&answer.task()).await;
        assert_eq!((&task["simulated"], &task["charge"], &task["status"]), (&true.into(), &"0".into(), &"succeeded".into()), "{task}");
    }
    assert_eq!((upstream.calls(), app.caller.wallet().await.0), (0, "1000".parse().unwrap()));
    app.everything_is_settled("1000").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_are_scripted_on_the_platform_and_by_a_header() {
    let catalog = Catalog::default()
        .simulation("faulty", r#"simulation = { script = [{ category = "overloaded" }] }"#)
        .simulation("calm", "")
        .offer("faulty", "demo")
        .offer("calm", "demo")
        .offer("calm", "calm");
    let app = TestApp::start(catalog).await;
    let answer = app.caller.chat("hello").answer().await.ok();
    assert_eq!(answer.header("x-easyai-attempts"), Some("2"), "{answer}");

    let scripted =
        |json: &str| app.caller.chat("hello").model("calm").header("x-easyai-run-mode", "simulation").header("x-easyai-simulation", json);
    let mut seen = Vec::new();
    for (json, status, code) in [
        (r#"{"script":[{"category":"rate_limit"}]}"#, 429, "rate_limit"),
        (r#"{"script":[{"category":"auth"}]}"#, 502, "upstream_auth"),
        (r#"{"script":[{"category":"context_length"}]}"#, 400, "context_length_exceeded"),
        (r#"{"script":[{"category":"content_filter"}]}"#, 400, "content_filter"),
        (r#"{"script":[{"category":"server_error"}]}"#, 502, "upstream_error"),
        (r#"{"script":[{"category":"timeout"}]}"#, 504, "upstream_timeout"),
    ] {
        seen.push(scripted(json).answer().await.refused(status, code).task());
    }
    // What a simulation suffered is held against nobody.
    scripted("{}").answer().await.ok();

    let broken = scripted(r#"{"chunks":6,"chunk_delay_ms":5,"script":[{"position":"cut","deltas":3}]}"#).streamed().answer().await;
    assert!(broken.status == 200 && broken.error_code().is_some() && !broken.is_complete(), "{broken}");
    let task = app.caller.task(&broken.task()).await;
    assert_eq!((task["status"].as_str(), task["charge"].as_str()), (Some("failed"), Some("0")), "{task}");
    app.everything_is_settled("1000").await;
}

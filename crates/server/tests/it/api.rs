//! What callers can see of their tasks: lists with filters and pages, events live and again, models, documents.

use std::time::Duration;

use easyai_bench::mock::{Answer as Said, Behaviour, MockUpstream, Reply};
use easyai_store::testing::TestEngine::{self, Postgres, Sqlite};
use rstest::rstest;
use serde_json::Value;

use crate::app::{Catalog, Setup, TestApp};
use crate::caller::Caller;
use crate::http::Answer;

async fn upstream() -> MockUpstream {
    MockUpstream::start(Behaviour::default()).await.unwrap()
}

fn ids(tasks: &[Value]) -> Vec<&str> {
    tasks.iter().map(|task| task["id"].as_str().unwrap()).collect()
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_are_listed_in_pages_the_latest_first_and_by_what_is_asked_for(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let (upstream, refuses) = (upstream().await, MockUpstream::start(Behaviour::always(Reply::status(400))).await.unwrap());
    let catalog = Catalog::demo(&upstream.base_url()).offer("only", "other");
    let app = Setup::new(catalog.platform("refuses", &refuses.base_url(), "").offer("refuses", "bad")).on(engine).start().await;
    let mut asked = Vec::new();
    for model in ["demo", "other", "demo", "bad", "demo"] {
        asked.insert(0, app.caller.chat("hello").model(model).answer().await.task());
    }
    let (mut paged, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = app.caller.get(&format!("/api/v1/tasks?limit=2{cursor}")).await.ok().json();
        let data = page["data"].as_array().unwrap();
        assert!((1..=2).contains(&data.len()), "{page}");
        paged.extend(data.iter().map(|task| task["id"].as_str().unwrap().to_owned()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(paged, asked);
    for (query, count) in [
        ("&status=succeeded", 4),
        ("&status=failed", 1),
        ("&status=running", 0),
        ("&model=demo", 3),
        ("&model=demo&status=failed", 0),
        ("&kind=chat.completions", 5),
        ("&since=2000-01-01T00:00:00Z", 5),
        ("&until=2000-01-01T00:00:00Z", 0),
    ] {
        assert_eq!(app.caller.tasks(query).await.len(), count, "{query}");
    }
    let stranger = app.stranger().await;
    assert_eq!(ids(&stranger.tasks("").await), Vec::<&str>::new());
    for path in ["", "/events", "/trace"] {
        stranger.get(&format!("/api/v1/tasks/{}{path}", asked[0])).await.refused(404, "task_not_found");
    }
}

async fn events(caller: &Caller, task: &str) -> Vec<Value> {
    caller.get(&format!("/api/v1/tasks/{task}/events")).await.ok().json()["data"].as_array().unwrap().clone()
}

async fn stream_of_events(caller: &Caller, task: &str, after: Option<u64>) -> Answer {
    let after = after.map(|after| after.to_string());
    let mut headers = vec![("accept", "text/event-stream")];
    headers.extend(after.as_deref().map(|after| ("last-event-id", after)));
    caller.get_with(&format!("/api/v1/tasks/{task}/events"), &headers).await
}

fn sequence(frames: &[String]) -> Vec<u64> {
    frames.iter().map(|frame| serde_json::from_str::<Value>(frame).unwrap()["seq"].as_u64().unwrap()).collect()
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_tell_a_tasks_life_and_can_be_taken_up_again(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let bad = MockUpstream::start(Behaviour::always(Reply::status(500))).await.unwrap();
    let good = upstream().await;
    let catalog = Catalog::default().platform("bad", &bad.base_url(), "").platform("good", &good.base_url(), "");
    let app = Setup::new(catalog.offer("bad", "demo").offer("good", "demo")).on(engine).start().await;
    let task = app.caller.chat("hello").answer().await.ok().task();

    let listed = events(&app.caller, &task).await;
    let types: Vec<_> = listed.iter().map(|event| event["type"].as_str().unwrap()).collect();
    for expected in ["task.attempt.started", "task.attempt.failed", "task.retrying", "task.billing.settled"] {
        assert!(types.contains(&expected), "{expected} is not in {types:?}");
    }
    assert_eq!(types.last(), Some(&"task.completed"));
    let all: Vec<u64> = (1..=listed.len() as u64).collect();
    assert_eq!(listed.iter().map(|event| event["seq"].as_u64().unwrap()).collect::<Vec<_>>(), all);

    let streamed = stream_of_events(&app.caller, &task, None).await;
    assert!(streamed.is_stream() && streamed.whole, "{streamed}");
    assert_eq!(sequence(&streamed.frames()), all);
    assert_eq!(sequence(&stream_of_events(&app.caller, &task, Some(3)).await.frames()), all[3..]);
    assert!(stream_of_events(&app.caller, &task, Some(all.len() as u64)).await.frames().is_empty());
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_task_is_followed_live_to_its_end(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let slow = Said { chunk_delay: Duration::from_millis(100), ..Said::of_deltas(10) };
    let upstream = MockUpstream::start(Behaviour::always(slow)).await.unwrap();
    let app = Setup::new(Catalog::demo(&upstream.base_url())).on(engine).start().await;
    let running = app.caller.chat("hello").streamed().begin().await;
    let task = running.header("x-easyai-task-id").unwrap().to_owned();
    assert_eq!(app.caller.task(&task).await["status"], "running");
    assert!(app.caller.wallet().await.1.is_positive());
    let (followed, answer) = tokio::join!(stream_of_events(&app.caller, &task, None), running.rest());
    answer.ok();
    let last: Value = serde_json::from_str(followed.frames().last().unwrap()).unwrap();
    assert_eq!((last["type"].as_str(), followed.whole), (Some("task.completed"), true), "{followed}");
    assert_eq!(sequence(&followed.frames()).len(), events(&app.caller, &task).await.len());
    app.everything_is_settled("1000").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_sees_and_uses_only_its_models() {
    let upstream = upstream().await;
    let app = TestApp::start(Catalog::demo(&upstream.base_url()).offer("only", "other")).await;
    let models = app.caller.get("/v1/models").await.ok().json();
    let names: Vec<_> = models["data"].as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap()).collect();
    assert_eq!((models["object"].as_str(), names), (Some("list"), vec!["demo", "other"]));
    assert_eq!(app.caller.get("/v1/models/demo").await.ok().json()["id"], "demo");
    app.caller.get("/v1/models/absent").await.refused(404, "model_not_found");
    app.caller.chat("hello").model("absent").answer().await.refused(404, "model_not_found");

    let created: Value =
        serde_json::from_str(&app.program.good(&["key", "create", "--account", "demo", "--models", "other", "--json"])).unwrap();
    let narrow = Caller { key: created["key"].as_str().unwrap().to_owned(), ..app.caller.clone() };
    crate::patience::within(Duration::from_secs(5), "the key is known", async || narrow.get("/v1/models").await.status == 200).await;
    narrow.chat("hello").answer().await.refused(403, "model_not_allowed");
    narrow.chat("hello").model("other").answer().await.ok();
    assert_eq!(narrow.get("/v1/models").await.ok().json()["data"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_machines_ask_for_is_there() {
    let upstream = upstream().await;
    let app = TestApp::start(Catalog::demo(&upstream.base_url())).await;
    app.caller.chat("hello").answer().await.ok();
    assert_eq!(app.caller.get("/healthz").await.status, 200);
    assert_eq!(app.caller.get("/readyz").await.status, 200);
    let metrics = String::from_utf8(app.caller.get("/metrics").await.ok().body).unwrap();
    assert!(metrics.contains("easyai_requests_total{endpoint=\"chat.completions\",status=\"200\"} 1"), "{metrics}");
    assert!(metrics.ends_with("# EOF\n"));
    let document = app.caller.get("/openapi.json").await.ok().json();
    for path in ["/v1/chat/completions", "/v1/models", "/api/v1/tasks", "/api/v1/tasks/{id}/events", "/api/v1/wallet", "/readyz"] {
        assert!(document["paths"][path].is_object(), "{path} is not in {document}");
    }
}

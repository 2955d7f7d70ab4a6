//! Calls that are refused before anything is sent: their task can be looked up and says why, and nothing is charged.

use easyai_bench::mock::{Behaviour, MockUpstream};
use easyai_store::testing::TestEngine::{self, Postgres, Sqlite};
use rstest::rstest;

use crate::app::{Catalog, Setup};

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_call_is_a_failed_task_that_says_why(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let upstream = MockUpstream::start(Behaviour::default()).await.unwrap();
    let dear = r#"{ input_per_million = "0", output_per_million = "0", per_request = "50" }"#;
    let pictures = r#"{ per_image = "0.04", per_request = "0.001" }"#;
    let catalog = Catalog::demo(&upstream.base_url()).offer_at("only", "dear", dear).offer_at("only", "pictures", pictures);
    let off = catalog.platform("off", &upstream.base_url(), "enabled = false").offer("off", "nobody");
    let app = Setup::new(off).on(engine).with_balance("10").start().await;
    let chat = |model: &str| app.caller.chat("hello").model(model);
    let refused = [
        (chat("dear").answer().await.refused(402, "insufficient_balance"), "insufficient_balance", "only"),
        (chat("dear").streamed().answer().await.refused(402, "insufficient_balance"), "insufficient_balance", "top up"),
        (chat("nobody").answer().await.refused(503, "no_candidate"), "no_candidate", "off: the platform is switched off"),
        (chat("pictures").answer().await.refused(503, "no_candidate"), "no_candidate", "nothing in its price is for tokens"),
        (chat("no-such").answer().await.refused(404, "model_not_found"), "model_not_found", "does not exist"),
        (app.caller.post(b"{\"model\": 5}").await.refused(400, "bad_request"), "bad_request", "model"),
    ];
    for (answer, code, told) in &refused {
        let task = app.caller.task(&answer.task()).await;
        assert_eq!(
            (task["status"].as_str(), task["error"]["code"].as_str(), task["charge"].as_str()),
            (Some("failed"), Some(*code), Some("0")),
            "{task}"
        );
        assert_eq!(task["attempts"], 0, "{task}");
        let events = app.caller.get(&format!("/api/v1/tasks/{}/events", answer.task())).await.ok().json();
        let types: Vec<_> = events["data"].as_array().unwrap().iter().map(|event| event["type"].as_str().unwrap()).collect();
        assert_eq!(types, ["task.progress", "task.failed"]);
        let shown = app.task_show(&answer.task());
        assert!(shown.contains(code) && shown.contains(told), "{shown}");
    }
    assert_eq!(app.caller.tasks("&status=failed").await.len(), refused.len());
    assert_eq!(upstream.calls(), 0);
    app.everything_is_settled("10").await;
}

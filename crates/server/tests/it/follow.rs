//! What an operator changes beside a running gateway is taken up within a second.

use std::time::Duration;

use easyai_bench::mock::{Behaviour, MockUpstream};
use easyai_store::testing::TestEngine::{self, Postgres, Sqlite};
use rstest::rstest;

use crate::app::{Catalog, Setup};
use crate::patience::within;

/// The contract's second, and what a busy machine may add.
const SOON: Duration = Duration::from_millis(1_500);

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_catalogue_and_a_revoked_key_are_taken_up_within_a_second(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let upstream = MockUpstream::start(Behaviour::default()).await.unwrap();
    let catalog = Catalog::demo(&upstream.base_url());
    let app = Setup::new(catalog.clone()).on(engine).start().await;
    app.caller.chat("hello").model("new").answer().await.refused(404, "model_not_found");

    app.program.apply(&catalog.clone().offer("only", "new"));
    let asked = app.caller.chat("hello").model("new");
    within(SOON, "the new model serves", async || asked.answer().await.status == 200).await;
    app.program.apply(&catalog);
    within(SOON, "the new model is gone", async || asked.answer().await.status == 404).await;

    app.program.good(&["key", "revoke", &app.key_id]);
    let asked = app.caller.chat("hello");
    within(SOON, "the key is refused", async || asked.answer().await.status == 401).await;
    asked.answer().await.refused(401, "invalid_api_key");
    app.ledger_is_clean();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_switched_off_platform_serves_nobody_until_it_is_switched_on() {
    let upstream = MockUpstream::start(Behaviour::default()).await.unwrap();
    let app = crate::app::TestApp::start(Catalog::demo(&upstream.base_url())).await;
    let asked = app.caller.chat("hello");
    app.program.good(&["platform", "disable", "only"]);
    within(SOON, "it serves nobody", async || asked.answer().await.status == 503).await;
    app.program.good(&["platform", "enable", "only"]);
    within(SOON, "it serves again", async || asked.answer().await.status == 200).await;
    app.everything_is_settled("1000").await;
}

//! `kill -9` at random instants under load: after the restart every complete answer is charged exactly once, and nothing is left open.
//!
//! `EASYAI_KILLS` sets the number of kills for each engine, `EASYAI_KILL_SEED` repeats a run's instants.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use easyai_bench::mock::{Answer as Said, Behaviour, MockUpstream, Reply};
use easyai_core::money::Money;
use easyai_store::testing::TestEngine::{self, Postgres, Sqlite};
use rstest::rstest;
use serde_json::Value;
use tokio::task::JoinSet;

use crate::app::{Catalog, Setup, TestApp};
use crate::caller::{Caller, money};
use crate::patience::within;

const BALANCE: &str = "1000000";
const CALLERS: usize = 24;

/// A complete answer that a caller got.
struct Received {
    task: String,
    /// Of a plain answer.
    charge: Option<Money>,
}

/// Instants that can be had again: `splitmix64`.
pub struct Dice(pub u64);

impl Dice {
    pub fn between(&mut self, least: u64, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        least + (mixed ^ (mixed >> 31)) % (most - least + 1)
    }
}

pub fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().and_then(|text| text.parse().ok())
}

#[rstest]
#[case::sqlite(Sqlite, 10)]
#[case::postgres(Postgres, 6)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_was_answered_completely_is_charged_once_and_nothing_is_left_open(#[case] engine: TestEngine, #[case] kills: u64) {
    let said = Said { chunk_delay: Duration::from_millis(5), ..Said::of_deltas(8) };
    let good = MockUpstream::start(Behaviour::always(said).with_latency(Duration::from_millis(3)).without_recording()).await.unwrap();
    // Now and then a failover, so that it is cut off too.
    let bad = MockUpstream::start(Behaviour::always(Reply::status(500)).without_recording()).await.unwrap();
    let catalog = Catalog::default().platform("bad", &bad.base_url(), "").platform("good", &good.base_url(), "");
    let catalog = catalog.offer("good", "demo").offer("bad", "shaky").offer("good", "shaky");
    let mut app = Setup::new(catalog).on(engine).with_balance(BALANCE).with("EASYAI_CHECKPOINT_MS", "100").start().await;

    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
    let seed = number("EASYAI_KILL_SEED").unwrap_or(now as u64);
    println!("EASYAI_KILL_SEED={seed}");
    let mut dice = Dice(seed);
    let mut complete = 0;
    for round in 0..number("EASYAI_KILLS").unwrap_or(kills) {
        let received = load_until_killed(&mut app, Duration::from_millis(dice.between(20, 500))).await;
        complete += received.len();
        app.restart().await;
        check(&app, received, round).await;
    }
    println!("{complete} complete answers");
    assert!(complete > 0, "no call was answered: nothing was tested");
    // And it goes on as if nothing had been.
    app.caller.chat("hello").answer().await.ok();
    app.everything_is_settled(BALANCE).await;
}

async fn load_until_killed(app: &mut TestApp, after: Duration) -> Vec<Received> {
    let over = Arc::new(AtomicBool::new(false));
    let mut callers = JoinSet::new();
    for index in 0..CALLERS {
        callers.spawn(ask_until(app.caller.clone(), index, Arc::clone(&over)));
    }
    // The instant of the kill is the subject: nothing is waited for.
    tokio::time::sleep(after).await;
    app.gateway.kill();
    over.store(true, Ordering::Relaxed);
    callers.join_all().await.into_iter().flatten().collect()
}

async fn ask_until(caller: Caller, index: usize, over: Arc<AtomicBool>) -> Vec<Received> {
    let mut received = Vec::new();
    let chat = caller.chat("hello").model(if index.is_multiple_of(3) { "shaky" } else { "demo" });
    let chat = if index.is_multiple_of(2) { chat } else { chat.streamed() };
    while !over.load(Ordering::Relaxed) {
        let Ok(exchange) = chat.try_begin().await else {
            tokio::task::yield_now().await;
            continue;
        };
        let answer = exchange.rest().await;
        if answer.is_complete() {
            received.push(Received { task: answer.task(), charge: answer.header("x-easyai-charge").map(|charge| charge.parse().unwrap()) });
        }
    }
    received
}

async fn check(app: &TestApp, received: Vec<Received>, round: u64) {
    // The sweep is done before the port opens.
    app.everything_is_settled(BALANCE).await;
    let tasks: HashMap<String, Value> =
        app.caller.tasks("").await.into_iter().map(|task| (task["id"].as_str().unwrap().to_owned(), task)).collect();
    for Received { task, charge } in received {
        let found = tasks.get(&task).unwrap_or_else(|| panic!("round {round}: {task} was answered and is not known"));
        let charged = money(&found["charge"]);
        assert_eq!(found["status"], "succeeded", "round {round}: {found}");
        assert!(charged.is_positive() && charge.is_none_or(|told| told == charged), "round {round}: {charge:?} told: {found}");
    }
    for task in tasks.values() {
        let (status, code) = (task["status"].as_str().unwrap(), task["error"]["code"].as_str());
        assert!(status == "succeeded" || code == Some("interrupted") || status == "cancelled", "round {round}: {task}");
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_was_cut_off_is_charged_by_its_last_checkpoint(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let said = Said { chunk_delay: Duration::from_millis(20), ..Said::of_deltas(2_000) };
    let upstream = MockUpstream::start(Behaviour::always(said)).await.unwrap();
    let setup = Setup::new(Catalog::demo(&upstream.base_url())).on(engine).with("EASYAI_CHECKPOINT_MS", "100");
    let mut app = setup.start().await;
    let mut exchange = app.caller.chat("hello").streamed().begin().await;
    let task = exchange.header("x-easyai-task-id").unwrap().to_owned();
    for _ in 0..40 {
        exchange.frame().await.unwrap();
    }
    app.gateway.kill();
    app.restart().await;
    let task = app.caller.task(&task).await;
    assert_eq!((task["status"].as_str(), task["error"]["code"].as_str()), (Some("failed"), Some("interrupted")), "{task}");
    let output = task["usage"]["output_tokens"].as_u64().unwrap();
    assert!(output > 0 && money(&task["charge"]).is_positive(), "{task}");
    within(Duration::from_secs(5), "the upstream is let go", async || upstream.in_flight() == 0).await;
    app.everything_is_settled("1000").await;
}

//! What the journal costs: callers that begin and finish tasks as fast as they can, and the processor time it takes.
//!
//! `cargo run --release -p easyai-store --features testing --example journal_cost -- [sqlite|postgres] [callers] [requests]`
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement for people")]

use std::sync::Arc;
use std::time::Instant;

use easyai_core::event::{AttemptStarted, EventLog, EventPayload, Normalizing, Progress};
use easyai_core::id::{AccountId, AttemptId, KeyId, NodeId, PlatformModelId, PriceId, RunnerPolicyId, TaskId};
use easyai_core::kind::{Kind, ModelType, RunMode};
use easyai_core::money::Money;
use easyai_core::price::Multiplier;
use easyai_core::pricing::Bill;
use easyai_core::task::{AttemptStatus, TaskStatus};
use easyai_core::usage::Usage;
use easyai_store::journal::{AttemptRow, Begin, Finish, Journal};
use easyai_store::testing::{TestDb, TestEngine};
use easyai_store::{ledger, now, sql};
use uuid::Uuid;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut args = std::env::args().skip(1);
    let engine = if args.next().as_deref() == Some("postgres") { TestEngine::Postgres } else { TestEngine::Sqlite };
    let callers: u64 = args.next().map_or(64, |text| text.parse().unwrap());
    let requests: u64 = args.next().map_or(20_000, |text| text.parse().unwrap());
    let test = TestDb::new(engine).await;
    let account = account(&test).await;
    let journal = Journal::start(&test.db).unwrap();
    let (before, journal_before, start) = (cpu_ns(None), cpu_ns(Some("journal")), Instant::now());
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..callers {
        let journal = journal.clone();
        running.spawn(async move {
            for _ in 0..requests / callers {
                let begin = begin(account);
                let task = begin.task;
                journal.begin(begin).await.unwrap();
                journal.finish(finish(account, task)).await.unwrap();
            }
        });
    }
    running.join_all().await;
    let seconds = start.elapsed().as_secs_f64();
    let each = |ns: u64| ns as f64 / requests as f64 / 1000.0;
    println!(
        "{engine:?}, {callers} callers: {:.0} requests/s, CPU a request {:.1} us, of that the journal's thread {:.1} us",
        requests as f64 / seconds,
        each(cpu_ns(None) - before),
        each(cpu_ns(Some("journal")) - journal_before)
    );
}

/// Nanoseconds on the processor of all threads, or of those with this name.
fn cpu_ns(name: Option<&str>) -> u64 {
    let threads = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    let named = threads.filter(|thread| {
        let comm = std::fs::read_to_string(thread.path().join("comm")).unwrap_or_default();
        name.is_none_or(|name| comm.trim() == name)
    });
    named.map(|thread| std::fs::read_to_string(thread.path().join("schedstat")).unwrap()).map(|text| first(&text)).sum()
}

fn first(text: &str) -> u64 {
    text.split(' ').next().unwrap().parse().unwrap()
}

async fn account(test: &TestDb) -> AccountId {
    let (group, account) = (Uuid::now_v7(), AccountId::from_uuid(Uuid::now_v7()));
    let mut tx = test.db.write().await.unwrap();
    sql!(tx, execute "INSERT INTO groups (id, name, price_multiplier, models, source, created_at) VALUES ($1, 'g', 1000000, '[]', 'file', 0)", group)
        .unwrap();
    let insert = "INSERT INTO accounts (id, name, group_id, source, enabled, created_at) VALUES ($1, 'a', $2, 'admin', TRUE, 0)";
    sql!(tx, execute insert, account.uuid(), group).unwrap();
    tx.commit().await.unwrap();
    ledger::top_up(&test.db, account, Money::from_nanos(i64::MAX / 2), None).await.unwrap();
    account
}

fn begin(account: AccountId) -> Begin {
    Begin {
        task: TaskId::from_uuid(Uuid::now_v7()),
        account,
        key: KeyId::from_uuid(Uuid::from_u128(1)),
        node: NodeId::from_uuid(Uuid::from_u128(5)),
        kind: Kind::ChatCompletions,
        model: Arc::from("gpt-5.4"),
        model_type: ModelType::TextGenerate,
        stream: false,
        run_mode: RunMode::Live,
        platform_model: PlatformModelId::from_uuid(Uuid::from_u128(2)),
        platform: Arc::from("primary"),
        hold: Money::from_nanos(1000),
        input_tokens: 12,
        expected_output_tokens: 34,
        price: PriceId::from_uuid(Uuid::from_u128(3)),
        catalog_revision: 7,
        runner_policy: RunnerPolicyId::from_uuid(Uuid::from_u128(4)),
        started_at: now(),
        idempotency: None,
        job: None,
        callbacks: Vec::new(),
    }
}

fn finish(account: AccountId, task: TaskId) -> Finish {
    let mut log = EventLog::new(1, Progress::NONE, false);
    log.add(EventPayload::Normalizing(Normalizing { model_type: ModelType::TextGenerate }), now());
    for _ in 0..3 {
        log.add(EventPayload::AttemptStarted(AttemptStarted { attempt: 1, client: Arc::from("primary") }), now());
    }
    let attempt = AttemptRow {
        id: AttemptId::from_uuid(Uuid::now_v7()),
        number: 1,
        platform_model: PlatformModelId::from_uuid(Uuid::from_u128(2)),
        platform: Arc::from("primary"),
        status: AttemptStatus::Succeeded,
        failure: None,
        sent: None,
        upstream_request_id: Some("req_0123456789".to_owned()),
        started_at: now(),
        first_delta_ms: Some(5),
        duration_ms: Some(9),
        trace_json: None,
    };
    let price = PriceId::from_uuid(Uuid::from_u128(3));
    Finish {
        task,
        account,
        status: TaskStatus::Succeeded,
        code: None,
        message: None,
        usage: Some(Usage::counted(12, 30)),
        bill: Some(Bill { price, multiplier: Multiplier::ONE, lines: Vec::new(), charge: Money::from_nanos(42), cost: None }),
        attempts: vec![attempt],
        events: log.take(),
        trace_json: format!("{{\"candidates\": \"{}\"}}", "x".repeat(400)),
        served_by: Some(PlatformModelId::from_uuid(Uuid::from_u128(2))),
        upstream_request_id: Some("req_0123456789".to_owned()),
        answer: None,
        releases_key: false,
        ends_job: false,
        finished_at: now(),
    }
}

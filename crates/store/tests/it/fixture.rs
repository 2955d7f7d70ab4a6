//! A database with one account and its wallet, and tasks in few words.

use std::sync::Arc;

use easyai_core::error::ErrorCode;
use easyai_core::event::{Event, EventLog, EventPayload, Failed, Metrics, Progress};
use easyai_core::id::{AccountId, AttemptId, KeyId, NodeId, PlatformModelId, PriceId, RunnerPolicyId, TaskId};
use easyai_core::kind::{Kind, ModelType, RunMode};
use easyai_core::ledger::Wallet;
use easyai_core::money::Money;
use easyai_core::price::Multiplier;
use easyai_core::pricing::Bill;
use easyai_core::task::{AttemptStatus, TaskStatus};
use easyai_core::time::Timestamp;
use easyai_core::usage::Usage;
use easyai_store::journal::{AttemptRow, Begin, Begun, Finish, Finished, Journal};
use easyai_store::testing::{TestDb, TestEngine};
use easyai_store::{ledger, sql, verify};
use uuid::Uuid;

pub struct Fixture {
    pub test: TestDb,
    pub journal: Journal,
    pub account: AccountId,
    pub node: NodeId,
}

pub const fn money(nanos: i64) -> Money {
    Money::from_nanos(nanos)
}

pub fn now() -> Timestamp {
    easyai_store::now()
}

impl Fixture {
    /// A database whose one wallet has `balance`.
    pub async fn new(engine: TestEngine, balance: i64) -> Self {
        let test = TestDb::new(engine).await;
        let account = account(&test, "first", balance).await;
        let journal = Journal::start(&test.db).unwrap();
        Self { test, journal, account, node: NodeId::from_uuid(Uuid::now_v7()) }
    }

    pub fn begin(&self, hold: i64) -> Begin {
        begin(self.account, self.node, hold)
    }

    /// Begins a task that must begin.
    pub async fn begun(&self, hold: i64) -> TaskId {
        let begin = self.begin(hold);
        let task = begin.task;
        assert_eq!(self.journal.begin(begin).await, Ok(Begun::Begun));
        task
    }

    pub fn succeed(&self, task: TaskId, charge: i64) -> Finish {
        finish(self.account, task, TaskStatus::Succeeded, charge)
    }

    pub async fn done(&self, finish: Finish, charged: i64) {
        assert_eq!(self.journal.finish(finish).await, Ok(Finished::Done { charged: money(charged) }));
    }

    pub async fn wallet(&self) -> (i64, i64) {
        let Wallet { balance, held } = ledger::wallet(&self.test.db, self.account).await.unwrap().unwrap();
        (balance.nanos(), held.nanos())
    }

    pub async fn findings(&self) -> Vec<String> {
        verify::verify(&self.test.db).await.unwrap().findings
    }

    pub async fn assert_clean(&self) {
        assert_eq!(self.findings().await, Vec::<String>::new());
    }
}

/// An account with money.
pub async fn account(test: &TestDb, name: &str, balance: i64) -> AccountId {
    let (group, account) = (Uuid::now_v7(), AccountId::from_uuid(Uuid::now_v7()));
    let mut tx = test.db.write().await.unwrap();
    let groups =
        "INSERT INTO groups (id, name, price_multiplier, models, source, created_at) VALUES ($1, $2, 1000000, '[\"*\"]', 'file', 0)";
    sql!(tx, execute groups, group, name).unwrap();
    let accounts = "INSERT INTO accounts (id, name, group_id, source, enabled, created_at) VALUES ($1, $2, $3, 'admin', TRUE, 0)";
    sql!(tx, execute accounts, account.uuid(), name, group).unwrap();
    ledger::open_wallet(&mut tx, account).await.unwrap();
    tx.commit().await.unwrap();
    if balance > 0 {
        ledger::top_up(&test.db, account, money(balance), None).await.unwrap();
    }
    account
}

pub fn begin(account: AccountId, node: NodeId, hold: i64) -> Begin {
    Begin {
        task: TaskId::from_uuid(Uuid::now_v7()),
        account,
        key: KeyId::from_uuid(Uuid::from_u128(1)),
        node,
        kind: Kind::ChatCompletions,
        model: Arc::from("gpt-5.4"),
        model_type: ModelType::TextGenerate,
        stream: false,
        run_mode: RunMode::Live,
        platform_model: PlatformModelId::from_uuid(Uuid::from_u128(2)),
        platform: Arc::from("primary"),
        hold: money(hold),
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

pub fn bill(charge: i64) -> Bill {
    let price = PriceId::from_uuid(Uuid::from_u128(3));
    Bill { price, multiplier: Multiplier::ONE, lines: Vec::new(), charge: money(charge), cost: Some(money(charge / 2)) }
}

pub fn attempt(number: u32, status: AttemptStatus) -> AttemptRow {
    AttemptRow {
        id: AttemptId::from_uuid(Uuid::now_v7()),
        number,
        platform_model: PlatformModelId::from_uuid(Uuid::from_u128(2)),
        platform: Arc::from("primary"),
        status,
        failure: None,
        sent: None,
        upstream_request_id: Some("req_1".to_owned()),
        started_at: now(),
        first_delta_ms: Some(5),
        duration_ms: Some(9),
        trace_json: None,
    }
}

/// One event of number `seq`.
pub fn event(seq: u32) -> Event {
    let mut log = EventLog::new(seq, Progress::NONE, false);
    log.add(EventPayload::Failed(Failed { code: ErrorCode::UpstreamError, upstream_request_id: None, metrics: Metrics::default() }), now());
    log.take().remove(0)
}

pub fn finish(account: AccountId, task: TaskId, status: TaskStatus, charge: i64) -> Finish {
    Finish {
        task,
        account,
        status,
        code: None,
        message: None,
        usage: Some(Usage::counted(12, 30)),
        bill: Some(bill(charge)),
        attempts: vec![attempt(1, AttemptStatus::Succeeded)],
        events: (1..=4).map(event).collect(),
        trace_json: "{\"candidates\": []}".to_owned(),
        served_by: Some(PlatformModelId::from_uuid(Uuid::from_u128(2))),
        upstream_request_id: Some("req_1".to_owned()),
        answer: None,
        releases_key: false,
        ends_job: false,
        finished_at: now(),
    }
}

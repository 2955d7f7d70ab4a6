//! Recorded tasks with their attempts and traces, from the oldest on, page by page: as much of the past as one likes in bounded memory.

use std::sync::Arc;
use std::time::Duration;

use easyai_core::error::ErrorCode;
use easyai_core::id::{AccountId, PlatformModelId, TaskId};
use easyai_core::kind::ModelType;
use easyai_core::money::Money;
use easyai_core::pricing::Bill;
use easyai_core::replay::{AttemptRecord, TaskRecord};
use easyai_core::task::{AttemptStatus, TaskStatus};
use easyai_core::time::Timestamp;
use easyai_core::usage::Usage;
use uuid::Uuid;

use crate::db::Db;
use crate::error::StoreError;
use crate::{rows, sql};

/// Tasks of a page: a megabyte or so, and some milliseconds of work for whoever reads it.
pub const PAGE: usize = 200;

/// An id is made a moment before its task begins, by a clock that may have been set meanwhile. Ids only narrow what is read: the tasks'
/// own times decide.
const SLACK: Duration = Duration::from_secs(3_600);

rows! {
    // A task with one of its attempts, if it has any: a row costs more than what stands in it, and most tasks have one attempt.
    struct Stored {
        id: TaskId,
        account_id: AccountId,
        model: Arc<str>,
        model_type: ModelType,
        simulated: bool,
        status: TaskStatus,
        code: Option<ErrorCode>,
        started_at: Timestamp,
        finished_at: Option<Timestamp>,
        usage: Option<Usage>,
        bill: Option<Bill>,
        charge: Option<Money>,
        cost: Option<Money>,
        trace: Option<String>,
        number: Option<u32>,
        attempt_platform_model_id: Option<PlatformModelId>,
        attempt_platform: Option<Arc<str>>,
        attempt_status: Option<AttemptStatus>,
        attempt_started_at: Option<Timestamp>,
        first_delta_ms: Option<u64>,
        duration_ms: Option<u64>,
    }
}

/// Which part of the past. What is not given is not asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Span {
    /// Tasks that began at this time or later.
    pub since: Option<Timestamp>,
    /// Tasks that began before this time.
    pub until: Option<Timestamp>,
    /// Of this public model.
    pub model: Option<String>,
    /// Of this account.
    pub account: Option<AccountId>,
}

/// Reads a part of the past to its end.
#[derive(Debug)]
pub struct History<'a> {
    db: &'a Db,
    span: &'a Span,
    after: Uuid,
}

impl<'a> History<'a> {
    /// At the beginning.
    #[must_use]
    pub fn new(db: &'a Db, span: &'a Span) -> Self {
        let before = |since: Timestamp| Timestamp::from_micros(since.micros().saturating_sub(micros(SLACK)));
        Self { db, span, after: span.since.map_or(Uuid::nil(), |since| first_id(before(since))) }
    }

    /// The next tasks, in the order of their ids; none at the end.
    ///
    /// # Errors
    /// [`StoreError`] if they can't be read; the same page can be asked for again.
    pub async fn next(&mut self) -> Result<Vec<TaskRecord>, StoreError> {
        let select = "SELECT t.*, a.number, a.platform_model_id AS attempt_platform_model_id, a.platform AS attempt_platform,
                a.status AS attempt_status, a.started_at AS attempt_started_at, a.first_delta_ms, a.duration_ms
            FROM (
                SELECT id, account_id, model, model_type, simulated, status, code, started_at, finished_at, usage, bill, charge, cost, trace
                FROM tasks
                WHERE id > $1 AND id <= $2 AND started_at >= $3 AND started_at < $4 AND ($5 IS NULL OR model = $5)
                    AND ($6 IS NULL OR account_id = $6)
                ORDER BY id LIMIT $7
            ) t LEFT JOIN attempts a ON a.task_id = t.id
            ORDER BY t.id, a.number";
        let Span { since, until, model, account } = self.span;
        let last = until.map_or(Uuid::max(), |until| first_id(until.plus(SLACK)));
        let (since, until) = (since.map_or(i64::MIN, Timestamp::micros), until.map_or(i64::MAX, Timestamp::micros));
        let (model, account) = (model.as_deref(), account.map(AccountId::uuid));
        let limit = i64::try_from(PAGE).unwrap_or(i64::MAX);
        let mut conn = self.db.read().await?;
        let rows = sql!(conn, all Stored, select, self.after, last, since, until, model, account, limit)?;
        let tasks = gathered(rows);
        self.after = tasks.last().map_or(self.after, |task| task.id.uuid());
        Ok(tasks)
    }
}

/// Rows of the same task stand together.
fn gathered(rows: Vec<Stored>) -> Vec<TaskRecord> {
    let mut tasks: Vec<TaskRecord> = Vec::with_capacity(PAGE);
    for row in rows {
        let (id, attempt) = (row.id, row.attempt());
        if tasks.last().is_none_or(|task| task.id != id) {
            tasks.push(row.into());
        }
        if let Some(task) = tasks.last_mut() {
            task.attempts.extend(attempt);
        }
    }
    tasks
}

/// The least id of a task that was made at this time.
///
/// Source: RFC 9562, section 5.7: a UUIDv7 begins with 48 bits of milliseconds.
fn first_id(at: Timestamp) -> Uuid {
    let millis = u128::try_from(at.micros() / 1_000).unwrap_or(0);
    Uuid::from_u128(millis << 80)
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

impl Stored {
    fn attempt(&self) -> Option<AttemptRecord> {
        Some(AttemptRecord {
            number: self.number?,
            platform_model: self.attempt_platform_model_id?,
            platform: self.attempt_platform.clone()?,
            status: self.attempt_status?,
            started_at: self.attempt_started_at?,
            first_delta_ms: self.first_delta_ms,
            duration_ms: self.duration_ms,
        })
    }
}

impl From<Stored> for TaskRecord {
    fn from(row: Stored) -> Self {
        Self {
            id: row.id,
            account: row.account_id,
            model: row.model,
            model_type: row.model_type,
            simulated: row.simulated,
            status: row.status,
            code: row.code,
            started_at: row.started_at,
            finished_at: row.finished_at,
            usage: row.usage,
            bill: row.bill,
            charge: row.charge,
            cost: row.cost,
            trace: row.trace,
            attempts: Vec::new(),
        }
    }
}

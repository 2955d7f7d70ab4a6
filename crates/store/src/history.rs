//! Recorded tasks with their attempts and traces, from the oldest on, page by page: as much of the past as one likes in bounded memory.

use std::collections::HashMap;
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

use crate::db::{Conn, Db};
use crate::error::StoreError;
use crate::{rows, sql};

/// Tasks of a page: a megabyte or so, and some milliseconds of work for whoever reads it.
pub const PAGE: usize = 200;

/// An id is made a moment before its task begins, by a clock that may have been set meanwhile. Ids only narrow what is read: the tasks'
/// own times decide.
const SLACK: Duration = Duration::from_secs(3_600);

rows! {
    struct StoredTask {
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
    }
}

rows! {
    struct StoredAttempt {
        task_id: TaskId,
        number: u32,
        platform_model_id: PlatformModelId,
        platform: Arc<str>,
        status: AttemptStatus,
        started_at: Timestamp,
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

/// The conditions of both statements, of `$1` to `$6`: constant text, so that it is prepared once.
macro_rules! within {
    () => {
        "t.id > $1 AND t.id <= $2 AND t.started_at >= $3 AND t.started_at < $4 AND ($5 IS NULL OR t.model = $5) \
         AND ($6 IS NULL OR t.account_id = $6)"
    };
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
        let last = self.span.until.map_or(Uuid::max(), |until| first_id(until.plus(SLACK)));
        let mut conn = self.db.read().await?;
        let tasks = self.tasks(&mut conn, last).await?;
        let Some(end) = tasks.last().map(|task| task.id.uuid()) else { return Ok(Vec::new()) };
        let mut attempts = self.attempts(&mut conn, end).await?;
        self.after = end;
        Ok(tasks.into_iter().map(|task| record(attempts.remove(&task.id).unwrap_or_default(), task)).collect())
    }

    async fn tasks(&self, conn: &mut Conn, last: Uuid) -> Result<Vec<StoredTask>, StoreError> {
        let select = concat!(
            "SELECT t.id, t.account_id, t.model, t.model_type, t.simulated, t.status, t.code, t.started_at, t.finished_at, t.usage, t.bill,
                t.charge, t.cost, t.trace
            FROM tasks t WHERE ",
            within!(),
            " ORDER BY t.id LIMIT $7"
        );
        let (since, until, model, account) = self.bounds();
        let rows = i64::try_from(PAGE).unwrap_or(i64::MAX);
        sql!(conn, all StoredTask, select, self.after, last, since, until, model, account, rows)
    }

    async fn attempts(&self, conn: &mut Conn, last: Uuid) -> Result<HashMap<TaskId, Vec<AttemptRecord>>, StoreError> {
        let select = concat!(
            "SELECT a.task_id, a.number, a.platform_model_id, a.platform, a.status, a.started_at, a.first_delta_ms, a.duration_ms
            FROM attempts a JOIN tasks t ON t.id = a.task_id WHERE a.task_id > $1 AND a.task_id <= $2 AND ",
            within!(),
            " ORDER BY a.task_id, a.number"
        );
        let (since, until, model, account) = self.bounds();
        let rows = sql!(conn, all StoredAttempt, select, self.after, last, since, until, model, account)?;
        let mut of: HashMap<TaskId, Vec<AttemptRecord>> = HashMap::new();
        for row in rows {
            of.entry(row.task_id).or_default().push(row.into());
        }
        Ok(of)
    }

    fn bounds(&self) -> (i64, i64, Option<&'a str>, Option<Uuid>) {
        let Span { since, until, model, account } = self.span;
        let (since, until) = (since.map_or(i64::MIN, Timestamp::micros), until.map_or(i64::MAX, Timestamp::micros));
        (since, until, model.as_deref(), account.map(AccountId::uuid))
    }
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

impl From<StoredAttempt> for AttemptRecord {
    fn from(row: StoredAttempt) -> Self {
        Self {
            number: row.number,
            platform_model: row.platform_model_id,
            platform: row.platform,
            status: row.status,
            started_at: row.started_at,
            first_delta_ms: row.first_delta_ms,
            duration_ms: row.duration_ms,
        }
    }
}

fn record(attempts: Vec<AttemptRecord>, row: StoredTask) -> TaskRecord {
    TaskRecord {
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
        attempts,
    }
}

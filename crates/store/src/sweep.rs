//! What a dead node left behind: each of its running tasks ends `failed: interrupted`, charged for what its last checkpoint says was
//! delivered, or not at all. Through the journal, so exactly once: a task that somebody else ends first is left alone. Tasks that go on
//! without their callers are not swept but taken over (see [`jobs`](crate::jobs)).

use easyai_core::error::ErrorCode;
use easyai_core::event::{Currency, Event, EventLog, EventPayload, Failed, Metrics, Progress, Settled};
use easyai_core::failure::{Category, Sent};
use easyai_core::id::{AttemptId, NodeId};
use easyai_core::money::Money;
use easyai_core::task::{AttemptStatus, TaskStatus};
use easyai_core::time::Timestamp;
use tokio::task::JoinSet;

use crate::column::One;
use crate::db::{Db, Tx};
use crate::error::StoreError;
use crate::journal::{AttemptFailure, AttemptRow, Finish, Finished, Journal};
use crate::nodes::{Node, lock_number, mark_stopped};
use crate::tasks::{self, TaskRow, task_columns};
use crate::{now, sql};

/// Tasks ended at once; each page is about one commit.
const PAGE: i64 = 256;

/// What the caller is told, should it still ask.
const MESSAGE: &str = "the gateway was stopped in the middle of this task";

/// What was swept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// Dead nodes whose work is accounted for now.
    pub nodes: u64,
    /// Tasks that were ended.
    pub tasks: u64,
    /// What was charged for them.
    pub charged: Money,
}

/// Ends the running tasks of all dead nodes. Called at start, before anything is served; `currency` is what events name.
///
/// # Errors
/// [`StoreError`] if it could not be done to the end; doing it again is safe.
pub async fn sweep(db: &Db, journal: &Journal, node: &Node, currency: &Currency) -> Result<Swept, StoreError> {
    let mut swept = Swept::default();
    for dead in others(db, node.id()).await? {
        let Some(lock) = lock_of_dead(db, dead).await? else { continue };
        end_all(db, journal, dead, currency, &mut swept).await?;
        mark_stopped(db, dead).await?;
        drop(lock);
        swept.nodes += 1;
    }
    Ok(swept)
}

/// Nodes that may have left something: those that did not leave in order, and those of running tasks.
async fn others(db: &Db, this: NodeId) -> Result<Vec<NodeId>, StoreError> {
    let mut conn = db.read().await?;
    let select = "SELECT id FROM nodes WHERE stopped_at IS NULL AND id <> $1
        UNION SELECT node_id FROM tasks WHERE status IN ('queued', 'running') AND node_id <> $1
            AND NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.task_id = tasks.id AND jobs.state <> 'ended')";
    let found = sql!(conn, all One<uuid::Uuid>, select, this.uuid())?;
    Ok(found.into_iter().map(|(id,)| NodeId::from_uuid(id)).collect())
}

/// That `node` is dead: on SQLite because this one holds the only lock there is, on PostgreSQL its own lock, taken for the while.
#[derive(Debug)]
pub(crate) enum DeadLock {
    File,
    Session { _tx: Tx },
}

pub(crate) async fn lock_of_dead(db: &Db, node: NodeId) -> Result<Option<DeadLock>, StoreError> {
    match db {
        Db::Sqlite(_) => Ok(Some(DeadLock::File)),
        Db::Postgres(_) => {
            let mut tx = db.write().await?;
            let (taken,) = sql!(tx, one One<bool>, "SELECT pg_try_advisory_xact_lock($1)", lock_number(node))?;
            Ok(taken.then_some(DeadLock::Session { _tx: tx }))
        }
    }
}

async fn end_all(db: &Db, journal: &Journal, dead: NodeId, currency: &Currency, swept: &mut Swept) -> Result<(), StoreError> {
    let mut after = uuid::Uuid::nil();
    loop {
        let page = running(db, dead, after).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.id.uuid();
        let mut ending = JoinSet::new();
        for task in page {
            let finish = interrupted(db, task, currency).await?;
            let journal = journal.clone();
            ending.spawn(async move { journal.finish(finish).await });
        }
        while let Some(ended) = ending.join_next().await {
            let ended = ended.map_err(|error| StoreError::Statement(format!("a sweep was broken off: {error}")))?;
            if let Finished::Done { charged } = ended? {
                swept.tasks += 1;
                swept.charged = swept.charged.plus(charged).unwrap_or(swept.charged);
            }
        }
    }
}

async fn running(db: &Db, node: NodeId, after: uuid::Uuid) -> Result<Vec<TaskRow>, StoreError> {
    let select = concat!(
        "SELECT ",
        task_columns!(),
        " FROM tasks WHERE node_id = $1 AND id > $2 AND status IN ('queued', 'running')
            AND NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.task_id = tasks.id AND jobs.state <> 'ended') ORDER BY id LIMIT $3"
    );
    let mut conn = db.read().await?;
    sql!(conn, all TaskRow, select, node.uuid(), after, PAGE)
}

/// How a task of a dead node ends.
async fn interrupted(db: &Db, task: TaskRow, currency: &Currency) -> Result<Finish, StoreError> {
    let finished_at = now();
    let attempts = attempts_of(db, &task, finished_at).await?;
    let events = tasks::events_of(db, &task, 1, currency).await?;
    Ok(Finish {
        task: task.id,
        account: task.account_id,
        status: TaskStatus::Failed,
        code: Some(ErrorCode::Interrupted),
        message: Some(MESSAGE.to_owned()),
        events: completed(events, &task, attempts.len(), currency, finished_at),
        attempts,
        // The last checkpoint: what had been delivered.
        usage: task.usage,
        served_by: task.bill.is_some().then_some(task.platform_model_id),
        // Without a checkpoint nothing is charged, and whoever asks again is to get an answer.
        releases_key: task.bill.is_none(),
        ends_job: false,
        bill: task.bill,
        trace_json: String::new(),
        upstream_request_id: task.upstream_request_id,
        answer: None,
        finished_at,
    })
}

/// The events so far and the end.
fn completed(mut events: Vec<Event>, task: &TaskRow, attempts: usize, currency: &Currency, at: Timestamp) -> Vec<Event> {
    let (seq, progress) = events.last().map_or((0, Progress::NONE), |event| (event.seq, event.progress));
    let mut log = EventLog::new(seq + 1, progress, task.simulated);
    let charge = task.bill.as_ref().map_or(Money::ZERO, |bill| bill.charge);
    if charge.is_positive() && !task.simulated {
        let settled = Settled { status: TaskStatus::Failed, amount: charge, currency: currency.clone() };
        log.add(EventPayload::Settled(settled), at);
    }
    let total_ms = u64::try_from(at.since(task.started_at).as_millis()).unwrap_or(u64::MAX);
    let metrics = Metrics { total_ms, first_delta_ms: None, attempts: u32::try_from(attempts).unwrap_or(u32::MAX) };
    let failed = Failed { code: ErrorCode::Interrupted, upstream_request_id: task.upstream_request_id.clone(), metrics };
    log.add(EventPayload::Failed(failed), at);
    events.extend(log.take());
    events
}

/// The attempts so far; those under way end here. The first is implied by the task if nothing was noted, unless nobody was
/// to be called.
async fn attempts_of(db: &Db, task: &TaskRow, at: Timestamp) -> Result<Vec<AttemptRow>, StoreError> {
    let mut attempts = tasks::attempts(db, task.id).await?;
    if attempts.is_empty() && !task.platform.is_empty() {
        attempts.push(first_attempt(task));
    }
    for attempt in attempts.iter_mut().filter(|attempt| attempt.status == AttemptStatus::Running) {
        attempt.status = AttemptStatus::Failed;
        attempt.sent = Some(Sent::Maybe);
        let failure = AttemptFailure { category: Category::Internal, code: None, http_status: None, message: MESSAGE.to_owned() };
        attempt.failure = Some(failure);
        attempt.duration_ms = u64::try_from(at.since(attempt.started_at).as_millis()).ok();
    }
    Ok(attempts)
}

fn first_attempt(task: &TaskRow) -> AttemptRow {
    AttemptRow {
        id: AttemptId::from_uuid(uuid::Uuid::now_v7()),
        number: 1,
        platform_model: task.platform_model_id,
        platform: task.platform.clone(),
        status: AttemptStatus::Running,
        failure: None,
        sent: None,
        upstream_request_id: None,
        started_at: task.started_at,
        first_delta_ms: None,
        duration_ms: None,
        trace_json: None,
    }
}

//! Callbacks as they are read: lists for people, and what a deliverer looks for.

use easyai_core::delivery::{CallbackState, Receiver};
use easyai_core::id::{AccountId, CallbackId, TaskId};
use easyai_core::time::Timestamp;

use super::{Callback, callback_columns};
use crate::column::One;
use crate::db::Db;
use crate::error::StoreError;
use crate::{rows, sql};

/// The most callbacks of one page.
pub const MAX_PAGE: u32 = 500;

/// Which callbacks. What is not given is not asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of this account's tasks.
    pub account: Option<AccountId>,
    /// Of this task.
    pub task: Option<TaskId>,
    /// In this state.
    pub state: Option<CallbackState>,
    /// Whose address was named by this one.
    pub receiver: Option<Receiver>,
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The callbacks, the latest first.
    pub callbacks: Vec<Callback>,
    /// Where the next page begins; none after the last.
    pub next: Option<CallbackId>,
}

/// The conditions beside the one that has an index: constant text, so that it is prepared once.
macro_rules! select {
    ($of:literal) => {
        concat!(
            "SELECT ",
            callback_columns!(),
            " FROM callbacks WHERE id < $1 AND ($2 IS NULL OR receiver = $2) AND ($3 IS NULL OR state = $3)",
            $of,
            " ORDER BY id DESC LIMIT $4"
        )
    };
}

/// A page of at most `limit` callbacks, each made before `after` (the `next` of the page before).
///
/// # Errors
/// [`StoreError`] if they can't be read.
pub async fn list(db: &Db, filter: &Filter, after: Option<CallbackId>, limit: u32) -> Result<Page, StoreError> {
    let limit = limit.clamp(1, MAX_PAGE);
    let after = after.map_or(uuid::Uuid::max(), CallbackId::uuid);
    let (receiver, state) = (filter.receiver.map(Receiver::as_str), filter.state.map(CallbackState::as_str));
    // One more than asked for: it says whether there is a next page.
    let rows = i64::from(limit) + 1;
    let mut conn = db.read().await?;
    let mut callbacks = match (filter.task.map(TaskId::uuid), filter.account.map(AccountId::uuid)) {
        (Some(task), Some(account)) => {
            let select = select!(" AND task_id = $5 AND account_id = $6");
            sql!(conn, all Callback, select, after, receiver, state, rows, task, account)?
        }
        (Some(task), None) => sql!(conn, all Callback, select!(" AND task_id = $5"), after, receiver, state, rows, task)?,
        (None, Some(account)) => sql!(conn, all Callback, select!(" AND account_id = $5"), after, receiver, state, rows, account)?,
        // Said again as a constant: it has an index of its own.
        (None, None) if filter.state == Some(CallbackState::Dead) => {
            sql!(conn, all Callback, select!(" AND state = 'dead'"), after, receiver, state, rows)?
        }
        (None, None) => sql!(conn, all Callback, select!(""), after, receiver, state, rows)?,
    };
    let more = callbacks.len() > limit as usize;
    callbacks.truncate(limit as usize);
    let next = callbacks.last().filter(|_| more).map(|callback| callback.id);
    Ok(Page { callbacks, next })
}

rows! {
    /// A callback that waits for an event of its task.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Idle {
        /// Which.
        pub id: CallbackId,
        /// Its task.
        pub task_id: TaskId,
        /// Whether there is an event already: nobody noticed.
        pub ready: bool,
    }
}

/// A page of the callbacks that wait for an event, each after `after`.
///
/// # Errors
/// [`StoreError`] if they can't be read.
pub async fn idle(db: &Db, after: Option<CallbackId>, limit: u32) -> Result<Vec<Idle>, StoreError> {
    let select = "SELECT c.id, c.task_id, (t.status NOT IN ('queued', 'running') OR EXISTS (
                SELECT 1 FROM task_events e WHERE e.task_id = c.task_id AND e.first_seq >= c.next_seq)) AS ready
            FROM callbacks c JOIN tasks t ON t.id = c.task_id
        WHERE c.state = 'open' AND c.due_at IS NULL AND c.id > $1 ORDER BY c.id LIMIT $2";
    let mut conn = db.read().await?;
    sql!(conn, all Idle, select, after.map_or(uuid::Uuid::nil(), CallbackId::uuid), i64::from(limit))
}

/// When the next callback is due after `after`.
///
/// # Errors
/// [`StoreError`] if it can't be read.
pub async fn next_due(db: &Db, after: Timestamp) -> Result<Option<Timestamp>, StoreError> {
    let mut conn = db.read().await?;
    let (next,) = sql!(conn, one One<Option<i64>>, "SELECT MIN(due_at) FROM callbacks WHERE due_at > $1", after.micros())?;
    Ok(next.map(Timestamp::from_micros))
}

/// How many callbacks have something to be sent, now or later.
///
/// # Errors
/// [`StoreError`] if it can't be read.
pub async fn waiting(db: &Db) -> Result<u64, StoreError> {
    let mut conn = db.read().await?;
    let (waiting,) = sql!(conn, one One<i64>, "SELECT COUNT(*) FROM callbacks WHERE due_at IS NOT NULL")?;
    Ok(u64::try_from(waiting).unwrap_or(0))
}

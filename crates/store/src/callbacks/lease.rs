//! Taking callbacks to send, and writing down what became of them. Both in the caller's transaction, so that many share one commit.
//!
//! A lease is a time at which the row is due again by itself. Whoever lost one changes nothing any more.

use easyai_core::id::{CallbackId, NodeId, TaskId};
use easyai_core::time::Timestamp;

use super::{Callback, callback_columns};
use crate::db::Tx;
use crate::error::StoreError;
use crate::sql;

/// What became of a claimed callback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Which.
    pub id: CallbackId,
    /// The event that is sent next.
    pub next_seq: u32,
    /// Failed tries in a row.
    pub failures: u32,
    /// What happens next.
    pub next: Next,
    /// Of the last failed try, if there was one since the last success.
    pub error: Option<String>,
    /// Events that were given up: each becomes a callback of its own.
    pub dead: Vec<DeadEvent>,
}

/// What happens next with a callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// It is looked at again then.
    At(Timestamp),
    /// It waits for the task's next event.
    Idle,
    /// Nothing more comes.
    Done,
    /// It is given up, until a person sends it again.
    Dead,
}

impl Next {
    const fn columns(self) -> (&'static str, Option<i64>) {
        match self {
            Self::At(at) => ("open", Some(at.micros())),
            Self::Idle => ("open", None),
            Self::Done => ("done", None),
            Self::Dead => ("dead", None),
        }
    }
}

/// An event that was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadEvent {
    /// Its number.
    pub seq: u32,
    /// Failed tries in a row, this one's and those before it.
    pub failures: u32,
    /// Of the last try.
    pub error: String,
}

/// The callbacks that are due, the longest due first. Those of `except`, a JSON array of hosts, are left out.
///
/// # Errors
/// [`StoreError`] if they can't be read.
pub async fn due(tx: &mut Tx, now: Timestamp, except: &str, limit: u32) -> Result<Vec<Callback>, StoreError> {
    // The one thing that the engines say differently: how a JSON array becomes rows.
    let select = match tx {
        Tx::Sqlite(_) => concat!(
            "SELECT ",
            callback_columns!(),
            " FROM callbacks WHERE due_at <= $1 AND host NOT IN (SELECT value FROM json_each($2)) ORDER BY due_at, id LIMIT $3"
        ),
        Tx::Postgres(_) => concat!(
            "SELECT ",
            callback_columns!(),
            " FROM callbacks WHERE due_at <= $1 AND host NOT IN (SELECT json_array_elements_text($2::json)) ORDER BY due_at, id LIMIT $3"
        ),
    };
    sql!(tx, all Callback, select, now.micros(), except, i64::from(limit))
}

/// The callbacks of a task that may be sent now: those that are due, and those that waited for an event.
///
/// # Errors
/// [`StoreError`] if they can't be read.
pub async fn of_task(tx: &mut Tx, task: TaskId, now: Timestamp) -> Result<Vec<Callback>, StoreError> {
    let select = concat!(
        "SELECT ",
        callback_columns!(),
        " FROM callbacks WHERE task_id = $1 AND state = 'open' AND (due_at IS NULL OR due_at <= $2) ORDER BY id"
    );
    sql!(tx, all Callback, select, task.uuid(), now.micros())
}

/// Takes `callback` for `node`, until `until` unless it is marked before. False if somebody else was faster.
///
/// # Errors
/// [`StoreError`] if it can't be written.
pub async fn claim(tx: &mut Tx, callback: &Callback, node: NodeId, now: Timestamp, until: Timestamp) -> Result<bool, StoreError> {
    let update = "UPDATE callbacks SET due_at = $4, node_id = $3
        WHERE id = $1 AND state = 'open' AND next_seq = $2 AND (due_at IS NULL OR due_at <= $5)";
    let (id, seq) = (callback.id.uuid(), i64::from(callback.next_seq));
    Ok(sql!(tx, execute update, id, seq, node.uuid(), until.micros(), now.micros())? == 1)
}

/// Makes a callback due that waits for an event: there is one, but nobody to send it now.
///
/// # Errors
/// [`StoreError`] if it can't be written.
pub async fn wake(tx: &mut Tx, id: CallbackId, now: Timestamp) -> Result<(), StoreError> {
    let update = "UPDATE callbacks SET due_at = $2 WHERE id = $1 AND state = 'open' AND due_at IS NULL";
    sql!(tx, execute update, id.uuid(), now.micros()).map(drop)
}

/// Writes down what became of a callback that `node` had taken. False, and nothing changed, if its lease had ended and somebody else
/// has it now.
///
/// # Errors
/// [`StoreError`] if it can't be written.
pub async fn mark(tx: &mut Tx, mark: &Mark, node: NodeId, now: Timestamp) -> Result<bool, StoreError> {
    let (id, (state, due_at)) = (mark.id.uuid(), mark.next.columns());
    let update = "UPDATE callbacks SET next_seq = $3, failures = $4, state = $5, due_at = $6, error = $7, updated_at = $8, node_id = NULL
        WHERE id = $1 AND node_id = $2";
    let (seq, failures, at) = (i64::from(mark.next_seq), i64::from(mark.failures), now.micros());
    if sql!(tx, execute update, id, node.uuid(), seq, failures, state, due_at, mark.error.as_deref(), at)? == 0 {
        return Ok(false);
    }
    for dead in &mark.dead {
        let insert = "INSERT INTO callbacks (id, task_id, account_id, receiver, only_seq, url, host, state, next_seq, failures, error,
                created_at, updated_at)
            SELECT $2, task_id, account_id, receiver, $3, url, host, 'dead', $3, $4, $5, $6, $6 FROM callbacks WHERE id = $1
            ON CONFLICT (task_id, receiver, only_seq) DO NOTHING";
        let (seq, failures) = (i64::from(dead.seq), i64::from(dead.failures));
        sql!(tx, execute insert, id, crate::new_id(), seq, failures, dead.error.as_str(), at)?;
    }
    Ok(true)
}

/// Ends the leases of nodes that are gone: what they had taken is due at once.
///
/// # Errors
/// [`StoreError`] if it can't be written.
pub async fn release_dead_nodes(tx: &mut Tx, now: Timestamp) -> Result<u64, StoreError> {
    let update = "UPDATE callbacks SET due_at = $1, node_id = NULL
        WHERE due_at IS NOT NULL AND node_id IN (SELECT id FROM nodes WHERE stopped_at IS NOT NULL)";
    sql!(tx, execute update, now.micros())
}

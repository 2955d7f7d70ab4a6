//! Who works on what: claimed from the queue, or taken over from the dead.

use easyai_core::id::NodeId;
use easyai_core::time::Timestamp;
use uuid::Uuid;

use super::{JobRow, job_columns};
use crate::column::One;
use crate::db::{Db, Tx};
use crate::error::StoreError;
use crate::sql;
use crate::sweep::lock_of_dead;

/// Chooses from the queue: by priority, then in turn between accounts, so that one with a thousand jobs does not starve one with a
/// single one, then by age.
macro_rules! fair {
    () => {
        "SELECT task_id FROM (
            SELECT task_id, priority, ROW_NUMBER() OVER (PARTITION BY account_id, priority ORDER BY task_id) AS turn
            FROM jobs WHERE state = 'queued' AND next_at <= $1
        ) AS waiting ORDER BY priority DESC, turn, task_id LIMIT $2"
    };
}

/// Takes at most `most` jobs out of the queue for `node`. Their tasks are running from here on.
///
/// # Errors
/// [`StoreError`] if it can't be written: then nothing was claimed.
pub async fn claim(db: &Db, node: NodeId, now: Timestamp, most: u32) -> Result<Vec<JobRow>, StoreError> {
    let mut tx = db.write().await?;
    let found = match &tx {
        Tx::Sqlite(_) => sql!(tx, all One<Uuid>, fair!(), now.micros(), i64::from(most))?,
        // Another node may claim at the same time: what it has locked is passed over.
        Tx::Postgres(_) => {
            let select = concat!("SELECT task_id FROM jobs WHERE task_id IN (", fair!(), ") AND state = 'queued' FOR UPDATE SKIP LOCKED");
            sql!(tx, all One<Uuid>, select, now.micros(), i64::from(most))?
        }
    };
    let mut claimed = Vec::with_capacity(found.len());
    for (task,) in found {
        let update = concat!(
            "UPDATE jobs SET state = 'running', node_id = $2, fence = fence + 1 WHERE task_id = $1 AND state = 'queued' RETURNING ",
            job_columns!()
        );
        claimed.extend(sql!(tx, optional JobRow, update, task, node.uuid())?);
        let running = "UPDATE tasks SET status = 'running', node_id = $2 WHERE id = $1 AND status = 'queued'";
        sql!(tx, execute running, task, node.uuid())?;
    }
    tx.commit().await?;
    Ok(claimed)
}

/// Takes over all unfinished jobs of nodes that are dead, as they were left.
///
/// # Errors
/// [`StoreError`] if it can't be written; what was taken over by then stays so, and is found by [`release_of`] or the next start.
pub async fn take_over(db: &Db, node: NodeId) -> Result<Vec<JobRow>, StoreError> {
    let others = {
        let mut conn = db.read().await?;
        let select = "SELECT DISTINCT node_id FROM jobs WHERE state <> 'ended' AND node_id IS NOT NULL AND node_id <> $1";
        sql!(conn, all One<Uuid>, select, node.uuid())?
    };
    let mut taken = Vec::new();
    for (other,) in others {
        let Some(_lock) = lock_of_dead(db, NodeId::from_uuid(other)).await? else { continue };
        let mut tx = db.write().await?;
        let update =
            concat!("UPDATE jobs SET node_id = $2, fence = fence + 1 WHERE node_id = $1 AND state <> 'ended' RETURNING ", job_columns!());
        let mut rows = sql!(tx, all JobRow, update, other, node.uuid())?;
        tx.commit().await?;
        taken.append(&mut rows);
    }
    Ok(taken)
}

/// Gives back to the queue what `node` has claimed and not sent anywhere: it is about to end in order.
///
/// # Errors
/// [`StoreError`] if it can't be written: then the next node takes it over.
pub async fn release_of(db: &Db, node: NodeId) -> Result<(), StoreError> {
    let mut tx = db.write().await?;
    let back = "UPDATE jobs SET state = 'queued', node_id = NULL, fence = fence + 1 WHERE node_id = $1 AND state = 'running'";
    sql!(tx, execute back, node.uuid())?;
    tx.commit().await
}

//! Jobs as they are looked at.

use easyai_core::id::{NodeId, PlatformModelId, TaskId};
use easyai_core::job::JobState;
use easyai_core::time::Timestamp;
use uuid::Uuid;

use super::{JobRow, job_columns};
use crate::column::One;
use crate::db::Db;
use crate::error::StoreError;
use crate::sql;

/// One job.
///
/// # Errors
/// [`StoreError`] if it can't be read.
pub async fn get(db: &Db, task: TaskId) -> Result<Option<JobRow>, StoreError> {
    let mut conn = db.read().await?;
    sql!(conn, optional JobRow, concat!("SELECT ", job_columns!(), " FROM jobs WHERE task_id = $1"), task.uuid())
}

/// The unfinished jobs of `node` that are not wanted any more.
///
/// # Errors
/// [`StoreError`] if they can't be read.
pub async fn cancelled_of(db: &Db, node: NodeId) -> Result<Vec<TaskId>, StoreError> {
    let mut conn = db.read().await?;
    let select = "SELECT task_id FROM jobs WHERE node_id = $1 AND state <> 'ended' AND cancel_requested_at IS NOT NULL";
    let found = sql!(conn, all One<Uuid>, select, node.uuid())?;
    Ok(found.into_iter().map(|(id,)| TaskId::from_uuid(id)).collect())
}

/// How many jobs wait in the queue before this one, and how many in all, itself included. An estimate: accounts take turns.
///
/// # Errors
/// [`StoreError`] if they can't be counted.
pub async fn place(db: &Db, job: &JobRow) -> Result<(usize, usize), StoreError> {
    let mut conn = db.read().await?;
    let select =
        "SELECT COUNT(CASE WHEN priority > $1 OR (priority = $1 AND task_id < $2) THEN 1 END), COUNT(*) FROM jobs WHERE state = 'queued'";
    let (ahead, waiting) = sql!(conn, one(i64, i64), select, job.priority, job.task_id.uuid())?;
    let count = |count: i64| usize::try_from(count).unwrap_or(0);
    Ok((count(ahead), count(waiting)))
}

/// The jobs that were submitted to the candidate of `job` since `after`, without itself, and what they are called at their provider: none
/// where nobody knows that.
///
/// # Errors
/// [`StoreError`] if they can't be read.
pub async fn submitted_beside(db: &Db, job: &JobRow, after: Timestamp) -> Result<Vec<(TaskId, Option<String>)>, StoreError> {
    let mut conn = db.read().await?;
    let select = "SELECT task_id, upstream_job_id FROM jobs WHERE platform_model_id = $1 AND submitted_at >= $2 AND task_id <> $3";
    let platform_model = job.platform_model_id.map(PlatformModelId::uuid);
    let found = sql!(conn, all(Uuid, Option<String>), select, platform_model, after.micros(), job.task_id.uuid())?;
    Ok(found.into_iter().map(|(task, id)| (TaskId::from_uuid(task), id)).collect())
}

/// How many jobs there are that are not over, by state.
///
/// # Errors
/// [`StoreError`] if they can't be counted.
pub async fn count_open(db: &Db) -> Result<Vec<(JobState, i64)>, StoreError> {
    let mut conn = db.read().await?;
    let counted = sql!(conn, all(String, i64), "SELECT state, COUNT(*) FROM jobs WHERE state <> 'ended' GROUP BY state")?;
    let typed =
        |(state, count): (String, i64)| Ok((state.parse().map_err(|bad| StoreError::Corrupt(format!("jobs.state: {bad}")))?, count));
    counted.into_iter().map(typed).collect()
}

/// Hides a task from its owner, with what is kept of its request and answer. The books keep its row.
///
/// # Errors
/// [`StoreError`] if it can't be written.
pub async fn hide(db: &Db, task: TaskId, now: Timestamp) -> Result<(), StoreError> {
    let mut tx = db.write().await?;
    sql!(tx, execute "UPDATE tasks SET deleted_at = $2 WHERE id = $1 AND deleted_at IS NULL", task.uuid(), now.micros())?;
    sql!(tx, execute "DELETE FROM task_requests WHERE task_id = $1", task.uuid())?;
    sql!(tx, execute "DELETE FROM answers WHERE task_id = $1", task.uuid())?;
    tx.commit().await
}

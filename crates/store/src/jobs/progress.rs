//! What happens to a job, each step durable before what it is about is done.

use easyai_core::id::{CredentialId, PlatformModelId, TaskId};
use easyai_core::time::Timestamp;
use easyai_core::usage::Usage;

use super::JobRow;
use crate::db::Db;
use crate::error::StoreError;
use crate::sql;

/// Whether a step was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "who has lost a job must leave it alone"]
pub enum Written {
    /// It is durable.
    Yes,
    /// The job is somebody else's by now, or over.
    Lost,
}

impl Written {
    const fn by(rows: u64) -> Self {
        if rows == 0 { Self::Lost } else { Self::Yes }
    }
}

/// A submission that is about to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Submission {
    /// The attempt, within the task.
    pub attempt: u32,
    /// The candidate.
    pub platform_model: PlatformModelId,
    /// The credential.
    pub credential: Option<CredentialId>,
    /// Now.
    pub at: Timestamp,
}

/// A job that a provider took on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// What its provider calls it.
    pub upstream_job_id: String,
    /// What was asked for.
    pub asked: Option<Usage>,
    /// Candidates and decisions so far, as JSON.
    pub trace: String,
    /// When to ask about it first.
    pub next_at: Timestamp,
}

/// Says that a job is about to be submitted. Should the node die after this, nobody submits it again.
///
/// # Errors
/// [`StoreError`] if it can't be written: then it must not be submitted.
pub async fn submitting(db: &Db, task: TaskId, fence: i64, submission: Submission) -> Result<Written, StoreError> {
    let Submission { attempt, platform_model, credential, at } = submission;
    let mut tx = db.write().await?;
    let update = "UPDATE jobs SET state = 'submitting', attempt = $3, platform_model_id = $4, credential_id = $5, submitted_at = $6
        WHERE task_id = $1 AND fence = $2 AND state IN ('running', 'submitting')";
    let credential = credential.map(CredentialId::uuid);
    let rows = sql!(tx, execute update, task.uuid(), fence, i64::from(attempt), platform_model.uuid(), credential, at.micros())?;
    tx.commit().await?;
    Ok(Written::by(rows))
}

/// Says that a provider has taken on a job, and what it calls it. Before this is durable it is not asked about.
///
/// # Errors
/// [`StoreError`]: it must be tried until it is written.
pub async fn accepted(db: &Db, task: TaskId, fence: i64, accepted: &Accepted) -> Result<Written, StoreError> {
    let Accepted { upstream_job_id, asked, trace, next_at } = accepted;
    let asked = asked.as_ref().map(serde_json::to_string).transpose();
    let asked = asked.map_err(|error| StoreError::Statement(format!("what was asked can't be written: {error}")))?;
    let mut tx = db.write().await?;
    let update = "UPDATE jobs SET state = 'polling', upstream_job_id = $3, asked = $4, trace = $5, next_at = $6
        WHERE task_id = $1 AND fence = $2 AND state <> 'ended'";
    let rows = sql!(tx, execute update, task.uuid(), fence, upstream_job_id.as_str(), asked, trace.as_str(), next_at.micros())?;
    tx.commit().await?;
    Ok(Written::by(rows))
}

/// Puts a job back into the queue: nothing of it was sent anywhere.
///
/// # Errors
/// [`StoreError`] if it can't be written.
pub async fn requeue(db: &Db, job: &JobRow, next_at: Timestamp) -> Result<Written, StoreError> {
    let mut tx = db.write().await?;
    let update = "UPDATE jobs SET state = 'queued', node_id = NULL, fence = fence + 1, next_at = $3
        WHERE task_id = $1 AND fence = $2 AND state IN ('running', 'submitting')";
    let rows = sql!(tx, execute update, job.task_id.uuid(), job.fence, next_at.micros())?;
    sql!(tx, execute "UPDATE tasks SET status = 'queued' WHERE id = $1 AND status = 'running'", job.task_id.uuid())?;
    tx.commit().await?;
    Ok(Written::by(rows))
}

/// Takes a job out of the queue for good: nobody has begun with it, and nobody will.
///
/// # Errors
/// [`StoreError`] if it can't be written.
pub async fn withdraw(db: &Db, task: TaskId) -> Result<Written, StoreError> {
    let mut tx = db.write().await?;
    let update = "UPDATE jobs SET state = 'ended', fence = fence + 1 WHERE task_id = $1 AND state = 'queued'";
    let rows = sql!(tx, execute update, task.uuid())?;
    tx.commit().await?;
    Ok(Written::by(rows))
}

/// Notes that a job is not wanted any more; whoever works on it ends it.
///
/// # Errors
/// [`StoreError`] if it can't be written.
pub async fn request_cancel(db: &Db, task: TaskId, now: Timestamp) -> Result<Written, StoreError> {
    let mut tx = db.write().await?;
    let update = "UPDATE jobs SET cancel_requested_at = $2 WHERE task_id = $1 AND state <> 'ended' AND cancel_requested_at IS NULL";
    let rows = sql!(tx, execute update, task.uuid(), now.micros())?;
    tx.commit().await?;
    Ok(Written::by(rows))
}

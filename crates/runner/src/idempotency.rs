//! The same `Idempotency-Key` again: the first call's answer, without a second upstream call or charge.

use std::time::Duration;

use easyai_core::error::ErrorCode;
use easyai_core::id::TaskId;
use easyai_core::task::TaskStatus;
use easyai_store::tasks;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::timeout;

use crate::error::CallError;
use crate::runner::{Reply, Runner};

/// How long a repeated call waits for the first one: as long as a call may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// If no commit is seen for so long, it is looked for: the first call may run on another node.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Waits for the first call's end and gives its answer again.
pub(crate) async fn replay(runner: &Runner, task: TaskId, same_body: bool, deadline: Option<Duration>) -> Result<Reply, CallError> {
    if !same_body {
        let message = "this Idempotency-Key was used with another request: use a new key for a new request";
        return Err(CallError::refused(task, ErrorCode::IdempotencyConflict, message));
    }
    match timeout(deadline.unwrap_or(PATIENCE), ended(runner, task)).await {
        Ok(ended) => ended?,
        Err(_) => {
            return Err(CallError::refused(task, ErrorCode::UpstreamTimeout, "the first call with this Idempotency-Key has not ended yet"));
        }
    }
    answer(runner, task).await
}

impl Runner {
    /// Waits until a task is over, at most `patience`. False if it is not by then.
    ///
    /// # Errors
    /// [`CallError`] if it can't be read.
    pub async fn ended_within(&self, task: TaskId, patience: Duration) -> Result<bool, CallError> {
        match timeout(patience, ended(self, task)).await {
            Ok(ended) => ended.map(|()| true),
            Err(_) => Ok(false),
        }
    }
}

async fn ended(runner: &Runner, task: TaskId) -> Result<(), CallError> {
    // Subscribed before the first look, so that no end is missed.
    let mut committed = runner.journal.subscribe();
    loop {
        let found = tasks::get(&runner.db, task).await.map_err(|error| CallError::store(task, &error))?;
        if found.is_none_or(|found| found.status.is_terminal()) {
            return Ok(());
        }
        let this_one = async {
            loop {
                match committed.recv().await {
                    Ok(done) if done != task => {}
                    Ok(_) | Err(RecvError::Lagged(_) | RecvError::Closed) => return,
                }
            }
        };
        // Whether it was seen or not, the row tells.
        let _ = timeout(LOOK_EVERY, this_one).await;
    }
}

async fn answer(runner: &Runner, task: TaskId) -> Result<Reply, CallError> {
    let store = |error| CallError::store(task, &error);
    let found = tasks::get(&runner.db, task).await.map_err(store)?;
    if let Some(recorded) = tasks::answer(&runner.db, task).await.map_err(store)? {
        return Ok(Reply::Replayed { task, answer: recorded });
    }
    let Some(found) = found else {
        return Err(CallError::refused(task, ErrorCode::IdempotencyConflict, "the task of this Idempotency-Key is gone: use a new key"));
    };
    if found.status == TaskStatus::Succeeded {
        let message =
            format!("the answer of the first call with this Idempotency-Key was too long to be kept: see task {task}, or use a new key");
        return Err(CallError::refused(task, ErrorCode::IdempotencyConflict, message));
    }
    let code = found.code.unwrap_or(ErrorCode::InternalError);
    let message = found.message.unwrap_or_else(|| "the first call with this Idempotency-Key failed".to_owned());
    Err(CallError { attempts: 0, ..CallError::refused(task, code, message) })
}

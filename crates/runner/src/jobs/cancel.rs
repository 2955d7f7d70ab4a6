//! A job that is not wanted any more.

use std::sync::Arc;

use easyai_core::error::ErrorCode;
use easyai_core::id::TaskId;
use easyai_store::StoreError;
use easyai_store::jobs::{self, Written};
use tokio::time::Instant;

use crate::clock::now;
use crate::runner::Runner;

/// What became of the wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancel {
    /// It is over: nobody had begun with it.
    Done,
    /// Whoever works on it ends it in a moment.
    Asked,
    /// It has no job, or is over already.
    TooLate,
}

impl Runner {
    /// Cancels a task that goes on without its caller.
    ///
    /// # Errors
    /// [`StoreError`] if it can't be written.
    pub async fn cancel(self: &Arc<Self>, task: TaskId) -> Result<Cancel, StoreError> {
        if let Some(relay) = self.relay(task) {
            relay.cancel();
            return Ok(Cancel::Asked);
        }
        let Some(job) = jobs::get(&self.db, task).await? else { return Ok(Cancel::TooLate) };
        if jobs::withdraw(&self.db, task).await? == Written::Yes {
            self.end_unsent(&job, ErrorCode::Cancelled, "it was cancelled").await;
            return Ok(Cancel::Done);
        }
        match jobs::request_cancel(&self.db, task, now()).await? {
            Written::Yes => {
                self.not_wanted(task);
                Ok(Cancel::Asked)
            }
            Written::Lost => Ok(Cancel::TooLate),
        }
    }

    /// Ends a job that this node works on. One that is being asked about is looked at once more, and stopped then.
    pub(super) fn not_wanted(&self, task: TaskId) {
        let opening = self.jobs.opening().get(&task).cloned();
        let homing = self.jobs.homing().get(&task).cloned();
        opening.into_iter().chain(homing).for_each(|token| token.cancel());
        let mut schedule = self.jobs.schedule();
        if schedule.cancel(task) {
            schedule.hurry(task, Instant::now());
            self.jobs.scheduled.notify_one();
        }
    }
}

//! A task that is taken on now and done later: it is durable, with its hold and its request, when its caller is told of it.

use std::sync::Arc;
use std::time::Duration;

use easyai_core::error::ErrorCode;
use easyai_core::id::TaskId;
use easyai_store::jobs::{self, NewJob, SavedRequest};

use crate::error::CallError;
use crate::prepare::{self, Call, Queued, TextAsk};
use crate::runner::Runner;

/// A task to be done later.
#[derive(Debug)]
pub struct Enqueue {
    /// What is asked. Its deadline is the job's: it counts from now.
    pub ask: TextAsk,
    /// The same as it is kept for whoever works on it.
    pub request: SavedRequest,
    /// The greater goes first; usual is 0.
    pub priority: i64,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enqueued {
    /// A new task.
    New(TaskId),
    /// The same was asked before under the same `Idempotency-Key`.
    Repeated(TaskId),
}

impl Enqueued {
    /// The task.
    #[must_use]
    pub const fn task(self) -> TaskId {
        match self {
            Self::New(task) | Self::Repeated(task) => task,
        }
    }
}

/// A job is never waited for longer than this for a limit; then it goes back into the queue.
pub(super) const WAIT_FOR_ROOM: Duration = Duration::from_secs(600);

impl Runner {
    /// Takes on a task to be done later.
    ///
    /// # Errors
    /// [`CallError`] if it was refused; nothing is held or kept then.
    pub async fn enqueue(self: &Arc<Self>, asked: Enqueue) -> Result<Enqueued, CallError> {
        let Enqueue { mut ask, request, priority } = asked;
        let deadline = ask.deadline.map(|deadline| crate::clock::now().plus(deadline));
        ask.job = Some(NewJob { priority, deadline });
        // It waits for room as long as it takes: only what never fits is refused.
        ask.queue_timeout = Some(WAIT_FOR_ROOM);
        let call = Call::let_in(self, ask)?;
        let (task, runner) = (call.task, Arc::clone(self));
        // Once begun it is taken on to the end, also if its caller goes away meanwhile: a worker may have it already.
        let taken_on = self.finisher.background(async move { runner.take_on(call, &request).await });
        taken_on.await.unwrap_or_else(|_| Err(CallError::shutting_down(task)))
    }

    async fn take_on(self: &Arc<Self>, call: Call, request: &SavedRequest) -> Result<Enqueued, CallError> {
        let task = call.task;
        jobs::save_request(&self.db, task, request).await.map_err(|error| CallError::store(task, &error))?;
        let queued = prepare::queue(self, call).await;
        match queued {
            Ok(Queued::New) => {
                self.jobs.queued.notify_one();
                Ok(Enqueued::New(task))
            }
            Ok(Queued::Repeated { task: first, same_body: true }) => {
                self.forget(task);
                Ok(Enqueued::Repeated(first))
            }
            Ok(Queued::Repeated { task: first, same_body: false }) => {
                self.forget(task);
                let message = "this Idempotency-Key was used with another request: use a new key for a new request";
                Err(CallError::refused(first, ErrorCode::IdempotencyConflict, message))
            }
            Err(error) => {
                self.forget(task);
                Err(error)
            }
        }
    }

    /// A request without a task.
    fn forget(&self, task: TaskId) {
        let db = self.db.clone();
        drop(self.finisher.background(async move {
            if let Err(error) = jobs::delete_request(&db, task).await {
                tracing::warn!(task.id = %task, %error, "A request that led to no task is left behind");
            }
        }));
    }
}

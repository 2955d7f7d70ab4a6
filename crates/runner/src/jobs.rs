//! Tasks that go on without their callers: a queue in the database, workers that claim from it, and jobs at providers that are asked about.
//!
//! ```text
//! enqueue ─▶ row (queued) ─ worker claims ─▶ the same opening as any call ─┬─ answer ───▶ delivered, settled
//!                                                                          └─ job id ───▶ polled until it is over, settled
//! ```
//!
//! What waits costs a row, and a few hundred bytes in the memory of the node that asks about it. A node that dies leaves rows that the
//! next one takes over: what was not sent is done again, what has a job id is asked about further, and what may have been accepted is
//! looked up or given up, never submitted again.

mod cancel;
mod enqueue;
mod poll;
mod resume;
mod schedule;
mod settle;
mod worker;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use easyai_core::id::TaskId;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

pub use self::cancel::Cancel;
pub use self::enqueue::{Enqueue, Enqueued};
pub(crate) use self::worker::Claimed;

use self::schedule::Schedule;

/// What a node knows of its jobs.
#[derive(Debug, Default)]
pub(crate) struct Jobs {
    /// Something was queued.
    queued: Notify,
    /// Something was scheduled.
    scheduled: Notify,
    /// Jobs at providers.
    schedule: Mutex<Schedule>,
    /// Jobs that are being opened here: cancelled by their token.
    opening: Mutex<HashMap<TaskId, CancellationToken>>,
}

impl Jobs {
    /// Jobs at providers that this node asks about.
    pub(crate) fn polling(&self) -> usize {
        self.schedule().len()
    }

    fn schedule(&self) -> std::sync::MutexGuard<'_, Schedule> {
        self.schedule.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn opening(&self) -> std::sync::MutexGuard<'_, HashMap<TaskId, CancellationToken>> {
        self.opening.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

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
mod lookup;
mod poll;
mod resume;
mod schedule;
mod settle;
mod worker;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use easyai_core::id::TaskId;
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;

pub use self::cancel::Cancel;
pub use self::enqueue::{Enqueue, Enqueued};
pub(crate) use self::worker::Claimed;

use self::schedule::Schedule;
use crate::clock::now;
use crate::runner::Runner;

/// What a node knows of its jobs.
#[derive(Debug)]
pub(crate) struct Jobs {
    /// Something was queued.
    queued: Notify,
    /// Something was scheduled.
    scheduled: Notify,
    /// When jobs left the queue lately.
    pace: Mutex<Pace>,
    /// Jobs at providers.
    schedule: Mutex<Schedule>,
    /// Jobs that are being opened here: cancelled by their token.
    opening: Mutex<HashMap<TaskId, CancellationToken>>,
    /// Jobs whose files are being brought home: broken off by their token.
    homing: Mutex<HashMap<TaskId, CancellationToken>>,
    /// The right to bring files home.
    homecoming: Semaphore,
    /// This node ends. Its jobs are left as they are.
    ending: CancellationToken,
    /// The right to look a lost submission up.
    looking_up: Semaphore,
}

/// Jobs whose files are brought home at the same time: each has a connection, and a part of 8 MiB where they go into a bucket.
const MAX_HOMING: usize = 64;

impl Default for Jobs {
    fn default() -> Self {
        Self {
            queued: Notify::default(),
            scheduled: Notify::default(),
            pace: Mutex::default(),
            schedule: Mutex::default(),
            opening: Mutex::default(),
            homing: Mutex::default(),
            homecoming: Semaphore::new(MAX_HOMING),
            ending: CancellationToken::new(),
            looking_up: Semaphore::new(1),
        }
    }
}

/// How quickly the queue moves: what left it within the last minute, and within the one before.
#[derive(Debug, Default)]
struct Pace {
    minute: u64,
    now: u64,
    before: u64,
}

impl Pace {
    fn turn(&mut self, minute: u64) {
        match minute.saturating_sub(self.minute) {
            0 => {}
            1 => (self.before, self.now) = (self.now, 0),
            _ => (self.before, self.now) = (0, 0),
        }
        self.minute = minute;
    }

    fn left(&mut self, minute: u64, jobs: usize) {
        self.turn(minute);
        self.now += jobs as u64;
    }

    /// How long `ahead` jobs take at that pace; none if nothing moved.
    fn expected(&mut self, minute: u64, ahead: usize) -> Option<Duration> {
        self.turn(minute);
        let a_minute = self.now.max(self.before);
        (a_minute > 0).then(|| Duration::from_secs((ahead as u64 * 60).div_ceil(a_minute)))
    }
}

impl Runner {
    /// When a job may have its turn that `ahead` others come before, by how quickly this node's queue moved lately.
    #[must_use]
    pub fn expected_wait(&self, ahead: usize) -> Option<Duration> {
        self.jobs.pace.lock().unwrap_or_else(PoisonError::into_inner).expected(minute(), ahead)
    }
}

fn minute() -> u64 {
    u64::try_from(now().seconds() / 60).unwrap_or(0)
}

impl Jobs {
    /// Jobs left the queue.
    fn left(&self, jobs: usize) {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner).left(minute(), jobs);
    }

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

    /// What ends the wait for a storage: the task is cancelled, or this node ends.
    pub(crate) fn end_of(&self, task: TaskId) -> CancellationToken {
        self.opening().get(&task).cloned().unwrap_or_else(|| self.ending.child_token())
    }

    fn homing(&self) -> std::sync::MutexGuard<'_, HashMap<TaskId, CancellationToken>> {
        self.homing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_expected_by_how_the_queue_moved() {
        let mut pace = Pace::default();
        assert_eq!(pace.expected(7, 10), None);
        pace.left(7, 30);
        assert_eq!(pace.expected(7, 60), Some(Duration::from_secs(120)));
        assert_eq!(pace.expected(8, 15), Some(Duration::from_secs(30)));
        assert_eq!(pace.expected(9, 15), None);
    }
}

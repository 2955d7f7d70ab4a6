//! When which job is asked about: in memory, since most questions change nothing that is worth a row.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use easyai_core::id::TaskId;
use tokio::time::Instant;

use super::poll::Polled;

/// Jobs by the time of their next question.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    jobs: HashMap<TaskId, (Instant, Box<Polled>)>,
    /// Times that no longer stand are passed over.
    times: BinaryHeap<Reverse<(Instant, TaskId)>>,
    /// Those that are being asked about at this moment.
    asked: usize,
}

impl Schedule {
    /// Jobs that are waiting or being asked about.
    pub(super) fn len(&self) -> usize {
        self.jobs.len() + self.asked
    }

    /// Plans a question.
    pub(super) fn add(&mut self, at: Instant, job: Box<Polled>) {
        let task = job.task();
        self.times.push(Reverse((at, task)));
        self.jobs.insert(task, (at, job));
    }

    /// Asks about a job at once. False if it is not waiting here.
    pub(super) fn hurry(&mut self, task: TaskId, now: Instant) -> bool {
        let Some((at, _)) = self.jobs.get_mut(&task) else { return false };
        *at = now;
        self.times.push(Reverse((now, task)));
        true
    }

    /// Notes that a job is not wanted any more. False if it is not waiting here.
    pub(super) fn cancel(&mut self, task: TaskId) -> bool {
        let Some((_, job)) = self.jobs.get_mut(&task) else { return false };
        job.cancelled = true;
        true
    }

    /// The job whose question is due.
    pub(super) fn due(&mut self, now: Instant) -> Option<Box<Polled>> {
        while let Some(Reverse((at, task))) = self.times.peek().copied() {
            if at > now {
                return None;
            }
            self.times.pop();
            if self.jobs.get(&task).is_some_and(|(planned, _)| *planned == at) {
                self.asked += 1;
                return self.jobs.remove(&task).map(|(_, job)| job);
            }
        }
        None
    }

    /// A question was answered: the job comes back by [`Schedule::add`], or is over.
    pub(super) fn answered(&mut self) {
        self.asked = self.asked.saturating_sub(1);
    }

    /// When the next question is due.
    pub(super) fn next(&self) -> Option<Instant> {
        self.times.peek().map(|Reverse((at, _))| *at)
    }
}

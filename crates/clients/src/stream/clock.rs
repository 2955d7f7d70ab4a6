//! The limits of time of one call. They are apart: a long answer is not a late one.

use std::time::Duration;

use easyai_core::catalog::Timeouts;
use easyai_core::failure::Failure;
use tokio::time::Instant;

use crate::refusal::{TimeOut, timed_out};

/// When a call's times are over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    timeouts: Timeouts,
    started: Instant,
    deadline: Option<Instant>,
}

impl Clock {
    pub(crate) fn start(timeouts: Timeouts, deadline: Option<Instant>) -> Self {
        Self { timeouts, started: Instant::now(), deadline }
    }

    pub(crate) const fn timeouts(&self) -> &Timeouts {
        &self.timeouts
    }

    /// When the first useful delta, or the head of a plain answer, must be here.
    pub(crate) fn first_delta(&self) -> Instant {
        (self.started + self.timeouts.first_delta()).min(self.end())
    }

    /// When the call must be over.
    pub(crate) fn end(&self) -> Instant {
        let total = self.started + self.timeouts.total();
        self.deadline.map_or(total, |deadline| deadline.min(total))
    }

    /// When more must have come, after something came at `last`.
    pub(crate) fn more(&self, last: Instant) -> Instant {
        (last + self.timeouts.idle()).min(self.end())
    }

    /// The failure of a time that passed, `which` unless a stricter one passed too.
    pub(crate) fn too_late(&self, which: TimeOut) -> Failure {
        let now = Instant::now();
        if self.deadline.is_some_and(|deadline| now >= deadline) {
            return timed_out(TimeOut::Deadline, Duration::ZERO);
        }
        if now >= self.started + self.timeouts.total() {
            return timed_out(TimeOut::Total, self.timeouts.total());
        }
        let limit = match which {
            TimeOut::FirstDelta => self.timeouts.first_delta(),
            TimeOut::Idle => self.timeouts.idle(),
            TimeOut::Total | TimeOut::Deadline => self.timeouts.total(),
        };
        timed_out(which, limit)
    }
}

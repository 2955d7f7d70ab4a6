//! What the mock counts. Tests wait on these numbers instead of sleeping.

use tokio::sync::watch;

/// Counters of a mock upstream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Calls whose request was read completely.
    pub calls: u64,
    /// Calls that are being answered now.
    pub in_flight: u64,
    /// Most calls that were ever being answered at once.
    pub peak: u64,
    /// Calls that were answered to the end, also by an error answer.
    pub completed: u64,
    /// Calls that the mock broke off itself: reset, cut, closed.
    pub broken: u64,
    /// Calls whose peer closed the connection before the answer was complete.
    pub cancelled: u64,
}

/// A call that is being answered. It ends exactly once; one that is dropped counts as broken, since the mock was stopped.
pub(super) struct Call<'a> {
    stats: &'a watch::Sender<Stats>,
    outcome: Outcome,
}

/// How a call ended.
#[derive(Debug, Clone, Copy)]
pub(super) enum Outcome {
    Completed,
    Broken,
    Cancelled,
}

impl<'a> Call<'a> {
    pub(super) fn begin(stats: &'a watch::Sender<Stats>) -> Self {
        stats.send_modify(|stats| {
            stats.calls += 1;
            stats.in_flight += 1;
            stats.peak = stats.peak.max(stats.in_flight);
        });
        Self { stats, outcome: Outcome::Broken }
    }

    pub(super) fn end(mut self, outcome: Outcome) {
        self.outcome = outcome;
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.stats.send_modify(|stats| {
            stats.in_flight -= 1;
            match self.outcome {
                Outcome::Completed => stats.completed += 1,
                Outcome::Broken => stats.broken += 1,
                Outcome::Cancelled => stats.cancelled += 1,
            }
        });
    }
}

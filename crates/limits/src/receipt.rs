//! What one call has taken, until it has ended.

use std::time::Duration;

use easyai_core::limit::Amounts;
use easyai_core::time::Timestamp;

use crate::claim::Claim;
use crate::counter::Entry;

/// How long after the taking a call may reach the upstream. A caller that may be slower to send gives back what it took and takes anew.
///
/// Without it a model that thinks for minutes would keep a minute's room until it answers.
pub const LANDS_WITHIN: Duration = Duration::from_secs(2);

/// What is still to be given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Tokens and charge are estimates.
    Open,
    /// Tokens and charge are final; the slots are taken.
    Settled,
    /// Nothing is owed.
    Ended,
}

/// A call's entry in the counters of its claims.
#[derive(Debug)]
pub(crate) struct Receipt {
    pub(crate) claims: Vec<Claim>,
    pub(crate) estimate: Amounts,
    /// From when on its entries in the windows age; in the future until the call has landed.
    pub(crate) ages_from: Timestamp,
    pub(crate) stage: Stage,
}

impl Receipt {
    /// What is in the windows while nothing is settled.
    pub(crate) const fn entry(&self) -> Entry {
        Entry { ages_from: self.ages_from, requests: 1, tokens: self.estimate.tokens }
    }

    /// The same once the upstream has the call, at the latest.
    pub(crate) fn landed(&self, now: Timestamp) -> Entry {
        Entry { ages_from: self.ages_from.min(now), ..self.entry() }
    }
}

//! How much of a claim's limits is left: what callers read in `x-ratelimit-*` headers, and operators in *explain*.

use std::time::Duration;

use easyai_core::limit::LimitKind;
use easyai_core::time::Timestamp;

use crate::claim::Claim;
use crate::counters::Counters;

/// One limit and what is left of it; money in nano-units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Headroom {
    /// What is counted.
    pub kind: LimitKind,
    /// How much is allowed.
    pub limit: u64,
    /// How much is used; more than the limit if a call was larger than its estimate.
    pub used: u64,
    /// What is left.
    pub remaining: u64,
    /// Until it is all free again; none where a call has to end first.
    pub resets_in: Option<Duration>,
    /// Whether it is only measured.
    pub shadow: bool,
}

/// Every limit of the claim, in the order of the kinds.
pub(crate) fn headroom(counters: &mut Counters, claim: &Claim, now: Timestamp) -> Vec<Headroom> {
    let counter = counters.of(claim.scope);
    let limits = LimitKind::ALL.iter().filter_map(|kind| Some((*kind, claim.limits.of(*kind)?)));
    let headroom = limits
        .map(|(kind, limit)| {
            let used = counter.used(kind, now);
            let resets_in = counter.empty_at(kind, now).map(|at| at.since(now));
            Headroom { kind, limit, used, remaining: limit.saturating_sub(used), resets_in, shadow: claim.limits.shadow }
        })
        .collect();
    counters.forget_if_idle(claim.scope, now);
    headroom
}

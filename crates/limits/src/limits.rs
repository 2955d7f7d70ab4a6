//! The limiter as others see it.

use std::sync::Arc;
use std::time::Duration;

use easyai_core::id::{AccountId, TaskId};
use easyai_core::limit::{Amounts, LimitScope, Refused};
use easyai_core::money::Money;

use crate::claim::{Claim, Clock, Way};
use crate::headroom::{Headroom, headroom};
use crate::queue::QueuePosition;
use crate::shared::Shared;
use crate::snapshot::Snapshot;
use crate::taken::Taken;
use crate::waiting;

/// The counters and the queue. A handle: clones share them.
#[derive(Clone)]
pub struct Limits {
    shared: Arc<Shared>,
}

impl Limits {
    /// Nothing taken.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self { shared: Arc::new(Shared::new(clock)) }
    }

    /// Takes a call's share of all its claims, or nothing at all. It overtakes nobody who waits for the same.
    ///
    /// # Errors
    /// [`Refused`] names the first limit that keeps the call out, or one that it never fits.
    pub fn take(&self, claims: &[Claim], amounts: Amounts) -> Result<Taken, Refused> {
        let receipt = self.shared.with(|state, now| {
            state.turn(now);
            match state.refusal(claims, amounts, now) {
                Some(refused) => Err(refused),
                None => Ok(state.counters.take(claims.to_vec(), amounts, now)),
            }
        })?;
        Ok(Taken::new(Arc::clone(&self.shared), receipt))
    }

    /// Whether [`Limits::take`] would let the call in.
    ///
    /// # Errors
    /// As [`Limits::take`].
    pub fn check(&self, claims: &[Claim], amounts: Amounts) -> Result<(), Refused> {
        self.shared.with(|state, now| {
            state.turn(now);
            state.refusal(claims, amounts, now).map_or(Ok(()), Err)
        })
    }

    /// Waits until one of the ways, in their order of preference, lets the call in, and says which. Needs a tokio runtime.
    ///
    /// # Errors
    /// [`Refused`] at once if no way is ever free or [`MAX_WAITING`](crate::MAX_WAITING) wait already, or else when `patience` is at its
    /// end: the refusal that would end first. Nothing was taken.
    pub async fn wait(&self, task: TaskId, account: AccountId, ways: Vec<Way>, patience: Duration) -> Result<(usize, Taken), Refused> {
        waiting::wait(&self.shared, task, account, ways, patience).await
    }

    /// Where a task stands in the queue; none if it does not wait.
    #[must_use]
    pub fn position(&self, task: TaskId) -> Option<QueuePosition> {
        self.shared.with(|state, _| state.queue.position(task))
    }

    /// How many wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.shared.with(|state, _| state.queue.waiting())
    }

    /// The calls under way in a scope.
    #[must_use]
    pub fn in_flight(&self, scope: LimitScope) -> u32 {
        self.shared.with(|state, _| state.counters.under_way(scope))
    }

    /// Every limit of a claim and what is left of it.
    #[must_use]
    pub fn headroom(&self, claim: &Claim) -> Vec<Headroom> {
        self.shared.with(|state, now| headroom(&mut state.counters, claim, now))
    }

    /// How many calls came in that a shadow limit would have refused.
    #[must_use]
    pub fn shadow_refusals(&self) -> u64 {
        self.shared.with(|state, _| state.counters.shadow_refusals())
    }

    /// Windows and budgets, to be restored after a restart.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.shared.with(|state, now| state.counters.snapshot(now))
    }

    /// Adds what a snapshot holds and still counts. For a fresh limiter, before its first call and before [`Limits::set_spent`].
    pub fn restore(&self, snapshot: Snapshot) {
        self.shared.with(|state, now| state.counters.restore(snapshot, now));
    }

    /// What the books say was charged in the current UTC day and month, in place of what was counted.
    pub fn set_spent(&self, scope: LimitScope, day: Money, month: Money) {
        self.shared.with(|state, now| {
            state.counters.set_spent(scope, day, month, now);
            state.dispatch(now);
        });
    }
}

impl std::fmt::Debug for Limits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Limits").finish_non_exhaustive()
    }
}

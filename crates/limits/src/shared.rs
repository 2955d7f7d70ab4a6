//! The one lock: what is decided under it, and what is done once it is open again.

use std::sync::{Arc, Mutex, PoisonError};

use easyai_core::id::AccountId;
use easyai_core::limit::{Amounts, LimitKind, LimitScope, Refused};
use easyai_core::time::Timestamp;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::claim::{Claim, Clock, Way};
use crate::counters::{Counters, worst};
use crate::queue::{Admitted, MAX_WAITING, Newcomer, Queue, Ticket};
use crate::receipt::Receipt;

/// What all handles and guards share.
pub(crate) struct Shared {
    clock: Clock,
    state: Mutex<State>,
    /// Tells the timer that it is set to the wrong time.
    pub(crate) rearm: Notify,
}

/// What the lock guards.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) counters: Counters,
    pub(crate) queue: Queue,
    /// Wakes the queue when time has made room; runs while somebody waits.
    pub(crate) timer: Option<JoinHandle<()>>,
    admitted: Vec<Admitted>,
    latest: Timestamp,
}

/// What came of asking to wait.
#[derive(Debug)]
pub(crate) enum Joined {
    /// There was room.
    In(usize, Receipt),
    /// There will be a grant.
    Waits(Ticket),
}

impl Shared {
    pub(crate) fn new(clock: Clock) -> Self {
        let latest = clock();
        let state = State { counters: Counters::default(), queue: Queue::default(), timer: None, admitted: Vec::new(), latest };
        Self { clock, state: Mutex::new(state), rearm: Notify::new() }
    }

    /// Does something under the lock. Grants are sent afterwards: a waiter that is gone drops its grant, and that takes the lock again.
    pub(crate) fn with<T>(self: &Arc<Self>, act: impl FnOnce(&mut State, Timestamp) -> T) -> T {
        let now = (self.clock)();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.latest = state.latest.max(now);
        let now = state.latest;
        let before = (state.queue.due(), state.queue.waiting());
        let done = act(&mut state, now);
        let rearm = state.timer.is_some() && state.queue.wakes_timer(before);
        let (admitted, shadowed) = (std::mem::take(&mut state.admitted), state.counters.shadowed());
        drop(state);
        if rearm {
            self.rearm.notify_one();
        }
        for refused in shadowed {
            let Refused { scope, kind, limit, asked, .. } = refused;
            tracing::info!(?scope, %kind, limit, asked, "a shadow limit would have refused a call");
        }
        admitted.into_iter().for_each(|admitted| admitted.deliver(self));
        done
    }
}

impl State {
    /// Lets in whom time has made room for. Comes before any question about room.
    pub(crate) fn turn(&mut self, now: Timestamp) {
        if self.queue.due().is_some_and(|due| due <= now) {
            self.dispatch(now);
        }
    }

    /// What keeps a call out that has not waited; none if it may come in.
    pub(crate) fn refusal(&mut self, claims: &[Claim], amounts: Amounts, now: Timestamp) -> Option<Refused> {
        let refused = worst(&self.counters.refusals(claims, amounts, now));
        match refused {
            Some(refused) if refused.never_fits() => Some(refused),
            Some(_) | None => self.queue.blocked().refusal(claims, amounts, now).or(refused),
        }
    }

    /// Takes the first way that is free, or else queues for those that may be one day.
    pub(crate) fn join(&mut self, newcomer: Newcomer, now: Timestamp) -> Result<Joined, Refused> {
        self.turn(now);
        let Newcomer { task, account, ways, sender } = newcomer;
        let (mut open, mut refusals) = (Vec::new(), Vec::new());
        for (number, way) in ways {
            let Some(refused) = self.refusal(&way.claims, way.amounts, now) else {
                return Ok(Joined::In(number, self.counters.take(way.claims, way.amounts, now)));
            };
            refusals.push(refused);
            if !refused.never_fits() {
                open.push((number, way));
            }
        }
        if open.is_empty() || self.queue.waiting() >= MAX_WAITING {
            return Err(soonest(&refusals));
        }
        Ok(Joined::Waits(self.queue.join(Newcomer { task, account, ways: open, sender }, &mut self.counters, now)))
    }

    /// A waiter's patience is at its end, or it has vanished. Says what kept it out; none if it was let in before.
    pub(crate) fn leave(&mut self, account: AccountId, ticket: Ticket, now: Timestamp) -> Option<Refused> {
        self.turn(now);
        let kept = self.queue.blocked().kept_by(ticket);
        let ways = self.queue.leave(account, ticket)?.ways;
        let refusals: Vec<_> = ways.iter().filter_map(|(_, Way { claims, amounts })| self.refusal(claims, *amounts, now)).collect();
        if kept {
            self.dispatch(now);
        }
        Some(soonest(&refusals))
    }

    /// Something of these claims was given back.
    pub(crate) fn gave_back(&mut self, claims: &[Claim], now: Timestamp) {
        if self.queue.blocked().waits_for(claims) {
            self.dispatch(now);
        }
    }

    pub(crate) fn dispatch(&mut self, now: Timestamp) {
        self.admitted.extend(self.queue.dispatch(&mut self.counters, now));
    }
}

/// What somebody with several ways is told: the refusal that ends first. A call may end at any moment.
pub(crate) fn soonest(refusals: &[Refused]) -> Refused {
    let none = Refused { scope: LimitScope::Gateway, kind: LimitKind::Concurrent, limit: 0, asked: 1, retry_after: None };
    refusals.iter().min_by_key(|refused| (refused.never_fits(), refused.retry_after.unwrap_or_default())).copied().unwrap_or(none)
}

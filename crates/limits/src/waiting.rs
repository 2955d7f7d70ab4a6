//! The asynchronous side of the queue: a waiter's grant and patience, and the timer that wakes the queue.

use std::sync::Arc;
use std::time::Duration;

use easyai_core::id::{AccountId, TaskId};
use easyai_core::limit::Refused;
use tokio::sync::oneshot;

use crate::claim::Way;
use crate::queue::{Admitted, Newcomer, Ticket};
use crate::shared::{Joined, Shared, State};
use crate::taken::Taken;

/// The shortest sleep of the timer: what the wall clock still lacks after a sleep must not become a busy loop.
const SHORTEST_NAP: Duration = Duration::from_millis(1);

/// What a waiter is sent. If nobody takes it up, nothing was sent to an upstream.
#[derive(Debug)]
pub(crate) struct Grant {
    way: usize,
    taken: Option<Taken>,
}

impl Drop for Grant {
    fn drop(&mut self) {
        if let Some(taken) = self.taken.take() {
            taken.not_sent();
        }
    }
}

impl Admitted {
    /// Sends a waiter its grant. Never under the lock.
    pub(crate) fn deliver(self, shared: &Arc<Shared>) {
        let grant = Grant { way: self.way, taken: Some(Taken::new(Arc::clone(shared), self.receipt)) };
        // A waiter that is gone leaves the grant here, and dropping it gives everything back.
        drop(self.sender.send(grant));
    }
}

/// A waiter's place in the queue. Dropped (the caller has gone), it leaves.
struct Place<'a> {
    shared: &'a Arc<Shared>,
    account: AccountId,
    ticket: Ticket,
}

impl Place<'_> {
    fn leave(&self) -> Option<Refused> {
        self.shared.with(|state, now| state.leave(self.account, self.ticket, now))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.leave();
    }
}

/// Waits until one of the ways is free.
pub(crate) async fn wait(
    shared: &Arc<Shared>,
    task: TaskId,
    account: AccountId,
    ways: Vec<Way>,
    patience: Duration,
) -> Result<(usize, Taken), Refused> {
    let (sender, mut receiver) = oneshot::channel();
    let newcomer = Newcomer { task, account, ways: ways.into_iter().enumerate().collect(), sender };
    let joined = shared.with(|state, now| {
        let joined = state.join(newcomer, now);
        if matches!(joined, Ok(Joined::Waits(_))) {
            start_timer(state, shared);
        }
        joined
    });
    let place = match joined? {
        Joined::In(way, receipt) => return Ok((way, Taken::new(Arc::clone(shared), receipt))),
        Joined::Waits(ticket) => Place { shared, account, ticket },
    };
    let granted = match tokio::time::timeout(patience, &mut receiver).await {
        Ok(granted) => granted,
        Err(_) => match place.leave() {
            Some(refused) => return Err(refused),
            // Let in at the last moment: the grant is on its way.
            None => receiver.await,
        },
    };
    let taken = granted.ok().and_then(|mut grant| Some((grant.way, grant.taken.take()?)));
    // A sender that vanishes without a word would be a mistake of ours; the waiter then leaves as if its patience had ended.
    taken.ok_or_else(|| place.leave().unwrap_or(crate::shared::soonest(&[])))
}

fn start_timer(state: &mut State, shared: &Arc<Shared>) {
    // A runtime that was shut down has taken its timer with it.
    if state.timer.as_ref().is_none_or(tokio::task::JoinHandle::is_finished) {
        state.timer = Some(tokio::spawn(wake_when_due(Arc::clone(shared))));
    }
}

/// One timer for the whole queue: a timer for each waiter would wake them all for the one that may come in.
async fn wake_when_due(shared: Arc<Shared>) {
    loop {
        let nap = shared.with(|state, now| {
            state.turn(now);
            if state.queue.waiting() == 0 {
                state.timer = None;
                return None;
            }
            Some(state.queue.due().map(|due| due.since(now).max(SHORTEST_NAP)))
        });
        match nap {
            None => return,
            Some(None) => shared.rearm.notified().await,
            Some(Some(nap)) => tokio::time::timeout(nap, shared.rearm.notified()).await.unwrap_or_default(),
        }
    }
}

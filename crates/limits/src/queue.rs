//! Who waits: round robin between accounts, first come first served within one.

use std::collections::VecDeque;

use easyai_core::id::{AccountId, TaskId};
use easyai_core::limit::{LimitScope, Refused};
use easyai_core::time::Timestamp;
use tokio::sync::oneshot;

use crate::blocked::{Blocked, Obstacle};
use crate::claim::Way;
use crate::counters::Counters;
use crate::receipt::Receipt;
use crate::waiting::Grant;

/// How many may wait: beyond it a wait would be longer than anybody's patience, and each costs memory and a look at every turn.
pub const MAX_WAITING: usize = 10_000;

/// Where a task stands in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueuePosition {
    /// How many come before it if all want the same.
    pub ahead: usize,
    /// How many wait, itself included.
    pub waiting: usize,
}

/// A waiter's number, in the order of arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Ticket(u64);

/// Who comes to wait.
#[derive(Debug)]
pub(crate) struct Newcomer {
    pub(crate) task: TaskId,
    pub(crate) account: AccountId,
    /// The ways it may go, in the order of its preference, with the caller's number of each.
    pub(crate) ways: Vec<(usize, Way)>,
    pub(crate) sender: oneshot::Sender<Grant>,
}

/// A waiter that was let in: its receipt is on the way to it.
#[derive(Debug)]
pub(crate) struct Admitted {
    pub(crate) way: usize,
    pub(crate) receipt: Receipt,
    pub(crate) sender: oneshot::Sender<Grant>,
}

#[derive(Debug)]
struct Waiter {
    ticket: Ticket,
    newcomer: Newcomer,
    /// What kept it out of each of its ways when it was last looked at. Nearly always it still does.
    obstacles: Vec<Option<Obstacle>>,
}

/// The waiters of one account.
#[derive(Debug)]
struct Line {
    account: AccountId,
    waiters: VecDeque<Waiter>,
    /// Those before it were looked at in this round.
    next: usize,
}

/// Everybody who waits.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    /// The account that was served last stands last.
    rotation: VecDeque<Line>,
    blocked: Blocked,
    waiting: usize,
    last: Ticket,
    due: Option<Timestamp>,
}

impl Queue {
    pub(crate) const fn waiting(&self) -> usize {
        self.waiting
    }

    pub(crate) const fn blocked(&self) -> &Blocked {
        &self.blocked
    }

    /// When the passing of time may let somebody in.
    pub(crate) const fn due(&self) -> Option<Timestamp> {
        self.due
    }

    /// Whether a timer that was set with `due` and `waiting` as they were would wake too late. One that wakes too early does no harm.
    pub(crate) fn wakes_timer(&self, (due, waiting): (Option<Timestamp>, usize)) -> bool {
        let earlier = self.due.is_some_and(|now_due| due.is_none_or(|due| now_due < due));
        earlier || (waiting > 0 && self.waiting == 0)
    }

    /// Puts at the end of its account's line somebody who was just found not to fit.
    pub(crate) fn join(&mut self, newcomer: Newcomer, counters: &mut Counters, now: Timestamp) -> Ticket {
        self.last = Ticket(self.last.0.saturating_add(1));
        let mut waiter = Waiter { ticket: self.last, obstacles: vec![None; newcomer.ways.len()], newcomer };
        waiter.way_in(counters, &mut self.blocked, now);
        self.due = self.blocked.due();
        self.waiting += 1;
        let account = waiter.newcomer.account;
        match self.rotation.iter_mut().find(|line| line.account == account) {
            Some(line) => line.waiters.push_back(waiter),
            None => self.rotation.push_back(Line { account, waiters: VecDeque::from([waiter]), next: 0 }),
        }
        self.last
    }

    /// Takes somebody out who waits no longer; none if it was let in.
    pub(crate) fn leave(&mut self, account: AccountId, ticket: Ticket) -> Option<Newcomer> {
        let at = self.rotation.iter().position(|line| line.account == account)?;
        let line = self.rotation.get_mut(at)?;
        let place = line.waiters.binary_search_by_key(&ticket, |waiter| waiter.ticket).ok()?;
        let waiter = line.waiters.remove(place)?;
        if line.waiters.is_empty() {
            self.rotation.remove(at);
        }
        self.waiting -= 1;
        if self.waiting == 0 {
            self.blocked.clear();
            self.due = None;
        }
        Some(waiter.newcomer)
    }

    /// Lets in everybody who fits, in turn, and notes what the others wait for.
    pub(crate) fn dispatch(&mut self, counters: &mut Counters, now: Timestamp) -> Vec<Admitted> {
        self.blocked.clear();
        self.rotation.iter_mut().for_each(|line| line.next = 0);
        let (mut admitted, mut at) = (Vec::new(), 0);
        // Room only shrinks during a round: who was kept out needs no second look.
        while let Some(line) = self.rotation.get_mut(at) {
            let Some(served) = line.serve(counters, &mut self.blocked, now) else {
                at += 1;
                continue;
            };
            admitted.push(served);
            self.waiting -= 1;
            let line = self.rotation.remove(at).filter(|line| !line.waiters.is_empty());
            self.rotation.extend(line);
        }
        self.due = self.blocked.due();
        admitted
    }

    /// Where a task stands.
    pub(crate) fn position(&self, task: TaskId) -> Option<QueuePosition> {
        let place = |line: &Line| line.waiters.iter().position(|waiter| waiter.newcomer.task == task);
        let (turn, place) = self.rotation.iter().enumerate().find_map(|(turn, line)| Some((turn, place(line)?)))?;
        // Each line before ours has one more turn than ours until then.
        let others = self.rotation.iter().enumerate().filter(|(other, _)| *other != turn);
        let before = others.map(|(other, line)| line.waiters.len().min(place + usize::from(other < turn)));
        Some(QueuePosition { ahead: place + before.sum::<usize>(), waiting: self.waiting })
    }
}

impl Line {
    /// Lets in the first that fits.
    fn serve(&mut self, counters: &mut Counters, blocked: &mut Blocked, now: Timestamp) -> Option<Admitted> {
        while let Some(waiter) = self.waiters.get_mut(self.next) {
            if let Some(way) = waiter.way_in(counters, blocked, now) {
                return self.waiters.remove(self.next)?.admit(way, counters, now);
            }
            self.next += 1;
        }
        None
    }
}

impl Waiter {
    /// The first of its ways that is free. If none is, what it waits for is blocked for those behind it.
    fn way_in(&mut self, counters: &mut Counters, blocked: &mut Blocked, now: Timestamp) -> Option<usize> {
        let mut waits_for = Vec::new();
        for (place, ((_, way), obstacle)) in self.newcomer.ways.iter().zip(&mut self.obstacles).enumerate() {
            if obstacle.is_some_and(|obstacle| blocked.holds(obstacle)) {
                continue;
            }
            *obstacle = blocked.obstacle(&way.claims);
            if obstacle.is_none() {
                let refused = keeps_out(&counters.refusals(&way.claims, way.amounts, now));
                let Some(refused) = refused else { return Some(place) };
                *obstacle = Some((refused.scope, refused.kind));
                waits_for.push(refused);
            }
        }
        waits_for.iter().for_each(|refused| blocked.add(refused, self.ticket, now));
        None
    }

    fn admit(mut self, place: usize, counters: &mut Counters, now: Timestamp) -> Option<Admitted> {
        if place >= self.newcomer.ways.len() {
            return None;
        }
        let (number, way) = self.newcomer.ways.swap_remove(place);
        Some(Admitted { way: number, receipt: counters.take(way.claims, way.amounts, now), sender: self.newcomer.sender })
    }
}

/// Which refusal a waiter waits for. Its own key or account first: while that is full, it must keep nobody else from anything.
fn keeps_out(refusals: &[Refused]) -> Option<Refused> {
    let own = |refused: &&Refused| match refused.scope {
        LimitScope::Key(_) | LimitScope::Account(_) => true,
        LimitScope::Gateway | LimitScope::Group(_) | LimitScope::Platform(_) | LimitScope::Credential(_) | LimitScope::PlatformModel(_) => {
            false
        }
    };
    refusals.iter().find(own).or(refusals.first()).copied()
}

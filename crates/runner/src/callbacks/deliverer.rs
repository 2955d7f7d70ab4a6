//! The one loop that sends callbacks on this node: it takes what is due, lets visits run beside one another, and writes down what came
//! of them. What ended and what begins share a commit, so that many deliveries cost few.
//!
//! It wakes when a task of this node has something new, when a retry is due, and now and then by itself: for what another node or the
//! command line did. While no task has a callback it watches nothing.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use easyai_core::id::{CallbackId, TaskId};
use easyai_core::time::Timestamp;
use easyai_store::callbacks::{self, Callback, Mark};
use easyai_store::{StoreError, Tx};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::hosts::Hosts;
use super::visit::{Visit, Visited};
use crate::clock::now;
use crate::runner::Runner;

/// How long a node may take for a visit before another one does: longer than a visit and its time-out with a slow database.
const LEASE: Duration = Duration::from_secs(60);

/// How often it is looked whether anything is due: what another node or the command line made due.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// How often callbacks that wait for an event are looked through, for events that were committed elsewhere or missed here.
const SCAN_EVERY: Duration = Duration::from_secs(30);

/// Rows that are read at once.
const PAGE: u32 = 256;

/// Looks at what is due within one commit. Each but the last fills a host.
const MAX_LOOKS: usize = 16;

/// Tasks with callbacks whose commits are watched; beyond this they wait for a scan.
const MAX_WATCHED: usize = 100_000;

/// Tasks that are looked at within one commit.
const HINTS: usize = 256;

/// A database that is gone is tried again after this.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// How long visits may take to end when the gateway does: then they are broken off, and sent again at the next start.
const GRACE: Duration = Duration::from_secs(3);

pub(super) struct Deliverer {
    runner: Arc<Runner>,
    hosts: Hosts,
    visits: JoinSet<Visited>,
    /// Callbacks whose visit is under way, or not written down yet.
    under_way: HashMap<CallbackId, TaskId>,
    marks: Vec<Mark>,
    /// Tasks with something new.
    hinted: HashSet<TaskId>,
    /// Tasks whose commits matter.
    watched: HashSet<TaskId>,
    begun: Receiver<TaskId>,
    committed: Option<Receiver<TaskId>>,
    /// When something is due.
    next_due: Option<Timestamp>,
    next_look: Instant,
    next_scan: Instant,
    /// Ends visits between two events.
    ending: CancellationToken,
}

impl Deliverer {
    pub(super) fn new(runner: Arc<Runner>) -> Self {
        let begun = runner.journal.subscribe_callbacks();
        Self {
            runner,
            hosts: Hosts::default(),
            visits: JoinSet::new(),
            under_way: HashMap::new(),
            marks: Vec::new(),
            hinted: HashSet::new(),
            watched: HashSet::new(),
            begun,
            committed: None,
            next_due: None,
            next_look: Instant::now(),
            next_scan: Instant::now(),
            ending: CancellationToken::new(),
        }
    }

    pub(super) async fn run(mut self, stop: &CancellationToken) {
        while !stop.is_cancelled() {
            if let Err(error) = self.work().await {
                tracing::warn!(%error, "Callbacks wait: the database is not available");
                stop.run_until_cancelled(tokio::time::sleep(STORE_PAUSE)).await;
                continue;
            }
            self.wait(stop).await;
        }
        self.end().await;
    }

    async fn work(&mut self) -> Result<(), StoreError> {
        if Instant::now() >= self.next_scan {
            self.scan().await?;
            self.next_scan = Instant::now() + SCAN_EVERY;
        }
        if Instant::now() >= self.next_look {
            self.next_due = callbacks::next_due(&self.runner.db, Timestamp::from_micros(0)).await?;
            self.runner.metrics.callbacks_wait(callbacks::waiting(&self.runner.db).await?);
            self.next_look = Instant::now() + LOOK_EVERY;
        }
        let due = self.next_due.is_some_and(|due| due <= now());
        if due || !self.marks.is_empty() || self.hints().next().is_some() {
            self.turn().await?;
        }
        Ok(())
    }

    /// Tasks with something new whose callbacks are not under way.
    fn hints(&self) -> impl Iterator<Item = TaskId> {
        self.hinted.iter().copied().filter(|task| !self.under_way.values().any(|busy| busy == task))
    }

    /// One commit: what visits brought is written, what is due is taken.
    async fn turn(&mut self) -> Result<(), StoreError> {
        let now = now();
        let marks: Vec<Mark> = std::mem::take(&mut self.marks);
        let freed: Vec<_> = marks.iter().filter_map(|mark| self.under_way.remove_entry(&mark.id)).collect();
        let hints: Vec<TaskId> = self.hints().take(HINTS).collect();
        let mut taken = Vec::new();
        let done = self.write(&marks, &hints, now, &mut taken).await;
        if let Err(error) = done {
            taken.iter().for_each(|callback: &Callback| self.hosts.give_back(&callback.host, None));
            self.under_way.extend(freed);
            self.marks = marks;
            return Err(error);
        }
        for task in &hints {
            self.hinted.remove(task);
        }
        for callback in taken {
            self.under_way.insert(callback.id, callback.task_id);
            let visit = Visit::new(Arc::clone(&self.runner), callback, self.ending.clone());
            self.visits.spawn(Box::pin(visit.run()));
        }
        // What is due and was not taken waits for a place, which the end of a visit gives.
        self.next_due = callbacks::next_due(&self.runner.db, now).await?;
        Ok(())
    }

    async fn write(&mut self, marks: &[Mark], hints: &[TaskId], now: Timestamp, taken: &mut Vec<Callback>) -> Result<(), StoreError> {
        let runner = Arc::clone(&self.runner);
        let mut tx = runner.db.write().await?;
        for mark in marks {
            if !callbacks::mark(&mut tx, mark, runner.node, now).await? {
                tracing::warn!(callback.id = %mark.id, "A callback took longer than its lease: it may be sent twice");
            }
        }
        for task in hints {
            for callback in callbacks::of_task(&mut tx, *task, now).await? {
                let id = callback.id;
                if !self.take(&mut tx, callback, now, taken).await? {
                    callbacks::wake(&mut tx, id, now).await?;
                }
            }
        }
        for _ in 0..MAX_LOOKS {
            if !self.hosts.has_room() {
                break;
            }
            let found = callbacks::due(&mut tx, now, &self.hosts.full(), PAGE).await?;
            let (last, before) = (found.len() < PAGE as usize, taken.len());
            for callback in found {
                self.take(&mut tx, callback, now, taken).await?;
            }
            if last || taken.len() == before {
                break;
            }
        }
        tx.commit().await
    }

    /// Takes one callback, if its receiver has a place and nobody else was faster.
    async fn take(&mut self, tx: &mut Tx, callback: Callback, now: Timestamp, taken: &mut Vec<Callback>) -> Result<bool, StoreError> {
        if !self.hosts.take(&callback.host) {
            return Ok(false);
        }
        let claimed = callbacks::claim(tx, &callback, self.runner.node, now, now.plus(LEASE)).await;
        if !matches!(claimed, Ok(true)) {
            self.hosts.give_back(&callback.host, None);
            // Whoever was faster sends it.
            return claimed.map(|_| true);
        }
        taken.push(callback);
        Ok(true)
    }

    /// Looks for what was missed, and for whom commits matter.
    async fn scan(&mut self) -> Result<(), StoreError> {
        let db = &self.runner.db;
        let mut tx = db.write().await?;
        callbacks::release_dead_nodes(&mut tx, now()).await?;
        tx.commit().await?;
        let busy = self.under_way.values().copied();
        let mut watched: HashSet<TaskId> = busy.chain(self.hinted.iter().copied()).collect();
        let mut after = None;
        while watched.len() < MAX_WATCHED {
            let page = callbacks::idle(db, after, PAGE).await?;
            watched.extend(page.iter().map(|idle| idle.task_id));
            self.hinted.extend(page.iter().filter(|idle| idle.ready).map(|idle| idle.task_id));
            after = page.last().map(|idle| idle.id);
            if page.len() < PAGE as usize {
                break;
            }
        }
        self.watched = watched;
        self.watch();
        Ok(())
    }

    /// Watches commits while they matter.
    fn watch(&mut self) {
        if self.watched.is_empty() {
            self.committed = None;
        } else if self.committed.is_none() {
            self.committed = Some(self.runner.journal.subscribe());
        }
    }

    /// Waits until there is something to do.
    async fn wait(&mut self, stop: &CancellationToken) {
        let due = self.next_due.map_or(LOOK_EVERY, |due| due.since(now()));
        let wake_at = (Instant::now() + due).min(self.next_look).min(self.next_scan);
        tokio::select! {
            () = stop.cancelled() => {}
            Some(visited) = self.visits.join_next(), if !self.visits.is_empty() => self.came_back(visited.ok()),
            begun = self.begun.recv() => self.has_begun(begun),
            committed = next(&mut self.committed) => self.was_committed(committed),
            () = tokio::time::sleep_until(wake_at) => {}
        }
        self.gather();
    }

    /// All that is there already, so that it shares the next commit.
    fn gather(&mut self) {
        while let Some(visited) = self.visits.try_join_next() {
            self.came_back(visited.ok());
        }
        while let Some(begun) = ready(&mut self.begun) {
            self.has_begun(begun);
        }
        while let Some(committed) = self.committed.as_mut().and_then(ready) {
            self.was_committed(committed);
        }
    }

    fn came_back(&mut self, visited: Option<Visited>) {
        // One that panicked leaves a lease that ends, and keeps its place; nothing in it can.
        let Some(Visited { host, answered, over, mark }) = visited else { return };
        self.hosts.give_back(&host, answered);
        if over && let Some(task) = self.under_way.get(&mark.id) {
            self.watched.remove(task);
            self.watch();
        }
        self.marks.push(mark);
    }

    fn has_begun(&mut self, begun: Result<TaskId, RecvError>) {
        match begun {
            Ok(task) => {
                self.hinted.insert(task);
                if self.watched.len() < MAX_WATCHED {
                    self.watched.insert(task);
                }
                self.watch();
            }
            // The journal ends with the runner, and the runner not before this.
            Err(RecvError::Lagged(_) | RecvError::Closed) => self.next_scan = Instant::now(),
        }
    }

    fn was_committed(&mut self, committed: Result<TaskId, RecvError>) {
        match committed {
            Ok(task) => {
                if self.watched.contains(&task) {
                    self.hinted.insert(task);
                }
            }
            Err(RecvError::Lagged(_) | RecvError::Closed) => self.next_scan = Instant::now(),
        }
    }

    /// Lets visits end, and writes down how far they came.
    async fn end(mut self) {
        self.ending.cancel();
        let all = async {
            while let Some(visited) = self.visits.join_next().await {
                self.came_back(visited.ok());
            }
        };
        drop(timeout(GRACE, all).await);
        let marks = std::mem::take(&mut self.marks);
        // Nothing is taken any more.
        if let Err(error) = write_all(&self.runner, &marks).await {
            tracing::warn!(%error, "The last callbacks could not be written down: they are sent again at the next start");
        }
    }
}

async fn write_all(runner: &Runner, marks: &[Mark]) -> Result<(), StoreError> {
    if marks.is_empty() {
        return Ok(());
    }
    let mut tx = runner.db.write().await?;
    for mark in marks {
        callbacks::mark(&mut tx, mark, runner.node, now()).await?;
    }
    tx.commit().await
}

/// The next commit, if they are watched.
async fn next(committed: &mut Option<Receiver<TaskId>>) -> Result<TaskId, RecvError> {
    match committed {
        Some(committed) => committed.recv().await,
        None => std::future::pending().await,
    }
}

/// What a channel has without waiting.
fn ready(channel: &mut Receiver<TaskId>) -> Option<Result<TaskId, RecvError>> {
    match channel.try_recv() {
        Ok(task) => Some(Ok(task)),
        Err(TryRecvError::Lagged(missed)) => Some(Err(RecvError::Lagged(missed))),
        Err(TryRecvError::Empty | TryRecvError::Closed) => None,
    }
}

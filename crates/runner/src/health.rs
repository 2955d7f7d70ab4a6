//! How candidates are, live: what policies did to them after failures. Read without a lock on every request, changed rarely.
//!
//! Every change is written down at once by a task of its own ([`HealthBoard::keep`]), so that a restart keeps it.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use easyai_core::catalog::PlatformModel;
use easyai_core::health::{Condition, Effects, Failed, HealthBook, ProbeOrder, ProbePlan, Subject};
use easyai_core::policy::{Remedy, RunnerPolicy};
use easyai_core::time::Timestamp;
use easyai_core::trace::RemedyNote;
use easyai_store::candidate_state::{self, Change};
use easyai_store::{Db, StoreError};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// When what could not be written is tried again.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// The live conditions of all candidates.
#[derive(Debug, Default)]
pub struct HealthBoard {
    book: ArcSwap<HealthBook>,
    journal: Mutex<Changes>,
    changed: Notify,
}

/// What changed here, and how far it is written.
#[derive(Debug, Default)]
struct Changes {
    /// Counts changes.
    count: u64,
    /// The last change of each subject.
    last: HashMap<Subject, u64>,
    /// What is not written yet: its change, and whether it was switched off by that.
    unwritten: HashMap<Subject, (u64, bool)>,
}

/// What was known of changes before the rows were read: what changed after that is not overruled by them.
#[derive(Debug)]
pub struct Before {
    count: u64,
    unwritten: HashSet<Subject>,
}

impl HealthBoard {
    /// As it is now.
    #[must_use]
    pub fn now(&self) -> Arc<HealthBook> {
        self.book.load_full()
    }

    /// Counts a failure: for circuit breakers, demotions and auto-disable rules. Gives what that did, for the trace.
    pub fn failed(&self, failed: &Failed<'_>, now: Timestamp) -> Vec<RemedyNote> {
        let mut effects = Effects::default();
        self.change(|book| effects = book.failed(failed, now));
        let Effects { changed, remedies } = effects;
        let off = |subject: &Subject| {
            let own = |remedy: &Remedy| Subject::of(remedy.scope(), failed.offer, failed.credential) == *subject;
            remedies.iter().any(|(remedy, _)| matches!(remedy, Remedy::Disable { .. }) && own(remedy))
        };
        self.write_down(changed.into_iter().map(|subject| (subject, off(&subject))));
        remedies.into_iter().map(|(_, note)| note).collect()
    }

    /// Carries out what a decision ordered.
    pub fn apply(&self, ordered: &[Remedy], failed: &Failed<'_>, now: Timestamp, reason: &Arc<str>) {
        for remedy in ordered {
            let mut changed = None;
            self.change(|book| changed = book.apply(remedy, failed.offer, failed.credential, now, reason));
            self.write_down(changed.map(|subject| (subject, matches!(remedy, Remedy::Disable { .. }))));
        }
    }

    /// A success heals. Costs a look where there is nothing to heal.
    pub fn succeeded(&self, offer: &PlatformModel, policy: &RunnerPolicy, now: Timestamp) {
        if self.book.load().success_matters(offer, now) {
            let mut changed = Vec::new();
            self.change(|book| changed = book.succeeded(offer, policy.demotion.heal_steps, now));
            self.write_down(changed.into_iter().map(|subject| (subject, false)));
        }
    }

    /// Takes the one probe of a half-open circuit breaker; `None` if another call has it. Costs a look where there is no breaker.
    pub fn probe(self: &Arc<Self>, offer: &Arc<PlatformModel>, now: Timestamp) -> Option<Probe> {
        if !self.book.load().needs_probe(offer, now) {
            return Some(Probe { board: None, offer: Arc::clone(offer), begun: now });
        }
        let mut taken = false;
        self.change(|book| taken = book.begin_probe(offer, now));
        taken.then(|| Probe { board: Some(Arc::clone(self)), offer: Arc::clone(offer), begun: now })
    }

    /// The active probes that are due, at most `most`; notes that they begin.
    pub fn plan_probes(&self, offers: &[Arc<PlatformModel>], now: Timestamp, most: usize) -> Vec<ProbeOrder> {
        let mut plan = ProbePlan::default();
        self.change(|book| plan = book.plan_probes(offers, now, most));
        self.write_down(plan.changed.into_iter().map(|subject| (subject, false)));
        plan.orders
    }

    /// An active probe went well: what its subject was out for when it began is over, durably first. Says whether anything was.
    ///
    /// # Errors
    /// [`StoreError`] if it can't be written; then nothing has changed.
    pub async fn heal(&self, db: &Db, order: &ProbeOrder, reason: &str, now: Timestamp) -> Result<bool, StoreError> {
        let ProbeOrder { subject, seen, .. } = order;
        let enabled = candidate_state::heal(db, *subject, seen, reason).await?;
        let mut healed = false;
        self.change(|book| healed = book.heal(*subject, seen, now));
        // Its row once more: what this node had not written yet when it was healed may have come after it.
        self.write_down(healed.then_some((*subject, false)));
        // It may have been taken up from its row already.
        Ok(healed || enabled)
    }

    /// Takes over what the rows say at the start.
    pub fn restore(&self, rows: Vec<(Subject, Condition)>) {
        self.change(|book| rows.iter().for_each(|(subject, condition)| book.restore(*subject, condition.clone())));
    }

    /// What is known of changes now: asked before rows are read that are to be followed.
    #[must_use]
    pub fn before(&self) -> Before {
        let journal = self.journal();
        Before { count: journal.count, unwritten: journal.unwritten.keys().copied().collect() }
    }

    /// Takes over what people did, as the rows say: who is switched off, and who is no longer listed since somebody enabled it. What
    /// changed here since `before` is not overruled by rows that don't know it.
    pub fn follow(&self, rows: &[(Subject, Condition)], before: &Before, now: Timestamp) {
        let (last, unwritten) = {
            let journal = self.journal();
            (journal.last.clone(), journal.unwritten.clone())
        };
        let settled = |subject: &Subject| {
            let known = last.get(subject).is_none_or(|change| *change <= before.count);
            known && !before.unwritten.contains(subject) && !unwritten.contains_key(subject)
        };
        self.change(|book| {
            let listed = |subject: &Subject| rows.iter().any(|(row, _)| row == subject);
            let all = book.iter().map(|(subject, _)| subject);
            let enabled: Vec<Subject> = all.filter(settled).filter(|subject| !listed(subject)).collect();
            for subject in enabled {
                book.enable(subject);
            }
            let on = |subject: &Subject| rows.iter().any(|(row, condition)| row == subject && condition.disabled.is_none());
            let off = book.iter().filter(|(_, condition)| condition.disabled.is_some()).map(|(subject, _)| subject);
            let switched_on: Vec<Subject> = off.filter(settled).filter(on).collect();
            for subject in switched_on {
                book.set_disabled(subject, None, now);
            }
            for (subject, condition) in rows.iter().filter(|(subject, condition)| condition.disabled.is_some() && settled(subject)) {
                book.set_disabled(*subject, condition.disabled.clone(), now);
            }
        });
    }

    /// Writes changes down as they come, until `stop`; then what is left.
    pub async fn keep(&self, db: &Db, stop: &CancellationToken) {
        loop {
            let stopping = stop.run_until_cancelled(self.changed.notified()).await.is_none();
            match self.write(db).await {
                Ok(()) => {}
                Err(error) if stopping => {
                    tracing::error!(%error, "The health of some candidates could not be written: a restart forgets their last change");
                }
                Err(error) => {
                    tracing::error!(%error, "The health of some candidates could not be written: trying again");
                    tokio::time::sleep(TRY_AGAIN).await;
                    self.changed.notify_one();
                }
            }
            if stopping {
                return;
            }
        }
    }

    /// Writes what is not written yet.
    ///
    /// # Errors
    /// [`StoreError`] if it can't be written; then it is tried again with the next change.
    pub async fn write(&self, db: &Db) -> Result<(), StoreError> {
        let taken = self.journal().unwritten.clone();
        if taken.is_empty() {
            return Ok(());
        }
        let book = self.now();
        let condition = |subject| book.get(subject).cloned().unwrap_or_default();
        let changes: Vec<Change> = taken
            .iter()
            .map(|(subject, (_, switched_off))| Change { subject: *subject, condition: condition(*subject), switched_off: *switched_off })
            .collect();
        candidate_state::save(db, &changes).await?;
        // What changed meanwhile is written again.
        self.journal().unwritten.retain(|subject, (change, _)| taken.get(subject).is_none_or(|(written, _)| written != change));
        Ok(())
    }

    fn journal(&self) -> MutexGuard<'_, Changes> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, mut change: impl FnMut(&mut HealthBook)) {
        self.book.rcu(|book| {
            let mut book = HealthBook::clone(book);
            change(&mut book);
            book
        });
    }

    fn write_down(&self, changed: impl IntoIterator<Item = (Subject, bool)>) {
        if self.note(changed) {
            self.changed.notify_one();
        }
    }

    fn note(&self, changed: impl IntoIterator<Item = (Subject, bool)>) -> bool {
        let mut journal = self.journal();
        for (subject, switched_off) in changed {
            journal.count += 1;
            let count = journal.count;
            journal.last.insert(subject, count);
            let (change, off) = journal.unwritten.entry(subject).or_default();
            (*change, *off) = (count, *off || switched_off);
        }
        !journal.unwritten.is_empty()
    }
}

/// The right to call a candidate: the one probe of its circuit breaker, where that is half-open. Given back when dropped.
#[derive(Debug)]
pub struct Probe {
    board: Option<Arc<HealthBoard>>,
    offer: Arc<PlatformModel>,
    begun: Timestamp,
}

impl Drop for Probe {
    fn drop(&mut self) {
        if let Some(board) = &self.board {
            board.change(|book| book.give_back_probe(&self.offer, self.begun));
        }
    }
}

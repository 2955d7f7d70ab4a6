//! Looks at the health of all candidates while a scenario plays, and notes what a trace doesn't tell: what heals and closes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use easyai_core::catalog::Catalog;
use easyai_core::health::{Breaker, Condition, HealthBook, Subject};
use easyai_core::time::Timestamp;
use easyai_runner::Runner;
use tokio::time::{Instant, interval};

use super::play::START;

/// How exact the times of changes are.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Looks in a scenario: a long one is looked at less often.
const MOST_LOOKS: u32 = 200_000;

easyai_core::words! {
    /// What got better.
    pub enum Better as "change for the better" {
        /// A call through a half-open circuit breaker went well.
        Closed = "circuit_closed",
        /// A success took steps of a demotion back.
        Healed = "demotion_healed",
    }
}

/// One change of a candidate's health.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// When it was noticed.
    pub at: Duration,
    /// Whose.
    pub whom: String,
    /// What.
    pub what: Better,
    /// Steps of demotion that are left.
    pub steps: u32,
}

/// The watcher of one scenario.
#[derive(Debug)]
pub struct Watch {
    names: BTreeMap<Subject, String>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    last: Arc<HealthBook>,
    changes: Vec<Change>,
}

impl Watch {
    /// One of the candidates that `runner` has now.
    pub fn new(runner: &Runner) -> Self {
        Self { names: names(&runner.catalog()), state: Mutex::default() }
    }

    /// Looks again and again, until it is aborted.
    pub async fn keep(self: Arc<Self>, runner: Arc<Runner>, started: Instant, duration: Duration) {
        let mut ticks = interval(LOOK_EVERY.max(duration / MOST_LOOKS));
        loop {
            ticks.tick().await;
            self.look(runner.health(), started.elapsed());
        }
    }

    /// What changed, in the order of time.
    pub fn changes(&self) -> Vec<Change> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).changes.clone()
    }

    fn look(&self, book: Arc<HealthBook>, at: Duration) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if Arc::ptr_eq(&state.last, &book) {
            return;
        }
        let well = Condition::default();
        let last = std::mem::replace(&mut state.last, Arc::clone(&book));
        for (subject, name) in &self.names {
            let (before, after) = (last.get(*subject).unwrap_or(&well), book.get(*subject).unwrap_or(&well));
            let steps = after.demotion_at(START.plus(at));
            let changes = better(before, after, START.plus(at)).into_iter().map(|what| Change { at, whom: name.clone(), what, steps });
            state.changes.extend(changes);
        }
    }
}

/// What got better between two looks, but for what passed by time alone.
fn better(before: &Condition, after: &Condition, now: Timestamp) -> Vec<Better> {
    let mut found = Vec::new();
    let closed = |condition: &Condition| matches!(condition.breaker, Breaker::Closed { .. });
    if closed(after) && !closed(before) {
        found.push(Better::Closed);
    }
    if after.demotion_at(now) < before.demotion_at(now) {
        found.push(Better::Healed);
    }
    found
}

/// What people call each subject.
fn names(catalog: &Catalog) -> BTreeMap<Subject, String> {
    let mut names = BTreeMap::new();
    for offer in catalog.models.values().flat_map(|model| &model.offers) {
        let platform = &offer.platform;
        names.insert(Subject::Platform(platform.id), platform.name.to_string());
        names.insert(Subject::PlatformModel(offer.id), format!("{}/{}", platform.name, offer.model));
        for credential in &platform.credentials {
            names.insert(Subject::Credential(credential.id), format!("{} ({})", platform.name, credential.name));
        }
    }
    names
}

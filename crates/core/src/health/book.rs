//! How everything is. Each change says which subjects it changed, so that just their rows are written.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use super::{Condition, Disabled, Subject};
use crate::catalog::PlatformModel;
use crate::id::CredentialId;
use crate::policy::Remedy;
use crate::time::Timestamp;

/// How all platforms, credentials and platform models are. Who is well has no entry. A clone is cheap: conditions are shared.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HealthBook {
    conditions: HashMap<Subject, Arc<Condition>>,
}

impl HealthBook {
    /// How `subject` is, unless it is well.
    #[must_use]
    pub fn get(&self, subject: Subject) -> Option<&Condition> {
        self.conditions.get(&subject).map(AsRef::as_ref)
    }

    /// All who are not well, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = (Subject, &Condition)> {
        self.conditions.iter().map(|(subject, condition)| (*subject, condition.as_ref()))
    }

    /// Puts `condition` in the place of what was known of `subject`: a row read back, or what another node wrote.
    pub fn restore(&mut self, subject: Subject, condition: Condition) {
        self.conditions.insert(subject, Arc::new(condition));
    }

    /// A person enables `subject`: whatever was the matter with it is forgotten. Says whether something was.
    pub fn enable(&mut self, subject: Subject) -> bool {
        self.conditions.remove(&subject).is_some()
    }

    /// Switches `subject` off, or on again with its cooldowns as they are: what a row says, or a person. Says whether that changed it.
    pub fn set_disabled(&mut self, subject: Subject, disabled: Option<Disabled>, now: Timestamp) -> bool {
        let mut changed = Vec::new();
        self.change(subject, now, &mut changed, |condition| condition.disabled = disabled);
        !changed.is_empty()
    }

    /// Carries out `remedy` on what its scope means for a call of `offer` with `credential`. Gives that, if it changed.
    pub fn apply(
        &mut self,
        remedy: &Remedy,
        offer: &PlatformModel,
        credential: Option<CredentialId>,
        now: Timestamp,
        reason: &Arc<str>,
    ) -> Option<Subject> {
        let subject = Subject::of(remedy.scope(), offer, credential);
        let mut changed = Vec::new();
        self.change(subject, now, &mut changed, |condition| condition.apply(remedy, now, reason));
        changed.pop()
    }

    /// A success of `offer`: heals its demotion and its platform's by `heal_steps`, and closes its circuit breaker if a probe could have
    /// brought it. Cooldowns go on, and what is disabled stays so. Gives what changed.
    pub fn succeeded(&mut self, offer: &PlatformModel, heal_steps: NonZeroU32, now: Timestamp) -> Vec<Subject> {
        let mut changed = Vec::new();
        if self.success_matters(offer, now) {
            for subject in [Subject::Platform(offer.platform.id), Subject::PlatformModel(offer.id)] {
                self.change(subject, now, &mut changed, |condition| {
                    condition.demoted = condition.demoted.and_then(|demoted| demoted.heal(heal_steps));
                    condition.breaker.succeeded(now);
                });
            }
        }
        changed
    }

    /// Whether a success of `offer` would change anything: asked after every call, and almost never so.
    #[must_use]
    pub fn success_matters(&self, offer: &PlatformModel, now: Timestamp) -> bool {
        self.conditions(offer).any(|condition| condition.demoted.is_some() || condition.breaker.success_matters(now))
    }

    /// Whether a call of `offer` needs the probe of a half-open circuit breaker: asked before every call, and almost never so.
    #[must_use]
    pub fn needs_probe(&self, offer: &PlatformModel, now: Timestamp) -> bool {
        self.get(Subject::PlatformModel(offer.id)).is_some_and(|condition| condition.breaker.success_matters(now))
    }

    /// Takes the one probe of `offer`'s half-open circuit breaker; false if it is taken, or if none is needed. Whoever has it tells
    /// `failed` or `succeeded`, and gives it back in any case; `now` is its name. Nothing durable changes.
    pub fn begin_probe(&mut self, offer: &PlatformModel, now: Timestamp) -> bool {
        self.change(Subject::PlatformModel(offer.id), now, &mut Vec::new(), |condition| condition.breaker.begin_probe(now))
    }

    /// Gives back the probe that began at `begun`. Nothing happens if it has reported back.
    pub fn give_back_probe(&mut self, offer: &PlatformModel, begun: Timestamp) {
        self.change(Subject::PlatformModel(offer.id), begun, &mut Vec::new(), |condition| condition.breaker.give_back_probe(begun));
    }

    /// Forgets what has passed by time; gives the subjects whose rows are to be written or, if they are gone, deleted.
    pub fn forget_passed(&mut self, now: Timestamp) -> Vec<Subject> {
        let mut changed = Vec::new();
        for subject in self.conditions.keys().copied().collect::<Vec<_>>() {
            self.change(subject, now, &mut changed, |_| {});
        }
        changed
    }

    /// The conditions that count for `offer` whatever its credentials: its platform's and its own.
    pub(super) fn conditions(&self, offer: &PlatformModel) -> impl Iterator<Item = &Condition> {
        [Subject::Platform(offer.platform.id), Subject::PlatformModel(offer.id)].into_iter().filter_map(|subject| self.get(subject))
    }

    /// Changes how `subject` is, and notes whether that made a difference.
    pub(super) fn change<T>(
        &mut self,
        subject: Subject,
        now: Timestamp,
        changed: &mut Vec<Subject>,
        change: impl FnOnce(&mut Condition) -> T,
    ) -> T {
        let before = self.conditions.get(&subject).map(Arc::clone).unwrap_or_default();
        let mut after = Condition::clone(&before);
        after.forget_probes_of_the_past(now);
        let told = change(&mut after);
        after.forget_passed(now);
        if after != *before {
            changed.push(subject);
            if after == Condition::default() {
                self.conditions.remove(&subject);
            } else {
                self.conditions.insert(subject, Arc::new(after));
            }
        }
        told
    }
}

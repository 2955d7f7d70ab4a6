//! What a failure does to the health of its candidate beside the remedy of `crate::decide`: circuit breaker, demotion, auto-disable.

use super::{HealthBook, Subject};
use crate::catalog::PlatformModel;
use crate::failure::{Category, Failure};
use crate::id::CredentialId;
use crate::kind::ModelType;
use crate::policy::{Remedy, RunnerPolicy};
use crate::time::Timestamp;
use crate::trace::{PolicySource, RemedyNote};

/// A failed attempt.
#[derive(Debug, Clone, Copy)]
pub struct Failed<'a> {
    /// The candidate.
    pub offer: &'a PlatformModel,
    /// The credential that was used, if the platform has any.
    pub credential: Option<CredentialId>,
    /// What went wrong.
    pub failure: &'a Failure,
    /// What was to be done.
    pub model_type: ModelType,
    /// The runner policy of the run.
    pub runner: &'a RunnerPolicy,
    /// The caller's own deadline had passed: then a time-out says nothing about the candidate.
    pub deadline_passed: bool,
}

/// What a failure did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Effects {
    /// Whose rows are to be written.
    pub changed: Vec<Subject>,
    /// What was carried out, for the trace and the audit log.
    pub remedies: Vec<(Remedy, RemedyNote)>,
}

impl Effects {
    fn note(&mut self, remedy: Remedy, source: PolicySource, rule: Option<u32>) {
        self.remedies.push((remedy, RemedyNote::of(&remedy, source, rule)));
    }
}

impl HealthBook {
    /// Counts a failure and carries out what the policies say to it. Not what `crate::decide` says: that comes by [`Self::apply`].
    pub fn failed(&mut self, failed: &Failed<'_>, now: Timestamp) -> Effects {
        let mut effects = Effects::default();
        if failed.is_the_candidates_fault() {
            self.count_for_breaker(failed, now, &mut effects);
            self.demote(failed, now, &mut effects);
            self.count_for_disabling(failed, now, &mut effects);
            effects.changed.sort_unstable();
            effects.changed.dedup();
        }
        effects
    }

    fn count_for_breaker(&mut self, failed: &Failed<'_>, now: Timestamp, effects: &mut Effects) {
        let policy = failed.offer.policy_set.breaker.as_ref().filter(|policy| policy.enabled);
        let opened = self.change(Subject::PlatformModel(failed.offer.id), now, &mut effects.changed, |condition| {
            let Some(policy) = policy else {
                // The policy that opened it is gone.
                condition.breaker = super::Breaker::default();
                return None;
            };
            let counts = policy.matches.matches(failed.failure, failed.model_type);
            let reason = || format!("the circuit breaker opened, the last failure being {}", failed.told()).into();
            counts.then(|| condition.breaker.failed(now, policy, reason)).flatten()
        });
        if let Some(lasting) = opened {
            effects.note(Remedy::OpenCircuit { lasting }, PolicySource::PolicySet, None);
        }
    }

    fn demote(&mut self, failed: &Failed<'_>, now: Timestamp, effects: &mut Effects) {
        let Some((number, rule)) = failed.runner.demotion.rule(failed.failure, failed.model_type) else { return };
        let subject = Subject::of(rule.scope, failed.offer, failed.credential);
        let low = self.get(subject).map_or(0, |condition| condition.demotion_at(now));
        let remedy = Remedy::Demote { scope: rule.scope, steps: rule.after(low), lasting: rule.lasting() };
        self.change(subject, now, &mut effects.changed, |condition| condition.apply(&remedy, now, &"".into()));
        effects.note(remedy, PolicySource::RunnerPolicy, Some(number));
    }

    fn count_for_disabling(&mut self, failed: &Failed<'_>, now: Timestamp, effects: &mut Effects) {
        let set = &failed.offer.policy_set;
        let Some((number, rule)) = set.auto_disable.rule(failed.failure, failed.model_type) else { return };
        let subject = Subject::of(rule.scope, failed.offer, failed.credential);
        if self.get(subject).is_some_and(|condition| condition.disabled.is_some()) {
            return;
        }
        let remedy = Remedy::Disable { scope: rule.scope };
        let disabled = self.change(subject, now, &mut effects.changed, |condition| {
            let enough = condition.count(rule, now);
            if enough {
                let told = failed.told();
                let reason = format!("policy set `{}` auto-disable rule {number} ({rule}), the last being {told}", set.name).into();
                condition.apply(&remedy, now, &reason);
            }
            enough
        });
        if disabled {
            effects.note(remedy, PolicySource::PolicySet, Some(number));
        }
    }
}

impl Failed<'_> {
    /// Whether it says anything about the candidate. Our own limits and mistakes don't, nor does what another candidate would have
    /// refused too.
    fn is_the_candidates_fault(&self) -> bool {
        match self.failure.category {
            Category::LocalRateLimit
            | Category::Cancelled
            | Category::Internal
            | Category::BadRequest
            | Category::ContentFilter
            | Category::ContextLength => false,
            Category::Timeout => !self.deadline_passed,
            Category::Network
            | Category::RateLimit
            | Category::Overloaded
            | Category::ServerError
            | Category::Auth
            | Category::QuotaExhausted
            | Category::ModelUnavailable
            | Category::BadResponse => true,
        }
    }

    /// The failure for a person: `server_error (HTTP 500) at primary: boom`.
    fn told(&self) -> String {
        let status = self.failure.status.map(|status| format!(" (HTTP {status})")).unwrap_or_default();
        format!("{}{status} at {}: {}", self.failure.category, self.offer.platform.name, self.failure.message)
    }
}

//! The retry policy in force for a candidate: its policy set's, with its own overrides, each value with its source.

use std::num::NonZeroU32;

use crate::catalog::PlatformModel;
use crate::policy::{Backoff, RetryRule};
use crate::reason::Reason;
use crate::trace::{PolicySource, Ruling};

/// A value, and which policy it comes from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sourced<T> {
    pub(super) value: T,
    pub(super) source: PolicySource,
}

/// The retry policy in force for a candidate.
#[derive(Debug, Clone, Copy)]
pub struct EffectiveRetry<'a> {
    candidate: &'a PlatformModel,
    pub(super) enabled: Sourced<bool>,
    pub(super) max_attempts: Sourced<NonZeroU32>,
    pub(super) backoff: Sourced<&'a Backoff>,
    pub(super) rules: Sourced<&'a [RetryRule]>,
}

impl<'a> EffectiveRetry<'a> {
    /// That of `candidate`.
    #[must_use]
    pub fn of(candidate: &'a PlatformModel) -> Self {
        let (policy, changed) = (&candidate.policy_set.retry, candidate.overrides.retry.as_ref());
        Self {
            candidate,
            enabled: pick(changed.and_then(|changed| changed.enabled), policy.enabled),
            max_attempts: pick(changed.and_then(|changed| changed.max_attempts), policy.max_attempts),
            backoff: pick(changed.and_then(|changed| changed.backoff.as_ref()), &policy.backoff),
            rules: pick(changed.and_then(|changed| changed.rules.as_deref()), &policy.rules),
        }
    }

    /// Attempts that may be made at this client: one if retries are off.
    #[must_use]
    pub const fn attempts(&self) -> u32 {
        if self.enabled.value { self.max_attempts.value.get() } else { 1 }
    }

    pub(super) fn ruling(&self, source: PolicySource, rule: Option<u32>, value: String, reason: Reason) -> Ruling {
        let policy = match source {
            PolicySource::CandidateOverride => override_name(self.candidate),
            PolicySource::Fixed
            | PolicySource::DefaultTable
            | PolicySource::RetryPolicy
            | PolicySource::PolicySet
            | PolicySource::RunnerPolicy
            | PolicySource::Upstream => self.candidate.policy_set.name.to_string(),
        };
        Ruling { source, policy, rule, value, reason }
    }
}

/// A platform model's overrides, as a trace names them.
pub(super) fn override_name(candidate: &PlatformModel) -> String {
    format!("{}/{}", candidate.platform.name, candidate.model)
}

fn pick<T>(changed: Option<T>, otherwise: T) -> Sourced<T> {
    match changed {
        Some(value) => Sourced { value, source: PolicySource::CandidateOverride },
        None => Sourced { value: otherwise, source: PolicySource::RetryPolicy },
    }
}

//! How far a run may go: the runner policy's limits, which candidates can only lower.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use super::retry::override_name;
use crate::catalog::PlatformModel;
use crate::policy::RunnerPolicy;
use crate::reason::Reason;
use crate::trace::{PolicySource, Ruling};

/// The limits of a run. Those of each candidate count from when it is tried.
#[derive(Debug, Clone)]
pub struct RunLimits {
    max_platforms: Limit,
    max_duration_seconds: Limit,
}

#[derive(Debug, Clone)]
struct Limit {
    value: NonZeroU32,
    lowered_by: Option<Arc<PlatformModel>>,
}

impl RunLimits {
    /// Those of the policy alone.
    #[must_use]
    pub fn of(policy: &RunnerPolicy) -> Self {
        let limit = |value| Limit { value, lowered_by: None };
        Self { max_platforms: limit(policy.failover.max_platforms), max_duration_seconds: limit(policy.failover.max_duration_seconds) }
    }

    /// A candidate is being tried: its overrides count from here on, if they are lower.
    pub fn lower(&mut self, candidate: &Arc<PlatformModel>) {
        self.max_platforms.lower(candidate.overrides.max_platforms, candidate);
        self.max_duration_seconds.lower(candidate.overrides.max_duration_seconds, candidate);
    }

    /// Platforms that may be tried.
    #[must_use]
    pub const fn max_platforms(&self) -> u32 {
        self.max_platforms.value.get()
    }

    /// When nothing more is begun.
    #[must_use]
    pub const fn max_duration(&self) -> Duration {
        Duration::from_secs(self.max_duration_seconds.value.get() as u64)
    }

    pub(super) fn platforms_reached(&self, policy: &RunnerPolicy) -> Ruling {
        self.max_platforms.ruling("max_platforms", policy, Reason::MaxPlatformsReached)
    }

    /// The ruling of a run whose time is over.
    pub(crate) fn time_over(&self, policy: &RunnerPolicy) -> Ruling {
        self.max_duration_seconds.ruling("max_duration_seconds", policy, Reason::FailoverTimeBudgetExceeded)
    }
}

impl Limit {
    fn lower(&mut self, value: Option<NonZeroU32>, candidate: &Arc<PlatformModel>) {
        if let Some(value) = value.filter(|value| *value < self.value) {
            *self = Self { value, lowered_by: Some(Arc::clone(candidate)) };
        }
    }

    fn ruling(&self, name: &str, policy: &RunnerPolicy, reason: Reason) -> Ruling {
        let (source, policy) = match &self.lowered_by {
            Some(candidate) => (PolicySource::CandidateOverride, override_name(candidate)),
            None => (PolicySource::RunnerPolicy, policy.id.to_string()),
        };
        Ruling { source, policy, rule: None, value: format!("{name}={}", self.value), reason }
    }
}

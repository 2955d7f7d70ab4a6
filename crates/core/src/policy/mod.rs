//! The rule language: policy sets (retry, cooldown, circuit breaker, auto-disable, active probes) and the runner policy (failover, demotion,
//! availability). A policy's JSON is itself the contract: it is
//! what the catalogue file, the database and the API hold, and an unknown field or value is refused when it is read.

mod auto_disable;
mod availability;
mod backoff;
mod bounds;
mod breaker;
mod cooldown;
pub mod default_table;
mod demotion;
pub mod effective;
mod failover;
mod probe;
mod remedy;
mod retry;
mod rule;
mod status;

pub use auto_disable::{AutoDisablePolicy, AutoDisableRule};
pub use availability::{Availability, LastResort};
pub use backoff::{Backoff, BackoffMultiplier, BadBackoffMultiplier};
pub(crate) use bounds::{some_max_duration_seconds, some_max_platforms};
pub use breaker::{BadBreakerPolicy, BreakerPolicy};
pub use cooldown::{CooldownPolicy, CooldownRule};
pub use demotion::{BadDemotionRule, DemotionPolicy, DemotionRule};
pub use failover::{BadFailoverRule, FailoverAction, FailoverPolicy, FailoverRule};
pub use probe::{BadProbePolicy, ProbePolicy};
pub use remedy::{Remedy, Scope};
pub use retry::{RetryOverride, RetryPolicy, RetryRule};
pub use rule::Match;
pub use status::{BadStatusPattern, StatusPattern};

use std::sync::Arc;

use crate::id::{PolicySetId, RunnerPolicyId};

/// Rules attached to platform models.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicySet {
    /// Its id.
    pub id: PolicySetId,
    /// Its unique name.
    pub name: Arc<str>,
    /// When the same client is called again.
    pub retry: RetryPolicy,
    /// How long which failures keep whom alone, in place of the default table.
    pub cooldown: CooldownPolicy,
    /// When its platform models are let alone before they fail again; none: never.
    pub breaker: Option<BreakerPolicy>,
    /// Which failures switch something off until a person, or a probe, enables it.
    pub auto_disable: AutoDisablePolicy,
    /// When what is out is asked whether it is well again; none: never.
    pub probe: Option<ProbePolicy>,
}

impl PolicySet {
    /// One with nothing but a retry policy.
    #[must_use]
    pub fn new(id: PolicySetId, name: Arc<str>, retry: RetryPolicy) -> Self {
        Self {
            id,
            name,
            retry,
            cooldown: CooldownPolicy::default(),
            breaker: None,
            auto_disable: AutoDisablePolicy::default(),
            probe: None,
        }
    }
}

/// The one active failover and demotion policy, at one version. A run keeps the version it began with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunnerPolicy {
    /// This version.
    pub id: RunnerPolicyId,
    /// When and how the next platform is tried.
    pub failover: FailoverPolicy,
    /// Which failures lower a candidate's priority, and how successes heal it.
    pub demotion: DemotionPolicy,
    /// How many of a model's candidates may be out at once.
    pub availability: Availability,
}

impl RunnerPolicy {
    /// One with nothing but a failover policy.
    #[must_use]
    pub fn new(id: RunnerPolicyId, failover: FailoverPolicy) -> Self {
        Self { id, failover, demotion: DemotionPolicy::default(), availability: Availability::default() }
    }
}

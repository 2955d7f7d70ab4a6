//! The rule language: retry policies (policy sets) and the runner policy (failover). A policy's JSON is itself the contract: it is
//! what the catalogue file, the database and the API hold, and an unknown field or value is refused when it is read.

mod backoff;
mod bounds;
pub mod default_table;
mod failover;
mod remedy;
mod retry;
mod rule;
mod status;

pub use backoff::{Backoff, BackoffMultiplier, BadBackoffMultiplier};
pub(crate) use bounds::{some_max_duration_seconds, some_max_platforms};
pub use failover::{BadFailoverRule, FailoverAction, FailoverPolicy, FailoverRule};
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
}

/// The one active failover policy, at one version. A run keeps the version it began with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunnerPolicy {
    /// This version.
    pub id: RunnerPolicyId,
    /// When and how the next platform is tried.
    pub failover: FailoverPolicy,
}

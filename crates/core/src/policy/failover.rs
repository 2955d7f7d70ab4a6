//! Failover: whether and how the next platform is tried.

use std::num::NonZeroU32;

use super::{Match, Scope};

/// When and how the next platform is tried.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FailoverPolicy {
    /// Platforms tried for one task; at most 99.
    pub max_platforms: NonZeroU32,
    /// From the start of the run; after it nothing more is begun.
    pub max_duration_seconds: NonZeroU32,
    /// Read in order; the first that matches decides; then the default table.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<FailoverRule>,
}

/// One rule of a failover policy.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FailoverRule {
    /// Which failures it is about.
    #[serde(rename = "match", default)]
    pub matches: Match,
    /// What to do.
    pub action: FailoverAction,
    /// What the action is about; by default the platform model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
    /// How long a cooldown or a demotion lasts; by default as in the table of `spec.md` section 5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<NonZeroU32>,
    /// How many steps a demotion goes down; by default 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<NonZeroU32>,
}

crate::words! {
    /// What a failover rule does.
    pub enum FailoverAction as "failover action" {
        /// Try the next platform.
        Next = "next",
        /// Leave this one alone for a while, and try the next.
        CooldownAndNext = "cooldown_and_next",
        /// Lower this one's priority for a while, and try the next.
        DemoteAndNext = "demote_and_next",
        /// Switch this one off until a person enables it, and try the next.
        DisableAndNext = "disable_and_next",
        /// Give up.
        Stop = "stop",
    }
}

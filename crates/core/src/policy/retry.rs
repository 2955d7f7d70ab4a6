//! Retry: when the same client is called again, and after how long.

use std::num::NonZeroU32;

use super::Match;
use super::backoff::Backoff;
use super::bounds;

/// When the same client is called again.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetryPolicy {
    /// Off: one attempt, whatever the rest says.
    pub enabled: bool,
    /// Attempts at one client, the first included; at most 99.
    #[serde(deserialize_with = "bounds::max_attempts")]
    pub max_attempts: NonZeroU32,
    /// How long to wait between them.
    pub backoff: Backoff,
    /// Read in order; the first that matches decides; then the default table.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<RetryRule>,
}

/// One rule of a retry policy.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetryRule {
    /// Which failures it is about.
    #[serde(rename = "match", default)]
    pub matches: Match,
    /// Whether the same client is called again.
    pub retry: bool,
}

impl Default for RetryPolicy {
    /// On, with one attempt: nothing is tried twice unless somebody asked for it.
    fn default() -> Self {
        Self { enabled: true, max_attempts: NonZeroU32::MIN, backoff: Backoff::default(), rules: Vec::new() }
    }
}

/// What a platform model changes in its policy set's retry policy.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetryOverride {
    /// Replaces `enabled`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Replaces `max_attempts`.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "bounds::some_max_attempts")]
    pub max_attempts: Option<NonZeroU32>,
    /// Replaces `backoff`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backoff: Option<Backoff>,
    /// Replaces `rules`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rules: Option<Vec<RetryRule>>,
}

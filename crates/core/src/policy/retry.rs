//! Retry: when the same client is called again, and after how long.

use std::num::NonZeroU32;

use super::Match;

/// When the same client is called again.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetryPolicy {
    /// Off: one attempt, whatever the rest says.
    pub enabled: bool,
    /// Attempts at one client, the first included.
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

/// Waits that grow: `initial_ms · multiplier^(n-1)`, at most `max_ms`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Backoff {
    /// Before the second attempt.
    pub initial_ms: u32,
    /// The longest wait; a Retry-After beyond it ends the retries of this client.
    pub max_ms: u32,
    /// Growth for each further attempt, in thousandths: `2.0` in JSON is 2000 here.
    pub multiplier: BackoffMultiplier,
    /// Draw each wait between half of it and all of it, so that callers don't come back together.
    pub jitter: bool,
}

/// The growth of a backoff, in thousandths, from 1.0 to 100.0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackoffMultiplier(u32);

/// What a platform model changes in its policy set's retry policy.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetryOverride {
    /// Replaces `enabled`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Replaces `max_attempts`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_attempts: Option<NonZeroU32>,
    /// Replaces `backoff`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backoff: Option<Backoff>,
    /// Replaces `rules`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rules: Option<Vec<RetryRule>>,
}

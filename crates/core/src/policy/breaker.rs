//! The circuit breaker's policy: after how many failures a platform model is let alone, and for how long.

use std::num::NonZeroU32;
use std::time::Duration;

use super::{Match, bounds};
use crate::failure::Category;

/// When the circuit breaker of each platform model opens, and for how long.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "Wire")]
pub struct BreakerPolicy {
    /// Off: it never opens; one that is open waits for its time once more, and closes with the first call after it, however that ends.
    pub enabled: bool,
    /// As many failures within the window open it; at most 1,000.
    pub failures: NonZeroU32,
    /// How long a failure counts; at most a day.
    pub window_seconds: NonZeroU32,
    /// How long it stays open at first; at most thirty days.
    pub cooldown_seconds: NonZeroU32,
    /// Each time it opens again without a success in between it stays open twice as long, up to this; at most thirty days. If absent ten
    /// minutes, or `cooldown_seconds` if that is longer.
    pub max_cooldown_seconds: NonZeroU32,
    /// Which failures count: by default network, timeout, overloaded, server_error and bad_response. Failures that say nothing about the
    /// candidate never do.
    #[serde(rename = "match")]
    pub matches: Match,
}

/// A breaker whose limit is below where it begins.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`max_cooldown_seconds` is {most}: write at least `cooldown_seconds`, which is {first}")]
pub struct BadBreakerPolicy {
    /// `cooldown_seconds`.
    pub first: NonZeroU32,
    /// `max_cooldown_seconds`.
    pub most: NonZeroU32,
}

const FAILURES: NonZeroU32 = bounds::count(5);
const WINDOW_SECONDS: NonZeroU32 = bounds::count(60);
const COOLDOWN_SECONDS: NonZeroU32 = bounds::count(30);
const MAX_COOLDOWN_SECONDS: NonZeroU32 = bounds::count(600);

impl Default for BreakerPolicy {
    /// Five failures within a minute; 30 s, doubling, up to ten minutes.
    fn default() -> Self {
        Self {
            enabled: true,
            failures: FAILURES,
            window_seconds: WINDOW_SECONDS,
            cooldown_seconds: COOLDOWN_SECONDS,
            max_cooldown_seconds: MAX_COOLDOWN_SECONDS,
            matches: counting(),
        }
    }
}

fn counting() -> Match {
    let categories = vec![Category::Network, Category::Timeout, Category::Overloaded, Category::ServerError, Category::BadResponse];
    Match { categories, ..Match::default() }
}

impl BreakerPolicy {
    /// How long a failure counts.
    #[must_use]
    pub fn window(&self) -> Duration {
        Duration::from_secs(self.window_seconds.get().into())
    }

    /// How long it stays open when it opens for the `opens`th time in a row, counted from 1.
    #[must_use]
    pub fn open_for(&self, opens: u32) -> Duration {
        let (first, most) = (u64::from(self.cooldown_seconds.get()), u64::from(self.max_cooldown_seconds.get()));
        // Neither is beyond 32 bits, so 32 doublings pass every maximum.
        Duration::from_secs((first << opens.saturating_sub(1).min(32)).min(most))
    }
}

/// A policy as it is written, before its numbers are held against each other.
#[derive(serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Wire {
    enabled: bool,
    #[serde(deserialize_with = "bounds::failures")]
    failures: NonZeroU32,
    #[serde(deserialize_with = "bounds::window_seconds")]
    window_seconds: NonZeroU32,
    #[serde(deserialize_with = "bounds::cooldown_seconds")]
    cooldown_seconds: NonZeroU32,
    #[serde(deserialize_with = "bounds::some_max_cooldown_seconds")]
    max_cooldown_seconds: Option<NonZeroU32>,
    #[serde(rename = "match")]
    matches: Match,
}

impl Default for Wire {
    fn default() -> Self {
        let BreakerPolicy { enabled, failures, window_seconds, cooldown_seconds, max_cooldown_seconds: _, matches } =
            BreakerPolicy::default();
        Self { enabled, failures, window_seconds, cooldown_seconds, max_cooldown_seconds: None, matches }
    }
}

impl TryFrom<Wire> for BreakerPolicy {
    type Error = BadBreakerPolicy;

    fn try_from(wire: Wire) -> Result<Self, BadBreakerPolicy> {
        let Wire { enabled, failures, window_seconds, cooldown_seconds, max_cooldown_seconds, matches } = wire;
        let most = max_cooldown_seconds.unwrap_or(MAX_COOLDOWN_SECONDS.max(cooldown_seconds));
        if most < cooldown_seconds {
            return Err(BadBreakerPolicy { first: cooldown_seconds, most });
        }
        Ok(Self { enabled, failures, window_seconds, cooldown_seconds, max_cooldown_seconds: most, matches })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_opening_in_a_row_is_twice_as_long_up_to_the_maximum() {
        let policy: BreakerPolicy = serde_json::from_str(r#"{"cooldown_seconds": 30, "max_cooldown_seconds": 200}"#).unwrap();
        let lasting = [1, 2, 3, 4, 5, 33, u32::MAX].map(|opens| policy.open_for(opens).as_secs());
        assert_eq!(lasting, [30, 60, 120, 200, 200, 200, 200]);
        let longest: BreakerPolicy = serde_json::from_str(r#"{"cooldown_seconds": 1, "max_cooldown_seconds": 2592000}"#).unwrap();
        assert_eq!(longest.open_for(u32::MAX).as_secs(), 2_592_000);
    }

    #[test]
    fn it_has_defaults_and_reads_back_what_it_shows() {
        let read = serde_json::from_str::<BreakerPolicy>;
        assert_eq!(read("{}").unwrap(), BreakerPolicy::default());
        let text = r#"{"enabled":true,"failures":5,"window_seconds":60,"cooldown_seconds":30,"max_cooldown_seconds":600,"match":{"categories":["network","timeout","overloaded","server_error","bad_response"]}}"#;
        assert_eq!(serde_json::to_string(&BreakerPolicy::default()).unwrap(), text);
        assert_eq!(read(text).unwrap(), BreakerPolicy::default());
        assert_eq!(read(r#"{"cooldown_seconds": 5000}"#).unwrap().max_cooldown_seconds.get(), 5_000);
        assert_eq!(read(r#"{"match": {}}"#).unwrap().matches, Match::default());
    }

    #[test]
    fn what_is_out_of_bounds_is_refused_by_name() {
        for (text, expected) in [
            (r#"{"failures": 0}"#, "`failures` is 0: write a number from 1 to 1000"),
            (r#"{"failures": 1001}"#, "`failures` is 1001"),
            (r#"{"window_seconds": 86401}"#, "`window_seconds` is 86401"),
            (r#"{"cooldown_seconds": -1}"#, "`cooldown_seconds` is -1"),
            (r#"{"max_cooldown_seconds": 2592001}"#, "`max_cooldown_seconds` is 2592001"),
            (r#"{"max_cooldown_seconds": 29}"#, "`max_cooldown_seconds` is 29: write at least `cooldown_seconds`, which is 30"),
            (r#"{"match": {"categories": ["slow"]}}"#, "`slow` is not a failure category"),
            (r#"{"probes": 2}"#, "unknown field `probes`"),
        ] {
            let error = serde_json::from_str::<BreakerPolicy>(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}

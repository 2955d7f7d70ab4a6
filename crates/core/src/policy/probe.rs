//! The policy of active probes: how often what is out is asked whether it is well again.

use std::num::NonZeroU32;
use std::time::Duration;

use super::bounds;

/// When what is out by a policy is asked for the smallest answer it has, to see whether it is well again.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "Wire")]
pub struct ProbePolicy {
    /// How long after it went out it is asked first; at most a day.
    pub interval_seconds: NonZeroU32,
    /// After each probe in vain the next one waits twice as long, up to this; at most a day. If absent ten minutes, or `interval_seconds`
    /// if that is longer.
    pub max_interval_seconds: NonZeroU32,
    /// How long an answer may take; at most a minute.
    pub timeout_ms: NonZeroU32,
}

/// Probes whose longest wait is below the first.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`max_interval_seconds` is {most}: write at least `interval_seconds`, which is {first}")]
pub struct BadProbePolicy {
    /// `interval_seconds`.
    pub first: NonZeroU32,
    /// `max_interval_seconds`.
    pub most: NonZeroU32,
}

const INTERVAL_SECONDS: NonZeroU32 = bounds::count(30);
const MAX_INTERVAL_SECONDS: NonZeroU32 = bounds::count(600);
const TIMEOUT_MS: NonZeroU32 = bounds::count(5_000);

impl Default for ProbePolicy {
    /// After 30 s, doubling, up to ten minutes; 5 s for an answer.
    fn default() -> Self {
        Self { interval_seconds: INTERVAL_SECONDS, max_interval_seconds: MAX_INTERVAL_SECONDS, timeout_ms: TIMEOUT_MS }
    }
}

impl ProbePolicy {
    /// How long the next probe waits after `tries` in vain.
    #[must_use]
    pub fn wait(&self, tries: u32) -> Duration {
        let (first, most) = (u64::from(self.interval_seconds.get()), u64::from(self.max_interval_seconds.get()));
        // Neither is beyond 32 bits, so 31 doublings pass every maximum.
        Duration::from_secs((first << tries.min(31)).min(most))
    }

    /// How long an answer may take.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms.get().into())
    }
}

/// A policy as it is written, before its numbers are held against each other.
#[derive(serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Wire {
    #[serde(deserialize_with = "bounds::interval_seconds")]
    interval_seconds: NonZeroU32,
    #[serde(deserialize_with = "bounds::some_max_interval_seconds")]
    max_interval_seconds: Option<NonZeroU32>,
    #[serde(deserialize_with = "bounds::timeout_ms")]
    timeout_ms: NonZeroU32,
}

impl Default for Wire {
    fn default() -> Self {
        Self { interval_seconds: INTERVAL_SECONDS, max_interval_seconds: None, timeout_ms: TIMEOUT_MS }
    }
}

impl TryFrom<Wire> for ProbePolicy {
    type Error = BadProbePolicy;

    fn try_from(wire: Wire) -> Result<Self, BadProbePolicy> {
        let Wire { interval_seconds, max_interval_seconds, timeout_ms } = wire;
        let most = max_interval_seconds.unwrap_or(MAX_INTERVAL_SECONDS.max(interval_seconds));
        if most < interval_seconds {
            return Err(BadProbePolicy { first: interval_seconds, most });
        }
        Ok(Self { interval_seconds, max_interval_seconds: most, timeout_ms })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_probe_in_vain_doubles_the_wait_up_to_the_maximum() {
        let policy: ProbePolicy = serde_json::from_str(r#"{"interval_seconds": 30, "max_interval_seconds": 200}"#).unwrap();
        assert_eq!([0, 1, 2, 3, 31, u32::MAX].map(|tries| policy.wait(tries).as_secs()), [30, 60, 120, 200, 200, 200]);
    }

    #[test]
    fn it_has_defaults_and_reads_back_what_it_shows() {
        let read = serde_json::from_str::<ProbePolicy>;
        assert_eq!(read("{}").unwrap(), ProbePolicy::default());
        let text = r#"{"interval_seconds":30,"max_interval_seconds":600,"timeout_ms":5000}"#;
        assert_eq!(serde_json::to_string(&ProbePolicy::default()).unwrap(), text);
        assert_eq!(read(text).unwrap(), ProbePolicy::default());
        assert_eq!(read(r#"{"interval_seconds": 5000}"#).unwrap().max_interval_seconds.get(), 5_000);
    }

    #[test]
    fn what_is_out_of_bounds_is_refused_by_name() {
        for (text, expected) in [
            (r#"{"interval_seconds": 0}"#, "`interval_seconds` is 0: write a number from 1 to 86400"),
            (r#"{"max_interval_seconds": 86401}"#, "`max_interval_seconds` is 86401"),
            (r#"{"max_interval_seconds": 29}"#, "`max_interval_seconds` is 29: write at least `interval_seconds`, which is 30"),
            (r#"{"timeout_ms": 60001}"#, "`timeout_ms` is 60001"),
            (r#"{"every": 2}"#, "unknown field `every`"),
        ] {
            let error = serde_json::from_str::<ProbePolicy>(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}

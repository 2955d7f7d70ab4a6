//! Waits between attempts at one client.

use std::time::Duration;

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

impl Default for Backoff {
    /// 200 ms, doubling, at most 5 s, with jitter.
    fn default() -> Self {
        Self { initial_ms: 200, max_ms: 5_000, multiplier: BackoffMultiplier(2_000), jitter: true }
    }
}

impl Backoff {
    /// The longest wait.
    #[must_use]
    pub const fn max(&self) -> Duration {
        Duration::from_millis(self.max_ms as u64)
    }

    /// The wait after the `failed_attempts`th failure in a row, in whole milliseconds. `dice` draws the jitter.
    #[must_use]
    pub fn wait(&self, failed_attempts: u32, dice: u64) -> Duration {
        let full = self.grown_micros(failed_attempts) / 1_000;
        let drawn = if self.jitter && full > 1 { full - dice % (full / 2 + 1) } else { full };
        Duration::from_millis(drawn)
    }

    fn grown_micros(&self, failed_attempts: u32) -> u64 {
        let most = u64::from(self.max_ms) * 1_000;
        let mut micros = (u64::from(self.initial_ms) * 1_000).min(most);
        for _ in 1..failed_attempts {
            // At most 4.3e12 · 1e5: far from the end of u64.
            let next = (micros * u64::from(self.multiplier.0) / 1_000).min(most);
            if next == micros {
                break;
            }
            micros = next;
        }
        micros
    }
}

/// The growth of a backoff, in thousandths, from 1.0 to 100.0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackoffMultiplier(u32);

/// A number that is no growth.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`multiplier` is {0}: write a number from 1.0 to 100.0 with at most three decimals")]
pub struct BadBackoffMultiplier(pub String);

impl BackoffMultiplier {
    /// A growth of `thousandths` / 1,000.
    ///
    /// # Errors
    /// [`BadBackoffMultiplier`] outside 1.0 to 100.0.
    pub fn from_thousandths(thousandths: u32) -> Result<Self, BadBackoffMultiplier> {
        let value = Self(thousandths);
        if (1_000..=100_000).contains(&thousandths) { Ok(value) } else { Err(BadBackoffMultiplier(value.to_string())) }
    }

    /// The growth in thousandths.
    #[must_use]
    pub const fn thousandths(self) -> u32 {
        self.0
    }
}

impl std::fmt::Display for BackoffMultiplier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", f64::from(self.0) / 1_000.0)
    }
}

impl serde::Serialize for BackoffMultiplier {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // The nearest float to three decimals: what is written is what was read.
        serializer.serialize_f64(f64::from(self.0) / 1_000.0)
    }
}

impl<'de> serde::Deserialize<'de> for BackoffMultiplier {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl serde::de::Visitor<'_> for Reader {
    type Value = BackoffMultiplier;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a number such as 2.0")
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<BackoffMultiplier, E> {
        let bad = || E::custom(BadBackoffMultiplier(value.to_string()));
        let thousandths = (value * 1_000.0).round();
        if !(1_000.0..=100_000.0).contains(&thousandths) || thousandths / 1_000.0 != value {
            return Err(bad());
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole number from 1,000 to 100,000")]
        let thousandths = thousandths as u32;
        BackoffMultiplier::from_thousandths(thousandths).map_err(E::custom)
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<BackoffMultiplier, E> {
        let thousandths = u32::try_from(value).ok().and_then(|value| value.checked_mul(1_000));
        let bad = || E::custom(BadBackoffMultiplier(value.to_string()));
        thousandths.ok_or_else(bad).and_then(|thousandths| BackoffMultiplier::from_thousandths(thousandths).map_err(E::custom))
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<BackoffMultiplier, E> {
        u64::try_from(value).map_err(|_| E::custom(BadBackoffMultiplier(value.to_string()))).and_then(|value| self.visit_u64(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(backoff: &Backoff, dice: u64) -> Vec<u128> {
        (1..=7).map(|failed| backoff.wait(failed, dice).as_millis()).collect()
    }

    #[test]
    fn waits_double_up_to_their_limit() {
        let backoff = Backoff { jitter: false, ..Backoff::default() };
        assert_eq!(waits(&backoff, 7), [200, 400, 800, 1600, 3200, 5000, 5000]);
        let steady = Backoff { multiplier: BackoffMultiplier(1_000), ..backoff.clone() };
        assert_eq!(steady.wait(u32::MAX, 7), Duration::from_millis(200));
        let slow = Backoff { initial_ms: 1, multiplier: BackoffMultiplier(1_001), ..backoff };
        assert_eq!(slow.wait(u32::MAX, 7), Duration::from_millis(5_000));
    }

    #[test]
    fn jitter_draws_between_half_and_all() {
        let backoff = Backoff::default();
        let drawn: Vec<u128> = (0..1_000).map(|dice| backoff.wait(2, dice * 77).as_millis()).collect();
        assert_eq!((drawn.iter().min(), drawn.iter().max()), (Some(&200), Some(&400)));
    }

    #[test]
    fn a_multiplier_is_exact_and_bounded() {
        for (json, thousandths) in [("2.0", 2_000), ("2", 2_000), ("1.1", 1_100), ("1.333", 1_333), ("100", 100_000)] {
            let read: BackoffMultiplier = serde_json::from_str(json).unwrap();
            assert_eq!(read.thousandths(), thousandths);
            assert_eq!(serde_json::from_str::<BackoffMultiplier>(&serde_json::to_string(&read).unwrap()).unwrap(), read);
        }
        for json in ["0.5", "0", "-2", "100.5", "101", "1.0001", "1e300", "null", "\"2\""] {
            assert!(serde_json::from_str::<BackoffMultiplier>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn a_backoff_reads_back_what_it_shows() {
        let text = r#"{"initial_ms":200,"max_ms":5000,"multiplier":2.0,"jitter":true}"#;
        assert_eq!(serde_json::to_string(&Backoff::default()).unwrap(), text);
        assert_eq!(serde_json::from_str::<Backoff>("{}").unwrap(), Backoff::default());
        assert!(serde_json::from_str::<Backoff>(r#"{"max": 1}"#).is_err());
    }
}

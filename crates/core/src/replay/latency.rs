//! Percentiles of times in bounded memory: exact below two seconds, to a thousandth above.

use std::collections::BTreeMap;
use std::time::Duration;

use super::totals::Percentiles;
use crate::trace::millis;

/// Binary digits of a time that count.
const DIGITS: u32 = 11;

/// Times, counted by their rounded value.
#[derive(Debug, Default)]
pub(super) struct Latency {
    counts: BTreeMap<u64, u64>,
    total: u64,
}

impl Latency {
    pub(super) fn add(&mut self, time: Duration) {
        *self.counts.entry(rounded(millis(time))).or_default() += 1;
        self.total += 1;
    }

    pub(super) fn percentiles(&self) -> Percentiles {
        Percentiles { p50: self.percentile(50), p95: self.percentile(95), p99: self.percentile(99) }
    }

    /// The least time that so many of a hundred don't exceed.
    fn percentile(&self, percent: u64) -> Option<u64> {
        let wanted = (self.total * percent).div_ceil(100);
        let mut seen = 0;
        let at = self.counts.iter().find(|(_, count)| {
            seen += **count;
            seen >= wanted
        });
        at.map(|(time, _)| *time)
    }
}

/// Down to its first digits.
fn rounded(ms: u64) -> u64 {
    let digits = u64::BITS - ms.leading_zeros();
    let dropped = digits.saturating_sub(DIGITS);
    ms >> dropped << dropped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_the_list() {
        let mut latency = Latency::default();
        assert_eq!(latency.percentiles(), Percentiles::default());
        (1..=200).rev().for_each(|ms| latency.add(Duration::from_millis(ms)));
        assert_eq!(latency.percentiles(), Percentiles { p50: Some(100), p95: Some(190), p99: Some(198) });
    }

    #[test]
    fn long_times_are_right_to_a_thousandth_and_few_are_kept() {
        for ms in [0, 1, 2_047, 2_048, 60_001, 86_399_999, u64::MAX] {
            assert!(rounded(ms) <= ms && ms - rounded(ms) <= ms / 1_000, "{ms}");
        }
        assert_eq!(rounded(2_047), 2_047);
        let mut latency = Latency::default();
        (0..1_000_000).for_each(|ms| latency.add(Duration::from_millis(ms)));
        assert!(latency.counts.len() < 12_000, "{}", latency.counts.len());
    }
}

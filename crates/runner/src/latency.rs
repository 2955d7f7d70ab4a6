//! How fast candidates are: the decayed time to the first useful delta, for the strategy `lowest_latency`.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use easyai_core::candidates::Load;
use easyai_core::catalog::PlatformModel;
use easyai_core::id::PlatformModelId;
use easyai_core::limit::LimitScope;
use easyai_limits::Limits;

/// The weight of one more observation: an eighth, as TCP smooths its round trips (RFC 6298).
const SMOOTHING: u64 = 8;

/// Times to the first useful delta, in microseconds. In memory: after a restart each candidate is tried once.
#[derive(Debug, Default)]
pub struct Latencies {
    micros: Mutex<HashMap<PlatformModelId, u64>>,
}

impl Latencies {
    /// A call's first useful delta, or its whole answer, came after `taken`.
    pub fn observe(&self, offer: PlatformModelId, taken: Duration) {
        let taken = u64::try_from(taken.as_micros()).unwrap_or(u64::MAX);
        let mut all = self.micros.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(offer).and_modify(|usual| *usual = *usual - *usual / SMOOTHING + taken / SMOOTHING).or_insert(taken);
    }

    /// A call failed: it was as slow as it took, and no reason to be tried first.
    pub fn failed(&self, offer: PlatformModelId, taken: Duration) {
        let known = self.of(offer).is_some_and(|usual| u128::from(usual) > taken.as_micros());
        if !known {
            self.observe(offer, taken);
        }
    }

    fn of(&self, offer: PlatformModelId) -> Option<u64> {
        self.micros.lock().unwrap_or_else(PoisonError::into_inner).get(&offer).copied()
    }
}

/// What strategies look at.
#[derive(Debug, Clone, Copy)]
pub struct LiveLoad<'a> {
    pub limits: &'a Limits,
    pub latencies: &'a Latencies,
}

impl Load for LiveLoad<'_> {
    fn under_way(&self, offer: &PlatformModel) -> u32 {
        self.limits.in_flight(LimitScope::PlatformModel(offer.id))
    }

    fn first_delta_micros(&self, offer: &PlatformModel) -> Option<u64> {
        self.latencies.of(offer.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_slow_long_ago_is_forgotten() {
        let (latencies, offer) = (Latencies::default(), PlatformModelId::from_uuid(uuid::Uuid::nil()));
        latencies.observe(offer, Duration::from_micros(8_000));
        assert_eq!(latencies.of(offer), Some(8_000));
        (0..60).for_each(|_| latencies.observe(offer, Duration::from_micros(800)));
        assert!(latencies.of(offer).is_some_and(|usual| (790..820).contains(&usual)), "{:?}", latencies.of(offer));
        latencies.failed(offer, Duration::from_micros(80));
        assert!(latencies.of(offer).is_some_and(|usual| usual > 790), "a quick failure is no speed");
    }
}

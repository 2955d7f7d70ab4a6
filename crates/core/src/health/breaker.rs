//! The circuit breaker of one platform model.

use std::sync::Arc;
use std::time::Duration;

use super::Recent;
use crate::policy::BreakerPolicy;
use crate::time::Timestamp;

/// A probe that has not reported back for so long is forgotten: whoever made it is gone, or waits for an answer that comes too late to
/// hold up all others.
pub const PROBE_LASTS: Duration = Duration::from_secs(120);

/// Whether a platform model is let alone because it failed too often.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Breaker {
    /// Calls pass.
    Closed {
        /// Failures of late.
        recent: Recent,
    },
    /// Nothing passes until a time; from then on it is as good as half-open.
    Open {
        /// When the first probe may pass.
        until: Timestamp,
        /// How often in a row it opened, this time included.
        opens: u32,
        /// Why.
        reason: Arc<str>,
    },
    /// One call at a time passes, to see how it is.
    HalfOpen {
        /// When the probe under way began. Not durable: a probe ends with its process.
        #[serde(skip)]
        probe: Option<Timestamp>,
        /// How often in a row it opened.
        opens: u32,
        /// Why it opened the last time.
        reason: Arc<str>,
    },
}

impl Default for Breaker {
    fn default() -> Self {
        Self::Closed { recent: Recent::default() }
    }
}

impl Breaker {
    /// A failure that the policy counts. For how long it opened, if it did. While it is open nothing changes: what fails then began
    /// before, or served as a last resort. Once it is half-open any failure opens it again, the probe's or a late one: both speak
    /// against it.
    pub fn failed(&mut self, now: Timestamp, policy: &BreakerPolicy, reason: impl FnOnce() -> Arc<str>) -> Option<Duration> {
        let opens = match self {
            Self::Closed { recent } => {
                if !recent.add(now, policy.window(), policy.failures) {
                    return None;
                }
                0
            }
            Self::Open { until, .. } if *until > now => return None,
            Self::Open { opens, .. } | Self::HalfOpen { opens, .. } => *opens,
        };
        let lasting = policy.open_for(opens.saturating_add(1));
        self.open(now, lasting, reason());
        Some(lasting)
    }

    /// Opens it. One that is open already is never opened for a shorter time, and it is still the same opening.
    pub fn open(&mut self, now: Timestamp, lasting: Duration, reason: Arc<str>) {
        let asked = now.plus(lasting);
        let opens = match self {
            Self::Closed { .. } => 0,
            Self::Open { until, .. } if *until > now => {
                *until = asked.max(*until);
                return;
            }
            Self::Open { opens, .. } | Self::HalfOpen { opens, .. } => *opens,
        };
        *self = Self::Open { until: asked, opens: opens.saturating_add(1), reason };
    }

    /// A success: closes it if a probe could have brought it, and the next opening is as short as the first. One that comes while it is
    /// open began before, or served as a last resort: it goes on waiting for its probe.
    pub fn succeeded(&mut self, now: Timestamp) {
        if self.success_matters(now) {
            *self = Self::default();
        }
    }

    /// Whether a success would change anything.
    #[must_use]
    pub fn success_matters(&self, now: Timestamp) -> bool {
        match self {
            Self::Closed { .. } => false,
            Self::Open { until, .. } => *until <= now,
            Self::HalfOpen { .. } => true,
        }
    }

    /// Takes the one probe, if it can be taken. False too where none is needed, since the breaker is closed.
    pub fn begin_probe(&mut self, now: Timestamp) -> bool {
        let (opens, reason) = match self {
            Self::Open { until, opens, reason } if *until <= now => (*opens, Arc::clone(reason)),
            Self::HalfOpen { probe, opens, reason } if !under_way(*probe, now) => (*opens, Arc::clone(reason)),
            Self::Closed { .. } | Self::Open { .. } | Self::HalfOpen { .. } => return false,
        };
        *self = Self::HalfOpen { probe: Some(now), opens, reason };
        true
    }

    /// Gives back the probe that began at `begun` and told nothing about the candidate. Nothing happens if it reported back, or was
    /// forgotten and another has begun.
    pub fn give_back_probe(&mut self, begun: Timestamp) {
        if let Self::HalfOpen { probe, .. } = self
            && *probe == Some(begun)
        {
            *probe = None;
        }
    }

    /// When the probe under way is forgotten, if there is one.
    #[must_use]
    pub fn probe_until(&self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::HalfOpen { probe, .. } => probe.filter(|begun| under_way(Some(*begun), now)).map(|begun| begun.plus(PROBE_LASTS)),
            Self::Closed { .. } | Self::Open { .. } => None,
        }
    }

    /// Whether calls pass.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        matches!(self, Self::Closed { .. })
    }

    /// How often in a row it opened; 0 if it is closed.
    #[must_use]
    pub const fn opens(&self) -> u32 {
        match self {
            Self::Closed { .. } => 0,
            Self::Open { opens, .. } | Self::HalfOpen { opens, .. } => *opens,
        }
    }

    /// Whether it is closed and no failure counts.
    #[must_use]
    pub const fn is_well(&self) -> bool {
        match self {
            Self::Closed { recent } => recent.is_empty(),
            Self::Open { .. } | Self::HalfOpen { .. } => false,
        }
    }

    /// Forgets failures that count no longer.
    pub fn forget_passed(&mut self, now: Timestamp) {
        match self {
            Self::Closed { recent } => recent.forget_passed(now),
            Self::Open { .. } | Self::HalfOpen { .. } => {}
        }
    }
}

fn under_way(probe: Option<Timestamp>, now: Timestamp) -> bool {
    probe.is_some_and(|begun| now.since(begun) < PROBE_LASTS)
}

//! Whether a candidate may be called now.

use std::sync::Arc;

use super::{Breaker, Condition, HealthBook, Subject};
use crate::catalog::{Platform, PlatformModel};
use crate::id::CredentialId;
use crate::time::Timestamp;

/// Whether something may be called now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It may.
    Well {
        /// By how much its priority is lowered.
        demotion: u32,
    },
    /// It is left alone.
    Cooling {
        /// Until then.
        until: Timestamp,
        /// Why.
        reason: Arc<str>,
    },
    /// Its circuit breaker is open.
    CircuitOpen {
        /// Until then.
        until: Timestamp,
        /// Why.
        reason: Arc<str>,
    },
    /// Its circuit breaker is half-open, and the one probe is under way.
    Probing {
        /// When the probe is forgotten if it doesn't report back.
        until: Timestamp,
        /// Why it had opened.
        reason: Arc<str>,
    },
    /// Its circuit breaker is half-open: whoever takes the probe may call it.
    MayProbe,
    /// It is switched off until a person enables it.
    Disabled {
        /// Why.
        reason: Arc<str>,
    },
}

impl Standing {
    /// When it may be called again, if it may not now and time will change that.
    #[must_use]
    pub const fn until(&self) -> Option<Timestamp> {
        match self {
            Self::Cooling { until, .. } | Self::CircuitOpen { until, .. } | Self::Probing { until, .. } => Some(*until),
            Self::Well { .. } | Self::MayProbe | Self::Disabled { .. } => None,
        }
    }
}

impl HealthBook {
    /// Whether `offer` may be called: what lasts longest is told, of its platform, of all the platform's credentials together, and its
    /// own.
    #[must_use]
    pub fn standing(&self, offer: &PlatformModel, now: Timestamp) -> Standing {
        if let Some(off) = self.conditions(offer).find_map(disabled) {
            return off;
        }
        let of_credentials = self.credentials_out(&offer.platform, now);
        if let Some(Standing::Disabled { reason }) = of_credentials {
            return Standing::Disabled { reason };
        }
        let cooling = self.conditions(offer).filter_map(|condition| cooling(condition, now));
        let own = self.get(Subject::PlatformModel(offer.id));
        let circuit = own.and_then(|condition| circuit(condition, now));
        let (may_probe, circuit) = match circuit {
            Some(Standing::MayProbe) => (true, None),
            out => (false, out),
        };
        let longest = cooling.chain(of_credentials).chain(circuit).max_by_key(Standing::until);
        let passes = if may_probe { Standing::MayProbe } else { Standing::Well { demotion: self.demotion(offer, now) } };
        longest.unwrap_or(passes)
    }

    /// Whether a credential may be used. Credentials have neither priority nor circuit breaker.
    #[must_use]
    pub fn credential_standing(&self, credential: CredentialId, now: Timestamp) -> Standing {
        let condition = self.get(Subject::Credential(credential));
        let out = condition.and_then(|condition| disabled(condition).or_else(|| cooling(condition, now)));
        out.unwrap_or(Standing::Well { demotion: 0 })
    }

    /// By how much the priority of `offer` is lowered, its platform's and its own demotion together.
    #[must_use]
    pub fn demotion(&self, offer: &PlatformModel, now: Timestamp) -> u32 {
        self.conditions(offer).map(|condition| condition.demotion_at(now)).fold(0, u32::saturating_add)
    }

    /// If no credential of `platform` may be used: how the one is that may be used soonest.
    fn credentials_out(&self, platform: &Platform, now: Timestamp) -> Option<Standing> {
        let standings = || platform.credentials.iter().map(|credential| self.credential_standing(credential.id, now));
        if standings().any(|standing| matches!(standing, Standing::Well { .. })) {
            return None;
        }
        // What is disabled never comes back, so it is last.
        standings().min_by_key(|standing| (standing.until().is_none(), standing.until()))
    }
}

fn disabled(condition: &Condition) -> Option<Standing> {
    condition.disabled.as_ref().map(|disabled| Standing::Disabled { reason: condition.told(&disabled.reason) })
}

fn cooling(condition: &Condition, now: Timestamp) -> Option<Standing> {
    let cooling = condition.cooling_at(now)?;
    Some(Standing::Cooling { until: cooling.until, reason: condition.told(&cooling.reason) })
}

fn circuit(condition: &Condition, now: Timestamp) -> Option<Standing> {
    let breaker = &condition.breaker;
    match breaker {
        Breaker::Closed { .. } => None,
        Breaker::Open { until, reason, .. } if *until > now => {
            Some(Standing::CircuitOpen { until: *until, reason: condition.told(reason) })
        }
        Breaker::Open { .. } => Some(Standing::MayProbe),
        Breaker::HalfOpen { reason, .. } => Some(match breaker.probe_until(now) {
            Some(until) => Standing::Probing { until, reason: condition.told(reason) },
            None => Standing::MayProbe,
        }),
    }
}

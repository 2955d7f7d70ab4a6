//! How one subject is. Its JSON is its durable form.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Breaker, Demoted, Probed, Recent};
use crate::policy::{AutoDisableRule, Remedy};
use crate::time::Timestamp;

/// Who switches off what a policy says.
const POLICY: &str = "policy";

/// Left alone until a time.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cooling {
    /// When it may be tried again.
    pub until: Timestamp,
    /// Why it is left alone.
    pub reason: Arc<str>,
}

/// Switched off until a person enables it, or a probe what a policy switched off.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disabled {
    /// Why.
    pub reason: Arc<str>,
    /// Who did it: `policy`, or a person.
    pub actor: Arc<str>,
    /// Since when.
    pub at: Timestamp,
}

impl Disabled {
    /// Whether a policy did it, not a person.
    #[must_use]
    pub fn is_by_policy(&self) -> bool {
        *self.actor == *POLICY
    }
}

/// How a platform, one of its models or one of its credentials is. What has passed by time counts for nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Condition {
    /// Whether it is left alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cooling: Option<Cooling>,
    /// Whether it is tried later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub demoted: Option<Demoted>,
    /// Whether it is switched off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled: Option<Disabled>,
    /// Its circuit breaker; only platform models have one that opens.
    #[serde(skip_serializing_if = "Breaker::is_well")]
    pub breaker: Breaker,
    /// How it was probed since it went out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probed: Option<Probed>,
    /// Failures of late, by the auto-disable rule that counts them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub recent: BTreeMap<Arc<str>, Recent>,
}

impl Condition {
    /// Whether it is left alone at `now`.
    #[must_use]
    pub fn cooling_at(&self, now: Timestamp) -> Option<&Cooling> {
        self.cooling.as_ref().filter(|cooling| cooling.until > now)
    }

    /// By how much its priority is lowered at `now`.
    #[must_use]
    pub fn demotion_at(&self, now: Timestamp) -> u32 {
        self.demoted.filter(|demoted| demoted.until > now).map_or(0, |demoted| demoted.steps)
    }

    /// Whether nothing is the matter with it from `now` on: then it needs no row.
    #[must_use]
    pub fn is_well(&self, now: Timestamp) -> bool {
        let mut rest = self.clone();
        rest.forget_passed(now);
        rest == Self::default()
    }

    /// Forgets what has passed by time. Nothing that can be asked of it changes.
    pub fn forget_passed(&mut self, now: Timestamp) {
        self.cooling = self.cooling.take().filter(|cooling| cooling.until > now);
        self.demoted = self.demoted.filter(|demoted| demoted.until > now);
        self.breaker.forget_passed(now);
        self.probed = self.probed.filter(|_| self.is_ill());
        self.recent.retain(|_, recent| {
            recent.forget_passed(now);
            !recent.is_empty()
        });
    }

    pub(super) fn apply(&mut self, remedy: &Remedy, now: Timestamp, reason: &Arc<str>) {
        match *remedy {
            Remedy::CoolDown { lasting, .. } => {
                let until = now.plus(lasting);
                // A longer cooldown is never shortened by a shorter one.
                if self.cooling.as_ref().is_none_or(|cooling| cooling.until < until) {
                    self.cooling = Some(Cooling { until, reason: Arc::clone(reason) });
                }
            }
            Remedy::Demote { steps, lasting, .. } => self.demoted = Some(Demoted::lower(self.demoted, steps, lasting, now)),
            // The first reason is the one a person needs.
            Remedy::Disable { .. } => {
                let off = || Disabled { reason: Arc::clone(reason), actor: POLICY.into(), at: now };
                self.disabled = Some(self.disabled.take().unwrap_or_else(off));
            }
            Remedy::OpenCircuit { lasting } => self.breaker.open(now, lasting, Arc::clone(reason)),
        }
    }

    /// Counts a failure under `rule`; whether there are enough to switch it off.
    pub(super) fn count(&mut self, rule: &AutoDisableRule, now: Timestamp) -> bool {
        self.recent.entry(rule.to_string().into()).or_default().add(now, rule.window(), rule.failures)
    }
}

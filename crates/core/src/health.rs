//! How candidates are: cooling down, demoted, switched off. Remedies come in, `crate::candidates` looks at what they left.

use std::collections::HashMap;
use std::sync::Arc;

use crate::catalog::PlatformModel;
use crate::id::{PlatformId, PlatformModelId};
use crate::policy::{Remedy, Scope};
use crate::time::Timestamp;

/// Left alone until a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cooling {
    /// When it may be tried again.
    pub until: Timestamp,
    /// Why it is left alone.
    pub reason: Arc<str>,
}

/// Tried later than its priority says, until a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Demoted {
    /// How many steps of priority.
    pub steps: u32,
    /// When it is as before.
    pub until: Timestamp,
}

/// How one platform, or one platform model, is. What has passed by time counts for nothing; nobody needs to remove it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Condition {
    /// Whether it is left alone.
    pub cooling: Option<Cooling>,
    /// Whether it is tried later.
    pub demoted: Option<Demoted>,
    /// Why it is switched off, if it is.
    pub disabled: Option<Arc<str>>,
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

    fn apply(&mut self, remedy: &Remedy, now: Timestamp, reason: &Arc<str>) {
        match *remedy {
            Remedy::CoolDown { lasting, .. } => {
                let until = now.plus(lasting);
                // A longer cooldown is never shortened by a shorter one.
                if self.cooling.as_ref().is_none_or(|cooling| cooling.until < until) {
                    self.cooling = Some(Cooling { until, reason: Arc::clone(reason) });
                }
            }
            Remedy::Demote { steps, lasting, .. } => {
                let (until, active) = (now.plus(lasting), self.demoted.filter(|demoted| demoted.until > now));
                let (steps, until) = active.map_or((steps, until), |old| (old.steps.max(steps), old.until.max(until)));
                self.demoted = Some(Demoted { steps, until });
            }
            // The first reason is the one a person needs.
            Remedy::Disable { .. } => self.disabled = Some(self.disabled.take().unwrap_or_else(|| Arc::clone(reason))),
        }
    }
}

/// Whether a model may be left without a candidate by cooldowns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LastResort {
    /// No: of candidates that all cool down, the one that comes back soonest serves.
    #[default]
    Serves,
    /// Yes: callers are told when to come again.
    Rests,
}

/// How all platforms and platform models are. Who is well has no entry.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HealthBook {
    /// Platforms.
    pub platforms: HashMap<PlatformId, Condition>,
    /// Platform models.
    pub platform_models: HashMap<PlatformModelId, Condition>,
    /// What happens when all candidates of a model cool down.
    pub last_resort: LastResort,
}

impl HealthBook {
    /// Carries out `remedy` on `offer`, or on its platform, as the remedy's scope says.
    pub fn apply(&mut self, remedy: &Remedy, offer: &PlatformModel, now: Timestamp, reason: &Arc<str>) {
        let condition = match remedy.scope() {
            Scope::Platform => self.platforms.entry(offer.platform.id).or_default(),
            Scope::PlatformModel => self.platform_models.entry(offer.id).or_default(),
        };
        condition.apply(remedy, now, reason);
    }

    /// A success heals demotions, of the platform too. Says whether there was one.
    pub fn succeeded(&mut self, offer: &PlatformModel) -> bool {
        let of_model = self.platform_models.get_mut(&offer.id).and_then(|condition| condition.demoted.take());
        let of_platform = self.platforms.get_mut(&offer.platform.id).and_then(|condition| condition.demoted.take());
        of_model.is_some() || of_platform.is_some()
    }

    /// The conditions that count for `offer`: its platform's and its own.
    pub fn conditions(&self, offer: &PlatformModel) -> impl Iterator<Item = &Condition> {
        self.platforms.get(&offer.platform.id).into_iter().chain(self.platform_models.get(&offer.id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    fn cool(seconds: u64) -> Remedy {
        Remedy::CoolDown { scope: Scope::Platform, lasting: Duration::from_secs(seconds) }
    }

    fn demote(steps: u32, seconds: u64) -> Remedy {
        Remedy::Demote { scope: Scope::Platform, steps, lasting: Duration::from_secs(seconds) }
    }

    #[test]
    fn a_longer_cooldown_is_never_shortened() {
        let mut condition = Condition::default();
        condition.apply(&cool(600), at(0), &"quota".into());
        condition.apply(&cool(15), at(1), &"overloaded".into());
        assert_eq!(condition.cooling, Some(Cooling { until: at(600), reason: "quota".into() }));
        assert!(condition.cooling_at(at(599)).is_some() && condition.cooling_at(at(600)).is_none());
        condition.apply(&cool(15), at(601), &"overloaded".into());
        assert_eq!(condition.cooling_at(at(602)).map(|cooling| cooling.until), Some(at(616)));
    }

    #[test]
    fn demotions_end_and_don_t_pile_up() {
        let mut condition = Condition::default();
        condition.apply(&demote(2, 60), at(0), &"".into());
        condition.apply(&demote(1, 120), at(1), &"".into());
        assert_eq!((condition.demotion_at(at(120)), condition.demotion_at(at(121))), (2, 0));
        condition.apply(&demote(1, 60), at(200), &"".into());
        assert_eq!(condition.demotion_at(at(201)), 1);
    }

    #[test]
    fn the_first_reason_of_a_disabling_stays() {
        let mut condition = Condition::default();
        condition.apply(&Remedy::Disable { scope: Scope::Platform }, at(0), &"key revoked".into());
        condition.apply(&Remedy::Disable { scope: Scope::Platform }, at(0), &"again".into());
        assert_eq!(condition.disabled.as_deref(), Some("key revoked"));
    }
}

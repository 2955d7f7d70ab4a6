//! A draft: what is to be different. A part of a catalogue; what it does not name stays as it is.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroU32;
use std::sync::Arc;

use uuid::Uuid;

use crate::catalog::{CandidateOverrides, Catalog, Enabled, Model, Platform, PlatformModel, Strategy};
use crate::id::{PolicySetId, PriceId, RunnerPolicyId};
use crate::policy::{
    AutoDisablePolicy, Availability, BreakerPolicy, CooldownPolicy, DemotionPolicy, FailoverPolicy, PolicySet, ProbePolicy, RetryPolicy,
    RunnerPolicy,
};
use crate::price::{Price, PriceVersion};

/// What is to be different. Names that the catalogue doesn't have are of no effect: whoever reads a draft checks them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Draft {
    /// Replaces the runner policy's failover.
    pub failover: Option<FailoverPolicy>,
    /// Replaces the runner policy's demotion.
    pub demotion: Option<DemotionPolicy>,
    /// Replaces the runner policy's availability.
    pub availability: Option<Availability>,
    /// Policy sets by name, old and new.
    pub policy_sets: BTreeMap<String, PolicySetDraft>,
    /// Platforms by name.
    pub platforms: BTreeMap<String, PlatformDraft>,
    /// The strategies of models.
    pub models: BTreeMap<String, Strategy>,
    /// Platform models by platform and model.
    pub offers: BTreeMap<(String, String), OfferDraft>,
}

/// What is to be different about a policy set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PolicySetDraft {
    /// Replaces its retry policy.
    pub retry: Option<RetryPolicy>,
    /// Replaces its cooldown rules.
    pub cooldown: Option<CooldownPolicy>,
    /// Replaces its circuit breaker.
    pub breaker: Option<BreakerPolicy>,
    /// Replaces its auto-disable rules.
    pub auto_disable: Option<AutoDisablePolicy>,
    /// Replaces its active probes.
    pub probe: Option<ProbePolicy>,
}

/// What is to be different about a platform.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlatformDraft {
    /// 0 is tried first.
    pub priority: Option<u32>,
    /// Whether it is in use.
    pub enabled: Option<Enabled>,
}

/// What is to be different about a platform model.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OfferDraft {
    /// 0 is tried first.
    pub priority: Option<u32>,
    /// Its share among those of equal priority.
    pub weight: Option<NonZeroU32>,
    /// What accounts pay.
    pub price: Option<Price>,
    /// What the platform charges the operator.
    pub cost: Option<Price>,
    /// Its policy set by name.
    pub policy_set: Option<String>,
    /// Replaces what differs from its policies.
    pub overrides: Option<CandidateOverrides>,
    /// Whether it is in use.
    pub enabled: Option<Enabled>,
}

impl Draft {
    /// Whether nothing is to be different.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The catalogue as it would be.
    #[must_use]
    pub fn applied_to(&self, today: &Catalog) -> Catalog {
        let offers = || today.models.values().flat_map(|model| &model.offers);
        let platforms = offers().filter_map(|offer| Some((Arc::clone(&offer.platform.name), self.platform(&offer.platform)?))).collect();
        let sets = self.sets(offers());
        let model = |model: &Arc<Model>| {
            let strategy = self.models.get(&*model.name).copied().unwrap_or(model.strategy);
            let offers = model.offers.iter().map(|offer| self.offer(offer, &platforms, &sets)).collect();
            (Arc::clone(&model.name), Arc::new(Model { strategy, offers, ..Model::clone(model) }))
        };
        Catalog { models: today.models.values().map(model).collect(), runner_policy: self.runner_policy(today), ..today.clone() }
    }

    fn runner_policy(&self, today: &Catalog) -> Arc<RunnerPolicy> {
        let (before, mut policy) = (&today.runner_policy, RunnerPolicy::clone(&today.runner_policy));
        if let Some(failover) = &self.failover {
            policy.failover = failover.clone();
        }
        if let Some(demotion) = &self.demotion {
            policy.demotion = demotion.clone();
        }
        if let Some(availability) = self.availability {
            policy.availability = availability;
        }
        if policy == **before {
            return Arc::clone(before);
        }
        Arc::new(RunnerPolicy { id: RunnerPolicyId::from_uuid(Uuid::nil()), ..policy })
    }

    /// The platform as it would be, if it would be different.
    fn platform(&self, before: &Platform) -> Option<Arc<Platform>> {
        let draft = self.platforms.get(&*before.name)?;
        let (priority, enabled) = (draft.priority.unwrap_or(before.priority), draft.enabled.unwrap_or(before.enabled));
        Some(Arc::new(Platform { priority, enabled, ..before.clone() }))
    }

    /// The policy sets that platform models name, with those of the draft.
    fn sets<'a>(&self, offers: impl Iterator<Item = &'a Arc<PlatformModel>>) -> HashMap<Arc<str>, Arc<PolicySet>> {
        let named = offers.map(|offer| &offer.policy_set).filter(|set| !is_built_in(set));
        let mut sets: HashMap<Arc<str>, Arc<PolicySet>> = named.map(|set| (Arc::clone(&set.name), Arc::clone(set))).collect();
        for (name, draft) in &self.policy_sets {
            let name: Arc<str> = name.as_str().into();
            let new = || PolicySet::new(PolicySetId::from_uuid(Uuid::max()), Arc::clone(&name), RetryPolicy::default());
            let set = sets.get(&name).map_or_else(new, |set| PolicySet::clone(set));
            sets.insert(Arc::clone(&name), Arc::new(draft.applied_to(set)));
        }
        sets
    }

    fn offer(
        &self,
        before: &Arc<PlatformModel>,
        platforms: &HashMap<Arc<str>, Arc<Platform>>,
        sets: &HashMap<Arc<str>, Arc<PolicySet>>,
    ) -> Arc<PlatformModel> {
        let mut offer = PlatformModel::clone(before);
        if let Some(platform) = platforms.get(&before.platform.name) {
            offer.platform = Arc::clone(platform);
        }
        let redrawn = self.policy_sets.contains_key(&*before.policy_set.name) && !is_built_in(&before.policy_set);
        if let Some(set) = sets.get(&before.policy_set.name).filter(|_| redrawn) {
            offer.policy_set = Arc::clone(set);
        }
        if let Some(draft) = self.offers.get(&(before.platform.name.to_string(), before.model.to_string())) {
            draft.apply_to(&mut offer, sets);
        }
        Arc::new(offer)
    }
}

/// The set of platform models that name none can't be named.
fn is_built_in(set: &PolicySet) -> bool {
    let built_in = crate::catalog::default_policy_set();
    (set.id, &set.name) == (built_in.id, &built_in.name)
}

impl PolicySetDraft {
    fn applied_to(&self, set: PolicySet) -> PolicySet {
        PolicySet {
            retry: self.retry.clone().unwrap_or(set.retry),
            cooldown: self.cooldown.clone().unwrap_or(set.cooldown),
            breaker: self.breaker.clone().or(set.breaker),
            auto_disable: self.auto_disable.clone().unwrap_or(set.auto_disable),
            probe: self.probe.clone().or(set.probe),
            ..set
        }
    }
}

impl OfferDraft {
    fn apply_to(&self, offer: &mut PlatformModel, sets: &HashMap<Arc<str>, Arc<PolicySet>>) {
        offer.priority = self.priority.or(offer.priority);
        offer.weight = self.weight.unwrap_or(offer.weight);
        offer.enabled = self.enabled.unwrap_or(offer.enabled);
        if let Some(set) = self.policy_set.as_deref().and_then(|name| sets.get(name)) {
            offer.policy_set = Arc::clone(set);
        }
        if let Some(overrides) = &self.overrides {
            offer.overrides = overrides.clone();
        }
        let before = offer.price.as_deref();
        let price = self.price.clone().or_else(|| before.map(|version| version.price.clone()));
        let cost = self.cost.clone().or_else(|| before.and_then(|version| version.cost.clone()));
        if let Some(price) = price.filter(|_| self.price.is_some() || self.cost.is_some()) {
            offer.price = Some(Arc::new(PriceVersion { id: PriceId::from_uuid(Uuid::nil()), price, cost }));
        }
    }
}

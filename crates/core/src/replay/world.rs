//! The catalogue as it would be with the draft, and what of it is different from today's.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::draft::Draft;
use crate::catalog::{Catalog, Enabled, Model, Platform, PlatformModel, Strategy};
use crate::id::{AccountId, PlatformModelId};
use crate::policy::RunnerPolicy;
use crate::price::Multiplier;

/// The catalogue with the draft.
#[derive(Debug)]
pub struct World {
    offers: HashMap<PlatformModelId, Offer>,
    models: HashMap<Arc<str>, Arc<Model>>,
    platforms: HashMap<Arc<str>, Arc<Platform>>,
    /// Models whose strategy is another.
    rearranged: HashSet<Arc<str>>,
    multipliers: HashMap<AccountId, Multiplier>,
    policy: Arc<RunnerPolicy>,
}

/// A platform model as it would be.
#[derive(Debug)]
pub(super) struct Offer {
    pub(super) draft: Arc<PlatformModel>,
    pub(super) part: Part,
    /// Its priority is another.
    pub(super) moved: bool,
    /// Its share among those of equal priority is another.
    pub(super) reweighted: bool,
    /// Its price or its cost is another.
    pub(super) repriced: bool,
}

/// Which part it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// As before.
    Same,
    /// The draft switches it on.
    ComesIn,
    /// The draft switches it off.
    GoesOut,
}

impl World {
    /// Today's catalogue with the draft.
    #[must_use]
    pub fn new(today: &Catalog, draft: &Draft) -> Self {
        let tomorrow = draft.applied_to(today);
        let after: HashMap<PlatformModelId, &Arc<PlatformModel>> = all(&tomorrow).map(|offer| (offer.id, offer)).collect();
        let offers = all(today).filter_map(|before| Some((before.id, Offer::of(before, after.get(&before.id)?))));
        let offers = offers.collect();
        let strategy = |catalog: &Catalog, name: &str| catalog.models.get(name).map(|model| orders_by(model.strategy));
        let rearranged = today.models.keys().filter(|name| strategy(today, name) != strategy(&tomorrow, name)).cloned().collect();
        let multiplier = |group| today.groups.get(&group).map_or(Multiplier::ONE, |group| group.price_multiplier);
        Self {
            offers,
            platforms: all(&tomorrow).map(|offer| (Arc::clone(&offer.platform.name), Arc::clone(&offer.platform))).collect(),
            rearranged,
            multipliers: today.accounts.values().map(|account| (account.id, multiplier(account.group))).collect(),
            policy: Arc::clone(&tomorrow.runner_policy),
            models: tomorrow.models,
        }
    }

    /// Whether the order of some candidates hangs on how fast they were.
    #[must_use]
    pub fn asks_for_speed(&self) -> bool {
        let touched =
            |offer: &Offer| offer.moved || offer.reweighted || offer.part == Part::ComesIn || self.is_rearranged(&offer.draft.model);
        self.offers.values().any(|offer| touched(offer) && self.strategy(&offer.draft.model) == Strategy::LowestLatency)
    }

    pub(super) fn offer(&self, id: PlatformModelId) -> Option<&Offer> {
        self.offers.get(&id)
    }

    pub(super) fn model(&self, name: &str) -> Option<&Arc<Model>> {
        self.models.get(name)
    }

    pub(super) fn platform(&self, name: &str) -> Option<&Arc<Platform>> {
        self.platforms.get(name)
    }

    pub(super) fn strategy(&self, model: &str) -> Strategy {
        self.models.get(model).map_or(Strategy::Priority, |model| model.strategy)
    }

    pub(super) fn is_rearranged(&self, model: &str) -> bool {
        self.rearranged.contains(model)
    }

    pub(super) fn multiplier(&self, account: AccountId) -> Multiplier {
        self.multipliers.get(&account).copied().unwrap_or(Multiplier::ONE)
    }

    pub(super) const fn policy(&self) -> &Arc<RunnerPolicy> {
        &self.policy
    }
}

fn all(catalog: &Catalog) -> impl Iterator<Item = &Arc<PlatformModel>> {
    catalog.models.values().flat_map(|model| &model.offers)
}

/// Two names of one strategy are no difference.
const fn orders_by(strategy: Strategy) -> Strategy {
    match strategy {
        Strategy::Weighted => Strategy::Priority,
        Strategy::Priority | Strategy::LeastBusy | Strategy::LowestLatency | Strategy::LowestCost => strategy,
    }
}

impl Offer {
    fn of(before: &PlatformModel, after: &Arc<PlatformModel>) -> Self {
        let part = match (serves(before), serves(after)) {
            (true, false) => Part::GoesOut,
            (false, true) => Part::ComesIn,
            (true, true) | (false, false) => Part::Same,
        };
        let priced = |offer: &PlatformModel| offer.price.as_ref().map(|version| (version.price.clone(), version.cost.clone()));
        Self {
            part,
            moved: priority(before) != priority(after),
            reweighted: before.weight != after.weight,
            repriced: priced(before) != priced(after),
            draft: Arc::clone(after),
        }
    }
}

/// Its priority without demotions.
pub(super) fn priority(offer: &PlatformModel) -> u32 {
    offer.priority.unwrap_or(offer.platform.priority)
}

/// Whether the catalogue lets it serve.
fn serves(offer: &PlatformModel) -> bool {
    offer.platform.enabled == Enabled::Yes && offer.enabled == Enabled::Yes && offer.price.is_some()
}

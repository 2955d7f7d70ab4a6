//! Who may serve a task, and in which order; or exactly why not. Pure: health, load, time and dice are arguments.

mod credentials;
mod left_out;
mod load;
mod order;
mod selection;

pub use crate::health::{Condition, Cooling, Demoted, HealthBook};
pub use crate::policy::LastResort;
pub use left_out::{LeftOut, LeftOutReason};
pub use load::{Load, NoLoad};
pub use selection::{Candidate, Candidates, Chance, NoCandidates, RefusedBy, Selection};

use std::sync::Arc;

use crate::catalog::{ApiKey, Capability, Catalog, Group, Model, PlatformModel};
use crate::health::Standing;
use crate::id::PlatformModelId;
use crate::kind::ModelType;
use crate::policy::Availability;
use crate::time::Timestamp;
use crate::usage::Usage;
use order::SplitMix;

/// What a task asks for, and on whose behalf.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// The public name of the model.
    pub model: &'a str,
    /// What is to be done.
    pub model_type: ModelType,
    /// The caller's key.
    pub key: &'a ApiKey,
    /// Its account's group.
    pub group: &'a Group,
    /// The time, against which cooldowns are held.
    pub now: Timestamp,
    /// Whether the simulation client will serve it: then the platforms' health doesn't matter.
    pub simulated: bool,
    /// What not every model can do.
    pub needs: &'a [Capability],
    /// Who can't be asked this, since something of it has no word in their protocol; and what.
    pub unfit: &'a [(PlatformModelId, Arc<str>)],
    /// What an answer is expected to use, whoever gives it.
    pub usage: Usage,
    /// What it is expected to use at those where it is something else, since it makes or hears media.
    pub expected: &'a [(PlatformModelId, Usage)],
}

impl Ask<'_> {
    /// What an answer of `offer` is expected to use.
    #[must_use]
    pub fn usage_of(&self, offer: &PlatformModel) -> &Usage {
        self.expected.iter().find(|(id, _)| *id == offer.id).map_or(&self.usage, |(_, usage)| usage)
    }
}

/// How things are at the moment.
#[derive(Clone, Copy)]
pub struct Moment<'a> {
    /// Who is well, and who is not.
    pub health: &'a HealthBook,
    /// How busy and how fast they are.
    pub load: &'a dyn Load,
    /// Who served this prompt before, where the model's calls stick.
    pub sticky: Option<PlatformModelId>,
}

/// All candidates of the asked model, and of its fallbacks after them, in the order in which they are tried.
///
/// The hot path: with every candidate well, two lists are all that is allocated.
///
/// # Errors
/// [`NoCandidates`] says why nobody may serve.
pub fn select(catalog: &Catalog, ask: &Ask<'_>, moment: &Moment<'_>, dice: u64) -> Result<Selection, NoCandidates> {
    let model = admitted(catalog, ask)?;
    let availability = catalog.runner_policy.availability;
    let mut random = SplitMix(dice);
    let mut found = Found::among(model, ask, moment, availability, &mut random);
    for fallback in fallbacks(catalog, model, ask) {
        let mut other = Found::among(fallback, ask, moment, availability, &mut random);
        other.fit.iter_mut().for_each(|candidate| candidate.fallback = true);
        found.fit.append(&mut other.fit);
        found.left_out.append(&mut other.left_out);
    }
    let Found { fit, left_out } = found;
    match Candidates::from_vec(fit) {
        Some(candidates) => Ok(Selection { model: Arc::clone(model), candidates, left_out }),
        None => Err(NoCandidates::among(model, ask, left_out)),
    }
}

/// The model, if it exists and the caller may use it.
fn admitted<'a>(catalog: &'a Catalog, ask: &Ask<'_>) -> Result<&'a Arc<Model>, NoCandidates> {
    let model = catalog.models.get(ask.model).ok_or_else(|| NoCandidates::ModelNotFound { model: ask.model.to_owned() })?;
    let refused = |by| Err(NoCandidates::ModelNotAllowed { model: ask.model.to_owned(), by });
    if !ask.group.models.allows(ask.model) {
        return refused(RefusedBy::Group);
    }
    if !ask.key.models.allows(ask.model) {
        return refused(RefusedBy::Key);
    }
    Ok(model)
}

/// The models that stand in for `model`, as far as the caller may use them. Their own fallbacks are not followed.
fn fallbacks<'a>(catalog: &'a Catalog, model: &'a Model, ask: &'a Ask<'_>) -> impl Iterator<Item = &'a Arc<Model>> {
    let allowed = |name: &&Arc<str>| ask.group.models.allows(name) && ask.key.models.allows(name);
    model.settings.fallbacks.iter().filter(allowed).filter_map(|name| catalog.models.get(name)).filter(|other| other.id != model.id)
}

/// Who of one model may serve, in order, and who may not.
struct Found {
    fit: Vec<Candidate>,
    left_out: Vec<LeftOut>,
}

/// Somebody who could serve, but for being left alone for a while.
struct Resting<'a> {
    offer: &'a Arc<PlatformModel>,
    reason: LeftOutReason,
    until: Timestamp,
    why: Arc<str>,
}

impl Found {
    fn among(model: &Model, ask: &Ask<'_>, moment: &Moment<'_>, availability: Availability, random: &mut SplitMix) -> Self {
        let mut found = Self { fit: Vec::with_capacity(model.offers.len()), left_out: Vec::new() };
        let mut resting = Vec::new();
        for offer in &model.offers {
            match fitness(offer, ask, moment.health) {
                Fitness::Fit { priority, chance } => found.fit.push(Candidate::new(offer, priority, chance)),
                Fitness::Unfit(reason, detail) => found.left_out.push(LeftOut::new(offer, reason, None, detail)),
                Fitness::Resting { reason, until, why } => resting.push(Resting { offer, reason, until, why }),
            }
        }
        order::arrange(&mut found.fit, model.strategy, ask, moment, random);
        if !resting.is_empty() {
            found.bring_back(resting, availability);
        }
        if !ask.simulated {
            let now = ask.now;
            found.fit.iter_mut().for_each(|candidate| candidate.credentials = credentials::order(candidate, moment.health, now, random));
        }
        found
    }

    /// Never the last one out: of those who only rest, as many as the policy asks serve after all, the one that comes back soonest
    /// first, after everybody who is well.
    fn bring_back(&mut self, mut resting: Vec<Resting<'_>>, availability: Availability) {
        resting.sort_by_key(|resting| resting.until);
        let most_out = availability.most_out(self.fit.len() + resting.len());
        let back = resting.len().saturating_sub(most_out);
        for (index, Resting { offer, reason, until, why }) in resting.into_iter().enumerate() {
            if index < back {
                let priority = offer.priority.unwrap_or(offer.platform.priority);
                self.fit.push(Candidate::new(offer, priority, Chance::LastResort));
            } else {
                self.left_out.push(LeftOut::new(offer, reason, Some(until), Some(why)));
            }
        }
    }
}

enum Fitness {
    Fit { priority: u32, chance: Chance },
    Resting { reason: LeftOutReason, until: Timestamp, why: Arc<str> },
    Unfit(LeftOutReason, Option<Arc<str>>),
}

/// What can't change by waiting is said first, so that a cooldown is only named where it is all that stands in the way.
fn fitness(offer: &PlatformModel, ask: &Ask<'_>, health: &HealthBook) -> Fitness {
    if let Some((reason, detail)) = left_out::by_request(offer, ask) {
        return Fitness::Unfit(reason, detail);
    }
    if let Some((reason, detail)) = left_out::by_catalog(offer, ask) {
        return Fitness::Unfit(reason, detail);
    }
    let priority = offer.priority.unwrap_or(offer.platform.priority);
    if ask.simulated {
        return Fitness::Fit { priority, chance: Chance::Usual };
    }
    let resting = |reason, until, why| Fitness::Resting { reason, until, why };
    match health.standing(offer, ask.now) {
        Standing::Disabled { reason } => Fitness::Unfit(LeftOutReason::AutoDisabled, Some(reason)),
        Standing::Cooling { until, reason } => resting(LeftOutReason::CoolingDown, until, reason),
        Standing::CircuitOpen { until, reason } => resting(LeftOutReason::CircuitOpen, until, reason),
        Standing::Probing { until, reason } => resting(LeftOutReason::CircuitHalfOpen, until, reason),
        Standing::Well { demotion } => Fitness::Fit { priority: priority.saturating_add(demotion), chance: Chance::Usual },
        Standing::MayProbe => Fitness::Fit { priority: priority.saturating_add(health.demotion(offer, ask.now)), chance: Chance::Probe },
    }
}

#[cfg(test)]
mod tests;

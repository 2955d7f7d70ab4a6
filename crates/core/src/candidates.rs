//! Who may serve a task, and in which order; or exactly why not. Pure: health, time and dice are arguments.

mod left_out;
mod order;
mod selection;

pub use crate::health::HealthBook;
pub use crate::policy::LastResort;
pub use left_out::{LeftOut, LeftOutReason};
pub use selection::{Candidate, Candidates, NoCandidates, RefusedBy, Selection};

use std::sync::Arc;

use crate::catalog::{ApiKey, Catalog, Group, Model, PlatformModel};
use crate::health::Standing;
use crate::kind::ModelType;
use crate::time::Timestamp;

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
}

/// All candidates of the asked model in the order in which they are tried.
///
/// The hot path: with every candidate well, two lists are all that is allocated.
///
/// # Errors
/// [`NoCandidates`] says why nobody may serve.
pub fn select(catalog: &Catalog, ask: &Ask<'_>, health: &HealthBook, dice: u64) -> Result<Selection, NoCandidates> {
    let model = admitted(catalog, ask)?;
    let mut fit = Vec::with_capacity(model.offers.len());
    let mut left_out = Vec::new();
    let mut soonest: Option<Resting<'_>> = None;
    for offer in &model.offers {
        match fitness(offer, ask, health) {
            Fitness::Fit { priority } => fit.push(Candidate { offer: Arc::clone(offer), priority, last_resort: false }),
            Fitness::Unfit(reason, detail) => left_out.push(LeftOut::new(offer, reason, None, detail)),
            Fitness::Cooling { until, why } => {
                left_out.push(LeftOut::new(offer, LeftOutReason::CoolingDown, Some(until), Some(why)));
                if soonest.as_ref().is_none_or(|resting| until < resting.until) {
                    soonest = Some(Resting { offer, until });
                }
            }
        }
    }
    if fit.is_empty() {
        let offer = last_resort(soonest, catalog.runner_policy.availability.last_resort, ask.now, &mut left_out)?;
        let priority = offer.priority.unwrap_or(offer.platform.priority);
        fit.push(Candidate { offer, priority, last_resort: true });
    }
    order::arrange(&mut fit, model.strategy, dice);
    let candidates = Candidates::from_vec(fit).ok_or(NoCandidates::NoCandidate { left_out: Vec::new() })?;
    Ok(Selection { model: Arc::clone(model), candidates, left_out })
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

struct Resting<'a> {
    offer: &'a Arc<PlatformModel>,
    until: Timestamp,
}

/// Never the last one out: if all who could serve are only cooling down, the one that comes back soonest serves after all.
fn last_resort(
    soonest: Option<Resting<'_>>,
    setting: LastResort,
    now: Timestamp,
    left_out: &mut Vec<LeftOut>,
) -> Result<Arc<PlatformModel>, NoCandidates> {
    let Some(resting) = soonest else {
        return Err(NoCandidates::NoCandidate { left_out: std::mem::take(left_out) });
    };
    match setting {
        LastResort::Serves => {
            left_out.retain(|left| left.platform_model != resting.offer.id);
            Ok(Arc::clone(resting.offer))
        }
        LastResort::Rests => {
            let retry_after = resting.until.since(now);
            Err(NoCandidates::CandidatesCoolingDown { retry_after, left_out: std::mem::take(left_out) })
        }
    }
}

enum Fitness {
    Fit { priority: u32 },
    Cooling { until: Timestamp, why: Arc<str> },
    Unfit(LeftOutReason, Option<Arc<str>>),
}

/// What can't change by waiting is said first, so that a cooldown is only named where it is all that stands in the way.
fn fitness(offer: &PlatformModel, ask: &Ask<'_>, health: &HealthBook) -> Fitness {
    if let Some(reason) = left_out::by_catalog(offer, ask.model_type) {
        return Fitness::Unfit(reason, None);
    }
    let own = offer.priority.unwrap_or(offer.platform.priority);
    if ask.simulated {
        return Fitness::Fit { priority: own };
    }
    match health.standing(offer, ask.now) {
        Standing::Disabled { reason } => Fitness::Unfit(LeftOutReason::AutoDisabled, Some(reason)),
        Standing::Cooling { until, reason } | Standing::CircuitOpen { until, reason } | Standing::Probing { until, reason } => {
            Fitness::Cooling { until, why: reason }
        }
        Standing::Well { .. } | Standing::MayProbe => Fitness::Fit { priority: own.saturating_add(health.demotion(offer, ask.now)) },
    }
}

#[cfg(test)]
mod tests;

//! What an answer costs: as recorded if it is the same answer at the same price, else computed from its usage.

use super::course::{Ending, Paid};
use super::past::{Answer, Past};
use super::world::World;
use crate::catalog::PlatformModel;
use crate::money::Money;
use crate::price::Multiplier;
use crate::pricing;
use crate::run_trace::EstimateNote;
use crate::usage::Usage;

/// Where an answer comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// It was given then, to this very task.
    Recorded,
    /// It is another task's.
    Drawn,
}

/// What `answer` of `offer` to the task costs.
pub(super) fn paid(past: &Past, world: &World, offer: &PlatformModel, answer: &Answer, origin: Origin) -> Paid {
    let repriced = world.offer(offer.id).is_some_and(|known| known.repriced);
    if origin == Origin::Recorded && !repriced {
        return past.paid;
    }
    if offer.platform.test_mode {
        return Paid::Known { charge: Money::ZERO, cost: None };
    }
    let Some(usage) = usage(past, answer, origin) else { return Paid::Nothing };
    let multiplier = past.bill.as_ref().map_or_else(|| world.multiplier(past.account), |bill| bill.multiplier);
    price(offer, multiplier, &usage)
}

/// The task's own usage where it has had a whole answer: the same request takes about the same anywhere. Otherwise what the drawn answer
/// used, and at last the estimate.
fn usage(past: &Past, answer: &Answer, origin: Origin) -> Option<Usage> {
    let own_counts = origin == Origin::Recorded || (past.ending == Ending::Succeeded && answer.end.is_whole());
    let estimated = || past.trace.estimate.as_ref().map(EstimateNote::usage);
    if own_counts { past.usage } else { answer.usage.or(past.usage).or_else(estimated) }
}

fn price(offer: &PlatformModel, multiplier: Multiplier, usage: &Usage) -> Paid {
    let bill = offer.price.as_ref().and_then(|version| pricing::bill(version, multiplier, usage).ok());
    bill.map_or(Paid::Unpriced, |bill| Paid::Known { charge: bill.charge, cost: bill.cost })
}

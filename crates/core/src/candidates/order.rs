//! The order in which candidates are tried: by priority, then by the model's strategy, and by the dice where that leaves a choice.

use super::{Ask, Candidate, Moment};
use crate::catalog::{PlatformModel, Strategy};
use crate::money::Money;
use crate::pricing;

/// One call in so many goes to a candidate that is not the fastest, so that it is noticed when that has changed.
const EXPLORES: u64 = 20;

/// Puts `candidates` in the order of `strategy`.
pub(super) fn arrange(candidates: &mut [Candidate], strategy: Strategy, ask: &Ask<'_>, moment: &Moment<'_>, random: &mut SplitMix) {
    if candidates.len() < 2 {
        return;
    }
    candidates.sort_by_key(|candidate| candidate.priority);
    for equal in candidates.chunk_by_mut(|one, other| one.priority == other.priority) {
        // Ties of what follows are spread by weight.
        random.draw(equal, weight);
        match strategy {
            Strategy::Priority | Strategy::Weighted => {}
            Strategy::LeastBusy => equal.sort_by(|one, other| busy(one, other, moment)),
            Strategy::LowestLatency if random.next().is_multiple_of(EXPLORES) => {}
            // Whose speed nobody knows is tried first: then it is known.
            Strategy::LowestLatency => equal.sort_by_key(|candidate| moment.load.first_delta_micros(&candidate.offer)),
            Strategy::LowestCost => equal.sort_by_cached_key(|candidate| cost(&candidate.offer, ask)),
        }
    }
    if let Some(place) = candidates.iter().position(|candidate| moment.sticky == Some(candidate.offer.id) && candidate.may_stick()) {
        candidates[..=place].rotate_right(1);
    }
}

/// Calls under way for each unit of weight, without a division.
fn busy(one: &Candidate, other: &Candidate, moment: &Moment<'_>) -> std::cmp::Ordering {
    let load = |candidate: &Candidate| u64::from(moment.load.under_way(&candidate.offer));
    (load(one) * weight(other)).cmp(&(load(other) * weight(one)))
}

/// What such a call costs the operator, or its price if that is all that is known. What can't be computed comes last.
fn cost(offer: &PlatformModel, ask: &Ask<'_>) -> Money {
    const LAST: Money = Money::from_nanos(i64::MAX);
    let Some(version) = &offer.price else { return LAST };
    pricing::cost_estimate(version, ask.usage_of(offer)).unwrap_or(LAST)
}

fn weight(candidate: &Candidate) -> u64 {
    u64::from(candidate.offer.weight.get())
}

/// Makes as many throws as are needed of one.
///
/// Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (2014).
pub(super) struct SplitMix(pub(super) u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Draws each place among those that are left, with chances as their weights. Quadratic, for a handful.
    pub(super) fn draw<T>(&mut self, items: &mut [T], weight: impl Fn(&T) -> u64) {
        for place in 0..items.len().saturating_sub(1) {
            let rest = &items[place..];
            let total: u64 = rest.iter().map(&weight).sum();
            let mut ticket = self.next() % total.max(1);
            let drawn = rest.iter().position(|item| {
                let wins = ticket < weight(item);
                ticket = ticket.saturating_sub(weight(item));
                wins
            });
            items.swap(place, place + drawn.unwrap_or(0));
        }
    }
}

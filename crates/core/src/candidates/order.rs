//! The order in which candidates are tried: by priority, and by the dice where that leaves a choice.

use super::Candidate;
use crate::catalog::Strategy;

/// Puts `candidates` in the order of `strategy`: each place is drawn among those of equal priority (or among all), with chances as
/// their weights.
pub(super) fn arrange(candidates: &mut [Candidate], strategy: Strategy, dice: u64) {
    let mut random = SplitMix(dice);
    match strategy {
        Strategy::Priority | Strategy::LeastBusy | Strategy::LowestLatency | Strategy::LowestCost => {
            candidates.sort_by_key(|candidate| candidate.priority);
            candidates.chunk_by_mut(|one, other| one.priority == other.priority).for_each(|equal| draw(equal, &mut random));
        }
        Strategy::Weighted => draw(candidates, &mut random),
    }
}

/// Quadratic, for a handful of candidates.
fn draw(candidates: &mut [Candidate], random: &mut SplitMix) {
    for place in 0..candidates.len().saturating_sub(1) {
        let rest = &candidates[place..];
        let total: u64 = rest.iter().map(weight).sum();
        let mut ticket = random.next() % total;
        let drawn = rest.iter().position(|candidate| {
            let wins = ticket < weight(candidate);
            ticket = ticket.saturating_sub(weight(candidate));
            wins
        });
        candidates.swap(place, place + drawn.unwrap_or(0));
    }
}

fn weight(candidate: &Candidate) -> u64 {
    u64::from(candidate.offer.weight.get())
}

/// Makes as many throws as are needed of one.
///
/// Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (2014).
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

//! Chance that can be had again: numbers that follow from a seed, a task and a place in its run.

use crate::id::TaskId;

/// Where all chance of a replay comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Seed(pub u64);

/// What is drawn for; each has chances of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Which outcomes are kept to draw from.
    Keep,
    /// What an attempt comes to that was not made then.
    Outcome,
    /// The jitter of a wait that was not drawn then.
    Wait,
    /// The place of a candidate whose priority or weight is another.
    Order,
}

impl Seed {
    /// The number for this purpose at this place of this task.
    pub(super) fn draw(self, task: TaskId, purpose: Purpose, place: u64) -> u64 {
        let (high, low) = task.uuid().as_u64_pair();
        [high, low, purpose as u64, place].into_iter().fold(mix(self.0), |state, part| mix(state ^ part))
    }
}

/// One step of SplitMix64: each bit of the result hangs on each bit of the argument.
///
/// Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (2014).
const fn mix(state: u64) -> u64 {
    let mixed = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_place_has_the_same_number_and_every_other_place_another() {
        let task = |bits| TaskId::from_uuid(uuid::Uuid::from_u128(bits));
        let first = Seed(0).draw(task(1), Purpose::Wait, 1);
        assert_eq!(Seed(0).draw(task(1), Purpose::Wait, 1), first);
        let others = [
            Seed(1).draw(task(1), Purpose::Wait, 1),
            Seed(0).draw(task(2), Purpose::Wait, 1),
            Seed(0).draw(task(1), Purpose::Outcome, 1),
            Seed(0).draw(task(1), Purpose::Wait, 2),
        ];
        assert!(!others.contains(&first));
    }
}

//! A bounded sample of what came by: the items with the smallest of random keys. The order in which they come does not matter, and a
//! smaller sample of the same is had by dropping the largest keys.

use std::collections::BTreeMap;
use std::sync::Arc;

/// A uniform sample of items, each with its key.
#[derive(Debug)]
pub(super) struct Sample<T> {
    kept: BTreeMap<u64, Arc<T>>,
}

impl<T> Default for Sample<T> {
    fn default() -> Self {
        Self { kept: BTreeMap::new() }
    }
}

impl<T> Sample<T> {
    /// Offers an item to a sample of at most `most`. Gives whether the sample grew.
    pub(super) fn offer(&mut self, key: u64, item: &Arc<T>, most: usize) -> bool {
        if self.kept.len() >= most && self.kept.last_key_value().is_none_or(|(largest, _)| key >= *largest) {
            return false;
        }
        let before = self.kept.len();
        self.kept.insert(key, Arc::clone(item));
        self.shrink(most);
        self.kept.len() > before
    }

    /// Keeps at most `most`.
    pub(super) fn shrink(&mut self, most: usize) {
        while self.kept.len() > most {
            self.kept.pop_last();
        }
    }

    /// Takes in what another sample of other items holds.
    pub(super) fn merge(&mut self, other: Self, most: usize) {
        self.kept.extend(other.kept);
        self.shrink(most);
    }

    pub(super) fn len(&self) -> usize {
        self.kept.len()
    }

    /// What is kept, in an order of its own that is always the same.
    pub(super) fn into_items(self) -> Vec<Arc<T>> {
        self.kept.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_items_give_the_same_sample_in_any_order() {
        let keys: Vec<u64> = (0..500_u64).map(|number| number.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
        let sample = |keys: &mut dyn Iterator<Item = &u64>| {
            let mut sample = Sample::default();
            for key in keys {
                sample.offer(*key, &Arc::new(*key), 20);
            }
            sample.into_items()
        };
        let forth = sample(&mut keys.iter());
        assert_eq!(forth, sample(&mut keys.iter().rev()));
        assert_eq!(forth.len(), 20);
        let (mut one, mut other) = (Sample::default(), Sample::default());
        for (index, key) in keys.iter().enumerate() {
            let half = if index % 2 == 0 { &mut one } else { &mut other };
            half.offer(*key, &Arc::new(*key), 20);
        }
        one.merge(other, 20);
        assert_eq!(one.into_items(), forth);
    }

    #[test]
    fn each_item_has_the_same_chance_to_be_kept() {
        let mut kept = [0_u32; 100];
        for seed in 0..2_000 {
            let mut sample = Sample::default();
            for item in 0..100_u128 {
                let task = crate::id::TaskId::from_uuid(uuid::Uuid::from_u128(item));
                let key = super::super::Seed(seed).draw(task, super::super::chance::Purpose::Keep, 0);
                sample.offer(key, &Arc::new(usize::try_from(item).unwrap()), 10);
            }
            sample.into_items().into_iter().for_each(|item| kept[*item] += 1);
        }
        // 200 are expected of each; 60 is more than four deviations.
        assert!(kept.iter().all(|count| count.abs_diff(200) < 60), "{kept:?}");
    }
}

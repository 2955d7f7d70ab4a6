//! Concurrency limits of one process, counted in memory. Nothing survives a restart, as no call does.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};

use easyai_core::id::{AccountId, PlatformId};

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Slot {
    /// All calls of this process.
    Gateway,
    /// The calls of one account.
    Account(AccountId),
    /// The calls under way at one platform.
    Platform(PlatformId),
}

/// A slot that was full. Nothing was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{} has {limit} calls under way, its limit: try again in a moment", .slot.name())]
pub struct Refused {
    /// Which one.
    pub slot: Slot,
    /// Its limit.
    pub limit: u32,
}

impl Slot {
    /// What a refusal calls it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gateway => "the gateway",
            Self::Account(_) => "this account",
            Self::Platform(_) => "the platform",
        }
    }
}

/// The counters. A handle: clones share them.
#[derive(Debug, Clone, Default)]
pub struct Limits {
    taken: Arc<Mutex<HashMap<Slot, u32>>>,
}

impl Limits {
    /// Nothing taken.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one of each slot, or none at all. A limit of `None` only counts.
    ///
    /// # Errors
    /// [`Refused`] names the first slot that is full.
    pub fn take(&self, wanted: &[(Slot, Option<u32>)]) -> Result<Lease, Refused> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        for (slot, limit) in wanted {
            let now = taken.get(slot).copied().unwrap_or(0);
            if let Some(limit) = limit.filter(|limit| now >= *limit) {
                return Err(Refused { slot: *slot, limit });
            }
        }
        for (slot, _) in wanted {
            *taken.entry(*slot).or_insert(0) += 1;
        }
        Ok(Lease { limits: self.clone(), slots: wanted.iter().map(|(slot, _)| *slot).collect() })
    }

    /// How many are taken now.
    #[must_use]
    pub fn taken(&self, slot: Slot) -> u32 {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).get(&slot).copied().unwrap_or(0)
    }
}

/// Slots that are given back when this is dropped.
#[derive(Debug)]
#[must_use = "a lease that is dropped at once limits nothing"]
pub struct Lease {
    limits: Limits,
    slots: Vec<Slot>,
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut taken = self.limits.taken.lock().unwrap_or_else(PoisonError::into_inner);
        for slot in &self.slots {
            if let Entry::Occupied(mut count) = taken.entry(*slot) {
                *count.get_mut() -= 1;
                // An idle account costs no memory.
                if *count.get() == 0 {
                    count.remove();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(bits: u128) -> Slot {
        Slot::Account(AccountId::from_uuid(uuid::Uuid::from_u128(bits)))
    }

    #[test]
    fn all_slots_are_taken_or_none() {
        let limits = Limits::new();
        let first = limits.take(&[(Slot::Gateway, Some(2)), (account(1), Some(1))]);
        assert!(first.is_ok());
        let refused = limits.take(&[(Slot::Gateway, Some(2)), (account(1), Some(1))]);
        assert_eq!(refused.err(), Some(Refused { slot: account(1), limit: 1 }));
        assert_eq!(limits.taken(Slot::Gateway), 1, "the refused call kept nothing");
    }

    #[test]
    fn a_lease_gives_back_what_it_took_when_it_is_dropped() {
        let limits = Limits::new();
        for _ in 0..3 {
            let lease = limits.take(&[(Slot::Gateway, Some(1)), (account(1), None)]);
            assert!(lease.is_ok());
            drop(lease);
        }
        assert_eq!((limits.taken(Slot::Gateway), limits.taken(account(1))), (0, 0));
    }
}

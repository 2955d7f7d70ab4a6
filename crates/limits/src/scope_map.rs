//! A map by scope. Ids are ours and hold random bits, so the standard hash's defence against chosen keys only costs time.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use easyai_core::limit::LimitScope;

/// What is known of each scope.
pub(crate) type ScopeMap<T> = HashMap<LimitScope, T, BuildHasherDefault<ScopeHasher>>;

/// Folds eight bytes at a time by a multiplication to 128 bits, as wyhash does.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ScopeHasher(u64);

impl ScopeHasher {
    const fn fold(&mut self, word: u64) {
        let product = (self.0 ^ word) as u128 * 0x9e37_79b9_7f4a_7c15;
        self.0 = (product as u64) ^ ((product >> 64) as u64);
    }
}

impl Default for ScopeHasher {
    fn default() -> Self {
        Self(0xa076_1d64_78bd_642f)
    }
}

impl Hasher for ScopeHasher {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            self.fold(chunk.iter().fold(0, |word, byte| (word << 8) | u64::from(*byte)));
        }
    }

    fn write_usize(&mut self, value: usize) {
        self.fold(value as u64);
    }

    fn write_isize(&mut self, value: isize) {
        self.fold(value as u64);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::hash::{BuildHasher, BuildHasherDefault};

    use easyai_core::id::{AccountId, KeyId};
    use easyai_core::limit::LimitScope;
    use uuid::Uuid;

    use super::ScopeHasher;

    #[test]
    fn neighbours_fall_apart() {
        let hash = |scope: LimitScope| BuildHasherDefault::<ScopeHasher>::default().hash_one(scope);
        for shift in [0, 20, 40, 62, 64, 80, 112] {
            let ids = || (0..4_096_u128).map(|bits| Uuid::from_u128((0x0188_bac7_4afa_78aa_bc3b_bd1e_ef28_d881) ^ (bits << shift)));
            let hashes =
                ids().flat_map(|id| [LimitScope::Key(KeyId::from_uuid(id)), LimitScope::Account(AccountId::from_uuid(id))]).map(hash);
            let low: HashSet<_> = hashes.map(|hash| hash & 0xffff).collect();
            // 8,192 random values among 65,536: some 7,700 differ.
            assert!(low.len() > 7_000, "{shift}: {}", low.len());
        }
    }
}

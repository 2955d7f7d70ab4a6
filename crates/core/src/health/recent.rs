//! Failures of late, each remembered until it is out of its window.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::time::Timestamp;

/// When each of the failures of late stops counting, in the order in which they happened. Fewer than the policy asks for: the one that
/// makes it full empties it.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Recent(Vec<Timestamp>);

impl Recent {
    /// Adds a failure that counts for `window`. Whether there are `enough` of them now: then they are forgotten.
    pub fn add(&mut self, now: Timestamp, window: Duration, enough: NonZeroU32) -> bool {
        self.forget_passed(now);
        self.0.push(now.plus(window));
        let full = u32::try_from(self.0.len()).is_ok_and(|count| count >= enough.get());
        if full {
            self.0.clear();
        }
        full
    }

    /// Forgets those that count no longer.
    pub fn forget_passed(&mut self, now: Timestamp) {
        self.0.retain(|until| *until > now);
    }

    /// How many there are, with those that count no longer and weren't forgotten yet.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

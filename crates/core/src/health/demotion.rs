//! A lowered priority: deeper with each failure, less deep with each success, gone after a time.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::time::Timestamp;

/// Tried later than its priority says, until a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Demoted {
    /// How many steps of priority.
    pub steps: u32,
    /// When it is as before.
    pub until: Timestamp,
}

impl Demoted {
    /// `old`, lowered to `steps` at least and for `lasting` at least: a remedy never lifts anything, and carried out twice it does
    /// what it does once.
    #[must_use]
    pub fn lower(old: Option<Self>, steps: u32, lasting: Duration, now: Timestamp) -> Self {
        let until = now.plus(lasting);
        match old.filter(|old| old.until > now) {
            Some(old) => Self { steps: old.steps.max(steps), until: old.until.max(until) },
            None => Self { steps, until },
        }
    }

    /// What is left after a success.
    #[must_use]
    pub fn heal(self, heal_steps: NonZeroU32) -> Option<Self> {
        let steps = self.steps.saturating_sub(heal_steps.get());
        (steps > 0).then_some(Self { steps, ..self })
    }
}

//! The run machine. It is told what happened and says what comes next, with the reason; it owns all counters and limits.
//!
//! ```text
//! start ─▶ Attempt(c, n) ─ failed ─▶ decide ─┬─ Wait ─ waited ─▶ Attempt(c, n+1)
//!               │                            ├─ Attempt(next, n+1)
//!               └─ deliver ─▶ Delivery       └─ Stop(reason)
//! ```
//!
//! [`Opening`] may change its mind, [`Delivery`] can't: it has no method that leads to another candidate. Nothing here fails; a run
//! that can't go on answers with [`Step::Stop`].

mod delivery;
mod job;
mod opening;

use std::num::NonZeroU32;
use std::time::Duration;

pub use delivery::Delivery;
pub use job::job_failed;
pub use opening::Opening;

use crate::failure::Failure;
use crate::policy::Remedy;
pub use crate::reason::StopReason;
use crate::trace::TraceEntry;

/// Randomness for one decision. In JSON a decimal string, since a number of that size is not exact everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dice(pub u64);

impl serde::Serialize for Dice {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> serde::Deserialize<'de> for Dice {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <std::borrow::Cow<'de, str>>::deserialize(deserializer)?.parse().map(Self).map_err(serde::de::Error::custom)
    }
}

/// What comes next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Call a candidate.
    Attempt {
        /// Its place in the selection.
        candidate: usize,
        /// The attempt's number within the task.
        number: NonZeroU32,
    },
    /// Wait, then say [`Opening::waited`].
    Wait {
        /// For how long.
        delay: Duration,
    },
    /// The run is over.
    Stop(Stop),
}

/// How a run ended without an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// Why nothing more is tried.
    pub reason: StopReason,
    /// The last failure: what the caller is told.
    pub failure: Failure,
    /// The trace entry of this decision, if it came with no [`Verdict`], which would hold it.
    pub entry: Option<Box<TraceEntry>>,
}

/// What follows from a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a verdict holds the next step"]
pub struct Verdict {
    /// What comes next.
    pub step: Step,
    /// The decision, for the attempt's trace.
    pub entry: TraceEntry,
    /// What to do to the candidate that failed.
    pub remedies: Vec<Remedy>,
}

#[cfg(test)]
pub(crate) mod properties;
#[cfg(test)]
pub(crate) mod script;
#[cfg(test)]
mod tests;

//! A run that has delivered something: it goes on with this candidate to its end, good or bad.

use std::num::NonZeroU32;
use std::time::Duration;

use super::opening::entry;
use crate::candidates::{Candidate, Selection};
use crate::decide::{Decision, Verb, fixed};
use crate::failure::{Category, Failure, Sent};
use crate::id::CredentialId;
use crate::reason::Reason;
use crate::trace::TraceEntry;

/// A run from its first useful delta, its answer or its accepted job on. Nothing here leads to another candidate.
#[derive(Debug)]
pub struct Delivery {
    selection: Selection,
    current: usize,
    credential: usize,
    number: NonZeroU32,
}

impl Delivery {
    pub(super) const fn new(selection: Selection, current: usize, credential: usize, number: NonZeroU32) -> Self {
        Self { selection, current, credential, number }
    }

    /// The candidate that answers.
    #[must_use]
    pub fn candidate(&self) -> &Candidate {
        &self.selection.candidates[self.current]
    }

    /// The credential that is used, if the platform has any.
    #[must_use]
    pub fn credential(&self) -> Option<CredentialId> {
        self.candidate().credential(self.credential).map(|credential| credential.id)
    }

    /// The candidates, and who was left out.
    #[must_use]
    pub const fn selection(&self) -> &Selection {
        &self.selection
    }

    /// The number of the answering attempt within the task.
    #[must_use]
    pub const fn number(&self) -> NonZeroU32 {
        self.number
    }

    /// The answer broke off: the task fails with what was delivered.
    #[must_use]
    pub fn failed(&self, failure: &Failure, elapsed: Duration) -> TraceEntry {
        self.end(failure, elapsed, "delivered=some", Reason::StreamAlreadyStarted)
    }

    /// The caller went away in the middle of the answer.
    #[must_use]
    pub fn cancelled(&self, elapsed: Duration) -> TraceEntry {
        let failure = Failure::new(Category::Cancelled, Sent::Maybe, "the caller went away in the middle of the answer");
        self.end(&failure, elapsed, "caller went away", Reason::ClientCancelled)
    }

    fn end(&self, failure: &Failure, elapsed: Duration, value: &str, reason: Reason) -> TraceEntry {
        let decision = Decision { verb: Verb::Stop(reason), ruling: fixed(value, reason), same_client: None, remedy: None };
        entry(self.candidate(), self.credential, self.number, failure, elapsed, &decision)
    }
}

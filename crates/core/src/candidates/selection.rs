//! What a selection gives: candidates in their order, or why there are none.

use std::sync::Arc;
use std::time::Duration;

use super::LeftOut;
use crate::catalog::{Model, PlatformModel};
use crate::error::ErrorCode;

/// A platform model that may serve.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The platform model.
    pub offer: Arc<PlatformModel>,
    /// Its priority, with demotions; 0 is tried first.
    pub priority: u32,
    /// It cools down, but nobody else is left.
    pub last_resort: bool,
}

/// Candidates in the order in which they are tried. Never empty.
#[derive(Debug, Clone)]
pub struct Candidates(Vec<Candidate>);

impl Candidates {
    /// `first`, and `rest` after it.
    #[must_use]
    pub fn new(first: Candidate, mut rest: Vec<Candidate>) -> Self {
        rest.insert(0, first);
        Self(rest)
    }

    pub(super) fn from_vec(candidates: Vec<Candidate>) -> Option<Self> {
        (!candidates.is_empty()).then_some(Self(candidates))
    }

    /// The one that is tried first.
    #[must_use]
    pub fn best(&self) -> &Candidate {
        &self.0[0]
    }
}

impl std::ops::Deref for Candidates {
    type Target = [Candidate];

    fn deref(&self) -> &[Candidate] {
        &self.0
    }
}

/// Who may serve a task.
#[derive(Debug, Clone)]
pub struct Selection {
    /// The model that was asked for.
    pub model: Arc<Model>,
    /// Who may serve, in order.
    pub candidates: Candidates,
    /// Who may not, and why.
    pub left_out: Vec<LeftOut>,
}

/// Whose list of models lacks the asked one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusedBy {
    /// The key's own.
    Key,
    /// That of the account's group.
    Group,
}

/// Why nobody may serve. Nothing was held or sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoCandidates {
    /// There is no such model.
    #[error("the model `{model}` does not exist: GET /v1/models lists those you can use")]
    ModelNotFound {
        /// What was asked for.
        model: String,
    },
    /// The caller may not use it.
    #[error("{} may not use the model `{model}`: GET /v1/models lists those you can use, or ask your operator", .by.subject())]
    ModelNotAllowed {
        /// What was asked for.
        model: String,
        /// Whose list lacks it.
        by: RefusedBy,
    },
    /// All who offer it are switched off or unfit.
    #[error("no platform can serve this model now: ask your operator to look at its platforms")]
    NoCandidate {
        /// Each one with its reason.
        left_out: Vec<LeftOut>,
    },
    /// All who could serve are cooling down.
    #[error("all platforms of this model are cooling down after failures: try again in {} s", .retry_after.as_secs().max(1))]
    CandidatesCoolingDown {
        /// When the first comes back.
        retry_after: Duration,
        /// Each one with its reason.
        left_out: Vec<LeftOut>,
    },
}

impl RefusedBy {
    const fn subject(self) -> &'static str {
        match self {
            Self::Key => "this key",
            Self::Group => "this account's group",
        }
    }
}

impl NoCandidates {
    /// The code a caller sees.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::ModelNotFound { .. } => ErrorCode::ModelNotFound,
            Self::ModelNotAllowed { .. } => ErrorCode::ModelNotAllowed,
            Self::NoCandidate { .. } => ErrorCode::NoCandidate,
            Self::CandidatesCoolingDown { .. } => ErrorCode::CandidatesCoolingDown,
        }
    }

    /// Who was left out, each with the reason; none if it did not come so far.
    #[must_use]
    pub fn left_out(&self) -> &[LeftOut] {
        match self {
            Self::NoCandidate { left_out } | Self::CandidatesCoolingDown { left_out, .. } => left_out,
            Self::ModelNotFound { .. } | Self::ModelNotAllowed { .. } => &[],
        }
    }

    /// When it makes sense to come again, if it does by itself.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::CandidatesCoolingDown { retry_after, .. } => Some(*retry_after),
            Self::ModelNotFound { .. } | Self::ModelNotAllowed { .. } | Self::NoCandidate { .. } => None,
        }
    }
}

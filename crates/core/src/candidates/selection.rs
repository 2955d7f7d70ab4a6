//! What a selection gives: candidates in their order, or why there are none.

use std::sync::Arc;
use std::time::Duration;

use super::{Ask, LeftOut, LeftOutReason};
use crate::catalog::{Capability, Credential, Model, PlatformModel};
use crate::error::ErrorCode;
use crate::kind::ModelType;

/// A platform model that may serve.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The platform model.
    pub offer: Arc<PlatformModel>,
    /// Its priority, with demotions; 0 is tried first.
    pub priority: u32,
    /// How it comes to be here.
    pub chance: Chance,
    /// It offers a fallback of the model that was asked for.
    pub fallback: bool,
    /// The platform's credentials in the order in which they are tried; empty where there is no choice.
    pub credentials: Vec<Arc<Credential>>,
}

/// How a candidate comes to be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chance {
    /// It is well.
    Usual,
    /// Its circuit breaker is half-open: whoever takes the one probe may call it.
    Probe,
    /// It is left alone after failures, but too few others are left.
    LastResort,
}

impl Candidate {
    /// One with the platform's only credential, if it has any.
    #[must_use]
    pub fn new(offer: &Arc<PlatformModel>, priority: u32, chance: Chance) -> Self {
        Self { offer: Arc::clone(offer), priority, chance, fallback: false, credentials: Vec::new() }
    }

    /// The credential at `place` of the order in which they are tried.
    #[must_use]
    pub fn credential(&self, place: usize) -> Option<&Arc<Credential>> {
        if self.credentials.is_empty() {
            self.offer.platform.credentials.get(place).filter(|_| place == 0)
        } else {
            self.credentials.get(place)
        }
    }

    /// Whether it matters which credential is used.
    #[must_use]
    pub fn several_credentials(&self) -> bool {
        self.offer.platform.credentials.len() > 1
    }

    /// Whether calls may stick to it: availability wins.
    pub(super) fn may_stick(&self) -> bool {
        self.chance == Chance::Usual && self.priority == self.offer.priority.unwrap_or(self.offer.platform.priority)
    }
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
    /// Nobody who offers it can do what the request needs.
    #[error("no platform of the model `{model}` can do what the request needs ({needs}): use another model, or leave it out", needs = list(.needs, .lost))]
    CapabilityUnsupported {
        /// What was asked for.
        model: String,
        /// What the request needs.
        needs: Vec<Capability>,
        /// What of it has no word in the first platform's protocol.
        lost: Option<Arc<str>>,
        /// Each one with its reason.
        left_out: Vec<LeftOut>,
    },
    /// Nobody who offers it does work of this sort.
    #[error("the model `{model}` does not do {asked}, it does {}: use another model, or the endpoint that is for this one", words(.does))]
    WrongModelType {
        /// What was asked for.
        model: String,
        /// What was to be done.
        asked: ModelType,
        /// What it does instead, each once.
        does: Vec<ModelType>,
        /// Each one with its reason.
        left_out: Vec<LeftOut>,
    },
    /// The prompt is longer than every context.
    #[error("the prompt has about {tokens} tokens, more than any platform of the model `{model}` takes: shorten it, or use another model")]
    ContextTooSmall {
        /// What was asked for.
        model: String,
        /// Estimated.
        tokens: u64,
        /// Each one with its reason.
        left_out: Vec<LeftOut>,
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

fn list(needs: &[Capability], lost: &Option<Arc<str>>) -> String {
    let needs = needs.iter().map(|need| need.as_str());
    lost.as_deref().into_iter().chain(needs).collect::<Vec<_>>().join(", ")
}

fn words(types: &[ModelType]) -> String {
    types.iter().map(|one| one.as_str()).collect::<Vec<_>>().join(", ")
}

impl NoCandidates {
    /// Why nobody of `left_out` serves, all in all: what only the request can change is said first, then what time changes.
    pub(super) fn among(model: &Model, ask: &Ask<'_>, left_out: Vec<LeftOut>) -> Self {
        let by_request = |left: &LeftOut| match left.reason {
            LeftOutReason::LacksCapability | LeftOutReason::ContextTooSmall | LeftOutReason::WrongModelType => true,
            LeftOutReason::PlatformDisabled
            | LeftOutReason::Disabled
            | LeftOutReason::NoPrice
            | LeftOutReason::AutoDisabled
            | LeftOutReason::CoolingDown
            | LeftOutReason::CircuitOpen
            | LeftOutReason::CircuitHalfOpen => false,
        };
        let some = |reason| left_out.iter().any(|left| left.reason == reason);
        let offers = &model.offers;
        let model = ask.model.to_owned();
        if left_out.iter().all(by_request) && some(LeftOutReason::ContextTooSmall) {
            return Self::ContextTooSmall { model, tokens: ask.usage.input_tokens, left_out };
        }
        if left_out.iter().all(by_request) && some(LeftOutReason::LacksCapability) {
            let lost = ask.unfit.first().map(|(_, lost)| Arc::clone(lost));
            return Self::CapabilityUnsupported { model, needs: ask.needs.to_vec(), lost, left_out };
        }
        if left_out.iter().all(by_request) && !left_out.is_empty() {
            let mut does = Vec::new();
            for model_type in offers.iter().flat_map(|offer| &offer.model_types) {
                if !does.contains(model_type) {
                    does.push(*model_type);
                }
            }
            return Self::WrongModelType { model, asked: ask.model_type, does, left_out };
        }
        match left_out.iter().filter_map(|left| left.until).min() {
            Some(until) => Self::CandidatesCoolingDown { retry_after: until.since(ask.now), left_out },
            None => Self::NoCandidate { left_out },
        }
    }

    /// The code a caller sees.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::ModelNotFound { .. } => ErrorCode::ModelNotFound,
            Self::ModelNotAllowed { .. } => ErrorCode::ModelNotAllowed,
            Self::CapabilityUnsupported { .. } | Self::WrongModelType { .. } => ErrorCode::CapabilityUnsupported,
            Self::ContextTooSmall { .. } => ErrorCode::ContextLengthExceeded,
            Self::NoCandidate { .. } => ErrorCode::NoCandidate,
            Self::CandidatesCoolingDown { .. } => ErrorCode::CandidatesCoolingDown,
        }
    }

    /// Who was left out, each with the reason; none if it did not come so far.
    #[must_use]
    pub fn left_out(&self) -> &[LeftOut] {
        match self {
            Self::CapabilityUnsupported { left_out, .. }
            | Self::WrongModelType { left_out, .. }
            | Self::ContextTooSmall { left_out, .. }
            | Self::NoCandidate { left_out }
            | Self::CandidatesCoolingDown { left_out, .. } => left_out,
            Self::ModelNotFound { .. } | Self::ModelNotAllowed { .. } => &[],
        }
    }

    /// When it makes sense to come again, if it does by itself.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::CandidatesCoolingDown { retry_after, .. } => Some(*retry_after),
            Self::ModelNotFound { .. }
            | Self::ModelNotAllowed { .. }
            | Self::CapabilityUnsupported { .. }
            | Self::WrongModelType { .. }
            | Self::ContextTooSmall { .. }
            | Self::NoCandidate { .. } => None,
        }
    }
}

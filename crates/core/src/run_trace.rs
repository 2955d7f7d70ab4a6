//! The explanation of one task, kept with it: who could serve, who could not and why, what was estimated, and every decision.
//! The API, `easyai task show` and *replay* read this one value.

use std::sync::Arc;

use crate::candidates::{Chance, LeftOutReason, Selection};
use crate::id::{PlatformModelId, PriceId, RunnerPolicyId};
use crate::media::MediaUsage;
use crate::money::Money;
use crate::response_cache::CacheNote;
use crate::trace::TraceEntry;
use crate::usage::Usage;

/// Why a task went as it did.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RunTrace {
    /// Those who could serve, in the order in which they would be tried.
    pub candidates: Vec<CandidateNote>,
    /// Those who could not, each with the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOutNote>,
    /// What was set aside, and why so much; none if the task was refused before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimate: Option<EstimateNote>,
    /// The runner policy that the run kept.
    pub runner_policy: RunnerPolicyId,
    /// The caller's own deadline, from the start of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_ms: Option<u64>,
    /// Every decision, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decisions: Vec<TraceEntry>,
    /// What of the request was dropped or changed, since the upstream's protocol has no word for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conversions: Vec<ConversionNote>,
    /// That nobody was called, since the answer was in the response cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<CacheNote>,
}

/// Something that was dropped or changed on the way to a candidate of another protocol.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ConversionNote {
    /// Which attempt, from 1.
    pub attempt: u32,
    /// The field of the request.
    pub field: String,
    /// What was done, and why.
    pub what: String,
}

/// Someone who could serve.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CandidateNote {
    /// The platform's name.
    pub platform: Arc<str>,
    /// The platform model.
    pub platform_model: PlatformModelId,
    /// What the platform calls the model.
    pub upstream_name: Arc<str>,
    /// With demotions; 0 is tried first.
    pub priority: u32,
    /// How much of that is demotion.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub demotion: u32,
    /// Its share among those of equal priority.
    pub weight: u32,
    /// It was cooling down, but nobody else was left.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub last_resort: bool,
    /// Its circuit breaker is half-open: a call of it is the probe.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub probe: bool,
    /// It offers this fallback of the model that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback_model: Option<Arc<str>>,
    /// Its platform's credentials in the order in which they are tried, where there is a choice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub credentials: Vec<Arc<str>>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it a reference")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// Someone who could not serve.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LeftOutNote {
    /// The platform's name.
    pub platform: Arc<str>,
    /// The platform model.
    pub platform_model: PlatformModelId,
    /// Why.
    pub reason: LeftOutReason,
    /// The same for a person.
    pub message: String,
}

/// The estimate behind a hold.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct EstimateNote {
    /// Tokens of the request.
    pub input_tokens: u64,
    /// Tokens that such an answer usually has.
    pub output_tokens: u64,
    /// What it was to make or to hear, if that is media.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media: Option<MediaUsage>,
    /// What was set aside for all that.
    pub hold: Money,
    /// By which price.
    pub price: PriceId,
}

impl EstimateNote {
    /// That `hold` was set aside for what `usage` was expected.
    #[must_use]
    pub const fn new(usage: &Usage, hold: Money, price: PriceId) -> Self {
        let Usage { input_tokens, output_tokens, media, .. } = *usage;
        Self { input_tokens, output_tokens, media, hold, price }
    }

    /// What was expected to be used.
    #[must_use]
    pub const fn usage(&self) -> Usage {
        Usage { media: self.media, ..Usage::counted(self.input_tokens, self.output_tokens) }
    }
}

impl RunTrace {
    /// The trace of a run among `selection` that has decided nothing yet.
    #[must_use]
    pub fn of(selection: &Selection, estimate: EstimateNote, runner_policy: RunnerPolicyId) -> Self {
        let candidates = selection.candidates.iter().map(|candidate| CandidateNote {
            platform: Arc::clone(&candidate.offer.platform.name),
            platform_model: candidate.offer.id,
            upstream_name: Arc::clone(&candidate.offer.upstream_name),
            priority: candidate.priority,
            demotion: candidate.priority.saturating_sub(candidate.offer.priority.unwrap_or(candidate.offer.platform.priority)),
            weight: candidate.offer.weight.get(),
            last_resort: candidate.chance == Chance::LastResort,
            probe: candidate.chance == Chance::Probe,
            fallback_model: candidate.fallback.then(|| Arc::clone(&candidate.offer.model)),
            credentials: candidate.credentials.iter().map(|credential| Arc::clone(&credential.name)).collect(),
        });
        Self {
            candidates: candidates.collect(),
            left_out: selection.left_out.iter().map(LeftOutNote::of).collect(),
            estimate: Some(estimate),
            runner_policy,
            deadline_ms: None,
            decisions: Vec::new(),
            conversions: Vec::new(),
            cache: None,
        }
    }

    /// The trace of a request that nobody may serve.
    #[must_use]
    pub fn nobody(left_out: &[crate::candidates::LeftOut], runner_policy: RunnerPolicyId) -> Self {
        Self { left_out: left_out.iter().map(LeftOutNote::of).collect(), ..Self::nothing(runner_policy) }
    }

    /// The trace of a request whose answer was in the response cache. What it costs is known, and is no estimate.
    #[must_use]
    pub fn cached(cache: CacheNote, known: EstimateNote, runner_policy: RunnerPolicyId) -> Self {
        Self { estimate: Some(known), cache: Some(cache), ..Self::nothing(runner_policy) }
    }

    const fn nothing(runner_policy: RunnerPolicyId) -> Self {
        Self {
            candidates: Vec::new(),
            left_out: Vec::new(),
            estimate: None,
            runner_policy,
            deadline_ms: None,
            decisions: Vec::new(),
            conversions: Vec::new(),
            cache: None,
        }
    }
}

impl LeftOutNote {
    /// What of `left_out` is shown.
    #[must_use]
    pub fn of(left_out: &crate::candidates::LeftOut) -> Self {
        Self {
            platform: Arc::clone(&left_out.platform),
            platform_model: left_out.platform_model,
            reason: left_out.reason,
            message: left_out.message(),
        }
    }
}

//! Images, video, speech and transcription: what is asked of each provider, and what became of it.
//!
//! An image, speech or text comes back at once, a video as a job that is asked about later ([`JobCall`]). What differs between providers
//! is in a file for each; nothing here stores anything or decides when to ask again.

mod begun;
mod gemini;
mod images;
mod job;
mod line;
mod openai;
mod volces;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use easyai_core::catalog::{Credential, PlatformModel, Timeouts};
use easyai_core::failure::{Category, Failure, Sent};
use easyai_core::kind::Provider;
use easyai_core::usage::Usage;
use easyai_protocols::conversation::{CannotCarry, Notes};
use easyai_protocols::media::{MediaAnswer, MediaRequest};

pub use self::job::{JobCall, JobLookup, StoppedJob};
use crate::call::{Clients, TextAnswer, TextCall};
use crate::egress::Route;
use crate::upstream::Endpoint;

/// How long the head of an answer with media is waited for at least: it comes when all of it has been made, and good images take minutes
/// (`providers.md` sections 4.3 and 7.5).
const PATIENCE_MS: u32 = 300_000;

/// Something that was made, with what its provider says beside it.
#[derive(Debug, Clone)]
pub struct Made {
    /// What came.
    pub answer: MediaAnswer,
    /// The id the upstream gave its answer.
    pub upstream_request_id: Option<String>,
    /// What was dropped or changed in the request.
    pub notes: Notes,
}

/// A job that a provider took on. From here on it may be paid for: it is never submitted again.
#[derive(Debug, Clone)]
pub struct AcceptedJob {
    /// What its provider calls it.
    pub id: String,
    /// The id the upstream gave its answer.
    pub upstream_request_id: Option<String>,
    /// What was dropped or changed in the request.
    pub notes: Notes,
    /// When to ask for it first, if the provider says so.
    pub poll_after: Option<Duration>,
}

/// Whether `offer` can be asked this at all, before it costs anything.
///
/// # Errors
/// [`CannotCarry`] names the field, and what is allowed.
pub(crate) fn fits(offer: &PlatformModel, asked: &MediaRequest) -> Result<(), CannotCarry> {
    match offer.platform.provider {
        Provider::Openai => openai::fits(offer, asked),
        Provider::Gemini => gemini::fits(offer, asked),
        Provider::Volces => volces::fits(offer, asked),
        Provider::Simulation => Ok(()),
        Provider::Anthropic => Err(CannotCarry { field: "model".into(), target: "the Messages API", why: "it makes no media".into() }),
    }
}

/// What such a request is expected to use at `offer`: for the estimate behind a hold. Prices pick what they need of it.
pub(crate) fn expected(offer: &PlatformModel, asked: &MediaRequest, prompt_tokens: u64) -> Usage {
    match offer.platform.provider {
        Provider::Gemini => gemini::expected(offer, asked, prompt_tokens),
        Provider::Volces => volces::expected(offer, asked, prompt_tokens),
        Provider::Openai | Provider::Simulation | Provider::Anthropic => openai::expected(offer, asked, prompt_tokens),
    }
}

/// Asks a provider. Not the simulation, which answers by itself.
pub(crate) async fn call(clients: &Clients, call: &TextCall<'_>, asked: &MediaRequest) -> Result<TextAnswer, Failure> {
    match call.offer.platform.provider {
        Provider::Openai => openai::call(clients, call, asked).await,
        Provider::Gemini => gemini::call(clients, call, asked).await,
        Provider::Volces => volces::call(clients, call, asked).await,
        Provider::Simulation | Provider::Anthropic => Err(Failure::new(Category::BadRequest, Sent::Nothing, "it makes no media")),
    }
}

/// The same limits, but no shorter wait for the head of an answer than media need.
pub(crate) fn patient(timeouts: Timeouts) -> Timeouts {
    let patience = NonZeroU32::new(PATIENCE_MS).unwrap_or(timeouts.first_delta_ms);
    Timeouts { first_delta_ms: timeouts.first_delta_ms.max(patience), ..timeouts }
}

/// The way to an endpoint of a platform, or the failure that there is none.
pub(crate) fn way(
    clients: &Clients,
    offer: &Arc<PlatformModel>,
    credential: Option<&Credential>,
    endpoint: Endpoint,
) -> Result<Arc<Route>, Failure> {
    let unusable = |error| Failure::new(Category::Network, Sent::Nothing, format!("{} can't be called: {error}", offer.platform.name));
    clients.egress.route(offer, credential, endpoint).map_err(unusable)
}

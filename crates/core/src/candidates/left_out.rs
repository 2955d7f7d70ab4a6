//! Why a platform model of the asked model does not serve.

use std::sync::Arc;

use super::Ask;
use crate::catalog::{Enabled, PlatformModel};
use crate::id::PlatformModelId;
use crate::pricing;
use crate::time::Timestamp;

crate::words! {
    /// Why a candidate was left out.
    pub enum LeftOutReason as "reason for leaving out" {
        /// A person switched the platform off.
        PlatformDisabled = "platform_disabled",
        /// A person switched the platform model off.
        Disabled = "disabled",
        /// It does something else.
        WrongModelType = "wrong_model_type",
        /// It has no price for what was asked, and what has none can't be charged.
        NoPrice = "no_price",
        /// A policy switched it, or its platform, off.
        AutoDisabled = "auto_disabled",
        /// It is left alone for a while.
        CoolingDown = "cooling_down",
        /// It failed too often of late.
        CircuitOpen = "circuit_open",
        /// It failed too often of late, and one call is trying whether it is better.
        CircuitHalfOpen = "circuit_half_open",
        /// It can't do something that the request needs.
        LacksCapability = "lacks_capability",
        /// The prompt is longer than its context.
        ContextTooSmall = "context_too_small",
    }
}

impl LeftOutReason {
    /// What is the case, and what an operator can do.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::PlatformDisabled => "the platform is switched off: enable it in the catalogue",
            Self::Disabled => "this platform model is switched off: enable it in the catalogue",
            Self::WrongModelType => "it does not do what was asked: add the model type if the platform serves it",
            Self::NoPrice => "it has no price for this: give it one in the catalogue",
            Self::AutoDisabled => "a policy switched it off after a failure: put right what failed, then enable it",
            Self::CoolingDown => "it is left alone for a while after a failure",
            Self::CircuitOpen => "its circuit breaker is open",
            Self::CircuitHalfOpen => "its circuit breaker is half-open, and another call is its probe",
            Self::LacksCapability => "it can't do what the request needs",
            Self::ContextTooSmall => "its context is smaller than the prompt",
        }
    }
}

/// A platform model that does not serve, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// The platform's name.
    pub platform: Arc<str>,
    /// The platform model.
    pub platform_model: PlatformModelId,
    /// Why.
    pub reason: LeftOutReason,
    /// When it comes back, if it does by itself.
    pub until: Option<Timestamp>,
    /// What the failure said, if one was the cause; or what exactly is lacking.
    pub detail: Option<Arc<str>>,
}

impl LeftOut {
    pub(super) fn new(offer: &PlatformModel, reason: LeftOutReason, until: Option<Timestamp>, detail: Option<Arc<str>>) -> Self {
        Self { platform: Arc::clone(&offer.platform.name), platform_model: offer.id, reason, until, detail }
    }

    /// One line for a person.
    #[must_use]
    pub fn message(&self) -> String {
        let until = self.until.map(|until| format!(" until {until}")).unwrap_or_default();
        let detail = self.detail.as_ref().map(|detail| format!(" ({detail})")).unwrap_or_default();
        format!("{}: {}{until}{detail}", self.platform, self.reason.message())
    }
}

/// Why `offer` can't do what is asked, whatever its state.
pub(super) fn by_request(offer: &PlatformModel, ask: &Ask<'_>) -> Option<(LeftOutReason, Option<Arc<str>>)> {
    if !offer.model_types.contains(&ask.model_type) {
        return Some((LeftOutReason::WrongModelType, None));
    }
    if let Some(able) = &offer.capabilities
        && let Some(lacking) = ask.needs.iter().find(|need| !able.contains(need))
    {
        return Some((LeftOutReason::LacksCapability, Some(lacking.as_str().into())));
    }
    if let Some((_, lost)) = ask.unfit.iter().find(|(unfit, _)| *unfit == offer.id) {
        return Some((LeftOutReason::LacksCapability, Some(Arc::clone(lost))));
    }
    let prompt = ask.usage.input_tokens;
    let context = offer.context_tokens.map(|tokens| u64::from(tokens.get())).filter(|context| *context < prompt)?;
    Some((LeftOutReason::ContextTooSmall, Some(format!("about {prompt} tokens, its context is {context}").into())))
}

/// Why the catalogue itself keeps `offer` from serving.
pub(super) fn by_catalog(offer: &PlatformModel, ask: &Ask<'_>) -> Option<(LeftOutReason, Option<Arc<str>>)> {
    if offer.platform.enabled == Enabled::No {
        return Some((LeftOutReason::PlatformDisabled, None));
    }
    if offer.enabled == Enabled::No {
        return Some((LeftOutReason::Disabled, None));
    }
    let Some(version) = &offer.price else { return Some((LeftOutReason::NoPrice, None)) };
    let nothing = pricing::covers(&version.price, ask.usage_of(offer)).err()?;
    Some((LeftOutReason::NoPrice, Some(nothing.to_string().into())))
}

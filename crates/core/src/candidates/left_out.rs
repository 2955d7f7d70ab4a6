//! Why a platform model of the asked model does not serve.

use std::sync::Arc;

use crate::catalog::{Enabled, PlatformModel};
use crate::id::PlatformModelId;
use crate::kind::ModelType;
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
        /// It has no price, and what has none can't be charged.
        NoPrice = "no_price",
        /// A policy switched it, or its platform, off.
        AutoDisabled = "auto_disabled",
        /// It is left alone for a while.
        CoolingDown = "cooling_down",
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
            Self::NoPrice => "it has no price: give it one in the catalogue",
            Self::AutoDisabled => "a policy switched it off after a failure: put right what failed, then enable it",
            Self::CoolingDown => "it is left alone for a while after a failure",
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
    /// What the failure said, if one was the cause.
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

/// Why the catalogue itself keeps `offer` from serving `model_type`.
pub(super) fn by_catalog(offer: &PlatformModel, model_type: ModelType) -> Option<LeftOutReason> {
    if offer.platform.enabled == Enabled::No {
        Some(LeftOutReason::PlatformDisabled)
    } else if offer.enabled == Enabled::No {
        Some(LeftOutReason::Disabled)
    } else if !offer.model_types.contains(&model_type) {
        Some(LeftOutReason::WrongModelType)
    } else if offer.price.is_none() {
        Some(LeftOutReason::NoPrice)
    } else {
        None
    }
}

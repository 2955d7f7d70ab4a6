//! What a failure does to a candidate: data, carried out by the runner.

use std::time::Duration;

crate::words! {
    /// What a remedy is about.
    #[derive(Default)]
    pub enum Scope as "scope" {
        /// The whole platform.
        Platform = "platform",
        /// One model of the platform: what is meant where nothing is said.
        #[default]
        PlatformModel = "platform_model",
        /// The credential that was used; the platform where it has none.
        Credential = "credential",
    }
}

/// What to do to a candidate after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Leave it alone until the time is over.
    CoolDown {
        /// What is left alone.
        scope: Scope,
        /// For how long.
        lasting: Duration,
    },
    /// Lower its priority.
    Demote {
        /// What is lowered.
        scope: Scope,
        /// By how much.
        steps: u32,
        /// For how long.
        lasting: Duration,
    },
    /// Switch it off until a person enables it.
    Disable {
        /// What is switched off.
        scope: Scope,
    },
    /// Let nothing through to this model of the platform until the time is over, and then one call, to see how it is.
    OpenCircuit {
        /// For how long.
        lasting: Duration,
    },
}

impl Remedy {
    /// What it is about.
    #[must_use]
    pub const fn scope(&self) -> Scope {
        match *self {
            Self::CoolDown { scope, .. } | Self::Demote { scope, .. } | Self::Disable { scope } => scope,
            Self::OpenCircuit { .. } => Scope::PlatformModel,
        }
    }

    /// Whether the whole platform is out of use by it.
    #[must_use]
    pub fn shuts_the_platform(&self) -> bool {
        match self {
            Self::CoolDown { scope, .. } | Self::Disable { scope } => *scope == Scope::Platform,
            Self::Demote { .. } | Self::OpenCircuit { .. } => false,
        }
    }
}

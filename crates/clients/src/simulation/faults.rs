//! Faults from outside: a laboratory decides call by call what a simulated platform does.

use easyai_core::catalog::{Credential, PlatformModel, SimulatedFault, Simulation};

/// A simulated call that is about to be made.
#[derive(Debug, Clone, Copy)]
pub struct SimulatedCall<'a> {
    /// Whom it calls.
    pub offer: &'a PlatformModel,
    /// With what.
    pub credential: Option<&'a Credential>,
}

/// Where faults come from. It is asked once for each call, in the order of the calls.
pub trait Faults: std::fmt::Debug + Send + Sync {
    /// What this call meets.
    fn met_by(&self, call: SimulatedCall<'_>) -> Encounter;
}

/// What one call meets. By default nothing: the platform's own settings count.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Encounter {
    /// What goes wrong, in place of the platform's script.
    pub fault: Option<Fault>,
    /// The wait before the answer, in place of the platform's own.
    pub latency_ms: Option<u32>,
    /// The wait between deltas, in place of the platform's own.
    pub chunk_delay_ms: Option<u32>,
}

/// A fault, with what a script can't say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What happens, and where.
    pub played: SimulatedFault,
    /// The HTTP status, if not the usual one of its category.
    pub status: Option<u16>,
    /// The upstream's own code, if not `simulated_` and the category.
    pub code: Option<String>,
    /// The upstream's words, if it has its own.
    pub message: Option<String>,
    /// What `x-should-retry` says.
    pub should_retry: Option<bool>,
}

impl From<SimulatedFault> for Fault {
    fn from(played: SimulatedFault) -> Self {
        Self { played, status: None, code: None, message: None, should_retry: None }
    }
}

impl Encounter {
    /// The settings as this call meets them.
    pub(super) fn change(&self, settings: &mut Simulation) {
        settings.latency_ms = self.latency_ms.unwrap_or(settings.latency_ms);
        settings.chunk_delay_ms = self.chunk_delay_ms.unwrap_or(settings.chunk_delay_ms);
    }
}

//! The faults of a scenario as the simulated platforms play them, and what the platforms saw.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use easyai_clients::{Encounter, Fault as Met, Faults, SimulatedCall};
use easyai_core::catalog::SimulatedFault;
use tokio::time::Instant;
use toml::Spanned;

use super::chance::Chance;
use super::scenario::Fault;

/// What chance the faults draw from.
const PURPOSE: u64 = 2;

/// One call as its platform saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// When it came.
    pub at: Duration,
    /// Which platform saw it.
    pub platform: String,
    /// With which credential, if it has any.
    pub credential: Option<String>,
    /// The place of the fault that it met, if it met one.
    pub fault: Option<usize>,
}

/// The faults of a scenario, from a start on.
#[derive(Debug)]
pub struct FaultPlan {
    faults: Vec<Fault>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    started: Option<Instant>,
    chance: Chance,
    seen: Vec<Seen>,
}

impl FaultPlan {
    /// `faults`, which meet nobody before [`FaultPlan::begin`].
    pub fn new(faults: Vec<Fault>, seed: u64) -> Self {
        Self { faults, state: Mutex::new(State { started: None, chance: Chance::new(seed, PURPOSE), seen: Vec::new() }) }
    }

    /// Their times count from `started` on.
    pub fn begin(&self, started: Instant) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).started = Some(started);
    }

    /// All calls that the platforms saw, in their order.
    pub fn seen(&self) -> Vec<Seen> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).seen.clone()
    }
}

impl Faults for FaultPlan {
    fn met_by(&self, call: SimulatedCall<'_>) -> Encounter {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let at = state.started.map(|started| started.elapsed()).unwrap_or_default();
        let concerned = self.faults.iter().enumerate().filter(|(_, fault)| concerns(fault, at, &call));
        let mut met = None;
        for (place, fault) in concerned {
            if state.chance.happens(fault.share_percent) {
                met = Some((place, fault));
                break;
            }
        }
        state.seen.push(Seen {
            at,
            platform: call.offer.platform.name.to_string(),
            credential: call.credential.map(|credential| credential.name.to_string()),
            fault: met.map(|(place, _)| place),
        });
        met.map(|(_, fault)| encounter(fault)).unwrap_or_default()
    }
}

fn concerns(fault: &Fault, at: Duration, call: &SimulatedCall<'_>) -> bool {
    let is =
        |wanted: &Option<Spanned<String>>, name: Option<&str>| wanted.as_ref().is_none_or(|wanted| Some(wanted.get_ref().as_str()) == name);
    (fault.from..fault.until).contains(&at)
        && *fault.table.platform.get_ref() == *call.offer.platform.name
        && is(&fault.table.model, Some(&call.offer.model))
        && is(&fault.table.credential, call.credential.map(|credential| &*credential.name))
}

fn encounter(fault: &Fault) -> Encounter {
    let table = &fault.table;
    let breaks = table.category.is_some() || table.position.is_some();
    let played = SimulatedFault {
        category: table.category,
        position: table.position.as_ref().map(|position| *position.get_ref()).unwrap_or_default(),
        deltas: table.deltas,
        retry_after_ms: table.retry_after_seconds.map(|seconds| seconds.saturating_mul(1000)),
    };
    let met = Met {
        status: table.status,
        code: table.code.clone(),
        message: table.message.clone(),
        should_retry: table.should_retry,
        ..Met::from(played)
    };
    Encounter { fault: breaks.then_some(met), latency_ms: table.latency_ms, chunk_delay_ms: table.chunk_delay_ms }
}

//! What a scenario came to: what was played, what callers got, what the policies did, what it cost. Made of what was seen and of what the
//! database tells; the words are those of the traces.

mod count;
mod text;
mod timeline;

use std::collections::BTreeMap;

use easyai_core::money::Money;
use serde::Serialize;

pub use text::render;

use super::agree::{Agreement, agreement};
use super::play::Played;
use super::scenario::Scenario;

/// The report of one scenario. Its JSON is what `--json` prints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The scenario's name.
    pub scenario: String,
    /// What it shows.
    pub about: String,
    /// What chance went by.
    pub seed: u64,
    /// How long callers came.
    pub duration_seconds: u64,
    /// Who came.
    pub loads: Vec<String>,
    /// What went wrong.
    pub faults: Vec<FaultView>,
    /// What callers got.
    pub callers: Callers,
    /// How many tasks had how many attempts.
    pub attempts_per_task: BTreeMap<u32, u64>,
    /// Each platform.
    pub platforms: Vec<PlatformView>,
    /// What the policies did, in the order of time.
    pub timeline: Vec<Event>,
    /// Why the same client was called again, the next one was tried, or the run ended.
    pub decisions: Vec<Reasoned>,
    /// Why candidates were left out.
    pub left_out: Vec<Reasoned>,
    /// What it cost.
    pub money: MoneyView,
    /// Whether the books are right.
    pub ledger: LedgerView,
    /// Whether *explain* said what was done, where it was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explained: Option<Agreement>,
    /// Tasks worth a look.
    pub examples: Vec<Example>,
}

/// One fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FaultView {
    /// What it is.
    pub what: String,
    /// How many calls it met.
    pub met: u64,
    /// When it met the first.
    pub first_at_ms: Option<u64>,
    /// When it met the last.
    pub last_at_ms: Option<u64>,
}

/// What callers got.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Callers {
    /// How many asked.
    pub asked: u64,
    /// How many got a whole answer.
    pub succeeded: u64,
    /// How many got an error and nothing else, by its code.
    pub failed: BTreeMap<&'static str, u64>,
    /// How many got an error in the middle of the answer.
    pub broken_off: u64,
    /// How many went away before the end.
    pub went_away: u64,
    /// Until the first of an answer, of those who got a whole one.
    pub first_delta_ms: Option<Spread>,
    /// Until its end.
    pub total_ms: Option<Spread>,
}

/// How times spread, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Spread {
    /// Half took no longer.
    pub p50: u64,
    /// Nineteen of twenty took no longer.
    pub p95: u64,
    /// Ninety-nine of a hundred took no longer.
    pub p99: u64,
    /// The slowest.
    pub max: u64,
}

/// One platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlatformView {
    /// Its name.
    pub name: String,
    /// Calls that it saw.
    pub calls: u64,
    /// Tasks that it served to the end.
    pub served: u64,
    /// Its share of all that were served, in hundredths of a percent.
    pub share_basis_points: u64,
    /// Attempts that failed, by category.
    pub failed: BTreeMap<&'static str, u64>,
}

/// What a policy did, once or several times in a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Event {
    /// When, for the first time.
    pub at_ms: u64,
    /// When, for the last time.
    pub last_at_ms: u64,
    /// How often.
    pub times: u64,
    /// To whom.
    pub whom: String,
    /// What, in one word.
    pub what: &'static str,
    /// The same for a person.
    pub sentence: String,
}

/// A reason, how often it was given, and one sentence in which it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reasoned {
    /// What was done, where something was.
    pub action: Option<&'static str>,
    /// Why.
    pub reason: &'static str,
    /// How often.
    pub times: u64,
    /// The first time.
    pub example: String,
    /// In which task.
    pub task: usize,
}

/// What it cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MoneyView {
    /// In which currency.
    pub currency: &'static str,
    /// What callers were charged.
    pub charged: Money,
    /// What the platforms charge the operator for it.
    pub cost: Money,
    /// What is left.
    pub margin: Money,
    /// What callers were charged for answers that broke off.
    pub charged_for_broken: Money,
    /// What those cost.
    pub cost_of_broken: Money,
    /// Attempts that failed.
    pub failed_attempts: u64,
    /// How long callers waited for them, all together.
    pub waited_for_failed_ms: u64,
}

/// Whether the books are right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LedgerView {
    /// Whether nothing is wrong.
    pub clean: bool,
    /// Entries looked at.
    pub entries: u64,
    /// Tasks looked at.
    pub tasks: u64,
    /// What is wrong.
    pub findings: Vec<String>,
}

/// A task worth a look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Example {
    /// Its number, for `--task`.
    pub number: usize,
    /// Its id.
    pub task: String,
    /// What is special about it.
    pub why: &'static str,
}

impl Report {
    /// Whether nothing is wrong with the gateway itself.
    pub fn is_right(&self) -> bool {
        self.ledger.clean && self.explained.as_ref().is_none_or(|explained| explained.differences.is_empty())
    }

    /// The report of `scenario` as it was played.
    pub fn of(scenario: &Scenario, played: &Played) -> Self {
        let (decisions, left_out) = count::reasons(&played.told);
        Self {
            scenario: scenario.name.clone(),
            about: scenario.about.trim().to_owned(),
            seed: scenario.seed,
            duration_seconds: scenario.duration.as_secs(),
            loads: scenario.loads.iter().map(count::load).collect(),
            faults: count::faults(&scenario.faults, &played.seen),
            callers: count::callers(&played.outcomes),
            attempts_per_task: count::attempts_per_task(&played.told),
            platforms: count::platforms(scenario, played),
            timeline: timeline::timeline(played),
            decisions,
            left_out,
            money: count::money(&played.told),
            ledger: count::ledger(&played.books),
            explained: agreement(&played.outcomes, &played.told),
            examples: count::examples(&played.told),
        }
    }
}

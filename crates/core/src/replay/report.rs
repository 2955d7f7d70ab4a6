//! What a replay found. Its JSON is what programs read.

use std::collections::BTreeMap;

use super::compare::What;
use super::course::{Course, Known, Paid, Server};
use super::difference::Difference;
use super::past::{Past, Skip};
use super::totals::Figures;
use crate::id::TaskId;
use crate::money::Money;
use crate::time::Timestamp;
use crate::trace::millis;

/// What a replay found.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Report {
    /// What chance came from: the same again gives the same report.
    pub seed: u64,
    /// How many tasks.
    pub tasks: Tally,
    /// How it went.
    pub then: Figures,
    /// How it would go.
    pub draft: Figures,
    /// How it would go less how it went.
    pub difference: Difference,
    /// How tasks ended, and would end, in one word each.
    pub endings: Vec<EndingCount>,
    /// The first tasks that differ.
    pub differences: Vec<TaskDifference>,
}

/// How many tasks.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Tally {
    /// Looked at.
    pub read: u64,
    /// Replayed.
    pub replayed: u64,
    /// Not replayed, by reason.
    pub skipped: BTreeMap<Skip, u64>,
    /// That would go another way.
    pub differing: u64,
    /// Of those, by what differs; a task may differ in several.
    pub differing_in: BTreeMap<What, u64>,
    /// With candidates that are no longer in the catalogue: these were replayed with default policies and without a price.
    pub with_missing_candidates: u64,
    /// With outcomes that nobody knows.
    pub with_guesses: u64,
    /// Outcomes that nobody knows, by what they were taken from.
    pub guesses: BTreeMap<Known, u64>,
}

/// How many tasks ended in some way.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct EndingCount {
    /// `succeeded`, the reason of a stop, or `no_candidate`.
    pub ending: &'static str,
    /// Tasks that ended so.
    pub then: u64,
    /// Tasks that would.
    pub draft: u64,
}

/// A task that would go another way.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct TaskDifference {
    /// The task.
    pub task: TaskId,
    /// The model that was asked for.
    pub model: String,
    /// When it began.
    pub started_at: Timestamp,
    /// What differs.
    pub differs_in: Vec<What>,
    /// How it went.
    pub then: Side,
    /// How it would go.
    pub draft: Side,
}

/// One of its two ways.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Side {
    /// `succeeded`, the reason of a stop, or `no_candidate`.
    pub ending: &'static str,
    /// The platform that answered.
    pub served_by: Option<String>,
    /// Attempts.
    pub attempts: u32,
    /// From the start to the first useful delta.
    pub first_delta_ms: Option<u64>,
    /// From the start to the end.
    pub total_ms: u64,
    /// What the account pays; none if nobody knows.
    pub charge: Option<Money>,
    /// What the platform charges the operator; none if nobody knows.
    pub cost: Option<Money>,
    /// Attempts whose outcome nobody knows.
    pub guessed_attempts: Vec<u32>,
    /// Each decision in a sentence, and who answered.
    pub decisions: Vec<String>,
}

impl Side {
    fn of(course: &Course) -> Self {
        let (charge, cost) = match course.paid {
            Paid::Nothing => (Some(Money::ZERO), Some(Money::ZERO)),
            Paid::Known { charge, cost } => (Some(charge), cost),
            Paid::Unpriced => (None, None),
        };
        Self {
            ending: course.ending.as_str(),
            served_by: course.served_by.as_ref().map(|Server { platform, .. }| platform.to_string()),
            attempts: course.attempts,
            first_delta_ms: course.first_delta.map(millis),
            total_ms: millis(course.took),
            charge,
            cost,
            guessed_attempts: course.guesses.iter().map(|guess| guess.attempt).collect(),
            decisions: course.lines(),
        }
    }
}

impl TaskDifference {
    pub(super) fn of(past: &Past, differs_in: Vec<What>, then: &Course, draft: &Course) -> Self {
        Self {
            task: past.id,
            model: past.model.to_string(),
            started_at: past.started_at,
            differs_in,
            then: Side::of(then),
            draft: Side::of(draft),
        }
    }
}

//! What all courses of one side come to.

use std::collections::BTreeMap;

use super::course::{Course, Ending};
use super::latency::Latency;
use crate::money::Money;

/// Adds courses up.
#[derive(Debug, Default)]
pub(super) struct Totals {
    tasks: u64,
    succeeded: u64,
    attempts: u64,
    first_delta: Latency,
    total: Latency,
    charge: i128,
    cost: i128,
    margin: i128,
    cost_unknown: u64,
    unpriced: u64,
    pub(super) endings: BTreeMap<&'static str, u64>,
}

/// What one side comes to.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Figures {
    /// Tasks delivered in full.
    pub succeeded: u64,
    /// The same as a share of all, from 0 to 1.
    pub success_rate: f64,
    /// Attempts in all.
    pub attempts: u64,
    /// Attempts a task.
    pub attempts_per_task: f64,
    /// From the start of a task to its first useful delta, of those that were answered.
    pub first_delta_ms: Percentiles,
    /// From the start of a task to its end.
    pub total_ms: Percentiles,
    /// What accounts pay.
    pub charge: Money,
    /// What platforms charge the operator, as far as it is known.
    pub cost: Money,
    /// Charge without cost, of the tasks whose cost is known.
    pub margin: Money,
    /// Tasks whose cost is not known.
    pub cost_unknown: u64,
    /// Tasks whose charge is not known: who answered has no price any more.
    pub unpriced: u64,
}

/// Times that so many of a hundred tasks don't exceed, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Percentiles {
    /// Half of them.
    pub p50: Option<u64>,
    /// All but five of a hundred.
    pub p95: Option<u64>,
    /// All but one of a hundred.
    pub p99: Option<u64>,
}

impl Totals {
    pub(super) fn add(&mut self, course: &Course) {
        self.tasks += 1;
        self.succeeded += u64::from(course.ending == Ending::Succeeded);
        self.attempts += u64::from(course.attempts);
        if let Some(first_delta) = course.first_delta {
            self.first_delta.add(first_delta);
        }
        self.total.add(course.took);
        *self.endings.entry(course.ending.as_str()).or_default() += 1;
        match (course.paid.charge(), course.paid.cost()) {
            (None, _) => self.unpriced += 1,
            (Some(charge), None) => {
                self.charge += i128::from(charge.nanos());
                self.cost_unknown += 1;
            }
            (Some(charge), Some(cost)) => {
                self.charge += i128::from(charge.nanos());
                self.cost += i128::from(cost.nanos());
                self.margin += i128::from(charge.nanos()) - i128::from(cost.nanos());
            }
        }
    }

    pub(super) fn figures(&self) -> Figures {
        Figures {
            succeeded: self.succeeded,
            success_rate: ratio(self.succeeded, self.tasks),
            attempts: self.attempts,
            attempts_per_task: ratio(self.attempts, self.tasks),
            first_delta_ms: self.first_delta.percentiles(),
            total_ms: self.total.percentiles(),
            charge: money(self.charge),
            cost: money(self.cost),
            margin: money(self.margin),
            cost_unknown: self.cost_unknown,
            unpriced: self.unpriced,
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "for people: no count of tasks is beyond 2^52")]
fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// No gateway has charged nine billion; one that has reads the largest amount.
fn money(nanos: i128) -> Money {
    Money::from_nanos(i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX }))
}

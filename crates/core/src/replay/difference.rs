//! What a draft changes in all: the figures with it, less those of the time.

use super::totals::{Figures, Percentiles};
use crate::money::Money;

/// Figures with the draft, less those of the time. Above zero: more with the draft.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Difference {
    /// Of tasks delivered in full.
    pub succeeded: i64,
    /// Of their share.
    pub success_rate: f64,
    /// Of attempts.
    pub attempts: i64,
    /// Of attempts a task.
    pub attempts_per_task: f64,
    /// Of times to the first useful delta.
    pub first_delta_ms: PercentilesDifference,
    /// Of whole times.
    pub total_ms: PercentilesDifference,
    /// Of what accounts pay.
    pub charge: Money,
    /// Of what platforms charge the operator.
    pub cost: Money,
    /// Of what is left.
    pub margin: Money,
}

/// Differences of percentiles, in milliseconds; none where a side has no such time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct PercentilesDifference {
    /// Of the middle.
    pub p50: Option<i64>,
    /// Of all but five of a hundred.
    pub p95: Option<i64>,
    /// Of all but one of a hundred.
    pub p99: Option<i64>,
}

impl Difference {
    /// From `then` to `draft`.
    #[must_use]
    pub fn between(then: &Figures, draft: &Figures) -> Self {
        Self {
            succeeded: less(draft.succeeded, then.succeeded),
            success_rate: draft.success_rate - then.success_rate,
            attempts: less(draft.attempts, then.attempts),
            attempts_per_task: draft.attempts_per_task - then.attempts_per_task,
            first_delta_ms: PercentilesDifference::between(then.first_delta_ms, draft.first_delta_ms),
            total_ms: PercentilesDifference::between(then.total_ms, draft.total_ms),
            charge: less_money(draft.charge, then.charge),
            cost: less_money(draft.cost, then.cost),
            margin: less_money(draft.margin, then.margin),
        }
    }
}

impl PercentilesDifference {
    fn between(then: Percentiles, draft: Percentiles) -> Self {
        let of = |then: Option<u64>, draft: Option<u64>| Some(less(draft?, then?));
        Self { p50: of(then.p50, draft.p50), p95: of(then.p95, draft.p95), p99: of(then.p99, draft.p99) }
    }
}

/// Counts and milliseconds are far from the ends of their types.
fn less(draft: u64, then: u64) -> i64 {
    let signed = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    signed(draft).saturating_sub(signed(then))
}

fn less_money(draft: Money, then: Money) -> Money {
    Money::from_nanos(draft.nanos().saturating_sub(then.nanos()))
}

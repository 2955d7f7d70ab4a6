//! One change of somebody's limits, as a person asks for it: set, or lifted.

use std::num::{NonZeroU32, NonZeroU64};

use easyai_core::limit::LimitSet;
use easyai_core::money::Money;

use crate::error::StoreError;

/// One field's new value; none lifts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitEdit {
    /// Calls that begin within a sliding minute.
    RequestsPerMinute(Option<NonZeroU64>),
    /// Tokens within a sliding minute.
    TokensPerMinute(Option<NonZeroU64>),
    /// Calls that begin within a sliding day.
    RequestsPerDay(Option<NonZeroU64>),
    /// Tokens within a sliding day.
    TokensPerDay(Option<NonZeroU64>),
    /// Calls under way at once.
    Concurrent(Option<NonZeroU32>),
    /// What may be charged within a calendar day.
    DailyBudget(Option<Money>),
    /// What may be charged within a calendar month.
    MonthlyBudget(Option<Money>),
    /// How long a synchronous call may wait.
    QueueTimeoutMs(Option<u32>),
    /// Measured, but not enforced.
    Shadow(bool),
}

impl LimitEdit {
    const fn apply(self, limits: &mut LimitSet) {
        match self {
            Self::RequestsPerMinute(value) => limits.requests_per_minute = value,
            Self::TokensPerMinute(value) => limits.tokens_per_minute = value,
            Self::RequestsPerDay(value) => limits.requests_per_day = value,
            Self::TokensPerDay(value) => limits.tokens_per_day = value,
            Self::Concurrent(value) => limits.concurrent = value,
            Self::DailyBudget(value) => limits.daily_budget = value,
            Self::MonthlyBudget(value) => limits.monthly_budget = value,
            Self::QueueTimeoutMs(value) => limits.queue_timeout_ms = value,
            Self::Shadow(value) => limits.shadow = value,
        }
    }
}

/// `limits` with all `edits`, the last of one field counting.
#[must_use]
pub fn edited(limits: &LimitSet, edits: &[LimitEdit]) -> LimitSet {
    let mut limits = limits.clone();
    edits.iter().for_each(|edit| edit.apply(&mut limits));
    limits
}

/// How limits are kept.
pub(crate) fn stored(limits: &LimitSet) -> Result<String, StoreError> {
    serde_json::to_string(limits).map_err(|error| StoreError::Statement(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_field_is_set_or_lifted_and_the_others_stay() {
        let edits = [
            LimitEdit::RequestsPerMinute(NonZeroU64::new(1)),
            LimitEdit::TokensPerMinute(NonZeroU64::new(2)),
            LimitEdit::RequestsPerDay(NonZeroU64::new(3)),
            LimitEdit::TokensPerDay(NonZeroU64::new(4)),
            LimitEdit::Concurrent(NonZeroU32::new(5)),
            LimitEdit::DailyBudget(Some(Money::from_nanos(6_000_000_000))),
            LimitEdit::MonthlyBudget(Some(Money::from_nanos(7_000_000_000))),
            LimitEdit::QueueTimeoutMs(Some(8)),
            LimitEdit::Shadow(true),
        ];
        let all = edited(&LimitSet::default(), &edits);
        assert_eq!(
            stored(&all).unwrap(),
            r#"{"requests_per_minute":1,"tokens_per_minute":2,"requests_per_day":3,"tokens_per_day":4,"concurrent":5,"daily_budget":"6","monthly_budget":"7","queue_timeout_ms":8,"shadow":true}"#
        );
        let fewer = edited(&all, &[LimitEdit::Concurrent(None), LimitEdit::Concurrent(NonZeroU32::new(9)), LimitEdit::Shadow(false)]);
        assert_eq!((fewer.concurrent, fewer.shadow, fewer.queue_timeout_ms), (NonZeroU32::new(9), false, Some(8)));
        assert_eq!(edited(&fewer, &[LimitEdit::DailyBudget(None)]).daily_budget, None);
    }
}

//! `--limit`, `--budget` and `--shadow`: somebody's limits, as the command line takes and shows them.

use std::num::{NonZeroU32, NonZeroU64};
use std::str::FromStr;

use clap::Args;
use easyai_core::limit::{LimitKind, LimitSet};
use easyai_core::money::Money;
use easyai_store::limit_edit::LimitEdit;

use crate::nearest;

/// What lifts a limit.
const NONE: &str = "none";
/// The one field that is no limit by itself.
const QUEUE_TIMEOUT: &str = "queue_timeout_ms";

/// Limits that are set or lifted.
#[derive(Debug, Clone, Default, Args)]
pub struct LimitArgs {
    /// A limit such as requests_per_minute=100, or concurrent=none to lift it; several separated by commas. Also
    /// tokens_per_minute, requests_per_day, tokens_per_day, queue_timeout_ms
    #[arg(long = "limit", value_name = "FIELD=N", value_delimiter = ',')]
    limits: Vec<LimitFlag>,
    /// What may be charged in a calendar day or month (UTC): daily=5.00, monthly=50, or daily=none to lift it
    #[arg(long = "budget", value_name = "PERIOD=AMOUNT", value_delimiter = ',')]
    budgets: Vec<BudgetFlag>,
    /// Only measure and log these limits; --shadow=false enforces them again
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    shadow: Option<bool>,
}

/// One `--limit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct LimitFlag(LimitEdit);

/// One `--budget`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct BudgetFlag(LimitEdit);

impl LimitArgs {
    /// The changes, in the order in which they count.
    #[must_use]
    pub fn edits(&self) -> Vec<LimitEdit> {
        let Self { limits, budgets, shadow } = self;
        let limits = limits.iter().map(|LimitFlag(edit)| *edit);
        limits.chain(budgets.iter().map(|BudgetFlag(edit)| *edit)).chain(shadow.map(LimitEdit::Shadow)).collect()
    }
}

impl FromStr for LimitFlag {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (field, value) = text.split_once('=').ok_or_else(|| "write it like requests_per_minute=100".to_owned())?;
        if field == QUEUE_TIMEOUT {
            return number(field, value, 0).map(LimitEdit::QueueTimeoutMs).map(Self);
        }
        let budgets = [LimitKind::DailyBudget, LimitKind::MonthlyBudget];
        let kind: LimitKind = field.parse().map_err(|_| {
            let limits = LimitKind::ALL.iter().filter(|kind| !budgets.contains(kind)).map(|kind| kind.as_str());
            format!("`{field}` is not a limit{}", nearest::hint(field, limits.chain([QUEUE_TIMEOUT])))
        })?;
        let calls = |value: Option<u64>| value.and_then(NonZeroU64::new);
        let edit = match kind {
            LimitKind::RequestsPerMinute => LimitEdit::RequestsPerMinute(calls(number(field, value, 1)?)),
            LimitKind::TokensPerMinute => LimitEdit::TokensPerMinute(calls(number(field, value, 1)?)),
            LimitKind::RequestsPerDay => LimitEdit::RequestsPerDay(calls(number(field, value, 1)?)),
            LimitKind::TokensPerDay => LimitEdit::TokensPerDay(calls(number(field, value, 1)?)),
            LimitKind::Concurrent => LimitEdit::Concurrent(number::<u32>(field, value, 1)?.and_then(NonZeroU32::new)),
            LimitKind::DailyBudget => return Err("write a budget like --budget daily=5.00".to_owned()),
            LimitKind::MonthlyBudget => return Err("write a budget like --budget monthly=50".to_owned()),
        };
        Ok(Self(edit))
    }
}

impl FromStr for BudgetFlag {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (period, value) = text.split_once('=').ok_or_else(|| "write it like daily=5.00".to_owned())?;
        let amount = || match value {
            NONE => Ok(None),
            amount => {
                let amount: Money = amount.parse().map_err(|error| format!("`{period}`: {error}, or none"))?;
                if amount < Money::ZERO { Err(format!("`{period}` is below zero: write an amount, or none")) } else { Ok(Some(amount)) }
            }
        };
        match period {
            "daily" => amount().map(LimitEdit::DailyBudget).map(Self),
            "monthly" => amount().map(LimitEdit::MonthlyBudget).map(Self),
            other => Err(format!("`{other}` is not a budget{}", nearest::hint(other, ["daily", "monthly"]))),
        }
    }
}

/// A count of at least `least`, or none.
fn number<N: FromStr + PartialOrd + From<u8>>(field: &str, value: &str, least: u8) -> Result<Option<N>, String> {
    if value == NONE {
        return Ok(None);
    }
    let count = value.parse().ok().filter(|count| *count >= N::from(least));
    count.map(Some).ok_or_else(|| format!("`{field}` is `{value}`: write a whole number from {least} on, or none"))
}

/// Limits in a table: `100 requests_per_minute, 5 daily_budget`.
#[must_use]
pub fn told(limits: &LimitSet) -> String {
    let amount = |kind: LimitKind| match kind {
        LimitKind::DailyBudget => limits.daily_budget.map(|amount| amount.to_string()),
        LimitKind::MonthlyBudget => limits.monthly_budget.map(|amount| amount.to_string()),
        LimitKind::RequestsPerMinute
        | LimitKind::TokensPerMinute
        | LimitKind::RequestsPerDay
        | LimitKind::TokensPerDay
        | LimitKind::Concurrent => limits.of(kind).map(|limit| limit.to_string()),
    };
    let mut parts: Vec<String> = LimitKind::ALL.iter().filter_map(|kind| Some(format!("{} {kind}", amount(*kind)?))).collect();
    parts.extend(limits.queue_timeout_ms.map(|ms| format!("{ms} {QUEUE_TIMEOUT}")));
    parts.extend(limits.shadow.then(|| "shadow".to_owned()));
    if parts.is_empty() { NONE.to_owned() } else { parts.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_set_or_lifted() {
        let limit = |text: &str| text.parse::<LimitFlag>().map(|LimitFlag(edit)| edit);
        assert_eq!(limit("requests_per_minute=100"), Ok(LimitEdit::RequestsPerMinute(NonZeroU64::new(100))));
        assert_eq!(limit("tokens_per_day=none"), Ok(LimitEdit::TokensPerDay(None)));
        assert_eq!(limit("concurrent=8"), Ok(LimitEdit::Concurrent(NonZeroU32::new(8))));
        assert_eq!(limit("queue_timeout_ms=0"), Ok(LimitEdit::QueueTimeoutMs(Some(0))));
        for (wrong, told) in [
            ("concurrent", "write it like requests_per_minute=100"),
            ("request_per_minute=5", "`request_per_minute` is not a limit: did you mean `requests_per_minute`?"),
            ("concurrent=0", "`concurrent` is `0`: write a whole number from 1 on, or none"),
            ("concurrent=99999999999", "`concurrent` is `99999999999`: write a whole number from 1 on, or none"),
            ("tokens_per_minute=20k", "`tokens_per_minute` is `20k`: write a whole number from 1 on, or none"),
            ("daily_budget=5", "write a budget like --budget daily=5.00"),
        ] {
            assert_eq!(limit(wrong), Err(told.to_owned()));
        }
    }

    #[test]
    fn a_budget_is_an_amount_for_a_day_or_a_month() {
        let budget = |text: &str| text.parse::<BudgetFlag>().map(|BudgetFlag(edit)| edit);
        assert_eq!(budget("daily=5.00"), Ok(LimitEdit::DailyBudget(Some(Money::from_nanos(5_000_000_000)))));
        assert_eq!(budget("monthly=none"), Ok(LimitEdit::MonthlyBudget(None)));
        for (wrong, told) in [
            ("5", "write it like daily=5.00"),
            ("dayly=5", "`dayly` is not a budget: did you mean `daily`?"),
            ("daily=-1", "`daily` is below zero: write an amount, or none"),
            ("daily=x", "`daily`: `x` is not an amount: write a decimal such as 12.50, with at most nine decimals, or none"),
        ] {
            assert_eq!(budget(wrong), Err(told.to_owned()));
        }
    }

    #[test]
    fn limits_are_shown_in_one_line() {
        let limits: LimitSet =
            serde_json::from_str(r#"{"concurrent": 8, "daily_budget": "5.00", "queue_timeout_ms": 9, "shadow": true}"#).unwrap();
        assert_eq!(told(&limits), "8 concurrent, 5 daily_budget, 9 queue_timeout_ms, shadow");
        assert_eq!(told(&LimitSet::default()), "none");
    }
}

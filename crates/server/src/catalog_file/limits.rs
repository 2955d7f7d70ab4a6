//! Limits: who may have a budget, and that it is an amount.

use easyai_core::limit::{LimitKind, LimitSet};
use easyai_core::money::Money;
use toml::Spanned;

use super::wire::LimitsTable;
use crate::problem::Problem;

/// Whether something may have a budget: a budget is about who pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Budgets {
    /// It may.
    Allowed,
    /// It may not: the words for such a thing.
    Refused(&'static str),
}

/// The limits that a table of `label` means.
pub fn limits(label: &str, budgets: Budgets, table: LimitsTable, problems: &mut Vec<Problem>) -> LimitSet {
    let LimitsTable { requests_per_minute, tokens_per_minute, requests_per_day, tokens_per_day, concurrent, .. } = table;
    let LimitsTable { daily_budget, monthly_budget, queue_timeout_ms, shadow, .. } = table;
    let mut budget = |kind: LimitKind, given: Option<Spanned<Money>>| {
        let given = given?;
        let why = match budgets {
            Budgets::Refused(noun) => {
                format!("{noun} has no budget, only keys, accounts and groups have: take it out, or limit requests or tokens")
            }
            Budgets::Allowed if *given.get_ref() < Money::ZERO => "it is below zero: write an amount such as \"5.00\"".to_owned(),
            Budgets::Allowed => return Some(given.into_inner()),
        };
        problems.push(Problem::new(given.span(), format!("{label}: `limits.{kind}`: {why}")));
        None
    };
    LimitSet {
        requests_per_minute,
        tokens_per_minute,
        requests_per_day,
        tokens_per_day,
        concurrent,
        daily_budget: budget(LimitKind::DailyBudget, daily_budget),
        monthly_budget: budget(LimitKind::MonthlyBudget, monthly_budget),
        queue_timeout_ms,
        shadow,
    }
}

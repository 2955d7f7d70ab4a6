//! What comes when the same client is not called again: the failover rule that matches, else the default table; and what that does
//! to the candidate.

use std::num::NonZeroU32;
use std::time::Duration;

use super::{Facts, Policies, credential, deadline_passed};
use crate::failure::{Category, Failure};
use crate::policy::default_table::{self, Row};
use crate::policy::{FailoverAction, FailoverRule, Remedy, Scope};
use crate::reason::Reason;
use crate::trace::{PolicySource, RemedyNote, Ruling};

/// The answer of rules and table to a failure.
pub(super) struct Response {
    pub(super) action: FailoverAction,
    /// The rule, if one matched.
    pub(super) rule: Option<Ruling>,
    pub(super) remedy: Option<(Remedy, RemedyNote)>,
}

impl Response {
    /// Whether the platform's other models are not to be tried either.
    pub(super) fn leaves_the_platform(&self) -> bool {
        self.remedy.as_ref().is_some_and(|(remedy, _)| remedy.shuts_the_platform())
    }
}

/// What rules and table say to `failure`.
pub(super) fn response(failure: &Failure, facts: &Facts, policies: &Policies<'_>) -> Response {
    let row = default_table::row(failure.category);
    let rules = &policies.runner.failover.rules;
    let matching = rules.iter().zip(1..).find(|(rule, _)| rule.matches.matches(failure, facts.model_type));
    let Some((rule, number)) = matching else { return by_default(failure, facts, policies, row) };
    let ruling = Ruling {
        source: PolicySource::RunnerPolicy,
        policy: policies.runner.id.to_string(),
        rule: Some(number),
        value: rule.matches.to_string(),
        reason: Reason::RuleMatched,
    };
    let remedy = remedy_of_rule(rule, row, failure).filter(|_| is_the_candidates_fault(failure, facts));
    let remedy = remedy.map(|remedy| noted(remedy, PolicySource::RunnerPolicy, Some(number)));
    Response { action: rule.action, rule: Some(ruling), remedy }
}

/// What the policy set's cooldown rules, else the default table say.
fn by_default(failure: &Failure, facts: &Facts, policies: &Policies<'_>, row: Row) -> Response {
    let faulty = is_the_candidates_fault(failure, facts);
    let set = &policies.candidate.policy_set;
    if let Some((number, rule)) = set.cooldown.rule(failure, facts.model_type).filter(|_| row.then != FailoverAction::Stop) {
        let remedy = Remedy::CoolDown { scope: rule.scope, lasting: rule.lasting(failure) };
        let remedy = faulty.then(|| noted(remedy, PolicySource::PolicySet, Some(number)));
        return Response { action: FailoverAction::CooldownAndNext, rule: None, remedy };
    }
    // Where there are several credentials, each answers for itself.
    let several = policies.candidate.platform.credentials.len() > 1;
    let scope = if several && credential::concerns(failure) { Scope::Credential } else { row.scope };
    let remedy = remedy(row.then, scope, row.cooldown, failure, None).filter(|_| faulty);
    Response { action: row.then, rule: None, remedy: remedy.map(|remedy| noted(remedy, PolicySource::DefaultTable, None)) }
}

fn noted(remedy: Remedy, source: PolicySource, rule: Option<u32>) -> (Remedy, RemedyNote) {
    (remedy, RemedyNote::of(&remedy, source, rule))
}

fn remedy_of_rule(rule: &FailoverRule, row: Row, failure: &Failure) -> Option<Remedy> {
    let scope = rule.scope.unwrap_or(Scope::PlatformModel);
    match rule.seconds.map(|seconds| Duration::from_secs(seconds.get().into())) {
        // What a rule says counts, whatever the upstream asks.
        Some(lasting) => remedy(rule.action, scope, lasting, &Failure { retry_after: None, ..failure.clone() }, rule.steps),
        None if rule.action == FailoverAction::DemoteAndNext => remedy(rule.action, scope, default_table::DEMOTION, failure, rule.steps),
        None => remedy(rule.action, scope, row.cooldown, failure, rule.steps),
    }
}

fn remedy(action: FailoverAction, scope: Scope, lasting: Duration, failure: &Failure, steps: Option<NonZeroU32>) -> Option<Remedy> {
    match action {
        FailoverAction::Next | FailoverAction::Stop => None,
        FailoverAction::CooldownAndNext => Some(Remedy::CoolDown { scope, lasting: cooldown(lasting, failure) }),
        FailoverAction::DemoteAndNext => Some(Remedy::Demote { scope, steps: steps.map_or(1, NonZeroU32::get), lasting }),
        FailoverAction::DisableAndNext => Some(Remedy::Disable { scope }),
    }
}

/// A rate limit lasts for as long as the upstream says.
fn cooldown(otherwise: Duration, failure: &Failure) -> Duration {
    match failure.retry_after {
        Some(asked) if failure.category == Category::RateLimit => asked.min(default_table::LONGEST_RETRY_AFTER),
        Some(_) | None => otherwise,
    }
}

/// Whether the failure says anything about the candidate. Our own limits and mistakes don't, and neither does a time-out that was the
/// caller's own deadline.
fn is_the_candidates_fault(failure: &Failure, facts: &Facts) -> bool {
    match failure.category {
        Category::LocalRateLimit | Category::Cancelled | Category::Internal => false,
        Category::Timeout => deadline_passed(facts).is_none(),
        Category::Network
        | Category::RateLimit
        | Category::Overloaded
        | Category::ServerError
        | Category::Auth
        | Category::QuotaExhausted
        | Category::ModelUnavailable
        | Category::BadRequest
        | Category::ContentFilter
        | Category::ContextLength
        | Category::BadResponse => true,
    }
}

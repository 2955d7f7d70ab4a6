//! The policies in force for one candidate, each value with where it comes from: what `easyai policy show` and *explain* tell.
//!
//! A value that nobody changed comes from the default, also where a policy repeats it.

use std::num::NonZeroU32;
use std::sync::Arc;

use super::{
    AutoDisableRule, Availability, Backoff, BreakerPolicy, CooldownRule, DemotionPolicy, DemotionRule, FailoverAction, FailoverPolicy,
    FailoverRule, LastResort, ProbePolicy, RetryOverride, RetryPolicy, RetryRule, RunnerPolicy, Scope, default_table,
};
use crate::catalog::{PlatformModel, default_policy_set};
use crate::failure::Category;
use crate::id::PlatformModelId;

crate::words! {
    /// Where a value comes from.
    pub enum Source as "source" {
        /// The candidate's policy set.
        PolicySet = "policy_set",
        /// The candidate's own override.
        PlatformModel = "platform_model",
        /// The runner policy.
        RunnerPolicy = "runner_policy",
        /// Nobody says otherwise.
        Default = "default",
    }
}

/// A value, and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Sourced<T> {
    /// The value in force.
    pub value: T,
    /// Where it comes from.
    pub source: Source,
}

/// All policies in force for one candidate.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct EffectivePolicy {
    /// The platform's name.
    pub platform: Arc<str>,
    /// The model's public name.
    pub model: Arc<str>,
    /// The candidate.
    pub platform_model: PlatformModelId,
    /// Its policy set's name; none if it names none.
    pub policy_set: Option<Arc<str>>,
    /// When it is called again.
    pub retry: EffectiveRetry,
    /// How long which failures keep whom alone; for others the default table.
    pub cooldown_rules: Sourced<Vec<CooldownRule>>,
    /// When it is let alone before it fails again; none: never.
    pub breaker: Sourced<Option<BreakerPolicy>>,
    /// Which failures switch it off.
    pub auto_disable_rules: Sourced<Vec<AutoDisableRule>>,
    /// When it is asked whether it is well again; none: never.
    pub probe: Sourced<Option<ProbePolicy>>,
    /// When and how the next one is tried, from when this one is tried.
    pub failover: EffectiveFailover,
    /// Which failures lower its priority.
    pub demotion: EffectiveDemotion,
    /// How many of the model's candidates may be out at once.
    pub availability: EffectiveAvailability,
}

/// The retry policy in force.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct EffectiveRetry {
    /// Off: one attempt, whatever the rest says.
    pub enabled: Sourced<bool>,
    /// Attempts, the first included.
    pub max_attempts: Sourced<NonZeroU32>,
    /// How long to wait between them.
    pub backoff: Sourced<Backoff>,
    /// Read in order; then the default table.
    pub rules: Sourced<Vec<RetryRule>>,
}

/// The failover policy in force.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct EffectiveFailover {
    /// Platforms tried for one task: the runner policy's, unless the candidate's is lower.
    pub max_platforms: Sourced<NonZeroU32>,
    /// After which nothing more is begun: the runner policy's, unless the candidate's is lower.
    pub max_duration_seconds: Sourced<NonZeroU32>,
    /// Read in order; then the default table.
    pub rules: Sourced<Vec<FailoverRule>>,
}

/// The demotion policy in force.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct EffectiveDemotion {
    /// Read in order.
    pub rules: Sourced<Vec<DemotionRule>>,
    /// How many steps each success gives back.
    pub heal_steps: Sourced<NonZeroU32>,
}

/// The availability in force.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct EffectiveAvailability {
    /// The largest share of the candidates that is out at once; none: as many as `last_resort` lets.
    pub max_out_percent: Sourced<Option<NonZeroU32>>,
    /// What happens when all of them are out.
    pub last_resort: Sourced<LastResort>,
}

impl EffectivePolicy {
    /// What holds for `offer` under `runner`.
    #[must_use]
    pub fn of(offer: &PlatformModel, runner: &RunnerPolicy) -> Self {
        let set = &offer.policy_set;
        Self {
            platform: Arc::clone(&offer.platform.name),
            model: Arc::clone(&offer.model),
            platform_model: offer.id,
            policy_set: (set.id != default_policy_set().id).then(|| Arc::clone(&set.name)),
            retry: EffectiveRetry::of(&set.retry, offer.overrides.retry.as_ref()),
            cooldown_rules: changed(set.cooldown.rules.clone(), &Vec::new(), Source::PolicySet),
            breaker: changed(set.breaker.clone(), &None, Source::PolicySet),
            auto_disable_rules: changed(set.auto_disable.rules.clone(), &Vec::new(), Source::PolicySet),
            probe: changed(set.probe.clone(), &None, Source::PolicySet),
            failover: EffectiveFailover::of(&runner.failover, offer),
            demotion: EffectiveDemotion::of(&runner.demotion),
            availability: EffectiveAvailability::of(runner.availability),
        }
    }
}

impl EffectiveRetry {
    fn of(policy: &RetryPolicy, overrides: Option<&RetryOverride>) -> Self {
        let default = RetryPolicy::default();
        Self {
            enabled: overridden(overrides.and_then(|over| over.enabled), policy.enabled, &default.enabled),
            max_attempts: overridden(overrides.and_then(|over| over.max_attempts), policy.max_attempts, &default.max_attempts),
            backoff: overridden(overrides.and_then(|over| over.backoff.clone()), policy.backoff.clone(), &default.backoff),
            rules: overridden(overrides.and_then(|over| over.rules.clone()), policy.rules.clone(), &default.rules),
        }
    }
}

impl EffectiveFailover {
    fn of(policy: &FailoverPolicy, offer: &PlatformModel) -> Self {
        let default = FailoverPolicy::default();
        let over = &offer.overrides;
        Self {
            max_platforms: lowered(over.max_platforms, policy.max_platforms, default.max_platforms),
            max_duration_seconds: lowered(over.max_duration_seconds, policy.max_duration_seconds, default.max_duration_seconds),
            rules: changed(policy.rules.clone(), &default.rules, Source::RunnerPolicy),
        }
    }
}

impl EffectiveDemotion {
    fn of(policy: &DemotionPolicy) -> Self {
        let default = DemotionPolicy::default();
        Self {
            rules: changed(policy.rules.clone(), &default.rules, Source::RunnerPolicy),
            heal_steps: changed(policy.heal_steps, &default.heal_steps, Source::RunnerPolicy),
        }
    }
}

impl EffectiveAvailability {
    fn of(availability: Availability) -> Self {
        let default = Availability::default();
        Self {
            max_out_percent: changed(availability.max_out_percent, &default.max_out_percent, Source::RunnerPolicy),
            last_resort: changed(availability.last_resort, &default.last_resort, Source::RunnerPolicy),
        }
    }
}

/// A policy's value, which is the default's if it is the same.
fn changed<T: PartialEq>(value: T, default: &T, source: Source) -> Sourced<T> {
    let source = if value == *default { Source::Default } else { source };
    Sourced { value, source }
}

/// A value of the policy set that the candidate may replace.
fn overridden<T: PartialEq>(own: Option<T>, set: T, default: &T) -> Sourced<T> {
    match own {
        Some(value) => Sourced { value, source: Source::PlatformModel },
        None => changed(set, default, Source::PolicySet),
    }
}

/// A limit of the runner policy that the candidate can only lower.
fn lowered(own: Option<NonZeroU32>, policy: NonZeroU32, default: NonZeroU32) -> Sourced<NonZeroU32> {
    match own.filter(|own| *own < policy) {
        Some(value) => Sourced { value, source: Source::PlatformModel },
        None => changed(policy, &default, Source::RunnerPolicy),
    }
}

/// One row of the default table, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct DefaultRow {
    /// The failures it is about.
    pub category: Category,
    /// Whether the same client is called again: `yes`, `no`, or `after_retry_after`.
    pub same_client: &'static str,
    /// What comes then.
    pub action: FailoverAction,
    /// What a cooldown or a disabling is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
    /// How long a cooldown lasts if the upstream names no time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<u64>,
}

/// What happens to failures that no rule matches, a row a category.
#[must_use]
pub fn default_rows() -> Vec<DefaultRow> {
    Category::ALL.iter().map(|category| default_row(*category)).collect()
}

fn default_row(category: Category) -> DefaultRow {
    let row = default_table::row(category);
    let same_client = match row.same_client {
        default_table::SameClient::Yes => "yes",
        default_table::SameClient::AfterRetryAfter => "after_retry_after",
        default_table::SameClient::No => "no",
    };
    let (has_scope, has_seconds) = match row.then {
        FailoverAction::CooldownAndNext => (true, true),
        FailoverAction::DemoteAndNext | FailoverAction::DisableAndNext => (true, false),
        FailoverAction::Next | FailoverAction::Stop => (false, false),
    };
    DefaultRow {
        category,
        same_client,
        action: row.then,
        scope: has_scope.then_some(row.scope),
        seconds: has_seconds.then_some(row.cooldown.as_secs()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;
    use crate::id::PolicySetId;
    use crate::policy::PolicySet;

    fn with(retry: &str, overrides: &str) -> PlatformModel {
        let set = PolicySet::new(PolicySetId::from_uuid(fixtures::uuid_of("s")), "s".into(), serde_json::from_str(retry).unwrap());
        let overrides = serde_json::from_str(overrides).unwrap();
        PlatformModel { policy_set: Arc::new(set), overrides, ..fixtures::offer(fixtures::platform("p")) }
    }

    fn runner(failover: &str) -> Arc<RunnerPolicy> {
        fixtures::runner_policy(serde_json::from_str(failover).unwrap())
    }

    #[track_caller]
    fn check(offer: &PlatformModel, failover: &str, field: &str, expected: &str) {
        let told = serde_json::to_value(EffectivePolicy::of(offer, &runner(failover))).unwrap();
        assert_eq!(told.pointer(field).map(ToString::to_string).as_deref(), Some(expected), "{field} in {told}");
    }

    #[test]
    fn each_value_of_a_retry_policy_has_its_source() {
        let offer = with(r#"{"max_attempts": 3, "enabled": true}"#, r#"{"retry": {"rules": [{"retry": false}]}}"#);
        check(&offer, "{}", "/policy_set", r#""s""#);
        check(&offer, "{}", "/retry/enabled", r#"{"value":true,"source":"default"}"#);
        check(&offer, "{}", "/retry/max_attempts", r#"{"value":3,"source":"policy_set"}"#);
        check(&offer, "{}", "/retry/rules", r#"{"value":[{"match":{},"retry":false}],"source":"platform_model"}"#);
        check(&offer, "{}", "/retry/backoff/source", r#""default""#);
        let own = with(r#"{"max_attempts": 3}"#, r#"{"retry": {"max_attempts": 1, "enabled": false}}"#);
        check(&own, "{}", "/retry/max_attempts", r#"{"value":1,"source":"platform_model"}"#);
        check(&own, "{}", "/retry/enabled", r#"{"value":false,"source":"platform_model"}"#);
    }

    #[test]
    fn a_candidate_can_only_lower_the_limits_of_a_run() {
        let offer = with("{}", r#"{"max_platforms": 4, "max_duration_seconds": 60}"#);
        check(&offer, r#"{"max_platforms": 3}"#, "/failover/max_platforms", r#"{"value":3,"source":"runner_policy"}"#);
        check(&offer, r#"{"max_platforms": 5}"#, "/failover/max_platforms", r#"{"value":4,"source":"platform_model"}"#);
        check(&offer, "{}", "/failover/max_duration_seconds", r#"{"value":60,"source":"platform_model"}"#);
        let plain = fixtures::offer(fixtures::platform("p"));
        check(&plain, "{}", "/failover/max_duration_seconds", r#"{"value":600,"source":"default"}"#);
        check(&plain, "{}", "/policy_set", "null");
    }

    #[test]
    fn what_a_policy_set_and_the_runner_policy_add_is_theirs() {
        let mut offer = with("{}", "{}");
        check(&offer, "{}", "/breaker", r#"{"value":null,"source":"default"}"#);
        check(&offer, "{}", "/cooldown_rules", r#"{"value":[],"source":"default"}"#);
        let mut set = PolicySet::clone(&offer.policy_set);
        set.breaker = Some(BreakerPolicy::default());
        set.auto_disable = serde_json::from_str(r#"{"rules": [{"match": {"categories": ["auth"]}}]}"#).unwrap();
        offer.policy_set = Arc::new(set);
        check(&offer, "{}", "/breaker/source", r#""policy_set""#);
        check(&offer, "{}", "/auto_disable_rules/source", r#""policy_set""#);
        let mut policy = RunnerPolicy::clone(&runner("{}"));
        policy.availability.last_resort = LastResort::Rests;
        let told = EffectivePolicy::of(&offer, &policy);
        assert_eq!(told.availability.last_resort, Sourced { value: LastResort::Rests, source: Source::RunnerPolicy });
        assert_eq!(told.demotion.heal_steps.source, Source::Default);
    }

    #[test]
    fn the_default_table_is_shown_a_row_a_category() {
        let rows = default_rows();
        assert_eq!(rows.len(), Category::ALL.len());
        let shown = |category: Category| serde_json::to_string(&rows.iter().find(|row| row.category == category)).unwrap();
        assert_eq!(shown(Category::Timeout), r#"{"category":"timeout","same_client":"yes","action":"next"}"#);
        assert_eq!(
            shown(Category::QuotaExhausted),
            r#"{"category":"quota_exhausted","same_client":"no","action":"cooldown_and_next","scope":"platform","seconds":600}"#
        );
        assert_eq!(shown(Category::Auth), r#"{"category":"auth","same_client":"no","action":"disable_and_next","scope":"platform"}"#);
    }
}

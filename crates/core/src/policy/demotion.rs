//! Demotion: which failures lower a candidate's priority step by step, and how successes heal it.

use std::num::NonZeroU32;
use std::time::Duration;

use super::rule::first_match;
use super::{Match, Scope, bounds};
use crate::failure::Failure;
use crate::kind::ModelType;

/// Which failures lower a candidate's priority.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DemotionPolicy {
    /// Read in order; the first that matches lowers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<DemotionRule>,
    /// How many steps each success gives back; by default 1.
    #[serde(deserialize_with = "bounds::heal_steps")]
    pub heal_steps: NonZeroU32,
}

impl Default for DemotionPolicy {
    /// No rules; a step a success, for demotions that failover rules ask for.
    fn default() -> Self {
        Self { rules: Vec::new(), heal_steps: NonZeroU32::MIN }
    }
}

/// One rule of it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "Wire")]
pub struct DemotionRule {
    /// Which failures it is about. Failures that say nothing about the candidate never demote.
    #[serde(rename = "match")]
    pub matches: Match,
    /// What is lowered: the platform, or by default the platform model.
    pub scope: Scope,
    /// Steps of priority for each failure; by default 1.
    pub steps: NonZeroU32,
    /// How long from the last failure on; by default a minute, at most thirty days.
    pub seconds: NonZeroU32,
    /// The lowest it goes; by default ten times `steps`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_steps: Option<NonZeroU32>,
}

/// A rule that can't be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadDemotionRule {
    /// Credentials have no priority.
    #[error("`scope` is credential, which has no priority to lower: write platform or platform_model")]
    Credential,
    /// The first failure would pass the limit.
    #[error("`max_steps` is {most}: write at least `steps`, which is {steps}")]
    LimitBelowSteps {
        /// `steps`.
        steps: NonZeroU32,
        /// `max_steps`.
        most: NonZeroU32,
    },
}

impl DemotionPolicy {
    /// The rule about `failure`, with its number from 1.
    #[must_use]
    pub fn rule(&self, failure: &Failure, model_type: ModelType) -> Option<(u32, &DemotionRule)> {
        first_match(&self.rules, |rule| &rule.matches, failure, model_type)
    }
}

impl DemotionRule {
    /// How low something is after one more failure, `now` being how low it is.
    #[must_use]
    pub fn after(&self, now: u32) -> u32 {
        let most = self.max_steps.map_or(self.steps.get().saturating_mul(10), NonZeroU32::get);
        now.saturating_add(self.steps.get()).min(most)
    }

    /// How long it lasts from the last failure on.
    #[must_use]
    pub fn lasting(&self) -> Duration {
        Duration::from_secs(self.seconds.get().into())
    }
}

/// A rule as it is written, before its fields are held against each other.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    #[serde(rename = "match", default)]
    matches: Match,
    #[serde(default)]
    scope: Scope,
    #[serde(default = "bounds::one", deserialize_with = "bounds::steps")]
    steps: NonZeroU32,
    #[serde(default = "bounds::a_minute", deserialize_with = "bounds::seconds")]
    seconds: NonZeroU32,
    #[serde(default, deserialize_with = "bounds::some_max_steps")]
    max_steps: Option<NonZeroU32>,
}

impl TryFrom<Wire> for DemotionRule {
    type Error = BadDemotionRule;

    fn try_from(wire: Wire) -> Result<Self, BadDemotionRule> {
        let Wire { matches, scope, steps, seconds, max_steps } = wire;
        if scope == Scope::Credential {
            return Err(BadDemotionRule::Credential);
        }
        if let Some(most) = max_steps.filter(|most| *most < steps) {
            return Err(BadDemotionRule::LimitBelowSteps { steps, most });
        }
        Ok(Self { matches, scope, steps, seconds, max_steps })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> DemotionRule {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn each_failure_goes_further_down_to_a_limit() {
        let downs = |rule: DemotionRule| (0..12).scan(0, |low, _| Some(std::mem::replace(low, rule.after(*low)))).last();
        assert_eq!(downs(rule("{}")), Some(10));
        assert_eq!(downs(rule(r#"{"steps": 2, "max_steps": 5}"#)), Some(5));
        assert_eq!(rule(r#"{"steps": 1000000}"#).after(u32::MAX), 10_000_000);
    }

    #[test]
    fn it_has_defaults_and_reads_back_what_it_shows() {
        assert_eq!(serde_json::from_str::<DemotionPolicy>("{}").unwrap(), DemotionPolicy::default());
        let text = r#"{"rules":[{"match":{},"scope":"platform_model","steps":1,"seconds":60}],"heal_steps":1}"#;
        let policy: DemotionPolicy = serde_json::from_str(r#"{"rules": [{}]}"#).unwrap();
        assert_eq!(serde_json::to_string(&policy).unwrap(), text);
        assert_eq!(serde_json::from_str::<DemotionPolicy>(text).unwrap(), policy);
    }

    #[test]
    fn what_can_not_be_is_refused_by_name() {
        for (text, expected) in [
            (r#"{"rules": [{"scope": "credential"}]}"#, "`scope` is credential, which has no priority to lower"),
            (r#"{"rules": [{"steps": 3, "max_steps": 2}]}"#, "`max_steps` is 2: write at least `steps`, which is 3"),
            (r#"{"rules": [{"steps": 0}]}"#, "`steps` is 0"),
            (r#"{"rules": [{"max_steps": 1000001}]}"#, "`max_steps` is 1000001"),
            (r#"{"rules": [{"seconds": 2592001}]}"#, "`seconds` is 2592001"),
            (r#"{"heal_steps": 0}"#, "`heal_steps` is 0"),
            (r#"{"heals": 1}"#, "unknown field `heals`"),
        ] {
            let error = serde_json::from_str::<DemotionPolicy>(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}

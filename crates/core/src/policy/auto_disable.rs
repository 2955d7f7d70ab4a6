//! Which failures switch a platform, one of its models or one of its credentials off until a person enables it.

use std::num::NonZeroU32;
use std::time::Duration;

use super::rule::first_match;
use super::{Match, Scope, bounds};
use crate::failure::Failure;
use crate::kind::ModelType;

/// When something is switched off.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AutoDisablePolicy {
    /// Read in order; the first that matches counts the failure.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<AutoDisableRule>,
}

/// One rule of it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AutoDisableRule {
    /// Which failures count. Must be given: forgotten, it would be about every failure. Failures that say nothing about the candidate
    /// never count.
    #[serde(rename = "match")]
    pub matches: Match,
    /// What is switched off; by default the platform model.
    #[serde(default)]
    pub scope: Scope,
    /// As many within the window switch it off; by default the first does. At most 1,000.
    #[serde(default = "bounds::one", deserialize_with = "bounds::failures")]
    pub failures: NonZeroU32,
    /// How long a failure counts; by default a minute, at most a day.
    #[serde(default = "bounds::a_minute", deserialize_with = "bounds::window_seconds")]
    pub window_seconds: NonZeroU32,
}

impl AutoDisablePolicy {
    /// Whether it has no rule.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The rule that counts `failure`, with its number from 1.
    #[must_use]
    pub fn rule(&self, failure: &Failure, model_type: ModelType) -> Option<(u32, &AutoDisableRule)> {
        first_match(&self.rules, |rule| &rule.matches, failure, model_type)
    }
}

impl AutoDisableRule {
    /// How long a failure counts.
    #[must_use]
    pub fn window(&self) -> Duration {
        Duration::from_secs(self.window_seconds.get().into())
    }
}

impl std::fmt::Display for AutoDisableRule {
    /// The rule in one line: `3 failures within 60 s of categories=[auth]`. Failures are counted under it, so that a rule that moves in
    /// its list goes on counting, and one that changes begins anew.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.failures.get() {
            1 => write!(f, "1 failure of {}", self.matches),
            many => write!(f, "{many} failures within {} s of {}", self.window_seconds, self.matches),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::{Category, Sent};

    #[test]
    fn the_first_rule_that_matches_counts() {
        let policy: AutoDisablePolicy = serde_json::from_str(
            r#"{"rules": [{"match": {"categories": ["auth"]}, "scope": "credential"},
                {"match": {"categories": ["auth", "model_unavailable"]}, "failures": 3}]}"#,
        )
        .unwrap();
        let rule = |category| {
            let failure = Failure::new(category, Sent::Nothing, "");
            policy.rule(&failure, ModelType::TextGenerate).map(|(number, rule)| format!("{number} {} {rule}", rule.scope))
        };
        assert_eq!(rule(Category::Auth).as_deref(), Some("1 credential 1 failure of categories=[auth]"));
        assert_eq!(
            rule(Category::ModelUnavailable).as_deref(),
            Some("2 platform_model 3 failures within 60 s of categories=[auth, model_unavailable]")
        );
        assert_eq!(rule(Category::Network), None);
        let again: AutoDisablePolicy = serde_json::from_str(&serde_json::to_string(&policy).unwrap()).unwrap();
        assert_eq!(again, policy);
    }

    #[test]
    fn what_is_forgotten_unknown_or_out_of_bounds_is_refused_by_name() {
        for (text, expected) in [
            (r#"{"rules": [{}]}"#, "missing field `match`"),
            (r#"{"rules": [{"match": {}, "failures": 0}]}"#, "`failures` is 0"),
            (r#"{"rules": [{"match": {}, "window_seconds": 100000}]}"#, "`window_seconds` is 100000"),
            (r#"{"rules": [{"match": {}, "scope": "model"}]}"#, "`model` is not a scope"),
            (r#"{"rules": [{"match": {}, "seconds": 5}]}"#, "unknown field `seconds`"),
            (r#"{"rule": []}"#, "unknown field `rule`"),
        ] {
            let error = serde_json::from_str::<AutoDisablePolicy>(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}

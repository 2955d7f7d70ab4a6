//! Cooldown rules: how long which failures keep whom alone, in place of the default table.

use std::num::NonZeroU32;
use std::time::Duration;

use super::rule::first_match;
use super::{Match, Scope, bounds, default_table};
use crate::failure::{Category, Failure};
use crate::kind::ModelType;

/// How long failures keep something alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CooldownPolicy {
    /// Read in order; the first that matches decides; then the default table.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<CooldownRule>,
}

/// One rule of it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CooldownRule {
    /// Which failures it is about.
    #[serde(rename = "match", default)]
    pub matches: Match,
    /// What is left alone; by default the platform model.
    #[serde(default)]
    pub scope: Scope,
    /// For how long, whatever the upstream asks; at most thirty days. If absent, as the default table says: for a rate limit as long as
    /// the upstream asks.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "bounds::some_seconds")]
    pub seconds: Option<NonZeroU32>,
}

impl CooldownPolicy {
    /// Whether it has no rule.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The rule about `failure`, with its number from 1.
    #[must_use]
    pub fn rule(&self, failure: &Failure, model_type: ModelType) -> Option<(u32, &CooldownRule)> {
        first_match(&self.rules, |rule| &rule.matches, failure, model_type)
    }
}

impl CooldownRule {
    /// How long `failure` keeps something alone.
    #[must_use]
    pub fn lasting(&self, failure: &Failure) -> Duration {
        match (self.seconds, failure.retry_after) {
            (Some(seconds), _) => Duration::from_secs(seconds.get().into()),
            (None, Some(asked)) if failure.category == Category::RateLimit => asked.min(default_table::LONGEST_RETRY_AFTER),
            (None, _) => default_table::row(failure.category).cooldown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Sent;

    #[test]
    fn a_rule_lasts_as_it_says_or_as_the_upstream_asks() {
        let policy: CooldownPolicy = serde_json::from_str(
            r#"{"rules": [{"match": {"categories": ["rate_limit"]}, "scope": "credential"},
                {"match": {"status_codes": [503]}, "seconds": 5}, {"scope": "platform"}]}"#,
        )
        .unwrap();
        let check = |failure: Failure, expected: &str| {
            let (number, rule) = policy.rule(&failure, ModelType::TextGenerate).unwrap();
            assert_eq!(format!("{number} {} {} s", rule.scope, rule.lasting(&failure).as_secs()), expected);
        };
        let failure = |category| Failure::new(category, Sent::Nothing, "");
        let asking = |category, seconds| Failure { retry_after: Some(Duration::from_secs(seconds)), ..failure(category) };
        check(failure(Category::RateLimit), "1 credential 30 s");
        check(asking(Category::RateLimit, 7), "1 credential 7 s");
        check(asking(Category::RateLimit, 1_000_000), "1 credential 3600 s");
        check(Failure { status: Some(503), ..asking(Category::Overloaded, 90) }, "2 platform_model 5 s");
        check(failure(Category::QuotaExhausted), "3 platform 600 s");
    }

    #[test]
    fn what_is_unknown_or_out_of_bounds_is_refused_by_name() {
        for (text, expected) in [
            (r#"{"rules": [{"seconds": 0}]}"#, "`seconds` is 0: write a number from 1 to 2592000"),
            (r#"{"rules": [{"lasting": 5}]}"#, "unknown field `lasting`"),
            (r#"{"seconds": 5}"#, "unknown field `seconds`"),
        ] {
            let error = serde_json::from_str::<CooldownPolicy>(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}

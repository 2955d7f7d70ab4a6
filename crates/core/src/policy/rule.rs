//! What a rule matches on. All that are given must match; the first rule that matches decides.

use crate::failure::{Category, Failure};
use crate::kind::ModelType;
use crate::policy::StatusPattern;

/// The conditions of a rule. An empty one matches every failure.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Match {
    /// Any of these categories.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<Category>,
    /// Any of these HTTP statuses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub status_codes: Vec<StatusPattern>,
    /// Any of these upstream error codes, exactly.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub error_codes: Vec<String>,
    /// Any of these in the message, whatever the case.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub message_contains: Vec<String>,
    /// Any of these model types.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub model_types: Vec<ModelType>,
}

impl Match {
    /// Whether all that is given matches.
    #[must_use]
    pub fn matches(&self, failure: &Failure, model_type: ModelType) -> bool {
        any_or_empty(&self.categories, |category| *category == failure.category)
            && any_or_empty(&self.status_codes, |pattern| failure.status.is_some_and(|status| pattern.matches(status)))
            && any_or_empty(&self.error_codes, |code| failure.code.as_deref() == Some(code.as_str()))
            && any_or_empty(&self.message_contains, |part| contains_ignoring_case(&failure.message, part))
            && any_or_empty(&self.model_types, |given| *given == model_type)
    }
}

/// The first of `rules` whose match matches, with its number from 1.
pub(crate) fn first_match<'a, R>(
    rules: &'a [R],
    of: impl Fn(&R) -> &Match,
    failure: &Failure,
    model_type: ModelType,
) -> Option<(u32, &'a R)> {
    (1..).zip(rules).find(|(_, rule)| of(rule).matches(failure, model_type))
}

impl std::fmt::Display for Match {
    /// The conditions as a trace shows them: `categories=[timeout], status_codes=[5xx]`, or `any failure`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let lists = [
            ("categories", list(&self.categories)),
            ("status_codes", list(&self.status_codes)),
            ("error_codes", list(&self.error_codes)),
            ("message_contains", list(&self.message_contains)),
            ("model_types", list(&self.model_types)),
        ];
        let mut given = lists.iter().filter_map(|(name, values)| values.as_ref().map(|values| (name, values))).peekable();
        if given.peek().is_none() {
            return f.write_str("any failure");
        }
        for (index, (name, values)) in given.enumerate() {
            write!(f, "{}{name}=[{values}]", if index == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

fn any_or_empty<T>(given: &[T], matches: impl Fn(&T) -> bool) -> bool {
    given.is_empty() || given.iter().any(matches)
}

fn contains_ignoring_case(text: &str, part: &str) -> bool {
    text.to_lowercase().contains(&part.to_lowercase())
}

fn list<T: std::fmt::Display>(values: &[T]) -> Option<String> {
    (!values.is_empty()).then(|| values.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Sent;

    fn failure(status: Option<u16>, message: &str) -> Failure {
        Failure { status, code: Some("slow_down".into()), ..Failure::new(Category::ServerError, Sent::Maybe, message) }
    }

    fn check(rule: &str, expected: bool) {
        let rule: Match = serde_json::from_str(rule).unwrap();
        assert_eq!(rule.matches(&failure(Some(503), "Please TRY AGAIN later"), ModelType::TextGenerate), expected, "{rule}");
    }

    #[test]
    fn all_that_are_given_must_match() {
        check("{}", true);
        check(r#"{"categories": ["timeout", "server_error"]}"#, true);
        check(r#"{"categories": ["timeout"]}"#, false);
        check(r#"{"status_codes": ["5xx"], "message_contains": ["try again"]}"#, true);
        check(r#"{"status_codes": ["5xx"], "message_contains": ["never"]}"#, false);
        check(r#"{"status_codes": [500, "502-504"]}"#, true);
        check(r#"{"error_codes": ["slow_down"], "model_types": ["text_generate"]}"#, true);
        check(r#"{"error_codes": ["slow"]}"#, false);
        check(r#"{"model_types": ["rerank"]}"#, false);
    }

    #[test]
    fn a_status_rule_matches_no_failure_without_a_status() {
        let rule: Match = serde_json::from_str(r#"{"status_codes": ["0-599"]}"#).unwrap_or_default();
        assert!(rule.status_codes.is_empty(), "0 is no status");
        let rule: Match = serde_json::from_str(r#"{"status_codes": ["5xx"]}"#).unwrap();
        assert!(!rule.matches(&failure(None, ""), ModelType::TextGenerate));
    }

    #[test]
    fn unknown_fields_and_values_are_refused_by_name() {
        for (rule, named) in [
            (r#"{"category": ["timeout"]}"#, "category"),
            (r#"{"categories": ["time_out"]}"#, "time_out"),
            (r#"{"status_codes": ["6xx"]}"#, "6xx"),
            (r#"{"model_types": ["text"]}"#, "text"),
        ] {
            let error = serde_json::from_str::<Match>(rule).unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
    }

    #[test]
    fn a_rule_shows_what_it_matches() {
        let rule: Match = serde_json::from_str(r#"{"categories": ["timeout", "network"], "status_codes": ["5xx", 429]}"#).unwrap();
        assert_eq!(rule.to_string(), "categories=[timeout, network], status_codes=[5xx, 429]");
        assert_eq!(Match::default().to_string(), "any failure");
    }
}

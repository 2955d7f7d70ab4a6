//! Failover: whether and how the next platform is tried.

use std::num::NonZeroU32;

use super::{Match, Scope, bounds};

/// When and how the next platform is tried.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FailoverPolicy {
    /// Platforms tried for one task; at most 99.
    #[serde(deserialize_with = "bounds::max_platforms")]
    pub max_platforms: NonZeroU32,
    /// From the start of the run; after it nothing more is begun. At most a day.
    #[serde(deserialize_with = "bounds::max_duration_seconds")]
    pub max_duration_seconds: NonZeroU32,
    /// Read in order; the first that matches decides; then the default table.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<FailoverRule>,
}

/// One rule of a failover policy.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "Wire")]
pub struct FailoverRule {
    /// Which failures it is about.
    #[serde(rename = "match")]
    pub matches: Match,
    /// What to do.
    pub action: FailoverAction,
    /// What the action is about; by default the platform model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
    /// How long a cooldown or a demotion lasts; by default as in the table of `spec.md` section 5.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<NonZeroU32>,
    /// How many steps a demotion goes down; by default 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<NonZeroU32>,
}

impl Default for FailoverPolicy {
    /// Every platform, for ten minutes, by the default table.
    fn default() -> Self {
        Self { max_platforms: bounds::MAX_PLATFORMS, max_duration_seconds: bounds::DEFAULT_DURATION_SECONDS, rules: Vec::new() }
    }
}

crate::words! {
    /// What a failover rule does.
    pub enum FailoverAction as "failover action" {
        /// Try the next platform.
        Next = "next",
        /// Leave this one alone for a while, and try the next.
        CooldownAndNext = "cooldown_and_next",
        /// Lower this one's priority for a while, and try the next.
        DemoteAndNext = "demote_and_next",
        /// Switch this one off until a person enables it, and try the next.
        DisableAndNext = "disable_and_next",
        /// Give up.
        Stop = "stop",
    }
}

/// A rule as it is written, before its fields are held against its action.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    #[serde(rename = "match", default)]
    matches: Match,
    action: FailoverAction,
    #[serde(default)]
    scope: Option<Scope>,
    #[serde(default)]
    seconds: Option<NonZeroU32>,
    #[serde(default)]
    steps: Option<NonZeroU32>,
}

/// A field that the rule's action has no use for, or whose value it can't take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadFailoverRule {
    /// It would be ignored.
    #[error("`{field}` has no meaning for the action `{action}`: leave it out")]
    Unused {
        /// The field.
        field: &'static str,
        /// The rule's action.
        action: FailoverAction,
    },
    /// It is too large.
    #[error("`{field}` is {given}: use at most {most}")]
    TooLarge {
        /// The field.
        field: &'static str,
        /// What was given.
        given: NonZeroU32,
        /// The most it can be.
        most: NonZeroU32,
    },
    /// Credentials have no priority.
    #[error("`scope` is credential, which has no priority to lower: write platform or platform_model")]
    DemotedCredential,
}

impl TryFrom<Wire> for FailoverRule {
    type Error = BadFailoverRule;

    fn try_from(wire: Wire) -> Result<Self, BadFailoverRule> {
        let Wire { matches, action, scope, seconds, steps } = wire;
        let (has_scope, has_seconds, has_steps) = match action {
            FailoverAction::Next | FailoverAction::Stop => (false, false, false),
            FailoverAction::CooldownAndNext => (true, true, false),
            FailoverAction::DemoteAndNext => (true, true, true),
            FailoverAction::DisableAndNext => (true, false, false),
        };
        let unused = [
            ("scope", scope.is_some() && !has_scope),
            ("seconds", seconds.is_some() && !has_seconds),
            ("steps", steps.is_some() && !has_steps),
        ];
        if let Some((field, _)) = unused.into_iter().find(|(_, unused)| *unused) {
            return Err(BadFailoverRule::Unused { field, action });
        }
        if action == FailoverAction::DemoteAndNext && scope == Some(Scope::Credential) {
            return Err(BadFailoverRule::DemotedCredential);
        }
        for (field, given, most) in [("seconds", seconds, bounds::MAX_REMEDY_SECONDS), ("steps", steps, bounds::MAX_DEMOTION_STEPS)] {
            if let Some(given) = given.filter(|given| *given > most) {
                return Err(BadFailoverRule::TooLarge { field, given, most });
            }
        }
        Ok(Self { matches, action, scope, seconds, steps })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(rule: &str, expected: &str) {
        let error = serde_json::from_str::<FailoverRule>(rule).unwrap_err().to_string();
        assert!(error.contains(expected), "{rule}: {error}");
    }

    #[test]
    fn a_field_its_action_has_no_use_for_is_refused_by_name() {
        refused(r#"{"action": "next", "seconds": 5}"#, "`seconds` has no meaning for the action `next`");
        refused(r#"{"action": "stop", "scope": "platform"}"#, "`scope` has no meaning for the action `stop`");
        refused(r#"{"action": "cooldown_and_next", "steps": 2}"#, "`steps` has no meaning");
        refused(r#"{"action": "disable_and_next", "seconds": 2}"#, "`seconds` has no meaning");
        refused(r#"{"action": "disable_and_next", "second": 2}"#, "unknown field `second`");
        refused(r#"{"action": "cooldown_and_next", "seconds": 99999999}"#, "`seconds` is 99999999: use at most 2592000");
        refused(r#"{"action": "demote_and_next", "scope": "credential"}"#, "`scope` is credential, which has no priority");
        refused(r#"{"action": "skip"}"#, "`skip` is not a failover action");
        refused(r#"{"match": {}}"#, "action");
    }

    #[test]
    fn an_empty_match_is_a_rule_about_everything() {
        let rule: FailoverRule = serde_json::from_str(r#"{"match": {}, "action": "demote_and_next", "steps": 2, "seconds": 60}"#).unwrap();
        assert_eq!(rule.matches, Match::default());
        let again: FailoverRule = serde_json::from_str(&serde_json::to_string(&rule).unwrap()).unwrap();
        assert_eq!(again, rule);
    }

    #[test]
    fn limits_are_bounded_and_have_defaults() {
        let read = serde_json::from_str::<FailoverPolicy>;
        assert_eq!(read("{}").unwrap(), FailoverPolicy::default());
        assert_eq!((FailoverPolicy::default().max_platforms.get(), FailoverPolicy::default().max_duration_seconds.get()), (99, 600));
        for (text, expected) in [
            (r#"{"max_platforms": 100}"#, "`max_platforms` is 100"),
            (r#"{"max_platforms": 0}"#, "`max_platforms` is 0"),
            (r#"{"max_duration_seconds": 86401}"#, "`max_duration_seconds` is 86401"),
            (r#"{"max_duration": 5}"#, "unknown field `max_duration`"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}

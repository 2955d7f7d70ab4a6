//! What is the matter with a platform, its models and its credentials: rows of `candidate_state`, and the switches of people.

use easyai_core::health::{Breaker, Condition, Subject};
use easyai_core::id::PlatformId;
use easyai_core::time::Timestamp;
use easyai_store::catalog::{CredentialRow, PlatformModelRow};
use serde::Serialize;

easyai_core::words! {
    /// In which way something is not well.
    pub enum State as "state" {
        /// A person left it alone.
        Disabled = "disabled",
        /// A policy switched it off until a person, or a probe, enables it.
        SwitchedOff = "switched_off",
        /// It is left alone for a while.
        CoolingDown = "cooling_down",
        /// Its circuit breaker lets nothing through.
        CircuitOpen = "circuit_open",
        /// Its circuit breaker lets one call through, to see how it is.
        CircuitHalfOpen = "circuit_half_open",
        /// Its priority is lowered for a while.
        Demoted = "demoted",
    }
}

/// One thing that is the matter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unwell {
    #[serde(skip)]
    pub subject: Subject,
    /// `platform`, `platform_model` or `credential`.
    pub scope: String,
    /// The model's or the credential's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    pub state: State,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    pub reason: String,
}

impl Unwell {
    /// In a table.
    pub fn row(&self, platform: &str) -> [String; 5] {
        let what = match (&self.name, self.subject) {
            (Some(name), Subject::PlatformModel(_)) => format!("model {name}"),
            (Some(name), Subject::Credential(_)) => name.clone(),
            (Some(_) | None, _) => "all of it".to_owned(),
        };
        let until = self.until.map(|until| until.to_string()).unwrap_or_default();
        [platform.to_owned(), what, self.state.to_string(), until, self.reason.clone()]
    }
}

/// All that is the matter with `platform` at `now`: first itself, then its models, then its credentials.
pub fn of(
    platform: PlatformId,
    models: &[PlatformModelRow],
    credentials: &[CredentialRow],
    conditions: &[(Subject, Condition)],
    now: Timestamp,
) -> Vec<Unwell> {
    let condition = |subject: Subject| conditions.iter().find(|(other, _)| *other == subject).map(|(_, condition)| condition);
    let told = |subject: Subject, name: Option<&str>| {
        let states = condition(subject).map(|condition| states(condition, now)).unwrap_or_default();
        let one = |(state, until, reason)| Unwell {
            subject,
            scope: subject.scope().to_string(),
            name: name.map(str::to_owned),
            state,
            until,
            reason,
        };
        states.into_iter().map(one).collect::<Vec<_>>()
    };
    let mut found = told(Subject::Platform(platform), None);
    for model in models.iter().filter(|model| model.platform_id == platform) {
        let subject = Subject::PlatformModel(model.id);
        if !model.enabled {
            let (scope, name) = (subject.scope().to_string(), Some(model.model.to_string()));
            found.push(Unwell { subject, scope, name, state: State::Disabled, until: None, reason: "by a person or the file".to_owned() });
        }
        found.extend(told(subject, Some(&model.model)));
    }
    for credential in credentials.iter().filter(|credential| credential.platform_id == platform) {
        found.extend(told(Subject::Credential(credential.id), Some(&credential.name)));
    }
    found
}

/// What is the matter at `now`, until when, and why.
fn states(condition: &Condition, now: Timestamp) -> Vec<(State, Option<Timestamp>, String)> {
    let mut found = Vec::new();
    if let Some(off) = &condition.disabled {
        found.push((State::SwitchedOff, None, condition.told(&off.reason).to_string()));
    }
    if let Some(cooling) = condition.cooling_at(now) {
        found.push((State::CoolingDown, Some(cooling.until), condition.told(&cooling.reason).to_string()));
    }
    match &condition.breaker {
        Breaker::Closed { .. } => {}
        Breaker::Open { until, reason, .. } if *until > now => {
            found.push((State::CircuitOpen, Some(*until), condition.told(reason).to_string()))
        }
        Breaker::Open { reason, .. } | Breaker::HalfOpen { reason, .. } => {
            found.push((State::CircuitHalfOpen, None, condition.told(reason).to_string()))
        }
    }
    if let Some(demoted) = condition.demoted.filter(|demoted| demoted.until > now) {
        found.push((State::Demoted, Some(demoted.until), format!("{} steps down", demoted.steps)));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(condition: &str, expected: &[&str]) {
        let condition: Condition = serde_json::from_str(condition).unwrap();
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        let told: Vec<String> =
            states(&condition, now).iter().map(|(state, until, why)| format!("{state} {} {why}", until.is_some())).collect();
        assert_eq!(told, expected);
    }

    #[test]
    fn what_has_passed_is_not_the_matter() {
        check("{}", &[]);
        check(r#"{"cooling": {"until": "2026-01-01T00:00:01Z", "reason": "slow"}}"#, &["cooling_down true slow"]);
        check(r#"{"cooling": {"until": "2025-01-01T00:00:00Z", "reason": "slow"}}"#, &[]);
        check(r#"{"demoted": {"until": "2026-01-01T00:00:01Z", "steps": 3}}"#, &["demoted true 3 steps down"]);
        check(r#"{"demoted": {"until": "2026-01-01T00:00:00Z", "steps": 3}}"#, &[]);
        check(r#"{"breaker": {"open": {"until": "2026-01-01T00:00:01Z", "opens": 1, "reason": "r"}}}"#, &["circuit_open true r"]);
        check(r#"{"breaker": {"open": {"until": "2025-01-01T00:00:01Z", "opens": 1, "reason": "r"}}}"#, &["circuit_half_open false r"]);
        check(
            r#"{"disabled": {"reason": "revoked", "actor": "policy", "at": "2025-01-01T00:00:01Z"}, "breaker": {"half_open": {"opens": 1, "reason": "r"}}}"#,
            &["switched_off false revoked", "circuit_half_open false r"],
        );
    }
}

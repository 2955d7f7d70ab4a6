//! What was decided after each failure, and why: kept with the attempt, shown by API, console and command line. Its JSON is the
//! contract.

use std::fmt::Write as _;
use std::time::Duration;

use crate::failure::{Category, Failure, Sent};
use crate::id::PlatformModelId;
use crate::policy::{Remedy, Scope};
use crate::reason::Reason;
use crate::run::Dice;

crate::words! {
    /// Which policy decided.
    pub enum PolicySource as "policy source" {
        /// No policy: it is always so.
        Fixed = "fixed",
        /// The table for failures that no rule matches.
        DefaultTable = "default_table",
        /// The retry policy of the platform model's policy set.
        RetryPolicy = "retry_policy",
        /// The cooldown rules, circuit breaker or auto-disable rules of the platform model's policy set.
        PolicySet = "policy_set",
        /// The runner policy.
        RunnerPolicy = "runner_policy",
        /// The platform model's own override.
        CandidateOverride = "candidate_override",
        /// The upstream itself.
        Upstream = "upstream",
    }
}

crate::words! {
    /// What was done.
    pub enum Action as "action" {
        /// The same client is called again.
        RetrySameClient = "retry_same_client",
        /// The platform's next credential is tried.
        NextCredential = "next_credential",
        /// The next platform is tried.
        NextPlatform = "next_platform",
        /// The run ends.
        Stop = "stop",
    }
}

crate::words! {
    /// What a failure did to its candidate.
    pub enum RemedyKind as "remedy" {
        /// Left alone for a while.
        CoolDown = "cool_down",
        /// Lower priority for a while.
        Demote = "demote",
        /// Switched off until a person enables it.
        Disable = "disable",
        /// Nothing is let through for a while, then one call.
        OpenCircuit = "open_circuit",
    }
}

/// One ruling: which policy said what.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Ruling {
    /// Which sort of policy.
    pub source: PolicySource,
    /// Its name or id.
    pub policy: String,
    /// The rule that matched, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<u32>,
    /// What in it decided, such as `max_attempts=2` or `categories=[server_error]`.
    pub value: String,
    /// Why, in one word.
    pub reason: Reason,
}

impl std::fmt::Display for Ruling {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.source {
            PolicySource::Fixed | PolicySource::DefaultTable | PolicySource::Upstream => write!(f, "the {}", self.policy)?,
            PolicySource::RetryPolicy | PolicySource::PolicySet | PolicySource::RunnerPolicy | PolicySource::CandidateOverride => {
                write!(f, "{} `{}`", self.source, self.policy)?;
            }
        }
        if let Some(rule) = self.rule {
            write!(f, " rule {rule}")?;
        }
        write!(f, " [{}] {}", self.value, self.reason.phrase())
    }
}

/// A failure as the trace shows it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct FailureNote {
    /// Its category.
    pub category: Category,
    /// The upstream's own code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The HTTP status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// What happened.
    pub message: String,
    /// Whether anything may have been sent.
    pub sent: Sent,
    /// How long the upstream asked us to wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// The upstream's `x-should-retry`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub should_retry: Option<bool>,
}

impl FailureNote {
    /// What of `failure` is shown.
    #[must_use]
    pub fn of(failure: &Failure) -> Self {
        Self {
            category: failure.category,
            code: failure.code.clone(),
            status: failure.status,
            message: failure.message.clone(),
            sent: failure.sent,
            retry_after_ms: failure.retry_after.map(millis),
            should_retry: failure.should_retry,
        }
    }

    /// The failure again, with everything that decisions look at.
    #[must_use]
    pub fn failure(&self) -> Failure {
        Failure {
            code: self.code.clone(),
            status: self.status,
            retry_after: self.retry_after_ms.map(Duration::from_millis),
            should_retry: self.should_retry,
            ..Failure::new(self.category, self.sent, self.message.clone())
        }
    }
}

/// What a failure did to its candidate, and by which policy.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RemedyNote {
    /// What was done.
    pub remedy: RemedyKind,
    /// To what.
    pub scope: Scope,
    /// For how long; none for what lasts until a person enables it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lasting_ms: Option<u64>,
    /// How many steps of priority.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<u32>,
    /// Which sort of policy asked for it.
    pub source: PolicySource,
    /// Its rule, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<u32>,
}

impl RemedyNote {
    /// What of `remedy` is shown.
    #[must_use]
    pub fn of(remedy: &Remedy, source: PolicySource, rule: Option<u32>) -> Self {
        let (kind, scope, lasting, steps) = match *remedy {
            Remedy::CoolDown { scope, lasting } => (RemedyKind::CoolDown, scope, Some(lasting), None),
            Remedy::Demote { scope, steps, lasting } => (RemedyKind::Demote, scope, Some(lasting), Some(steps)),
            Remedy::Disable { scope } => (RemedyKind::Disable, scope, None, None),
            Remedy::OpenCircuit { lasting } => (RemedyKind::OpenCircuit, remedy.scope(), Some(lasting), None),
        };
        Self { remedy: kind, scope, lasting_ms: lasting.map(millis), steps, source, rule }
    }
}

/// One decision, with everything it takes to explain it to a person.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct TraceEntry {
    /// When, from the start of the run.
    pub at_ms: u64,
    /// The attempt that failed, numbered within the task from 1.
    pub attempt: u32,
    /// The platform's name.
    pub platform: String,
    /// The candidate.
    pub platform_model: PlatformModelId,
    /// The credential that was used, where the platform has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
    /// Which sort of policy decided.
    pub source: PolicySource,
    /// Its name or id.
    pub policy: String,
    /// The rule that matched, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<u32>,
    /// What in it decided.
    pub value: String,
    /// Why, in one word.
    pub reason: Reason,
    /// What was done.
    pub action: Action,
    /// How long is waited before the next attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_ms: Option<u64>,
    /// What the wait was drawn with, where one was: *replay* draws it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dice: Option<Dice>,
    /// Why the same client is not called again, where it isn't and a choice was left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same_client: Option<Ruling>,
    /// What it did to the candidate.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remedies: Vec<RemedyNote>,
    /// What had gone wrong.
    pub failure: FailureNote,
}

impl TraceEntry {
    /// The ruling that decided.
    #[must_use]
    pub fn ruling(&self) -> Ruling {
        Ruling { source: self.source, policy: self.policy.clone(), rule: self.rule, value: self.value.clone(), reason: self.reason }
    }

    /// The entry in one line for a person.
    #[must_use]
    pub fn sentence(&self) -> String {
        let ruling = self.ruling();
        let credential = self.credential.as_ref().map(|name| format!(" with {name}")).unwrap_or_default();
        let mut line = format!("attempt {} at {}{credential} failed with {}", self.attempt, self.platform, self.failure.category);
        if let Some(status) = self.failure.status {
            // Writing to a `String` can't fail.
            let _ = write!(line, " (HTTP {status})");
        }
        let _ = match (self.action, self.wait_ms) {
            (Action::RetrySameClient, Some(wait)) => write!(line, ": retried in {wait} ms"),
            (Action::RetrySameClient, None) => write!(line, ": retried"),
            (Action::NextCredential, _) => write!(line, ": went on to the platform's next credential"),
            (Action::NextPlatform, _) => write!(line, ": went on to the next platform"),
            (Action::Stop, _) => write!(line, ": stopped ({})", self.reason),
        };
        let _ = write!(line, " because {ruling}");
        if let Some(other) = self.same_client.as_ref().filter(|other| **other != ruling) {
            let _ = write!(line, "; the same client was not called again because {other}");
        }
        self.remedies.iter().for_each(|remedy| line.extend(["; ", &remedy.sentence()]));
        line
    }
}

impl RemedyNote {
    /// What was done, in a few words for a person.
    #[must_use]
    pub fn sentence(&self) -> String {
        let what = match self.scope {
            Scope::Platform => "the platform",
            Scope::PlatformModel => "this model of the platform",
            Scope::Credential => "the platform's credential",
        };
        let time = self.lasting_ms.map(|ms| format!(" for {} s", ms.div_ceil(1_000))).unwrap_or_default();
        match self.remedy {
            RemedyKind::CoolDown => format!("{what} cools down{time}"),
            RemedyKind::Demote => format!("{what} is demoted by {}{time}", self.steps.unwrap_or(1)),
            RemedyKind::Disable => format!("{what} is disabled until a person enables it"),
            RemedyKind::OpenCircuit => format!("its circuit breaker opens{time}"),
        }
    }
}

/// Whole milliseconds, as traces and events show times.
#[must_use]
pub fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> TraceEntry {
        TraceEntry {
            at_ms: 12,
            attempt: 1,
            platform: "primary".into(),
            platform_model: PlatformModelId::from_uuid(uuid::Uuid::nil()),
            credential: None,
            source: PolicySource::RetryPolicy,
            policy: "standard".into(),
            rule: Some(1),
            value: "status_codes=[5xx], max_attempts=2".into(),
            reason: Reason::RuleMatched,
            action: Action::RetrySameClient,
            wait_ms: Some(200),
            dice: Some(Dice(u64::MAX)),
            same_client: None,
            remedies: Vec::new(),
            failure: FailureNote::of(&Failure { status: Some(500), ..Failure::new(Category::ServerError, Sent::Maybe, "boom") }),
        }
    }

    #[test]
    fn an_entry_is_a_sentence() {
        assert_eq!(
            entry().sentence(),
            "attempt 1 at primary failed with server_error (HTTP 500): retried in 200 ms because retry_policy `standard` rule 1 \
             [status_codes=[5xx], max_attempts=2] says so"
        );
    }

    #[test]
    fn both_rulings_and_the_remedies_are_told() {
        let same_client = Ruling {
            source: PolicySource::DefaultTable,
            policy: "default table".into(),
            rule: None,
            value: "category=auth".into(),
            reason: Reason::NotRetryable,
        };
        let disable = RemedyNote::of(&Remedy::Disable { scope: Scope::Platform }, PolicySource::RunnerPolicy, Some(2));
        let stop = TraceEntry { action: Action::Stop, wait_ms: None, same_client: Some(same_client), remedies: vec![disable], ..entry() };
        let sentence = stop.sentence();
        assert!(sentence.contains("stopped (rule_matched) because retry_policy `standard` rule 1"), "{sentence}");
        assert!(sentence.contains("was not called again because the default table [category=auth] has no second attempt"), "{sentence}");
        assert!(sentence.ends_with("; the platform is disabled until a person enables it"), "{sentence}");
    }

    #[test]
    fn each_remedy_is_a_clause() {
        let check =
            |remedy: Remedy, expected: &str| assert_eq!(RemedyNote::of(&remedy, PolicySource::PolicySet, None).sentence(), expected);
        let lasting = Duration::from_secs(30);
        check(Remedy::CoolDown { scope: Scope::Credential, lasting }, "the platform's credential cools down for 30 s");
        check(Remedy::Demote { scope: Scope::PlatformModel, steps: 2, lasting }, "this model of the platform is demoted by 2 for 30 s");
        check(Remedy::Disable { scope: Scope::Platform }, "the platform is disabled until a person enables it");
        check(Remedy::OpenCircuit { lasting }, "its circuit breaker opens for 30 s");
    }

    #[test]
    fn an_entry_reads_back_what_it_shows() {
        let text = serde_json::to_string(&entry()).unwrap();
        // As text: a JSON number of that size is rounded by many who read it.
        assert!(text.contains(r#""wait_ms":200,"dice":"18446744073709551615""#), "{text}");
        assert!(text.contains(r#""source":"retry_policy","policy":"standard","rule":1"#), "{text}");
        assert_eq!(serde_json::from_str::<TraceEntry>(&text).unwrap(), entry());
    }

    #[test]
    fn a_note_holds_all_of_a_failure_that_decisions_look_at() {
        let failure = Failure {
            code: Some("slow_down".into()),
            status: Some(429),
            retry_after: Some(Duration::from_millis(1_500)),
            should_retry: Some(true),
            ..Failure::new(Category::RateLimit, Sent::Nothing, "boom")
        };
        let text = serde_json::to_string(&FailureNote::of(&failure)).unwrap();
        assert_eq!(serde_json::from_str::<FailureNote>(&text).unwrap().failure(), failure);
    }
}

//! Every row of the default table, and rules in front of it.

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::fixtures;
use crate::policy::{FailoverPolicy, RetryPolicy};

/// A platform with a second attempt, and another platform after it.
struct Case {
    retry: &'static str,
    failover: &'static str,
    model_type: ModelType,
}

const TABLE: Case = Case { retry: r#"{"max_attempts": 2}"#, failover: "{}", model_type: ModelType::TextGenerate };

impl Case {
    fn decide(&self, failure: &Failure, attempts_here: u32) -> Decision {
        let retry: RetryPolicy = serde_json::from_str(self.retry).unwrap();
        let failover: FailoverPolicy = serde_json::from_str(self.failover).unwrap();
        let candidate = Arc::new(PlatformModel { policy_set: fixtures::policy_set(retry), ..fixtures::offer(fixtures::platform("a")) });
        let runner = fixtures::runner_policy(failover);
        let facts = Facts {
            model_type: self.model_type,
            attempts_here,
            platforms_tried: 1,
            elapsed: Duration::ZERO,
            deadline: None,
            next: Next::Fits,
            other_credential: false,
            out: None,
            next_elsewhere: Next::Fits,
            dice: 0,
        };
        decide(failure, &facts, &Policies { candidate: &candidate, runner: &runner, limits: &RunLimits::of(&runner) })
    }

    /// `again | then remedy`, as the first and the last attempt at the client end.
    fn check(&self, failure: &Failure, expected: &str) {
        let again = match self.decide(failure, 1).verb {
            Verb::RetrySameClient { .. } => "again",
            Verb::NextCredential | Verb::NextPlatform | Verb::Stop(_) => "no",
        };
        let last = self.decide(failure, 2);
        let then = match last.verb {
            Verb::RetrySameClient { .. } => "again".to_owned(),
            Verb::NextCredential => "next credential".to_owned(),
            Verb::NextPlatform => "next".to_owned(),
            Verb::Stop(reason) => format!("stop {reason}"),
        };
        let remedy = match last.remedy {
            None => String::new(),
            Some((Remedy::CoolDown { scope, lasting }, _)) => format!(", cool down {scope} {} s", lasting.as_secs()),
            Some((Remedy::Demote { scope, steps, lasting }, _)) => format!(", demote {scope} {steps} {} s", lasting.as_secs()),
            Some((Remedy::Disable { scope }, _)) => format!(", disable {scope}"),
            Some((Remedy::OpenCircuit { lasting }, _)) => format!(", open circuit {} s", lasting.as_secs()),
        };
        assert_eq!(format!("{again} | {then}{remedy}"), expected, "{}", failure.category);
    }
}

fn failure(category: Category) -> Failure {
    Failure::new(category, Sent::Maybe, "Please try again")
}

fn after(category: Category, seconds: u64) -> Failure {
    Failure { retry_after: Some(Duration::from_secs(seconds)), ..failure(category) }
}

#[test]
fn every_row_of_the_default_table() {
    for category in Category::ALL {
        let expected = match category {
            Category::Network | Category::ServerError | Category::BadResponse | Category::Timeout => "again | next",
            Category::Overloaded => "again | next, cool down platform_model 15 s",
            Category::RateLimit => "no | next, cool down platform_model 30 s",
            Category::QuotaExhausted => "no | next, cool down platform 600 s",
            Category::Auth => "no | next, disable platform",
            Category::ModelUnavailable => "no | next, cool down platform_model 600 s",
            Category::ContextLength | Category::LocalRateLimit => "no | next",
            Category::BadRequest | Category::ContentFilter | Category::Internal => "no | stop not_recoverable",
            Category::Cancelled => "no | stop client_cancelled",
        };
        TABLE.check(&failure(*category), expected);
    }
}

#[test]
fn a_rate_limit_lasts_as_long_as_the_upstream_says() {
    TABLE.check(&after(Category::RateLimit, 3), "again | next, cool down platform_model 3 s");
    TABLE.check(&after(Category::RateLimit, 90), "no | next, cool down platform_model 90 s");
    TABLE.check(&after(Category::RateLimit, 1_000_000), "no | next, cool down platform_model 3600 s");
    TABLE.check(&after(Category::Overloaded, 3), "again | next, cool down platform_model 15 s");
}

#[test]
fn media_is_tried_again_only_if_nothing_can_have_been_sent() {
    let media = Case { model_type: ModelType::ImageToVideo, ..TABLE };
    media.check(&failure(Category::Timeout), "no | stop media_may_have_been_sent");
    media.check(&Failure { sent: Sent::Nothing, ..failure(Category::Timeout) }, "again | next");
    media.check(&failure(Category::Overloaded), "again | next, cool down platform_model 15 s");
    media.check(&failure(Category::LocalRateLimit), "no | next");
}

#[test]
fn the_first_retry_rule_that_matches_decides() {
    let case = Case {
        retry: r#"{"max_attempts": 2, "rules": [
            {"match": {"categories": ["server_error"], "message_contains": ["TRY AGAIN"]}, "retry": false},
            {"match": {"categories": ["server_error", "bad_request", "rate_limit"]}, "retry": true}]}"#,
        ..TABLE
    };
    case.check(&failure(Category::ServerError), "no | next");
    case.check(&failure(Category::BadRequest), "again | stop not_recoverable");
    case.check(&failure(Category::RateLimit), "again | next, cool down platform_model 30 s");
    case.check(&after(Category::RateLimit, 60), "no | next, cool down platform_model 60 s");
    case.check(&failure(Category::Network), "again | next");
    let decision = case.decide(&failure(Category::BadRequest), 1);
    assert_eq!(
        (decision.ruling.rule, decision.ruling.value.as_str()),
        (Some(2), "categories=[server_error, bad_request, rate_limit], max_attempts=2")
    );
}

#[test]
fn the_first_failover_rule_that_matches_decides() {
    let case = Case {
        failover: r#"{"rules": [
            {"match": {"categories": ["auth"]}, "action": "next"},
            {"match": {"categories": ["network"]}, "action": "cooldown_and_next"},
            {"match": {"categories": ["overloaded"]}, "action": "cooldown_and_next", "scope": "platform", "seconds": 5},
            {"match": {"categories": ["rate_limit"]}, "action": "cooldown_and_next", "seconds": 7},
            {"match": {"categories": ["timeout"]}, "action": "demote_and_next", "steps": 3},
            {"match": {"categories": ["bad_response"]}, "action": "disable_and_next"},
            {"match": {"categories": ["server_error"]}, "action": "stop"},
            {"match": {"categories": ["local_rate_limit", "internal"]}, "action": "disable_and_next"},
            {"match": {}, "action": "demote_and_next", "seconds": 9}]}"#,
        ..TABLE
    };
    case.check(&failure(Category::Auth), "no | next");
    case.check(&failure(Category::Network), "again | next, cool down platform_model 30 s");
    case.check(&failure(Category::Overloaded), "again | next, cool down platform 5 s");
    case.check(&after(Category::RateLimit, 60), "no | next, cool down platform_model 7 s");
    case.check(&failure(Category::Timeout), "again | next, demote platform_model 3 60 s");
    case.check(&failure(Category::BadResponse), "again | next, disable platform_model");
    case.check(&failure(Category::ServerError), "again | stop rule_matched");
    case.check(&failure(Category::ContentFilter), "no | next, demote platform_model 1 9 s");
    // Our own limits and mistakes say nothing about the candidate.
    case.check(&failure(Category::LocalRateLimit), "no | next");
    case.check(&failure(Category::Internal), "no | next");
    let decision = case.decide(&failure(Category::Auth), 1);
    assert_eq!((decision.ruling.rule, decision.ruling.reason), (Some(1), Reason::RuleMatched));
    assert_eq!(decision.same_client.map(|ruling| ruling.reason), Some(Reason::NotRetryable));
}

#[test]
fn a_remedy_says_which_policy_asked_for_it() {
    let by_rule = Case { failover: r#"{"rules": [{"action": "disable_and_next", "scope": "platform"}]}"#, ..TABLE };
    let note = |case: &Case| case.decide(&failure(Category::Auth), 1).remedy.map(|(_, note)| (note.source, note.rule));
    assert_eq!(note(&by_rule), Some((PolicySource::RunnerPolicy, Some(1))));
    assert_eq!(note(&TABLE), Some((PolicySource::DefaultTable, None)));
}

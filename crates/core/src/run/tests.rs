//! Runs as they are told: every fixed reason, every limit, every override.

use super::script::Story;
use super::*;
use crate::catalog::PlatformModel;
use crate::fixtures;
use crate::kind::ModelType;
use crate::policy::Scope;
use crate::trace::PolicySource;

fn story() -> Story {
    Story::new()
}

/// The reasons of a trace, and why the same client was left.
fn reasons(story: &Story, script: &str) -> String {
    let told = story.play(script).trace;
    let told: Vec<String> = told
        .iter()
        .map(|entry| entry.same_client.as_ref().map_or(entry.reason.to_string(), |other| format!("{} ({})", entry.reason, other.reason)))
        .collect();
    told.join(" | ")
}

#[test]
fn a_failing_platform_is_left_for_the_next() {
    story().check("a 500 | b ok", "0ms a | 0ms b | ok");
    assert_eq!(reasons(&story(), "a 500 | b ok"), "same_client_max_attempts (same_client_max_attempts)");
}

#[test]
fn an_overloaded_platform_is_tried_again_and_then_left() {
    story().attempts(2).check("a 503 503 | b ok", "0ms a | 200ms a | 200ms b | ok");
}

#[test]
fn waits_grow_with_each_attempt() {
    story().attempts(4).check("a 500 500 500 500 | b ok", "0ms a | 200ms a | 600ms a | 1400ms a | 1400ms b | ok");
}

#[test]
fn each_platform_has_its_own_attempts() {
    story().attempts(2).check("a 500 500 | b 500 500 | c ok", "0ms a | 200ms a | 200ms b | 400ms b | 400ms c | ok");
}

#[test]
fn retries_that_are_switched_off_make_one_attempt() {
    let story = story().retry(r#"{"enabled": false, "max_attempts": 5}"#);
    story.check("a 500 | b ok", "0ms a | 0ms b | ok");
    assert_eq!(reasons(&story, "a 500 | b ok"), "retry_disabled (retry_disabled)");
}

#[test]
fn nothing_is_tried_after_the_first_delta() {
    story().attempts(3).check("a delta+503 | b ok", "0ms a | failed stream_already_started");
}

#[test]
fn a_run_without_a_next_platform_stops() {
    story().check("a 500", "0ms a | failed no_next_platform");
    assert_eq!(reasons(&story().attempts(2), "a 500 500"), "retryable | no_next_platform (same_client_max_attempts)");
}

#[test]
fn no_more_platforms_are_tried_than_allowed() {
    story().failover(r#"{"max_platforms": 2}"#).check("a 500 | b 500 | c ok", "0ms a | 0ms b | failed max_platforms_reached");
}

#[test]
fn nothing_begins_after_the_time_budget() {
    let story = story().failover(r#"{"max_duration_seconds": 10}"#);
    story.check("a 500,takes=10s | b ok", "0ms a | failed failover_time_budget_exceeded");
    story.check("a 500,takes=9s | b 500,takes=9s | c ok", "0ms a | 9000ms b | failed failover_time_budget_exceeded");
}

#[test]
fn a_wait_never_passes_the_time_budget() {
    let story = story().attempts(2).failover(r#"{"max_duration_seconds": 10}"#);
    story.check("a 500,takes=9900ms | b ok", "0ms a | 9900ms b | ok");
    assert_eq!(reasons(&story, "a 500,takes=9900ms | b ok"), "wait_passes_time_limit (wait_passes_time_limit)");
}

#[test]
fn the_callers_deadline_ends_the_run() {
    let story = story().attempts(2).deadline(Duration::from_secs(5));
    story.check("a timeout,takes=5s | b ok", "0ms a | failed deadline_exceeded");
    story.check("a 500,takes=4900ms | b ok", "0ms a | 4900ms b | ok");
    Story::new().deadline(Duration::ZERO).check("a ok", "failed deadline_exceeded");
}

#[test]
fn a_wait_that_took_too_long_begins_nothing() {
    let policy = fixtures::runner_policy(crate::policy::FailoverPolicy::default());
    for (deadline, expected) in
        [(None, StopReason::FailoverTimeBudgetExceeded), (Some(Duration::from_secs(9)), StopReason::DeadlineExceeded)]
    {
        let mut offer = fixtures::offer(fixtures::platform("a"));
        offer.policy_set = fixtures::policy_set(serde_json::from_str(r#"{"max_attempts": 2}"#).unwrap());
        let (mut run, _) = Opening::start(fixtures::selection(vec![offer]), policy.clone(), ModelType::TextGenerate, deadline);
        assert!(matches!(run.failed(&script::failure("500"), Duration::ZERO, Dice(0)).step, Step::Wait { .. }));
        let Step::Stop(stop) = run.waited(Duration::from_secs(600)) else { panic!("time is over") };
        assert_eq!((stop.reason, stop.failure.status), (expected, Some(500)));
        assert!(stop.entry.is_some_and(|entry| !entry.sentence().is_empty()));
    }
}

#[test]
fn a_caller_that_goes_away_ends_the_run() {
    story().attempts(3).check("a cancelled | b ok", "0ms a | failed client_cancelled");
    let selection = || fixtures::selection(vec![fixtures::offer(fixtures::platform("a"))]);
    let policy = fixtures::runner_policy(crate::policy::FailoverPolicy::default());
    let (run, _) = Opening::start(selection(), policy, ModelType::TextGenerate, None);
    let stop = run.cancelled(Duration::from_millis(5));
    assert_eq!((stop.reason, stop.failure.category), (StopReason::ClientCancelled, crate::failure::Category::Cancelled));
    let entry = run.deliver().cancelled(Duration::from_millis(9));
    assert_eq!((entry.reason, entry.at_ms), (StopReason::ClientCancelled, 9));
}

#[test]
fn what_no_platform_can_mend_stops() {
    for what in ["bad_request", "content_filter", "internal"] {
        story().attempts(3).check(&format!("a {what} | b ok"), "0ms a | failed not_recoverable");
    }
}

#[test]
fn a_prompt_too_long_goes_only_to_a_larger_context() {
    let sized = story().change(|offers| {
        offers.iter_mut().zip([8_000, 4_000, 8_000, 32_000]).for_each(|(offer, size)| offer.context_tokens = NonZeroU32::new(size));
    });
    sized.check("a context_length | b ok | c ok | d ok", "0ms a | 0ms d | ok");
    sized.check("a context_length | b ok", "0ms a | failed no_next_platform");
    // What was too small once is too small for the rest of the run.
    sized.check("a 500 | b context_length | c 500 | d ok", "0ms a | 0ms b | 0ms c | 0ms d | ok");
    sized.check("a context_length | b ok | c ok | d 500", "0ms a | 0ms d | failed no_next_platform");
    story().check("a context_length | b ok", "0ms a | 0ms b | ok");
}

#[test]
fn a_refused_platform_is_left_with_all_its_models() {
    let twice = story().change(|offers| offers[1].platform = std::sync::Arc::clone(&offers[0].platform));
    twice.check("a 401 | a2 ok | b ok", "0ms a | 0ms b | ok");
    twice.check("a 401 | a2 ok", "0ms a | failed no_next_platform");
    twice.check("a 500 | a2 ok", "0ms a | 0ms a2 | ok");
}

#[test]
fn a_media_job_that_may_have_been_accepted_is_never_submitted_again() {
    let media = || story().attempts(3).model_type(ModelType::VideoGenerate);
    for what in ["timeout", "network", "502", "bad_response", "502,should=true"] {
        media().check(&format!("a {what} | b ok"), "0ms a | failed media_may_have_been_sent");
    }
    let eager = media().retry(r#"{"max_attempts": 9, "rules": [{"retry": true}]}"#).failover(r#"{"rules": [{"action": "next"}]}"#);
    eager.check("a timeout | b ok", "0ms a | failed media_may_have_been_sent");
    media().check("a timeout,sent=nothing ok", "0ms a | 200ms a | ok");
    // An answer that refuses the job proves that it was not accepted.
    media().check("a 429 | b ok", "0ms a | 0ms b | ok");
    // So does its provider's own word that it failed.
    story().model_type(ModelType::VideoGenerate).check("a 500 | b ok", "0ms a | 0ms b | ok");
}

#[test]
fn the_upstreams_word_overrules_rules_but_not_limits() {
    story().attempts(3).check("a 500,should=false | b ok", "0ms a | 0ms b | ok");
    story().attempts(2).check("a 401,should=true 401,should=true | b ok", "0ms a | 200ms a | 200ms b | ok");
    story().retry(r#"{"enabled": false}"#).check("a 500,should=true | b ok", "0ms a | 0ms b | ok");
    assert_eq!(reasons(&story().attempts(3), "a 500,should=false | b ok"), "upstream_declined (upstream_declined)");
}

#[test]
fn retry_after_is_honoured_if_it_fits() {
    story().attempts(2).check("a 429,after=2s ok", "0ms a | 2000ms a | ok");
    story().attempts(2).check("a 500,after=50ms ok", "0ms a | 200ms a | ok");
    story().attempts(2).check("a 429,after=5s ok", "0ms a | 5000ms a | ok");
    story().attempts(2).check("a 429,after=6s | b ok", "0ms a | 0ms b | ok");
    story().attempts(2).check("a 429 | b ok", "0ms a | 0ms b | ok");
    assert_eq!(reasons(&story().attempts(2), "a 429,after=6s | b ok"), "retry_after_too_long (retry_after_too_long)");
    assert_eq!(reasons(&story().attempts(2), "a 429 | b ok"), "retry_after_unknown (retry_after_unknown)");
}

#[test]
fn overrides_of_a_candidate_replace_its_retry_policy() {
    let story = story().attempts(3).change(|offers| {
        offers[0].overrides =
            serde_json::from_str(r#"{"retry": {"max_attempts": 2, "backoff": {"initial_ms": 7, "jitter": false}}}"#).unwrap();
    });
    story.check("a 500 500 | b 500 500 500", "0ms a | 7ms a | 7ms b | 207ms b | 607ms b | failed no_next_platform");
    let entry = &story.play("a 500 500 | b ok").trace[1];
    assert_eq!((entry.source, entry.policy.as_str(), entry.value.as_str()), (PolicySource::CandidateOverride, "a/m", "max_attempts=2"));
}

#[test]
fn overrides_of_a_candidate_only_lower_the_limits_of_the_run() {
    let lower =
        story().change(|offers| offers[1].overrides = serde_json::from_str(r#"{"max_platforms": 2, "max_duration_seconds": 5}"#).unwrap());
    lower.check("a 500 | b 500 | c ok", "0ms a | 0ms b | failed max_platforms_reached");
    lower.check("a 500,takes=6s | b ok", "0ms a | 6000ms b | ok");
    lower.check("a 500,takes=3s | b 500,takes=3s | c ok", "0ms a | 3000ms b | failed failover_time_budget_exceeded");
    let entry = lower.play("a 500 | b 500 | c ok").trace.pop().unwrap();
    assert_eq!((entry.source, entry.value.as_str()), (PolicySource::CandidateOverride, "max_platforms=2"));
    let higher = story().failover(r#"{"max_platforms": 1}"#).change(|offers| offers[0].overrides.max_platforms = NonZeroU32::new(9));
    higher.check("a 500 | b ok", "0ms a | failed max_platforms_reached");
}

#[test]
fn every_decision_is_a_sentence() {
    let rules = r#"{"max_attempts": 2, "backoff": {"jitter": false}, "rules": [{"match": {"status_codes": ["5xx"]}, "retry": true}]}"#;
    let trace = story().retry(rules).play("a 500 500 | b 401").trace;
    let told: Vec<String> = trace.iter().map(crate::trace::TraceEntry::sentence).collect();
    assert_eq!(
        told[0],
        "attempt 1 at a failed with server_error (HTTP 500): retried in 200 ms because retry_policy `standard` rule 1 \
         [status_codes=[5xx], max_attempts=2] says so"
    );
    assert_eq!(
        told[1],
        "attempt 2 at a failed with server_error (HTTP 500): went on to the next platform because retry_policy `standard` \
         [max_attempts=2] allows no more attempts at the same client"
    );
    assert!(told[2].starts_with("attempt 3 at b failed with auth (HTTP 401): stopped (no_next_platform) because the run"), "{}", told[2]);
    assert!(told[2].ends_with("; the platform is disabled until a person enables it"), "{}", told[2]);
}

#[test]
fn a_candidate_is_mended_even_if_the_run_is_over() {
    assert_eq!(story().play("a 401").remedies, [Remedy::Disable { scope: Scope::Platform }]);
    let deadline = story().deadline(Duration::from_secs(1)).failover(r#"{"rules": [{"action": "cooldown_and_next"}]}"#);
    // A time-out that was the caller's own says nothing about the platform.
    assert!(deadline.play("a timeout,takes=1s").remedies.is_empty());
    assert_eq!(deadline.play("a timeout | b ok").remedies.len(), 1);
}

#[test]
fn a_refused_credential_leaves_the_platform_to_its_next_one() {
    let two = |offers: &mut Vec<PlatformModel>| {
        let credentials = vec![fixtures::credential("x"), fixtures::credential("y")];
        offers[0].platform = std::sync::Arc::new(crate::catalog::Platform { credentials, ..fixtures::platform("a") });
    };
    let story = story().failover(r#"{"max_platforms": 2}"#).change(two);
    story.check("a 401 ok | b ok", "0ms a | 0ms a | ok");
    story.check("a 429,after=30s 402 | b ok", "0ms a | 0ms a | 0ms b | ok");
    let played = story.play("a 401 429 | b ok");
    let scopes: Vec<Scope> = played.remedies.iter().map(crate::policy::Remedy::scope).collect();
    assert_eq!(scopes, [Scope::Credential, Scope::Credential]);
    let first = played.trace[0].sentence();
    assert!(first.starts_with("attempt 1 at a with x failed with auth (HTTP 401): went on to the platform's next credential"), "{first}");
    let stop = story.failover(r#"{"rules": [{"match": {"categories": ["auth"]}, "action": "stop"}]}"#);
    stop.check("a 401 | b ok", "0ms a | failed rule_matched");
}

#[test]
fn what_its_policy_set_took_out_is_not_called_again() {
    let retry = crate::policy::RetryPolicy { max_attempts: std::num::NonZeroU32::MIN.saturating_add(2), ..Default::default() };
    let offer = |name| PlatformModel { policy_set: fixtures::policy_set(retry.clone()), ..fixtures::offer(fixtures::platform(name)) };
    let policy = fixtures::runner_policy(crate::policy::FailoverPolicy::default());
    let selection = fixtures::selection(vec![offer("a"), offer("b")]);
    let (mut run, _) = Opening::start(selection, policy, ModelType::TextGenerate, None);
    run.taken_out(crate::trace::RemedyKind::OpenCircuit);
    let boom = super::script::failure("500");
    let verdict = run.failed(&boom, Duration::ZERO, Dice(0));
    assert!(matches!(verdict.step, Step::Attempt { candidate: 1, .. }), "{verdict:?}");
    let told = verdict.entry.sentence();
    assert!(told.contains("because policy_set `standard` [remedy=open_circuit] has no second attempt at the same client"), "{told}");
    assert!(matches!(run.failed(&boom, Duration::ZERO, Dice(0)).step, Step::Wait { .. }), "the next one is judged by itself");
}

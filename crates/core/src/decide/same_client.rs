//! Whether the same client is called again, and after how long; or why not.

use std::time::Duration;

use super::retry::EffectiveRetry;
use super::{Facts, Policies, by_table, deadline_passed, fixed, may_have_been_accepted};
use crate::failure::Failure;
use crate::policy::default_table::{self, SameClient};
use crate::reason::Reason;
use crate::trace::{PolicySource, Ruling};

/// The same client is called again.
pub(super) struct Again {
    pub(super) wait: Duration,
    pub(super) ruling: Ruling,
}

/// Considers another attempt at the same client. The first line that applies decides.
pub(super) fn consider(failure: &Failure, facts: &Facts, policies: &Policies<'_>) -> Result<Again, Ruling> {
    let retry = EffectiveRetry::of(policies.candidate);
    if may_have_been_accepted(failure, facts.model_type) {
        return Err(fixed("sent=maybe", Reason::MediaMayHaveBeenSent));
    }
    if let Some(out) = facts.out {
        let policy = policies.candidate.policy_set.name.to_string();
        let value = format!("remedy={out}");
        return Err(Ruling { source: PolicySource::PolicySet, policy, rule: None, value, reason: Reason::NotRetryable });
    }
    if !retry.enabled.value {
        return Err(retry.ruling(retry.enabled.source, None, "enabled=false".into(), Reason::RetryDisabled));
    }
    let mut ruling = willingness(failure, facts, &retry)?;
    let most = retry.max_attempts.value.get();
    if facts.attempts_here >= most {
        return Err(retry.ruling(retry.max_attempts.source, None, format!("max_attempts={most}"), Reason::SameClientMaxAttempts));
    }
    let wait = fitting_wait(failure, facts, policies, &retry)?;
    ruling.value.push_str(&format!(", max_attempts={most}"));
    Ok(Again { wait, ruling })
}

/// Whether another attempt makes sense at all: the upstream's own word, then the rules, then the table.
fn willingness(failure: &Failure, facts: &Facts, retry: &EffectiveRetry<'_>) -> Result<Ruling, Ruling> {
    if let Some(again) = failure.should_retry {
        let reason = if again { Reason::UpstreamAsked } else { Reason::UpstreamDeclined };
        let value = format!("x-should-retry={again}");
        return yes_or_no(again, Ruling { source: PolicySource::Upstream, policy: "upstream".into(), rule: None, value, reason });
    }
    let matching = retry.rules.value.iter().zip(1..).find(|(rule, _)| rule.matches.matches(failure, facts.model_type));
    if let Some((rule, number)) = matching {
        return yes_or_no(rule.retry, retry.ruling(retry.rules.source, Some(number), rule.matches.to_string(), Reason::RuleMatched));
    }
    match default_table::row(failure.category).same_client {
        SameClient::Yes => Ok(by_table(failure, Reason::Retryable)),
        SameClient::AfterRetryAfter if failure.retry_after.is_some() => Ok(by_table(failure, Reason::Retryable)),
        SameClient::AfterRetryAfter => Err(by_table(failure, Reason::RetryAfterUnknown)),
        SameClient::No => Err(by_table(failure, Reason::NotRetryable)),
    }
}

fn yes_or_no(yes: bool, ruling: Ruling) -> Result<Ruling, Ruling> {
    if yes { Ok(ruling) } else { Err(ruling) }
}

/// The wait before the next attempt: the backoff, or what the upstream asks if that is longer, but never past a limit of time.
fn fitting_wait(failure: &Failure, facts: &Facts, policies: &Policies<'_>, retry: &EffectiveRetry<'_>) -> Result<Duration, Ruling> {
    let (backoff, asked) = (retry.backoff.value, failure.retry_after.unwrap_or(Duration::ZERO));
    if asked > backoff.max() {
        let value = format!("backoff.max_ms={}, retry_after_ms={}", backoff.max_ms, asked.as_millis());
        return Err(retry.ruling(retry.backoff.source, None, value, Reason::RetryAfterTooLong));
    }
    let wait = backoff.wait(facts.attempts_here, facts.dice).max(asked);
    let begins = facts.elapsed.saturating_add(wait);
    let passed = deadline_passed(&Facts { elapsed: begins, ..*facts })
        .or_else(|| (begins >= policies.limits.max_duration()).then(|| policies.limits.time_over(policies.runner)));
    match passed {
        Some(limit) => {
            let value = format!("{}, wait_ms={}", limit.value, wait.as_millis());
            Err(Ruling { value, reason: Reason::WaitPassesTimeLimit, ..limit })
        }
        None => Ok(wait),
    }
}

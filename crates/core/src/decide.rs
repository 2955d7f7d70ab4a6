//! What to do after a failed attempt: call the same client again, go on to the next platform, or stop. Pure: facts in, decision out.
//!
//! First the platform's next credential (`credential`) and the same client are considered (`same_client`), then what comes after it (`then`), then whether anything may still begin
//! (`stop`). Within each, the first line that applies decides; their order is the policy. Above all rules stand three facts: the
//! caller is gone, time is up, a media job may have been accepted.

mod credential;
mod limits;
mod retry;
mod same_client;
mod stop;
mod then;

use std::num::NonZeroU32;
use std::time::Duration;

pub use limits::RunLimits;
pub use retry::EffectiveRetry;

use crate::catalog::PlatformModel;
use crate::failure::{Category, Failure, Sent};
use crate::kind::ModelType;
use crate::policy::{Remedy, RunnerPolicy};
use crate::reason::{Reason, StopReason};
use crate::trace::{PolicySource, RemedyKind, RemedyNote, Ruling};

/// Who could be tried after this candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Somebody.
    Fits,
    /// Nobody is left.
    NoneLeft,
    /// Nobody is left whose context is larger than this.
    NoneLarger(NonZeroU32),
}

/// What is known when an attempt has failed.
#[derive(Debug, Clone, Copy)]
pub struct Facts {
    /// What is done.
    pub model_type: ModelType,
    /// Attempts at this client, the failed one included.
    pub attempts_here: u32,
    /// Platforms tried, this one included.
    pub platforms_tried: u32,
    /// From the start of the run.
    pub elapsed: Duration,
    /// The caller's own, from the start of the run.
    pub deadline: Option<Duration>,
    /// Who could be tried next.
    pub next: Next,
    /// Whether the platform has another credential to try.
    pub other_credential: bool,
    /// What its policy set did to the candidate because of this failure: then it is not called again.
    pub out: Option<RemedyKind>,
    /// Who could be tried next if the whole platform is to be left alone.
    pub next_elsewhere: Next,
    /// Randomness, for the jitter of a wait.
    pub dice: u64,
}

/// The policies in force.
#[derive(Debug, Clone, Copy)]
pub struct Policies<'a> {
    /// The candidate that failed, with its policy set and overrides.
    pub candidate: &'a PlatformModel,
    /// The runner policy of the run.
    pub runner: &'a RunnerPolicy,
    /// The run's limits, after all overrides so far.
    pub limits: &'a RunLimits,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Call the same client again.
    RetrySameClient {
        /// After this long.
        wait: Duration,
    },
    /// Try the platform's next credential.
    NextCredential,
    /// Try the next platform.
    NextPlatform,
    /// Give up.
    Stop(StopReason),
}

/// A decision, and everything that explains it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What to do.
    pub verb: Verb,
    /// What decided it.
    pub ruling: Ruling,
    /// Why the same client is not called again, where it isn't.
    pub same_client: Option<Ruling>,
    /// What to do to the candidate.
    pub remedy: Option<(Remedy, RemedyNote)>,
}

/// What to do after `failure`.
#[must_use]
pub fn decide(failure: &Failure, facts: &Facts, policies: &Policies<'_>) -> Decision {
    if failure.category == Category::Cancelled {
        let ruling = fixed("caller went away", Reason::ClientCancelled);
        return Decision { verb: Verb::Stop(ruling.reason), ruling, same_client: None, remedy: None };
    }
    if let Some(decision) = credential::consider(failure, facts, policies) {
        return decision;
    }
    let same_client = match same_client::consider(failure, facts, policies) {
        Ok(again) => {
            return Decision { verb: Verb::RetrySameClient { wait: again.wait }, ruling: again.ruling, same_client: None, remedy: None };
        }
        Err(ruling) => ruling,
    };
    let response = then::response(failure, facts, policies);
    let (verb, ruling) = match stop::reason(failure, facts, policies, &response) {
        Some(ruling) => (Verb::Stop(ruling.reason), ruling),
        // Without a rule that says `next`, it is the end of the retries that sends the run on.
        None => (Verb::NextPlatform, response.rule.unwrap_or_else(|| same_client.clone())),
    };
    Decision { verb, ruling, same_client: Some(same_client), remedy: response.remedy }
}

/// Whether a paid job may have been accepted although it failed here. Nobody may submit it again, neither here nor elsewhere.
/// An answer that refuses the job is proof that it was not accepted, and so is a provider's own word that it failed. What stands between
/// (502, 504) only says that no answer came back.
#[must_use]
pub fn may_have_been_accepted(failure: &Failure, model_type: ModelType) -> bool {
    let refused = match failure.category {
        Category::RateLimit
        | Category::Overloaded
        | Category::Auth
        | Category::QuotaExhausted
        | Category::ModelUnavailable
        | Category::BadRequest
        | Category::ContentFilter
        | Category::ContextLength
        | Category::LocalRateLimit => true,
        Category::ServerError => matches!(failure.status, Some(500 | 501)),
        Category::Network | Category::Timeout | Category::BadResponse | Category::Cancelled | Category::Internal => false,
    };
    model_type.is_media() && failure.sent == Sent::Maybe && !refused
}

/// A ruling of no policy.
pub(crate) fn fixed(value: impl Into<String>, reason: Reason) -> Ruling {
    Ruling { source: PolicySource::Fixed, policy: "run".into(), rule: None, value: value.into(), reason }
}

/// A ruling of the default table.
fn by_table(failure: &Failure, reason: Reason) -> Ruling {
    let value = format!("category={}", failure.category);
    Ruling { source: PolicySource::DefaultTable, policy: "default table".into(), rule: None, value, reason }
}

fn deadline_passed(facts: &Facts) -> Option<Ruling> {
    let deadline = facts.deadline.filter(|deadline| facts.elapsed >= *deadline)?;
    Some(fixed(format!("timeout_ms={}", deadline.as_millis()), Reason::DeadlineExceeded))
}

#[cfg(test)]
mod tests;

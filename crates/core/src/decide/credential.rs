//! Whether the platform's next credential is tried: where one was refused, used up or limited, another may do. It uses up no platform.

use super::{Decision, Facts, Policies, Verb, deadline_passed, fixed, then};
use crate::failure::{Category, Failure};
use crate::policy::FailoverAction;
use crate::reason::Reason;

/// Whether `failure` is about the credential rather than the platform.
pub(super) const fn concerns(failure: &Failure) -> bool {
    match failure.category {
        Category::Auth | Category::QuotaExhausted | Category::RateLimit => true,
        Category::Network
        | Category::Timeout
        | Category::Overloaded
        | Category::ServerError
        | Category::ModelUnavailable
        | Category::BadRequest
        | Category::ContentFilter
        | Category::ContextLength
        | Category::BadResponse
        | Category::LocalRateLimit
        | Category::Cancelled
        | Category::Internal => false,
    }
}

/// The decision to try the next credential; none if there is none, or a rule or a limit of time stands against it.
pub(super) fn consider(failure: &Failure, facts: &Facts, policies: &Policies<'_>) -> Option<Decision> {
    if !concerns(failure)
        || !facts.other_credential
        || facts.out.is_some()
        || deadline_passed(facts).is_some()
        || facts.elapsed >= policies.limits.max_duration()
    {
        return None;
    }
    let response = then::response(failure, facts, policies);
    // What shuts the whole platform shuts its other credentials too.
    if response.action == FailoverAction::Stop || response.leaves_the_platform() {
        return None;
    }
    let ruling = fixed(format!("category={}", failure.category), Reason::NextCredential);
    Some(Decision { verb: Verb::NextCredential, ruling, same_client: None, remedy: response.remedy })
}

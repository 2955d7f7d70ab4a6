//! What a caller is told when a call is refused or fails. One type for both: the caller does the same with either.

use std::time::Duration;

use easyai_core::candidates::NoCandidates;
use easyai_core::error::ErrorCode;
use easyai_core::failure::{Category, Failure};
use easyai_core::id::TaskId;
use easyai_core::limit::{LimitKind, LimitScope, Refused};
use easyai_core::money::Money;
use easyai_core::reason::Reason;
use easyai_core::run::Stop;
use easyai_store::StoreError;

use crate::carry::Carried;

/// A call that gets no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct CallError {
    /// The task.
    pub task: TaskId,
    /// The stable code.
    pub code: ErrorCode,
    /// What happened, and what to do.
    pub message: String,
    /// The field of the request that the upstream complained about.
    pub param: Option<String>,
    /// When to come again.
    pub retry_after: Option<Duration>,
    /// Attempts that were made.
    pub attempts: u32,
}

/// When to come again after something that heals in a moment.
const A_MOMENT: Duration = Duration::from_secs(1);

impl CallError {
    /// A refusal before anything was tried.
    pub(crate) fn refused(task: TaskId, code: ErrorCode, message: impl Into<String>) -> Self {
        Self { task, code, message: message.into(), param: None, retry_after: None, attempts: 0 }
    }

    pub(crate) fn nobody(task: TaskId, nobody: &NoCandidates, carried: &Carried) -> Self {
        let param = match nobody {
            NoCandidates::CapabilityUnsupported { .. } => carried.bad_field.clone(),
            NoCandidates::WrongModelType { .. } => Some("model".into()),
            NoCandidates::ModelNotFound { .. }
            | NoCandidates::ModelNotAllowed { .. }
            | NoCandidates::ContextTooSmall { .. }
            | NoCandidates::NoCandidate { .. }
            | NoCandidates::CandidatesCoolingDown { .. } => None,
        };
        Self { retry_after: nobody.retry_after(), param, ..Self::refused(task, nobody.code(), nobody.to_string()) }
    }

    pub(crate) fn insufficient(task: TaskId, available: Money, needed: Money, currency: &str) -> Self {
        let message =
            format!("the wallet has {available} {currency} available, this request may cost {needed}: top up, or lower max_tokens");
        Self::refused(task, ErrorCode::InsufficientBalance, message)
    }

    pub(crate) fn store(task: TaskId, error: &StoreError) -> Self {
        if error.is_temporary() {
            tracing::warn!(%error, "A call was refused: the database is not available");
            let message = "the gateway's database is not available, so nothing could be booked: try again in a moment";
            return Self { retry_after: Some(A_MOMENT), ..Self::refused(task, ErrorCode::StoreUnavailable, message) };
        }
        tracing::error!(%error, "A call failed in the store");
        Self::refused(task, ErrorCode::InternalError, "the gateway could not record the call: its log says why")
    }

    pub(crate) fn shutting_down(task: TaskId) -> Self {
        let message = "the gateway is shutting down: try again in a moment";
        Self { retry_after: Some(A_MOMENT), ..Self::refused(task, ErrorCode::ShuttingDown, message) }
    }

    /// One of our own limits.
    pub(crate) fn limited(task: TaskId, refused: &Refused) -> Self {
        let code = match (refused.scope, refused.kind) {
            (LimitScope::Gateway, _) => ErrorCode::Overloaded,
            (_, LimitKind::DailyBudget | LimitKind::MonthlyBudget) => ErrorCode::BudgetExceeded,
            (
                _,
                LimitKind::RequestsPerMinute
                | LimitKind::TokensPerMinute
                | LimitKind::RequestsPerDay
                | LimitKind::TokensPerDay
                | LimitKind::Concurrent,
            ) => ErrorCode::RateLimit,
        };
        // What never fits does not fit later either.
        let retry_after = (!refused.never_fits()).then(|| refused.retry_after.unwrap_or(A_MOMENT));
        Self { retry_after, ..Self::refused(task, code, refused.to_string()) }
    }

    pub(crate) fn unbooked(task: TaskId, attempts: u32) -> Self {
        let message = "the answer could not be booked, so it was not delivered and is not charged: try again in a moment";
        Self { retry_after: Some(A_MOMENT), attempts, ..Self::refused(task, ErrorCode::StoreUnavailable, message) }
    }

    /// What the caller is told after the last attempt.
    pub(crate) fn after(task: TaskId, stop: &Stop, attempts: u32) -> Self {
        let (code, message) = told(stop, attempts);
        let retry_after = (code == ErrorCode::RateLimit).then(|| stop.failure.retry_after.unwrap_or(A_MOMENT));
        // A field is of use only to whoever can change the request.
        let param = if code.http_status() == 400 { stop.failure.param.clone() } else { None };
        Self { task, code, message, param, retry_after, attempts }
    }
}

fn told(stop: &Stop, attempts: u32) -> (ErrorCode, String) {
    let Failure { category, message, .. } = &stop.failure;
    if stop.reason == Reason::DeadlineExceeded {
        return (ErrorCode::UpstreamTimeout, format!("your deadline passed after {attempts} attempts; the last failure: {message}"));
    }
    let text = match category {
        // The request is at fault: the platform's own words help most.
        Category::BadRequest | Category::ContentFilter | Category::ContextLength => message.clone(),
        Category::Auth | Category::QuotaExhausted => {
            "no platform could be used with the gateway's credentials: ask your operator".to_owned()
        }
        Category::Network
        | Category::Timeout
        | Category::RateLimit
        | Category::Overloaded
        | Category::ServerError
        | Category::ModelUnavailable
        | Category::BadResponse
        | Category::LocalRateLimit
        | Category::Cancelled
        | Category::Internal => {
            format!("no platform could answer in {attempts} attempts ({}); the last failure: {category}: {message}", stop.reason)
        }
    };
    (ErrorCode::from_category(*category), text)
}

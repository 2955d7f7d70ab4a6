//! The codes a caller sees. A code is never renamed or reused; each has one HTTP status. The protocols give them their own shapes.

use crate::failure::Category;

crate::words! {
    /// Why a call was refused or failed.
    pub enum ErrorCode as "error code" {
        /// The request is wrong; the message names the field.
        BadRequest = "bad_request",
        /// The request is longer than the model's context.
        ContextLengthExceeded = "context_length_exceeded",
        /// Refused for its content.
        ContentFilter = "content_filter",
        /// The key is missing, unknown, expired or revoked.
        InvalidApiKey = "invalid_api_key",
        /// The wallet can't cover the request.
        InsufficientBalance = "insufficient_balance",
        /// The key's own budget is used up.
        BudgetExceeded = "budget_exceeded",
        /// No platform of the model can do what the request needs.
        CapabilityUnsupported = "capability_unsupported",
        /// The key or its group may not use this model.
        ModelNotAllowed = "model_not_allowed",
        /// The key may not do this.
        PermissionDenied = "permission_denied",
        /// No such model.
        ModelNotFound = "model_not_found",
        /// No such task, or not this caller's.
        TaskNotFound = "task_not_found",
        /// No such asset, not this caller's, or it has gone.
        AssetNotFound = "asset_not_found",
        /// The idempotency key was used with another body.
        IdempotencyConflict = "idempotency_conflict",
        /// The body is larger than allowed.
        RequestTooLarge = "request_too_large",
        /// A limit, ours or the upstream's, is used up.
        RateLimit = "rate_limit",
        /// The upstream failed.
        UpstreamError = "upstream_error",
        /// The upstream refused the operator's credential, or its account is out of quota.
        UpstreamAuth = "upstream_auth",
        /// All candidates are switched off or unfit.
        NoCandidate = "no_candidate",
        /// All candidates are cooling down.
        CandidatesCoolingDown = "candidates_cooling_down",
        /// The gateway is shutting down.
        ShuttingDown = "shutting_down",
        /// The database can't be reached or written.
        StoreUnavailable = "store_unavailable",
        /// Too much is going on here.
        Overloaded = "overloaded",
        /// The upstream took too long, or the caller's own deadline passed.
        UpstreamTimeout = "upstream_timeout",
        /// The gateway was stopped in the middle of the task.
        Interrupted = "interrupted",
        /// The caller gave up.
        Cancelled = "cancelled",
        /// What was made could not be brought home before its provider forgot it; it is not charged.
        AssetUnavailable = "asset_unavailable",
        /// Our own mistake.
        InternalError = "internal_error",
    }
}

impl ErrorCode {
    /// The HTTP status.
    #[must_use]
    pub const fn http_status(self) -> u16 {
        match self {
            Self::BadRequest | Self::ContextLengthExceeded | Self::ContentFilter | Self::CapabilityUnsupported => 400,
            Self::InvalidApiKey => 401,
            Self::InsufficientBalance | Self::BudgetExceeded => 402,
            Self::ModelNotAllowed | Self::PermissionDenied => 403,
            Self::ModelNotFound | Self::TaskNotFound | Self::AssetNotFound => 404,
            Self::IdempotencyConflict => 409,
            Self::RequestTooLarge => 413,
            Self::RateLimit => 429,
            // As nginx logs a caller that went away; nobody is there to read it.
            Self::Cancelled => 499,
            Self::Interrupted | Self::InternalError => 500,
            Self::UpstreamError | Self::UpstreamAuth | Self::AssetUnavailable => 502,
            Self::NoCandidate | Self::CandidatesCoolingDown | Self::ShuttingDown | Self::StoreUnavailable | Self::Overloaded => 503,
            Self::UpstreamTimeout => 504,
        }
    }

    /// What a caller sees when `category` was the last failure of a run.
    #[must_use]
    pub const fn from_category(category: Category) -> Self {
        match category {
            Category::Network | Category::Overloaded | Category::ServerError | Category::BadResponse | Category::ModelUnavailable => {
                Self::UpstreamError
            }
            Category::Timeout => Self::UpstreamTimeout,
            Category::RateLimit | Category::LocalRateLimit => Self::RateLimit,
            // Never the caller's 401 or 402: the credential and the account are the operator's.
            Category::Auth | Category::QuotaExhausted => Self::UpstreamAuth,
            Category::BadRequest => Self::BadRequest,
            Category::ContentFilter => Self::ContentFilter,
            Category::ContextLength => Self::ContextLengthExceeded,
            Category::Cancelled => Self::Cancelled,
            Category::Internal => Self::InternalError,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operators_credential_is_never_the_callers_fault() {
        for category in [Category::Auth, Category::QuotaExhausted] {
            assert_eq!(ErrorCode::from_category(category).http_status(), 502);
        }
    }

    #[test]
    fn every_code_is_an_error_and_reads_back() {
        for code in ErrorCode::ALL {
            assert!((400..600).contains(&code.http_status()), "{code}");
            assert_eq!(code.as_str().parse(), Ok(*code));
        }
        for (category, status) in
            [(Category::RateLimit, 429), (Category::Timeout, 504), (Category::ServerError, 502), (Category::BadRequest, 400)]
        {
            assert_eq!(ErrorCode::from_category(category).http_status(), status);
        }
    }
}

//! What went wrong in an attempt, in the gateway's own categories.

use std::time::Duration;

crate::words! {
    /// The categories of failure that policies match on. Each client maps its provider's answers to one.
    pub enum Category as "failure category" {
        /// No connection, or it broke.
        Network = "network",
        /// One of our time-outs, or the upstream's own.
        Timeout = "timeout",
        /// The upstream says: too many requests.
        RateLimit = "rate_limit",
        /// The upstream says: too much load on its side.
        Overloaded = "overloaded",
        /// The upstream failed.
        ServerError = "server_error",
        /// The platform's credential was refused.
        Auth = "auth",
        /// The platform's account is out of money or quota.
        QuotaExhausted = "quota_exhausted",
        /// This platform does not serve this model.
        ModelUnavailable = "model_unavailable",
        /// The request itself is wrong.
        BadRequest = "bad_request",
        /// Refused for its content.
        ContentFilter = "content_filter",
        /// Longer than the model's context.
        ContextLength = "context_length",
        /// An answer that is unparseable, empty or truncated.
        BadResponse = "bad_response",
        /// One of our own limits.
        LocalRateLimit = "local_rate_limit",
        /// The caller went away or gave up.
        Cancelled = "cancelled",
        /// Our own mistake.
        Internal = "internal",
    }
}

crate::words! {
    /// Whether the upstream may have begun the work. A field of the failure, so that no rule can cause a second submission.
    pub enum Sent as "sent state" {
        /// Nothing left this machine.
        Nothing = "nothing",
        /// Some or all of the request may have arrived.
        Maybe = "maybe",
    }
}

/// A failed attempt, as its client tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What sort of failure it was.
    pub category: Category,
    /// The upstream's own error code, if it gave one.
    pub code: Option<String>,
    /// The field of the request that the upstream complains about.
    pub param: Option<String>,
    /// The HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// For a person: what happened. Free of secrets; bounded to 2 KiB by the client.
    pub message: String,
    /// The id the upstream gave its answer.
    pub upstream_request_id: Option<String>,
    /// How long the upstream asks us to wait.
    pub retry_after: Option<Duration>,
    /// The upstream's `x-should-retry`: overrides whether the same platform is tried again.
    pub should_retry: Option<bool>,
    /// Whether anything may have been sent.
    pub sent: Sent,
}

impl Failure {
    /// A failure with nothing but its category and message.
    #[must_use]
    pub fn new(category: Category, sent: Sent, message: impl Into<String>) -> Self {
        Self {
            category,
            code: None,
            param: None,
            status: None,
            message: message.into(),
            upstream_request_id: None,
            retry_after: None,
            should_retry: None,
            sent,
        }
    }
}

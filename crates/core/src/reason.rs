//! Why a run goes on, leaves a client, or stops. One list for decisions, traces, events and explanations.

crate::words! {
    /// Why something was decided.
    pub enum Reason as "reason" {
        /// The default table lets the same client be called again.
        Retryable = "retryable",
        /// A rule decided.
        RuleMatched = "rule_matched",
        /// The upstream's `x-should-retry` asked for another attempt.
        UpstreamAsked = "upstream_asked",
        /// The upstream's `x-should-retry` asked for no further attempt.
        UpstreamDeclined = "upstream_declined",
        /// The default table doesn't let the same client be called again.
        NotRetryable = "not_retryable",
        /// The same client was called as often as its retry policy allows.
        SameClientMaxAttempts = "same_client_max_attempts",
        /// The retry policy is switched off.
        RetryDisabled = "retry_disabled",
        /// The platform has another credential to try.
        NextCredential = "next_credential",
        /// The upstream asks for a wait beyond the backoff's limit.
        RetryAfterTooLong = "retry_after_too_long",
        /// A rate limit whose end the upstream didn't tell.
        RetryAfterUnknown = "retry_after_unknown",
        /// The wait before another attempt at the same client would pass a limit of time.
        WaitPassesTimeLimit = "wait_passes_time_limit",
        /// The run may begin nothing more.
        FailoverTimeBudgetExceeded = "failover_time_budget_exceeded",
        /// The caller's own deadline.
        DeadlineExceeded = "deadline_exceeded",
        /// No candidate is left that could serve.
        NoNextPlatform = "no_next_platform",
        /// As many platforms were tried as the policy allows.
        MaxPlatformsReached = "max_platforms_reached",
        /// No other platform would do better.
        NotRecoverable = "not_recoverable",
        /// A media job may have been accepted: submitting it again could be paid for twice.
        MediaMayHaveBeenSent = "media_may_have_been_sent",
        /// Something was delivered already: the caller would see it twice.
        StreamAlreadyStarted = "stream_already_started",
        /// The caller went away or gave up.
        ClientCancelled = "client_cancelled",
    }
}

/// Why a run stopped: the reason of a [`crate::run::Stop`].
pub type StopReason = Reason;

impl Reason {
    /// The reason as the end of a sentence that says what decided: “because … *allows 2 attempts*”.
    #[must_use]
    pub const fn phrase(self) -> &'static str {
        match self {
            Self::Retryable => "allows another attempt",
            Self::RuleMatched => "says so",
            Self::UpstreamAsked => "asks for another attempt",
            Self::UpstreamDeclined => "asks for no other attempt",
            Self::NotRetryable => "has no second attempt at the same client for it",
            Self::SameClientMaxAttempts => "allows no more attempts at the same client",
            Self::RetryDisabled => "has retries switched off",
            Self::NextCredential => "tries the platform's next credential first",
            Self::RetryAfterTooLong => "doesn't wait for as long as the upstream asks",
            Self::RetryAfterUnknown => "has no second attempt where the upstream names no wait",
            Self::WaitPassesTimeLimit => "leaves no time for the wait before another attempt",
            Self::FailoverTimeBudgetExceeded => "allows nothing more to begin",
            Self::DeadlineExceeded => "leaves no time: the caller's deadline",
            Self::NoNextPlatform => "finds no candidate left",
            Self::MaxPlatformsReached => "allows no more platforms",
            Self::NotRecoverable => "expects no other platform to do better",
            Self::MediaMayHaveBeenSent => "never submits again what may have been accepted",
            Self::StreamAlreadyStarted => "tries no other candidate after the answer has begun",
            Self::ClientCancelled => "ends with its caller",
        }
    }
}

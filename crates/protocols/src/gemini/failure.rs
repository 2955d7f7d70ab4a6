//! From Google's words for an error to one of the gateway's categories.
//!
//! Source: `providers.md` section 12.5.

use easyai_core::failure::Category;

use super::details::{GoogleDetails, Quota};
use super::finish::{FILTERED, UNUSABLE};
use crate::openai::error::WireError;

/// Google's `status`, and the two kinds of our own for a 200 that is no answer. `INVALID_ARGUMENT` and `RESOURCE_EXHAUSTED` say too
/// little alone.
const STATUSES: &[(&str, Category)] = &[
    ("FAILED_PRECONDITION", Category::Auth),
    ("PERMISSION_DENIED", Category::Auth),
    ("UNAUTHENTICATED", Category::Auth),
    ("NOT_FOUND", Category::ModelUnavailable),
    ("OUT_OF_RANGE", Category::BadRequest),
    ("ABORTED", Category::ServerError),
    ("CANCELLED", Category::ServerError),
    ("INTERNAL", Category::ServerError),
    ("UNKNOWN", Category::ServerError),
    ("DATA_LOSS", Category::ServerError),
    ("UNAVAILABLE", Category::Overloaded),
    ("DEADLINE_EXCEEDED", Category::Timeout),
    (FILTERED, Category::ContentFilter),
    (UNUSABLE, Category::BadResponse),
];

/// What an error of Google's is; none if it is somebody else's, or if its status and message say more than its words.
pub(crate) fn category(status: Option<u16>, error: &WireError) -> Option<Category> {
    let word = error.kind.as_deref()?;
    let details = error.google.as_deref();
    if status == Some(402) || error.code.as_deref() == Some("402") {
        return None;
    }
    match word {
        // A wrong key is a 400 here.
        "INVALID_ARGUMENT" => {
            details.and_then(|details| details.reason.as_deref()).filter(|reason| *reason == "API_KEY_INVALID").map(|_| Category::Auth)
        }
        "RESOURCE_EXHAUSTED" => Some(exhausted(&error.message, details)),
        _other => STATUSES.iter().find(|(name, _)| *name == word).map(|(_, category)| *category),
    }
}

/// The message speaks of the quota, the plan and billing whatever is used up: it decides only where no detail does.
fn exhausted(message: &str, details: Option<&GoogleDetails>) -> Category {
    match details.and_then(|details| details.quota) {
        Some(Quota::Daily) => Category::QuotaExhausted,
        Some(Quota::Short) => Category::RateLimit,
        None => {
            let message = message.to_ascii_lowercase();
            let spent = ["per day", "perday", "credits are depleted", "spending cap", "spend limit", "limit: 0,"];
            if spent.iter().any(|words| message.contains(words)) { Category::QuotaExhausted } else { Category::RateLimit }
        }
    }
}

/// How long Google asks us to wait. With a daily quota it still says half a minute, which is not true.
pub(crate) fn retry_after(error: &WireError) -> Option<std::time::Duration> {
    let details = error.google.as_deref()?;
    details.retry_delay.filter(|_| details.quota != Some(Quota::Daily))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::openai::error::read_error;
    use crate::openai::failure::classify;

    fn check(http: u16, status: &str, message: &str, details: &str, expected: Category, wait_seconds: Option<u64>) {
        let body = format!(r#"{{"error":{{"code":{http},"message":"{message}","status":"{status}","details":[{details}]}}}}"#);
        for body in [body.clone(), format!("[{body}]")] {
            let failure = classify(Some(http), &read_error(body.as_bytes()), &|_| None);
            assert_eq!((failure.category, failure.retry_after), (expected, wait_seconds.map(Duration::from_secs)), "{body}");
            // The same inside a stream that answered 200.
            assert_eq!(classify(Some(200), &read_error(body.as_bytes()), &|_| None).category, expected, "{body}");
        }
    }

    fn violation(id: &str, value: &str) -> String {
        format!(
            r#"{{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{{"quotaMetric":"m","quotaId":"{id}","quotaValue":"{value}"}}]}}"#
        )
    }

    const WAIT: &str = r#"{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"36s"}"#;
    const QUOTA: &str = "You exceeded your current quota, please check your plan and billing details.";

    #[test]
    fn googles_words_say_what_failed() {
        let bad_key = r#"{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID","domain":"googleapis.com"}"#;
        check(400, "INVALID_ARGUMENT", "API key not valid.", bad_key, Category::Auth, None);
        check(400, "INVALID_ARGUMENT", "", bad_key, Category::Auth, None);
        check(400, "INVALID_ARGUMENT", "The input token count (9) exceeds the maximum", "", Category::ContextLength, None);
        check(400, "INVALID_ARGUMENT", "missing a thought_signature", "", Category::BadRequest, None);
        check(400, "FAILED_PRECONDITION", "User location is not supported", "", Category::Auth, None);
        check(402, "FAILED_PRECONDITION", "prepaid credit used up", "", Category::QuotaExhausted, None);
        check(403, "PERMISSION_DENIED", "Your API key was reported as leaked.", "", Category::Auth, None);
        check(404, "NOT_FOUND", "models/x is not found", "", Category::ModelUnavailable, None);
        check(499, "CANCELLED", "", "", Category::ServerError, None);
        check(500, "INTERNAL", "", "", Category::ServerError, None);
        check(503, "UNAVAILABLE", "The model is overloaded.", "", Category::Overloaded, None);
        check(504, "DEADLINE_EXCEEDED", "", "", Category::Timeout, None);
    }

    #[test]
    fn a_daily_quota_is_told_from_a_short_one() {
        let minute = violation("GenerateRequestsPerMinutePerProjectPerModel", "10");
        let day = violation("GenerateRequestsPerDayPerProjectPerModel-FreeTier", "20");
        let none = violation("GenerateRequestsPerMinutePerProjectPerModel", "0");
        let with = |first: &str| format!("{first},{WAIT}");
        check(429, "RESOURCE_EXHAUSTED", QUOTA, &with(&minute), Category::RateLimit, Some(36));
        check(429, "RESOURCE_EXHAUSTED", QUOTA, &with(&day), Category::QuotaExhausted, None);
        check(429, "RESOURCE_EXHAUSTED", QUOTA, &with(&none), Category::QuotaExhausted, None);
        check(429, "RESOURCE_EXHAUSTED", QUOTA, &format!("{day},{minute},{WAIT}"), Category::QuotaExhausted, None);
        check(429, "RESOURCE_EXHAUSTED", QUOTA, "", Category::RateLimit, None);
        check(429, "RESOURCE_EXHAUSTED", "Your prepayment credits are depleted.", "", Category::QuotaExhausted, None);
    }

    #[test]
    fn other_providers_words_are_not_googles() {
        assert_eq!(category(Some(400), &WireError { kind: Some("invalid_request_error".to_owned()), ..WireError::default() }), None);
        assert_eq!(category(Some(400), &WireError::default()), None);
    }
}

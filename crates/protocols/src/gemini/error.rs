//! Our errors in Google's shape.
//!
//! Source: `providers.md` section 12.7; `google.rpc.Status` and `google.rpc.RetryInfo`.

use std::time::Duration;

use easyai_core::error::ErrorCode;

#[derive(serde::Serialize)]
struct Outer<'a> {
    error: Inner<'a>,
}

#[derive(serde::Serialize)]
struct Inner<'a> {
    code: u16,
    message: &'a str,
    status: &'static str,
    details: Vec<Detail>,
}

#[derive(serde::Serialize)]
#[serde(tag = "@type")]
enum Detail {
    #[serde(rename = "type.googleapis.com/google.rpc.ErrorInfo")]
    ErrorInfo { reason: String, domain: &'static str },
    #[serde(rename = "type.googleapis.com/google.rpc.RetryInfo", rename_all = "camelCase")]
    RetryInfo { retry_delay: String },
}

/// Our error as Google tells one, with our own code as the reason. `retry_after`, if there is one, becomes a `RetryInfo`.
#[must_use]
pub fn error_body(code: ErrorCode, message: &str, retry_after: Option<Duration>) -> String {
    let reason = Detail::ErrorInfo { reason: code.as_str().to_ascii_uppercase(), domain: "easyai" };
    let retry = retry_after.map(|wait| Detail::RetryInfo { retry_delay: format!("{}s", wait.as_millis() as f64 / 1000.0) });
    let details = std::iter::once(reason).chain(retry).collect();
    let outer = Outer { error: Inner { code: code.http_status(), message, status: status(code), details } };
    // Strings and numbers alone can't fail to be written.
    serde_json::to_string(&outer).unwrap_or_default()
}

/// Google's word for a code.
const fn status(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::BadRequest
        | ErrorCode::ContextLengthExceeded
        | ErrorCode::ContentFilter
        | ErrorCode::CapabilityUnsupported
        | ErrorCode::RequestTooLarge => "INVALID_ARGUMENT",
        ErrorCode::InvalidApiKey => "UNAUTHENTICATED",
        ErrorCode::InsufficientBalance | ErrorCode::BudgetExceeded => "FAILED_PRECONDITION",
        ErrorCode::ModelNotAllowed | ErrorCode::PermissionDenied => "PERMISSION_DENIED",
        ErrorCode::ModelNotFound | ErrorCode::TaskNotFound | ErrorCode::AssetNotFound => "NOT_FOUND",
        ErrorCode::IdempotencyConflict => "ABORTED",
        ErrorCode::RateLimit => "RESOURCE_EXHAUSTED",
        ErrorCode::Cancelled => "CANCELLED",
        ErrorCode::UpstreamError
        | ErrorCode::UpstreamAuth
        | ErrorCode::AssetUnavailable
        | ErrorCode::Interrupted
        | ErrorCode::InternalError => "INTERNAL",
        ErrorCode::NoCandidate
        | ErrorCode::CandidatesCoolingDown
        | ErrorCode::ShuttingDown
        | ErrorCode::StoreUnavailable
        | ErrorCode::Overloaded => "UNAVAILABLE",
        ErrorCode::UpstreamTimeout => "DEADLINE_EXCEEDED",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openai::error::read_error;

    #[test]
    fn our_errors_have_googles_shape() {
        let body = error_body(ErrorCode::RateLimit, "say \"please\"", Some(Duration::from_millis(34_400)));
        assert_eq!(
            body,
            r#"{"error":{"code":429,"message":"say \"please\"","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"RATE_LIMIT","domain":"easyai"},{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"34.4s"}]}}"#
        );
        let read = read_error(body.as_bytes());
        assert_eq!(read.google.and_then(|google| google.retry_delay), Some(Duration::from_millis(34_400)));
        assert!(error_body(ErrorCode::RateLimit, "", Some(Duration::from_secs(36))).contains("\"36s\""));
        assert!(!error_body(ErrorCode::InvalidApiKey, "", None).contains("RetryInfo"));
    }
}

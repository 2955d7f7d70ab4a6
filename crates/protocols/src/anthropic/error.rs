//! Our errors in Anthropic's shape.

use bytes::BytesMut;
use easyai_core::error::ErrorCode;

use super::frame::write_frame;

#[derive(serde::Serialize)]
struct Outer<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    error: Inner<'a>,
    /// The header has ours. SDKs type it as text or null.
    request_id: Option<&'a str>,
}

#[derive(serde::Serialize)]
struct Inner<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    message: &'a str,
}

/// Our error in Anthropic's shape. It has no place for `param`: the message names the field.
#[must_use]
pub fn error_body(code: ErrorCode, message: &str, _param: Option<&str>) -> String {
    // Strings alone can't fail to be written.
    serde_json::to_string(&outer(code, message)).unwrap_or_default()
}

/// Appends our error inside a stream that has begun. Nothing follows it.
pub(super) fn write_error(code: ErrorCode, message: &str, out: &mut BytesMut) {
    write_frame(out, "error", &outer(code, message));
}

const fn outer(code: ErrorCode, message: &str) -> Outer<'_> {
    Outer { kind: "error", error: Inner { kind: kind(code), message }, request_id: None }
}

/// Anthropic's `error.type` for a code (`providers.md` section 12.7).
const fn kind(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::BadRequest
        | ErrorCode::ContextLengthExceeded
        | ErrorCode::ContentFilter
        | ErrorCode::CapabilityUnsupported
        | ErrorCode::Cancelled => "invalid_request_error",
        ErrorCode::InvalidApiKey => "authentication_error",
        ErrorCode::InsufficientBalance | ErrorCode::BudgetExceeded => "billing_error",
        ErrorCode::ModelNotAllowed | ErrorCode::PermissionDenied => "permission_error",
        ErrorCode::ModelNotFound | ErrorCode::TaskNotFound | ErrorCode::AssetNotFound => "not_found_error",
        ErrorCode::IdempotencyConflict => "conflict_error",
        ErrorCode::RequestTooLarge => "request_too_large",
        ErrorCode::RateLimit => "rate_limit_error",
        ErrorCode::UpstreamError
        | ErrorCode::UpstreamAuth
        | ErrorCode::AssetUnavailable
        | ErrorCode::Interrupted
        | ErrorCode::InternalError => "api_error",
        ErrorCode::NoCandidate
        | ErrorCode::CandidatesCoolingDown
        | ErrorCode::ShuttingDown
        | ErrorCode::StoreUnavailable
        | ErrorCode::Overloaded => "overloaded_error",
        ErrorCode::UpstreamTimeout => "timeout_error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_have_anthropics_shape() {
        assert_eq!(
            error_body(ErrorCode::InsufficientBalance, "say \"please\"", Some("model")),
            r#"{"type":"error","error":{"type":"billing_error","message":"say \"please\""},"request_id":null}"#
        );
        let mut frame = BytesMut::new();
        write_error(ErrorCode::Overloaded, "a\nb", &mut frame);
        assert_eq!(
            &frame[..],
            b"event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"a\\nb\"},\"request_id\":null}\n\n"
        );
    }

    #[test]
    fn every_code_has_the_type_that_sdks_expect_for_its_status() {
        let expected = |status: u16| match status {
            400 | 499 => "invalid_request_error",
            401 => "authentication_error",
            402 => "billing_error",
            403 => "permission_error",
            404 => "not_found_error",
            409 => "conflict_error",
            413 => "request_too_large",
            429 => "rate_limit_error",
            503 => "overloaded_error",
            504 => "timeout_error",
            _server => "api_error",
        };
        for code in ErrorCode::ALL {
            assert_eq!(kind(*code), expected(code.http_status()), "{code}");
        }
    }
}

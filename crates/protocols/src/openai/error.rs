//! Errors on the wire: read leniently from upstreams, written in OpenAI's own shape to callers.

use bytes::Bytes;
use easyai_core::error::ErrorCode;
use serde_json::value::RawValue;

use super::lenient::{Object, Word};
use crate::gemini::details::{self, GoogleDetails};
use crate::sse;

/// The longest message that is kept of an upstream's error.
const MAX_MESSAGE_BYTES: usize = 2048;

/// An upstream's error, out of whatever shape it came in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WireError {
    /// For a person; bounded.
    pub message: String,
    /// `code`, as text.
    pub code: Option<String>,
    /// `type`.
    pub kind: Option<String>,
    /// The field that is wrong.
    pub param: Option<String>,
    /// What Google tells beside it.
    pub google: Option<Box<GoogleDetails>>,
}

#[derive(serde::Deserialize)]
struct Body<'a> {
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
    #[serde(borrow, default)]
    detail: Option<&'a RawValue>,
    #[serde(rename = "ResponseMetadata", default)]
    response_metadata: Option<ResponseMetadata>,
    #[serde(default)]
    base_resp: Option<BaseResp>,
    /// OpenRouter's error lies in the choice that failed.
    #[serde(borrow, default)]
    choices: Option<&'a RawValue>,
    #[serde(flatten)]
    own: Fields,
}

#[derive(serde::Deserialize, Default)]
struct Fields {
    #[serde(default)]
    message: Word,
    #[serde(default)]
    code: Word,
    #[serde(default, rename = "type")]
    kind: Word,
    #[serde(default)]
    param: Word,
    #[serde(default)]
    status: Word,
    #[serde(default)]
    metadata: Option<Metadata>,
    #[serde(default)]
    details: Object<Details>,
}

/// Anthropic's: says more than the type. (Google's `details` is an array.)
#[derive(serde::Deserialize)]
struct Details {
    #[serde(default)]
    error_code: Word,
}

/// OpenRouter's: the true cause is in `raw`.
#[derive(serde::Deserialize)]
struct Metadata {
    #[serde(default)]
    raw: Word,
}

#[derive(serde::Deserialize)]
struct ResponseMetadata {
    #[serde(rename = "Error", default)]
    error: Option<FrontError>,
}

#[derive(serde::Deserialize)]
struct FrontError {
    #[serde(rename = "Code", default)]
    code: Word,
    #[serde(rename = "Message", default)]
    message: Word,
}

#[derive(serde::Deserialize)]
struct BaseResp {
    #[serde(default)]
    status_code: Word,
    #[serde(default)]
    status_msg: Word,
}

#[derive(serde::Deserialize)]
struct Detail {
    #[serde(default)]
    msg: Word,
}

/// Reads an error body in any of the shapes of `providers.md` section 12.1; what has no shape is its own message.
#[must_use]
pub fn read_error(body: &[u8]) -> WireError {
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    let object = first_element(text);
    match serde_json::from_str::<Body<'_>>(object) {
        Ok(body) => from_body(body),
        Err(_) => WireError { message: unshaped(text), ..WireError::default() },
    }
}

/// Google puts an error into an array on stream paths.
fn first_element(text: &str) -> &str {
    if !text.starts_with('[') {
        return text;
    }
    serde_json::from_str::<Vec<&RawValue>>(text).ok().and_then(|elements| elements.first().map(|first| first.get())).unwrap_or(text)
}

fn unshaped(text: &str) -> String {
    if text.is_empty() {
        "the error has no text".to_owned()
    } else if text.starts_with('<') {
        "an HTML page, as a proxy in between gives".to_owned()
    } else {
        bounded(text)
    }
}

fn from_body(body: Body<'_>) -> WireError {
    if let Some(error) = body.error.filter(|error| error.get() != "null") {
        return match serde_json::from_str::<Fields>(error.get()) {
            Ok(fields) => WireError { google: details::read(error.get()), ..from_fields(fields) },
            Err(_) => WireError { message: plain_text(error), code: body.own.code.0, ..WireError::default() },
        };
    }
    if let Some(front) = body.response_metadata.and_then(|metadata| metadata.error) {
        return WireError { message: bounded(&front.message.0.unwrap_or_default()), code: front.code.0, ..WireError::default() };
    }
    if let Some(base) = body.base_resp {
        let kind = base.status_code.0.as_deref().and_then(minimax_kind).map(str::to_owned);
        return WireError {
            message: bounded(&base.status_msg.0.unwrap_or_default()),
            code: base.status_code.0,
            kind,
            ..WireError::default()
        };
    }
    if let Some(fields) = body.choices.and_then(of_a_choice) {
        return from_fields(fields);
    }
    if let Some(detail) = body.detail {
        return WireError { message: detail_text(detail), ..WireError::default() };
    }
    from_fields(body.own)
}

/// What MiniMax's numbers mean, in words that others use.
///
/// Source: MiniMax API reference, error codes.
fn minimax_kind(code: &str) -> Option<&'static str> {
    match code {
        "1001" => Some("timeout_error"),
        // Requests, connections, tokens for a minute.
        "1002" | "1039" | "1041" => Some("rate_limit_error"),
        "1004" | "2049" => Some("authentication_error"),
        "1008" | "2056" => Some("billing_error"),
        "1000" | "1013" | "1024" | "1033" => Some("server_error"),
        // The input, the output.
        "1026" | "1027" => Some("content_filter"),
        "2013" => Some("invalid_value"),
        _unknown => None,
    }
}

/// The first error among choices.
fn of_a_choice(choices: &RawValue) -> Option<Fields> {
    #[derive(serde::Deserialize)]
    struct Failed {
        #[serde(default)]
        error: Object<Fields>,
    }
    serde_json::from_str::<Vec<Failed>>(choices.get()).ok()?.into_iter().find_map(|choice| choice.error.0)
}

fn from_fields(fields: Fields) -> WireError {
    let raw = fields.metadata.and_then(|metadata| metadata.raw.0);
    let message = match (fields.message.0, raw) {
        (Some(message), Some(raw)) => format!("{message}: {raw}"),
        (Some(message), None) => message,
        (None, raw) => raw.unwrap_or_else(|| "the error has no text".to_owned()),
    };
    let code = fields.code.0.or_else(|| fields.details.0.and_then(|details| details.error_code.0));
    WireError { message: bounded(&message), code, kind: fields.kind.0.or(fields.status.0), param: fields.param.0, ..WireError::default() }
}

fn plain_text(raw: &RawValue) -> String {
    bounded(&serde_json::from_str::<String>(raw.get()).unwrap_or_else(|_| raw.get().to_owned()))
}

/// FastAPI's: text, or a list with a message each.
fn detail_text(detail: &RawValue) -> String {
    match serde_json::from_str::<Vec<Detail>>(detail.get()) {
        Ok(details) => bounded(&details.into_iter().filter_map(|detail| detail.msg.0).collect::<Vec<_>>().join("; ")),
        Err(_) => plain_text(detail),
    }
}

fn bounded(text: &str) -> String {
    if text.len() <= MAX_MESSAGE_BYTES {
        return text.to_owned();
    }
    let end = (0..=MAX_MESSAGE_BYTES).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    format!("{}…", &text[..end])
}

#[derive(serde::Serialize)]
struct Outer<'a> {
    error: Inner<'a>,
}

#[derive(serde::Serialize)]
struct Inner<'a> {
    message: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    param: Option<&'a str>,
    code: &'static str,
}

/// Our error in OpenAI's shape.
#[must_use]
pub fn error_body(code: ErrorCode, message: &str, param: Option<&str>) -> String {
    let outer = Outer { error: Inner { message, kind: kind(code), param, code: code.as_str() } };
    // Strings alone can't fail to be written.
    serde_json::to_string(&outer).unwrap_or_default()
}

/// Our error inside a stream that has begun. No `[DONE]` follows: the stream is not closed as if it were complete.
#[must_use]
pub fn error_frame(code: ErrorCode, message: &str) -> Bytes {
    sse::frame(error_body(code, message, None).as_bytes())
}

/// OpenAI's `type` for a code (`providers.md` section 12.7).
pub(crate) const fn kind(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::BadRequest
        | ErrorCode::ContextLengthExceeded
        | ErrorCode::ContentFilter
        | ErrorCode::CapabilityUnsupported
        | ErrorCode::InvalidApiKey
        | ErrorCode::ModelNotAllowed
        | ErrorCode::PermissionDenied
        | ErrorCode::ModelNotFound
        | ErrorCode::TaskNotFound
        | ErrorCode::AssetNotFound
        | ErrorCode::IdempotencyConflict
        | ErrorCode::RequestTooLarge
        | ErrorCode::Cancelled => "invalid_request_error",
        ErrorCode::InsufficientBalance | ErrorCode::BudgetExceeded => "insufficient_quota",
        ErrorCode::RateLimit => "rate_limit_exceeded",
        ErrorCode::UpstreamError
        | ErrorCode::UpstreamAuth
        | ErrorCode::AssetUnavailable
        | ErrorCode::NoCandidate
        | ErrorCode::CandidatesCoolingDown
        | ErrorCode::ShuttingDown
        | ErrorCode::StoreUnavailable
        | ErrorCode::Overloaded
        | ErrorCode::UpstreamTimeout
        | ErrorCode::Interrupted
        | ErrorCode::InternalError => "server_error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, message: &str, code: Option<&str>) {
        let error = read_error(body.as_bytes());
        assert_eq!((error.message.as_str(), error.code.as_deref()), (message, code), "{body}");
    }

    #[test]
    fn errors_are_read_from_every_shape() {
        check(r#"{"error":{"message":"m","type":"t","param":"p","code":"c"}}"#, "m", Some("c"));
        check(r#"{"error":"text"}"#, "text", None);
        check(r#"{"error":{"code":429,"message":"m","metadata":{"raw":"cause","provider_name":"x"}}}"#, "m: cause", Some("429"));
        check(r#"[{"error":{"code":400,"message":"m","status":"INVALID_ARGUMENT"}}]"#, "m", Some("400"));
        check(r#"{"type":"error","error":{"type":"overloaded_error","message":"m"},"request_id":"r"}"#, "m", None);
        check(
            r#"{"type":"error","error":{"type":"rate_limit_error","message":"m","details":{"error_code":"enforced_spend_limit_reached"}}}"#,
            "m",
            Some("enforced_spend_limit_reached"),
        );
        check(r#"{"error":{"message":"m","details":[{"error_code":"x"}]}}"#, "m", None);
        check(r#"{"ResponseMetadata":{"RequestId":"r","Error":{"Code":"C","Message":"m"}}}"#, "m", Some("C"));
        check(r#"{"detail":"m"}"#, "m", None);
        check(r#"{"detail":[{"loc":["body"],"msg":"m","type":"missing"},{"msg":"n"}]}"#, "m; n", None);
        check(r#"{"message":"m"}"#, "m", None);
        check(r#"{"code":"c","message":"m"}"#, "m", Some("c"));
        check(r#"{"base_resp":{"status_code":1008,"status_msg":"m"}}"#, "m", Some("1008"));
        check(r#"{"choices":[{"finish_reason":"error","error":{"code":502,"message":"m"}}]}"#, "m", Some("502"));
        check("<html>502</html>", "an HTML page, as a proxy in between gives", None);
        check("", "the error has no text", None);
        check("upstream connect error", "upstream connect error", None);
        check(r#"{"error":{"message":null,"code":null}}"#, "the error has no text", None);
    }

    #[test]
    fn long_messages_are_cut_at_a_character() {
        let error = read_error("é".repeat(5000).as_bytes());
        assert!(error.message.len() <= MAX_MESSAGE_BYTES + '…'.len_utf8());
    }

    #[test]
    fn our_errors_have_openais_shape() {
        let body = error_body(ErrorCode::InsufficientBalance, "say \"please\"", None);
        assert_eq!(
            body,
            r#"{"error":{"message":"say \"please\"","type":"insufficient_quota","param":null,"code":"insufficient_balance"}}"#
        );
        assert!(error_frame(ErrorCode::UpstreamError, "a\nb").ends_with(b"\n\n"));
    }
}

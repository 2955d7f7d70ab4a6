//! A failure in the middle of a stream of media.

use bytes::Bytes;
use easyai_core::error::ErrorCode;
use serde::Serialize;

use super::event;

#[derive(Serialize)]
struct Event<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    error: Inner<'a>,
}

#[derive(Serialize)]
struct Inner<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    code: &'static str,
    message: &'a str,
    param: Option<()>,
}

/// The event that ends a stream that failed. Official SDKs raise it by its `error`.
#[must_use]
pub fn stream_error(code: ErrorCode, message: &str) -> Bytes {
    let error = Inner { kind: crate::openai::error::kind(code), code: code.as_str(), message, param: None };
    event("error", &Event { kind: "error", error })
}

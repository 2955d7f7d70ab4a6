//! Who calls: the gateway key out of the request's head, found by its hash in the snapshot. Nothing here reads the database.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use easyai_core::error::ErrorCode;
use easyai_runner::{Caller, clock};

use super::error::ApiError;
use crate::app::App;

/// Where SDKs put the key: OpenAI's and Anthropic's with an auth token, Anthropic's, Google's.
const KEY_HEADERS: [&str; 3] = ["x-api-key", "x-goog-api-key", "api-key"];

/// One message for a key that is missing, unknown, expired or revoked: whoever guesses learns nothing.
const REFUSED: &str =
    "the API key is missing or not valid: send a gateway key as `Authorization: Bearer sk-…`, `x-api-key` or `x-goog-api-key`";

/// Finds the caller.
///
/// # Errors
/// `invalid_api_key`, whatever was wrong; the log says what.
pub fn caller(app: &App, headers: &HeaderMap) -> Result<Caller, ApiError> {
    find(app, headers, None)
}

/// The same, and Google's `?key=` counts too.
///
/// # Errors
/// `invalid_api_key`, whatever was wrong; the log says what.
pub fn caller_of(app: &App, head: &Parts) -> Result<Caller, ApiError> {
    let query = head.uri.query().unwrap_or_default();
    find(app, &head.headers, query.split('&').find_map(|pair| pair.strip_prefix("key=")).filter(|key| !key.is_empty()))
}

fn find(app: &App, headers: &HeaderMap, in_query: Option<&str>) -> Result<Caller, ApiError> {
    bounded(headers, app.max_header_bytes)?;
    let refused = || ApiError::new(ErrorCode::InvalidApiKey, REFUSED);
    let key = bearer(headers).or_else(|| bare(headers)).or(in_query).ok_or_else(refused)?;
    let catalog = app.runner.catalog();
    Caller::find(&catalog, &app.vault.hash_key(key), clock::now()).map_err(|why| {
        tracing::debug!(%why, "A key was refused");
        refused()
    })
}

/// Refuses a request whose head is too large.
///
/// # Errors
/// `request_too_large`.
pub(super) fn bounded(headers: &HeaderMap, max_bytes: usize) -> Result<(), ApiError> {
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if bytes <= max_bytes {
        return Ok(());
    }
    let message =
        format!("the request's headers are larger than {max_bytes} bytes: send less, or ask your operator to raise max_header_bytes");
    Err(ApiError::status(431, ErrorCode::RequestTooLarge, message))
}

/// The key of a header that holds nothing else.
fn bare(headers: &HeaderMap) -> Option<&str> {
    let key = |name: &&str| headers.get(*name)?.to_str().ok().map(str::trim).filter(|key| !key.is_empty());
    KEY_HEADERS.iter().find_map(key)
}

/// The token of a bearer header.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, key) = value.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") && !key.trim().is_empty()).then(|| key.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_from_a_bearer_header_only() {
        let read = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, axum::http::HeaderValue::from_static(value));
            bearer(&headers).map(str::to_owned)
        };
        assert_eq!(read("Bearer sk-1"), Some("sk-1".to_owned()));
        assert_eq!(read("bearer  sk-1 "), Some("sk-1".to_owned()));
        assert_eq!(read("Basic sk-1"), None);
        assert_eq!(read("Bearer "), None);
        assert_eq!(bearer(&HeaderMap::new()), None);
    }
}

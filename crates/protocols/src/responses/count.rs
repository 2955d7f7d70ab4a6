//! `POST /responses/input_tokens`: how long a prompt is.

use bytes::Bytes;

use super::scan::scan;
use crate::request::{BadRequest, TextRequest};

/// Reads the body of a count. The model may be missing: the count does not depend on it.
///
/// # Errors
/// [`BadRequest`] names the first field that is wrong.
pub fn request(body: Bytes) -> Result<TextRequest, BadRequest> {
    let object: Result<serde_json::Map<String, serde_json::Value>, _> = serde_json::from_slice(&body);
    let body = match object {
        Ok(mut object) => {
            object.entry("model").or_insert_with(|| "any".into());
            object.entry("input").or_insert_with(|| "".into());
            Bytes::from(serde_json::to_vec(&object).unwrap_or_default())
        }
        // The scan says what is wrong with it.
        Err(_) => body,
    };
    scan(body).map(|(request, _)| request)
}

/// `{"object":"response.input_tokens","input_tokens":14}`.
#[must_use]
pub fn answer(tokens: u64) -> Bytes {
    Bytes::from(format!("{{\"object\":\"response.input_tokens\",\"input_tokens\":{tokens}}}"))
}

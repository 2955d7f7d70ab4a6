//! `POST /responses/input_tokens`: how long a prompt is.

use bytes::Bytes;

use super::scan::scan_count;
use crate::request::{BadRequest, TextRequest};

/// A body that is only counted, with the response it goes on from: the model may be missing, as may all else.
///
/// # Errors
/// [`BadRequest`] names the first field that is wrong.
pub fn request(body: Bytes) -> Result<(TextRequest, Option<String>), BadRequest> {
    scan_count(body)
}

/// The quick estimate of a prompt, in tokens.
///
/// # Errors
/// [`BadRequest`] names the first field that is wrong.
pub fn estimate(body: &[u8]) -> Result<u64, BadRequest> {
    Ok(scan_count(Bytes::copy_from_slice(body))?.0.scan.prompt_tokens)
}

/// What is answered.
#[must_use]
pub fn answer(tokens: u64) -> Bytes {
    Bytes::from(format!(r#"{{"object":"response.input_tokens","input_tokens":{tokens}}}"#))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_is_counted_without_a_model() {
        let with_model = estimate(br#"{"model":"m","input":"12345678","instructions":"1234"}"#);
        assert_eq!(with_model, Ok(2 + 1 + 4));
        assert_eq!(estimate(br#"{"input":"12345678","instructions":"1234"}"#), with_model);
        assert_eq!(estimate(br#"{"input":7}"#).unwrap_err().param.as_deref(), Some("input"));
        assert_eq!(estimate(b"{}"), Ok(0));
        assert_eq!(answer(14), r#"{"object":"response.input_tokens","input_tokens":14}"#);
    }
}

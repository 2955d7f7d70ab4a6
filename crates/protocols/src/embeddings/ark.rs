//! Volcengine Ark's `POST /embeddings/multimodal`: one call makes one vector, and `data` of the answer is an object.
//! [`read_answer`](super::read_answer) reads the answer.
//!
//! Source: `providers.md` section 7.4.

use std::num::NonZeroU32;

use bytes::Bytes;

use super::Encoding;

#[derive(serde::Serialize)]
struct Wire<'a> {
    model: &'a str,
    input: [Part<'a>; 1],
    encoding_format: Encoding,
    #[serde(skip_serializing_if = "Option::is_none")]
    dimensions: Option<NonZeroU32>,
}

#[derive(serde::Serialize)]
struct Part<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    text: &'a str,
}

/// The call for the vector of one text.
#[must_use]
pub fn write_request(model: &str, text: &str, dimensions: Option<NonZeroU32>) -> Bytes {
    let wire = Wire { model, input: [Part { kind: "text", text }], encoding_format: Encoding::Float, dimensions };
    // Text and numbers can't fail to be written.
    Bytes::from(serde_json::to_vec(&wire).unwrap_or_default())
}

//! What must hold for every decoder, whatever bytes it is given: no panic, no memory without bound, and what is written is readable
//! again. The fuzz targets of `fuzz/` and the property tests of `tests/fuzz.rs` call these functions with bytes of theirs.
//!
//! Nothing is promised to anybody else: this is no part of the crate's face. Each function asserts, and says whether the bytes were
//! taken for what they should be, so that its callers can see that they test more than refusals.

mod answer;
mod media;
mod media_wire;
mod request;
mod stream;

use bytes::Bytes;
use easyai_core::error::ErrorCode;
use serde::de::IgnoredAny;

pub use self::answer::answer;
pub use self::media::media;
pub use self::media_wire::{FORM, MEDIA, form, media_answer, media_event, media_request};
pub use self::request::request;
pub use self::stream::{side, sse, stream};
use crate::bridge;
use crate::openai::error::read_error;
use crate::openai::failure::classify;
use crate::wire::{Envelope, Protocol};

/// The protocols that carry conversations.
pub const TEXTS: [Protocol; 5] =
    [Protocol::Chat, Protocol::Responses, Protocol::Messages, Protocol::GenerateContent, Protocol::Completions];

/// All protocols.
pub const ALL: [Protocol; 9] = [
    Protocol::Chat,
    Protocol::Responses,
    Protocol::Messages,
    Protocol::GenerateContent,
    Protocol::Completions,
    Protocol::Embeddings,
    Protocol::Moderations,
    Protocol::Rerank,
    Protocol::Compaction,
];

/// The longest message that is kept of an upstream's error, and what we put around it.
const MAX_ERROR_BYTES: usize = 4096;

/// An upstream's error is read and classified from any body, and can be told to any caller.
pub fn error(data: &[u8]) {
    let error = read_error(data);
    assert!(error.message.len() <= MAX_ERROR_BYTES, "an error's message is bounded");
    // A header that says what the upstream likes.
    let header = |_name: &str| Some(String::from_utf8_lossy(data).into_owned());
    for status in [None, Some(200), Some(400), Some(401), Some(403), Some(404), Some(429), Some(500), Some(529)] {
        let failure = classify(status, &error, &header);
        for protocol in ALL {
            let code = ErrorCode::UpstreamError;
            let body = bridge::error_body(protocol, code, &failure.message, failure.param.as_deref(), failure.retry_after);
            assert_json_or_nothing(body.as_bytes(), "an error for a caller");
        }
    }
}

/// What answers are written with. The request is echoed by responses, and was written by somebody who likes line breaks.
fn envelope() -> Envelope {
    Envelope {
        id: "0123456789abcdef".to_owned(),
        created_at: 1_760_000_000,
        model: "public-model".into(),
        include_usage: true,
        input_tokens: 7,
        request: Bytes::from_static(b"{\"model\":\"public-model\",\n\"metadata\":{\r\n\"a\":\r\"b\"},\"tools\":[\n],\"input\":\"x\"}"),
    }
}

fn is_json(data: &[u8]) -> bool {
    // Passing over a string does not look at its bytes.
    std::str::from_utf8(data).is_ok() && serde_json::from_slice::<IgnoredAny>(data).is_ok()
}

fn assert_json(data: &[u8], what: &str) {
    assert!(is_json(data), "{what} is JSON: {}", String::from_utf8_lossy(data));
}

fn assert_json_or_nothing(data: &[u8], what: &str) {
    if !data.is_empty() {
        assert_json(data, what);
    }
}

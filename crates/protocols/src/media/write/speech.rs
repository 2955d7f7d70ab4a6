//! Speech as the events of a stream. Whole, it is its bytes alone.
//!
//! Source: OpenAI API reference, Audio (`providers.md` section 4.5).

use bytes::Bytes;
use easyai_core::usage::Usage;
use serde::Serialize;

use super::{Base64, event};

#[derive(Serialize)]
struct Delta<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    audio: Base64<'a>,
}

#[derive(Serialize)]
struct Done {
    #[serde(rename = "type")]
    kind: &'static str,
    usage: WrittenUsage,
}

#[derive(Serialize)]
struct WrittenUsage {
    input_tokens: u64,
    output_tokens: u64,
    total_tokens: u64,
}

/// A piece of the sound.
#[must_use]
pub fn speech_delta(audio: &[u8]) -> Bytes {
    let kind = "speech.audio.delta";
    event(kind, &Delta { kind, audio: Base64(audio) })
}

/// The end.
#[must_use]
pub fn speech_done(usage: &Usage) -> Bytes {
    let kind = "speech.audio.done";
    let Usage { input_tokens, output_tokens, .. } = *usage;
    event(kind, &Done { kind, usage: WrittenUsage { input_tokens, output_tokens, total_tokens: usage.total_tokens() } })
}

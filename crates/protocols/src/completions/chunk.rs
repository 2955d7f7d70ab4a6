//! The typed form of a completion, whole or a chunk of it: both have one shape.

use easyai_core::usage::Usage;
use serde::{Deserialize, Serialize};

use crate::conversation::StopReason;
use crate::openai::error::{WireError, read_error};
use crate::openai::lenient::{Count, Present, Text, Word, tolerant};
use crate::openai::usage::WireUsage;

/// A completion or a chunk, as upstreams send it. `T` is what is to be known of the text: itself, or whether there is any.
#[derive(Deserialize)]
#[serde(bound = "T: Deserialize<'de> + Default")]
pub(super) struct Wire<T> {
    #[serde(default)]
    error: Present,
    /// An error without its wrapper, as FastAPI servers send it.
    #[serde(default)]
    detail: Present,
    #[serde(default)]
    message: Present,
    #[serde(default)]
    pub(super) id: Word,
    #[serde(default)]
    pub(super) model: Word,
    #[serde(default)]
    pub(super) choices: Option<Vec<Choice<T>>>,
    #[serde(default, deserialize_with = "tolerant")]
    pub(super) usage: Option<WireUsage>,
}

#[derive(Deserialize)]
#[serde(bound = "T: Deserialize<'de> + Default")]
pub(super) struct Choice<T> {
    #[serde(default)]
    pub(super) index: Count,
    #[serde(default)]
    pub(super) text: T,
    #[serde(default)]
    pub(super) finish_reason: Word,
}

impl<T> Wire<T> {
    /// The error that it is, if it is one. `data` is what it was read from.
    pub(super) fn error(&self, data: &[u8]) -> Option<WireError> {
        let is_error = self.error.0 || (self.choices.is_none() && (self.detail.0 || self.message.0));
        is_error.then(|| read_error(data))
    }
}

/// Appends the text of all choices. What can't be read delivered none.
pub(super) fn append_text(data: &[u8], into: &mut String) {
    if let Ok(wire) = serde_json::from_slice::<Wire<Text>>(data) {
        for choice in wire.choices.iter().flatten() {
            into.push_str(&choice.text.0);
        }
    }
}

/// A completion or a chunk, as callers get it.
#[derive(Debug, Serialize)]
pub(super) struct Written<'a> {
    pub(super) id: &'a str,
    pub(super) object: &'static str,
    pub(super) created: i64,
    pub(super) model: &'a str,
    pub(super) choices: &'a [WrittenChoice<'a>],
    /// `null` in chunks of a stream that shows usage at its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) usage: Option<Option<WrittenUsage>>,
}

/// What `object` says of completions and their chunks alike.
pub(super) const OBJECT: &str = "text_completion";

#[derive(Debug, Serialize)]
pub(super) struct WrittenChoice<'a> {
    pub(super) text: &'a str,
    pub(super) index: u32,
    /// Never there: requests that ask for them stay with upstreams of this protocol.
    pub(super) logprobs: (),
    pub(super) finish_reason: Option<&'static str>,
}

#[derive(Debug, Serialize)]
pub(super) struct WrittenUsage {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
    prompt_tokens_details: InputDetails,
    completion_tokens_details: OutputDetails,
}

#[derive(Debug, Serialize)]
struct InputDetails {
    cached_tokens: u64,
}

#[derive(Debug, Serialize)]
struct OutputDetails {
    reasoning_tokens: u64,
}

impl From<&Usage> for WrittenUsage {
    fn from(usage: &Usage) -> Self {
        Self {
            prompt_tokens: usage.input_tokens,
            completion_tokens: usage.output_tokens,
            total_tokens: usage.total_tokens(),
            prompt_tokens_details: InputDetails { cached_tokens: usage.cached_input_tokens },
            completion_tokens_details: OutputDetails { reasoning_tokens: usage.reasoning_tokens },
        }
    }
}

/// Completions know no tools: an answer that ends with a call has ended.
pub(super) const fn finish_reason(reason: StopReason) -> &'static str {
    match reason {
        StopReason::Stop | StopReason::ToolCalls => "stop",
        StopReason::Length => "length",
        StopReason::ContentFilter => "content_filter",
    }
}

//! The typed form of what upstreams answer, streamed or whole: only the fields that we act on. Whatever is unknown is passed over.
//!
//! Source: `providers.md` sections 9.2 and 9.3.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::usage::WireUsage;
use crate::conversation::Citation;
use crate::openai::lenient::{Count, Object, Objects, Present, Text, Word};
use crate::wire::BadEvent;

/// One event of a stream. The types' members have different names, so that one form holds them all.
#[derive(Debug, Deserialize)]
pub(super) struct Event {
    #[serde(default, rename = "type")]
    pub(super) kind: EventKind,
    /// Which block.
    #[serde(default)]
    pub(super) index: Count,
    /// Of `message_start`.
    #[serde(default)]
    pub(super) message: Object<Message>,
    /// Of `content_block_start`.
    #[serde(default)]
    pub(super) content_block: Object<Block>,
    /// Of `content_block_delta` and `message_delta`.
    #[serde(default)]
    pub(super) delta: Object<Delta>,
    /// Of `message_delta`.
    #[serde(default)]
    pub(super) usage: Object<WireUsage>,
    /// Of `error`; compatible hosts send it without a type too.
    #[serde(default)]
    pub(super) error: Present,
}

/// Reads one event's data.
pub(super) fn read_event(data: &[u8]) -> Result<Event, BadEvent> {
    let event: Object<Event> = serde_json::from_slice(data).map_err(|error| BadEvent(error.to_string()))?;
    event.0.ok_or_else(|| BadEvent("it is another value".to_owned()))
}

/// The type of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum EventKind {
    MessageStart,
    ContentBlockStart,
    ContentBlockDelta,
    ContentBlockStop,
    MessageDelta,
    MessageStop,
    Error,
    /// `ping`, and what will be new.
    #[default]
    #[serde(other)]
    Other,
}

/// A whole answer, or what `message_start` says of one.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Message {
    pub(super) id: Word,
    pub(super) model: Word,
    pub(super) content: Option<Objects<Block>>,
    pub(super) stop_reason: Word,
    pub(super) stop_sequence: Word,
    pub(super) stop_details: Object<StopDetails>,
    pub(super) usage: Object<WireUsage>,
    pub(super) error: Present,
}

/// Why the model refused.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct StopDetails {
    pub(super) explanation: Word,
}

/// A block of an answer. The types' members have different names, so that one form holds them all.
#[derive(Debug, Deserialize)]
pub(super) struct Block {
    #[serde(default, rename = "type")]
    pub(super) kind: BlockKind,
    #[serde(default)]
    pub(super) text: Text,
    #[serde(default)]
    pub(super) citations: Objects<WireCitation>,
    #[serde(default)]
    pub(super) thinking: Text,
    #[serde(default)]
    pub(super) signature: Text,
    /// Of `redacted_thinking`.
    #[serde(default)]
    pub(super) data: Text,
    #[serde(default)]
    pub(super) id: Word,
    #[serde(default)]
    pub(super) name: Word,
    #[serde(default)]
    pub(super) input: Option<Box<RawValue>>,
}

/// The type of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum BlockKind {
    Text,
    Thinking,
    RedactedThinking,
    ToolUse,
    /// A call that the provider answers itself: `server_tool_use`, `mcp_tool_use`.
    ProviderToolUse,
    /// The results of these, and what will be new.
    #[default]
    Other,
}

/// What a delta brings: a block's, or the whole message's. The types' members have different names.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Delta {
    #[serde(rename = "type")]
    pub(super) kind: DeltaKind,
    pub(super) text: Text,
    pub(super) thinking: Text,
    pub(super) signature: Text,
    pub(super) partial_json: Text,
    pub(super) citation: Object<WireCitation>,
    pub(super) stop_reason: Word,
    pub(super) stop_sequence: Word,
    pub(super) stop_details: Object<StopDetails>,
}

/// The type of a block's delta.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum DeltaKind {
    Text,
    Thinking,
    Signature,
    InputJson,
    Citations,
    /// What will be new, and a message's delta, which has no type.
    #[default]
    Other,
}

/// A source. `start` and `end` count characters of the source, not of the answer, so they are left out.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WireCitation {
    url: Word,
    title: Word,
    document_title: Word,
    cited_text: Word,
}

/// Reads a word of which some are known.
fn known<'de, D: serde::Deserializer<'de>, T: Default>(deserializer: D, find: impl Fn(&str) -> T) -> Result<T, D::Error> {
    Word::deserialize(deserializer).map(|word| word.0.as_deref().map(find).unwrap_or_default())
}

impl<'de> Deserialize<'de> for BlockKind {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        known(deserializer, |kind| match kind {
            "text" => Self::Text,
            "thinking" => Self::Thinking,
            "redacted_thinking" => Self::RedactedThinking,
            "tool_use" => Self::ToolUse,
            "server_tool_use" | "mcp_tool_use" => Self::ProviderToolUse,
            _other => Self::Other,
        })
    }
}

impl<'de> Deserialize<'de> for DeltaKind {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        known(deserializer, |kind| match kind {
            "text_delta" => Self::Text,
            "thinking_delta" => Self::Thinking,
            "signature_delta" => Self::Signature,
            "input_json_delta" => Self::InputJson,
            "citations_delta" => Self::Citations,
            _other => Self::Other,
        })
    }
}

impl Block {
    /// The input of a call, as the model wrote it; none if it takes nothing.
    pub(super) fn arguments(&self) -> Option<&str> {
        let input = self.input.as_ref()?.get();
        // `{}`, however it is spaced.
        let is_empty = input.strip_prefix('{').is_some_and(|rest| rest.trim_start() == "}");
        (!is_empty && input != "null").then_some(input)
    }
}

impl From<WireCitation> for Citation {
    fn from(wire: WireCitation) -> Self {
        Self { url: wire.url.0, title: wire.title.0.or(wire.document_title.0), cited_text: wire.cited_text.0, span: None }
    }
}

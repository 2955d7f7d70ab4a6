//! The frames of a stream, one function for each.

use std::borrow::Cow;

use bytes::BytesMut;
use easyai_core::usage::Usage;
use serde::Serialize;

use super::Kind;
use crate::anthropic::block::{Block, Input, WrittenCitation};
use crate::anthropic::frame::write_frame;
use crate::anthropic::stop::{Held, write_stop};
use crate::anthropic::usage::CallerUsage;
use crate::anthropic::write_answer::Message;
use crate::conversation::Stop;
use crate::wire::Envelope;

#[derive(Serialize)]
struct MessageStart<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    message: Message<'a>,
}

#[derive(Serialize)]
struct BlockStart<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    index: usize,
    content_block: Block<'a>,
}

#[derive(Serialize)]
struct BlockDelta<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    index: usize,
    delta: &'a Delta<'a>,
}

#[derive(Serialize)]
struct BlockStop {
    #[serde(rename = "type")]
    kind: &'static str,
    index: usize,
}

#[derive(Serialize)]
struct MessageDelta<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    delta: Ending<'a>,
    usage: CallerUsage,
}

#[derive(Serialize)]
struct Ending<'a> {
    stop_reason: &'static str,
    stop_sequence: Option<&'a str>,
}

#[derive(Serialize)]
struct MessageStop {
    #[serde(rename = "type")]
    kind: &'static str,
}

/// What is added to a block.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[expect(clippy::enum_variant_names, reason = "the names on the wire")]
pub(super) enum Delta<'a> {
    TextDelta { text: &'a str },
    ThinkingDelta { thinking: &'a str },
    SignatureDelta { signature: &'a str },
    InputJsonDelta { partial_json: &'a str },
    CitationsDelta { citation: WrittenCitation<'a> },
}

/// The prompt is an estimate here; the last event corrects it.
pub(super) fn write_message_start(envelope: &Envelope, model: Option<&str>, out: &mut BytesMut) {
    let message = Message::begin(envelope, model, &Usage::counted(envelope.input_tokens, 0));
    write_frame(out, "message_start", &MessageStart { kind: "message_start", message });
}

pub(super) fn write_start(index: usize, kind: &Kind, out: &mut BytesMut) {
    let content_block = match kind {
        Kind::Text => Block::text(""),
        Kind::Thinking(_) => Block::Thinking { thinking: "", signature: Cow::Borrowed("") },
        Kind::Redacted(data) => Block::RedactedThinking { data: Cow::Borrowed(data) },
        Kind::Call { id, name, .. } => Block::ToolUse { id: Cow::Borrowed(id), name: Cow::Borrowed(name), input: Input::Empty {} },
    };
    write_frame(out, "content_block_start", &BlockStart { kind: "content_block_start", index, content_block });
}

pub(super) fn write_delta(index: usize, delta: &Delta<'_>, out: &mut BytesMut) {
    write_frame(out, "content_block_delta", &BlockDelta { kind: "content_block_delta", index, delta });
}

pub(super) fn write_stop_of_block(index: usize, out: &mut BytesMut) {
    write_frame(out, "content_block_stop", &BlockStop { kind: "content_block_stop", index });
}

/// The last two frames: why it ended and what it used, and the end.
pub(super) fn write_end(stop: &Stop, held: Held, usage: &Usage, out: &mut BytesMut) {
    let delta = Ending { stop_reason: write_stop(stop, held), stop_sequence: stop.sequence.as_deref() };
    write_frame(out, "message_delta", &MessageDelta { kind: "message_delta", delta, usage: CallerUsage::from(usage) });
    write_frame(out, "message_stop", &MessageStop { kind: "message_stop" });
}

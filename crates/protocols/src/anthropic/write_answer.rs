//! A whole answer for a caller.
//!
//! Source: `providers.md` section 9.2.

use std::borrow::Cow;

use bytes::Bytes;
use easyai_core::usage::Usage;
use serde::Serialize;

use super::block::{Block, Input, WrittenCitation, picture};
use super::marker::{NO_STATE, signature};
use super::stop::{Held, write_stop};
use super::usage::CallerUsage;
use crate::conversation::{Answer, Opaque, OpaqueOwner, Part, Reasoning};
use crate::wire::Envelope;

/// An answer; with no blocks and no reason, what `message_start` says of one.
#[derive(Debug, Serialize)]
pub(super) struct Message<'a> {
    pub(super) id: String,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) role: &'static str,
    pub(super) model: &'a str,
    pub(super) content: Vec<Block<'a>>,
    pub(super) stop_reason: Option<&'static str>,
    pub(super) stop_sequence: Option<&'a str>,
    pub(super) usage: CallerUsage,
}

impl<'a> Message<'a> {
    /// An answer that has no blocks yet. `model` is the upstream's name of it.
    pub(super) fn begin(envelope: &'a Envelope, model: Option<&'a str>, usage: &Usage) -> Self {
        Self {
            id: format!("msg_{}", envelope.id),
            kind: "message",
            role: "assistant",
            model: model.unwrap_or(&envelope.model),
            content: Vec::new(),
            stop_reason: None,
            stop_sequence: None,
            usage: CallerUsage::from(usage),
        }
    }
}

/// Writes a whole answer.
#[must_use]
pub fn write_answer(answer: &Answer, usage: &Usage, envelope: &Envelope) -> Bytes {
    let mut held = Held::default();
    let mut message = Message::begin(envelope, answer.model.as_deref(), usage);
    for part in &answer.parts {
        write_part(part, &mut message.content, &mut held);
    }
    message.stop_reason = Some(write_stop(&answer.stop, held));
    message.stop_sequence = answer.stop.sequence.as_deref();
    // Strings and numbers can't fail to be written.
    serde_json::to_vec(&message).unwrap_or_default().into()
}

fn write_part<'a>(part: &'a Part, blocks: &mut Vec<Block<'a>>, held: &mut Held) {
    match part {
        Part::Text(text) => {
            if !text.text.is_empty() {
                let citations = text.citations.iter().filter_map(WrittenCitation::of).collect();
                blocks.push(Block::Text { text: Cow::Borrowed(&text.text), citations });
            }
            blocks.extend(text.opaque.as_ref().map(belongs_to_last));
        }
        Part::Reasoning(reasoning) => write_reasoning(reasoning, blocks),
        Part::ToolCall(call) => {
            held.calls = true;
            blocks.push(Block::ToolUse { id: Cow::Borrowed(&call.id), name: Cow::Borrowed(&call.name), input: Input::of(call) });
            blocks.extend(call.opaque.as_ref().map(belongs_to_last));
        }
        Part::Refusal(text) => {
            held.refusal = true;
            if !text.is_empty() {
                blocks.push(Block::text(text.as_str()));
            }
        }
        Part::Image(media) => blocks.push(Block::text(picture(media))),
        // No model answers with these in a text protocol.
        Part::Audio(_) | Part::Video(_) | Part::File(_) | Part::ToolResult(_) => {}
    }
}

fn write_reasoning<'a>(reasoning: &'a Reasoning, blocks: &mut Vec<Block<'a>>) {
    let (redacted, opaque): (Option<&Opaque>, Option<&Opaque>) = match &reasoning.opaque {
        Some(opaque) if opaque.owner == OpaqueOwner::AnthropicRedacted => (Some(opaque), None),
        opaque => (None, opaque.as_ref()),
    };
    if !reasoning.text.is_empty() || opaque.is_some() {
        let signature = opaque.map_or(Cow::Borrowed(NO_STATE), |opaque| Cow::Owned(signature(opaque)));
        blocks.push(Block::Thinking { thinking: &reasoning.text, signature });
    }
    blocks.extend(redacted.map(|opaque| Block::RedactedThinking { data: Cow::Borrowed(&opaque.data) }));
}

/// State of the block before it (see [`super::marker`]).
fn belongs_to_last(opaque: &Opaque) -> Block<'static> {
    Block::RedactedThinking { data: Cow::Owned(opaque.tagged()) }
}

#[cfg(test)]
mod tests;

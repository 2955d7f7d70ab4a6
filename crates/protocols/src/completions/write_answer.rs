//! A whole answer as a completion.

use bytes::Bytes;
use easyai_core::usage::Usage;

use super::chunk::{OBJECT, Written, WrittenChoice, finish_reason};
use crate::conversation::{Answer, Part};
use crate::wire::Envelope;

/// The body for the caller. Only text has a place in it, and a refusal is what the model says.
#[must_use]
pub fn write_answer(answer: &Answer, usage: &Usage, envelope: &Envelope) -> Bytes {
    let mut text = String::new();
    for part in &answer.parts {
        match part {
            Part::Text(part) => text.push_str(&part.text),
            Part::Refusal(part) => text.push_str(part),
            Part::Reasoning(_)
            | Part::ToolCall(_)
            | Part::ToolResult(_)
            | Part::Image(_)
            | Part::Audio(_)
            | Part::Video(_)
            | Part::File(_) => {}
        }
    }
    let own_id = own_id(envelope);
    let written = Written {
        id: answer.id.as_deref().unwrap_or(&own_id),
        object: OBJECT,
        created: envelope.created_at,
        model: answer.model.as_deref().unwrap_or(&envelope.model),
        choices: &[WrittenChoice { text: &text, index: 0, logprobs: (), finish_reason: Some(finish_reason(answer.stop.reason)) }],
        usage: Some(Some(usage.into())),
    };
    // Text and numbers can't fail to be written.
    Bytes::from(serde_json::to_vec(&written).unwrap_or_default())
}

/// Our id for an answer of an upstream that gave none.
pub(super) fn own_id(envelope: &Envelope) -> String {
    format!("cmpl-{}", envelope.id)
}

//! An upstream's whole answer.
//!
//! Source: `providers.md` section 9.2.

use super::marker::state;
use super::stop::read_stop;
use super::usage::WireUsage;
use super::wire::{Block, BlockKind, Message};
use crate::conversation::{Answer, Citation, OpaqueOwner, Part, Reasoning, Stop, StopReason, Text, ToolCall};
use crate::openai::error::read_error;
use crate::openai::lenient::Object;
use crate::wire::{AnswerFacts, BadAnswer};

/// Looks at an answer that passes by as it is.
///
/// # Errors
/// [`BadAnswer`] if it holds no answer.
pub fn answer_facts(body: &[u8]) -> Result<AnswerFacts, BadAnswer> {
    let message = message(body)?;
    Ok(AnswerFacts { usage: message.usage.0.and_then(WireUsage::into_usage) })
}

/// Reads an answer into the inner form.
///
/// # Errors
/// [`BadAnswer`] if it holds no answer.
pub fn read_answer(body: &[u8]) -> Result<Answer, BadAnswer> {
    let message = message(body)?;
    let mut parts: Vec<Part> = Vec::new();
    let mut calls = 0;
    for block in message.content.unwrap_or_default().0 {
        parts.extend(part(block, &mut calls));
    }
    let reason = message.stop_reason.0.as_deref().map_or(if calls > 0 { StopReason::ToolCalls } else { StopReason::Stop }, read_stop);
    // A refusal may come without a word: then the provider's explanation is all there is to show.
    if reason == StopReason::ContentFilter && !parts.iter().any(|part| matches!(part, Part::Text(_) | Part::ToolCall(_))) {
        parts.extend(message.stop_details.0.and_then(|details| details.explanation.0).map(Part::Refusal));
    }
    Ok(Answer {
        id: message.id.0,
        model: message.model.0,
        parts,
        stop: Stop { reason, sequence: message.stop_sequence.0 },
        usage: message.usage.0.and_then(WireUsage::into_usage),
    })
}

/// All text of an answer, for counting what an upstream did not count.
#[must_use]
pub fn delivered_text(body: &[u8]) -> String {
    read_answer(body).map(|answer| answer.delivered_text()).unwrap_or_default()
}

fn message(body: &[u8]) -> Result<Message, BadAnswer> {
    let message: Object<Message> = serde_json::from_slice(body).map_err(|error| BadAnswer::Unparseable(error.to_string()))?;
    let message = message.0.ok_or_else(|| BadAnswer::Unparseable("it is no JSON object".to_owned()))?;
    if message.error.0 {
        return Err(BadAnswer::Error(read_error(body)));
    }
    // An answer without a block is one if it says why: a refusal, or nothing to add after a tool's result.
    let has_blocks = message.content.as_ref().is_some_and(|content| !content.0.is_empty());
    if !has_blocks && message.stop_reason.0.is_none() {
        return Err(BadAnswer::Empty);
    }
    Ok(message)
}

/// What a block means; none for the provider's own tools, their results, and what is unknown.
fn part(block: Block, calls: &mut usize) -> Option<Part> {
    match block.kind {
        BlockKind::Text if block.text.0.is_empty() => None,
        BlockKind::Text => {
            let citations = block.citations.0.into_iter().map(Citation::from).collect();
            Some(Part::Text(Text { text: block.text.0, citations, opaque: None }))
        }
        BlockKind::Thinking => {
            let opaque = state(&block.signature.0, OpaqueOwner::AnthropicSignature);
            let reasoning = Reasoning { text: block.thinking.0, opaque };
            (reasoning != Reasoning::default()).then_some(Part::Reasoning(reasoning))
        }
        BlockKind::RedactedThinking => {
            let opaque = state(&block.data.0, OpaqueOwner::AnthropicRedacted)?;
            Some(Part::Reasoning(Reasoning { text: String::new(), opaque: Some(opaque) }))
        }
        BlockKind::ToolUse => {
            let arguments = block.arguments().unwrap_or("{}").to_owned();
            let id = block.id.0.unwrap_or_else(|| format!("toolu_{calls}"));
            *calls += 1;
            Some(Part::ToolCall(ToolCall { id, name: block.name.0.unwrap_or_default(), arguments, custom: false, opaque: None }))
        }
        BlockKind::ProviderToolUse | BlockKind::Other => None,
    }
}

#[cfg(test)]
mod tests;

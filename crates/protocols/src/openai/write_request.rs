//! A conversation as a chat upstream takes it.
//!
//! Source: OpenAI API reference, "Create chat completion"; `providers.md` sections 2.1 to 2.6, 2.10, 5.4 and 7.2.

mod message;
mod part;
mod setting;
mod tool;
mod wire;

use bytes::Bytes;

use self::wire::Body;
use super::dialect::{Dialect, effort_in_words};
use crate::conversation::{CannotCarry, Conversation, Notes};
use crate::wire::{Target, Written};

/// What every part of the writing looks at.
struct Writing<'a> {
    conversation: &'a Conversation,
    target: &'a Target<'a>,
    dialect: Dialect,
    notes: Notes,
}

/// Writes a conversation for a chat upstream.
///
/// # Errors
/// [`CannotCarry`] if its meaning would be lost.
pub fn write_request(conversation: &Conversation, target: &Target<'_>) -> Result<Written, CannotCarry> {
    let mut writing = Writing { conversation, target, dialect: Dialect::of(target), notes: Notes::default() };
    writing.refuse_what_is_lost()?;
    for field in &conversation.tuning {
        writing.notes.dropped(*field, "it belongs to the caller's own protocol");
    }
    let mut messages = writing.messages()?;
    writing.ask_for_json_in_words(&mut messages);
    let asked = conversation.reasoning.as_ref().and_then(effort_in_words);
    let (effort, thinking) = writing.effort(asked);
    let sampling = writing.sampling(effort);
    let bound = writing.bound();
    let by_completion = writing.dialect.bounds_completion();
    let tools = writing.tools()?;
    let body = Body {
        model: target.model,
        messages,
        max_tokens: bound.filter(|_| !by_completion),
        max_completion_tokens: bound.filter(|_| by_completion),
        reasoning_effort: effort,
        thinking,
        sampling,
        stop: writing.stop()?,
        response_format: writing.response_format(),
        tool_choice: writing.tool_choice(&tools),
        parallel_tool_calls: conversation.parallel_tool_calls.filter(|_| !tools.is_empty()),
        tools,
        extras: writing.extras(),
        stream: conversation.stream.then_some(true),
        stream_options: (conversation.stream && target.stream_options).then_some(wire::StreamOptions { include_usage: true }),
    };
    // Maps with text for keys and finite or null numbers can't fail to be written.
    let body = Bytes::from(serde_json::to_vec(&body).unwrap_or_default());
    Ok(Written { body, notes: writing.notes })
}

impl Writing<'_> {
    /// What has no place in a chat request, or whose answer has none in the inner form.
    fn refuse_what_is_lost(&self) -> Result<(), CannotCarry> {
        let conversation = self.conversation;
        if let Some(field) = conversation.only_here.first() {
            return Err(self.cannot(field, "it means something only to the caller's own protocol"));
        }
        if conversation.choices > 1 {
            return Err(self.cannot("n", "one answer at a time: several can't be brought back"));
        }
        if conversation.logprobs.is_some() {
            return Err(self.cannot("logprobs", "log probabilities can't be brought back"));
        }
        if conversation.audio_output {
            return Err(self.cannot("modalities", "sound can't be brought back"));
        }
        Ok(())
    }

    fn cannot(&self, field: impl Into<String>, why: impl Into<String>) -> CannotCarry {
        CannotCarry { field: field.into(), target: self.dialect.name(), why: why.into() }
    }
}

#[cfg(test)]
mod tests;

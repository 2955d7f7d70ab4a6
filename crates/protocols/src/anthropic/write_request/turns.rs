//! Turns as messages.
//!
//! Neighbours of one role become one message, so that every call is answered in the very next one; there the results stand first. What
//! is refused is left out: empty text, and white space at the end of an answer that is to be gone on from.
//!
//! Source: `providers.md` section 2.2.

use std::borrow::Cow;

use serde::Serialize;

use super::cannot;
use super::id::{call_id, tool_name};
use super::media::{document, image};
use crate::anthropic::block::{Block, Input};
use crate::anthropic::family::Family;
use crate::conversation::{CannotCarry, Conversation, Notes, OpaqueOwner, Part, Reasoning, Role, ToolResult};

/// Who begins when the conversation does not begin with the user.
const BEGINNING: &str = "(the conversation begins)";

/// A message.
#[derive(Debug, Serialize)]
pub(super) struct Message<'a> {
    role: &'static str,
    content: Vec<Block<'a>>,
}

impl<'a> Message<'a> {
    pub(super) const fn user(content: Vec<Block<'a>>) -> Self {
        Self { role: "user", content }
    }

    fn is_user(&self) -> bool {
        self.role == "user"
    }

    pub(super) fn answers_calls(&self) -> bool {
        self.is_user() && self.content.iter().any(|block| matches!(block, Block::ToolResult { .. }))
    }

    pub(super) fn begins_with_thinking(&self) -> bool {
        matches!(self.content.first(), Some(Block::Thinking { .. } | Block::RedactedThinking { .. }))
    }
}

/// The messages; none if nothing is said.
pub(super) fn messages<'a>(conversation: &'a Conversation, family: Family, notes: &mut Notes) -> Result<Vec<Message<'a>>, CannotCarry> {
    let mut messages: Vec<Message<'a>> = Vec::new();
    let mut seen = Seen::default();
    for turn in &conversation.turns {
        let role = match turn.role {
            Role::User => "user",
            Role::Assistant => "assistant",
            Role::System => {
                seen.system = true;
                "user"
            }
        };
        let mut content = Vec::with_capacity(turn.parts.len());
        for part in &turn.parts {
            content.extend(block(part, turn.role, &mut seen)?);
        }
        match messages.last_mut() {
            _ if content.is_empty() => {}
            Some(last) if last.role == role => last.content.append(&mut content),
            Some(_) | None => messages.push(Message { role, content }),
        }
    }
    seen.note(notes);
    messages.iter_mut().filter(|message| message.is_user()).for_each(results_first);
    trim_the_end(&mut messages);
    if !family.prefill && messages.last().is_some_and(|last| !last.is_user()) {
        return Err(cannot("messages", "they end with the assistant's, which this model can't go on from: end with the user's"));
    }
    if messages.first().is_some_and(|first| !first.is_user()) {
        messages.insert(0, Message::user(vec![Block::text(BEGINNING)]));
        notes.changed("messages", "the user is made to begin");
    }
    Ok(messages)
}

/// What was met on the way and is noted once.
#[derive(Debug, Default)]
struct Seen {
    system: bool,
    foreign_reasoning: bool,
    detail: bool,
    unreadable_arguments: bool,
}

impl Seen {
    fn note(&self, notes: &mut Notes) {
        if self.system {
            notes.changed("messages", "system text in the middle is sent as the user's");
        }
        if self.foreign_reasoning {
            notes.dropped("reasoning", "earlier reasoning that is not the provider's own");
        }
        if self.detail {
            notes.dropped("detail", "the Messages API has no such field");
        }
        if self.unreadable_arguments {
            notes.changed("arguments", "arguments of earlier calls that are no JSON object are sent as text");
        }
    }
}

/// One part as a block, if it says something here.
fn block<'a>(part: &'a Part, role: Role, seen: &mut Seen) -> Result<Option<Block<'a>>, CannotCarry> {
    match part {
        Part::Text(text) => Ok(text_block(&text.text)),
        Part::Refusal(text) => Ok(text_block(text)),
        Part::Image(media) => {
            seen.detail |= media.detail.as_deref().is_some_and(|detail| detail != "auto");
            if role == Role::Assistant {
                // Only users show pictures here; one that another model drew can't be told.
                return Err(cannot("image", "an assistant's message can't hold one: send it as the user's"));
            }
            image(media).map(Some)
        }
        Part::File(media) if role != Role::Assistant => document(media).map(Some),
        Part::File(_) => Err(cannot("file", "an assistant's message can't hold one: send it as the user's")),
        Part::Audio(_) => Err(cannot("input_audio", "it does not listen: send text")),
        Part::Video(_) => Err(cannot("video", "it does not watch: send images or text")),
        Part::Reasoning(reasoning) if role == Role::Assistant => Ok(reasoning_block(reasoning, seen)),
        Part::ToolCall(call) if role == Role::Assistant => {
            let input = Input::of(call);
            seen.unreadable_arguments |= input.is_changed();
            Ok(Some(Block::ToolUse { id: call_id(&call.id), name: tool_name(&call.name), input }))
        }
        Part::ToolResult(result) if role != Role::Assistant => tool_result(result, role, seen).map(Some),
        // No protocol has these in the other's turns.
        Part::Reasoning(_) | Part::ToolCall(_) | Part::ToolResult(_) => Ok(None),
    }
}

/// Text of white space alone is refused.
fn text_block(text: &str) -> Option<Block<'_>> {
    (!text.trim().is_empty()).then(|| Block::text(text))
}

/// Only the provider's own state is sent back; without it the text means nothing.
fn reasoning_block<'a>(reasoning: &'a Reasoning, seen: &mut Seen) -> Option<Block<'a>> {
    match &reasoning.opaque {
        Some(opaque) if opaque.owner == OpaqueOwner::AnthropicSignature => {
            Some(Block::Thinking { thinking: &reasoning.text, signature: Cow::Borrowed(&opaque.data) })
        }
        Some(opaque) if opaque.owner == OpaqueOwner::AnthropicRedacted => {
            Some(Block::RedactedThinking { data: Cow::Borrowed(&opaque.data) })
        }
        Some(_) | None => {
            seen.foreign_reasoning = true;
            None
        }
    }
}

fn tool_result<'a>(result: &'a ToolResult, role: Role, seen: &mut Seen) -> Result<Block<'a>, CannotCarry> {
    let mut content = Vec::with_capacity(result.parts.len());
    for part in &result.parts {
        content.extend(block(part, role, seen)?);
    }
    Ok(Block::ToolResult { tool_use_id: call_id(&result.call_id), content, is_error: result.is_error })
}

/// Stable: results before everything else.
fn results_first(message: &mut Message<'_>) {
    message.content.sort_by_key(|block| !matches!(block, Block::ToolResult { .. }));
}

/// An answer that is to be gone on from must not end in white space.
fn trim_the_end(messages: &mut [Message<'_>]) {
    let Some(last) = messages.last_mut().filter(|last| !last.is_user()) else { return };
    if let Some(Block::Text { text, .. }) = last.content.last_mut() {
        let length = text.trim_end().len();
        match text {
            Cow::Borrowed(text) => *text = text.get(..length).unwrap_or(text),
            Cow::Owned(text) => text.truncate(length),
        }
    }
}

//! A conversation as an upstream that speaks Responses takes it: OpenAI, or Ark with its dialect.
//!
//! Nothing is stored there, and opaque reasoning state travels in the request: the next turn may go to another platform.
//!
//! Source: OpenAI API reference, "Create a response"; `providers.md` sections 2.1 to 2.6, 2.10, 5.1, 5.4 and 7.3.

mod setting;
mod tool;
mod turn;
mod wire;

use bytes::Bytes;
use easyai_core::kind::Provider;

use self::wire::Body;
use super::object::written;
use super::scan::ENCRYPTED_REASONING;
use super::shape::shape;
use crate::conversation::{CannotCarry, Conversation, Notes};
use crate::openai::dialect::{Dialect, effort_in_words};
use crate::wire::{Target, Written};

/// What every part of the writing looks at.
struct Writing<'a> {
    conversation: &'a Conversation,
    target: &'a Target<'a>,
    dialect: Dialect,
    notes: Notes,
}

/// Writes a conversation.
///
/// # Errors
/// [`CannotCarry`] if its meaning would be lost.
pub fn write_request(conversation: &Conversation, target: &Target<'_>) -> Result<Written, CannotCarry> {
    let mut writing = Writing { conversation, target, dialect: Dialect::of(target), notes: Notes::default() };
    writing.refuse_what_is_lost()?;
    writing.note_what_is_dropped();
    let input = writing.input()?;
    let asked = conversation.reasoning.as_ref().and_then(effort_in_words);
    let (reasoning, thinking) = writing.reasoning(asked);
    let (temperature, top_p) = writing.sampling(reasoning.as_ref().and_then(|reasoning| reasoning.effort));
    let tools = writing.tools()?;
    let body = Body {
        model: target.model,
        // Without turns it is the input.
        instructions: (!conversation.system.is_empty() && !conversation.turns.is_empty()).then(|| conversation.system.join("\n\n")),
        input,
        tool_choice: writing.tool_choice(&tools),
        parallel_tool_calls: conversation.parallel_tool_calls.filter(|_| !tools.is_empty()),
        tools,
        text: writing.text(),
        reasoning,
        thinking,
        max_output_tokens: writing.bound(),
        temperature,
        top_p,
        // Without it the next turn would have to think all over again: nothing is stored.
        include: matches!(writing.dialect, Dialect::Reasoning(_)).then_some([ENCRYPTED_REASONING]),
        extras: writing.extras(),
        store: false,
        stream: conversation.stream,
    };
    Ok(Written { body: written(&body), notes: writing.notes })
}

/// The body of a caller for Ark, if anything of it must change; see [`shape`](super::shape::shape), which says what was changed too.
#[must_use]
pub fn for_ark(body: &Bytes) -> Option<Bytes> {
    let target = Target { provider: Provider::Volces, model: "", max_output_tokens: None, stream_options: false };
    shape(body, &target).map(|(body, _)| body)
}

impl Writing<'_> {
    /// What has no place in such a request, or whose answer has none in the inner form.
    fn refuse_what_is_lost(&self) -> Result<(), CannotCarry> {
        let conversation = self.conversation;
        if let Some(field) = conversation.only_here.first() {
            return Err(self.cannot(field, "it means something only to the caller's own protocol"));
        }
        if conversation.choices > 1 {
            return Err(self.cannot("n", "it gives one answer at a time"));
        }
        if conversation.logprobs.is_some() {
            return Err(self.cannot("logprobs", "log probabilities can't be brought back"));
        }
        if conversation.audio_output {
            return Err(self.cannot("modalities", "it does not speak"));
        }
        Ok(())
    }

    /// What only tunes, and has no word here.
    fn note_what_is_dropped(&mut self) {
        for field in &self.conversation.tuning {
            self.notes.dropped(*field, "it belongs to the caller's own protocol");
        }
        let sampling = &self.conversation.sampling;
        if !sampling.stop.is_empty() {
            self.notes.changed("stop", "the Responses API has no stop texts: the gateway cuts the answer there");
        }
        let asked = [
            ("top_k", sampling.top_k.is_some()),
            ("seed", sampling.seed.is_some()),
            ("frequency_penalty", sampling.frequency_penalty.is_some_and(|penalty| penalty != 0.0)),
            ("presence_penalty", sampling.presence_penalty.is_some_and(|penalty| penalty != 0.0)),
        ];
        for (field, _) in asked.into_iter().filter(|(_, asked)| *asked) {
            self.notes.dropped(field, "the Responses API has no such field");
        }
    }

    fn cannot(&self, field: impl Into<String>, why: impl Into<String>) -> CannotCarry {
        let target = if self.dialect == Dialect::Ark { "Ark's Responses API" } else { "the Responses API" };
        CannotCarry { field: field.into(), target, why: why.into() }
    }
}

#[cfg(test)]
mod tests;

//! A conversation as the body of `POST /v1/messages`, shaped for the model's family.
//!
//! Source: `providers.md` sections 2, 9.1 and 9.6.

mod id;
mod media;
mod output;
mod sampling;
mod schema;
mod thinking;
mod tools;
mod turns;

use serde::Serialize;

use self::output::{Format, output};
use self::sampling::{Dice, dice, stop_sequences};
use self::thinking::{Thinking, Thought, thinking};
use self::tools::{Choice, WrittenTool, tool_choice, tools};
use self::turns::{Message, messages};
use super::block::Block;
use super::family::Family;
use crate::conversation::{CannotCarry, Conversation, Notes};
use crate::wire::{Target, Written};

/// Whose words are missing when something can't be carried.
const TARGET: &str = "the Messages API";

/// Anthropic's bound on `metadata.user_id`.
const MAX_USER_ID: usize = 256;

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    max_tokens: u64,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    system: Vec<Block<'a>>,
    messages: Vec<Message<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<WrittenTool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<Choice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<Thinking>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_config: Option<OutputConfig>,
    #[serde(flatten)]
    dice: Dice,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stop_sequences: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Metadata<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'static str>,
}

#[derive(Serialize)]
struct OutputConfig {
    #[serde(skip_serializing_if = "Option::is_none")]
    effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<Format>,
}

#[derive(Serialize)]
struct Metadata<'a> {
    user_id: &'a str,
}

/// Writes a conversation for an upstream.
///
/// # Errors
/// [`CannotCarry`] names what would lose its meaning.
pub fn write_request(conversation: &Conversation, target: &Target<'_>) -> Result<Written, CannotCarry> {
    refuse(conversation)?;
    let family = Family::of(target.model);
    let mut notes = Notes::default();
    let (format, instruction) = output(&conversation.output, family, &mut notes);
    let mut system: Vec<Block<'_>> =
        conversation.system.iter().filter(|text| !text.trim().is_empty()).map(|text| Block::text(text.as_str())).collect();
    system.extend(instruction.map(Block::text));
    let mut messages = messages(conversation, family, &mut notes)?;
    if messages.is_empty() {
        // System text alone is refused; said by the user it asks the same.
        if system.is_empty() {
            return Err(cannot("messages", "nothing is said in them: send at least one message with text"));
        }
        messages.push(Message::user(std::mem::take(&mut system)));
        notes.changed("messages", "the system text is sent as the user's, since there is nothing else");
    }
    let tools = tools(conversation, family, &mut notes)?;
    let tool_choice = if tools.is_empty() { None } else { tool_choice(conversation) };
    let forced = tool_choice.as_ref().is_some_and(Choice::forces);
    let bound = max_tokens(conversation, family, target, &mut notes);
    let Thought { thinking, effort, max_tokens } = thinking(conversation, family, forced, bound, &messages, &mut notes);
    let dice = dice(&conversation.sampling, family, thinking.as_ref().is_some_and(Thinking::is_on), &mut notes);
    let output_config = (effort.is_some() || format.is_some()).then_some(OutputConfig { effort, format });
    note_the_rest(conversation, &mut notes);
    let body = Body {
        model: target.model,
        max_tokens,
        stream: conversation.stream,
        system,
        messages,
        tools,
        tool_choice,
        thinking,
        output_config,
        dice,
        stop_sequences: stop_sequences(&conversation.sampling, &mut notes),
        metadata: metadata(conversation, &mut notes),
        service_tier: service_tier(conversation, &mut notes),
    };
    // Keys are strings and numbers finite: this can't fail to be written.
    let body = serde_json::to_vec(&body).unwrap_or_default().into();
    Ok(Written { body, notes })
}

fn cannot(field: impl Into<String>, why: impl Into<String>) -> CannotCarry {
    CannotCarry { field: field.into(), target: TARGET, why: why.into() }
}

/// What would lose its meaning whatever the model is.
fn refuse(conversation: &Conversation) -> Result<(), CannotCarry> {
    if let Some(field) = conversation.only_here.first() {
        return Err(cannot(field, "it means something only to the provider it was written for"));
    }
    if conversation.choices > 1 {
        return Err(cannot("n", "it gives one answer to a request: ask several times"));
    }
    if conversation.logprobs.is_some() {
        return Err(cannot("logprobs", "it has no log probabilities: leave the field out"));
    }
    if conversation.audio_output {
        return Err(cannot("audio", "it can't speak: ask for text"));
    }
    Ok(())
}

/// The bound on the answer: the caller's, else the catalogue's, else the family's.
fn max_tokens(conversation: &Conversation, family: Family, target: &Target<'_>, notes: &mut Notes) -> Limit {
    let ceiling = target.max_output_tokens.or(family.max_output);
    let tokens = match (conversation.max_output_tokens, ceiling) {
        (Some(asked), Some(ceiling)) if asked > ceiling => {
            notes.changed("max_tokens", "lowered to what the model can give");
            ceiling
        }
        (Some(asked), _) => asked,
        (None, _) => target.max_output_tokens.unwrap_or(family.usual_max_output),
    };
    Limit { tokens, ceiling }
}

/// A bound on the answer, and how far it may be raised.
#[derive(Debug, Clone, Copy)]
struct Limit {
    tokens: u64,
    ceiling: Option<u64>,
}

fn metadata<'a>(conversation: &'a Conversation, notes: &mut Notes) -> Option<Metadata<'a>> {
    let user_id = conversation.end_user.as_deref()?;
    if user_id.chars().count() > MAX_USER_ID {
        notes.dropped("user", "longer than 256 characters");
        return None;
    }
    Some(Metadata { user_id })
}

fn service_tier(conversation: &Conversation, notes: &mut Notes) -> Option<&'static str> {
    match conversation.service_tier.as_deref()? {
        "auto" => Some("auto"),
        "default" | "standard" => Some("standard_only"),
        _other => {
            notes.dropped("service_tier", "the Messages API has no such tier");
            None
        }
    }
}

/// What only tunes and has no word here.
fn note_the_rest(conversation: &Conversation, notes: &mut Notes) {
    const NO_WORD: &str = "the Messages API has no such field";
    let sampling = &conversation.sampling;
    for (name, is_set) in [
        ("frequency_penalty", sampling.frequency_penalty.is_some_and(|penalty| penalty != 0.0)),
        ("presence_penalty", sampling.presence_penalty.is_some_and(|penalty| penalty != 0.0)),
        ("seed", sampling.seed.is_some()),
        ("verbosity", conversation.verbosity.is_some()),
        ("prompt_cache_key", conversation.cache_key.is_some()),
    ] {
        if is_set {
            notes.dropped(name, NO_WORD);
        }
    }
    for name in &conversation.tuning {
        notes.dropped(*name, NO_WORD);
    }
}

#[cfg(test)]
mod tests;

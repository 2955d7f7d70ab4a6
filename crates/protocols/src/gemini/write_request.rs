//! A conversation as a body for Google.
//!
//! # Fetch first
//! Pictures and files behind URLs must have been put in by [`fetch`](super::fetch): one that is still a URL is a [`CannotCarry`].
//!
//! # What is added to what the caller said
//! The first call of each turn of the model carries a signature on Gemini 3: its own if the caller brought it back, else the word that
//! Google documents for a lost one. Results are found their function's name. System text alone becomes a user's turn.
//!
//! Source: `providers.md` sections 2.1 to 2.6, 2.10 and 6.1.

mod config;
mod tools;
mod turns;

use self::config::GenerationConfig;
use self::tools::{ToolConfig, Tools};
use super::content::Content;
use super::family::{Family, Model};
use crate::conversation::{CannotCarry, Conversation, Notes, OutputFormat, ToolChoice};
use crate::wire::{Target, Written};

/// Whose protocol this is, for callers.
const TARGET: &str = "the Gemini API";

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    system_instruction: Option<System<'a>>,
    contents: Vec<Content<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tools: Option<[Tools<'a>; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_config: Option<ToolConfig<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    generation_config: Option<GenerationConfig<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'static str>,
}

/// System text, which has no role.
#[derive(serde::Serialize)]
struct System<'a> {
    parts: Vec<super::content::Part<'a>>,
}

/// Writes the body. The model and whether the answer is streamed go into the path.
///
/// # Errors
/// [`CannotCarry`] names what would lose its meaning.
pub fn write_request(conversation: &Conversation, target: &Target<'_>) -> Result<Written, CannotCarry> {
    let model = Model::named(target.model);
    refuse(conversation, model)?;
    let mut notes = Notes::default();
    drop_tuning(conversation, &mut notes);
    let (system, contents) = turns::write(conversation, model, &mut notes)?;
    let config = config::write(conversation, model, target.max_output_tokens, &mut notes)?;
    // JSON and functions exclude one another on older models, even where none may be called.
    let are_tools_idle = conversation.tool_choice == Some(ToolChoice::None) && conversation.output != OutputFormat::Text;
    let (tools, tool_config) = if are_tools_idle { (None, None) } else { tools::write(conversation, model, &mut notes)? };
    let body = Body {
        system_instruction: (!system.is_empty()).then_some(System { parts: system }),
        contents,
        tools: tools.map(|tools| [tools]),
        tool_config,
        generation_config: (config != GenerationConfig::default()).then_some(config),
        service_tier: service_tier(conversation, &mut notes),
    };
    // Nothing in it can fail to be written: every key is text.
    Ok(Written { body: serde_json::to_vec(&body).unwrap_or_default().into(), notes })
}

/// What has no word here, or whose answer has none in the inner form.
fn refuse(conversation: &Conversation, model: Model) -> Result<(), CannotCarry> {
    if let Some(field) = conversation.only_here.first() {
        return Err(cannot(field, "it means something to the caller's own protocol only"));
    }
    if conversation.audio_output {
        return Err(cannot("audio", "it gives no sound together with text in a form that the caller's protocol has"));
    }
    if conversation.choices > 1 {
        return Err(cannot("n", "ask for one answer at a time"));
    }
    if conversation.logprobs.is_some() {
        return Err(cannot("logprobs", "its log probabilities can't be told in the caller's protocol"));
    }
    let may_call = !conversation.tools.is_empty() && conversation.tool_choice != Some(ToolChoice::None);
    if may_call && conversation.output != OutputFormat::Text && matches!(model.family, Family::Second(_)) {
        return Err(cannot("response_format", "this model gives JSON or calls functions, not both: leave one of them away"));
    }
    Ok(())
}

fn drop_tuning(conversation: &Conversation, notes: &mut Notes) {
    for field in &conversation.tuning {
        notes.dropped(*field, "the Gemini API has no such field");
    }
    if conversation.parallel_tool_calls == Some(false) {
        notes.dropped("parallel_tool_calls", "the Gemini API can't be told to call one function at a time");
    }
    let fields = [
        ("verbosity", conversation.verbosity.is_some()),
        ("user", conversation.end_user.is_some()),
        ("prompt_cache_key", conversation.cache_key.is_some()),
    ];
    for (field, _) in fields.into_iter().filter(|(_, given)| *given) {
        notes.dropped(field, "the Gemini API has no such field");
    }
}

fn service_tier(conversation: &Conversation, notes: &mut Notes) -> Option<&'static str> {
    match conversation.service_tier.as_deref()? {
        "auto" => None,
        "default" => Some("standard"),
        "flex" => Some("flex"),
        "priority" => Some("priority"),
        _unknown => {
            notes.dropped("service_tier", "the Gemini API knows standard, flex and priority");
            None
        }
    }
}

fn cannot(field: impl Into<String>, why: impl Into<String>) -> CannotCarry {
    CannotCarry { field: field.into(), target: TARGET, why: why.into() }
}

#[cfg(test)]
mod tests;

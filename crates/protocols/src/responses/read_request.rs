//! A caller's request in the inner form.
//!
//! Strict where something is acted on; fields nobody knows pass. What only tunes and has no place in the inner form is listed in
//! [`Conversation::tuning`]; what means something only to an upstream that speaks Responses (its own tools, references to what it stores)
//! in [`Conversation::only_here`]. What the gateway does itself (`store`, `background`) or echoes (`metadata`) is no loss and not listed.
//!
//! Source: OpenAI API reference, "Create a response"; `providers.md` sections 2, 5.1, 5.4 and 7.3.

mod item;
mod part;
mod tool;

use self::item::Reader;
use super::members::Members;
use crate::conversation::{Conversation, Effort, Logprobs, OutputFormat, ReasoningAsk, Sampling};
use crate::given::{At, Given};
use crate::request::BadRequest;

/// All members that mean something to us.
#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct Wire<'a> {
    #[serde(borrow)]
    input: Given<'a>,
    #[serde(borrow)]
    messages: Given<'a>,
    #[serde(borrow)]
    instructions: Given<'a>,
    #[serde(borrow)]
    tools: Given<'a>,
    #[serde(borrow)]
    tool_choice: Given<'a>,
    #[serde(borrow)]
    parallel_tool_calls: Given<'a>,
    #[serde(borrow)]
    text: Given<'a>,
    #[serde(borrow)]
    reasoning: Given<'a>,
    /// Ark's.
    #[serde(borrow)]
    thinking: Given<'a>,
    #[serde(borrow)]
    max_output_tokens: Given<'a>,
    #[serde(borrow)]
    temperature: Given<'a>,
    #[serde(borrow)]
    top_p: Given<'a>,
    #[serde(borrow)]
    top_logprobs: Given<'a>,
    #[serde(borrow)]
    include: Given<'a>,
    #[serde(borrow)]
    service_tier: Given<'a>,
    #[serde(borrow)]
    prompt_cache_key: Given<'a>,
    #[serde(borrow)]
    safety_identifier: Given<'a>,
    #[serde(borrow)]
    user: Given<'a>,
    #[serde(borrow)]
    stream: Given<'a>,
}

/// Members that mean something only to an upstream that speaks Responses.
const ONLY_HERE: [&str; 3] = ["previous_response_id", "conversation", "prompt"];

/// Members that only tune.
const TUNING: [&str; 7] =
    ["max_tool_calls", "truncation", "prompt_cache_retention", "context_management", "moderation", "caching", "expire_at"];

/// Values that ask for nothing.
const NOTHING: [&str; 4] = ["null", "{}", "[]", "\"disabled\""];

/// Reads a caller's request.
///
/// # Errors
/// [`BadRequest`] names the first field that is wrong by its path.
pub fn read_request(body: &[u8]) -> Result<Conversation, BadRequest> {
    let at = At::Body;
    let given = Given::body(body)?;
    let wire: Wire<'_> = given.need_object(&at)?;
    let mut reader = Reader::default();
    reader.instructions(wire.instructions, &at.member("instructions"))?;
    let (turns, name) = if wire.input.is_there() { (wire.input, "input") } else { (wire.messages, "messages") };
    if !turns.is_there() {
        return Err(at.member("input").refuse("is missing: send a string or an array of items"));
    }
    reader.turns(turns, &at.member(name))?;
    let mut conversation = reader.conversation;
    tool::read(&wire, &mut conversation)?;
    text(wire.text, &at.member("text"), &mut conversation)?;
    conversation.reasoning = reasoning(&wire, &at)?;
    conversation.sampling = Sampling {
        temperature: wire.temperature.read(&at.member("temperature"))?,
        top_p: wire.top_p.read(&at.member("top_p"))?,
        ..Sampling::default()
    };
    conversation.max_output_tokens = wire.max_output_tokens.read(&at.member("max_output_tokens"))?;
    conversation.choices = 1;
    conversation.logprobs = logprobs(&wire, &at)?;
    let user = wire.safety_identifier.read(&at.member("safety_identifier"))?;
    conversation.end_user = user.or(wire.user.read(&at.member("user"))?);
    conversation.service_tier = wire.service_tier.read(&at.member("service_tier"))?;
    conversation.cache_key = wire.prompt_cache_key.read(&at.member("prompt_cache_key"))?;
    conversation.stream = wire.stream.read(&at.member("stream"))?.unwrap_or(false);
    let members: Members<'_> = given.need_object(&at)?;
    let asks = |name: &&'static str| members.get(name).is_some_and(|value| !NOTHING.contains(&value.get()));
    conversation.only_here.extend(ONLY_HERE.into_iter().filter(asks).map(str::to_owned));
    conversation.tuning.extend(TUNING.into_iter().filter(asks));
    Ok(conversation)
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct TextWire<'a> {
    #[serde(borrow)]
    format: Given<'a>,
    #[serde(borrow)]
    verbosity: Given<'a>,
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct FormatWire<'a> {
    #[serde(borrow, rename = "type")]
    kind: Given<'a>,
    #[serde(borrow)]
    name: Given<'a>,
    #[serde(borrow)]
    description: Given<'a>,
    #[serde(borrow)]
    schema: Given<'a>,
    #[serde(borrow)]
    strict: Given<'a>,
}

fn text(given: Given<'_>, at: &At<'_>, conversation: &mut Conversation) -> Result<(), BadRequest> {
    let Some(wire) = given.object::<TextWire<'_>>(at)? else { return Ok(()) };
    conversation.verbosity = wire.verbosity.read(&at.member("verbosity"))?;
    let at = &at.member("format");
    let Some(wire) = wire.format.object::<FormatWire<'_>>(at)? else { return Ok(()) };
    let kind_at = at.member("type");
    conversation.output = match wire.kind.need::<String>(&kind_at)?.as_str() {
        "text" => OutputFormat::Text,
        "json_object" => OutputFormat::JsonObject,
        "json_schema" => OutputFormat::JsonSchema {
            name: wire.name.read(&at.member("name"))?,
            description: wire.description.read(&at.member("description"))?,
            schema: wire.schema.need(&at.member("schema"))?,
            strict: wire.strict.read(&at.member("strict"))?,
        },
        // A grammar, or what comes next.
        other => {
            conversation.only_here.push(format!("{kind_at} ({other})"));
            OutputFormat::Text
        }
    };
    Ok(())
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct ReasoningWire<'a> {
    #[serde(borrow)]
    effort: Given<'a>,
    #[serde(borrow)]
    summary: Given<'a>,
    /// The old name.
    #[serde(borrow)]
    generate_summary: Given<'a>,
    /// Of Ark's `thinking`.
    #[serde(borrow, rename = "type")]
    kind: Given<'a>,
}

/// `reasoning`, and Ark's `thinking`, which is read for callers who speak its dialect.
fn reasoning(wire: &Wire<'_>, at: &At<'_>) -> Result<Option<ReasoningAsk>, BadRequest> {
    let (thinking_at, at) = (at.member("thinking"), at.member("reasoning"));
    let thinking = wire.thinking.object::<ReasoningWire<'_>>(&thinking_at)?;
    let switch = thinking.map(|thinking| thinking.kind.read::<String>(&thinking_at.member("type"))).transpose()?.flatten();
    let asked = wire.reasoning.object::<ReasoningWire<'_>>(&at)?;
    if asked.is_none() && switch.is_none() {
        return Ok(None);
    }
    let asked = asked.unwrap_or_default();
    let effort = asked.effort.word::<Effort>(&at.member("effort"))?;
    let summary = asked.summary.read::<String>(&at.member("summary"))?;
    let summary = summary.or(asked.generate_summary.read(&at.member("generate_summary"))?);
    let effort = if switch.as_deref() == Some("disabled") { Some(Effort::None) } else { effort };
    // Ark shows reasoning unasked.
    let show = summary.is_some_and(|summary| summary != "none") || switch.as_deref() == Some("enabled");
    Ok(Some(ReasoningAsk { effort, budget_tokens: None, show }))
}

fn logprobs(wire: &Wire<'_>, at: &At<'_>) -> Result<Option<Logprobs>, BadRequest> {
    let top = wire.top_logprobs.read::<u32>(&at.member("top_logprobs"))?.unwrap_or(0);
    let at = at.member("include");
    let include = wire.include.array(&at)?.into_iter().enumerate().map(|(index, one)| one.need::<String>(&at.element(index)));
    let wanted = include.collect::<Result<Vec<_>, _>>()?.iter().any(|include| include == "message.output_text.logprobs");
    Ok((wanted || top > 0).then_some(Logprobs { top }))
}

#[cfg(test)]
mod tests;

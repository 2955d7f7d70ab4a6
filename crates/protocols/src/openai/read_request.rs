//! A caller's chat request in the inner form.
//!
//! Strict where something is acted on; fields nobody knows pass. What only tunes and has no place in the inner form is listed in
//! [`Conversation::tuning`], what means something only to a chat upstream in [`Conversation::only_here`].
//!
//! Source: OpenAI API reference, "Create chat completion"; `providers.md` sections 2.1 to 2.6 and 4.1.

mod message;
mod part;
mod tool;

use self::message::Reader;
use crate::conversation::{Conversation, Effort, Logprobs, OutputFormat, ReasoningAsk, Sampling};
use crate::given::{At, Given};
use crate::request::BadRequest;

/// All members that mean something to us, in one struct: each more pass over a body costs as much as the first.
#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct Wire<'a> {
    #[serde(borrow)]
    messages: Given<'a>,
    #[serde(borrow)]
    max_tokens: Given<'a>,
    #[serde(borrow)]
    max_completion_tokens: Given<'a>,
    #[serde(borrow)]
    n: Given<'a>,
    #[serde(borrow)]
    stream: Given<'a>,
    #[serde(borrow)]
    response_format: Given<'a>,
    #[serde(borrow)]
    reasoning_effort: Given<'a>,
    /// Ark's, and DeepSeek's.
    #[serde(borrow)]
    thinking: Given<'a>,
    #[serde(borrow)]
    verbosity: Given<'a>,
    #[serde(borrow)]
    logprobs: Given<'a>,
    #[serde(borrow)]
    top_logprobs: Given<'a>,
    #[serde(borrow)]
    modalities: Given<'a>,
    #[serde(borrow)]
    audio: Given<'a>,
    #[serde(borrow)]
    web_search_options: Given<'a>,
    #[serde(borrow)]
    user: Given<'a>,
    #[serde(borrow)]
    safety_identifier: Given<'a>,
    #[serde(borrow)]
    service_tier: Given<'a>,
    #[serde(borrow)]
    prompt_cache_key: Given<'a>,
    #[serde(borrow)]
    tools: Given<'a>,
    #[serde(borrow)]
    tool_choice: Given<'a>,
    #[serde(borrow)]
    parallel_tool_calls: Given<'a>,
    #[serde(borrow)]
    functions: Given<'a>,
    #[serde(borrow)]
    function_call: Given<'a>,
    #[serde(borrow)]
    temperature: Given<'a>,
    #[serde(borrow)]
    top_p: Given<'a>,
    /// Not OpenAI's, but many callers send it to compatible servers.
    #[serde(borrow)]
    top_k: Given<'a>,
    #[serde(borrow)]
    frequency_penalty: Given<'a>,
    #[serde(borrow)]
    presence_penalty: Given<'a>,
    #[serde(borrow)]
    seed: Given<'a>,
    #[serde(borrow)]
    stop: Given<'a>,
    #[serde(borrow)]
    logit_bias: Given<'a>,
    #[serde(borrow)]
    metadata: Given<'a>,
    #[serde(borrow)]
    store: Given<'a>,
    #[serde(borrow)]
    prediction: Given<'a>,
    #[serde(borrow)]
    prompt_cache_retention: Given<'a>,
    #[serde(borrow)]
    prompt_cache_options: Given<'a>,
    #[serde(borrow)]
    moderation: Given<'a>,
    #[serde(borrow)]
    repetition_penalty: Given<'a>,
}

/// Reads a caller's chat request.
///
/// # Errors
/// [`BadRequest`] names the first field that is wrong by its path.
pub fn read_request(body: &[u8]) -> Result<Conversation, BadRequest> {
    let at = At::Body;
    let wire: Wire<'_> = Given::body(body)?.need_object(&at)?;
    let mut reader = Reader::default();
    reader.messages(wire.messages, &at.member("messages"))?;
    let mut conversation = reader.conversation;
    tool::read(&wire, &mut conversation)?;
    conversation.output = output(wire.response_format, &at.member("response_format"), &mut conversation.only_here)?;
    conversation.reasoning = reasoning(&wire, &at)?;
    conversation.sampling = sampling(&wire, &at)?;
    let bound = wire.max_completion_tokens.read(&at.member("max_completion_tokens"))?;
    conversation.max_output_tokens = bound.or(wire.max_tokens.read(&at.member("max_tokens"))?);
    conversation.choices = wire.n.read(&at.member("n"))?.unwrap_or(1);
    conversation.logprobs = logprobs(&wire, &at)?;
    conversation.audio_output = wire.audio.is_there() || asks_for_audio(wire.modalities, &at.member("modalities"))?;
    conversation.verbosity = wire.verbosity.read(&at.member("verbosity"))?;
    let user = wire.safety_identifier.read(&at.member("safety_identifier"))?;
    conversation.end_user = user.or(wire.user.read(&at.member("user"))?);
    conversation.service_tier = wire.service_tier.read(&at.member("service_tier"))?;
    conversation.cache_key = wire.prompt_cache_key.read(&at.member("prompt_cache_key"))?;
    conversation.stream = wire.stream.read(&at.member("stream"))?.unwrap_or(false);
    if wire.web_search_options.is_there() {
        conversation.only_here.push("web_search_options".to_owned());
    }
    conversation.tuning.extend(tuning(&wire));
    Ok(conversation)
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct FormatWire<'a> {
    #[serde(borrow, rename = "type")]
    kind: Given<'a>,
    #[serde(borrow)]
    json_schema: Given<'a>,
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct SchemaWire<'a> {
    #[serde(borrow)]
    name: Given<'a>,
    #[serde(borrow)]
    description: Given<'a>,
    #[serde(borrow)]
    schema: Given<'a>,
    #[serde(borrow)]
    strict: Given<'a>,
}

fn output(given: Given<'_>, at: &At<'_>, only_here: &mut Vec<String>) -> Result<OutputFormat, BadRequest> {
    let Some(wire) = given.object::<FormatWire<'_>>(at)? else { return Ok(OutputFormat::Text) };
    match wire.kind.need::<String>(&at.member("type"))?.as_str() {
        "text" => Ok(OutputFormat::Text),
        "json_object" => Ok(OutputFormat::JsonObject),
        "json_schema" => {
            let at = &at.member("json_schema");
            let wire: SchemaWire<'_> = wire.json_schema.need_object(at)?;
            // OpenAI takes a format without a schema for one that allows everything.
            let schema = wire.schema.read(&at.member("schema"))?.unwrap_or_else(|| serde_json::json!({}));
            Ok(OutputFormat::JsonSchema {
                name: wire.name.read(&at.member("name"))?,
                description: wire.description.read(&at.member("description"))?,
                schema,
                strict: wire.strict.read(&at.member("strict"))?,
            })
        }
        // A grammar, or what comes next.
        _other => {
            only_here.push(at.member("type").to_string());
            Ok(OutputFormat::Text)
        }
    }
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct ThinkingWire<'a> {
    #[serde(borrow, rename = "type")]
    kind: Given<'a>,
}

/// Whoever asks for an effort sees the reasoning: compatible upstreams show it unasked.
fn reasoning(wire: &Wire<'_>, at: &At<'_>) -> Result<Option<ReasoningAsk>, BadRequest> {
    let mut effort = wire.reasoning_effort.word::<Effort>(&at.member("reasoning_effort"))?;
    let at = at.member("thinking");
    let thinking = wire.thinking.object::<ThinkingWire<'_>>(&at)?;
    let kind = thinking.map(|thinking| thinking.kind.read::<String>(&at.member("type"))).transpose()?.flatten();
    match kind.as_deref() {
        Some("disabled") => effort = Some(Effort::None),
        None if effort.is_none() => return Ok(None),
        Some(_) | None => {}
    }
    Ok(Some(ReasoningAsk { effort, budget_tokens: None, show: effort != Some(Effort::None) }))
}

fn sampling(wire: &Wire<'_>, at: &At<'_>) -> Result<Sampling, BadRequest> {
    let stop = at.member("stop");
    Ok(Sampling {
        temperature: wire.temperature.read(&at.member("temperature"))?,
        top_p: wire.top_p.read(&at.member("top_p"))?,
        top_k: wire.top_k.read(&at.member("top_k"))?,
        frequency_penalty: wire.frequency_penalty.read(&at.member("frequency_penalty"))?,
        presence_penalty: wire.presence_penalty.read(&at.member("presence_penalty"))?,
        seed: wire.seed.read(&at.member("seed"))?,
        stop: if wire.stop.begins_with('[') {
            wire.stop
                .array(&stop)?
                .into_iter()
                .enumerate()
                .map(|(index, text)| text.need(&stop.element(index)))
                .collect::<Result<_, _>>()?
        } else {
            wire.stop.read(&stop)?.into_iter().collect()
        },
    })
}

fn logprobs(wire: &Wire<'_>, at: &At<'_>) -> Result<Option<Logprobs>, BadRequest> {
    let top = wire.top_logprobs.read(&at.member("top_logprobs"))?;
    let wanted = wire.logprobs.read(&at.member("logprobs"))?.unwrap_or(false);
    Ok(wanted.then_some(Logprobs { top: top.unwrap_or(0) }))
}

fn asks_for_audio(given: Given<'_>, at: &At<'_>) -> Result<bool, BadRequest> {
    let modalities = given.array(at)?.into_iter().enumerate().map(|(index, one)| one.need::<String>(&at.element(index)));
    Ok(modalities.collect::<Result<Vec<_>, _>>()?.iter().any(|modality| modality == "audio"))
}

/// What only tunes, and has no word in any other protocol.
fn tuning(wire: &Wire<'_>) -> Vec<&'static str> {
    let fields = [
        (wire.logit_bias, "logit_bias"),
        (wire.metadata, "metadata"),
        (wire.store, "store"),
        (wire.prediction, "prediction"),
        (wire.prompt_cache_retention, "prompt_cache_retention"),
        (wire.prompt_cache_options, "prompt_cache_options"),
        (wire.moderation, "moderation"),
        (wire.repetition_penalty, "repetition_penalty"),
    ];
    fields.into_iter().filter(|(given, _)| given.is_there()).map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests;

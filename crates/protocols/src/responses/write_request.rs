//! A conversation for an upstream that speaks Responses: OpenAI, or Ark with its own dialect (`providers.md` section 7.3).
//!
//! Nothing is stored upstream, and opaque reasoning state travels in the request: the next turn may go to another platform.

use bytes::Bytes;
use easyai_core::kind::Provider;
use serde::Serialize;
use serde_json::Value;

use crate::conversation::{
    CannotCarry, Conversation, Effort, Media, Notes, OpaqueOwner, OutputFormat, Part, Role, Source, Tool, ToolCall, ToolChoice, ToolKind,
    ToolResult, Turn,
};
use crate::wire::{Target, Written};

const TARGET: &str = "the Responses API";

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    input: Vec<Item<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    instructions: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<OutTool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<Choice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<TextSettings<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<ReasoningSettings>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<Thinking>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_logprobs: Option<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    include: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_cache_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    safety_identifier: Option<&'a str>,
    store: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Item<'a> {
    Message { role: &'static str, content: Vec<Piece<'a>> },
    FunctionCall { call_id: &'a str, name: &'a str, arguments: &'a str },
    CustomToolCall { call_id: &'a str, name: &'a str, input: &'a str },
    FunctionCallOutput { call_id: &'a str, output: Output<'a> },
    CustomToolCallOutput { call_id: &'a str, output: Output<'a> },
    Reasoning { summary: Vec<Summary<'a>>, encrypted_content: &'a str },
}

#[derive(Serialize)]
#[serde(untagged)]
enum Output<'a> {
    Text(String),
    Pieces(Vec<Piece<'a>>),
}

#[derive(Serialize)]
struct Summary<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    text: &'a str,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Piece<'a> {
    InputText {
        text: &'a str,
    },
    OutputText {
        text: &'a str,
    },
    Refusal {
        refusal: &'a str,
    },
    InputImage {
        image_url: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        detail: Option<&'a str>,
    },
    InputFile {
        #[serde(skip_serializing_if = "Option::is_none")]
        filename: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        file_data: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        file_url: Option<&'a str>,
    },
    InputVideo {
        video_url: String,
    },
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum OutTool<'a> {
    Function {
        name: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<&'a str>,
        parameters: Option<&'a Value>,
        strict: bool,
    },
    Custom {
        name: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        format: Option<&'a Value>,
    },
}

#[derive(Serialize)]
#[serde(untagged)]
enum Choice<'a> {
    Word(&'static str),
    Named {
        #[serde(rename = "type")]
        kind: &'static str,
        name: &'a str,
    },
    Allowed {
        #[serde(rename = "type")]
        kind: &'static str,
        mode: &'static str,
        tools: Vec<Choice<'a>>,
    },
}

#[derive(Serialize)]
struct TextSettings<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<Format<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verbosity: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Format<'a> {
    JsonObject,
    JsonSchema {
        name: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<&'a str>,
        schema: &'a Value,
        #[serde(skip_serializing_if = "Option::is_none")]
        strict: Option<bool>,
    },
}

#[derive(Serialize)]
struct ReasoningSettings {
    #[serde(skip_serializing_if = "Option::is_none")]
    effort: Option<Effort>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<&'static str>,
}

/// Ark's.
#[derive(Serialize)]
struct Thinking {
    #[serde(rename = "type")]
    kind: &'static str,
}

/// Writes a conversation.
///
/// # Errors
/// [`CannotCarry`] names what would lose its meaning.
pub fn write_request(conversation: &Conversation, target: &Target<'_>) -> Result<Written, CannotCarry> {
    carried(conversation)?;
    let mut notes = Notes::default();
    let ark = target.provider == Provider::Volces;
    let reasons = thinks(target.model);
    let mut input = Vec::new();
    for turn in &conversation.turns {
        items(turn, ark, &mut input)?;
    }
    let keeps_dice = ark || !reasons;
    if !keeps_dice {
        let refused = [("temperature", conversation.sampling.temperature.is_some()), ("top_p", conversation.sampling.top_p.is_some())];
        refused.iter().filter(|(_, given)| *given).for_each(|(name, _)| notes.dropped(*name, "reasoning models refuse it"));
    }
    dropped(conversation, &mut notes);
    let ask = conversation.reasoning;
    let effort = ask.and_then(|ask| ask.effort.or_else(|| ask.budget_tokens.map(by_budget)));
    let instructions = (!conversation.system.is_empty()).then(|| conversation.system.join("\n\n"));
    let logprobs = conversation.logprobs;
    let mut include = Vec::new();
    if reasons && !ark {
        include.push("reasoning.encrypted_content");
    }
    if logprobs.is_some() {
        include.push("message.output_text.logprobs");
    }
    let reasoning = (!ark && (effort.is_some() || ask.is_some_and(|ask| ask.show)))
        .then(|| ReasoningSettings { effort, summary: ask.filter(|ask| ask.show).map(|_| "auto") });
    let thinking = effort.filter(|_| ark).map(|effort| Thinking { kind: if effort == Effort::None { "disabled" } else { "enabled" } });
    let body = Body {
        model: target.model,
        input,
        instructions,
        tools: conversation.tools.iter().map(tool).collect(),
        tool_choice: conversation.tool_choice.as_ref().map(|choice| choose(choice, &conversation.tools)),
        parallel_tool_calls: conversation.parallel_tool_calls,
        text: text(conversation),
        reasoning,
        thinking,
        max_output_tokens: conversation.max_output_tokens,
        temperature: conversation.sampling.temperature.filter(|_| keeps_dice),
        top_p: conversation.sampling.top_p.filter(|_| keeps_dice),
        top_logprobs: logprobs.map(|logprobs| logprobs.top).filter(|top| *top > 0),
        include,
        service_tier: conversation.service_tier.as_deref().filter(|_| !ark),
        prompt_cache_key: conversation.cache_key.as_deref().filter(|_| !ark),
        safety_identifier: conversation.end_user.as_deref().filter(|_| !ark),
        store: false,
        stream: conversation.stream,
    };
    Ok(Written { body: super::object::written(&body), notes })
}

/// OpenAI's models that reason, which refuse dice (`providers.md` section 2.5).
fn thinks(model: &str) -> bool {
    let name = model.rsplit('/').next().unwrap_or(model);
    ["o1", "o3", "o4", "gpt-5", "codex"].iter().any(|family| name.starts_with(family))
}

/// The budget in words (`providers.md` section 2.5, reverse direction).
const fn by_budget(tokens: u64) -> Effort {
    match tokens {
        0 => Effort::None,
        1..=2048 => Effort::Low,
        2049..=12288 => Effort::Medium,
        12289..=u64::MAX => Effort::High,
    }
}

fn cannot(field: &str, why: &str) -> CannotCarry {
    CannotCarry { field: field.to_owned(), target: TARGET, why: why.to_owned() }
}

/// What would lose its meaning.
fn carried(conversation: &Conversation) -> Result<(), CannotCarry> {
    if let Some(field) = conversation.only_here.first() {
        return Err(cannot(field, "it means something only to the protocol it came in"));
    }
    if conversation.choices > 1 {
        return Err(cannot("n", "it gives one answer: ask several times"));
    }
    if conversation.audio_output {
        return Err(cannot("audio", "it does not speak"));
    }
    Ok(())
}

fn dropped(conversation: &Conversation, notes: &mut Notes) {
    let sampling = &conversation.sampling;
    let given = [
        ("top_k", sampling.top_k.is_some()),
        ("seed", sampling.seed.is_some()),
        ("frequency_penalty", sampling.frequency_penalty.is_some()),
        ("presence_penalty", sampling.presence_penalty.is_some()),
    ];
    given.iter().filter(|(_, given)| *given).for_each(|(name, _)| notes.dropped(*name, "the Responses API has no word for it"));
    if !sampling.stop.is_empty() {
        notes.changed("stop", "the Responses API has no stop texts: the gateway cuts the answer there");
    }
    conversation.tuning.iter().for_each(|name| notes.dropped(*name, "the Responses API has no word for it"));
}

fn text(conversation: &Conversation) -> Option<TextSettings<'_>> {
    let format = match &conversation.output {
        OutputFormat::Text => None,
        OutputFormat::JsonObject => Some(Format::JsonObject),
        OutputFormat::JsonSchema { name, description, schema, strict } => Some(Format::JsonSchema {
            name: name.as_deref().unwrap_or("answer"),
            description: description.as_deref(),
            schema,
            strict: *strict,
        }),
    };
    let verbosity = conversation.verbosity.as_deref();
    (format.is_some() || verbosity.is_some()).then_some(TextSettings { format, verbosity })
}

fn tool(tool: &Tool) -> OutTool<'_> {
    let (name, description) = (tool.name.as_str(), tool.description.as_deref());
    match &tool.kind {
        // Strict unless told otherwise there; elsewhere the other way round.
        ToolKind::Function { parameters, strict } => {
            OutTool::Function { name, description, parameters: parameters.as_ref(), strict: strict.unwrap_or(false) }
        }
        ToolKind::Custom { format } => OutTool::Custom { name, description, format: format.as_ref() },
    }
}

fn choose<'a>(choice: &'a ToolChoice, tools: &'a [Tool]) -> Choice<'a> {
    let custom = |name: &str| tools.iter().any(|tool| tool.name == name && matches!(tool.kind, ToolKind::Custom { .. }));
    let named = |name: &'a str| Choice::Named { kind: if custom(name) { "custom" } else { "function" }, name };
    match choice {
        ToolChoice::Auto => Choice::Word("auto"),
        ToolChoice::None => Choice::Word("none"),
        ToolChoice::Required => Choice::Word("required"),
        ToolChoice::Named(name) => named(name),
        ToolChoice::Allowed { required, names } => Choice::Allowed {
            kind: "allowed_tools",
            mode: if *required { "required" } else { "auto" },
            tools: names.iter().map(|name| named(name)).collect(),
        },
    }
}

/// The items of one turn: its words are a message, all else stands beside it.
fn items<'a>(turn: &'a Turn, ark: bool, into: &mut Vec<Item<'a>>) -> Result<(), CannotCarry> {
    let role = match turn.role {
        Role::System if ark => "system",
        Role::System => "developer",
        Role::User => "user",
        Role::Assistant => "assistant",
    };
    let mut words = Vec::new();
    for part in &turn.parts {
        match part {
            Part::ToolCall(call) => {
                flush(role, &mut words, into);
                into.push(tool_call(call));
            }
            Part::ToolResult(result) => {
                flush(role, &mut words, into);
                into.push(tool_result(result)?);
            }
            Part::Reasoning(reasoning) => {
                flush(role, &mut words, into);
                let owner = if ark { OpaqueOwner::Ark } else { OpaqueOwner::Openai };
                let own = reasoning.opaque.as_ref().filter(|opaque| opaque.owner == owner);
                into.extend(own.map(|opaque| {
                    Item::Reasoning {
                        summary: Some(&reasoning.text)
                            .filter(|text| !text.is_empty())
                            .map(|text| Summary { kind: "summary_text", text })
                            .into_iter()
                            .collect(),
                        encrypted_content: &opaque.data,
                    }
                }));
            }
            Part::Text(_) | Part::Image(_) | Part::Audio(_) | Part::Video(_) | Part::File(_) | Part::Refusal(_) => {
                words.push(piece(part, turn.role, ark)?);
            }
        }
    }
    flush(role, &mut words, into);
    Ok(())
}

fn flush<'a>(role: &'static str, words: &mut Vec<Piece<'a>>, into: &mut Vec<Item<'a>>) {
    if !words.is_empty() {
        into.push(Item::Message { role, content: std::mem::take(words) });
    }
}

fn tool_call(call: &ToolCall) -> Item<'_> {
    let (call_id, name) = (call.id.as_str(), call.name.as_str());
    if call.custom {
        Item::CustomToolCall { call_id, name, input: &call.arguments }
    } else {
        Item::FunctionCall { call_id, name, arguments: if call.arguments.trim().is_empty() { "{}" } else { &call.arguments } }
    }
}

fn tool_result(result: &ToolResult) -> Result<Item<'_>, CannotCarry> {
    let only_text = result.parts.iter().all(|part| matches!(part, Part::Text(_)));
    let output = if only_text {
        let mut text = String::new();
        result.parts.iter().for_each(|part| part.append_text(&mut text));
        Output::Text(text)
    } else {
        Output::Pieces(result.parts.iter().map(|part| piece(part, Role::User, false)).collect::<Result<_, _>>()?)
    };
    let call_id = result.call_id.as_str();
    Ok(if result.custom { Item::CustomToolCallOutput { call_id, output } } else { Item::FunctionCallOutput { call_id, output } })
}

fn piece(part: &Part, role: Role, ark: bool) -> Result<Piece<'_>, CannotCarry> {
    match part {
        Part::Text(text) if role == Role::Assistant => Ok(Piece::OutputText { text: &text.text }),
        Part::Text(text) => Ok(Piece::InputText { text: &text.text }),
        Part::Refusal(refusal) => Ok(Piece::Refusal { refusal }),
        Part::Image(media) => Ok(Piece::InputImage { image_url: address(media)?, detail: media.detail.as_deref() }),
        Part::File(media) => match &media.source {
            Source::Url { url, .. } => Ok(Piece::InputFile { filename: media.name.as_deref(), file_data: None, file_url: Some(url) }),
            Source::Inline { .. } => Ok(Piece::InputFile {
                filename: Some(media.name.as_deref().unwrap_or("file.pdf")),
                file_data: Some(address(media)?),
                file_url: None,
            }),
            Source::Stored(_) => Err(cannot("file_id", "the file is stored at another provider: send its bytes")),
        },
        Part::Video(media) if ark => Ok(Piece::InputVideo { video_url: address(media)? }),
        Part::Video(_) => Err(cannot("video", "it does not watch films")),
        Part::Audio(_) => Err(cannot("input_audio", "it does not listen")),
        Part::ToolCall(_) | Part::ToolResult(_) | Part::Reasoning(_) => {
            Err(cannot("content", "a tool's answer holds text, images and files"))
        }
    }
}

/// The address of something: a `data:` URL if it is here.
fn address(media: &Media) -> Result<String, CannotCarry> {
    match &media.source {
        Source::Inline { media_type, data } => Ok(format!("data:{media_type};base64,{data}")),
        Source::Url { url, .. } => Ok(url.clone()),
        Source::Stored(_) => Err(cannot("file_id", "the file is stored at another provider: send its bytes")),
    }
}

/// The request of a caller for Ark, whose dialect differs in one thing: `reasoning` is `thinking` there. None if nothing differs.
#[must_use]
pub fn for_ark(body: &[u8]) -> Option<Bytes> {
    let mut object: serde_json::Map<String, Value> = serde_json::from_slice(body).ok()?;
    let reasoning = object.shift_remove("reasoning")?;
    let effort = reasoning.get("effort").and_then(Value::as_str);
    if let Some(effort) = effort {
        let kind = if effort == "none" { "disabled" } else { "enabled" };
        object.insert("thinking".to_owned(), serde_json::json!({ "type": kind }));
    }
    serde_json::to_vec(&object).ok().map(Bytes::from)
}

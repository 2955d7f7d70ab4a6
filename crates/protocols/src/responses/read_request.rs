//! A caller's request in the inner form.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::item::{Item, Piece, source};
use super::stream_writer::CALL_STATE;
use crate::conversation::{
    Conversation, Effort, Logprobs, Media, Opaque, OpaqueOwner, OutputFormat, Part, Reasoning, ReasoningAsk, Role, Sampling, Source, Text,
    Tool, ToolCall, ToolChoice, ToolKind, ToolResult, Turn,
};
use crate::openai::lenient::Word;
use crate::request::BadRequest;

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow, alias = "messages", default)]
    input: Option<&'a RawValue>,
    #[serde(default)]
    instructions: Option<String>,
    #[serde(default)]
    tools: Option<Vec<Value>>,
    #[serde(default)]
    tool_choice: Option<Value>,
    #[serde(default)]
    parallel_tool_calls: Option<bool>,
    #[serde(default)]
    text: Option<TextSettings>,
    #[serde(default)]
    reasoning: Option<ReasoningSettings>,
    #[serde(default)]
    max_output_tokens: Option<u64>,
    #[serde(default)]
    temperature: Option<f64>,
    #[serde(default)]
    top_p: Option<f64>,
    #[serde(default)]
    top_logprobs: Option<u32>,
    #[serde(default)]
    include: Option<Vec<String>>,
    #[serde(default)]
    service_tier: Option<String>,
    #[serde(default)]
    prompt_cache_key: Option<String>,
    #[serde(default)]
    safety_identifier: Option<String>,
    #[serde(default)]
    user: Option<String>,
    #[serde(default)]
    stream: Option<bool>,
    #[serde(borrow, default)]
    prompt: Option<&'a RawValue>,
    #[serde(borrow, default)]
    metadata: Option<&'a RawValue>,
    #[serde(borrow, default)]
    truncation: Option<&'a RawValue>,
    #[serde(borrow, default)]
    max_tool_calls: Option<&'a RawValue>,
    #[serde(borrow, default)]
    previous_response_id: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct TextSettings {
    #[serde(default)]
    format: Option<Format>,
    #[serde(default)]
    verbosity: Option<String>,
}

#[derive(Deserialize)]
struct Format {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    schema: Value,
    #[serde(default)]
    strict: Option<bool>,
}

#[derive(Deserialize)]
struct ReasoningSettings {
    #[serde(default)]
    effort: Option<String>,
    #[serde(default)]
    summary: Option<String>,
    #[serde(default)]
    generate_summary: Option<String>,
}

/// Reads a body.
///
/// # Errors
/// [`BadRequest`] names the first field that has no meaning.
pub fn read_request(body: &[u8]) -> Result<Conversation, BadRequest> {
    let wire: Body<'_> =
        serde_json::from_slice(body).map_err(|error| BadRequest::whole(format!("the request body can't be read: {error}")))?;
    let mut read = Conversation { choices: 1, ..Conversation::default() };
    read.system.extend(wire.instructions.filter(|text| !text.is_empty()));
    if wire.previous_response_id.is_some_and(|id| id.get() != "null") {
        // The gateway has put the earlier turns in its place: only what could not be found is still there.
        read.only_here.push("previous_response_id".to_owned());
    }
    if wire.prompt.is_some_and(|prompt| prompt.get() != "null") {
        read.only_here.push("prompt".to_owned());
    }
    let input = wire.input.ok_or_else(|| BadRequest::field("input", "is missing: send a string or an array of items"))?;
    items(input, &mut read)?;
    for (index, tool) in wire.tools.into_iter().flatten().enumerate() {
        read_tool(index, tool, &mut read)?;
    }
    read.tool_choice = wire.tool_choice.map(|choice| read_choice(&choice, &mut read.only_here)).transpose()?.flatten();
    read.parallel_tool_calls = wire.parallel_tool_calls;
    if let Some(settings) = wire.text {
        read.output = settings.format.map(output).transpose()?.unwrap_or_default();
        read.verbosity = settings.verbosity;
    }
    read.reasoning = wire.reasoning.map(reasoning).transpose()?;
    let wants_logprobs = wire.include.iter().flatten().any(|include| include == "message.output_text.logprobs");
    read.logprobs = wire.top_logprobs.filter(|top| *top > 0).or(wants_logprobs.then_some(0)).map(|top| Logprobs { top });
    read.sampling = Sampling { temperature: wire.temperature, top_p: wire.top_p, ..Sampling::default() };
    read.max_output_tokens = wire.max_output_tokens;
    read.service_tier = wire.service_tier;
    read.cache_key = wire.prompt_cache_key;
    read.end_user = wire.safety_identifier.or(wire.user);
    read.stream = wire.stream.unwrap_or(false);
    let given = |value: Option<&RawValue>| value.is_some_and(|value| !matches!(value.get(), "null" | "{}" | "\"disabled\""));
    let tuning = [("metadata", wire.metadata), ("truncation", wire.truncation), ("max_tool_calls", wire.max_tool_calls)];
    read.tuning.extend(tuning.into_iter().filter(|(_, value)| given(*value)).map(|(name, _)| name));
    Ok(read)
}

fn reasoning(settings: ReasoningSettings) -> Result<ReasoningAsk, BadRequest> {
    let effort = settings.effort.map(|effort| {
        effort
            .parse::<Effort>()
            .map_err(|_| BadRequest::field("reasoning.effort", format!("is `{effort}`: use none, minimal, low, medium, high or xhigh")))
    });
    Ok(ReasoningAsk { effort: effort.transpose()?, budget_tokens: None, show: settings.summary.or(settings.generate_summary).is_some() })
}

fn output(format: Format) -> Result<OutputFormat, BadRequest> {
    match format.kind.as_str() {
        "text" => Ok(OutputFormat::Text),
        "json_object" => Ok(OutputFormat::JsonObject),
        "json_schema" => {
            let Format { name, description, schema, strict, .. } = format;
            Ok(OutputFormat::JsonSchema { name, description, schema, strict })
        }
        other => Err(BadRequest::field("text.format.type", format!("is `{other}`: use text, json_object or json_schema"))),
    }
}

fn read_tool(index: usize, tool: Value, read: &mut Conversation) -> Result<(), BadRequest> {
    let Value::Object(mut tool) = tool else { return Err(BadRequest::field(&format!("tools[{index}]"), "must be an object")) };
    let mut text = |name: &str| match tool.remove(name) {
        Some(Value::String(text)) => Some(text),
        Some(_) | None => None,
    };
    let kind = text("type").unwrap_or_default();
    let (name, description) = (text("name"), text("description"));
    let named = |name: Option<String>| name.ok_or_else(|| BadRequest::field(&format!("tools[{index}].name"), "is missing: name the tool"));
    let kind = match kind.as_str() {
        "function" => ToolKind::Function {
            parameters: tool.remove("parameters").filter(|schema| !schema.is_null()),
            strict: tool.get("strict").and_then(Value::as_bool),
        },
        "custom" => ToolKind::Custom { format: tool.remove("format").filter(|format| !format.is_null()) },
        other => {
            read.only_here.push(format!("tools[{index}].type ({other})"));
            return Ok(());
        }
    };
    read.tools.push(Tool { name: named(name)?, description, kind });
    Ok(())
}

fn read_choice(choice: &Value, only_here: &mut Vec<String>) -> Result<Option<ToolChoice>, BadRequest> {
    let bad = || BadRequest::field("tool_choice", "must be auto, none, required, or an object that names a tool");
    let name = |value: &Value| value.get("name").and_then(Value::as_str).map(str::to_owned);
    match choice {
        Value::Null => Ok(None),
        Value::String(word) => match word.as_str() {
            "auto" => Ok(Some(ToolChoice::Auto)),
            "none" => Ok(Some(ToolChoice::None)),
            "required" => Ok(Some(ToolChoice::Required)),
            _other => Err(bad()),
        },
        Value::Object(object) => match object.get("type").and_then(Value::as_str) {
            Some("function" | "custom") => name(choice).map(|name| Some(ToolChoice::Named(name))).ok_or_else(bad),
            Some("allowed_tools") => {
                let names = object.get("tools").and_then(Value::as_array).into_iter().flatten().filter_map(name).collect();
                Ok(Some(ToolChoice::Allowed { required: object.get("mode").and_then(Value::as_str) == Some("required"), names }))
            }
            Some(other) => {
                only_here.push(format!("tool_choice.type ({other})"));
                Ok(None)
            }
            None => Err(bad()),
        },
        Value::Bool(_) | Value::Number(_) | Value::Array(_) => Err(bad()),
    }
}

fn items(input: &RawValue, read: &mut Conversation) -> Result<(), BadRequest> {
    if let Ok(text) = serde_json::from_str::<String>(input.get()) {
        read.turns.push(Turn { role: Role::User, parts: vec![Part::Text(Text::plain(text))] });
        return Ok(());
    }
    let raw: Vec<&RawValue> =
        serde_json::from_str(input.get()).map_err(|_| BadRequest::field("input", "must be a string or an array of items"))?;
    for (index, raw) in raw.into_iter().enumerate() {
        let at = format!("input[{index}]");
        let item: Item<'_> = serde_json::from_str(raw.get()).map_err(|error| BadRequest::field(&at, format!("can't be read: {error}")))?;
        read_item(item, &at, read)?;
    }
    Ok(())
}

fn read_item(item: Item<'_>, at: &str, read: &mut Conversation) -> Result<(), BadRequest> {
    let kind = item.kind.0.clone();
    let needed = |word: &Word, name: &str| word.0.clone().ok_or_else(|| BadRequest::field(&format!("{at}.{name}"), "is missing"));
    match kind.as_deref() {
        None | Some("message") => message(&item, at, read),
        Some("function_call") => {
            let call = ToolCall {
                id: needed(&item.call_id, "call_id")?,
                name: needed(&item.name, "name")?,
                arguments: item.arguments.0,
                custom: false,
                opaque: None,
            };
            push(read, Role::Assistant, Part::ToolCall(call));
            Ok(())
        }
        Some("custom_tool_call") => {
            let call = ToolCall {
                id: needed(&item.call_id, "call_id")?,
                name: needed(&item.name, "name")?,
                arguments: item.input.0,
                custom: true,
                opaque: None,
            };
            push(read, Role::Assistant, Part::ToolCall(call));
            Ok(())
        }
        Some(sort @ ("function_call_output" | "custom_tool_call_output")) => {
            let call_id = needed(&item.call_id, "call_id")?;
            let parts =
                item.output.map(|output| pieces(output, &format!("{at}.output"), &mut read.only_here)).transpose()?.unwrap_or_default();
            let name = called(read, &call_id);
            let custom = sort == "custom_tool_call_output";
            push(read, Role::User, Part::ToolResult(ToolResult { call_id, name, parts, is_error: false, custom }));
            Ok(())
        }
        Some("reasoning") => {
            if let Some(state) = item.encrypted_content.0.as_deref().and_then(|state| state.strip_prefix(CALL_STATE)) {
                give_back(read, state);
                return Ok(());
            }
            let text = reasoning_text(&item);
            let opaque =
                item.encrypted_content.0.map(|data| Opaque::untagged(&data).unwrap_or(Opaque { owner: OpaqueOwner::Openai, data }));
            push(read, Role::Assistant, Part::Reasoning(Reasoning { text, opaque }));
            Ok(())
        }
        Some(other) => {
            // References, and what a provider's own tools left behind.
            read.only_here.push(format!("{at}.type ({other})"));
            Ok(())
        }
    }
}

fn reasoning_text(item: &Item<'_>) -> String {
    if !item.summary.0.is_empty() {
        return item.summary.0.clone();
    }
    let pieces = item.content.and_then(|content| serde_json::from_str::<Vec<Piece<'_>>>(content.get()).ok());
    pieces.into_iter().flatten().map(|piece| piece.text.0).collect()
}

/// State that belongs to a call, as our own stream writer carries it.
fn give_back(read: &mut Conversation, state: &str) {
    let Some((call_id, state)) = state.split_once(":easyai:") else { return };
    let Some(opaque) = Opaque::untagged(&format!("easyai:{state}")) else { return };
    for part in read.turns.iter_mut().rev().flat_map(|turn| &mut turn.parts) {
        if let Part::ToolCall(call) = part
            && call.id == call_id
        {
            call.opaque = Some(opaque);
            return;
        }
    }
}

/// The name of the tool that was called by this id.
fn called(read: &Conversation, call_id: &str) -> Option<String> {
    let parts = read.turns.iter().rev().flat_map(|turn| &turn.parts);
    parts
        .filter_map(|part| match part {
            Part::ToolCall(call) if call.id == call_id => Some(call.name.clone()),
            Part::ToolCall(_)
            | Part::Text(_)
            | Part::Image(_)
            | Part::Audio(_)
            | Part::Video(_)
            | Part::File(_)
            | Part::ToolResult(_)
            | Part::Reasoning(_)
            | Part::Refusal(_) => None,
        })
        .next()
}

/// Neighbouring items of one side are one turn: calls after a message are its calls (`providers.md` section 2.2, rule 5).
fn push(read: &mut Conversation, role: Role, part: Part) {
    match read.turns.last_mut() {
        Some(turn) if turn.role == role && role != Role::System => turn.parts.push(part),
        Some(_) | None => read.turns.push(Turn { role, parts: vec![part] }),
    }
}

fn message(item: &Item<'_>, at: &str, read: &mut Conversation) -> Result<(), BadRequest> {
    let role = match item.role.0.as_deref() {
        Some("user") => Role::User,
        Some("assistant") => Role::Assistant,
        Some("system" | "developer") => Role::System,
        Some(other) => {
            return Err(BadRequest::field(&format!("{at}.role"), format!("is `{other}`: use user, assistant, system or developer")));
        }
        None => return Err(BadRequest::field(&format!("{at}.role"), "is missing: send user, assistant, system or developer")),
    };
    let Some(content) = item.content else { return Err(BadRequest::field(&format!("{at}.content"), "is missing")) };
    let parts = pieces(content, &format!("{at}.content"), &mut read.only_here)?;
    if role == Role::System && read.turns.is_empty() {
        read.system.extend(parts.into_iter().filter_map(|part| match part {
            Part::Text(text) => Some(text.text),
            Part::Image(_)
            | Part::Audio(_)
            | Part::Video(_)
            | Part::File(_)
            | Part::ToolCall(_)
            | Part::ToolResult(_)
            | Part::Reasoning(_)
            | Part::Refusal(_) => None,
        }));
        return Ok(());
    }
    for part in parts {
        push(read, role, part);
    }
    Ok(())
}

/// The parts of a message or of a tool's answer: text, or a list.
fn pieces(content: &RawValue, at: &str, only_here: &mut Vec<String>) -> Result<Vec<Part>, BadRequest> {
    if let Ok(text) = serde_json::from_str::<Option<String>>(content.get()) {
        return Ok(text.map(|text| vec![Part::Text(Text::plain(text))]).unwrap_or_default());
    }
    let pieces: Vec<Piece<'_>> = serde_json::from_str(content.get())
        .map_err(|error| BadRequest::field(at, format!("must be a string or an array of parts: {error}")))?;
    let mut parts = Vec::with_capacity(pieces.len());
    for (index, piece) in pieces.into_iter().enumerate() {
        parts.extend(part(piece, &format!("{at}[{index}]"), only_here)?);
    }
    Ok(parts)
}

fn part(piece: Piece<'_>, at: &str, only_here: &mut Vec<String>) -> Result<Option<Part>, BadRequest> {
    let media = |source| Media { source, name: None, detail: None };
    match piece.kind.0.as_deref() {
        Some("input_text" | "output_text" | "text" | "summary_text") => Ok(Some(Part::Text(Text::plain(piece.text.0)))),
        Some("refusal") => Ok(Some(Part::Refusal(piece.refusal.0))),
        Some("input_image" | "image_url") => {
            let detail = piece.detail.0.clone();
            let source = match (piece.image(), piece.file_id.0) {
                (Some(url), _) => source(url, Some("image/png")),
                (None, Some(id)) => Source::Stored(id),
                (None, None) => return Err(BadRequest::field(&format!("{at}.image_url"), "is missing: send a URL, or a `data:` URL")),
            };
            Ok(Some(Part::Image(Media { source, name: None, detail })))
        }
        Some("input_file") => {
            let name = piece.filename.0;
            let source = match (piece.file_data.0, piece.file_url.0, piece.file_id.0) {
                (Some(data), _, _) if data.starts_with("data:") => source(data, Some("application/pdf")),
                (Some(data), _, _) => Source::Inline { media_type: "application/pdf".to_owned(), data },
                (None, Some(url), _) => Source::Url { url, media_type: None },
                (None, None, Some(id)) => Source::Stored(id),
                (None, None, None) => return Err(BadRequest::field(at, "needs one of file_data, file_url and file_id")),
            };
            Ok(Some(Part::File(Media { source, name, detail: None })))
        }
        Some("input_audio") => match (piece.input_audio, piece.audio_url.0) {
            (Some(audio), _) => Ok(Some(Part::Audio(audio.media()))),
            (None, Some(url)) => Ok(Some(Part::Audio(media(source(url, Some("audio/wav")))))),
            (None, None) => Err(BadRequest::field(&format!("{at}.input_audio"), "is missing")),
        },
        Some(other) => {
            only_here.push(format!("{at}.type ({other})"));
            Ok(None)
        }
        None => Err(BadRequest::field(&format!("{at}.type"), "is missing: send input_text, input_image, input_file or input_audio")),
    }
}

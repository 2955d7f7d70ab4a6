//! `contents` as turns.
//!
//! Neighbours of one role become one turn, and the text of the model in one turn becomes one text: Google's SDKs keep every chunk of a
//! stream as a content of its own.

use serde_json::Value;
use serde_json::value::RawValue;

use super::field::{Place, elements};
use super::wire::{Content, FileData, FunctionCall, FunctionResponse, InlineData, Part as Wire};
use crate::conversation::{Conversation, Media, Opaque, Part, Reasoning, Role, Source, Text, ToolCall, ToolResult, Turn};
use crate::encoded::standard;
use crate::gemini::fetch;
use crate::gemini::signature;
use crate::request::BadRequest;

/// What is known of the calls so far.
struct Reader<'c> {
    conversation: &'c mut Conversation,
    /// Calls of the model's last turn that have no answer yet.
    open: Vec<(String, String)>,
}

/// A function's answer, by the keys that Google gives a meaning.
#[derive(Default, serde::Deserialize)]
struct Response {
    output: Option<Value>,
    error: Option<Value>,
}

pub(super) fn read(contents: Option<&RawValue>, conversation: &mut Conversation) -> Result<(), BadRequest> {
    let contents = elements(contents, "contents")?;
    if contents.is_empty() {
        return Err(BadRequest::field("contents", "is empty: send at least one turn"));
    }
    let mut reader = Reader { conversation, open: Vec::new() };
    for (index, raw) in contents.into_iter().enumerate() {
        reader.content(raw, &Place::named(format!("contents[{index}]")), index)?;
    }
    Ok(())
}

impl Reader<'_> {
    fn content(&mut self, raw: &RawValue, place: &Place, turn: usize) -> Result<(), BadRequest> {
        let content: Content<'_> = place.object(raw)?;
        let role = match place.read::<String>(content.role, "role")?.as_deref() {
            // `function` is how answers of functions were once marked.
            None | Some("" | "user" | "function") => Role::User,
            Some("model") => Role::Assistant,
            Some(_) => return Err(place.bad("role", "must be `user` or `model`")),
        };
        if self.conversation.turns.last().is_none_or(|last| last.role != role) {
            self.conversation.turns.push(Turn { role, parts: Vec::new() });
            if role == Role::Assistant {
                self.open.clear();
            }
        }
        let parts = place.path("parts");
        for (index, raw) in elements(content.parts, &parts)?.into_iter().enumerate() {
            let place = Place::named(format!("{parts}[{index}]"));
            if let Some(part) = self.part(raw, &place, (turn, index))? {
                self.push(part);
            }
        }
        Ok(())
    }

    fn push(&mut self, part: Part) {
        let Some(turn) = self.conversation.turns.last_mut() else { return };
        match (turn.parts.last_mut(), part) {
            (Some(Part::Text(last)), Part::Text(more)) if turn.role == Role::Assistant && last.opaque.is_none() => {
                last.text.push_str(&more.text);
                last.opaque = more.opaque;
            }
            (Some(Part::Reasoning(last)), Part::Reasoning(more)) if last.opaque.is_none() => {
                last.text.push_str(&more.text);
                last.opaque = more.opaque;
            }
            (_, part) => turn.parts.push(part),
        }
    }

    fn part(&mut self, raw: &RawValue, place: &Place, at: (usize, usize)) -> Result<Option<Part>, BadRequest> {
        let part: Wire<'_> = place.object(raw)?;
        if part.video_metadata.is_some() {
            self.conversation.only_here.push(place.path("videoMetadata"));
        }
        if part.media_resolution.is_some() && !self.conversation.tuning.contains(&"mediaResolution") {
            self.conversation.tuning.push("mediaResolution");
        }
        let opaque = place.read::<String>(part.thought_signature, "thoughtSignature")?;
        let opaque = opaque.filter(|signature| !signature.is_empty() && signature != signature::LOST).and_then(signature::read);
        if let Some(call) = place.read(part.function_call, "functionCall")? {
            return self.call(&call, opaque, &place.at("functionCall"), at).map(Some);
        }
        if let Some(response) = place.read(part.function_response, "functionResponse")? {
            return self.result(&response, &place.at("functionResponse")).map(Some);
        }
        if let Some(data) = place.read(part.inline_data, "inlineData")? {
            return inline(&data, &place.at("inlineData")).map(Some);
        }
        if let Some(file) = place.read(part.file_data, "fileData")? {
            return stored(&file, &place.at("fileData")).map(Some);
        }
        let text = place.read::<String>(part.text, "text")?;
        if text.is_none() && opaque.is_none() {
            // Executed code, and whatever Google adds.
            self.conversation.only_here.push(place.path(first_key(raw).as_deref().unwrap_or("text")));
            return Ok(None);
        }
        let text = text.unwrap_or_default();
        if text.is_empty() && opaque.is_none() {
            return Ok(None);
        }
        Ok(Some(if part.thought == Some(true) {
            Part::Reasoning(Reasoning { text, opaque })
        } else {
            Part::Text(Text { text, citations: Vec::new(), opaque })
        }))
    }

    fn call(&mut self, call: &FunctionCall<'_>, opaque: Option<Opaque>, place: &Place, at: (usize, usize)) -> Result<Part, BadRequest> {
        let name = place.read::<String>(call.name, "name")?.filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| place.bad("name", "is missing: name the function"))?;
        let id = place.read::<String>(call.id, "id")?.filter(|id| !id.is_empty());
        // Where it stands in the history is an id of its own, and stays the same as the history grows.
        let id = id.unwrap_or_else(|| format!("call_{}_{}", at.0, at.1));
        let arguments = match call.args.map(RawValue::get) {
            None | Some("null") => "{}",
            Some(args) if args.starts_with('{') => args,
            Some(_) => return Err(place.bad("args", "must be an object")),
        };
        self.open.push((id.clone(), name.clone()));
        Ok(Part::ToolCall(ToolCall { id, name, arguments: arguments.to_owned(), custom: false, opaque }))
    }

    fn result(&mut self, response: &FunctionResponse<'_>, place: &Place) -> Result<Part, BadRequest> {
        let id = place.read::<String>(response.id, "id")?.filter(|id| !id.is_empty());
        let name = place.read::<String>(response.name, "name")?.filter(|name| !name.is_empty());
        // Without an id, answers follow the order of the calls of one function.
        let is_meant = |(call, function): &(String, String)| id.as_ref().map_or(name.as_ref() == Some(function), |id| id == call);
        let found = self.open.iter().position(is_meant).map(|at| self.open.remove(at));
        let (call_id, name) = match (found, id) {
            (Some((id, function)), _) => (id, name.or(Some(function))),
            (None, Some(id)) => (id, name),
            (None, None) => return Err(place.bad("name", "answers no call of the model's last turn")),
        };
        let (mut parts, is_error) = output(response, place)?;
        let nested = place.path("parts");
        for (index, raw) in elements(response.parts, &nested)?.into_iter().enumerate() {
            let place = Place::named(format!("{nested}[{index}]"));
            let part: Wire<'_> = place.object(raw)?;
            if let Some(data) = place.read(part.inline_data, "inlineData")? {
                parts.push(inline(&data, &place.at("inlineData"))?);
            } else if let Some(file) = place.read(part.file_data, "fileData")? {
                parts.push(stored(&file, &place.at("fileData"))?);
            } else {
                self.conversation.only_here.push(nested.clone());
            }
        }
        Ok(Part::ToolResult(ToolResult { call_id, name, parts, is_error, custom: false }))
    }
}

/// What a function said: the value of `output` or `error` where one of them stands alone, else the whole object.
fn output(response: &FunctionResponse<'_>, place: &Place) -> Result<(Vec<Part>, bool), BadRequest> {
    let Some(raw) = response.response.filter(|raw| raw.get() != "null") else { return Ok((Vec::new(), false)) };
    let place = place.at("response");
    let whole: serde_json::Map<String, Value> = place.object(raw)?;
    let alone = whole.len() == 1;
    let known: Response = place.object(raw)?;
    let (value, is_error) = match known {
        Response { output: Some(value), .. } if alone => (Some(value), false),
        Response { error: Some(value), .. } if alone => (Some(value), true),
        Response { .. } => (None, false),
    };
    let text = match value {
        Some(Value::String(text)) => text,
        Some(value) => value.to_string(),
        None => raw.get().to_owned(),
    };
    Ok((vec![Part::Text(Text::plain(text))], is_error))
}

fn inline(data: &InlineData<'_>, place: &Place) -> Result<Part, BadRequest> {
    let media_type = place.read::<String>(data.mime_type, "mimeType")?.filter(|media_type| !media_type.is_empty());
    let media_type = media_type.ok_or_else(|| place.bad("mimeType", "is missing: say what it is, such as `image/png`"))?;
    let bytes = place.read::<String>(data.data, "data")?.ok_or_else(|| place.bad("data", "is missing: send it in base64"))?;
    let name = place.read(data.display_name, "displayName")?;
    let kind = media_type.clone();
    let source = Source::Inline { media_type, data: standard(bytes) };
    Ok(of_kind(&kind, Media { source, name, detail: None }))
}

fn stored(file: &FileData<'_>, place: &Place) -> Result<Part, BadRequest> {
    let uri = place.read::<String>(file.file_uri, "fileUri")?.filter(|uri| !uri.is_empty());
    let uri = uri.ok_or_else(|| place.bad("fileUri", "is missing"))?;
    let media_type = place.read::<String>(file.mime_type, "mimeType")?.filter(|media_type| !media_type.is_empty());
    let kind = media_type.clone().unwrap_or_else(|| if fetch::is_youtube(&uri) { "video/*".to_owned() } else { String::new() });
    let is_public = !fetch::is_googles_file(&uri) && (uri.starts_with("https://") || uri.starts_with("http://"));
    let source = if is_public { Source::Url { url: uri, media_type } } else { Source::Stored(uri) };
    Ok(of_kind(&kind, Media { source, name: place.read(file.display_name, "displayName")?, detail: None }))
}

fn of_kind(media_type: &str, media: Media) -> Part {
    match media_type.split('/').next() {
        Some("image") => Part::Image(media),
        Some("audio") => Part::Audio(media),
        Some("video") => Part::Video(media),
        Some(_) | None => Part::File(media),
    }
}

fn first_key(raw: &RawValue) -> Option<String> {
    let object: serde_json::Map<String, Value> = serde_json::from_str(raw.get()).ok()?;
    object.into_iter().next().map(|(key, _)| key)
}

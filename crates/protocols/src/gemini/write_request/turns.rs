//! Turns as `contents`: alternating, never empty, results first.

use std::collections::HashMap;

use serde_json::value::{RawValue, to_raw_value};

use super::cannot;
use crate::conversation::{CannotCarry, Conversation, Media, Notes, Part, Role, Source, ToolResult, Turn};
use crate::gemini::arguments;
use crate::gemini::content::{Content, FunctionCall, FunctionResponse, Part as Wire};
use crate::gemini::family::{Family, Model};
use crate::gemini::fetch::{is_googles_file, is_taken_by_url};
use crate::gemini::signature::{self, LOST};

struct Writer<'a> {
    model: Model,
    /// The functions that were called, by the ids of their calls.
    names: HashMap<&'a str, &'a str>,
    contents: Vec<Content<'a>>,
}

/// What a function said, in the keys that Google gives a meaning.
#[derive(serde::Serialize)]
#[serde(rename_all = "lowercase")]
enum Response<'a> {
    Output(&'a str),
    Error(&'a str),
}

/// The system text's parts, and the contents.
pub(super) fn write<'a>(
    conversation: &'a Conversation,
    model: Model,
    notes: &mut Notes,
) -> Result<(Vec<Wire<'a>>, Vec<Content<'a>>), CannotCarry> {
    let parts = conversation.turns.iter().flat_map(|turn| &turn.parts);
    let names = parts.filter_map(|part| if let Part::ToolCall(call) = part { Some((&*call.id, &*call.name)) } else { None }).collect();
    let mut writer = Writer { model, names, contents: Vec::new() };
    for turn in &conversation.turns {
        writer.turn(turn)?;
    }
    note_details(conversation, notes);
    let mut system: Vec<Wire<'_>> =
        conversation.system.iter().filter(|text| !text.is_empty()).map(|text| Wire::text(text.as_str())).collect();
    if writer.contents.is_empty() {
        if system.is_empty() {
            return Err(cannot("messages", "it needs at least one turn that says something"));
        }
        notes.changed("system", "system text alone is sent as the user's");
        writer.lead(std::mem::take(&mut system));
    } else if model.family == Family::Gemma {
        writer.lead(std::mem::take(&mut system));
    }
    for content in &mut writer.contents {
        match content.role {
            // All results of a round come first, and together.
            "user" => content.parts.sort_by_key(|part| part.function_response.is_none()),
            _model => writer.model.sign(content),
        }
    }
    Ok((system, writer.contents))
}

impl<'a> Writer<'a> {
    fn turn(&mut self, turn: &'a Turn) -> Result<(), CannotCarry> {
        let mut parts = Vec::new();
        let role = match turn.role {
            // In its place: caches depend on the order.
            Role::System | Role::User => "user",
            Role::Assistant => "model",
        };
        for part in &turn.parts {
            self.part(part, &mut parts)?;
        }
        if turn.role == Role::Assistant {
            place_signature(&turn.parts, &mut parts);
        }
        match self.contents.last_mut() {
            _ if parts.is_empty() => {}
            Some(last) if last.role == role => last.parts.append(&mut parts),
            Some(_) | None => self.contents.push(Content { role, parts }),
        }
        Ok(())
    }

    /// Puts parts before the first words of the user.
    fn lead(&mut self, mut parts: Vec<Wire<'a>>) {
        match self.contents.first_mut() {
            _ if parts.is_empty() => {}
            Some(first) if first.role == "user" => {
                parts.append(&mut first.parts);
                first.parts = parts;
            }
            Some(_) | None => self.contents.insert(0, Content { role: "user", parts }),
        }
    }

    fn part(&self, part: &'a Part, out: &mut Vec<Wire<'a>>) -> Result<(), CannotCarry> {
        match part {
            Part::Text(text) => {
                let signature = signature::own(text.opaque.as_ref());
                if !text.text.is_empty() || signature.is_some() {
                    out.push(Wire::text(text.text.as_str()).signed(signature.map(Into::into)));
                }
            }
            Part::Refusal(text) if text.is_empty() => {}
            Part::Refusal(text) => out.push(Wire::text(text.as_str())),
            Part::Image(image) => out.push(media(image, "image")?),
            Part::Audio(audio) => out.push(media(audio, "audio")?),
            Part::Video(video) => out.push(media(video, "video")?),
            Part::File(file) => out.push(media(file, "file")?),
            Part::ToolCall(call) => {
                let args = arguments::object(&call.arguments, call.custom);
                let signature = signature::own(call.opaque.as_ref()).map(Into::into);
                out.push(Wire::call(FunctionCall { id: &call.id, name: &call.name, args }).signed(signature));
            }
            Part::ToolResult(result) => self.result(result, out)?,
            // Nobody wants thoughts back; what Google signed is placed when the turn is whole.
            Part::Reasoning(_) => {}
        }
        Ok(())
    }

    fn result(&self, result: &'a ToolResult, out: &mut Vec<Wire<'a>>) -> Result<(), CannotCarry> {
        let name = result.name.as_deref().or_else(|| self.names.get(result.call_id.as_str()).copied());
        let name = name.ok_or_else(|| {
            cannot("tool_call_id", format!("`{}` is no call of the turns before: its function can't be named", result.call_id))
        })?;
        let (mut text, mut parts) = (String::new(), Vec::new());
        for part in &result.parts {
            match part {
                Part::Text(part) => text.push_str(&part.text),
                part => self.part(part, &mut parts)?,
            }
        }
        let mut response = FunctionResponse { id: &result.call_id, name, response: response(&text, result.is_error), parts: Vec::new() };
        if matches!(self.model.family, Family::Third { .. }) {
            response.parts = std::mem::take(&mut parts);
        }
        out.push(Wire { function_response: Some(response), ..Wire::default() });
        // Older models take data only beside the result.
        out.append(&mut parts);
        Ok(())
    }
}

impl Model {
    /// The first call of a turn must be signed on Gemini 3.
    fn sign(self, content: &mut Content<'_>) {
        if let Family::Third { .. } = self.family
            && let Some(call) = content.parts.iter_mut().find(|part| part.function_call.is_some())
        {
            call.thought_signature.get_or_insert(LOST.into());
        }
    }
}

/// Protocols with room for state in reasoning alone bring a signature back as reasoning of its own. It belongs to the first call of the
/// turn, which is where one is demanded, else to the last text.
fn place_signature<'a>(turn: &'a [Part], parts: &mut Vec<Wire<'a>>) {
    let thoughts = turn.iter().rev().filter_map(|part| if let Part::Reasoning(thought) = part { thought.opaque.as_ref() } else { None });
    let Some(signature) = thoughts.filter_map(|opaque| signature::own(Some(opaque))).next() else { return };
    let call = parts.iter().position(|part| part.function_call.is_some());
    let place = call.or_else(|| parts.iter().rposition(|part| part.text.is_some()));
    match place.and_then(|at| parts.get_mut(at)) {
        Some(part) => {
            part.thought_signature.get_or_insert(signature.into());
        }
        None => parts.push(Wire::text("").signed(Some(signature.into()))),
    }
}

/// An object stays one; text is wrapped.
fn response(text: &str, is_error: bool) -> Option<Box<RawValue>> {
    if is_error {
        return to_raw_value(&Response::Error(text)).ok();
    }
    let trimmed = text.trim();
    let object = trimmed.starts_with('{').then(|| serde_json::from_str::<Box<RawValue>>(trimmed).ok()).flatten();
    object.or_else(|| to_raw_value(&Response::Output(text)).ok())
}

fn media<'a>(media: &'a Media, what: &str) -> Result<Wire<'a>, CannotCarry> {
    match &media.source {
        Source::Inline { .. } => {}
        Source::Url { url, .. } if is_taken_by_url(url) => {}
        Source::Stored(uri) if is_googles_file(uri) => {}
        Source::Url { .. } => return Err(cannot(what, "it reads no URLs, and this one was not fetched: send the data itself")),
        Source::Stored(_) => return Err(cannot(what, "it is stored at another provider: send the data itself")),
    }
    Ok(Wire::media(media))
}

fn note_details(conversation: &Conversation, notes: &mut Notes) {
    let parts = conversation.turns.iter().flat_map(|turn| &turn.parts);
    let mut details = parts.filter_map(|part| if let Part::Image(image) = part { image.detail.as_deref() } else { None });
    if details.any(|detail| detail != "auto") {
        notes.dropped("detail", "the Gemini API has no such field for one picture");
    }
}

//! Going on from an earlier response: its turns are put before the new ones, so that any upstream can answer, whoever answered before.
//!
//! What is kept of a response for that is its own input items and its output. Earlier `instructions` are not carried (`providers.md`
//! section 5.4).

mod page;
mod reference;
mod stored;

use std::borrow::Cow;

use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;

pub use self::page::{Order, items_page};
pub(super) use self::reference::{REFERENCE, is_ours, item_id};
pub use self::reference::{Reference, item, references, upstreams_items, with_items};
pub use self::stored::{object_of, output_of, renamed, with_previous};
use super::members::Members;
use super::object::written;
use crate::request::BadRequest;

/// An earlier response.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// Its own input items, without those of what it went on from: a JSON array, as [`input_items`] gives it.
    pub input: Bytes,
    /// Its output: a JSON array.
    pub output: Bytes,
}

/// The body with all turns of `earlier`, the first one first, before its own, and without `previous_response_id`. Items lose the ids that
/// only their own upstream knows.
///
/// # Errors
/// [`BadRequest`] if the body, or what was kept, can't be read.
pub fn expand(body: &[u8], earlier: &[Exchange]) -> Result<Bytes, BadRequest> {
    let mut members = body_members(body)?;
    let mut items = Vec::new();
    for exchange in earlier {
        for stored in [&exchange.input, &exchange.output] {
            let stored: Vec<Members<'_>> = serde_json::from_slice(stored).map_err(|error| {
                BadRequest::field("previous_response_id", format!("names a response that can't be read any more: {error}"))
            })?;
            items.extend(stored.into_iter().filter_map(portable));
        }
    }
    let name = turns_name(&members);
    let turns = members.value(name);
    let own = own_items(turns.as_deref())?;
    let all: Vec<_> = items.iter().map(Either::Stored).chain(own.iter().map(|item| Either::Own(item))).collect();
    // `messages` stays where it was: the reader understands the items in it too, and only there chat's own.
    members.set(name, &all);
    members.remove("previous_response_id");
    Ok(members.written())
}

/// The body without `background`: the gateway works on it in the background itself.
///
/// # Errors
/// [`BadRequest`] if the body is no request.
pub fn in_the_foreground(body: &[u8]) -> Result<Bytes, BadRequest> {
    let mut members = body_members(body)?;
    members.remove("background");
    Ok(members.written())
}

/// An item before it is written.
#[derive(Serialize)]
#[serde(untagged)]
enum Either<'a> {
    Stored(&'a Members<'a>),
    Own(&'a RawValue),
}

fn body_members(body: &[u8]) -> Result<Members<'_>, BadRequest> {
    serde_json::from_slice(body).map_err(|error| BadRequest::whole(format!("the request body can't be read: {error}")))
}

/// A stored item as input for anybody. Reasoning that only its upstream remembers means nothing elsewhere, and OpenAI refuses a status
/// on it.
fn portable(mut item: Members<'_>) -> Option<Members<'_>> {
    let kind = item.text("type");
    if kind.as_deref() == Some("reasoning") && item.text("encrypted_content").unwrap_or_default().is_empty() {
        return None;
    }
    // A reference is nothing but its id.
    if kind.as_deref() != Some(REFERENCE) {
        item.remove("id");
    }
    item.remove("status");
    Some(item)
}

/// Where the turns are.
fn turns_name(members: &Members<'_>) -> &'static str {
    if members.has("messages") && !members.has("input") { "messages" } else { "input" }
}

/// A request's own items; a text is one.
fn own_items(turns: Option<&RawValue>) -> Result<Vec<Cow<'_, RawValue>>, BadRequest> {
    let Some(turns) = turns.filter(|turns| turns.get() != "null") else { return Ok(Vec::new()) };
    if turns.get().starts_with('"') {
        return Ok(vec![Cow::Owned(user_message(turns)?)]);
    }
    let items: Vec<&RawValue> =
        serde_json::from_str(turns.get()).map_err(|_| BadRequest::field("input", "must be a string or an array of items"))?;
    Ok(items.into_iter().map(Cow::Borrowed).collect())
}

fn user_message(text: &RawValue) -> Result<Box<RawValue>, BadRequest> {
    #[derive(Serialize)]
    struct Message<'a> {
        #[serde(rename = "type")]
        kind: &'static str,
        role: &'static str,
        content: [Part<'a>; 1],
    }
    let message = Message { kind: "message", role: "user", content: [Part { kind: "input_text", text }] };
    serde_json::value::to_raw_value(&message).map_err(|error| BadRequest::field("input", format!("can't be read: {error}")))
}

#[derive(Serialize)]
struct Part<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    text: &'a RawValue,
}

/// A request's own input items as a JSON array, each with a type and an id: as they are kept, and listed. An empty one if there are none.
/// `id` is in the ids of those that have none.
#[must_use]
pub fn input_items(body: &[u8], id: &str) -> Bytes {
    let members = body_members(body).unwrap_or_default();
    let raw = own_items(members.get(turns_name(&members))).unwrap_or_default();
    let items = raw.iter().filter_map(|item| serde_json::from_str::<Members<'_>>(item.get()).ok()).enumerate();
    let normal = items.map(|(index, item)| normal(item, &format!("{id}{index:03}")));
    written(&normal.collect::<Vec<_>>())
}

fn normal<'a>(mut item: Members<'a>, id: &str) -> Members<'a> {
    if !item.has("type") {
        item.set("type", &"message");
    }
    let kind = item.text("type").unwrap_or_default();
    if kind == "message"
        && let Some(text) = item.remove("content")
    {
        let said_by_model = item.text("role").as_deref() == Some("assistant");
        if text.get().starts_with('"') {
            item.set("content", &[Part { kind: if said_by_model { "output_text" } else { "input_text" }, text: &text }]);
        } else {
            item.set("content", &&*text);
        }
    }
    if !item.has("id") {
        item.set("id", &format!("{}_{id}", prefix(&kind)));
    }
    item
}

/// What OpenAI's ids of such items begin with.
fn prefix(kind: &str) -> &'static str {
    match kind {
        "message" => "msg",
        "reasoning" => "rs",
        "function_call" => "fc",
        "function_call_output" => "fco",
        "custom_tool_call" => "ctc",
        "custom_tool_call_output" => "ctco",
        _other => "item",
    }
}

#[cfg(test)]
mod tests;

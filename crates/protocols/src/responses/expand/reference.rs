//! References to items of earlier responses: an item's id says which response it is of.

use std::collections::HashMap;

use bytes::Bytes;
use serde_json::value::RawValue;

use super::{Members, body_members, portable, turns_name, written};
use crate::request::BadRequest;

/// In the ids of items that we made; see [`Opaque::may_be_tagged_in`](crate::conversation::Opaque::may_be_tagged_in).
const MARK: &str = "_easyai_";

/// The id of an item that we make: `response` is the body of its response's id, `place` the item's in the output.
pub(in crate::responses) fn item_id(prefix: &str, response: &str, place: usize) -> String {
    format!("{prefix}{MARK}{response}_{place:02}")
}

/// Whether an item of this id was made here, so that no upstream knows it.
pub(in crate::responses) fn is_ours(id: &str) -> bool {
    id.contains(MARK)
}

/// A reference to an item of an earlier response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The item's id.
    pub item: String,
    /// The id of its response, if we made the item; else only its upstream knows it.
    pub response: Option<String>,
}

/// The type of an item that stands for an earlier one.
pub(in crate::responses) const REFERENCE: &str = "item_reference";

/// Items of a response that are remembered; a longer one has more than any request could name.
const MAX_ITEMS: usize = 1_000;

/// The ids in a recorded answer's output that its upstream gave, each once: what a request may refer to there.
#[must_use]
pub fn upstreams_items(body: &Bytes) -> Vec<String> {
    let output = super::object_of(body).map(|object| super::output_of(&object)).unwrap_or_default();
    let items: Vec<Members<'_>> = serde_json::from_slice(&output).unwrap_or_default();
    let mut ids: Vec<String> = items.iter().filter_map(|item| item.text("id")).filter(|id| !is_ours(id)).take(MAX_ITEMS).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// References in a body to items of earlier responses.
#[must_use]
pub fn references(body: &[u8]) -> Vec<Reference> {
    let Ok(members) = body_members(body) else { return Vec::new() };
    items(members.get(turns_name(&members))).iter().filter_map(reference).collect()
}

/// The item of a stored output by its id.
#[must_use]
pub fn item(output: &[u8], id: &str) -> Option<Box<RawValue>> {
    let items: Vec<Box<RawValue>> = serde_json::from_slice(output).ok()?;
    items.into_iter().find(|item| serde_json::from_str::<Members<'_>>(item.get()).is_ok_and(|item| item.text("id").as_deref() == Some(id)))
}

/// The body with `items` in place of references to them.
///
/// # Errors
/// [`BadRequest`] if the body is no request.
#[expect(clippy::implicit_hasher, reason = "one caller, with one sort of map")]
pub fn with_items(body: &[u8], items: &HashMap<String, Box<RawValue>>) -> Result<Bytes, BadRequest> {
    let mut members = body_members(body)?;
    let name = turns_name(&members);
    let input = members.value(name);
    let places = self::items(input.as_deref());
    if places.is_empty() {
        return Ok(Bytes::copy_from_slice(body));
    }
    let found = |place: &Members<'_>| {
        let item = items.get(&reference(place)?.item)?;
        serde_json::from_str::<Members<'_>>(item.get()).ok()
    };
    let fill = |place| match found(&place) {
        // What means nothing to anybody else is left out.
        Some(item) => portable(item),
        None => Some(place),
    };
    let filled: Vec<Members<'_>> = places.into_iter().filter_map(fill).collect();
    let filled = written(&filled);
    let filled: &RawValue =
        serde_json::from_slice(&filled).map_err(|error| BadRequest::field("input", format!("can't be read: {error}")))?;
    members.set(name, filled);
    Ok(members.written())
}

/// The items of an input, if it has any.
fn items(input: Option<&RawValue>) -> Vec<Members<'_>> {
    input.and_then(|input| serde_json::from_str(input.get()).ok()).unwrap_or_default()
}

/// What an item refers to, if it is a reference: it says so, or is neither that nor anything else (OpenAI's own description has its type
/// as optional). In an id of ours are our mark, the response's id, and the item's place.
fn reference(item: &Members<'_>) -> Option<Reference> {
    let is_reference = match item.text("type") {
        Some(kind) => kind == REFERENCE,
        None => !item.has("role"),
    };
    if !is_reference {
        return None;
    }
    let id = item.text("id")?;
    let ours = id.split_once(MARK).and_then(|(_, rest)| rest.rsplit_once('_'));
    let response = ours.map(|(response, _place)| format!("resp_{response}"));
    Some(Reference { item: id, response })
}

//! References to items of earlier responses: an item's id says which response it is of.

use std::collections::HashMap;

use bytes::Bytes;
use serde_json::value::RawValue;

use super::{Members, body_members, portable, written};
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

/// A reference to an item that we made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The item's id.
    pub item: String,
    /// The id of its response.
    pub response: String,
}

/// Whether a body may refer to items by their ids.
#[must_use]
pub fn refers(body: &[u8]) -> bool {
    memchr::memmem::find(body, b"item_reference").is_some()
}

/// References in a body to items of ours.
#[must_use]
pub fn references(body: &[u8]) -> Vec<Reference> {
    let Ok(members) = body_members(body) else { return Vec::new() };
    items(members.get("input")).iter().filter_map(reference).collect()
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
    let input = members.value("input");
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
    members.set("input", filled);
    Ok(members.written())
}

/// The items of an input, if it has any.
fn items(input: Option<&RawValue>) -> Vec<Members<'_>> {
    input.and_then(|input| serde_json::from_str(input.get()).ok()).unwrap_or_default()
}

/// What an item refers to, if it is a reference to one of ours: the id's mark, the response's id, and the item's place.
fn reference(item: &Members<'_>) -> Option<Reference> {
    if item.text("type").as_deref() != Some("item_reference") {
        return None;
    }
    let id = item.text("id")?;
    let (_, rest) = id.split_once(MARK)?;
    let (response, _place) = rest.rsplit_once('_')?;
    let response = format!("resp_{response}");
    Some(Reference { item: id, response })
}

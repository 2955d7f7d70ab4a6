//! A page of stored items: `GET /responses/{id}/input_items`.

use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::responses::object::written;

/// Which way a list goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// The first one first.
    Ascending,
    /// The last one first, as OpenAI does unless asked.
    #[default]
    Descending,
}

#[derive(Serialize)]
struct Page<'a> {
    object: &'static str,
    data: Vec<&'a RawValue>,
    first_id: Option<&'a str>,
    last_id: Option<&'a str>,
    has_more: bool,
}

#[derive(serde::Deserialize)]
struct Named {
    #[serde(default)]
    id: String,
}

/// At most `limit` of `items`, a JSON array as [`input_items`](super::input_items) gives it: those that follow the one with the id
/// `after`, or from the beginning. An id that is not there is followed by nothing.
#[must_use]
pub fn items_page(items: &[u8], limit: usize, after: Option<&str>, order: Order) -> Bytes {
    let raw: Vec<&RawValue> = serde_json::from_slice(items).unwrap_or_default();
    let id = |raw: &RawValue| serde_json::from_str::<Named>(raw.get()).map(|named| named.id).unwrap_or_default();
    let mut named: Vec<(&RawValue, String)> = raw.into_iter().map(|raw| (raw, id(raw))).collect();
    if order == Order::Descending {
        named.reverse();
    }
    let from = after.map_or(0, |after| named.iter().position(|(_, id)| id == after).map_or(named.len(), |at| at + 1));
    let rest = named.get(from..).unwrap_or_default();
    let shown = rest.get(..limit).unwrap_or(rest);
    written(&Page {
        object: "list",
        data: shown.iter().map(|(raw, _)| *raw).collect(),
        first_id: shown.first().map(|(_, id)| id.as_str()),
        last_id: shown.last().map(|(_, id)| id.as_str()),
        has_more: shown.len() < rest.len(),
    })
}

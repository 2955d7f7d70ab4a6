//! Going on from an earlier response: its turns are put before the new ones, so that any upstream can answer, whoever answered before.
//!
//! Stored are only each response's own input items and output. Earlier `instructions` are not carried (`providers.md` section 5.4).

use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::request::BadRequest;

/// An earlier response.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// Its own input items: a JSON array.
    pub input: Bytes,
    /// Its output: a JSON array.
    pub output: Bytes,
}

/// The body with all turns of `earlier`, the first one first, before its own, and without `previous_response_id`.
///
/// # Errors
/// [`BadRequest`] if the body is no request.
pub fn expand(body: &[u8], earlier: &[Exchange]) -> Result<Bytes, BadRequest> {
    let mut object = object(body)?;
    let mut items = Vec::new();
    for exchange in earlier {
        items.extend(array(&exchange.input).into_iter().filter_map(portable));
        items.extend(array(&exchange.output).into_iter().filter_map(portable));
    }
    items.extend(own_items(object.shift_remove("input").or_else(|| object.shift_remove("messages"))));
    object.insert("input".to_owned(), Value::Array(items));
    object.shift_remove("previous_response_id");
    written(&object)
}

/// The body without `background`: the gateway works on it in the background itself.
///
/// # Errors
/// [`BadRequest`] if the body is no request.
pub fn in_the_foreground(body: &[u8]) -> Result<Bytes, BadRequest> {
    let mut object = object(body)?;
    object.shift_remove("background");
    written(&object)
}

fn object(body: &[u8]) -> Result<Map<String, Value>, BadRequest> {
    serde_json::from_slice(body).map_err(|error| BadRequest::whole(format!("the request body can't be read: {error}")))
}

fn written(object: &Map<String, Value>) -> Result<Bytes, BadRequest> {
    serde_json::to_vec(object).map(Bytes::from).map_err(|error| BadRequest::whole(error.to_string()))
}

fn array(json: &[u8]) -> Vec<Value> {
    serde_json::from_slice(json).unwrap_or_default()
}

/// An output item as input for anybody: without the id that only its upstream knows. Reasoning that its upstream alone remembers means
/// nothing elsewhere.
fn portable(item: Value) -> Option<Value> {
    let Value::Object(mut item) = item else { return None };
    if item.get("type").and_then(Value::as_str) == Some("reasoning") && !item.get("encrypted_content").is_some_and(Value::is_string) {
        return None;
    }
    item.shift_remove("id");
    item.shift_remove("status");
    Some(Value::Object(item))
}

fn own_items(input: Option<Value>) -> Vec<Value> {
    match input {
        Some(Value::Array(items)) => items,
        Some(Value::String(text)) => vec![serde_json::json!({ "role": "user", "content": text })],
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => Vec::new(),
    }
}

/// A request's own input items as a JSON array, each with a type and an id: as they are stored, and listed. `id` begins the ids of those
/// that have none.
#[must_use]
pub fn input_items(body: &[u8], id: &str) -> Bytes {
    let input = object(body).ok().and_then(|mut object| object.shift_remove("input").or_else(|| object.shift_remove("messages")));
    let items = own_items(input).into_iter().enumerate().map(|(index, item)| normal(item, id, index));
    Bytes::from(serde_json::to_vec(&items.collect::<Vec<_>>()).unwrap_or_default())
}

fn normal(item: Value, id: &str, index: usize) -> Value {
    let Value::Object(mut item) = item else { return item };
    if !item.contains_key("type") {
        item.insert("type".to_owned(), "message".into());
    }
    if item.get("type").and_then(Value::as_str) == Some("message")
        && let Some(Value::String(text)) = item.get("content")
    {
        let kind = if item.get("role").and_then(Value::as_str) == Some("assistant") { "output_text" } else { "input_text" };
        let part = serde_json::json!([{ "type": kind, "text": text }]);
        item.insert("content".to_owned(), part);
    }
    item.entry("id").or_insert_with(|| format!("msg_{id}{index:03}").into());
    Value::Object(item)
}

#[derive(Serialize)]
struct Page<'a> {
    object: &'static str,
    data: Vec<&'a Value>,
    first_id: Option<&'a str>,
    last_id: Option<&'a str>,
    has_more: bool,
}

/// Which way a list goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// The first one first.
    Ascending,
    /// The last one first, as OpenAI does unless asked.
    #[default]
    Descending,
}

/// A page of stored items.
#[must_use]
pub fn items_page(items: &[u8], limit: usize, after: Option<&str>, order: Order) -> Bytes {
    let mut items = array(items);
    if order == Order::Descending {
        items.reverse();
    }
    let id = |item: &'_ Value| item.get("id").and_then(Value::as_str).map(str::to_owned);
    let from = after.and_then(|after| items.iter().position(|item| id(item).as_deref() == Some(after))).map_or(0, |at| at + 1);
    let rest = items.get(from..).unwrap_or_default();
    let data: Vec<&Value> = rest.iter().take(limit).collect();
    let of = |item: Option<&&'_ Value>| item.and_then(|item| item.get("id")).and_then(Value::as_str).map(str::to_owned);
    let (first, last) = (of(data.first()), of(data.last()));
    let page = Page { object: "list", has_more: rest.len() > data.len(), first_id: first.as_deref(), last_id: last.as_deref(), data };
    Bytes::from(serde_json::to_vec(&page).unwrap_or_default())
}

/// A response object, or an event that holds one, with the id of the response that was gone on from: its upstream was not told.
#[must_use]
pub fn with_previous(json: &Bytes, previous: &str) -> Bytes {
    const NONE: [&[u8]; 2] = [b"\"previous_response_id\":null", b"\"previous_response_id\": null"];
    let found = NONE.iter().find_map(|none| memchr::memmem::find(json, none).map(|at| (at, none.len())));
    let Some((at, length)) = found else { return json.clone() };
    let named = format!("\"previous_response_id\":{}", Value::from(previous));
    Bytes::from([&json[..at], named.as_bytes(), &json[at + length..]].concat())
}

/// Whether a body may refer to items by their ids.
#[must_use]
pub fn refers(body: &[u8]) -> bool {
    memchr::memmem::find(body, b"item_reference").is_some()
}

/// A reference to an item that we made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The item's id.
    pub item: String,
    /// The id of its response.
    pub response: String,
}

/// References in a body to items of ours.
#[must_use]
pub fn references(body: &[u8]) -> Vec<Reference> {
    let Ok(mut object) = object(body) else { return Vec::new() };
    let items = own_items(object.shift_remove("input"));
    items.iter().filter_map(reference).collect()
}

fn reference(item: &Value) -> Option<Reference> {
    let kind = item.get("type").and_then(Value::as_str);
    let id = item.get("id").and_then(Value::as_str)?;
    if kind != Some("item_reference") {
        return None;
    }
    // `rs_easyai_` and the response's own id, and two digits for its place.
    let (_, rest) = id.split_once("_easyai_")?;
    let response = rest.get(..rest.len().checked_sub(2)?)?;
    Some(Reference { item: id.to_owned(), response: format!("resp_{response}") })
}

/// The item of an output by its id.
#[must_use]
pub fn item(output: &[u8], id: &str) -> Option<Value> {
    array(output).into_iter().find(|item| item.get("id").and_then(Value::as_str) == Some(id))
}

/// The body with `items` in place of references to them.
///
/// # Errors
/// [`BadRequest`] if the body is no request.
pub fn with_items(body: &[u8], items: &std::collections::HashMap<String, Value>) -> Result<Bytes, BadRequest> {
    let mut object = object(body)?;
    if let Some(Value::Array(input)) = object.get_mut("input") {
        let found = |place: &Value| reference(place).and_then(|reference| items.get(&reference.item).cloned());
        *input = std::mem::take(input)
            .into_iter()
            .filter_map(|place| match found(&place) {
                // What means nothing to anybody else is left out.
                Some(item) => portable(item),
                None => Some(place),
            })
            .collect();
    }
    written(&object)
}

/// The output of a stored response: of its object, or of the last event of its stream. An empty array if there is none.
#[must_use]
pub fn output_of(object: &[u8]) -> Bytes {
    #[derive(serde::Deserialize)]
    struct Object<'a> {
        #[serde(borrow, default)]
        output: Option<&'a RawValue>,
    }
    let output = serde_json::from_slice::<Object<'_>>(object).ok().and_then(|object| object.output);
    output.map_or_else(|| Bytes::from_static(b"[]"), |output| Bytes::copy_from_slice(output.get().as_bytes()))
}

/// The response object of a recorded answer: the body itself, or the `response` of its stream's last event that has one.
#[must_use]
pub fn object_of(body: &Bytes) -> Option<Bytes> {
    #[derive(serde::Deserialize)]
    struct Event<'a> {
        #[serde(borrow, default)]
        response: Option<&'a RawValue>,
    }
    if body.first() == Some(&b'{') {
        return Some(body.clone());
    }
    let mut reader = crate::sse::Reader::new(body.len());
    reader.push(body.clone());
    reader.finish();
    let mut last = None;
    while let Ok(Some(event)) = reader.next() {
        let response = serde_json::from_slice::<Event<'_>>(&event.data).ok().and_then(|event| event.response);
        last = response.map(|response| Bytes::copy_from_slice(response.get().as_bytes())).or(last);
    }
    last
}

/// The object with another id: that of a response which was named before it began.
#[must_use]
pub fn renamed(object: &[u8], id: &str) -> Bytes {
    match serde_json::from_slice::<Map<String, Value>>(object) {
        Ok(mut map) => {
            map.insert("id".to_owned(), id.into());
            Bytes::from(serde_json::to_vec(&map).unwrap_or_default())
        }
        Err(_) => Bytes::copy_from_slice(object),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &Bytes) -> &str {
        std::str::from_utf8(bytes).unwrap()
    }

    #[test]
    fn earlier_turns_come_before_the_new_ones() {
        let earlier = Exchange {
            input: Bytes::from_static(br#"[{"role":"user","content":"a"}]"#),
            output: Bytes::from_static(
                br#"[{"id":"rs_1","type":"reasoning","summary":[]},{"id":"rs_2","type":"reasoning","summary":[],"encrypted_content":"x"},{"id":"msg_1","type":"message","role":"assistant","status":"completed","content":[]}]"#,
            ),
        };
        let body = expand(br#"{"model":"m","input":"b","previous_response_id":"resp_1"}"#, &[earlier]).unwrap();
        assert_eq!(
            text(&body),
            r#"{"model":"m","input":[{"role":"user","content":"a"},{"type":"reasoning","summary":[],"encrypted_content":"x"},{"type":"message","role":"assistant","content":[]},{"role":"user","content":"b"}]}"#
        );
    }

    #[test]
    fn input_items_have_types_and_ids_and_come_in_pages() {
        let items = input_items(br#"{"input":[{"role":"user","content":"a"},{"type":"function_call","id":"fc_1","call_id":"c"}]}"#, "x");
        assert_eq!(
            text(&items),
            r#"[{"role":"user","content":[{"type":"input_text","text":"a"}],"type":"message","id":"msg_x000"},{"type":"function_call","id":"fc_1","call_id":"c"}]"#
        );
        let page = items_page(&items, 1, None, Order::Descending);
        assert!(text(&page).contains(r#""first_id":"fc_1","last_id":"fc_1","has_more":true"#), "{page:?}");
        let next = items_page(&items, 5, Some("fc_1"), Order::Descending);
        assert!(text(&next).contains(r#""first_id":"msg_x000""#) && text(&next).contains(r#""has_more":false"#));
    }

    #[test]
    fn the_object_of_a_stream_is_in_its_last_event() {
        let stream = Bytes::from_static(
            b"event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"id\":\"r\",\"output\":[]}}\n\nevent: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"id\":\"r\",\"output\":[1]}}\n\n",
        );
        let object = object_of(&stream).unwrap();
        assert_eq!(text(&output_of(&object)), "[1]");
        assert_eq!(text(&renamed(&object, "resp_2")), r#"{"id":"resp_2","output":[1]}"#);
    }
}

//! What is kept of a response: the answer that its caller got, whole or as a stream.

use bytes::Bytes;
use serde_json::value::RawValue;

use super::Members;

/// The output of a response object. An empty array if there is none.
#[must_use]
pub fn output_of(object: &[u8]) -> Bytes {
    let members = serde_json::from_slice::<Members<'_>>(object).unwrap_or_default();
    let output = members.get("output").filter(|output| output.get().starts_with('['));
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

/// A response object, or an event that holds one, with the id of the response that was gone on from: its upstream was not told.
#[must_use]
pub fn with_previous(json: &Bytes, previous: &str) -> Bytes {
    const NONE: [&[u8]; 2] = [b"\"previous_response_id\":null", b"\"previous_response_id\": null"];
    let found = NONE.iter().find_map(|none| memchr::memmem::find(json, none).map(|at| at..at + none.len()));
    let Some(at) = found else { return json.clone() };
    // A string can't fail to be written.
    let id = serde_json::to_string(previous).unwrap_or_default();
    let named = format!("\"previous_response_id\":{id}");
    let (before, after) = (json.slice(..at.start), json.slice(at.end..));
    Bytes::from([&before[..], named.as_bytes(), &after[..]].concat())
}

/// The object with another id: that of a response which was named before it began.
#[must_use]
pub fn renamed(object: &[u8], id: &str) -> Bytes {
    match serde_json::from_slice::<Members<'_>>(object) {
        Ok(mut members) => {
            members.set("id", id);
            members.written()
        }
        Err(_) => Bytes::copy_from_slice(object),
    }
}

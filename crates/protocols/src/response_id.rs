//! The id that a response gave itself.

use bytes::Bytes;

use crate::sse::Reader;

#[derive(serde::Deserialize)]
struct Event {
    response: Object,
}

#[derive(serde::Deserialize)]
struct Object {
    id: String,
}

/// The id in a response's own object, or in the first event of its stream.
#[must_use]
pub fn response_id(body: &Bytes) -> Option<String> {
    if let Ok(object) = serde_json::from_slice::<Object>(body) {
        return Some(object.id);
    }
    let mut reader = Reader::new(body.len());
    reader.push(body.clone());
    reader.finish();
    let first = reader.next().ok()??;
    serde_json::from_slice::<Event>(&first.data).ok().map(|event| event.response.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_is_found_by_the_id_it_has() {
        let id = |body: &'static str| response_id(&Bytes::from_static(body.as_bytes()));
        assert_eq!(id(r#"{"id":"resp_1","object":"response"}"#).as_deref(), Some("resp_1"));
        assert_eq!(
            id("event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"id\":\"resp_2\"}}\n\n").as_deref(),
            Some("resp_2")
        );
        assert_eq!(id("data: {}\n\n"), None);
    }
}

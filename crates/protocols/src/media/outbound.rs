//! A caller's body on its way to an upstream of the same shape: as it came, but for the model's name.
//!
//! Fields that an upstream refuses are left out. What lies in the body is not copied.

use std::ops::Range;

use bytes::Bytes;

use super::MediaBody;
use crate::json::splice::{Edit, splice};
use crate::multipart::{self, WrittenForm};
use crate::request::BadRequest;
use crate::request::members::members;

/// A body for an upstream.
#[derive(Debug, Clone)]
pub struct Outbound {
    /// The whole `content-type` header.
    pub content_type: String,
    /// The body, in pieces.
    pub body: Vec<Bytes>,
}

impl From<WrittenForm> for Outbound {
    fn from(form: WrittenForm) -> Self {
        Self { content_type: form.content_type, body: form.body }
    }
}

/// `body` for an upstream that calls the model `model`, without the fields `without`.
///
/// # Errors
/// [`BadRequest`] if it can't be read: never, for what was read before.
pub fn outbound(body: &MediaBody, model: &str, without: &[&str]) -> Result<Outbound, BadRequest> {
    let pieces = if body.is_form() { form(body, model, without)? } else { json(&body.bytes, model, without)? };
    Ok(Outbound { content_type: body.content_type.clone(), body: pieces })
}

fn form(body: &MediaBody, model: &str, without: &[&str]) -> Result<Vec<Bytes>, BadRequest> {
    let parts = multipart::parts(&body.content_type, &body.bytes)?;
    let edit = |part: multipart::Part| match part.name.as_str() {
        "model" => Some(Edit { at: part.data_at, with: Bytes::copy_from_slice(model.as_bytes()) }),
        name if without.contains(&name) => Some(Edit { at: part.at, with: Bytes::new() }),
        _other => None,
    };
    Ok(splice(&body.bytes, parts.into_iter().filter_map(edit).collect()))
}

/// The members of a JSON body: their names, and where their values lie.
pub(super) fn places(body: &Bytes) -> Result<Vec<(String, Range<usize>)>, BadRequest> {
    let mut places = Vec::new();
    members(body, "`model`", |scanner, key| {
        let key = key.to_owned();
        // A value is peeked at so that white space before it does not belong to it.
        scanner.peek()?;
        places.push((key, scanner.skip()?));
        Ok(())
    })?;
    Ok(places)
}

fn json(body: &Bytes, model: &str, without: &[&str]) -> Result<Vec<Bytes>, BadRequest> {
    let places = places(body)?;
    if !places.iter().any(|(name, _)| without.contains(&name.as_str())) {
        let models = places.into_iter().filter(|(name, _)| name == "model");
        return Ok(splice(body, models.map(|(_, at)| Edit::text(at, model)).collect()));
    }
    let mut pieces = Vec::with_capacity(places.len() * 2 + 1);
    let mut before = "{";
    for (name, at) in places.into_iter().filter(|(name, _)| !without.contains(&name.as_str())) {
        let key = serde_json::to_string(&name).unwrap_or_default();
        pieces.push(Bytes::from(format!("{before}{key}:")));
        pieces.push(if name == "model" { Edit::text(at, model).with } else { body.slice(at) });
        before = ",";
    }
    pieces.push(Bytes::from(if before == "{" { "{}" } else { "}" }));
    Ok(pieces)
}

/// The names of a body's fields, as they were sent.
#[must_use]
pub fn field_names(body: &MediaBody) -> Vec<String> {
    if body.is_form() {
        let parts = multipart::parts(&body.content_type, &body.bytes).unwrap_or_default();
        return parts.into_iter().map(|part| part.name).collect();
    }
    places(&body.bytes).unwrap_or_default().into_iter().map(|(name, _)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::multipart::Form;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x08\0\0\0\x08\x08\x06\0\0\0";

    fn json_of(body: &'static str, without: &[&str]) -> String {
        let body = MediaBody { content_type: "application/json".to_owned(), bytes: Bytes::from_static(body.as_bytes()) };
        String::from_utf8(outbound(&body, "up\"m", without).unwrap().body.concat()).unwrap()
    }

    #[test]
    fn a_body_keeps_all_but_the_name_and_what_is_refused() {
        assert_eq!(json_of(r#" {"a": [1], "model" : "m","b":2} "#, &["c"]), r#" {"a": [1], "model" : "up\"m","b":2} "#);
        assert_eq!(
            json_of(r#"{"response_format":"url","model":"m", "b": {"c":1}}"#, &["response_format"]),
            r#"{"model":"up\"m","b":{"c":1}}"#
        );
        assert_eq!(json_of(r#"{"b":1}"#, &["b"]), "{}");
    }

    #[test]
    fn a_form_keeps_its_files_where_they_lie() {
        let file = Bytes::from_static(PNG);
        let form =
            Form::default().text("response_format", "url").file("image", "a.png", "image/png", file).text("model", "m").text("n", "1");
        let written = form.finish();
        let body = MediaBody { content_type: written.content_type, bytes: Bytes::from(written.body.concat()) };
        let sent = outbound(&body, "upstream-m", &["response_format", "n"]).unwrap();
        let parts = multipart::parts(&sent.content_type, &Bytes::from(sent.body.concat())).unwrap();
        let read: Vec<_> = parts.iter().map(|part| (part.name.as_str(), &part.data[..])).collect();
        assert_eq!(read, [("image", PNG), ("model", b"upstream-m")]);
    }
}

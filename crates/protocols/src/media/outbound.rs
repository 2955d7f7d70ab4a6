//! A caller's body on its way to an upstream of the same shape: as it came, but for the model's name.
//!
//! Fields that an upstream refuses are left out. What lies in the body is not copied.

use std::ops::Range;

use bytes::Bytes;

use super::{ImageRequest, InputFile, InputSource, MediaBody};
use crate::multipart::{self, Form, WrittenForm};
use crate::request::BadRequest;
use crate::request::members::members;
use crate::request::splice::{Edit, splice};

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
fn places(body: &Bytes) -> Result<Vec<(String, Range<usize>)>, BadRequest> {
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

/// An edit that came as JSON as the form that most upstreams take. All its images are here: `fetched` has those that came by URL, by their
/// field.
///
/// # Errors
/// [`BadRequest`] names an image that is not here.
pub fn edit_form(
    request: &ImageRequest,
    fetched: &[(String, String, Bytes)],
    model: &str,
    without: &[&str],
) -> Result<Outbound, BadRequest> {
    let mut form = Form::default().text("model", model);
    for (name, at) in places(&request.body.bytes)? {
        let value = request.body.bytes.slice(at);
        let is_file = matches!(name.as_str(), "image" | "images" | "image_url" | "image_urls" | "mask" | "model");
        if is_file || without.contains(&name.as_str()) || &value[..] == b"null" {
            continue;
        }
        match serde_json::from_slice::<String>(&value) {
            Ok(text) => form = form.text(&name, &text),
            Err(_) => form = form.text(&name, &String::from_utf8_lossy(&value)),
        }
    }
    let name = if request.images.len() == 1 { "image" } else { "image[]" };
    for image in &request.images {
        form = add(form, name, image, fetched)?;
    }
    if let Some(mask) = &request.mask {
        form = add(form, "mask", mask, fetched)?;
    }
    Ok(form.finish().into())
}

fn add(form: Form, name: &str, file: &InputFile, fetched: &[(String, String, Bytes)]) -> Result<Form, BadRequest> {
    let (media_type, data) = match &file.source {
        InputSource::Inline { media_type, data } => (media_type.as_str(), data.clone()),
        InputSource::Url(_) => {
            let found = fetched.iter().find(|(field, _, _)| *field == file.field);
            let (_, media_type, data) = found.ok_or_else(|| BadRequest::field(&file.field, "must be sent as a file or a data URL"))?;
            (media_type.as_str(), data.clone())
        }
    };
    let ending = media_type.rsplit('/').next().unwrap_or("png");
    let filename = file.filename.clone().unwrap_or_else(|| format!("image.{ending}"));
    Ok(form.file(name, &filename, media_type, data))
}

#[cfg(test)]
mod tests {
    use easyai_core::kind::Kind;

    use super::*;
    use crate::media::{MediaRequest, read};

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

    #[test]
    fn an_edit_as_json_becomes_a_form() {
        let body = r#"{"model":"m","prompt":"a\nb","n":2,"stream":false,"user":null,"response_format":"url",
            "images":[{"image_url":"data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAYAAAA="},"https://x/y.jpg"]}"#;
        let Ok(MediaRequest::Image(request)) = read(Kind::ImagesEdits, None, Bytes::from_static(body.as_bytes())) else {
            panic!("no edit")
        };
        assert!(edit_form(&request, &[], "up", &[]).unwrap_err().message.contains("images[1]"));
        let fetched = [("images[1]".to_owned(), "image/jpeg".to_owned(), Bytes::from_static(b"jpg"))];
        let form = edit_form(&request, &fetched, "up", &["response_format"]).unwrap();
        let parts = multipart::parts(&form.content_type, &Bytes::from(form.body.concat())).unwrap();
        let read: Vec<_> = parts.iter().map(|part| (part.name.as_str(), &part.data[..])).collect();
        let expected: [(&str, &[u8]); 6] =
            [("model", b"up"), ("prompt", b"a\nb"), ("n", b"2"), ("stream", b"false"), ("image[]", PNG), ("image[]", b"jpg")];
        assert_eq!(read, expected);
        assert_eq!(parts[5].filename.as_deref(), Some("image.jpeg"));
    }
}

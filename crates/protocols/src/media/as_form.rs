//! Requests that came as JSON, as the forms that most upstreams take: files by their names, everything else as text.

use bytes::Bytes;

use super::outbound::places;
use super::{ImageRequest, InputFile, InputSource, MediaBody, Outbound, TranscriptionRequest};
use crate::multipart::{Form, MAX_PARTS};
use crate::request::BadRequest;

/// What lay at the URLs of a request: the field, the media type, the bytes.
pub type Fetched = (String, String, Bytes);

/// An edit as a form. All its images are here: `fetched` has those that came by URL.
///
/// # Errors
/// [`BadRequest`] names an image that is not here.
pub fn edit_form(request: &ImageRequest, fetched: &[Fetched], model: &str, without: &[&str]) -> Result<Outbound, BadRequest> {
    let files = ["image", "images", "image_url", "image_urls", "mask"];
    let mut form = fields(&request.body, model, &[&files, without].concat())?;
    let name = if request.images.len() == 1 { "image" } else { "image[]" };
    for image in &request.images {
        form = add(form, name, image, fetched)?;
    }
    if let Some(mask) = &request.mask {
        form = add(form, "mask", mask, fetched)?;
    }
    finished(form)
}

/// A recording to be written down, as a form.
///
/// # Errors
/// [`BadRequest`] if the recording is at a URL and was not fetched.
pub fn recording_form(request: &TranscriptionRequest, fetched: &[Fetched], model: &str) -> Result<Outbound, BadRequest> {
    let form = fields(&request.body, model, &["file"])?;
    finished(add(form, "file", &request.file, fetched)?)
}

/// The form, unless it has more parts than one may have.
fn finished(form: Form) -> Result<Outbound, BadRequest> {
    if form.parts() > MAX_PARTS {
        let message =
            format!("the body has more than {MAX_PARTS} fields and elements of fields, too many for a form, which this platform takes");
        return Err(BadRequest::whole(message));
    }
    Ok(form.finish().into())
}

/// The longest name of a field that goes into a form, where each of its letters may take three: readers of forms take no longer ones.
const MAX_FIELD_NAME_BYTES: usize = 80;

/// All fields but the model's own name and those `without`. An array is as many fields with brackets.
fn fields(body: &MediaBody, model: &str, without: &[&str]) -> Result<Form, BadRequest> {
    let mut form = Form::default().text("model", model);
    for (name, at) in places(&body.bytes)? {
        let value = body.bytes.slice(at);
        if name == "model" || without.contains(&name.as_str()) || &value[..] == b"null" {
            continue;
        }
        if name.is_empty() || name.len() > MAX_FIELD_NAME_BYTES {
            let shown: String = name.chars().take(MAX_FIELD_NAME_BYTES / 4).collect();
            let message =
                format!("can't go to this platform, whose forms take names of 1 to {MAX_FIELD_NAME_BYTES} bytes: leave the field out");
            return Err(BadRequest::field(&shown, message));
        }
        if let Ok(text) = serde_json::from_slice::<String>(&value) {
            form = form.text(&name, &text);
        } else if let Ok(texts) = serde_json::from_slice::<Vec<String>>(&value) {
            let name = format!("{}[]", name.trim_end_matches("[]"));
            form = texts.iter().fold(form, |form, text| form.text(&name, text));
        } else {
            form = form.text(&name, &String::from_utf8_lossy(&value));
        }
    }
    Ok(form)
}

fn add(form: Form, name: &str, file: &InputFile, fetched: &[Fetched]) -> Result<Form, BadRequest> {
    let (media_type, data) = match &file.source {
        InputSource::Inline { media_type, data } => (media_type.as_str(), data.clone()),
        InputSource::Url(_) => {
            let found = fetched.iter().find(|(field, _, _)| *field == file.field);
            let (_, media_type, data) = found.ok_or_else(|| BadRequest::field(&file.field, "must be sent as a file or a data URL"))?;
            (media_type.as_str(), data.clone())
        }
    };
    let filename = file.filename.clone().unwrap_or_else(|| filename(media_type));
    Ok(form.file(name, &filename, media_type, data))
}

/// A name by which upstreams know what a file is: some look at nothing else.
fn filename(media_type: &str) -> String {
    let (kind, ending) = media_type.split_once('/').unwrap_or(("image", "png"));
    let ending = match (kind, ending) {
        ("audio", "mpeg") => "mp3",
        ("audio", "mp4") => "m4a",
        ("audio", other) => other.trim_start_matches("x-"),
        (_, other) => other,
    };
    match kind {
        "audio" | "video" => format!("recording.{ending}"),
        _other => format!("image.{ending}"),
    }
}

#[cfg(test)]
mod tests {
    use easyai_core::kind::Kind;

    use super::*;
    use crate::media::{MediaRequest, read};
    use crate::multipart;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x08\0\0\0\x08\x08\x06\0\0\0";

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

    #[test]
    fn a_field_whose_name_no_form_takes_is_refused() {
        for (name, taken) in [("y".repeat(80), true), ("\\\"".repeat(80), true), ("y".repeat(81), false), (String::new(), false)] {
            let body = format!(
                r#"{{"model":"m","prompt":"a","image":"data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAYAAAA=","{name}":[5]}}"#
            );
            let Ok(MediaRequest::Image(request)) = read(Kind::ImagesEdits, None, Bytes::from(body)) else { panic!("no edit") };
            let form = edit_form(&request, &[], "up", &[]);
            assert_eq!(form.is_ok(), taken, "{name}");
            let read_back = form.map(|form| multipart::parts(&form.content_type, &Bytes::from(form.body.concat())).is_ok());
            assert!(read_back.unwrap_or(true), "{name}");
        }
    }

    #[test]
    fn a_body_that_is_too_much_for_a_form_is_refused() {
        for (many, taken) in [(40, true), (200, false)] {
            let array = format!("\"a\":{}", serde_json::to_string(&vec!["x"; many]).unwrap());
            let fields = (0..many).map(|number| format!("\"f{number}\":1")).collect::<Vec<_>>().join(",");
            for more in [array, fields] {
                let body = format!(
                    r#"{{"model":"m","prompt":"a","image":"data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAYAAAA=",{more}}}"#
                );
                let Ok(MediaRequest::Image(request)) = read(Kind::ImagesEdits, None, Bytes::from(body)) else { panic!("no edit") };
                assert_eq!(edit_form(&request, &[], "up", &[]).is_ok(), taken, "{many}");
            }
        }
    }

    #[test]
    fn a_recording_as_json_becomes_a_form() {
        let read = |body: &'static str| match read(Kind::AudioTranscriptions, None, Bytes::from_static(body.as_bytes())) {
            Ok(MediaRequest::Transcription(request)) => request,
            other => panic!("{other:?}"),
        };
        let inline = read(
            r#"{"model":"m","file":"data:audio/mpeg;base64,SUQzBAAAAAAAAA==","temperature":0.5,"prompt":null,
                "timestamp_granularities":["word","segment"],"response_format":"verbose_json"}"#,
        );
        let form = recording_form(&inline, &[], "whisper").unwrap();
        let parts = multipart::parts(&form.content_type, &Bytes::from(form.body.concat())).unwrap();
        let told: Vec<_> = parts.iter().map(|part| (part.name.as_str(), &part.data[..])).collect();
        let expected: [(&str, &[u8]); 6] = [
            ("model", b"whisper"),
            ("temperature", b"0.5"),
            ("timestamp_granularities[]", b"word"),
            ("timestamp_granularities[]", b"segment"),
            ("response_format", b"verbose_json"),
            ("file", b"ID3\x04\0\0\0\0\0\0"),
        ];
        assert_eq!(told, expected);
        assert_eq!(parts[5].filename.as_deref(), Some("recording.mp3"));
        let by_url = read(r#"{"model":"m","file":"https://x/a.wav"}"#);
        assert!(recording_form(&by_url, &[], "whisper").unwrap_err().message.contains("file"));
        let fetched = [("file".to_owned(), "audio/wav".to_owned(), Bytes::from_static(b"RIFF"))];
        assert!(recording_form(&by_url, &fetched, "whisper").is_ok());
    }
}

//! Files that callers send: parts of a form, data URLs, or addresses.

use bytes::Bytes;
use serde::Deserialize;

use super::fields::{Field, Value, part_text, string};
use super::sniff::sniff;
use crate::encoded::decode;
use crate::given::{At, Given};
use crate::media::{InputFile, InputSource};
use crate::request::BadRequest;

/// OpenAI's bound on one image: less than this.
const MAX_IMAGE_BYTES: usize = 50 << 20;

/// OpenAI's bound on a recording.
const MAX_SOUND_BYTES: usize = 25 << 20;

/// Longer addresses no server takes.
const MAX_URL_BYTES: usize = 8 << 10;

/// What a field takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    /// A picture.
    Image,
    /// A recording, or a film with sound.
    Sound,
}

/// The members of an object that says where a file is.
#[derive(Deserialize)]
struct Reference<'a> {
    #[serde(borrow, default)]
    image_url: Given<'a>,
    #[serde(borrow, default)]
    url: Given<'a>,
    #[serde(borrow, default)]
    file_id: Given<'a>,
}

/// The files that a field holds, in order. `count` is how many the same thing has already, for names such as `image[1]`.
pub(super) fn files(field: &Field<'_>, sort: Sort, count: usize) -> Result<Vec<InputFile>, BadRequest> {
    match &field.value {
        Value::Json(json) if json.starts_with('[') => {
            let at = At::Body;
            let list = at.member(&field.name);
            let elements = Given::body(json.as_bytes())?.array(&list)?;
            let file = |(index, element): (usize, Given<'_>)| given(element, &list.element(index), sort);
            elements.into_iter().enumerate().map(file).collect()
        }
        Value::Json(json) => Ok(vec![given(Given::body(json.as_bytes())?, &At::Body.member(&field.name), sort)?]),
        Value::Part(part) => {
            let name = match field.name.strip_suffix("[]") {
                Some(base) => format!("{base}[{count}]"),
                None => field.name.to_string(),
            };
            if part.is_file() {
                return inline(&name, part.filename.clone(), part.content_type.as_deref(), part.data.clone(), sort).map(|file| vec![file]);
            }
            match field.member() {
                None | Some("image_url" | "url") => address(&name, part_text(&name, part)?, sort).map(|file| vec![file]),
                Some("file_id") => Err(no_files(&name)),
                // `type`, `detail`: they say nothing of the file.
                Some(_other) => Ok(Vec::new()),
            }
        }
    }
}

/// A file as JSON says it: an address, or an object with one.
fn given(value: Given<'_>, at: &At<'_>, sort: Sort) -> Result<InputFile, BadRequest> {
    let name = at.to_string();
    if let Some(text) = string(value.text())? {
        return address(&name, &text, sort);
    }
    if !value.begins_with('{') {
        return Err(at.refuse("must be a URL, a data URL, or an object with `image_url`"));
    }
    let reference: Reference<'_> = value.need_object(at)?;
    if reference.file_id.is_there() {
        return Err(no_files(&at.member("file_id").to_string()));
    }
    let (member, url) = match (reference.image_url, reference.url) {
        (url, _) if url.is_there() => ("image_url", url),
        (_, url) if url.is_there() => ("url", url),
        (_, _) => return Err(at.refuse("must have `image_url`: a URL or a data URL")),
    };
    let at = at.member(member);
    match string(url.text())? {
        Some(text) => address(&name, &text, sort),
        // As in chat: `{"image_url": {"url": …}}`.
        None if url.begins_with('{') && member == "image_url" => given(url, &at, sort),
        None => Err(at.refuse("must be a string")),
    }
}

fn no_files(name: &str) -> BadRequest {
    BadRequest::field(name, "can't be used: this gateway has no Files API; send the file itself, a data URL or a URL")
}

/// A file by its address, or one that is its own address.
fn address(name: &str, url: &str, sort: Sort) -> Result<InputFile, BadRequest> {
    let url = url.trim();
    let begins = |start: &str| url.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start));
    if begins("data:") {
        let (media_type, data) =
            data_url(url).ok_or_else(|| BadRequest::field(name, "is a data URL that can't be read: write data:image/png;base64,…"))?;
        return inline(name, None, Some(&media_type), Bytes::from(data), sort);
    }
    if !begins("http://") && !begins("https://") {
        return Err(BadRequest::field(name, "must be a file, a data URL, or an http or https URL"));
    }
    if url.len() > MAX_URL_BYTES {
        return Err(BadRequest::field(name, format!("is a URL of more than {MAX_URL_BYTES} bytes")));
    }
    Ok(InputFile { field: name.to_owned(), filename: None, source: InputSource::Url(url.to_owned()) })
}

/// The media type and the bytes of a data URL in base64.
fn data_url(url: &str) -> Option<(String, Vec<u8>)> {
    let (head, data) = url.get(5..)?.split_once(',')?;
    let (media_type, _) = head.rsplit_once(';').filter(|(_, encoding)| encoding.trim().eq_ignore_ascii_case("base64"))?;
    let media_type = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    Some((media_type, decode(data)?))
}

/// A file that is here: of the right sort, and not too large.
fn inline(name: &str, filename: Option<String>, declared: Option<&str>, data: Bytes, sort: Sort) -> Result<InputFile, BadRequest> {
    if data.is_empty() {
        return Err(BadRequest::field(name, "is an empty file"));
    }
    let media_type = match sort {
        Sort::Image if data.len() >= MAX_IMAGE_BYTES => return Err(BadRequest::field(name, "is too large: images must be under 50 MB")),
        Sort::Sound if data.len() > MAX_SOUND_BYTES => return Err(BadRequest::field(name, "is too large: recordings may have 25 MB")),
        Sort::Image => image_type(name, &data)?,
        Sort::Sound => sound_type(name, &data, declared, filename.as_deref())?,
    };
    Ok(InputFile { field: name.to_owned(), filename, source: InputSource::Inline { media_type, data } })
}

/// Every format of images that anybody takes can be told by its first bytes.
fn image_type(name: &str, data: &[u8]) -> Result<String, BadRequest> {
    match sniff(data) {
        Some(kind) if kind.starts_with("image/") => Ok(kind.to_owned()),
        found => Err(BadRequest::field(
            name,
            format!(
                "is no image{}: send PNG, JPEG, WebP, GIF, BMP, TIFF or HEIC",
                found.map(|kind| format!(", but {kind}")).unwrap_or_default()
            ),
        )),
    }
}

/// Sound without a head that is known is taken at its caller's word.
fn sound_type(name: &str, data: &[u8], declared: Option<&str>, filename: Option<&str>) -> Result<String, BadRequest> {
    let declared = declared.and_then(|kind| kind.split(';').next()).map(str::trim).filter(|kind| kind.starts_with("audio/"));
    match sniff(data) {
        Some(kind) if kind.starts_with("audio/") => return Ok(kind.to_owned()),
        // The container is the same with and without pictures.
        Some(kind @ ("video/mp4" | "video/webm" | "video/mpeg" | "video/quicktime")) => return Ok(declared.unwrap_or(kind).to_owned()),
        Some(_other) => {}
        None => {
            let ending = filename.and_then(|name| name.rsplit_once('.')).map(|(_, ending)| ending.to_ascii_lowercase());
            let by_name = match ending.as_deref() {
                Some("mp3" | "mpga" | "mpeg") => Some("audio/mpeg"),
                Some("m4a" | "mp4") => Some("audio/mp4"),
                Some("aac") => Some("audio/aac"),
                Some(_) | None => None,
            };
            if let Some(kind) = declared.or(by_name) {
                return Ok(kind.to_owned());
            }
        }
    }
    let found = sniff(data).map(|kind| format!(", but {kind}")).unwrap_or_default();
    Err(BadRequest::field(name, format!("is no sound{found}: send FLAC, MP3, MP4, M4A, OGG, WAV or WebM")))
}

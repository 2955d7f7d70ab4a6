//! Items on the wire: of an input, and of an output.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::conversation::{Citation, Media, Source};
use crate::openai::lenient::{Text, Word};

/// An item of either side, with all fields that any sort of item has.
#[derive(Debug, Deserialize)]
pub(super) struct Item<'a> {
    #[serde(rename = "type", default)]
    pub(super) kind: Word,
    #[serde(default)]
    pub(super) role: Word,
    #[serde(borrow, default)]
    pub(super) content: Option<&'a RawValue>,
    #[serde(default)]
    pub(super) call_id: Word,
    #[serde(default)]
    pub(super) id: Word,
    #[serde(default)]
    pub(super) name: Word,
    #[serde(default)]
    pub(super) arguments: Arguments,
    /// The text of a custom tool's call.
    #[serde(default)]
    pub(super) input: Arguments,
    #[serde(borrow, default)]
    pub(super) output: Option<&'a RawValue>,
    #[serde(default)]
    pub(super) summary: Text,
    #[serde(default)]
    pub(super) encrypted_content: Word,
}

/// Arguments: text, or an object from those who mean well.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Arguments(pub(super) String);

impl<'de> Deserialize<'de> for Arguments {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <Box<RawValue>>::deserialize(deserializer)?;
        Ok(Self(match serde_json::from_str::<Option<String>>(raw.get()) {
            Ok(text) => text.unwrap_or_default(),
            Err(_) => raw.get().to_owned(),
        }))
    }
}

/// A part of a message, of a tool's answer, or of reasoning.
#[derive(Debug, Deserialize)]
pub(super) struct Piece<'a> {
    #[serde(rename = "type", default)]
    pub(super) kind: Word,
    #[serde(default)]
    pub(super) text: Text,
    #[serde(default)]
    pub(super) refusal: Text,
    /// A bare string here; chat's object is understood too.
    #[serde(borrow, default)]
    pub(super) image_url: Option<&'a RawValue>,
    #[serde(default)]
    pub(super) detail: Word,
    #[serde(default)]
    pub(super) file_id: Word,
    #[serde(default)]
    pub(super) file_data: Word,
    #[serde(default)]
    pub(super) file_url: Word,
    #[serde(default)]
    pub(super) filename: Word,
    #[serde(borrow, default)]
    pub(super) input_audio: Option<Audio<'a>>,
    #[serde(default)]
    pub(super) audio_url: Word,
    #[serde(borrow, default)]
    pub(super) annotations: Option<Vec<Annotation<'a>>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Audio<'a> {
    #[serde(borrow, default)]
    data: Cow<'a, str>,
    #[serde(borrow, default)]
    format: Cow<'a, str>,
}

/// A source of a text.
#[derive(Debug, Deserialize)]
pub(super) struct Annotation<'a> {
    #[serde(rename = "type", borrow, default)]
    kind: Cow<'a, str>,
    #[serde(default)]
    url: Word,
    #[serde(default)]
    title: Word,
    #[serde(default)]
    start_index: Option<u64>,
    #[serde(default)]
    end_index: Option<u64>,
}

impl Annotation<'_> {
    /// What it says, if it names a page.
    pub(super) fn citation(self) -> Option<Citation> {
        (self.kind == "url_citation").then(|| Citation {
            url: self.url.0,
            title: self.title.0,
            cited_text: None,
            span: self.start_index.zip(self.end_index),
        })
    }
}

impl Audio<'_> {
    pub(super) fn media(self) -> Media {
        let media_type = format!("audio/{}", if self.format.is_empty() { "wav" } else { &self.format });
        Media { source: Source::Inline { media_type, data: self.data.into_owned() }, name: None, detail: None }
    }
}

#[derive(Deserialize)]
struct Link {
    url: String,
}

impl Piece<'_> {
    /// The picture's address, however it is written.
    pub(super) fn image(&self) -> Option<String> {
        let raw = self.image_url?.get();
        serde_json::from_str::<String>(raw).ok().or_else(|| serde_json::from_str::<Link>(raw).ok().map(|link| link.url))
    }
}

/// Where something is that a caller gave as an address: inline if it is a `data:` URL.
pub(super) fn source(url: String, media_type: Option<&str>) -> Source {
    let inline = url.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,"));
    match inline {
        Some((kind, data)) => {
            let kind = kind.split(';').next().filter(|kind| !kind.is_empty()).or(media_type).unwrap_or("application/octet-stream");
            Source::Inline { media_type: kind.to_owned(), data: data.to_owned() }
        }
        None => Source::Url { url, media_type: media_type.map(str::to_owned) },
    }
}

//! Pieces of an answer as chat callers expect them, the same in a message and in a delta.

use std::borrow::Cow;

use crate::conversation::{Citation, Media, Source};

/// `{type: "url_citation", url_citation: {…}}`.
#[derive(serde::Serialize)]
pub(super) struct Annotation<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    url_citation: UrlCitation<'a>,
}

#[derive(serde::Serialize)]
struct UrlCitation<'a> {
    url: &'a str,
    title: &'a str,
    start_index: u64,
    end_index: u64,
}

impl<'a> Annotation<'a> {
    /// None without an address: chat knows no other source.
    pub(super) fn of(citation: &'a Citation) -> Option<Self> {
        let url = citation.url.as_deref()?;
        let title = citation.title.as_deref().unwrap_or_default();
        let (start_index, end_index) = citation.span.unwrap_or_default();
        Some(Self { kind: "url_citation", url_citation: UrlCitation { url, title, start_index, end_index } })
    }
}

/// A picture. OpenAI's chat has none in answers; this is OpenRouter's form, which others took over.
#[derive(serde::Serialize)]
pub(super) struct Picture<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    image_url: PictureUrl<'a>,
}

#[derive(serde::Serialize)]
struct PictureUrl<'a> {
    url: Cow<'a, str>,
}

impl<'a> Picture<'a> {
    /// None if only its provider can read it.
    pub(super) fn of(media: &'a Media) -> Option<Self> {
        let url = match &media.source {
            Source::Inline { media_type, data } => Cow::Owned(format!("data:{media_type};base64,{data}")),
            Source::Url { url, .. } => Cow::Borrowed(url.as_str()),
            Source::Stored(_) => return None,
        };
        Some(Self { kind: "image_url", image_url: PictureUrl { url } })
    }
}

/// What a function is called with.
#[derive(serde::Serialize)]
pub(super) struct Function<'a> {
    pub(super) name: &'a str,
    pub(super) arguments: &'a str,
}

/// What a custom tool is called with.
#[derive(serde::Serialize)]
pub(super) struct Custom<'a> {
    pub(super) name: &'a str,
    pub(super) input: &'a str,
}

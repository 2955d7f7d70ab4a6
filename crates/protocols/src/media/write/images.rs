//! Images, whole and as the frames of a stream.
//!
//! Source: OpenAI API reference, Images (`providers.md` section 4.3).

use bytes::{Bytes, BytesMut};
use easyai_core::usage::{Usage, UsageSource};
use serde::Serialize;

use super::{Base64, event, json};
use crate::media::{ImageAnswer, ImageRequest, ImageWork, ResponseFormat};
use crate::tokens;

/// One image as its caller gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShownImage {
    /// At a URL of the gateway.
    Url(String),
    /// In the answer.
    Inline(Bytes),
}

impl ImageRequest {
    /// How the images are given: as the caller says, else as the model's own API does (DALL·E's gives URLs, the others base64).
    #[must_use]
    pub fn shown_as(&self) -> ResponseFormat {
        let usual = if self.model.starts_with("dall-e") { ResponseFormat::Url } else { ResponseFormat::B64Json };
        self.response_format.unwrap_or(usual)
    }
}

#[derive(Serialize)]
struct Whole<'a> {
    created: i64,
    data: Vec<Item<'a>>,
    #[serde(flatten)]
    look: Look<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<WrittenUsage>,
}

#[derive(Serialize)]
struct Item<'a> {
    #[serde(flatten)]
    image: Shown<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revised_prompt: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Shown<'a> {
    Url(&'a str),
    B64Json(Base64<'a>),
}

/// How the images look: as their provider says, else as they were asked for.
#[derive(Serialize)]
struct Look<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    background: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_format: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quality: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<String>,
}

#[derive(Serialize)]
struct Completed<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(flatten)]
    image: Shown<'a>,
    created_at: i64,
    #[serde(flatten)]
    look: Look<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<WrittenUsage>,
}

#[derive(Serialize)]
struct WrittenUsage {
    input_tokens: u64,
    output_tokens: u64,
    total_tokens: u64,
    input_tokens_details: Details,
    output_tokens_details: Details,
}

#[derive(Serialize)]
struct Details {
    text_tokens: u64,
    image_tokens: u64,
}

impl<'a> Shown<'a> {
    fn of(image: &'a ShownImage) -> Self {
        match image {
            ShownImage::Url(url) => Self::Url(url),
            ShownImage::Inline(data) => Self::B64Json(Base64(data)),
        }
    }
}

impl<'a> Look<'a> {
    fn of(answer: &'a ImageAnswer, request: &ImageRequest) -> Self {
        let made = answer.images.first().and_then(|image| image.size);
        Self {
            background: answer.background.as_deref().or(request.background.map(crate::media::Background::as_str)),
            output_format: answer.output_format.as_deref().or(request.output_format.map(crate::media::ImageFormat::as_str)),
            quality: answer.quality.as_deref().or(request.quality.map(easyai_core::media::ImageQuality::as_str)),
            size: answer.size.clone().or_else(|| made.or(request.size).map(|size| size.to_string())),
        }
    }
}

impl WrittenUsage {
    /// None where the provider counts no tokens. Of the input it tells no parts: what the prompt is not was images.
    fn of(usage: &Usage, request: &ImageRequest) -> Option<Self> {
        if usage.source != UsageSource::Upstream || usage.total_tokens() == 0 {
            return None;
        }
        let text = if request.images.is_empty() { usage.input_tokens } else { tokens::estimate(&request.prompt).min(usage.input_tokens) };
        Some(Self {
            input_tokens: usage.input_tokens,
            output_tokens: usage.output_tokens,
            total_tokens: usage.total_tokens(),
            input_tokens_details: Details { text_tokens: text, image_tokens: usage.input_tokens - text },
            output_tokens_details: Details { text_tokens: 0, image_tokens: usage.output_tokens },
        })
    }
}

/// The whole answer. `shown` has one image for each of the answer's, in order; `now` is in Unix seconds, and stands in where the
/// provider told no time.
#[must_use]
pub fn write_images(answer: &ImageAnswer, shown: &[ShownImage], request: &ImageRequest, now: i64) -> Bytes {
    let data = shown.iter().enumerate().map(|(index, image)| Item {
        image: Shown::of(image),
        revised_prompt: answer.images.get(index).and_then(|made| made.revised_prompt.as_deref()),
    });
    json(&Whole {
        created: answer.created_at.unwrap_or(now),
        data: data.collect(),
        look: Look::of(answer, request),
        usage: WrittenUsage::of(&answer.usage, request),
    })
}

#[derive(Serialize)]
struct Partial<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    b64_json: Base64<'a>,
    partial_image_index: u8,
    created_at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    background: Option<&'a str>,
    output_format: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    quality: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<String>,
}

/// A draft of an image in PNG, as an event.
#[must_use]
pub fn image_partial(request: &ImageRequest, index: u8, data: &[u8], now: i64) -> Bytes {
    let kind = match request.work {
        ImageWork::Generate => "image_generation.partial_image",
        ImageWork::Edit => "image_edit.partial_image",
    };
    let partial = Partial {
        kind,
        b64_json: Base64(data),
        partial_image_index: index,
        created_at: now,
        background: request.background.map(crate::media::Background::as_str),
        output_format: "png",
        quality: request.quality.map(easyai_core::media::ImageQuality::as_str),
        size: request.size.map(|size| size.to_string()),
    };
    event(kind, &partial)
}

/// The stream that a whole answer would have been, for callers who asked for one where the provider has none: an event for each image,
/// the last one with the usage of all.
#[must_use]
pub fn image_frames(answer: &ImageAnswer, shown: &[ShownImage], request: &ImageRequest, now: i64) -> Bytes {
    let kind = match request.work {
        ImageWork::Generate => "image_generation.completed",
        ImageWork::Edit => "image_edit.completed",
    };
    let mut frames = BytesMut::new();
    for (index, image) in shown.iter().enumerate() {
        let is_last = index + 1 == shown.len();
        let completed = Completed {
            kind,
            image: Shown::of(image),
            created_at: answer.created_at.unwrap_or(now),
            look: Look::of(answer, request),
            usage: is_last.then(|| WrittenUsage::of(&answer.usage, request)).flatten(),
        };
        frames.extend_from_slice(&event(kind, &completed));
    }
    frames.freeze()
}

//! Images and documents, as the Messages API takes them.

use std::borrow::Cow;

use super::cannot;
use crate::anthropic::block::{Block, Place};
use crate::conversation::{CannotCarry, Media, Source};
use crate::encoded::decode_file;

const STORED: &str = "it is stored at another provider: send its bytes or a URL";

pub(super) fn image(media: &Media) -> Result<Block<'_>, CannotCarry> {
    let source = match &media.source {
        Source::Inline { media_type, data } => Place::Base64 {
            media_type: image_type(media_type)
                .ok_or_else(|| cannot("image", format!("{media_type} is not taken: send JPEG, PNG, GIF or WebP")))?,
            data,
        },
        Source::Url { url, .. } => Place::Url { url },
        Source::Stored(_) => return Err(cannot("image", STORED)),
    };
    Ok(Block::Image { source })
}

fn image_type(media_type: &str) -> Option<&'static str> {
    match media_type {
        "image/jpeg" | "image/jpg" => Some("image/jpeg"),
        "image/png" => Some("image/png"),
        "image/gif" => Some("image/gif"),
        "image/webp" => Some("image/webp"),
        _other => None,
    }
}

/// A document: a PDF, text, or an image that came as a file.
pub(super) fn document(media: &Media) -> Result<Block<'_>, CannotCarry> {
    let source = match &media.source {
        Source::Inline { media_type, data } if media_type == "application/pdf" => Place::Base64 { media_type: "application/pdf", data },
        Source::Inline { media_type, .. } if image_type(media_type).is_some() => return image(media),
        Source::Inline { media_type, data } if is_text(media_type) => {
            let text = decode_file(data).and_then(|bytes| String::from_utf8(bytes.into()).ok());
            let text = text.ok_or_else(|| cannot("file", "it is not text in base64"))?;
            Place::Text { media_type: "text/plain", data: Cow::Owned(text) }
        }
        Source::Inline { media_type, .. } => return Err(cannot("file", format!("{media_type} is not taken: send PDF or text"))),
        Source::Url { url, media_type } => match media_type.as_deref() {
            Some(media_type) if image_type(media_type).is_some() => return image(media),
            Some("application/pdf") | None => Place::Url { url },
            Some(other) => return Err(cannot("file", format!("{other} behind a URL is not taken: send PDF, or its bytes"))),
        },
        Source::Stored(_) => return Err(cannot("file", STORED)),
    };
    Ok(Block::Document { source, title: media.name.as_deref() })
}

fn is_text(media_type: &str) -> bool {
    media_type.starts_with("text/") || media_type == "application/json"
}

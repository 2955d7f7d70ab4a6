//! Reads callers' requests for media: JSON, or a form with files. Strict: the first field that is wrong is named, with what is allowed.
//!
//! Both shapes become the same [`Fields`], so that a request means the same however it was sent. What we don't know stays in the body,
//! for upstreams of the same shape.

mod fields;
mod images;
mod sniff;
mod speech;
mod transcription;
mod upload;
mod video;

use std::sync::Arc;

use bytes::Bytes;
use easyai_core::kind::Kind;

use self::fields::Fields;
use super::{ImageWork, MediaBody, MediaRequest, RemixOf, TranscriptionWork, VideoRequest};
use crate::request::BadRequest;

pub use self::sniff::{size, sniff};

/// The longest prompt, in characters: what the gpt-image models take. Shorter bounds are the upstream's, and checked for each.
pub const MAX_PROMPT_CHARS: usize = 32_000;

/// Reads a request of `kind`.
///
/// # Errors
/// [`BadRequest`] names the first field that is wrong, and what is allowed.
pub fn read(kind: Kind, content_type: Option<&str>, body: Bytes) -> Result<MediaRequest, BadRequest> {
    let body = MediaBody { content_type: content_type.unwrap_or(JSON).to_owned(), bytes: body };
    match kind {
        Kind::ImagesGenerations => images::read(ImageWork::Generate, body).map(MediaRequest::Image),
        Kind::ImagesEdits => images::read(ImageWork::Edit, body).map(MediaRequest::Image),
        Kind::VideosGenerations => video::read(body).map(MediaRequest::Video),
        Kind::AudioSpeech => speech::read(body).map(MediaRequest::Speech),
        Kind::AudioTranscriptions => transcription::read(TranscriptionWork::Transcribe, body).map(MediaRequest::Transcription),
        Kind::AudioTranslations => transcription::read(TranscriptionWork::Translate, body).map(MediaRequest::Transcription),
        Kind::ChatCompletions
        | Kind::Responses
        | Kind::Messages
        | Kind::GenerateContent
        | Kind::Completions
        | Kind::Embeddings
        | Kind::Moderations
        | Kind::Rerank
        | Kind::ResponsesCompact => Err(BadRequest::whole(format!("`{kind}` makes no media"))),
    }
}

/// Reads a request that makes a video anew (`POST /videos/{id}/remix`): its model is that of the video it starts from.
///
/// # Errors
/// [`BadRequest`] names the first field that is wrong.
pub fn read_remix(content_type: Option<&str>, body: Bytes, model: Arc<str>, of: RemixOf) -> Result<VideoRequest, BadRequest> {
    video::read_remix(MediaBody { content_type: content_type.unwrap_or(JSON).to_owned(), bytes: body }, model, of)
}

const JSON: &str = "application/json";

/// The model's name, which every request has.
fn model(fields: &Fields<'_>) -> Result<Arc<str>, BadRequest> {
    let name = fields.text("model")?;
    let name = name.ok_or_else(|| BadRequest::field("model", "is missing: name the model, as GET /v1/models lists it"))?;
    crate::openai::scan::check_model(&name)?;
    Ok(name.into())
}

/// A text that must be there and say something, of at most `max` characters.
fn words(fields: &Fields<'_>, name: &'static str, what: &str, max: usize) -> Result<String, BadRequest> {
    let text = fields.text(name)?.ok_or_else(|| BadRequest::field(name, format!("is missing: send {what}")))?;
    if text.trim().is_empty() {
        return Err(BadRequest::field(name, format!("is blank: send {what}")));
    }
    // A text has no more characters than bytes: most need not be counted.
    if text.len() > max && text.chars().count() > max {
        return Err(BadRequest::field(name, format!("is longer than {max} characters")));
    }
    Ok(text)
}

#[cfg(test)]
mod tests;

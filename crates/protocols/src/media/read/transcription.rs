//! Requests for text: `POST /audio/transcriptions` and `/audio/translations`.
//!
//! Source: OpenAI API reference, Audio (`providers.md` section 4.5). OpenAI takes a form only; JSON with the file as a data URL or a URL
//! is taken too, for tasks that are created as JSON.

use super::fields::{Auto, Fields, Value, part_text};
use super::model;
use super::upload::{Sort, files};
use crate::media::{MediaBody, TranscriptFormat, TranscriptionRequest, TranscriptionWork};
use crate::request::BadRequest;

/// Reads a request for text.
pub(super) fn read(work: TranscriptionWork, body: MediaBody) -> Result<TranscriptionRequest, BadRequest> {
    let fields = Fields::of(&body, "`model` and `file`")?;
    let model = model(&fields)?;
    let mut found = Vec::new();
    for field in fields.all("file") {
        found.extend(files(field, Sort::Sound, found.len())?);
    }
    let mut found = found.into_iter();
    let file = found.next().ok_or_else(|| BadRequest::field("file", "is missing: send the recording"))?;
    if found.next().is_some() {
        return Err(BadRequest::field("file", "stands twice in the body: send one recording"));
    }
    let format: TranscriptFormat = fields.word("response_format", Auto::Refused)?.unwrap_or_default();
    let stream = fields.flag("stream")?.unwrap_or(false);
    if work == TranscriptionWork::Translate && format == TranscriptFormat::DiarizedJson {
        return Err(BadRequest::field("response_format", "must be one of json, text, srt, verbose_json, vtt"));
    }
    fields.decimal("temperature", 0.0..=1.0)?;
    Ok(TranscriptionRequest {
        work,
        model,
        file,
        language: fields.text("language")?.filter(|language| !language.trim().is_empty()),
        prompt: fields.text("prompt")?.filter(|prompt| !prompt.trim().is_empty()),
        format,
        // A translation has no stream.
        stream: stream && work == TranscriptionWork::Transcribe,
        word_times: word_times(&fields)?,
        body: body.clone(),
    })
}

/// Whether `timestamp_granularities` names words.
fn word_times(fields: &Fields<'_>) -> Result<bool, BadRequest> {
    let name = "timestamp_granularities";
    let mut asked = Vec::new();
    for field in fields.all(name) {
        match &field.value {
            Value::Json(json) => {
                let list = serde_json::from_str::<Vec<String>>(json);
                asked.extend(list.map_err(|_| BadRequest::field(name, "must be an array of `word` and `segment`"))?);
            }
            Value::Part(part) => asked.push(part_text(name, part)?.to_owned()),
        }
    }
    match asked.iter().find(|word| !matches!(word.as_str(), "word" | "segment" | "")) {
        Some(_) => Err(BadRequest::field(name, "must be `word` or `segment`")),
        None => Ok(asked.iter().any(|word| word == "word")),
    }
}

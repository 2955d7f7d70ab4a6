//! Text as OpenAI and compatible upstreams answer it (`providers.md` section 4.5).

use std::borrow::Cow;

use bytes::Bytes;
use easyai_core::media::MediaUsage;
use easyai_core::usage::{Usage, UsageSource};
use serde::Deserialize;

use super::no_answer;
use crate::media::usage::{Seconds, WireUsage};
use crate::media::{TranscriptFormat, TranscriptionAnswer};
use crate::openai::lenient::{Object, Present};
use crate::wire::BadAnswer;

#[derive(Deserialize, Default)]
#[serde(default)]
struct Whole<'a> {
    #[serde(borrow)]
    text: Option<Cow<'a, str>>,
    /// Of `verbose_json`: a number, or the same as text.
    duration: Seconds,
    usage: Object<WireUsage>,
    error: Present,
    detail: Present,
}

/// Reads a text in the shape that was asked for. Its bytes pass on as they are. Silence is an empty text, and an answer.
///
/// # Errors
/// [`BadAnswer`] if it is none.
pub fn read_transcript(body: Bytes, content_type: Option<&str>, format: TranscriptFormat) -> Result<TranscriptionAnswer, BadAnswer> {
    match format {
        TranscriptFormat::Json | TranscriptFormat::VerboseJson | TranscriptFormat::DiarizedJson => json(body),
        TranscriptFormat::Text => plain(body, content_type, "text/plain; charset=utf-8", |text| text.trim().to_owned()),
        TranscriptFormat::Srt => plain(body, content_type, "application/x-subrip; charset=utf-8", spoken),
        TranscriptFormat::Vtt => plain(body, content_type, "text/vtt; charset=utf-8", spoken),
    }
}

fn json(body: Bytes) -> Result<TranscriptionAnswer, BadAnswer> {
    let whole: Whole<'_> = serde_json::from_slice(&body).map_err(|error| BadAnswer::Unparseable(error.to_string()))?;
    let Some(text) = whole.text else { return Err(no_answer(&body, whole.error.0 || whole.detail.0)) };
    let told = whole.usage.0.as_ref().and_then(WireUsage::millis);
    let media = told.or(whole.duration.millis()).map(|millis| MediaUsage::Audio { millis });
    let usage = whole.usage.0.as_ref().and_then(WireUsage::tokens).unwrap_or(Usage::counted(0, 0));
    let usage = Usage { media, source: UsageSource::Upstream, ..usage };
    let text = text.into_owned();
    Ok(TranscriptionAnswer { content_type: "application/json".to_owned(), body, text, usage })
}

fn plain(
    body: Bytes,
    content_type: Option<&str>,
    usual: &str,
    text: impl FnOnce(&str) -> String,
) -> Result<TranscriptionAnswer, BadAnswer> {
    let read = std::str::from_utf8(&body).map_err(|error| BadAnswer::Unparseable(error.to_string()))?;
    // An upstream that knows only JSON answers with it, whatever was asked; an error is JSON too.
    if content_type.is_some_and(|kind| kind.starts_with("application/json")) && read.trim_start().starts_with('{') {
        let TranscriptionAnswer { text, usage, .. } = json(body.clone())?;
        let body = Bytes::from(format!("{text}\n"));
        return Ok(TranscriptionAnswer { content_type: "text/plain; charset=utf-8".to_owned(), body, text, usage });
    }
    let text = text(read);
    Ok(TranscriptionAnswer {
        content_type: usual.to_owned(),
        body: body.clone(),
        text,
        usage: Usage { source: UsageSource::Upstream, ..Usage::counted(0, 0) },
    })
}

/// The words of subtitles, without numbers and times.
fn spoken(subtitles: &str) -> String {
    let is_word =
        |line: &&str| !line.is_empty() && !line.contains("-->") && *line != "WEBVTT" && !line.bytes().all(|byte| byte.is_ascii_digit());
    subtitles.lines().map(str::trim).filter(is_word).collect::<Vec<_>>().join(" ")
}

//! What `generateContent` made that is no conversation: images, sound, or text that is a result.
//!
//! Source: `providers.md` sections 6.2, 6.5 and 6.9.

use bytes::Bytes;
use easyai_core::usage::Usage;
use serde_json::value::RawValue;

use super::finish::{self, Delivered, EMPTY, UNUSABLE};
use super::usage::WireUsage;
use crate::encoded::decode_file;
use crate::openai::error::{WireError, read_error};
use crate::openai::lenient::{Count, List, Maybe, Word, tolerant};
use crate::wire::BadAnswer;

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    #[serde(default)]
    candidates: List<Candidate>,
    #[serde(default, alias = "prompt_feedback")]
    prompt_feedback: Maybe<Feedback>,
    #[serde(borrow, default, alias = "usage_metadata")]
    usage_metadata: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Feedback {
    #[serde(default, alias = "block_reason")]
    block_reason: Word,
    #[serde(default, alias = "block_reason_message")]
    block_reason_message: Word,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Candidate {
    #[serde(default)]
    content: Maybe<Content>,
    #[serde(default, alias = "finish_reason")]
    finish_reason: Word,
    #[serde(default, alias = "finish_message")]
    finish_message: Word,
}

#[derive(serde::Deserialize)]
struct Content {
    #[serde(default)]
    parts: List<Part>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    #[serde(default)]
    text: Word,
    #[serde(default, deserialize_with = "tolerant")]
    thought: Option<bool>,
    #[serde(default, alias = "inline_data")]
    inline_data: Maybe<Blob>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Blob {
    #[serde(default, alias = "mime_type")]
    mime_type: Word,
    #[serde(default)]
    data: Word,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Details {
    #[serde(default)]
    prompt_tokens_details: List<Detail>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    #[serde(default)]
    modality: Word,
    #[serde(default)]
    token_count: Count,
}

/// A file that was made.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// What Google says it is.
    pub(super) media_type: Option<String>,
    pub(super) data: Bytes,
}

/// What was made, thoughts and their drafts left out.
#[derive(Debug)]
pub(super) struct Generated {
    pub(super) pieces: Vec<Piece>,
    pub(super) text: String,
    pub(super) usage: Option<Usage>,
    /// Those of the prompt that were sound, if Google told.
    pub(super) audio_tokens: Option<u64>,
    finish: Option<(String, Option<String>)>,
}

/// Reads an answer. Only its first candidate: nobody asks for more.
///
/// # Errors
/// [`BadAnswer`] for what is no answer, and for a prompt that was blocked.
pub(super) fn read(body: &[u8]) -> Result<Generated, BadAnswer> {
    let answer: Answer<'_> = serde_json::from_slice(body).map_err(|error| BadAnswer::Unparseable(error.to_string()))?;
    if answer.error.is_some_and(|error| error.get() != "null") {
        return Err(BadAnswer::Error(read_error(body)));
    }
    let counts = answer.usage_metadata.map(RawValue::get);
    let usage = counts.and_then(|text| serde_json::from_str::<WireUsage>(text).ok()).and_then(WireUsage::into_usage);
    let audio_tokens = counts.and_then(audio_tokens);
    let Some(candidate) = answer.candidates.0.into_iter().next() else {
        return Err(match answer.prompt_feedback.0.and_then(|said| Some((said.block_reason.0?, said.block_reason_message.0))) {
            Some((reason, message)) => BadAnswer::Error(finish::blocked(&reason, message.as_deref())),
            None => BadAnswer::Empty,
        });
    };
    let finish = candidate.finish_reason.0.map(|word| (word, candidate.finish_message.0));
    let mut generated = Generated { pieces: Vec::new(), text: String::new(), usage, audio_tokens, finish };
    for part in candidate.content.0.map(|content| content.parts.0).unwrap_or_default() {
        if part.thought == Some(true) {
            continue;
        }
        generated.text.push_str(part.text.0.as_deref().unwrap_or_default());
        if let Some(blob) = part.inline_data.0 {
            let unreadable = || BadAnswer::Unparseable("a file that is no base64".to_owned());
            let data = decode_file(blob.data.0.as_deref().unwrap_or_default()).ok_or_else(unreadable)?;
            generated.pieces.push(Piece { media_type: blob.mime_type.0, data });
        }
    }
    Ok(generated)
}

fn audio_tokens(counts: &str) -> Option<u64> {
    let details = serde_json::from_str::<Details>(counts).ok()?.prompt_tokens_details.0;
    let sound = details.into_iter().filter(|detail| detail.modality.0.as_deref() == Some("AUDIO"));
    Some(sound.map(|detail| detail.token_count.0).fold(0, u64::saturating_add)).filter(|tokens| *tokens > 0)
}

impl Generated {
    /// Why there is nothing of what was wanted: refused for its content, or another word; the model's own explanation goes with it.
    pub(super) fn without(self, wanted: &str) -> BadAnswer {
        let (word, message) = self.finish.unwrap_or_else(|| (String::new(), None));
        let said = message.or_else(|| Some(self.text.trim().to_owned()).filter(|text| !text.is_empty()));
        let error = match finish::stop_reason(&word, said.as_deref(), Delivered::default()) {
            Err(error) => error,
            Ok(_) => WireError { code: Some(EMPTY.to_owned()), kind: Some(UNUSABLE.to_owned()), ..WireError::default() },
        };
        let message = match said {
            Some(said) if error.kind.as_deref() == Some(UNUSABLE) => bounded(&format!("no {wanted} came; the model says: {said}")),
            Some(_) => bounded(&error.message),
            None => format!("no {wanted} came ({word})"),
        };
        BadAnswer::Error(WireError { message, ..error })
    }
}

/// The most that is kept of a model's explanation.
const MAX_SAID_BYTES: usize = 1_024;

fn bounded(text: &str) -> String {
    let end = (0..=MAX_SAID_BYTES.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text[..end].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(body: &str) -> String {
        let bad = match read(body.as_bytes()) {
            Ok(generated) => generated.without("image"),
            Err(bad) => bad,
        };
        match bad {
            BadAnswer::Error(error) => format!("{}: {}", error.kind.unwrap_or_default(), error.message),
            other => format!("{other}"),
        }
    }

    #[test]
    fn why_nothing_came_is_told_by_the_finish_or_by_the_model() {
        let candidate = |inner: &str| format!(r#"{{"candidates":[{{{inner}}}]}}"#);
        assert_eq!(kind(&candidate(r#""finishReason":"IMAGE_SAFETY""#)), "content_filter: no image came (IMAGE_SAFETY)");
        assert!(kind(&candidate(r#""finishReason":"PROHIBITED_CONTENT","finishMessage":"x""#)).starts_with("content_filter: the answer"));
        assert_eq!(kind(&candidate(r#""finishReason":"NO_IMAGE","content":{}"#)), "unusable_answer: no image came (NO_IMAGE)");
        let text = r#""finishReason":"STOP","content":{"parts":[{"text":"I can't "},{"text":"draw that."},{"text":"hm","thought":true}]}"#;
        assert_eq!(kind(&candidate(text)), "unusable_answer: no image came; the model says: I can't draw that.");
        assert_eq!(kind(&candidate(r#""finishReason":"MAX_TOKENS""#)), "unusable_answer: no image came (MAX_TOKENS)");
        assert_eq!(kind(r#"{"promptFeedback":{"blockReason":"IMAGE_SAFETY"}}"#), "content_filter: the prompt was blocked (IMAGE_SAFETY)");
        assert_eq!(kind("{}"), "the answer is empty");
        assert!(kind(r#"{"error":{"code":503,"message":"m","status":"UNAVAILABLE"}}"#).starts_with("UNAVAILABLE"));
        let long = candidate(&format!(r#""finishReason":"STOP","content":{{"parts":[{{"text":"{}"}}]}}"#, "é".repeat(4_000)));
        assert!(kind(&long).len() <= MAX_SAID_BYTES + 32);
    }

    #[test]
    fn drafts_are_left_out_and_sound_is_counted() {
        let body = r#"{"candidates":[{"content":{"parts":[{"thought":true,"inlineData":{"mimeType":"image/png","data":"AAAA"}},
            {"inline_data":{"mime_type":"image/jpeg","data":"aGk"}}]}}],"usageMetadata":{"promptTokenCount":70,"candidatesTokenCount":1290,
            "promptTokensDetails":[{"modality":"TEXT","tokenCount":6},{"modality":"AUDIO","tokenCount":64}]}}"#;
        let generated = read(body.as_bytes()).unwrap();
        assert_eq!(generated.pieces, [Piece { media_type: Some("image/jpeg".to_owned()), data: Bytes::from_static(b"hi") }]);
        assert_eq!((generated.audio_tokens, generated.usage.map(|usage| usage.output_tokens)), (Some(64), Some(1_290)));
        assert!(matches!(read(br#"{"candidates":[{"content":{"parts":[{"inlineData":{"data":"!"}}]}}]}"#), Err(BadAnswer::Unparseable(_))));
    }
}

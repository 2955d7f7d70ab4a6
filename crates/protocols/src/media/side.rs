//! The side-reader of streams with media: images, speech and transcripts, as OpenAI streams them. The bytes themselves pass by.
//!
//! Source: OpenAI API reference, image, speech and transcript streaming events (`providers.md` sections 4.3 and 4.5).

use std::borrow::Cow;
use std::sync::LazyLock;

use bytes::BytesMut;
use easyai_core::error::ErrorCode;
use easyai_core::media::{ImageQuality, MediaUsage, Pixels};
use easyai_core::usage::{Usage, UsageSource};
use memchr::memmem::Finder;
use serde::Deserialize;

use super::usage::WireUsage;
use super::write::stream_error;
use crate::conversation::StopReason;
use crate::openai::error::read_error;
use crate::openai::lenient::{Object, Present, Text, Word};
use crate::wire::{BadEvent, EventFacts, Reading, SideReader};

/// What the types of ends end with, and the key of an error. As whole strings: within a text their quotes would be escaped.
static TELLING: LazyLock<[Finder<'static>; 3]> = LazyLock::new(|| [".completed\"", ".done\"", "\"error\""].map(Finder::new));

/// Looks at events with media that pass by. Each image of several ends by an event of its own: what they used is added up.
#[derive(Debug, Default)]
pub struct Side {
    images: u32,
    usage: Option<Usage>,
}

#[derive(Deserialize)]
#[serde(default)]
struct Event<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    b64_json: Present,
    url: Present,
    audio: Present,
    delta: Present,
    text: Present,
    usage: Object<WireUsage>,
    size: Word,
    quality: Word,
    error: Present,
}

impl Default for Event<'_> {
    fn default() -> Self {
        Self {
            kind: Cow::Borrowed(""),
            b64_json: Present(false),
            url: Present(false),
            audio: Present(false),
            delta: Present(false),
            text: Present(false),
            usage: Object(None),
            size: Word(None),
            quality: Word(None),
            error: Present(false),
        }
    }
}

impl Side {
    fn parse(&mut self, data: &[u8]) -> Result<EventFacts, BadEvent> {
        let event: Event<'_> = serde_json::from_slice(data).map_err(|error| BadEvent(error.to_string()))?;
        if event.error.0 || event.kind == "error" {
            return Ok(EventFacts { error: Some(read_error(data)), ..EventFacts::default() });
        }
        Ok(match &*event.kind {
            "image_generation.completed" | "image_edit.completed" => self.image(&event),
            "speech.audio.done" | "transcript.text.done" => self.done(&event),
            // Drafts, pieces of sound and of text; and what may come later, if it brings something.
            _other => EventFacts {
                useful: event.b64_json.0 || event.audio.0 || event.delta.0 || event.text.0 || event.url.0,
                ..EventFacts::default()
            },
        })
    }

    fn image(&mut self, event: &Event<'_>) -> EventFacts {
        self.images = self.images.saturating_add(1);
        let size = event.size.0.as_deref().and_then(|size| size.parse::<Pixels>().ok());
        let quality = event.quality.0.as_deref().and_then(|quality| quality.parse::<ImageQuality>().ok());
        let media = Some(MediaUsage::Images { count: self.images, size, quality });
        let tokens = event.usage.0.as_ref().and_then(WireUsage::tokens);
        let sum = match (self.usage, tokens) {
            (Some(sum), Some(more)) => Usage {
                input_tokens: sum.input_tokens.saturating_add(more.input_tokens),
                cached_input_tokens: sum.cached_input_tokens.saturating_add(more.cached_input_tokens),
                output_tokens: sum.output_tokens.saturating_add(more.output_tokens),
                ..sum
            },
            (sum, more) => sum.or(more).unwrap_or(Usage { source: UsageSource::Upstream, ..Usage::counted(0, 0) }),
        };
        self.usage = Some(Usage { media, ..sum });
        // An image without a byte is none.
        let useful = event.b64_json.0 || event.url.0;
        EventFacts { useful, finish: useful.then_some(StopReason::Stop), usage: self.usage, ..EventFacts::default() }
    }

    fn done(&mut self, event: &Event<'_>) -> EventFacts {
        let tokens = event.usage.0.as_ref().and_then(WireUsage::tokens);
        let millis = event.usage.0.as_ref().and_then(WireUsage::millis);
        let of_length = millis.map(|millis| Usage { source: UsageSource::Upstream, ..Usage::of_media(MediaUsage::Audio { millis }) });
        let usage = tokens.or(of_length);
        EventFacts { useful: event.text.0, finish: Some(StopReason::Stop), usage, done: true, ..EventFacts::default() }
    }
}

impl SideReader for Side {
    fn event(&mut self, data: &[u8], reading: Reading) -> Result<EventFacts, BadEvent> {
        if data.trim_ascii() == b"[DONE]" {
            return Ok(EventFacts { done: true, ..EventFacts::default() });
        }
        let whole = data.first() == Some(&b'{') && data.last() == Some(&b'}');
        match reading {
            Reading::AfterCommit if whole && !TELLING.iter().any(|finder| finder.find(data).is_some()) => Ok(EventFacts::default()),
            Reading::AfterCommit | Reading::Full => self.parse(data),
        }
    }

    fn error(&mut self, code: ErrorCode, message: &str, out: &mut BytesMut) {
        out.extend_from_slice(&stream_error(code, message));
    }
}

/// Appends the text that an event of a transcript delivered. One that can't be read delivered none.
pub fn event_text(data: &[u8], into: &mut String) {
    #[derive(Deserialize)]
    struct Spoken<'a> {
        #[serde(rename = "type", borrow, default)]
        kind: Cow<'a, str>,
        #[serde(default)]
        delta: Text,
    }
    if let Ok(Spoken { kind, delta }) = serde_json::from_slice(data)
        && kind == "transcript.text.delta"
    {
        into.push_str(&delta.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(side: &mut Side, data: &str) -> EventFacts {
        side.event(data.as_bytes(), Reading::Full).unwrap()
    }

    #[test]
    fn drafts_and_pieces_are_useful_and_no_end() {
        let mut side = Side::default();
        for data in [
            r#"{"type":"image_generation.partial_image","b64_json":"aW1n","partial_image_index":0}"#,
            r#"{"type":"image_edit.partial_image","b64_json":"aW1n"}"#,
            r#"{"type":"speech.audio.delta","audio":"aW1n"}"#,
            r#"{"type":"transcript.text.delta","delta":"a .done\" b"}"#,
            r#"{"type":"transcript.text.segment","text":"a"}"#,
        ] {
            let facts = read(&mut side, data);
            assert!(facts.useful && facts.finish.is_none() && !facts.done, "{data}");
            assert_eq!(side.event(data.as_bytes(), Reading::AfterCommit), Ok(EventFacts::default()), "{data}");
        }
        assert!(!read(&mut side, r#"{"type":"ping"}"#).useful);
    }

    #[test]
    fn what_several_images_used_is_added_up() {
        let mut side = Side::default();
        let completed = r#"{"type":"image_generation.completed","b64_json":"aW1n","size":"1024x1024","quality":"low","usage":{"input_tokens":5,"output_tokens":100}}"#;
        assert!(read(&mut side, completed).finish.is_some());
        let facts = side.event(completed.as_bytes(), Reading::AfterCommit).unwrap();
        let usage = facts.usage.unwrap();
        assert_eq!((usage.input_tokens, usage.output_tokens, facts.done), (10, 200, false));
        let size = Pixels::new(1024, 1024);
        assert_eq!(usage.media, Some(MediaUsage::Images { count: 2, size, quality: Some(ImageQuality::Low) }));
    }

    #[test]
    fn an_end_tells_its_usage() {
        let mut side = Side::default();
        let facts = read(&mut side, r#"{"type":"speech.audio.done","usage":{"input_tokens":3,"output_tokens":9,"total_tokens":12}}"#);
        assert_eq!((facts.done, facts.usage.map(|usage| usage.output_tokens)), (true, Some(9)));
        let facts = read(&mut side, r#"{"type":"transcript.text.done","text":"a","usage":{"type":"duration","seconds":1.25}}"#);
        assert_eq!(facts.usage.and_then(|usage| usage.media), Some(MediaUsage::Audio { millis: 1_250 }));
        assert!(read(&mut side, "[DONE]").done);
    }

    #[test]
    fn errors_are_seen_by_type_and_by_member() {
        let mut side = Side::default();
        for data in [
            r#"{"type":"error","error":{"message":"no","code":"c"}}"#,
            r#"{"error":{"message":"no","code":"c"}}"#,
            r#"{"type":"error","message":"no","code":"c"}"#,
        ] {
            let error = read(&mut side, data).error.unwrap();
            assert_eq!((error.message.as_str(), error.code.as_deref()), ("no", Some("c")), "{data}");
        }
        assert!(side.event(b"nonsense", Reading::AfterCommit).is_err());
    }

    #[test]
    fn only_deltas_are_delivered_text() {
        let mut text = String::new();
        event_text(br#"{"type":"transcript.text.delta","delta":"a"}"#, &mut text);
        event_text(br#"{"type":"transcript.text.done","text":"a"}"#, &mut text);
        event_text(b"nonsense", &mut text);
        assert_eq!(text, "a");
    }
}

//! The side-reader of streams with media: images, speech and transcripts, as OpenAI streams them. The bytes themselves pass by, but for
//! transcripts of servers that have another form for them: SDKs know OpenAI's alone.
//!
//! Source: OpenAI API reference, image, speech and transcript streaming events (`providers.md` sections 4.3 and 4.5); vLLM's chunks
//! `transcription.chunk`, and events with a text alone (speaches).

use std::borrow::Cow;
use std::sync::LazyLock;

use bytes::{Bytes, BytesMut};
use easyai_core::error::ErrorCode;
use easyai_core::media::{ImageQuality, MediaUsage, Pixels};
use easyai_core::usage::{Usage, UsageSource};
use memchr::memmem::Finder;
use serde::Deserialize;

use super::usage::WireUsage;
use super::write::{stream_error, transcript_delta_data, transcript_done};
use crate::conversation::StopReason;
use crate::openai::error::read_error;
use crate::openai::lenient::{Object, Objects, Present, Text, Word};
use crate::wire::{BadEvent, EventFacts, Reading, SideReader};

/// What the types of ends end with, and the key of an error. As whole strings: within a text their quotes would be escaped.
static TELLING: LazyLock<[Finder<'static>; 3]> = LazyLock::new(|| [".completed\"", ".done\"", "\"error\""].map(Finder::new));

/// Looks at events with media that pass by. Each image of several ends by an event of its own: what they used is added up.
#[derive(Debug, Default)]
pub struct Side {
    images: u32,
    usage: Option<Usage>,
    foreign: Option<Foreign>,
}

/// A transcript in another form than OpenAI's.
#[derive(Debug)]
struct Foreign {
    form: Form,
    /// All of it so far.
    text: String,
    /// What the last event added.
    delta: String,
    usage: Option<Usage>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Chunks as chat has them; they end by a finish reason.
    Chunks,
    /// Pieces of text; they end with the body.
    Texts,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Chunk {
    delta: Object<Said>,
    finish_reason: Present,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Said {
    content: Text,
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
    text: Text,
    choices: Objects<Chunk>,
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
            text: Text::default(),
            choices: Objects(Vec::new()),
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
            "" if !event.choices.0.is_empty() || !event.text.0.is_empty() || self.foreign.is_some() => self.foreign(event),
            // Drafts, pieces of sound and of text; and what may come later, if it brings something.
            _other => EventFacts {
                useful: event.b64_json.0 || event.audio.0 || event.delta.0 || !event.text.0.is_empty() || event.url.0,
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
        let usage = event.usage.0.as_ref().and_then(WireUsage::used);
        EventFacts { useful: !event.text.0.is_empty(), finish: Some(StopReason::Stop), usage, done: true, ..EventFacts::default() }
    }
}

impl Side {
    fn foreign(&mut self, event: Event<'_>) -> EventFacts {
        let form = if event.choices.0.is_empty() { Form::Texts } else { Form::Chunks };
        let foreign = self.foreign.get_or_insert(Foreign { form, text: String::new(), delta: String::new(), usage: None });
        let has_ended = event.choices.0.iter().any(|chunk| chunk.finish_reason.0);
        let chunks = event.choices.0.into_iter().filter_map(|chunk| chunk.delta.0);
        foreign.delta = chunks.map(|said| said.content.0).chain([event.text.0]).collect();
        foreign.text.push_str(&foreign.delta);
        foreign.usage = event.usage.0.as_ref().and_then(WireUsage::used).or(foreign.usage);
        EventFacts {
            useful: !foreign.delta.is_empty(),
            finish: has_ended.then_some(StopReason::Stop),
            usage: foreign.usage,
            ..EventFacts::default()
        }
    }
}

impl SideReader for Side {
    fn event(&mut self, data: &[u8], reading: Reading) -> Result<EventFacts, BadEvent> {
        if data.trim_ascii() == b"[DONE]" {
            return Ok(EventFacts { done: true, ..EventFacts::default() });
        }
        let whole = data.first() == Some(&b'{') && data.last() == Some(&b'}');
        match reading {
            Reading::AfterCommit if whole && self.foreign.is_none() && !TELLING.iter().any(|finder| finder.find(data).is_some()) => {
                Ok(EventFacts::default())
            }
            Reading::AfterCommit | Reading::Full => self.parse(data),
        }
    }

    fn mended(&mut self, _data: &[u8]) -> Option<Bytes> {
        self.foreign.as_ref().map(|foreign| transcript_delta_data(&foreign.delta))
    }

    fn ends_with_its_body(&self) -> bool {
        self.foreign.as_ref().is_some_and(|foreign| foreign.form == Form::Texts)
    }

    fn close(&self, out: &mut BytesMut) {
        if let Some(foreign) = &self.foreign {
            out.extend_from_slice(&transcript_done(&foreign.text, &foreign.usage.unwrap_or(Usage::counted(0, 0))));
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

    /// What becomes of a stream in another form than OpenAI's.
    fn check_foreign(events: &[&str], deltas: &[&str], ends_with_its_body: bool, done: &str) {
        let mut side = Side::default();
        for (event, delta) in events.iter().zip(deltas) {
            let facts = read(&mut side, event);
            assert_eq!(facts.useful, !delta.is_empty(), "{event}");
            let expected = format!(r#"{{"type":"transcript.text.delta","delta":"{delta}"}}"#);
            assert_eq!(side.mended(event.as_bytes()), Some(Bytes::from(expected)), "{event}");
        }
        let mut out = BytesMut::new();
        side.close(&mut out);
        assert_eq!(out, format!("event: transcript.text.done\ndata: {{\"type\":\"transcript.text.done\",{done}}}\n\n"));
        assert_eq!(side.ends_with_its_body(), ends_with_its_body);
    }

    #[test]
    fn transcripts_in_other_forms_become_openais() {
        let chunk = |delta: &str, more: &str| {
            format!(r#"{{"object":"transcription.chunk","choices":[{{"delta":{{"content":"{delta}"}},"finish_reason":{more}}}]}}"#)
        };
        let usage = r#"{"object":"transcription.chunk","choices":[],"usage":{"prompt_tokens":7,"completion_tokens":2}}"#;
        let told = r#""text":"A b","usage":{"type":"tokens","input_tokens":7,"output_tokens":2,"total_tokens":9}"#;
        check_foreign(&[&chunk("A", "null"), &chunk(" b", "\"stop\""), usage], &["A", " b", ""], false, told);
        assert!(read(&mut Side::default(), &chunk("A", "\"stop\"")).finish.is_some());
        check_foreign(&[r#"{"text":"A"}"#, r#"{"id":1,"start":0.5,"text":" b"}"#], &["A", " b"], true, r#""text":"A b""#);
    }

    #[test]
    fn openais_own_events_pass_as_they_are() {
        let mut side = Side::default();
        let event = r#"{"type":"transcript.text.delta","delta":"a"}"#;
        assert!(read(&mut side, event).useful);
        assert_eq!(side.mended(event.as_bytes()), None);
        assert!(!side.ends_with_its_body());
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

//! Text that was heard: as JSON, as text, as subtitles, and as the events of a stream.
//!
//! Source: OpenAI API reference, Audio (`providers.md` section 4.5).

use std::fmt::Write;

use bytes::Bytes;
use easyai_core::media::MediaUsage;
use easyai_core::usage::{Usage, UsageSource};
use serde::Serialize;

use super::{event, json};
use crate::media::{TranscriptFormat, TranscriptionAnswer, TranscriptionRequest, TranscriptionWork};

/// What was heard.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Transcript {
    /// All of it.
    pub text: String,
    /// The language, if the provider told it.
    pub language: Option<String>,
    /// Its length in milliseconds, if known.
    pub millis: Option<u64>,
    /// Sentence by sentence, if the provider told it.
    pub segments: Vec<Segment>,
    /// Word by word, if that was asked for.
    pub words: Vec<WordTime>,
}

/// A sentence with its times, in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Segment {
    /// Where it begins.
    pub start: u64,
    /// Where it ends.
    pub end: u64,
    /// What was said.
    pub text: String,
    /// Who said it, if the provider told it.
    pub speaker: Option<String>,
}

/// A word with its times, in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WordTime {
    /// Where it begins.
    pub start: u64,
    /// Where it ends.
    pub end: u64,
    /// The word.
    pub word: String,
}

#[derive(Serialize)]
struct Plain<'a> {
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<WrittenUsage>,
}

#[derive(Serialize)]
struct Verbose<'a> {
    task: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<&'a str>,
    duration: f64,
    text: &'a str,
    segments: Vec<VerboseSegment<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    words: Vec<VerboseWord<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<WrittenUsage>,
}

/// What nobody else tells is as if nothing were known of it.
#[derive(Serialize)]
struct VerboseSegment<'a> {
    id: usize,
    seek: u32,
    start: f64,
    end: f64,
    text: &'a str,
    tokens: [u32; 0],
    temperature: f64,
    avg_logprob: f64,
    compression_ratio: f64,
    no_speech_prob: f64,
}

#[derive(Serialize)]
struct VerboseWord<'a> {
    word: &'a str,
    start: f64,
    end: f64,
}

#[derive(Serialize)]
struct Diarized<'a> {
    task: &'static str,
    duration: f64,
    text: &'a str,
    segments: Vec<DiarizedSegment<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<WrittenUsage>,
}

#[derive(Serialize)]
struct DiarizedSegment<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    id: String,
    start: f64,
    end: f64,
    text: &'a str,
    speaker: &'a str,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum WrittenUsage {
    Tokens { input_tokens: u64, output_tokens: u64, total_tokens: u64 },
    Duration { seconds: f64 },
}

impl WrittenUsage {
    fn of(usage: &Usage) -> Option<Self> {
        let Usage { input_tokens, output_tokens, .. } = *usage;
        match usage.media {
            _ if usage.source == UsageSource::Upstream && usage.total_tokens() > 0 => {
                Some(Self::Tokens { input_tokens, output_tokens, total_tokens: usage.total_tokens() })
            }
            Some(MediaUsage::Audio { millis }) => Some(Self::Duration { seconds: seconds(millis) }),
            Some(MediaUsage::Images { .. } | MediaUsage::Video { .. } | MediaUsage::Speech { .. }) | None => None,
        }
    }
}

/// For JSON, where times are numbers of seconds. A recording has fewer than 2^52 milliseconds.
fn seconds(millis: u64) -> f64 {
    millis as f64 / 1000.0
}

/// The answer in the shape that was asked for. The length goes beside what was counted, where it is known.
#[must_use]
pub fn write_transcription(transcript: Transcript, asked: &TranscriptionRequest, usage: Usage) -> TranscriptionAnswer {
    let usage = Usage { media: transcript.millis.map(|millis| MediaUsage::Audio { millis }).or(usage.media), ..usage };
    let (content_type, body) = written(&transcript, asked.format, asked.work, &usage);
    TranscriptionAnswer { content_type: content_type.to_owned(), body, text: transcript.text, usage }
}

/// The whole answer and its content type.
pub(super) fn written(transcript: &Transcript, format: TranscriptFormat, work: TranscriptionWork, usage: &Usage) -> (&'static str, Bytes) {
    const JSON: &str = "application/json";
    let task = match work {
        TranscriptionWork::Transcribe => "transcribe",
        TranscriptionWork::Translate => "translate",
    };
    let duration = seconds(transcript.length(usage));
    let (text, usage) = (transcript.text.as_str(), WrittenUsage::of(usage));
    match format {
        TranscriptFormat::Json => (JSON, json(&Plain { text, usage })),
        TranscriptFormat::Text => ("text/plain; charset=utf-8", Bytes::from(format!("{text}\n"))),
        TranscriptFormat::Srt => ("application/x-subrip; charset=utf-8", Bytes::from(transcript.srt())),
        TranscriptFormat::Vtt => ("text/vtt; charset=utf-8", Bytes::from(transcript.vtt())),
        TranscriptFormat::VerboseJson => {
            let (segments, words) = (transcript.verbose_segments(), transcript.verbose_words());
            (JSON, json(&Verbose { task, language: transcript.language.as_deref(), duration, text, segments, words, usage }))
        }
        TranscriptFormat::DiarizedJson => (JSON, json(&Diarized { task, duration, text, segments: transcript.diarized(), usage })),
    }
}

impl Transcript {
    /// In milliseconds: as told, else as it was billed, else up to the last segment.
    fn length(&self, usage: &Usage) -> u64 {
        let billed = match usage.media {
            Some(MediaUsage::Audio { millis }) => Some(millis),
            Some(MediaUsage::Images { .. } | MediaUsage::Video { .. } | MediaUsage::Speech { .. }) | None => None,
        };
        self.millis.or(billed).unwrap_or_else(|| self.segments.last().map_or(0, |last| last.end))
    }

    /// The segments; where none are known, one of all.
    fn spoken(&self) -> Vec<Segment> {
        if self.segments.is_empty() && !self.text.is_empty() {
            return vec![Segment { end: self.millis.unwrap_or(0), text: self.text.clone(), ..Segment::default() }];
        }
        self.segments.clone()
    }

    fn srt(&self) -> String {
        let mut out = String::new();
        for (index, segment) in self.spoken().iter().enumerate() {
            let (start, end) = (clock(segment.start, ','), clock(segment.end, ','));
            // Writing to a string can't fail.
            let _ = write!(out, "{}\n{start} --> {end}\n{}\n\n", index + 1, one_block(&segment.text));
        }
        out
    }

    fn vtt(&self) -> String {
        let mut out = "WEBVTT\n\n".to_owned();
        for segment in self.spoken() {
            let (start, end) = (clock(segment.start, '.'), clock(segment.end, '.'));
            let _ = write!(out, "{start} --> {end}\n{}\n\n", one_block(&segment.text));
        }
        out
    }

    fn verbose_segments<'s>(&'s self) -> Vec<VerboseSegment<'s>> {
        let segment = |(id, segment): (usize, &'s Segment)| VerboseSegment {
            id,
            seek: 0,
            start: seconds(segment.start),
            end: seconds(segment.end),
            text: &segment.text,
            tokens: [],
            temperature: 0.0,
            avg_logprob: 0.0,
            compression_ratio: 0.0,
            no_speech_prob: 0.0,
        };
        self.segments.iter().enumerate().map(segment).collect()
    }

    fn verbose_words(&self) -> Vec<VerboseWord<'_>> {
        self.words.iter().map(|word| VerboseWord { word: &word.word, start: seconds(word.start), end: seconds(word.end) }).collect()
    }

    fn diarized<'s>(&'s self) -> Vec<DiarizedSegment<'s>> {
        let segment = |(index, segment): (usize, &'s Segment)| DiarizedSegment {
            kind: "transcript.text.segment",
            id: format!("seg_{index}"),
            start: seconds(segment.start),
            end: seconds(segment.end),
            text: &segment.text,
            speaker: segment.speaker.as_deref().unwrap_or("A"),
        };
        self.segments.iter().enumerate().map(segment).collect()
    }
}

/// `00:01:02,345`.
fn clock(millis: u64, point: char) -> String {
    let (hours, minutes, seconds) = (millis / 3_600_000, millis / 60_000 % 60, millis / 1_000 % 60);
    format!("{hours:02}:{minutes:02}:{seconds:02}{point}{:03}", millis % 1_000)
}

/// An empty line would end the block.
fn one_block(text: &str) -> String {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

#[derive(Serialize)]
struct Delta<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    delta: &'a str,
}

#[derive(Serialize)]
struct Done<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<WrittenUsage>,
}

const DELTA: &str = "transcript.text.delta";

/// A piece of the text, as an event.
#[must_use]
pub fn transcript_delta(delta: &str) -> Bytes {
    event(DELTA, &Delta { kind: DELTA, delta })
}

/// The data of the same.
pub(in crate::media) fn transcript_delta_data(delta: &str) -> Bytes {
    json(&Delta { kind: DELTA, delta })
}

/// The end of the text, as an event.
#[must_use]
pub fn transcript_done(text: &str, usage: &Usage) -> Bytes {
    let kind = "transcript.text.done";
    event(kind, &Done { kind, text, usage: WrittenUsage::of(usage) })
}

//! Text that was heard, written in the formats of OpenAI's transcriptions: for upstreams that answer in another shape.
//!
//! Source: `providers.md` section 4.5.

use std::fmt::Write;

use bytes::Bytes;
use easyai_core::media::MediaUsage;
use easyai_core::usage::Usage;

use super::answer::TranscriptionAnswer;
use super::transcription::{TranscriptFormat, TranscriptionRequest, TranscriptionWork};

/// What was heard.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Heard {
    /// All of it.
    pub(crate) text: String,
    /// Its length, if known.
    pub(crate) millis: Option<u64>,
    /// Its pieces with their times, if the upstream tells any.
    pub(crate) segments: Vec<Segment>,
}

/// A sentence or a word with its times.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Segment {
    pub(crate) text: String,
    pub(crate) start_ms: u64,
    pub(crate) end_ms: u64,
    /// Its words, if they were told.
    pub(crate) words: Vec<Self>,
}

#[derive(serde::Serialize)]
struct Json<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    task: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<Seconds>,
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    segments: Option<Vec<JsonSegment<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    words: Option<Vec<JsonWord<'a>>>,
    usage: JsonUsage,
}

/// Written in seconds.
struct Seconds(u64);

impl serde::Serialize for Seconds {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Half a million years of sound are exact.
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of a file are small")]
        serializer.serialize_f64(self.0 as f64 / 1_000.0)
    }
}

#[derive(serde::Serialize)]
struct JsonSegment<'a> {
    id: usize,
    start: Seconds,
    end: Seconds,
    text: &'a str,
}

#[derive(serde::Serialize)]
struct JsonWord<'a> {
    word: &'a str,
    start: Seconds,
    end: Seconds,
}

#[derive(serde::Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum JsonUsage {
    Duration { seconds: u64 },
    Tokens { input_tokens: u64, output_tokens: u64, total_tokens: u64 },
}

/// The answer in the format that was asked for. `usage` is what the upstream counted; the length goes beside it where it is known.
///
/// `diarized_json` can't be written from this: who takes such a request has refused it before.
pub(crate) fn write(heard: &Heard, asked: &TranscriptionRequest, usage: Option<Usage>) -> TranscriptionAnswer {
    let media = heard.millis.map(|millis| MediaUsage::Audio { millis });
    let usage = Usage { media, ..usage.unwrap_or(Usage::counted(0, 0)) };
    let plain = |body: String| ("text/plain; charset=utf-8", body);
    let (content_type, body) = match asked.format {
        TranscriptFormat::Json | TranscriptFormat::DiarizedJson => ("application/json", json(heard, asked, &usage, Verbose::No)),
        TranscriptFormat::VerboseJson => ("application/json", json(heard, asked, &usage, Verbose::Yes)),
        TranscriptFormat::Text => plain(format!("{}\n", heard.text)),
        TranscriptFormat::Srt => plain(subtitles(heard, "", ',')),
        TranscriptFormat::Vtt => plain(subtitles(heard, "WEBVTT\n\n", '.')),
    };
    TranscriptionAnswer { content_type: content_type.to_owned(), body: Bytes::from(body), text: heard.text.clone(), usage }
}

enum Verbose {
    Yes,
    No,
}

fn json(heard: &Heard, asked: &TranscriptionRequest, usage: &Usage, verbose: Verbose) -> String {
    let task = match asked.work {
        TranscriptionWork::Transcribe => "transcribe",
        TranscriptionWork::Translate => "translate",
    };
    let segment = |(id, segment): (usize, &'_ Segment)| (id, Seconds(segment.start_ms), Seconds(segment.end_ms));
    let segments = heard.segments.iter().enumerate().map(|at| {
        let (id, start, end) = segment(at);
        JsonSegment { id, start, end, text: &at.1.text }
    });
    let words = heard.segments.iter().flat_map(|segment| &segment.words);
    let words = words.map(|word| JsonWord { word: &word.text, start: Seconds(word.start_ms), end: Seconds(word.end_ms) });
    let verbose = matches!(verbose, Verbose::Yes);
    let counted = usage.total_tokens();
    let body = Json {
        task: verbose.then_some(task),
        language: asked.language.as_deref().filter(|_| verbose),
        duration: heard.millis.filter(|_| verbose).map(Seconds),
        text: &heard.text,
        segments: verbose.then(|| segments.collect()),
        words: (verbose && asked.word_times).then(|| words.collect()),
        usage: match heard.millis {
            Some(millis) if counted == 0 => JsonUsage::Duration { seconds: millis.div_ceil(1_000) },
            Some(_) | None => {
                JsonUsage::Tokens { input_tokens: usage.input_tokens, output_tokens: usage.output_tokens, total_tokens: counted }
            }
        },
    };
    // Strings and numbers alone can't fail to be written.
    serde_json::to_string(&body).unwrap_or_default()
}

/// Both formats for subtitles differ in their first line and in one character.
fn subtitles(heard: &Heard, head: &str, point: char) -> String {
    let mut text = head.to_owned();
    for (index, segment) in heard.segments.iter().enumerate() {
        let (start, end) = (clock(segment.start_ms, point), clock(segment.end_ms, point));
        if head.is_empty() {
            let _infallible = writeln!(text, "{}", index + 1);
        }
        let _infallible = write!(text, "{start} --> {end}\n{}\n\n", segment.text.trim());
    }
    text
}

fn clock(millis: u64, point: char) -> String {
    let (hours, minutes, seconds) = (millis / 3_600_000, millis / 60_000 % 60, millis / 1_000 % 60);
    format!("{hours:02}:{minutes:02}:{seconds:02}{point}{:03}", millis % 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::{InputFile, InputSource, MediaBody};

    fn check(format: TranscriptFormat, usage: Option<Usage>, expected: &str) {
        let source = InputSource::Url("https://x/a.wav".to_owned());
        let asked = TranscriptionRequest {
            work: TranscriptionWork::Transcribe,
            model: "m".into(),
            file: InputFile { field: "file".to_owned(), filename: None, source },
            language: Some("en".to_owned()),
            prompt: None,
            format,
            stream: false,
            word_times: true,
            body: MediaBody { content_type: String::new(), bytes: Bytes::new() },
        };
        let part = |text: &str, start_ms, end_ms, words| Segment { text: text.to_owned(), start_ms, end_ms, words };
        let words = vec![part("Hi", 0, 400, Vec::new())];
        let segments = vec![part("Hi.", 0, 900, words), part(" You.", 3_661_005, 3_662_000, Vec::new())];
        let heard = Heard { text: "Hi. You.".to_owned(), millis: Some(3_662_000), segments };
        let answer = write(&heard, &asked, usage);
        assert_eq!(String::from_utf8_lossy(&answer.body), expected);
        assert_eq!(answer.usage.media, Some(MediaUsage::Audio { millis: 3_662_000 }));
    }

    #[test]
    fn a_text_is_written_in_every_format() {
        check(TranscriptFormat::Json, None, r#"{"text":"Hi. You.","usage":{"type":"duration","seconds":3662}}"#);
        check(
            TranscriptFormat::Json,
            Some(Usage::counted(5, 2)),
            r#"{"text":"Hi. You.","usage":{"type":"tokens","input_tokens":5,"output_tokens":2,"total_tokens":7}}"#,
        );
        check(TranscriptFormat::Text, None, "Hi. You.\n");
        check(
            TranscriptFormat::VerboseJson,
            None,
            r#"{"task":"transcribe","language":"en","duration":3662.0,"text":"Hi. You.","segments":[{"id":0,"start":0.0,"end":0.9,"text":"Hi."},{"id":1,"start":3661.005,"end":3662.0,"text":" You."}],"words":[{"word":"Hi","start":0.0,"end":0.4}],"usage":{"type":"duration","seconds":3662}}"#,
        );
        check(TranscriptFormat::Srt, None, "1\n00:00:00,000 --> 00:00:00,900\nHi.\n\n2\n01:01:01,005 --> 01:01:02,000\nYou.\n\n");
        check(TranscriptFormat::Vtt, None, "WEBVTT\n\n00:00:00.000 --> 00:00:00.900\nHi.\n\n01:01:01.005 --> 01:01:02.000\nYou.\n\n");
    }
}

//! Golden cases: a request on its way to an upstream of another protocol, and the answer on its way back. A case is a file in `golden/`.
//!
//! ```text
//! What it shows, in a sentence.
//! === caller messages
//! {the caller's body}
//! === upstream chat openai gpt-4o
//! {what the upstream is sent}                        written by `UPDATE_GOLDEN=1 cargo test -p easyai-protocols --test golden`
//! === notes
//! what was dropped or changed, a line each           likewise
//! === answer
//! {the upstream's whole answer}, or its stream, frame by frame
//! === reply
//! {what the caller gets}                             likewise
//! ```
//!
//! A stream is also read in pieces of five bytes, which changes nothing. A case with `=== refused` in place of all that follows shows what
//! can't be carried. Adding a quirk is adding a file.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests are not tests to clippy, and should fail as loudly"
)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use bytes::{Bytes, BytesMut};
use easyai_core::kind::Provider;
use easyai_core::usage::Usage;
use easyai_protocols::convert::Converter;
use easyai_protocols::request::{Framing, TextRequest};
use easyai_protocols::sse::Reader;
use easyai_protocols::wire::{Envelope, Protocol, Target};
use easyai_protocols::{anthropic, bridge, completions, gemini, openai, responses};

/// A case as it is written.
struct Case {
    says: String,
    caller: Protocol,
    stream: bool,
    body: String,
    upstream: Protocol,
    provider: Provider,
    model: String,
    answer: Option<String>,
}

struct Section<'a> {
    head: Vec<&'a str>,
    text: String,
}

fn sections(file: &str) -> (String, Vec<Section<'_>>) {
    let mut says = String::new();
    let mut sections: Vec<Section<'_>> = Vec::new();
    for line in file.lines() {
        if let Some(head) = line.strip_prefix("=== ") {
            sections.push(Section { head: head.split(' ').collect(), text: String::new() });
        } else {
            let into = sections.last_mut().map_or(&mut says, |section| &mut section.text);
            into.push_str(line);
            into.push('\n');
        }
    }
    (says.trim().to_owned(), sections)
}

impl Case {
    fn read(file: &str) -> Self {
        let (says, sections) = sections(file);
        let section = |name: &str| sections.iter().find(|section| section.head.first() == Some(&name));
        let (caller, upstream) = (section("caller").expect("=== caller"), section("upstream").expect("=== upstream"));
        Self {
            says,
            caller: caller.head[1].parse().unwrap(),
            stream: caller.head.contains(&"stream") || caller.text.contains("\"stream\": true") || caller.text.contains("\"stream\":true"),
            body: caller.text.trim().to_owned(),
            upstream: upstream.head[1].parse().unwrap(),
            provider: upstream.head[2].parse().unwrap(),
            model: upstream.head[3].to_owned(),
            answer: section("answer").map(|answer| answer.text.clone()),
        }
    }

    fn request(&self) -> TextRequest {
        let body = Bytes::from(self.body.clone());
        let scanned = match self.caller {
            Protocol::Chat => openai::scan::scan(body),
            Protocol::Responses => responses::scan::scan(body).map(|(request, _)| request),
            Protocol::Messages => anthropic::scan::scan(body),
            Protocol::GenerateContent => gemini::scan::scan(body, "public-model", self.stream, Framing::Events),
            Protocol::Completions => completions::scan::scan(body),
            Protocol::Embeddings
            | Protocol::Moderations
            | Protocol::Rerank
            | Protocol::Compaction
            | Protocol::Images
            | Protocol::ImageEdits
            | Protocol::Videos
            | Protocol::Speech
            | Protocol::Transcriptions
            | Protocol::Translations => panic!("no text"),
        };
        scanned.unwrap()
    }

    fn target(&self) -> Target<'_> {
        Target { provider: self.provider, model: &self.model, max_output_tokens: None, stream_options: true }
    }

    fn envelope(&self, request: &TextRequest) -> Envelope {
        Envelope {
            id: "0123456789abcdef".to_owned(),
            created_at: 1_760_000_000,
            model: "public-model".into(),
            include_usage: true,
            input_tokens: request.scan.prompt_tokens,
            request: request.body().clone(),
        }
    }

    /// The whole file with everything that follows from its first half.
    fn written(&self) -> String {
        let request = self.request();
        let mut file = format!("{}\n=== caller {}{}\n{}\n", self.says, self.caller, self.mark(), self.body);
        let conversation = match request.conversation() {
            Ok(conversation) => conversation,
            Err(bad) => return file + &format!("=== upstream {} {} {}\n=== refused\n{bad}\n", self.upstream, self.provider, self.model),
        };
        let _ = writeln!(file, "=== upstream {} {} {}", self.upstream, self.provider, self.model);
        match bridge::write_request(self.upstream, &conversation, &self.target()) {
            Err(lost) => return file + &format!("=== refused\n{lost}\n"),
            Ok(written) => {
                let _ = writeln!(file, "{}", pretty(&written.body));
                if !written.notes.0.is_empty() {
                    file.push_str("=== notes\n");
                    written.notes.0.iter().for_each(|note| writeln!(file, "{}: {}", note.field, note.what).unwrap());
                }
            }
        }
        if let Some(answer) = &self.answer {
            let _ = write!(file, "=== answer\n{}=== reply\n{}\n", trimmed(answer), self.reply(&request, answer).trim_end());
        }
        file
    }

    fn mark(&self) -> &'static str {
        if self.stream && self.caller == Protocol::GenerateContent { " stream" } else { "" }
    }

    fn reply(&self, request: &TextRequest, answer: &str) -> String {
        let envelope = self.envelope(request);
        if answer.trim_start().starts_with('{') {
            return match bridge::read_answer(self.upstream, answer.as_bytes()) {
                Err(bad) => format!("failure: {bad}"),
                Ok(read) if self.stream => {
                    let mut converter = Converter::new(self.upstream, self.caller, envelope);
                    let mut out = BytesMut::new();
                    converter.whole(read, &mut out);
                    converter.end(&mut out);
                    text(&out)
                }
                Ok(read) => {
                    let usage = read.usage.unwrap_or(Usage::counted(0, 0));
                    pretty(&bridge::write_answer(self.caller, &read, &usage, &envelope))
                }
            };
        }
        let whole = self.streamed(answer, answer.len(), &envelope);
        assert_eq!(whole, self.streamed(answer, 5, &envelope), "cut into pieces of five bytes");
        whole
    }

    fn streamed(&self, answer: &str, piece: usize, envelope: &Envelope) -> String {
        let mut converter = Converter::new(self.upstream, self.caller, envelope.clone());
        let mut reader = Reader::new(1 << 20);
        let mut out = BytesMut::new();
        let pieces = answer.as_bytes().chunks(piece.max(1)).map(Some).chain([None]);
        for bytes in pieces {
            match bytes {
                Some(bytes) => reader.push(Bytes::copy_from_slice(bytes)),
                None => reader.finish(),
            }
            while let Some(event) = reader.next().unwrap() {
                let facts = converter.event(&event.data, &mut out).unwrap();
                if let Some(error) = facts.error {
                    return format!("{}failure: {}", text(&out), error.message);
                }
            }
        }
        converter.end(&mut out);
        text(&out)
    }
}

fn trimmed(text: &str) -> String {
    format!("{}\n", text.trim_end())
}

/// Carriage returns are not for files that people read.
fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap().replace('\r', "")
}

fn pretty(json: &[u8]) -> String {
    let value: serde_json::Value = serde_json::from_slice(json).unwrap();
    serde_json::to_string_pretty(&value).unwrap()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

#[test]
fn every_case_is_as_it_is_written() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut names: Vec<PathBuf> = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    assert!(names.len() > 30, "the cases are there");
    let mut wrong = Vec::new();
    for name in names {
        let file = std::fs::read_to_string(&name).unwrap();
        let written = Case::read(&file).written();
        if update {
            std::fs::write(&name, &written).unwrap();
        } else if written != file {
            wrong.push(format!("{}:\n{}", name.display(), difference(&file, &written)));
        }
    }
    assert!(wrong.is_empty(), "{} cases differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// The first lines that differ.
fn difference(expected: &str, found: &str) -> String {
    let differs = expected.lines().zip(found.lines()).position(|(one, other)| one != other);
    let line = differs.unwrap_or(expected.lines().count().min(found.lines().count()));
    let at = |text: &str| text.lines().nth(line).unwrap_or("(nothing)").to_owned();
    format!("  line {}\n  - {}\n  + {}", line + 1, at(expected), at(found))
}

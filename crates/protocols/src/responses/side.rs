//! The side-reader of a stream that passes by: what each event means, at the least cost.

use std::sync::LazyLock;

use bytes::{BufMut, BytesMut};
use easyai_core::error::ErrorCode;
use easyai_core::usage::Usage;
use memchr::memmem::Finder;
use serde::{Deserialize, Serialize};

use super::stream_reader::Reader;
use crate::conversation::AnswerEvent;
use crate::wire::{BadEvent, EventFacts, Progress, Reading, SideReader, StreamReader};

static TYPE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"type\":\"response."));

/// Looks at a response's events that pass by.
#[derive(Debug, Default)]
pub struct Side {
    reader: Reader,
    steps: Vec<AnswerEvent>,
    usage: Option<Usage>,
    /// How many events there were.
    events: u64,
}

/// Events that bring output and say nothing else.
fn is_delta(data: &[u8]) -> bool {
    let Some(at) = TYPE.find(data) else { return false };
    let kind = data.get(at + b"\"type\":\"".len()..).unwrap_or_default();
    let kind = kind.get(..memchr::memchr(b'"', kind).unwrap_or(0)).unwrap_or_default();
    kind.ends_with(b".delta")
}

impl SideReader for Side {
    fn event(&mut self, data: &[u8], reading: Reading) -> Result<EventFacts, BadEvent> {
        self.events += 1;
        if reading == Reading::AfterCommit && data.first() == Some(&b'{') && data.last() == Some(&b'}') && is_delta(data) {
            return Ok(EventFacts::default());
        }
        self.steps.clear();
        let progress = self.reader.event(data, &mut self.steps)?;
        let mut facts = EventFacts { done: progress == Progress::Done, ..EventFacts::default() };
        for step in self.steps.drain(..) {
            facts.useful |= step.is_useful();
            match step {
                AnswerEvent::Stop(stop) => facts.finish = Some(stop.reason),
                AnswerEvent::Usage(usage) => self.usage = Some(usage),
                AnswerEvent::Error(error) => facts.error = Some(error),
                AnswerEvent::Begin { .. }
                | AnswerEvent::Text(_)
                | AnswerEvent::TextOpaque(_)
                | AnswerEvent::Citation(_)
                | AnswerEvent::Reasoning(_)
                | AnswerEvent::ReasoningOpaque(_)
                | AnswerEvent::Refusal(_)
                | AnswerEvent::CallBegin { .. }
                | AnswerEvent::CallArguments { .. }
                | AnswerEvent::CallOpaque { .. }
                | AnswerEvent::CallEnd { .. }
                | AnswerEvent::Image(_) => {}
            }
        }
        facts.usage = self.usage;
        Ok(facts)
    }

    fn error(&mut self, code: ErrorCode, message: &str, out: &mut BytesMut) {
        #[derive(Serialize)]
        struct Failed<'a> {
            #[serde(rename = "type")]
            kind: &'static str,
            code: &'static str,
            message: &'a str,
            param: Option<()>,
            sequence_number: u64,
        }
        out.extend_from_slice(b"event: error\ndata: ");
        let failed = Failed { kind: "error", code: code.as_str(), message, param: None, sequence_number: self.events };
        // Text and numbers can't fail to be written to memory.
        let _written = serde_json::to_writer(out.writer(), &failed);
        out.extend_from_slice(b"\n\n");
        self.events += 1;
    }
}

/// Appends the text of one event, for counting.
pub fn delivered_text(data: &[u8], into: &mut String) {
    #[derive(Deserialize)]
    struct Delta<'a> {
        #[serde(rename = "type", borrow)]
        kind: std::borrow::Cow<'a, str>,
        #[serde(default)]
        delta: crate::openai::lenient::Text,
    }
    if let Ok(event) = serde_json::from_slice::<Delta<'_>>(data)
        && event.kind.ends_with(".delta")
    {
        into.push_str(&event.delta.0);
    }
}

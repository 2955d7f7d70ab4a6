//! An answer as a chat caller's stream.
//!
//! Every chunk has the same id, date and model; with `include_usage` all but the last say `usage: null`. Source: OpenAI API reference, "The
//! chat completion chunk object"; `providers.md` sections 2.9 and 3.3.

use bytes::{BufMut, BytesMut};
use easyai_core::error::ErrorCode;
use easyai_core::usage::Usage;
use serde::Serialize;

use super::due_usage::usage_frame;
use super::error::error_frame;
use super::signature::ExtraContent;
use super::write_answer::ID_PREFIX;
use super::written::{Annotation, Custom, Function, Picture};
use crate::conversation::{AnswerEvent, Citation, Media, Stop, StopReason};
use crate::sse;
use crate::wire::{Envelope, StreamWriter};

/// Writes a chat stream.
#[derive(Debug)]
pub struct Writer {
    envelope: Envelope,
    /// What every chunk begins with; empty until the first.
    head: Vec<u8>,
    /// By index: what fragments of a call must know of its beginning.
    calls: Vec<Begun>,
    /// What is told at once at the end: official SDKs put a list together from one delta alone, unless its entries are numbered.
    citations: Vec<Citation>,
    pictures: Vec<Media>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Begun {
    custom: bool,
    /// Whether it is a function without arguments so far.
    silent: bool,
}

#[derive(Serialize)]
struct Head<'a> {
    id: &'a str,
    object: &'static str,
    created: i64,
    model: &'a str,
}

/// What one chunk brings. One member at a time: what is absent is not written.
#[derive(Serialize, Default)]
struct Delta<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    annotations: Option<Vec<Annotation<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    images: Option<Vec<Picture<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_calls: Option<[Call<'a>; 1]>,
}

/// A fragment of a call.
#[derive(Serialize, Default)]
struct Call<'a> {
    index: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    function: Option<Piece<Function<'a>, Arguments<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    custom: Option<Piece<Custom<'a>, Input<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extra_content: Option<ExtraContent<'a>>,
}

/// The beginning has the name, what follows has not.
#[derive(Serialize)]
#[serde(untagged)]
enum Piece<First, More> {
    First(First),
    More(More),
}

#[derive(Serialize)]
struct Arguments<'a> {
    arguments: &'a str,
}

#[derive(Serialize)]
struct Input<'a> {
    input: &'a str,
}

impl Writer {
    /// A writer for one answer.
    #[must_use]
    pub const fn new(envelope: Envelope) -> Self {
        Self { envelope, head: Vec::new(), calls: Vec::new(), citations: Vec::new(), pictures: Vec::new() }
    }

    /// Appends the first chunk, unless it has been written.
    fn begin(&mut self, id: Option<&str>, model: Option<&str>, out: &mut BytesMut) {
        if !self.head.is_empty() {
            return;
        }
        let envelope = &self.envelope;
        let own_id = format!("{ID_PREFIX}{}", envelope.id);
        let head = Head {
            id: id.unwrap_or(&own_id),
            object: "chat.completion.chunk",
            created: envelope.created_at,
            model: model.unwrap_or(&envelope.model),
        };
        // Text and numbers alone can't fail to be written.
        self.head = serde_json::to_vec(&head).unwrap_or_default();
        // Its brace is written last, after what differs.
        self.head.pop();
        self.delta(&Delta { role: Some("assistant"), content: Some(""), ..Delta::default() }, out);
    }

    fn delta(&self, delta: &Delta<'_>, out: &mut BytesMut) {
        self.chunk(delta, None, out);
    }

    fn call(&self, call: Call<'_>, out: &mut BytesMut) {
        self.delta(&Delta { tool_calls: Some([call]), ..Delta::default() }, out);
    }

    fn chunk(&self, delta: &Delta<'_>, finish_reason: Option<StopReason>, out: &mut BytesMut) {
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(&self.head);
        out.extend_from_slice(b",\"choices\":[{\"index\":0,\"delta\":");
        write(delta, out);
        out.extend_from_slice(b",\"logprobs\":null,\"finish_reason\":");
        write(&finish_reason, out);
        out.extend_from_slice(if self.envelope.include_usage { b"}],\"usage\":null}\n\n" } else { b"}]}\n\n" });
    }

    fn call_begin(&mut self, index: usize, id: &str, name: &str, custom: bool, out: &mut BytesMut) {
        // Indexes have no gaps, so this grows with the number of calls.
        self.calls.resize(self.calls.len().max(index.saturating_add(1)), Begun::default());
        if let Some(call) = self.calls.get_mut(index) {
            *call = Begun { custom, silent: !custom };
        }
        let kind = Some(if custom { "custom" } else { "function" });
        let function = (!custom).then_some(Piece::First(Function { name, arguments: "" }));
        let custom = custom.then_some(Piece::First(Custom { name, input: "" }));
        self.call(Call { index, id: Some(id), kind, function, custom, extra_content: None }, out);
    }

    fn call_arguments(&mut self, index: usize, delta: &str, out: &mut BytesMut) {
        let call = self.calls.get_mut(index).map(|call| {
            call.silent = false;
            *call
        });
        let is_custom = call.unwrap_or_default().custom;
        let function = (!is_custom).then_some(Piece::More(Arguments { arguments: delta }));
        let custom = is_custom.then_some(Piece::More(Input { input: delta }));
        self.call(Call { index, function, custom, ..Call::default() }, out);
    }

    /// Callers parse the arguments of a function: none are an empty object.
    fn call_end(&mut self, index: usize, out: &mut BytesMut) {
        if self.calls.get(index).is_some_and(|call| call.silent) {
            self.call_arguments(index, "{}", out);
        }
    }
}

impl StreamWriter for Writer {
    fn event(&mut self, event: AnswerEvent, out: &mut BytesMut) {
        if let AnswerEvent::Begin { id, model } = &event {
            return self.begin(id.as_deref(), model.as_deref(), out);
        }
        self.begin(None, None, out);
        match event {
            AnswerEvent::Citation(citation) => self.citations.push(citation),
            AnswerEvent::Image(media) => self.pictures.push(media),
            told => self.tell(&told, out),
        }
    }

    fn end(&mut self, stop: &Stop, usage: &Usage, out: &mut BytesMut) {
        self.begin(None, None, out);
        (0..self.calls.len()).for_each(|index| self.call_end(index, out));
        self.lists(out);
        self.chunk(&Delta::default(), Some(stop.reason), out);
        if self.envelope.include_usage {
            usage_frame(&self.head, usage, out);
        }
        out.extend_from_slice(sse::DONE);
    }

    fn error(&mut self, code: ErrorCode, message: &str, out: &mut BytesMut) {
        out.extend_from_slice(&error_frame(code, message));
    }
}

impl Writer {
    /// What was kept for the end.
    fn lists(&self, out: &mut BytesMut) {
        let annotations: Vec<_> = self.citations.iter().filter_map(Annotation::of).collect();
        if !annotations.is_empty() {
            self.delta(&Delta { annotations: Some(annotations), ..Delta::default() }, out);
        }
        let pictures: Vec<_> = self.pictures.iter().filter_map(Picture::of).collect();
        if !pictures.is_empty() {
            self.delta(&Delta { images: Some(pictures), ..Delta::default() }, out);
        }
    }

    fn tell(&mut self, event: &AnswerEvent, out: &mut BytesMut) {
        match event {
            AnswerEvent::Text(text) => self.delta(&Delta { content: Some(text), ..Delta::default() }, out),
            AnswerEvent::Reasoning(text) => self.delta(&Delta { reasoning_content: Some(text), ..Delta::default() }, out),
            AnswerEvent::Refusal(text) => self.delta(&Delta { refusal: Some(text), ..Delta::default() }, out),
            AnswerEvent::CallBegin { index, id, name, custom } => self.call_begin(*index, id, name, *custom, out),
            AnswerEvent::CallArguments { index, delta } => self.call_arguments(*index, delta, out),
            AnswerEvent::CallOpaque { index, opaque } => {
                // With a piece of nothing beside it: openai-python reads `function` of every delta of a call.
                let custom = self.calls.get(*index).is_some_and(|call| call.custom);
                let function = (!custom).then_some(Piece::More(Arguments { arguments: "" }));
                let custom = custom.then_some(Piece::More(Input { input: "" }));
                let extra_content = Some(ExtraContent::of(opaque));
                self.call(Call { index: *index, function, custom, extra_content, ..Call::default() }, out);
            }
            AnswerEvent::CallEnd { index } => self.call_end(*index, out),
            // Chat has no word for the first two, and the others wait for the end.
            AnswerEvent::TextOpaque(_)
            | AnswerEvent::ReasoningOpaque(_)
            | AnswerEvent::Citation(_)
            | AnswerEvent::Image(_)
            | AnswerEvent::Begin { .. }
            | AnswerEvent::Stop(_)
            | AnswerEvent::Usage(_)
            | AnswerEvent::Error(_) => {}
        }
    }
}

fn write(value: &impl Serialize, out: &mut BytesMut) {
    // Text and numbers alone can't fail to be written, nor does the buffer end.
    let _ = serde_json::to_writer(out.writer(), value);
}

#[cfg(test)]
mod tests;

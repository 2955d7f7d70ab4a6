//! The inner form as a stream of completions.

use bytes::{BufMut, BytesMut};
use easyai_core::error::ErrorCode;
use easyai_core::usage::Usage;

use super::chunk::{OBJECT, Written, WrittenChoice, WrittenUsage, finish_reason};
use super::write_answer::own_id;
use crate::conversation::{AnswerEvent, Stop};
use crate::openai::error::error_frame;
use crate::sse::DONE;
use crate::wire::{Envelope, StreamWriter};

/// Writes chunks. All of them carry the same id and model.
#[derive(Debug)]
pub struct Writer {
    envelope: Envelope,
    id: String,
    model: Option<String>,
}

impl Writer {
    /// A writer that tells the caller what is in `envelope`, where the upstream says nothing better.
    #[must_use]
    pub fn new(envelope: Envelope) -> Self {
        Self { id: own_id(&envelope), envelope, model: None }
    }

    fn chunk(&self, choices: &[WrittenChoice<'_>], usage: Option<WrittenUsage>, out: &mut BytesMut) {
        let written = Written {
            id: &self.id,
            object: OBJECT,
            created: self.envelope.created_at,
            model: self.model.as_deref().unwrap_or(&self.envelope.model),
            choices,
            usage: self.envelope.include_usage.then_some(usage),
        };
        out.extend_from_slice(b"data: ");
        // Text and numbers can't fail to be written; JSON in one line needs no framing of its own.
        let _ = serde_json::to_writer((&mut *out).writer(), &written);
        out.extend_from_slice(b"\n\n");
    }

    fn text(&self, text: &str, out: &mut BytesMut) {
        self.chunk(&[WrittenChoice { text, index: 0, logprobs: (), finish_reason: None }], None, out);
    }
}

impl StreamWriter for Writer {
    fn event(&mut self, event: AnswerEvent, out: &mut BytesMut) {
        match event {
            AnswerEvent::Begin { id, model } => {
                self.id = id.unwrap_or_else(|| own_id(&self.envelope));
                self.model = model;
            }
            AnswerEvent::Text(delta) | AnswerEvent::Refusal(delta) => self.text(&delta, out),
            // A completion is text: nothing else has a place in it.
            AnswerEvent::TextOpaque(_)
            | AnswerEvent::Citation(_)
            | AnswerEvent::Reasoning(_)
            | AnswerEvent::ReasoningOpaque(_)
            | AnswerEvent::CallBegin { .. }
            | AnswerEvent::CallArguments { .. }
            | AnswerEvent::CallOpaque { .. }
            | AnswerEvent::CallEnd { .. }
            | AnswerEvent::Image(_)
            | AnswerEvent::Stop(_)
            | AnswerEvent::Usage(_)
            | AnswerEvent::Error(_) => {}
        }
    }

    fn end(&mut self, stop: &Stop, usage: &Usage, out: &mut BytesMut) {
        self.chunk(&[WrittenChoice { text: "", index: 0, logprobs: (), finish_reason: Some(finish_reason(stop.reason)) }], None, out);
        if self.envelope.include_usage {
            self.chunk(&[], Some(usage.into()), out);
        }
        out.extend_from_slice(DONE);
    }

    fn error(&mut self, code: ErrorCode, message: &str, out: &mut BytesMut) {
        out.extend_from_slice(&error_frame(code, message));
    }
}

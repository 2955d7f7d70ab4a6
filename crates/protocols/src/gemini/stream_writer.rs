//! The inner form as a caller's stream: every chunk is a whole response with new parts only.

use std::borrow::Cow;

use bytes::BytesMut;
use easyai_core::error::ErrorCode;
use easyai_core::usage::Usage;

use super::arguments;
use super::citation;
use super::content::{Content, FunctionCall, Part};
use super::finish;
use super::frame::Framer;
use super::signature;
use super::usage::Shown;
use crate::conversation::{AnswerEvent, Citation, Opaque, Stop};
use crate::request::Framing;
use crate::wire::{Envelope, StreamWriter};

/// Writes one stream. Calls wait until they are complete: there are no pieces of arguments on this wire.
#[derive(Debug)]
pub struct Writer {
    envelope: Envelope,
    framer: Framer,
    id: Option<String>,
    model: Option<String>,
    calls: Vec<Call>,
    citations: Vec<Citation>,
}

/// A call that is being collected.
#[derive(Debug)]
struct Call {
    index: usize,
    id: String,
    name: String,
    custom: bool,
    arguments: String,
    opaque: Option<Opaque>,
}

/// A `GenerateContentResponse`.
#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Response<'a> {
    pub(super) candidates: [Candidate<'a>; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) usage_metadata: Option<Shown>,
    pub(super) model_version: &'a str,
    pub(super) response_id: &'a str,
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Candidate<'a> {
    pub(super) content: Content<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) finish_reason: Option<&'static str>,
    pub(super) index: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) grounding_metadata: Option<citation::Shown<'a>>,
}

impl Writer {
    /// A writer whose frames are put together as `framing` says: the envelope does not know.
    #[must_use]
    pub const fn new(envelope: Envelope, framing: Framing) -> Self {
        Self { envelope, framer: Framer::new(framing), id: None, model: None, calls: Vec::new(), citations: Vec::new() }
    }

    fn response<'a>(&'a self, parts: Vec<Part<'a>>) -> Response<'a> {
        let content = Content { role: "model", parts };
        Response {
            candidates: [Candidate { content, finish_reason: None, index: 0, grounding_metadata: None }],
            usage_metadata: None,
            model_version: self.model.as_deref().unwrap_or(&self.envelope.model),
            response_id: self.id.as_deref().unwrap_or(&self.envelope.id),
        }
    }

    fn part(&mut self, part: Part<'_>, out: &mut BytesMut) {
        let mut framer = self.framer;
        framer.write(&self.response(vec![part]), out);
        self.framer = framer;
    }

    fn call(&mut self, index: usize) -> Option<&mut Call> {
        self.calls.iter_mut().find(|call| call.index == index)
    }
}

impl Call {
    fn part(&self) -> Part<'_> {
        let args = arguments::object(&self.arguments, self.custom);
        Part::call(FunctionCall { id: &self.id, name: &self.name, args }).signed(self.opaque.as_ref().map(signature::write))
    }
}

impl StreamWriter for Writer {
    fn event(&mut self, event: AnswerEvent, out: &mut BytesMut) {
        match event {
            AnswerEvent::Begin { id, model } => (self.id, self.model) = (id, model),
            // There is no word for a refusal but the reason at the end.
            AnswerEvent::Text(text) | AnswerEvent::Refusal(text) => self.part(Part::text(text), out),
            AnswerEvent::TextOpaque(opaque) => self.part(Part::text("").signed(Some(signature::write(&opaque))), out),
            AnswerEvent::Reasoning(text) => self.part(Part::thought(text), out),
            AnswerEvent::ReasoningOpaque(opaque) => self.part(Part::thought("").signed(Some(signature::write(&opaque))), out),
            AnswerEvent::Image(media) => self.part(Part::media(&media), out),
            AnswerEvent::Citation(citation) => self.citations.push(citation),
            AnswerEvent::CallBegin { index, id, name, custom } => {
                self.calls.push(Call { index, id, name, custom, arguments: String::new(), opaque: None });
            }
            AnswerEvent::CallArguments { index, delta } => {
                if let Some(call) = self.call(index) {
                    call.arguments.push_str(&delta);
                }
            }
            AnswerEvent::CallOpaque { index, opaque } => {
                if let Some(call) = self.call(index) {
                    call.opaque = Some(opaque);
                }
            }
            AnswerEvent::CallEnd { index } => {
                if let Some(at) = self.calls.iter().position(|call| call.index == index) {
                    let call = self.calls.remove(at);
                    self.part(call.part(), out);
                }
            }
            AnswerEvent::Stop(_) | AnswerEvent::Usage(_) | AnswerEvent::Error(_) => {}
        }
    }

    fn end(&mut self, stop: &Stop, usage: &Usage, out: &mut BytesMut) {
        let mut parts: Vec<Part<'_>> = self.calls.iter().map(Call::part).collect();
        if parts.is_empty() {
            // Never without parts: Google's SDKs then take the turn for invalid and leave it out of a chat's history.
            // Marked, since Google refuses an empty part that comes back without a signature.
            parts.push(Part::text(Cow::Borrowed("")).signed(Some(Cow::Borrowed(signature::NOBODYS))));
        }
        let mut framer = self.framer;
        let mut response = self.response(parts);
        let [candidate] = &mut response.candidates;
        candidate.finish_reason = Some(finish::word(stop.reason));
        // Without the text, which has long gone out, statements can't be found in it by their bytes: sources only.
        candidate.grounding_metadata = citation::show(&self.citations, "");
        response.usage_metadata = Some(Shown::from(usage));
        framer.write(&response, out);
        framer.end(out);
        self.framer = framer;
    }

    fn error(&mut self, code: ErrorCode, message: &str, out: &mut BytesMut) {
        self.framer.error(code, message, out);
    }
}

#[cfg(test)]
mod tests;

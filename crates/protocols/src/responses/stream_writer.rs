//! The events of a response, emulated over an upstream that has none: the order of `providers.md` section 5.3, numbered without gaps.
//!
//! ```text
//! created, in_progress ─▶ for each item: added ─ its parts and deltas ─ done ─▶ completed | incomplete
//!                                                                           ╰─▶ failed, alone: nothing is closed before it
//! ```

use bytes::BytesMut;
use easyai_core::error::ErrorCode;
use easyai_core::usage::Usage;
use serde::Serialize;

use super::assembly::Assembly;
use super::event::Frames;
use super::item::ItemStatus;
use super::object::{Echo, Object, Standing, Status};
use crate::conversation::{AnswerEvent, Stop, StopReason};
use crate::wire::{Envelope, StreamWriter};

/// Writes a response.
#[derive(Debug)]
pub struct Writer {
    envelope: Envelope,
    echo: Echo,
    /// The model as the upstream calls it.
    model: Option<String>,
    begun: bool,
    next_number: u64,
    assembly: Assembly,
}

#[derive(Serialize)]
struct ResponseEvent<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    response: Object<'a>,
}

/// Whether an event about the response shows its output.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Output {
    Empty,
    SoFar,
}

impl Writer {
    /// A response that has not begun.
    #[must_use]
    pub fn new(envelope: Envelope) -> Self {
        let echo = Echo::of(&envelope.request);
        let assembly = Assembly::new(envelope.id.clone());
        Self { envelope, echo, model: None, begun: false, next_number: 0, assembly }
    }

    fn response(&mut self, kind: &'static str, standing: Standing<'_>, output: Output, out: &mut BytesMut) {
        let model = self.model.as_deref().unwrap_or(&self.envelope.model);
        let items = if output == Output::SoFar { self.assembly.items() } else { &[] };
        let response = Object::new(&self.envelope, &self.echo, model, standing, items);
        Frames { out, next_number: &mut self.next_number }.write(kind, ResponseEvent { kind, response });
    }

    fn begin(&mut self, out: &mut BytesMut) {
        if !std::mem::replace(&mut self.begun, true) {
            self.response("response.created", Standing::Unended(Status::InProgress, None), Output::Empty, out);
            self.response("response.in_progress", Standing::Unended(Status::InProgress, None), Output::Empty, out);
        }
    }
}

impl StreamWriter for Writer {
    fn event(&mut self, event: AnswerEvent, out: &mut BytesMut) {
        if let AnswerEvent::Begin { model, .. } = event {
            self.model = self.model.take().or(model);
            return self.begin(out);
        }
        self.begin(out);
        self.assembly.step(event, &mut Frames { out, next_number: &mut self.next_number });
    }

    fn end(&mut self, stop: &Stop, usage: &Usage, out: &mut BytesMut) {
        self.begin(out);
        let frames = &mut Frames { out, next_number: &mut self.next_number };
        self.assembly.close_all(last_status(stop.reason), frames);
        let kind = match stop.reason {
            StopReason::Stop | StopReason::ToolCalls => "response.completed",
            StopReason::Length | StopReason::ContentFilter => "response.incomplete",
        };
        self.response(kind, Standing::Ended(stop.reason, usage), Output::SoFar, out);
    }

    fn error(&mut self, code: ErrorCode, message: &str, out: &mut BytesMut) {
        self.begin(out);
        self.assembly.break_off();
        self.response("response.failed", Standing::Unended(Status::Failed, Some((code.as_str(), message))), Output::SoFar, out);
    }
}

/// The status of what was still being written when the answer ended.
pub(super) const fn last_status(reason: StopReason) -> ItemStatus {
    match reason {
        StopReason::Stop | StopReason::ToolCalls => ItemStatus::Completed,
        StopReason::Length | StopReason::ContentFilter => ItemStatus::Incomplete,
    }
}

#[cfg(test)]
pub(super) mod accumulate;
#[cfg(test)]
mod tests;

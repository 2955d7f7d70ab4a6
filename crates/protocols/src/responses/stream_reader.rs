//! An upstream's stream of a response.
//!
//! Deltas count; what only a `….done` event or the terminal one brings is told then, so that an upstream which leaves deltas out loses
//! nothing, and what was told once is not told again. Ark's dialect needs no more: it has fewer events (`providers.md` section 7.3).

mod item;

use std::borrow::Cow;

use serde::Deserialize;

use self::item::{Items, Shown, tell};
use super::output_item::{OutputItem, OutputPart, WireAnnotation};
use super::response::Response;
use super::tolerant;
use crate::conversation::AnswerEvent;
use crate::openai::error::{WireError, read_error};
use crate::openai::lenient::{Count, Present, Text, Word};
use crate::wire::{BadEvent, Progress, StreamReader};

/// Reads a response.
#[derive(Debug, Default)]
pub struct Reader {
    begun: bool,
    items: Items,
}

/// An event, with all fields that any event has.
#[derive(Debug, Deserialize)]
struct Event<'a> {
    #[serde(rename = "type", borrow, default)]
    kind: Cow<'a, str>,
    #[serde(default)]
    output_index: Option<Count>,
    #[serde(default)]
    content_index: Option<Count>,
    #[serde(default)]
    summary_index: Option<Count>,
    #[serde(default)]
    item_id: Word,
    #[serde(default)]
    delta: Text,
    /// The whole text or arguments, in a `….done` event.
    #[serde(default)]
    text: Text,
    #[serde(default, deserialize_with = "tolerant::json_text")]
    arguments: String,
    #[serde(default, deserialize_with = "tolerant::json_text")]
    input: String,
    #[serde(default, deserialize_with = "tolerant::maybe")]
    item: Option<OutputItem>,
    #[serde(default, deserialize_with = "tolerant::maybe")]
    part: Option<OutputPart>,
    #[serde(default, deserialize_with = "tolerant::maybe")]
    annotation: Option<WireAnnotation>,
    #[serde(borrow, default, deserialize_with = "tolerant::maybe")]
    response: Option<Response<'a>>,
    #[serde(default)]
    error: Present,
}

impl StreamReader for Reader {
    fn event(&mut self, data: &[u8], out: &mut Vec<AnswerEvent>) -> Result<Progress, BadEvent> {
        if data.trim_ascii() == b"[DONE]" {
            return Ok(Progress::Done);
        }
        let event: Event<'_> = serde_json::from_slice(data).map_err(|error| BadEvent(error.to_string()))?;
        let from = out.len();
        let progress = self.read(event, data, out);
        if !self.begun && out.len() > from {
            self.begun = true;
            if !matches!(out.get(from), Some(AnswerEvent::Begin { .. } | AnswerEvent::Error(_))) {
                out.insert(from, AnswerEvent::Begin { id: None, model: None });
            }
        }
        Ok(progress)
    }
}

impl Reader {
    fn read(&mut self, mut event: Event<'_>, data: &[u8], out: &mut Vec<AnswerEvent>) -> Progress {
        let place = (event.output_index.map(|index| index.0), event.item_id.0.take());
        let part = event.content_index.map(|index| index.0);
        match &*event.kind {
            "response.created" | "response.queued" | "response.in_progress" => self.begin(event.response, out),
            "response.output_text.delta" => self.items.text(place, part, event.delta.0, out),
            "response.output_text.done" => self.items.text_done(place, part, event.text.0, out),
            "response.output_text.annotation.added" => self.items.citation(place, event.annotation, out),
            "response.refusal.delta" => self.items.refusal(place, event.delta.0, out),
            "response.reasoning_summary_text.delta" => {
                let paragraph = event.summary_index.map_or(0, |index| index.0);
                self.items.reasoning(place, Shown::Summary { paragraph }, event.delta.0, out);
            }
            "response.reasoning_text.delta" => self.items.reasoning(place, Shown::Itself, event.delta.0, out),
            "response.content_part.done" => self.items.part_done(place, event.part, out),
            "response.output_item.added" => self.items.added(place, event.item, out),
            "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta" => {
                self.items.arguments(place, event.delta.0, out);
            }
            "response.function_call_arguments.done" => self.items.arguments_done(place, event.arguments, out),
            "response.custom_tool_call_input.done" => self.items.arguments_done(place, event.input, out),
            "response.output_item.done" => self.items.done(place, event.item, out),
            "response.completed" | "response.incomplete" | "response.failed" | "response.cancelled" => {
                self.end(event.response, out);
                return Progress::Done;
            }
            // Flat or nested (`providers.md` section 5.3); without a type it is an error that is not OpenAI's.
            "error" => out.push(AnswerEvent::Error(stream_error(data))),
            "" if event.error.0 => out.push(AnswerEvent::Error(stream_error(data))),
            _passed_over => {}
        }
        Progress::More
    }

    fn begin(&mut self, response: Option<Response<'_>>, out: &mut Vec<AnswerEvent>) {
        if !self.begun {
            let response = response.unwrap_or_default();
            out.push(AnswerEvent::Begin { id: response.id.0, model: response.model.0 });
        }
    }

    fn end(&self, response: Option<Response<'_>>, out: &mut Vec<AnswerEvent>) {
        let response = response.unwrap_or_default();
        if let Some(error) = response.failure() {
            return out.push(AnswerEvent::Error(error));
        }
        let (usage, mut calls) = (response.usage(), self.items.calls());
        if self.items.is_silent() {
            let (parts, found) = response.parts();
            calls += found;
            out.extend(tell(parts));
        }
        out.push(AnswerEvent::Stop(response.stop(calls > 0)));
        out.extend(usage.map(AnswerEvent::Usage));
    }
}

/// An `error` event. Its `type` says only that it is one.
pub(super) fn stream_error(data: &[u8]) -> WireError {
    let error = read_error(data);
    WireError { kind: error.kind.filter(|kind| kind != "error"), ..error }
}

#[cfg(test)]
mod tests;

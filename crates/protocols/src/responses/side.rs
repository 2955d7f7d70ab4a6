//! The side-reader of a response's stream: what each event means, at the least cost. The bytes themselves pass by.

use std::borrow::Cow;
use std::sync::LazyLock;

use bytes::{Bytes, BytesMut};
use easyai_core::error::ErrorCode;
use memchr::memmem::Finder;
use serde::{Deserialize, Serialize};

use super::event::Frames;
use super::mend::mended_event;
use super::output_item::OutputItem;
use super::response::Response;
use super::stream_reader::stream_error;
use super::tolerant;
use crate::openai::error::WireError;
use crate::openai::lenient::{Count, Present, Text, Word};
use crate::wire::{BadEvent, EventFacts, Reading, SideReader};

static TYPE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"type\""));

/// The types of events that end a stream, and the key of an error. As whole strings: within a text their quotes would be escaped.
static TELLING: LazyLock<[Finder<'static>; 5]> = LazyLock::new(|| {
    ["\"response.completed\"", "\"response.incomplete\"", "\"response.failed\"", "\"response.cancelled\"", "\"error\""].map(Finder::new)
});

/// Looks at the events of a response that pass by.
#[derive(Debug, Default)]
pub struct Side {
    next_number: u64,
    response_id: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Event<'a> {
    #[serde(rename = "type", borrow, default)]
    kind: Cow<'a, str>,
    #[serde(default)]
    sequence_number: Option<Count>,
    #[serde(default)]
    delta: Present,
    #[serde(default)]
    partial_image_b64: Present,
    #[serde(default, deserialize_with = "tolerant::maybe")]
    item: Option<Kind>,
    #[serde(borrow, default, deserialize_with = "tolerant::maybe")]
    response: Option<Response<'a>>,
    #[serde(default)]
    error: Present,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Kind {
    #[serde(rename = "type")]
    kind: Word,
}

/// The published form of an error in a stream.
#[derive(Serialize)]
struct ErrorEvent<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    code: &'static str,
    message: &'a str,
    param: Option<&'a str>,
}

impl Side {
    /// The upstream's own id of the response, once it was told: it leads to what the upstream keeps of it.
    #[must_use]
    pub fn response_id(&self) -> Option<&str> {
        self.response_id.as_deref()
    }

    fn parse(&mut self, data: &[u8]) -> Result<EventFacts, BadEvent> {
        let event: Event<'_> = serde_json::from_slice(data).map_err(|error| BadEvent(error.to_string()))?;
        if let Some(Count(number)) = event.sequence_number {
            self.next_number = number.saturating_add(1);
        }
        if let Some(id) = event.response.as_ref().and_then(|response| response.id.0.as_ref())
            && self.response_id.is_none()
        {
            self.response_id = Some(id.clone());
        }
        Ok(match &*event.kind {
            "response.completed" | "response.incomplete" | "response.failed" | "response.cancelled" => end(event.response),
            "error" => failed(stream_error(data)),
            "" if event.error.0 => failed(stream_error(data)),
            _other => EventFacts { useful: event.is_useful(), ..EventFacts::default() },
        })
    }
}

impl Event<'_> {
    /// Deltas of whatever kind, also of an upstream's own tools; a call that begins; an item that is whole, except reasoning, which may
    /// have nothing to show.
    fn is_useful(&self) -> bool {
        let item = self.item.as_ref().and_then(|item| item.kind.0.as_deref());
        match &*self.kind {
            "response.output_item.added" => matches!(item, Some("function_call" | "custom_tool_call")),
            "response.output_item.done" => item.is_some_and(|item| item != "reasoning"),
            kind => (kind.ends_with(".delta") && self.delta.0) || self.partial_image_b64.0,
        }
    }
}

fn failed(error: WireError) -> EventFacts {
    EventFacts { error: Some(error), ..EventFacts::default() }
}

/// A terminal event. A failed one is an end too: nothing follows it.
fn end(response: Option<Response<'_>>) -> EventFacts {
    let response = response.unwrap_or_default();
    if let Some(error) = response.failure() {
        return EventFacts { error: Some(error), usage: response.usage(), done: true, ..EventFacts::default() };
    }
    let item = |raw: &serde_json::value::RawValue| serde_json::from_str::<Kind>(raw.get()).ok().and_then(|item| item.kind.0);
    let mut items = response.output.iter().flatten().filter_map(|raw| item(raw));
    let calls = items.any(|kind| matches!(kind.as_str(), "function_call" | "custom_tool_call"));
    EventFacts { finish: Some(response.stop(calls).reason), usage: response.usage(), done: true, ..EventFacts::default() }
}

impl SideReader for Side {
    fn event(&mut self, data: &[u8], reading: Reading) -> Result<EventFacts, BadEvent> {
        if data.trim_ascii() == b"[DONE]" {
            return Ok(EventFacts { done: true, ..EventFacts::default() });
        }
        match reading {
            Reading::AfterCommit if looks_whole(data) && !tells_something(data) => {
                self.next_number = self.next_number.saturating_add(1);
                Ok(EventFacts::default())
            }
            Reading::AfterCommit | Reading::Full => self.parse(data),
        }
    }

    fn mended(&mut self, data: &[u8]) -> Option<Bytes> {
        mended_event(data)
    }

    fn error(&mut self, code: ErrorCode, message: &str, out: &mut BytesMut) {
        let event = ErrorEvent { kind: "error", code: code.as_str(), message, param: None };
        Frames { out, next_number: &mut self.next_number }.write("error", event);
    }
}

fn looks_whole(data: &[u8]) -> bool {
    data.first() == Some(&b'{') && data.last() == Some(&b'}')
}

/// Whether it ends the stream, or may. What has no type is no ordinary event.
fn tells_something(data: &[u8]) -> bool {
    TYPE.find(data).is_none() || TELLING.iter().any(|finder| finder.find(data).is_some())
}

/// Appends the text that an event delivered. One that can't be read delivered none.
pub fn delivered_text(data: &[u8], into: &mut String) {
    #[derive(Deserialize)]
    struct Spoken<'a> {
        #[serde(rename = "type", borrow, default)]
        kind: Cow<'a, str>,
        #[serde(default)]
        delta: Text,
        #[serde(default, deserialize_with = "tolerant::maybe")]
        item: Option<OutputItem>,
    }
    let Ok(spoken) = serde_json::from_slice::<Spoken<'_>>(data) else { return };
    match &*spoken.kind {
        "response.output_text.delta"
        | "response.refusal.delta"
        | "response.reasoning_summary_text.delta"
        | "response.reasoning_text.delta"
        | "response.function_call_arguments.delta"
        | "response.custom_tool_call_input.delta" => into.push_str(&spoken.delta.0),
        "response.output_item.added" => {
            let call = spoken.item.filter(|item| item.is_call().is_some());
            into.push_str(call.and_then(|call| call.name.0).as_deref().unwrap_or_default());
        }
        _other => {}
    }
}

#[cfg(test)]
mod tests;

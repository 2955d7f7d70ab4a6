//! An upstream's stream of events in the inner form.
//!
//! Text may come as deltas, or only in an item's `done` event from upstreams that send none: what was not told by a delta is told then.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::item::Annotation;
use super::read_answer::Wire;
use crate::conversation::{AnswerEvent, Opaque, OpaqueOwner};
use crate::openai::error::{WireError, read_error};
use crate::openai::lenient::{Text, Word};
use crate::wire::{BadEvent, Progress, StreamReader};

/// Reads a response's stream.
#[derive(Debug, Default)]
pub struct Reader {
    calls: Vec<Call>,
}

/// A call that has begun.
#[derive(Debug)]
struct Call {
    output_index: u64,
    item_id: Option<String>,
    told: bool,
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(rename = "type", borrow, default)]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    response: Option<&'a RawValue>,
    #[serde(borrow, default)]
    item: Option<Item<'a>>,
    #[serde(default)]
    output_index: Option<u64>,
    #[serde(default)]
    item_id: Word,
    #[serde(default)]
    delta: Text,
    #[serde(borrow, default)]
    annotation: Option<Annotation<'a>>,
}

#[derive(Deserialize)]
struct Item<'a> {
    #[serde(rename = "type", borrow, default)]
    kind: Cow<'a, str>,
    #[serde(default)]
    id: Word,
    #[serde(default)]
    call_id: Word,
    #[serde(default)]
    name: Word,
    #[serde(default)]
    arguments: super::item::Arguments,
    #[serde(default)]
    input: super::item::Arguments,
    #[serde(default)]
    encrypted_content: Word,
}

impl StreamReader for Reader {
    fn event(&mut self, data: &[u8], out: &mut Vec<AnswerEvent>) -> Result<Progress, BadEvent> {
        if data.trim_ascii() == b"[DONE]" {
            return Ok(Progress::Done);
        }
        let event: Event<'_> = serde_json::from_slice(data).map_err(|error| BadEvent(error.to_string()))?;
        let delta = |told: fn(String) -> AnswerEvent| (!event.delta.0.is_empty()).then(|| told(event.delta.0.clone()));
        match &*event.kind {
            "response.created" => out.extend(begin(&event)),
            "response.output_text.delta" => out.extend(delta(AnswerEvent::Text)),
            "response.refusal.delta" => out.extend(delta(AnswerEvent::Refusal)),
            "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => out.extend(delta(AnswerEvent::Reasoning)),
            "response.output_text.annotation.added" => {
                out.extend(event.annotation.and_then(Annotation::citation).map(AnswerEvent::Citation));
            }
            "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta" => self.arguments(&event, out),
            "response.output_item.added" => self.added(&event, out),
            "response.output_item.done" => self.done(&event, out),
            "response.completed" | "response.incomplete" | "response.done" => {
                self.ended(&event, out);
                return Ok(Progress::Done);
            }
            "response.failed" | "response.cancelled" => {
                out.push(AnswerEvent::Error(failure(&event)));
                return Ok(Progress::Done);
            }
            "error" => out.push(AnswerEvent::Error(read_error(data))),
            "" => out.push(AnswerEvent::Error(read_error(data))),
            _passed_over => {}
        }
        Ok(Progress::More)
    }
}

fn begin(event: &Event<'_>) -> Option<AnswerEvent> {
    let response: Wire<'_> = serde_json::from_str(event.response?.get()).ok()?;
    Some(AnswerEvent::Begin { id: response.id.0, model: response.model.0 })
}

fn failure(event: &Event<'_>) -> WireError {
    let response = event.response.and_then(|response| serde_json::from_str::<Wire<'_>>(response.get()).ok());
    response.and_then(|response| response.failure()).unwrap_or_else(|| WireError {
        message: "the response failed".to_owned(),
        code: Some("server_error".to_owned()),
        ..WireError::default()
    })
}

impl Reader {
    /// The call that an event is about.
    fn call(&mut self, event: &Event<'_>) -> Option<(usize, &mut Call)> {
        let by_item = |call: &Call| call.item_id.is_some() && call.item_id == event.item_id.0;
        let by_index = |call: &Call| Some(call.output_index) == event.output_index;
        let at =
            self.calls.iter().position(by_item).or_else(|| self.calls.iter().position(by_index)).or(self.calls.len().checked_sub(1))?;
        self.calls.get_mut(at).map(|call| (at, call))
    }

    fn arguments(&mut self, event: &Event<'_>, out: &mut Vec<AnswerEvent>) {
        if event.delta.0.is_empty() {
            return;
        }
        if let Some((index, call)) = self.call(event) {
            call.told = true;
            out.push(AnswerEvent::CallArguments { index, delta: event.delta.0.clone() });
        }
    }

    fn added(&mut self, event: &Event<'_>, out: &mut Vec<AnswerEvent>) {
        let Some(item) = &event.item else { return };
        let custom = item.kind == "custom_tool_call";
        if !custom && item.kind != "function_call" {
            return;
        }
        let index = self.calls.len();
        let id = item.call_id.0.clone().or_else(|| item.id.0.clone()).unwrap_or_else(|| format!("call_{index}"));
        let output_index = event.output_index.unwrap_or(index as u64);
        self.calls.push(Call { output_index, item_id: item.id.0.clone(), told: false });
        out.push(AnswerEvent::CallBegin { index, id, name: item.name.0.clone().unwrap_or_default(), custom });
    }

    fn done(&mut self, event: &Event<'_>, out: &mut Vec<AnswerEvent>) {
        let Some(item) = &event.item else { return };
        match &*item.kind {
            "reasoning" => {
                let state = item.encrypted_content.0.clone();
                out.extend(state.map(|data| AnswerEvent::ReasoningOpaque(Opaque { owner: OpaqueOwner::Openai, data })));
            }
            "function_call" | "custom_tool_call" => {
                let known = self.calls.iter().position(|call| {
                    (call.item_id.is_some() && call.item_id == item.id.0) || Some(call.output_index) == event.output_index
                });
                if known.is_none() {
                    self.added(event, out);
                }
                let index = known.unwrap_or(self.calls.len().saturating_sub(1));
                let whole = if item.kind == "function_call" { &item.arguments.0 } else { &item.input.0 };
                if let Some(call) = self.calls.get_mut(index).filter(|call| !call.told && !whole.is_empty()) {
                    call.told = true;
                    out.push(AnswerEvent::CallArguments { index, delta: whole.clone() });
                }
                out.push(AnswerEvent::CallEnd { index });
            }
            _other => {}
        }
    }

    fn ended(&self, event: &Event<'_>, out: &mut Vec<AnswerEvent>) {
        let response = event.response.and_then(|response| serde_json::from_str::<Wire<'_>>(response.get()).ok());
        match response {
            Some(response) => {
                out.push(AnswerEvent::Stop(response.stop(!self.calls.is_empty())));
                out.extend(response.usage().map(AnswerEvent::Usage));
            }
            None => out.push(AnswerEvent::Stop(crate::conversation::Stop::default())),
        }
    }
}

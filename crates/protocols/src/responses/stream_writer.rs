//! The events of a response, emulated: the order of `providers.md` section 5.3, numbered without gaps.
//!
//! ```text
//! created, in_progress ─▶ for each item: added ─ its parts and deltas ─ done ─▶ completed | incomplete | failed
//! ```

use bytes::{BufMut, BytesMut};
use easyai_core::error::ErrorCode;
use easyai_core::usage::Usage;
use serde::Serialize;

use super::object::{Content, Echo, ItemStatus, Object, OutItem, Standing, Status, Summary, UrlCitation};
use crate::conversation::{AnswerEvent, Citation, Opaque, OpaqueOwner, Stop, StopReason};
use crate::wire::{Envelope, StreamWriter};

/// Before the state of a call: the call's id follows, then the state as [`Opaque::tagged`] writes it. A response has room for opaque state
/// in reasoning items only.
pub(super) const CALL_STATE: &str = "easyai:1:call:";

/// Writes a response.
#[derive(Debug)]
pub struct Writer {
    envelope: Envelope,
    echo: Echo,
    model: Option<String>,
    begun: bool,
    sequence: u64,
    items: Vec<OutItem>,
    /// The open item that is no call.
    open: Option<usize>,
    /// The open calls: their index in the answer, and of their item.
    calls: Vec<(usize, usize)>,
    /// Only the object is wanted, no events.
    silent: bool,
}

/// One event, with all fields that any of them has.
#[derive(Default, Serialize)]
struct Event<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    sequence_number: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<&'a Object<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    item_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary_index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    annotation_index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    item: Option<&'a OutItem>,
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<PartOf<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    annotation: Option<&'a UrlCitation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delta: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    arguments: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logprobs: Option<[(); 0]>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum PartOf<'a> {
    Content(&'a Content),
    Summary(&'a Summary),
}

fn emit(out: &mut BytesMut, silent: bool, sequence: &mut u64, event: Event<'_>) {
    if silent {
        return;
    }
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(event.kind.as_bytes());
    out.extend_from_slice(b"\ndata: ");
    let event = Event { sequence_number: *sequence, ..event };
    // Text, numbers and the caller's own JSON can't fail to be written to memory.
    let _written = serde_json::to_writer(out.writer(), &event);
    out.extend_from_slice(b"\n\n");
    *sequence += 1;
}

impl Writer {
    /// A response that has not begun.
    #[must_use]
    pub fn new(envelope: Envelope) -> Self {
        let echo = Echo::of(&envelope);
        let (items, calls) = (Vec::new(), Vec::new());
        Self { envelope, echo, model: None, begun: false, sequence: 0, items, open: None, calls, silent: false }
    }

    /// The same for the object alone.
    pub(super) fn silent(envelope: Envelope) -> Self {
        Self { silent: true, begun: true, ..Self::new(envelope) }
    }

    fn model(&self) -> &str {
        self.model.as_deref().unwrap_or(&self.envelope.model)
    }

    fn begin(&mut self, out: &mut BytesMut) {
        if self.begun {
            return;
        }
        self.begun = true;
        for kind in ["response.created", "response.in_progress"] {
            self.status(kind, Status::InProgress, None, StopReason::Stop, None, out);
        }
    }

    fn status(
        &mut self,
        kind: &'static str,
        status: Status,
        usage: Option<&Usage>,
        stop: StopReason,
        error: Option<(&str, &str)>,
        out: &mut BytesMut,
    ) {
        let output = if status == Status::InProgress { &[][..] } else { &self.items[..] };
        let model = self.model.as_deref().unwrap_or(&self.envelope.model);
        let object = Object::new(&self.envelope, &self.echo, Standing { status, model, output, usage, stop, error });
        emit(out, self.silent, &mut self.sequence, Event { kind, response: Some(&object), ..Event::default() });
    }

    fn id(&self, prefix: &str) -> String {
        format!("{prefix}_easyai_{}{:02}", self.envelope.id, self.items.len())
    }

    /// Adds an item and says so.
    fn add(&mut self, item: OutItem, out: &mut BytesMut) -> usize {
        let index = self.items.len();
        emit(
            out,
            self.silent,
            &mut self.sequence,
            Event { kind: "response.output_item.added", output_index: Some(index), item: Some(&item), ..Event::default() },
        );
        self.items.push(item);
        index
    }

    /// The message that is being written, with a part of this sort open.
    fn message(&mut self, refusal: bool, out: &mut BytesMut) -> usize {
        let fits = |item: &OutItem| match item {
            OutItem::Message { content, .. } => matches!(content.last(), Some(Content::Refusal { .. })) == refusal,
            OutItem::Reasoning { .. } | OutItem::FunctionCall { .. } | OutItem::CustomToolCall { .. } => false,
        };
        if let Some(open) = self.open.filter(|open| self.items.get(*open).is_some_and(fits)) {
            return open;
        }
        self.close_all(ItemStatus::Completed, out);
        let id = self.id("msg");
        let index = self.add(OutItem::Message { id, status: ItemStatus::InProgress, role: "assistant", content: Vec::new() }, out);
        let part = if refusal {
            Content::Refusal { refusal: String::new() }
        } else {
            Content::OutputText { text: String::new(), annotations: Vec::new(), logprobs: [] }
        };
        if let Some(OutItem::Message { id, content, .. }) = self.items.get_mut(index) {
            emit(
                out,
                self.silent,
                &mut self.sequence,
                Event {
                    kind: "response.content_part.added",
                    item_id: Some(id),
                    output_index: Some(index),
                    content_index: Some(0),
                    part: Some(PartOf::Content(&part)),
                    ..Event::default()
                },
            );
            content.push(part);
        }
        self.open = Some(index);
        index
    }

    fn text(&mut self, delta: &str, out: &mut BytesMut) {
        let index = self.message(false, out);
        let Some(OutItem::Message { id, content, .. }) = self.items.get_mut(index) else { return };
        if let Some(Content::OutputText { text, .. }) = content.last_mut() {
            text.push_str(delta);
            let event = Event {
                kind: "response.output_text.delta",
                item_id: Some(id),
                output_index: Some(index),
                content_index: Some(0),
                delta: Some(delta),
                logprobs: Some([]),
                ..Event::default()
            };
            emit(out, self.silent, &mut self.sequence, event);
        }
    }

    fn refusal(&mut self, delta: &str, out: &mut BytesMut) {
        let index = self.message(true, out);
        let Some(OutItem::Message { id, content, .. }) = self.items.get_mut(index) else { return };
        if let Some(Content::Refusal { refusal }) = content.last_mut() {
            refusal.push_str(delta);
            let event = Event {
                kind: "response.refusal.delta",
                item_id: Some(id),
                output_index: Some(index),
                content_index: Some(0),
                delta: Some(delta),
                ..Event::default()
            };
            emit(out, self.silent, &mut self.sequence, event);
        }
    }

    fn citation(&mut self, citation: Citation, out: &mut BytesMut) {
        let Some(url) = citation.url else { return };
        let index = self.message(false, out);
        let Some(OutItem::Message { id, content, .. }) = self.items.get_mut(index) else { return };
        if let Some(Content::OutputText { text, annotations, .. }) = content.last_mut() {
            let end = text.chars().count() as u64;
            let (start_index, end_index) = citation.span.unwrap_or((0, end));
            annotations.push(UrlCitation { kind: "url_citation", url, title: citation.title.unwrap_or_default(), start_index, end_index });
            let event = Event {
                kind: "response.output_text.annotation.added",
                item_id: Some(id),
                output_index: Some(index),
                content_index: Some(0),
                annotation_index: Some(annotations.len() - 1),
                annotation: annotations.last(),
                ..Event::default()
            };
            emit(out, self.silent, &mut self.sequence, event);
        }
    }

    fn reasoning_item(&mut self, out: &mut BytesMut) -> usize {
        let is_reasoning = |item: &OutItem| matches!(item, OutItem::Reasoning { .. });
        if let Some(open) = self.open.filter(|open| self.items.get(*open).is_some_and(is_reasoning)) {
            return open;
        }
        self.close_all(ItemStatus::Completed, out);
        let id = self.id("rs");
        let index = self.add(OutItem::Reasoning { id, summary: Vec::new(), encrypted_content: None }, out);
        self.open = Some(index);
        index
    }

    fn reasoning(&mut self, delta: &str, out: &mut BytesMut) {
        let index = self.reasoning_item(out);
        let Some(OutItem::Reasoning { id, summary, .. }) = self.items.get_mut(index) else { return };
        let at = |kind| Event { kind, item_id: Some(id), output_index: Some(index), summary_index: Some(0), ..Event::default() };
        if summary.is_empty() {
            summary.push(Summary::SummaryText { text: String::new() });
            let event = Event { part: summary.last().map(PartOf::Summary), ..at("response.reasoning_summary_part.added") };
            emit(out, self.silent, &mut self.sequence, event);
        }
        let event = Event { delta: Some(delta), ..at("response.reasoning_summary_text.delta") };
        emit(out, self.silent, &mut self.sequence, event);
        if let Some(Summary::SummaryText { text }) = summary.last_mut() {
            text.push_str(delta);
        }
    }

    /// State ends its piece of reasoning.
    fn reasoning_state(&mut self, opaque: &Opaque, out: &mut BytesMut) {
        let state = if opaque.owner == OpaqueOwner::Openai { opaque.data.clone() } else { opaque.tagged() };
        self.state_item(state, out);
    }

    fn state_item(&mut self, state: String, out: &mut BytesMut) {
        let index = self.reasoning_item(out);
        if let Some(OutItem::Reasoning { encrypted_content, .. }) = self.items.get_mut(index) {
            *encrypted_content = Some(state);
        }
        self.close_open(ItemStatus::Completed, out);
    }

    fn call_begins(&mut self, call: usize, call_id: String, name: String, custom: bool, out: &mut BytesMut) {
        self.close_open(ItemStatus::Completed, out);
        let status = ItemStatus::InProgress;
        let item = if custom {
            OutItem::CustomToolCall { id: self.id("ctc"), status, call_id, name, input: String::new() }
        } else {
            OutItem::FunctionCall { id: self.id("fc"), status, call_id, name, arguments: String::new() }
        };
        let index = self.add(item, out);
        self.calls.push((call, index));
    }

    fn call_goes_on(&mut self, call: usize, delta: &str, out: &mut BytesMut) {
        let Some(index) = self.calls.iter().find(|(open, _)| *open == call).map(|(_, index)| *index) else { return };
        let (kind, id) = match self.items.get_mut(index) {
            Some(OutItem::FunctionCall { id, arguments, .. }) => {
                arguments.push_str(delta);
                ("response.function_call_arguments.delta", id)
            }
            Some(OutItem::CustomToolCall { id, input, .. }) => {
                input.push_str(delta);
                ("response.custom_tool_call_input.delta", id)
            }
            Some(OutItem::Reasoning { .. } | OutItem::Message { .. }) | None => return,
        };
        let event = Event { kind, item_id: Some(id), output_index: Some(index), delta: Some(delta), ..Event::default() };
        emit(out, self.silent, &mut self.sequence, event);
    }

    /// The state of a call follows it in an item of its own, once all calls are closed: calls may come in parallel.
    fn call_state(&mut self, call: usize, opaque: &Opaque, out: &mut BytesMut) {
        let Some((_, index)) = self.calls.iter().find(|(open, _)| *open == call) else { return };
        let Some(OutItem::FunctionCall { call_id, .. } | OutItem::CustomToolCall { call_id, .. }) = self.items.get(*index) else { return };
        let state = format!("{CALL_STATE}{call_id}:{}", opaque.tagged());
        self.close_all(ItemStatus::Completed, out);
        self.state_item(state, out);
    }

    fn close_all(&mut self, status: ItemStatus, out: &mut BytesMut) {
        self.close_open(status, out);
        for (_, index) in std::mem::take(&mut self.calls) {
            self.close(index, status, out);
        }
    }

    fn close_open(&mut self, status: ItemStatus, out: &mut BytesMut) {
        if let Some(index) = self.open.take() {
            self.close(index, status, out);
        }
    }

    fn close(&mut self, index: usize, ended: ItemStatus, out: &mut BytesMut) {
        let (silent, sequence) = (self.silent, &mut self.sequence);
        let Some(item) = self.items.get_mut(index) else { return };
        let at = |kind, id| Event { kind, item_id: Some(id), output_index: Some(index), ..Event::default() };
        match item {
            OutItem::Reasoning { id, summary, .. } => {
                if let Some(Summary::SummaryText { text }) = summary.last() {
                    let event = Event { summary_index: Some(0), text: Some(text), ..at("response.reasoning_summary_text.done", id) };
                    emit(out, silent, sequence, event);
                    let part = summary.last().map(PartOf::Summary);
                    emit(out, silent, sequence, Event { summary_index: Some(0), part, ..at("response.reasoning_summary_part.done", id) });
                }
            }
            OutItem::Message { id, status, content, .. } => {
                *status = ended;
                match content.last() {
                    Some(Content::OutputText { text, .. }) => {
                        let event =
                            Event { content_index: Some(0), text: Some(text), logprobs: Some([]), ..at("response.output_text.done", id) };
                        emit(out, silent, sequence, event);
                    }
                    Some(Content::Refusal { refusal }) => {
                        emit(
                            out,
                            silent,
                            sequence,
                            Event { content_index: Some(0), refusal: Some(refusal), ..at("response.refusal.done", id) },
                        );
                    }
                    None => {}
                }
                let part = content.last().map(PartOf::Content);
                emit(out, silent, sequence, Event { content_index: Some(0), part, ..at("response.content_part.done", id) });
            }
            OutItem::FunctionCall { id, status, name, arguments, .. } => {
                *status = ended;
                // A function without arguments is called with none.
                if arguments.trim().is_empty() {
                    "{}".clone_into(arguments);
                }
                let event = Event { name: Some(name), arguments: Some(arguments), ..at("response.function_call_arguments.done", id) };
                emit(out, silent, sequence, event);
            }
            OutItem::CustomToolCall { id, status, input, .. } => {
                *status = ended;
                emit(out, silent, sequence, Event { input: Some(input), ..at("response.custom_tool_call_input.done", id) });
            }
        }
        let done = Event { kind: "response.output_item.done", output_index: Some(index), item: Some(item), ..Event::default() };
        emit(out, silent, sequence, done);
    }

    /// The object of the whole answer.
    pub(super) fn object(&mut self, stop: &Stop, usage: &Usage) -> bytes::Bytes {
        let (status, ended) = ends(stop.reason);
        self.close_all(ended, &mut BytesMut::new());
        let standing = Standing { status, model: self.model(), output: &self.items, usage: Some(usage), stop: stop.reason, error: None };
        super::object::written(&Object::new(&self.envelope, &self.echo, standing))
    }
}

const fn ends(stop: StopReason) -> (Status, ItemStatus) {
    match stop {
        StopReason::Stop | StopReason::ToolCalls => (Status::Completed, ItemStatus::Completed),
        StopReason::Length | StopReason::ContentFilter => (Status::Incomplete, ItemStatus::Incomplete),
    }
}

impl StreamWriter for Writer {
    fn event(&mut self, event: AnswerEvent, out: &mut BytesMut) {
        if let AnswerEvent::Begin { model, .. } = &event {
            self.model.clone_from(model);
        }
        self.begin(out);
        match event {
            AnswerEvent::Text(delta) => {
                self.close_calls_before_text(out);
                self.text(&delta, out);
            }
            AnswerEvent::Refusal(delta) => self.refusal(&delta, out),
            AnswerEvent::Citation(citation) => self.citation(citation, out),
            AnswerEvent::Reasoning(delta) => self.reasoning(&delta, out),
            AnswerEvent::ReasoningOpaque(opaque) => self.reasoning_state(&opaque, out),
            AnswerEvent::CallBegin { index, id, name, custom } => self.call_begins(index, id, name, custom, out),
            AnswerEvent::CallArguments { index, delta } => self.call_goes_on(index, &delta, out),
            AnswerEvent::CallOpaque { index, opaque } => self.call_state(index, &opaque, out),
            AnswerEvent::Begin { .. }
            // A text has no room for state, nor an output for a picture; a call is closed with those beside it.
            | AnswerEvent::TextOpaque(_)
            | AnswerEvent::Image(_)
            | AnswerEvent::CallEnd { .. }
            | AnswerEvent::Stop(_)
            | AnswerEvent::Usage(_)
            | AnswerEvent::Error(_) => {}
        }
    }

    fn end(&mut self, stop: &Stop, usage: &Usage, out: &mut BytesMut) {
        self.begin(out);
        let (status, ended) = ends(stop.reason);
        self.close_all(ended, out);
        let kind = if status == Status::Completed { "response.completed" } else { "response.incomplete" };
        self.status(kind, status, Some(usage), stop.reason, None, out);
    }

    fn error(&mut self, code: ErrorCode, message: &str, out: &mut BytesMut) {
        self.begin(out);
        self.status("response.failed", Status::Failed, None, StopReason::Stop, Some((code.as_str(), message)), out);
    }
}

impl Writer {
    /// Text after a call begins a new message, and ends the calls.
    fn close_calls_before_text(&mut self, out: &mut BytesMut) {
        if !self.calls.is_empty() {
            self.close_all(ItemStatus::Completed, out);
        }
    }
}

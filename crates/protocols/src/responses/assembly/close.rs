//! How items end.

use super::Assembly;
use crate::responses::call_state;
use crate::responses::event::{ItemEvent, Part, Sink};
use crate::responses::item::{Content, Item, ItemStatus, Summary};

impl Assembly {
    /// Closes all that is open, in order. `status` is that of what was not known to be complete.
    pub(in crate::responses) fn close_all(&mut self, status: ItemStatus, sink: &mut impl Sink) {
        let calls = self.calls.iter().filter(|call| !call.closed).map(|call| (call.item, call.ended));
        let mut open: Vec<_> = self.open.map(|at| (at, false)).into_iter().chain(calls).collect();
        open.sort_unstable();
        for (at, ended) in open {
            self.close(at, if ended { ItemStatus::Completed } else { status }, sink);
        }
    }

    /// Says of all that is open that nothing more comes, without an event: the response failed.
    pub(in crate::responses) fn break_off(&mut self) {
        let calls = self.calls.iter().filter(|call| !call.closed).map(|call| call.item);
        for at in self.open.take().into_iter().chain(calls) {
            if let Some(item) = self.items.get_mut(at) {
                item.set_status(ItemStatus::Incomplete);
            }
        }
    }

    pub(super) fn close_open(&mut self, status: ItemStatus, sink: &mut impl Sink) {
        if let Some(at) = self.open {
            self.close(at, status, sink);
        }
    }

    pub(super) fn close(&mut self, at: usize, status: ItemStatus, sink: &mut impl Sink) {
        if self.open == Some(at) {
            self.open = None;
        }
        let call = self.calls.iter_mut().find(|call| call.item == at);
        let has_state = call.is_some_and(|call| {
            call.closed = true;
            call.state.is_some()
        });
        let Some(item) = self.items.get_mut(at) else { return };
        finish(item, at, sink);
        item.set_status(status);
        sink.event(ItemEvent { kind: "response.output_item.done", output_index: at, item: Some(item), ..ItemEvent::default() });
        if has_state {
            self.write_call_state(at, sink);
        }
    }

    /// The state of the closed call at `at`, in an item of its own.
    pub(super) fn write_call_state(&mut self, at: usize, sink: &mut impl Sink) {
        let state = self.calls.iter_mut().find(|call| call.item == at).and_then(|call| call.state.take());
        let call_id = match self.items.get(at) {
            Some(Item::FunctionCall { call_id, .. } | Item::CustomToolCall { call_id, .. }) => call_id,
            Some(Item::Reasoning { .. } | Item::Message { .. } | Item::ImageGenerationCall { .. }) | None => return,
        };
        let Some(carried) = state.map(|state| call_state::wrap(call_id, &state)) else { return };
        let id = self.next_id("rs");
        // Said whole at once: whatever else is open stays so.
        let at = self.add(Item::Reasoning { id, summary: Vec::new(), encrypted_content: Some(carried) }, sink);
        self.close(at, ItemStatus::Completed, sink);
    }
}

/// The events before an item's last one.
fn finish(item: &mut Item, at: usize, sink: &mut impl Sink) {
    if let Item::FunctionCall { arguments, .. } = item
        && arguments.is_empty()
    {
        // No arguments are an empty object here (`providers.md` section 2.3), and the deltas must add up to them.
        add_arguments(item, at, "{}", sink);
    }
    let event = |kind, id| ItemEvent { kind, item_id: Some(id), output_index: at, ..ItemEvent::default() };
    match item {
        Item::Reasoning { id, summary, .. } => {
            let Some(Summary::SummaryText { text }) = summary.last() else { return };
            let done = event("response.reasoning_summary_text.done", id);
            sink.event(ItemEvent { summary_index: Some(0), text: Some(text), ..done });
            let done = event("response.reasoning_summary_part.done", id);
            sink.event(ItemEvent { summary_index: Some(0), part: summary.last().map(Part::Summary), ..done });
        }
        Item::Message { id, content, .. } => last_part(id, at, content, sink),
        Item::FunctionCall { id, name, arguments, .. } => {
            let done = event("response.function_call_arguments.done", id);
            sink.event(ItemEvent { name: Some(name), arguments: Some(arguments), ..done });
        }
        Item::CustomToolCall { id, input, .. } => {
            sink.event(ItemEvent { input: Some(input), ..event("response.custom_tool_call_input.done", id) });
        }
        Item::ImageGenerationCall { id, .. } => sink.event(event("response.image_generation_call.completed", id)),
    }
}

/// Ends the last part of a message, if it has one.
pub(super) fn last_part(id: &str, at: usize, content: &[Content], sink: &mut impl Sink) {
    let Some(part) = content.last() else { return };
    let content_index = Some(content.len().saturating_sub(1));
    let event = |kind| ItemEvent { kind, item_id: Some(id), output_index: at, content_index, ..ItemEvent::default() };
    match part {
        Content::OutputText { text, .. } => {
            sink.event(ItemEvent { text: Some(text), logprobs: Some([]), ..event("response.output_text.done") });
        }
        Content::Refusal { refusal } => sink.event(ItemEvent { refusal: Some(refusal), ..event("response.refusal.done") }),
    }
    sink.event(ItemEvent { part: Some(Part::Content(part)), ..event("response.content_part.done") });
}

/// Adds to a call's arguments and says so.
pub(super) fn add_arguments(item: &mut Item, at: usize, delta: &str, sink: &mut impl Sink) {
    let (kind, id) = match item {
        Item::FunctionCall { id, arguments, .. } => {
            arguments.push_str(delta);
            ("response.function_call_arguments.delta", id)
        }
        Item::CustomToolCall { id, input, .. } => {
            input.push_str(delta);
            ("response.custom_tool_call_input.delta", id)
        }
        Item::Reasoning { .. } | Item::Message { .. } | Item::ImageGenerationCall { .. } => return,
    };
    sink.event(ItemEvent { kind, item_id: Some(id), output_index: at, delta: Some(delta), ..ItemEvent::default() });
}

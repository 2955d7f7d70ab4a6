//! A chat upstream's stream in the inner form, in all the ways in which compatible upstreams send it (`providers.md` section 4.1).

mod call;

use self::call::{Calls, Fragment};
use super::delta::{Delta, Whole};
use super::error::read_error;
use super::side::stop_reason;
use super::usage::WireUsage;
use crate::conversation::{AnswerEvent, Stop, StopReason};
use crate::wire::{BadEvent, Progress, StreamReader};

/// Reads a chat stream. It has one answer: choices beyond the first are passed over.
#[derive(Debug, Default)]
pub struct Reader {
    begun: bool,
    stopped: bool,
    /// Whether Ark's moderation has stopped the answer.
    moderated: bool,
    /// Whether anything came as a delta.
    in_deltas: bool,
    calls: Calls,
}

impl StreamReader for Reader {
    fn event(&mut self, data: &[u8], out: &mut Vec<AnswerEvent>) -> Result<Progress, BadEvent> {
        if data.trim_ascii() == b"[DONE]" {
            // Some never say why it ended.
            if self.begun {
                self.stop(StopReason::Stop, out);
            }
            return Ok(Progress::Done);
        }
        let mut chunk: Whole = serde_json::from_slice(data).map_err(|error| BadEvent(error.to_string()))?;
        if chunk.is_error() {
            // What was used until then is told with it (OpenRouter).
            out.extend(chunk.usage().and_then(WireUsage::into_usage).map(AnswerEvent::Usage));
            out.push(AnswerEvent::Error(read_error(data)));
            return Ok(Progress::Done);
        }
        self.take(chunk, out);
        Ok(Progress::More)
    }
}

impl Reader {
    /// Takes a chunk, or a whole answer.
    pub(super) fn take(&mut self, mut chunk: Whole, out: &mut Vec<AnswerEvent>) {
        let usage = chunk.usage().and_then(WireUsage::into_usage);
        let choices = chunk.choices.take().unwrap_or_default().0;
        // Azure begins with a chunk that has neither id nor choices: no begin yet.
        if !self.begun && (chunk.id.0.is_some() || !choices.is_empty()) {
            self.begun = true;
            self.calls.seed(chunk.id.0.as_deref(), chunk.created.0);
            out.push(AnswerEvent::Begin { id: chunk.id.0, model: chunk.model.0 });
        }
        for mut choice in choices.into_iter().filter(|choice| choice.index.0 == 0) {
            match choice.brings() {
                // MiniMax ends a stream with the whole message: it was all said before.
                Some((message, true)) if self.in_deltas => self.calls_of_the_end(message, out),
                Some((delta, whole)) => {
                    self.in_deltas |= !whole;
                    self.delta(delta, out);
                }
                None => {}
            }
            self.moderated |= choice.moderation_hit_type.0.is_some();
            if let Some(reason) = choice.finish_reason.0 {
                self.stop(stop_reason(&reason), out);
            }
        }
        out.extend(usage.map(AnswerEvent::Usage));
    }

    /// Ends the answer, once.
    pub(super) fn stop(&mut self, reason: StopReason, out: &mut Vec<AnswerEvent>) {
        if std::mem::replace(&mut self.stopped, true) {
            return;
        }
        let called = self.calls.end(out);
        let reason = match reason {
            _any if self.moderated => StopReason::ContentFilter,
            // Whoever calls tools must be answered, whatever word was found for it: `stop`, `eos`, none.
            StopReason::Stop if called => StopReason::ToolCalls,
            StopReason::Stop | StopReason::Length | StopReason::ToolCalls | StopReason::ContentFilter => reason,
        };
        out.push(AnswerEvent::Stop(Stop { reason, sequence: None }));
    }

    fn delta(&mut self, mut delta: Delta, out: &mut Vec<AnswerEvent>) {
        let some = |text: String, event: fn(String) -> AnswerEvent| (!text.is_empty()).then(|| event(text));
        out.extend(some(delta.reasoning(), AnswerEvent::Reasoning));
        out.extend(some(std::mem::take(&mut delta.content.text), AnswerEvent::Text));
        out.extend(delta.citations().map(AnswerEvent::Citation));
        out.extend(some(std::mem::take(&mut delta.refusal.0), AnswerEvent::Refusal));
        out.extend(delta.images().map(AnswerEvent::Image));
        self.calls(delta, out);
    }

    fn calls(&mut self, delta: Delta, out: &mut Vec<AnswerEvent>) {
        for call in delta.tool_calls.0 {
            self.calls.take(Fragment::from(call), out);
        }
        if let Some(function) = delta.function_call.0 {
            self.calls.take(Fragment::from(function), out);
        }
    }

    /// Calls may be told at the end alone.
    fn calls_of_the_end(&mut self, message: Delta, out: &mut Vec<AnswerEvent>) {
        if self.calls.is_empty() {
            self.calls(message, out);
        }
    }
}

#[cfg(test)]
mod tests;

//! An upstream's stream into the inner form.
//!
//! Blocks come one after the other, each with a start, deltas and a stop; compatible hosts may leave the stop out, or send several blocks
//! at once, so that each open block is remembered by its index. Usage is told with the last event only: what `message_start` counts of
//! the output is no count of an answer.
//!
//! Source: `providers.md` section 9.3.

use super::marker::state;
use super::stop::read_stop;
use super::usage::WireUsage;
use super::wire::{Block, BlockKind, Delta, DeltaKind, EventKind, Message, read_event};
use crate::conversation::{AnswerEvent, OpaqueOwner, Stop, StopReason};
use crate::openai::error::read_error;
use crate::wire::{BadEvent, Progress, StreamReader};

/// Reads one stream.
#[derive(Debug, Default)]
pub struct Reader {
    open: Vec<(u64, Open)>,
    calls: usize,
    /// Whether anything was said.
    spoken: bool,
    usage: WireUsage,
    /// The end that the beginning told already, with the whole content in it.
    told_early: Option<Stop>,
    stopped: bool,
}

/// The index of blocks that come whole, which no block of the stream has.
const WHOLE: u64 = u64::MAX;

/// A block that goes on.
#[derive(Debug)]
enum Open {
    Text,
    /// Its signature so far.
    Thinking(String),
    Call {
        index: usize,
        /// The input that came with the start, as some hosts send it: it counts if no delta brings one.
        whole: Option<String>,
        has_arguments: bool,
    },
    /// Something that no other protocol has a word for.
    Ignored,
}

impl StreamReader for Reader {
    fn event(&mut self, data: &[u8], out: &mut Vec<AnswerEvent>) -> Result<Progress, BadEvent> {
        // Not Anthropic's, but some compatible hosts add it.
        if data.trim_ascii() == b"[DONE]" {
            return Ok(Progress::Done);
        }
        let event = read_event(data)?;
        match event.kind {
            EventKind::MessageStart => self.message_start(event.message.0.unwrap_or_default(), out),
            EventKind::ContentBlockStart => {
                if let Some(block) = event.content_block.0 {
                    self.block_start(event.index.0, block, out);
                }
            }
            EventKind::ContentBlockDelta => {
                if let Some(delta) = event.delta.0 {
                    self.block_delta(event.index.0, delta, out);
                }
            }
            EventKind::ContentBlockStop => self.block_stop(event.index.0, out),
            EventKind::MessageDelta => self.message_delta(event.delta.0.unwrap_or_default(), event.usage.0, out),
            EventKind::MessageStop => {
                self.close_all(out);
                if !self.stopped {
                    let stop = self.told_early.take().unwrap_or(Stop { reason: self.unsaid_reason(), sequence: None });
                    self.stop(stop, out);
                }
                return Ok(Progress::Done);
            }
            EventKind::Error => return Ok(failed(data, out)),
            EventKind::Other if event.error.0 => return Ok(failed(data, out)),
            EventKind::Other => {}
        }
        Ok(Progress::More)
    }
}

fn failed(data: &[u8], out: &mut Vec<AnswerEvent>) -> Progress {
    out.push(AnswerEvent::Error(read_error(data)));
    Progress::Done
}

impl Reader {
    fn message_start(&mut self, message: Message, out: &mut Vec<AnswerEvent>) {
        self.usage.replace(message.usage.0.unwrap_or_default());
        out.push(AnswerEvent::Begin { id: message.id.0, model: message.model.0 });
        // Content that is there from the beginning: none by Anthropic's own account, but seen after calls that a program made.
        for block in message.content.into_iter().flat_map(|content| content.0) {
            self.block_start(WHOLE, block, out);
            self.block_stop(WHOLE, out);
        }
        self.told_early = message.stop_reason.0.map(|reason| Stop { reason: read_stop(&reason), sequence: message.stop_sequence.0 });
    }

    fn block_start(&mut self, at: u64, block: Block, out: &mut Vec<AnswerEvent>) {
        // A block that begins where one is open ends that one.
        self.block_stop(at, out);
        let open = match block.kind {
            BlockKind::Text => {
                self.text(block.text.0, out);
                out.extend(block.citations.0.into_iter().map(|citation| AnswerEvent::Citation(citation.into())));
                Open::Text
            }
            BlockKind::Thinking => {
                self.thinking(block.thinking.0, out);
                Open::Thinking(block.signature.0)
            }
            BlockKind::RedactedThinking => {
                out.extend(state(&block.data.0, OpaqueOwner::AnthropicRedacted).map(AnswerEvent::ReasoningOpaque));
                Open::Ignored
            }
            BlockKind::ToolUse => self.call(&block, out),
            BlockKind::ProviderToolUse | BlockKind::Other => Open::Ignored,
        };
        self.open.push((at, open));
    }

    fn call(&mut self, block: &Block, out: &mut Vec<AnswerEvent>) -> Open {
        let index = self.calls;
        self.calls += 1;
        self.spoken = true;
        let id = block.id.0.clone().unwrap_or_else(|| format!("toolu_{index}"));
        out.push(AnswerEvent::CallBegin { index, id, name: block.name.0.clone().unwrap_or_default(), custom: false });
        Open::Call { index, whole: block.arguments().map(str::to_owned), has_arguments: false }
    }

    fn block_delta(&mut self, at: u64, delta: Delta, out: &mut Vec<AnswerEvent>) {
        match delta.kind {
            DeltaKind::Text => self.text(delta.text.0, out),
            DeltaKind::Thinking => self.thinking(delta.thinking.0, out),
            DeltaKind::Citations => out.extend(delta.citation.0.map(|citation| AnswerEvent::Citation(citation.into()))),
            DeltaKind::Signature => {
                if let Some(Open::Thinking(signature)) = self.open_at(at) {
                    signature.push_str(&delta.signature.0);
                }
            }
            DeltaKind::InputJson => {
                // The calls of the provider's own tools have fragments too.
                if let Some(Open::Call { index, has_arguments, .. }) = self.open_at(at)
                    && !delta.partial_json.0.is_empty()
                {
                    *has_arguments = true;
                    out.push(AnswerEvent::CallArguments { index: *index, delta: delta.partial_json.0 });
                }
            }
            DeltaKind::Other => {}
        }
    }

    fn block_stop(&mut self, at: u64, out: &mut Vec<AnswerEvent>) {
        if let Some(place) = self.open.iter().position(|(index, _)| *index == at) {
            let (_, open) = self.open.remove(place);
            close(open, out);
        }
    }

    fn message_delta(&mut self, delta: Delta, usage: Option<WireUsage>, out: &mut Vec<AnswerEvent>) {
        if let Some(reason) = delta.stop_reason.0.filter(|_| !self.stopped) {
            self.close_all(out);
            let stop = Stop { reason: read_stop(&reason), sequence: delta.stop_sequence.0 };
            if let Some(explanation) = delta.stop_details.0.and_then(|details| details.explanation.0)
                && stop.reason == StopReason::ContentFilter
                && !self.spoken
            {
                out.push(AnswerEvent::Refusal(explanation));
            }
            self.stop(stop, out);
        }
        if let Some(usage) = usage {
            self.usage.replace(usage);
            out.extend(self.usage.into_usage().map(AnswerEvent::Usage));
        }
    }

    fn stop(&mut self, stop: Stop, out: &mut Vec<AnswerEvent>) {
        self.stopped = true;
        out.push(AnswerEvent::Stop(stop));
    }

    const fn unsaid_reason(&self) -> StopReason {
        if self.calls > 0 { StopReason::ToolCalls } else { StopReason::Stop }
    }

    fn text(&mut self, text: String, out: &mut Vec<AnswerEvent>) {
        if !text.is_empty() {
            self.spoken = true;
            out.push(AnswerEvent::Text(text));
        }
    }

    fn thinking(&mut self, text: String, out: &mut Vec<AnswerEvent>) {
        if !text.is_empty() {
            out.push(AnswerEvent::Reasoning(text));
        }
    }

    fn open_at(&mut self, at: u64) -> Option<&mut Open> {
        self.open.iter_mut().find(|(index, _)| *index == at).map(|(_, open)| open)
    }

    fn close_all(&mut self, out: &mut Vec<AnswerEvent>) {
        self.open.drain(..).for_each(|(_, open)| close(open, out));
    }
}

fn close(open: Open, out: &mut Vec<AnswerEvent>) {
    match open {
        Open::Thinking(signature) => {
            out.extend(state(&signature, OpaqueOwner::AnthropicSignature).map(AnswerEvent::ReasoningOpaque));
        }
        Open::Call { index, whole, has_arguments } => {
            if !has_arguments {
                let delta = whole.unwrap_or_else(|| "{}".to_owned());
                out.push(AnswerEvent::CallArguments { index, delta });
            }
            out.push(AnswerEvent::CallEnd { index });
        }
        Open::Text | Open::Ignored => {}
    }
}

#[cfg(test)]
mod tests;

//! The inner form as a caller's stream.
//!
//! Blocks are strictly one after the other and numbered from 0, while what comes may alternate: several calls may be open at once. So
//! blocks wait in a row; the first is written as it comes, the others are kept until it has ended.
//!
//! ```text
//! text, reasoning, calls … ─▶ [ being written | waiting | waiting ] ─▶ start, deltas, stop
//! ```
//!
//! Source: `providers.md` sections 2.9 and 9.3.

use std::collections::VecDeque;

use bytes::BytesMut;
use easyai_core::error::ErrorCode;
use easyai_core::usage::Usage;

use self::frames::{Delta, write_delta, write_end, write_message_start, write_start, write_stop_of_block};
use super::block::{WrittenCitation, picture};
use super::error::write_error;
use super::marker::{NO_STATE, signature};
use super::stop::Held;
use crate::conversation::{AnswerEvent, Citation, Opaque, OpaqueOwner, Stop};
use crate::wire::{Envelope, StreamWriter};

mod frames;

/// Writes one stream.
#[derive(Debug)]
pub struct Writer {
    envelope: Envelope,
    started: bool,
    /// The number of the first block in the row.
    number: usize,
    row: VecDeque<Block>,
    held: Held,
}

#[derive(Debug)]
struct Block {
    kind: Kind,
    /// Whether its start has been written.
    open: bool,
    /// What has come but is not written yet.
    waiting: String,
    citations: Vec<Citation>,
    ended: bool,
}

#[derive(Debug)]
enum Kind {
    Text,
    /// Its signature, once it is known.
    Thinking(Option<String>),
    Redacted(String),
    Call {
        index: usize,
        id: String,
        name: String,
        custom: bool,
    },
}

impl Writer {
    /// A stream that has not begun.
    #[must_use]
    pub const fn new(envelope: Envelope) -> Self {
        Self { envelope, started: false, number: 0, row: VecDeque::new(), held: Held { calls: false, refusal: false } }
    }
}

impl StreamWriter for Writer {
    fn event(&mut self, event: AnswerEvent, out: &mut BytesMut) {
        match event {
            AnswerEvent::Begin { model, .. } => self.start(model.as_deref(), out),
            AnswerEvent::Text(delta) => self.text(&delta, out),
            AnswerEvent::Refusal(delta) => {
                self.held.refusal = true;
                self.text(&delta, out);
            }
            AnswerEvent::Image(media) => self.text(&picture(&media), out),
            AnswerEvent::Citation(citation) => self.citation(citation, out),
            AnswerEvent::TextOpaque(opaque) => self.whole(Kind::Redacted(opaque.tagged()), out),
            AnswerEvent::Reasoning(delta) => self.reasoning(&delta, out),
            AnswerEvent::ReasoningOpaque(opaque) => self.reasoning_state(opaque, out),
            AnswerEvent::CallBegin { index, id, name, custom } => self.call(index, id, name, custom, out),
            AnswerEvent::CallArguments { index, delta } => self.arguments(index, &delta, out),
            AnswerEvent::CallOpaque { index, opaque } => self.call_state(index, &opaque, out),
            AnswerEvent::CallEnd { index } => {
                if let Some(place) = self.place_of(index) {
                    self.end_block(place, out);
                    self.advance(out);
                }
            }
            // These wait for the end.
            AnswerEvent::Stop(_) | AnswerEvent::Usage(_) | AnswerEvent::Error(_) => {}
        }
    }

    fn end(&mut self, stop: &Stop, usage: &Usage, out: &mut BytesMut) {
        self.start(None, out);
        for place in 0..self.row.len() {
            self.end_block(place, out);
        }
        self.advance(out);
        write_end(stop, self.held, usage, out);
    }

    fn error(&mut self, code: ErrorCode, message: &str, out: &mut BytesMut) {
        write_error(code, message, out);
    }
}

impl Writer {
    fn start(&mut self, model: Option<&str>, out: &mut BytesMut) {
        if !self.started {
            self.started = true;
            write_message_start(&self.envelope, model, out);
        }
    }

    fn text(&mut self, delta: &str, out: &mut BytesMut) {
        if !matches!(self.row.back(), Some(Block { kind: Kind::Text, ended: false, .. })) {
            self.begin(Kind::Text, out);
        }
        self.delta(self.row.len().saturating_sub(1), delta, out);
    }

    fn reasoning(&mut self, delta: &str, out: &mut BytesMut) {
        if !matches!(self.row.back(), Some(Block { kind: Kind::Thinking(_), ended: false, .. })) {
            self.begin(Kind::Thinking(None), out);
        }
        self.delta(self.row.len().saturating_sub(1), delta, out);
    }

    fn reasoning_state(&mut self, opaque: Opaque, out: &mut BytesMut) {
        if opaque.owner == OpaqueOwner::AnthropicRedacted {
            return self.whole(Kind::Redacted(opaque.data), out);
        }
        match self.row.back_mut() {
            Some(Block { kind: Kind::Thinking(state), ended, .. }) if !*ended => {
                *state = Some(signature(&opaque));
                *ended = true;
                self.advance(out);
            }
            // Thinking that is not shown: a block with a signature alone.
            Some(_) | None => self.whole(Kind::Thinking(Some(signature(&opaque))), out),
        }
    }

    fn citation(&mut self, citation: Citation, out: &mut BytesMut) {
        let is_first = self.row.len() == 1;
        // A source of text that has ended has no place any more.
        let Some(Block { kind: Kind::Text, ended: false, open, citations, .. }) = self.row.back_mut() else { return };
        if is_first && *open {
            write_citation(self.number, &citation, out);
        } else {
            citations.push(citation);
        }
    }

    fn call(&mut self, index: usize, id: String, name: String, custom: bool, out: &mut BytesMut) {
        self.held.calls = true;
        self.begin(Kind::Call { index, id, name, custom }, out);
        if custom {
            self.delta(self.row.len().saturating_sub(1), "{\"input\":\"", out);
        }
    }

    fn arguments(&mut self, index: usize, delta: &str, out: &mut BytesMut) {
        let Some(place) = self.place_of(index) else { return };
        if matches!(self.row.get(place), Some(Block { kind: Kind::Call { custom: true, .. }, .. })) {
            let quoted = serde_json::to_string(delta).unwrap_or_default();
            let inner = quoted.strip_prefix('"').and_then(|quoted| quoted.strip_suffix('"'));
            return self.delta(place, inner.unwrap_or_default(), out);
        }
        self.delta(place, delta, out);
    }

    /// The state of a call stands right after it (see [`super::marker`]).
    fn call_state(&mut self, index: usize, opaque: &Opaque, out: &mut BytesMut) {
        let state = Block::new(Kind::Redacted(opaque.tagged()), true);
        match self.place_of(index) {
            Some(place) => self.row.insert(place + 1, state),
            None if self.row.is_empty() => self.row.push_back(state),
            // The call has been written and so has what follows it: here the state would belong to something else.
            None => {}
        }
        self.advance(out);
    }

    fn place_of(&self, call: usize) -> Option<usize> {
        self.row.iter().position(|block| matches!(block.kind, Kind::Call { index, .. } if index == call && !block.ended))
    }

    /// A block that is complete as it comes.
    fn whole(&mut self, kind: Kind, out: &mut BytesMut) {
        self.begin(kind, out);
        if let Some(block) = self.row.back_mut() {
            block.ended = true;
        }
        self.advance(out);
    }

    /// Begins another block at the row's end. Text and reasoning end there; calls say themselves when they do.
    fn begin(&mut self, kind: Kind, out: &mut BytesMut) {
        self.start(None, out);
        if let Some(last) = self.row.back_mut() {
            last.ended |= !matches!(last.kind, Kind::Call { .. });
        }
        self.row.push_back(Block::new(kind, false));
        self.advance(out);
    }

    fn delta(&mut self, place: usize, delta: &str, out: &mut BytesMut) {
        let Some(block) = self.row.get_mut(place) else { return };
        if place == 0 && block.open {
            write_delta(self.number, &block.kind.delta(delta), out);
        } else {
            block.waiting.push_str(delta);
        }
    }

    fn end_block(&mut self, place: usize, out: &mut BytesMut) {
        if matches!(self.row.get(place), Some(Block { kind: Kind::Call { custom: true, .. }, ended: false, .. })) {
            self.delta(place, "\"}", out);
        }
        if let Some(block) = self.row.get_mut(place) {
            block.ended = true;
        }
    }

    /// Writes what can be written: blocks that have ended, and the beginning of the first that has not.
    fn advance(&mut self, out: &mut BytesMut) {
        while let Some(block) = self.row.front_mut() {
            block.catch_up(self.number, out);
            if !block.ended {
                return;
            }
            if let Kind::Thinking(state) = &block.kind {
                write_delta(self.number, &Delta::SignatureDelta { signature: state.as_deref().unwrap_or(NO_STATE) }, out);
            }
            write_stop_of_block(self.number, out);
            self.number += 1;
            self.row.pop_front();
        }
    }
}

impl Block {
    const fn new(kind: Kind, ended: bool) -> Self {
        Self { kind, open: false, waiting: String::new(), citations: Vec::new(), ended }
    }

    /// Writes the start, and what has waited.
    fn catch_up(&mut self, number: usize, out: &mut BytesMut) {
        if !self.open {
            self.open = true;
            write_start(number, &self.kind, out);
        }
        if !self.waiting.is_empty() {
            let waiting = std::mem::take(&mut self.waiting);
            write_delta(number, &self.kind.delta(&waiting), out);
        }
        for citation in self.citations.drain(..) {
            write_citation(number, &citation, out);
        }
    }
}

fn write_citation(number: usize, citation: &Citation, out: &mut BytesMut) {
    if let Some(citation) = WrittenCitation::of(citation) {
        write_delta(number, &Delta::CitationsDelta { citation }, out);
    }
}

impl Kind {
    /// A piece of this block's content.
    const fn delta<'a>(&self, piece: &'a str) -> Delta<'a> {
        match self {
            // A block of redacted thinking has no deltas.
            Self::Text | Self::Redacted(_) => Delta::TextDelta { text: piece },
            Self::Thinking(_) => Delta::ThinkingDelta { thinking: piece },
            Self::Call { .. } => Delta::InputJsonDelta { partial_json: piece },
        }
    }
}

#[cfg(test)]
mod tests;

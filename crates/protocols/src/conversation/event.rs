//! An answer piece by piece.

use easyai_core::usage::Usage;

use super::{Answer, Citation, Media, Opaque, Part, Reasoning, Source, Stop, Text, ToolCall};
use crate::openai::error::WireError;

/// One step of a streamed answer.
///
/// Order: `Begin` first (a reader that sees no id sends it with none); deltas as they come; `Stop` once, then at most `Usage`. Deltas of
/// different kinds may alternate; several calls may be open at once, told apart by their index, which counts from 0 without gaps.
#[derive(Debug, Clone, PartialEq)]
pub enum AnswerEvent {
    /// The answer begins.
    Begin {
        /// The upstream's id.
        id: Option<String>,
        /// The model as the upstream calls it.
        model: Option<String>,
    },
    /// More text. Never empty.
    Text(String),
    /// State that belongs to the text so far.
    TextOpaque(Opaque),
    /// A source of the text so far.
    Citation(Citation),
    /// More reasoning. Never empty.
    Reasoning(String),
    /// Ends a piece of reasoning with its state. May come without any text before it.
    ReasoningOpaque(Opaque),
    /// More of a refusal. Never empty.
    Refusal(String),
    /// A tool call begins. Id and name come once, whole.
    CallBegin {
        /// Which call of the answer, from 0.
        index: usize,
        /// Its id.
        id: String,
        /// The tool.
        name: String,
        /// Whether it is a custom tool's.
        custom: bool,
    },
    /// More of a call's arguments. Never empty.
    CallArguments {
        /// Which call.
        index: usize,
        /// A piece of the text.
        delta: String,
    },
    /// State that belongs to a call.
    CallOpaque {
        /// Which call.
        index: usize,
        /// The state.
        opaque: Opaque,
    },
    /// A call is complete. Not every upstream tells it before the end.
    CallEnd {
        /// Which call.
        index: usize,
    },
    /// A picture, whole.
    Image(Media),
    /// Why the answer ended.
    Stop(Stop),
    /// What the upstream counted so far; the last one counts.
    Usage(Usage),
    /// The upstream failed in the middle.
    Error(WireError),
}

impl AnswerEvent {
    /// What it says, in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        match self {
            Self::Text(text) | Self::Reasoning(text) | Self::Refusal(text) | Self::CallArguments { delta: text, .. } => text.len(),
            Self::TextOpaque(opaque) | Self::ReasoningOpaque(opaque) | Self::CallOpaque { opaque, .. } => opaque.data.len(),
            Self::CallBegin { id, name, .. } => id.len() + name.len(),
            Self::Image(media) => match &media.source {
                Source::Inline { data, .. } => data.len(),
                Source::Url { .. } | Source::Stored(_) => 0,
            },
            Self::Begin { .. } | Self::Citation(_) | Self::CallEnd { .. } | Self::Stop(_) | Self::Usage(_) | Self::Error(_) => 0,
        }
    }

    /// Whether it says how the answer ended, and brings nothing of it.
    #[must_use]
    pub const fn is_of_the_end(&self) -> bool {
        matches!(self, Self::Stop(_) | Self::Usage(_) | Self::Error(_))
    }

    /// Whether it commits the stream: text, reasoning, a refusal, a tool call, a picture.
    #[must_use]
    pub const fn is_useful(&self) -> bool {
        match self {
            Self::Text(_)
            | Self::Reasoning(_)
            | Self::Refusal(_)
            | Self::CallBegin { .. }
            | Self::CallArguments { .. }
            | Self::Image(_) => true,
            Self::Begin { .. }
            | Self::TextOpaque(_)
            | Self::Citation(_)
            | Self::ReasoningOpaque(_)
            | Self::CallOpaque { .. }
            | Self::CallEnd { .. }
            | Self::Stop(_)
            | Self::Usage(_)
            | Self::Error(_) => false,
        }
    }
}

/// Gathers a stream into a whole answer: for callers who asked for one when the upstream was asked for a stream.
#[derive(Debug, Default)]
pub struct Collector {
    answer: Answer,
    calls: Vec<usize>,
    /// Whether the last piece of reasoning has its state and the next delta begins another.
    reasoning_closed: bool,
}

impl Collector {
    /// Takes one event; an error is none of its business.
    pub fn push(&mut self, event: AnswerEvent) {
        match event {
            AnswerEvent::Begin { id, model } => {
                self.answer.id = id.or_else(|| self.answer.id.take());
                self.answer.model = model.or_else(|| self.answer.model.take());
            }
            AnswerEvent::Text(delta) => self.text(|text| text.text.push_str(&delta)),
            AnswerEvent::TextOpaque(opaque) => self.text(|text| text.opaque = Some(opaque)),
            AnswerEvent::Citation(citation) => self.text(|text| text.citations.push(citation)),
            AnswerEvent::Reasoning(delta) => self.reasoning(|reasoning| reasoning.text.push_str(&delta)),
            AnswerEvent::ReasoningOpaque(opaque) => {
                self.reasoning(|reasoning| reasoning.opaque = Some(opaque));
                self.reasoning_closed = true;
            }
            AnswerEvent::Refusal(delta) => {
                if let Some(Part::Refusal(text)) = self.answer.parts.last_mut() {
                    text.push_str(&delta);
                } else {
                    self.answer.parts.push(Part::Refusal(delta));
                }
            }
            AnswerEvent::CallBegin { id, name, custom, .. } => {
                self.calls.push(self.answer.parts.len());
                self.answer.parts.push(Part::ToolCall(ToolCall { id, name, arguments: String::new(), custom, opaque: None }));
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
            AnswerEvent::Image(media) => self.answer.parts.push(Part::Image(media)),
            AnswerEvent::Stop(stop) => self.answer.stop = stop,
            AnswerEvent::Usage(usage) => self.answer.usage = Some(usage),
            AnswerEvent::CallEnd { .. } | AnswerEvent::Error(_) => {}
        }
    }

    /// The answer so far.
    #[must_use]
    pub fn finish(self) -> Answer {
        self.answer
    }

    /// Changes the text that is being written, or begins one.
    fn text(&mut self, change: impl FnOnce(&mut Text)) {
        if let Some(Part::Text(text)) = self.answer.parts.last_mut() {
            return change(text);
        }
        let mut text = Text::default();
        change(&mut text);
        self.answer.parts.push(Part::Text(text));
    }

    /// Changes the reasoning that is being written, or begins another.
    fn reasoning(&mut self, change: impl FnOnce(&mut Reasoning)) {
        let closed = std::mem::take(&mut self.reasoning_closed);
        match self.answer.parts.last_mut() {
            Some(Part::Reasoning(reasoning)) if !closed => change(reasoning),
            Some(_) | None => {
                let mut reasoning = Reasoning::default();
                change(&mut reasoning);
                self.answer.parts.push(Part::Reasoning(reasoning));
            }
        }
    }

    fn call(&mut self, index: usize) -> Option<&mut ToolCall> {
        match self.answer.parts.get_mut(*self.calls.get(index)?) {
            Some(Part::ToolCall(call)) => Some(call),
            Some(_) | None => None,
        }
    }
}

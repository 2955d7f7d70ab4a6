//! The items of an upstream's output. Tolerant: what is missing or of another sort counts as absent, and items nobody asked for (those of
//! an upstream's own tools) mean nothing.

use serde::Deserialize;

use super::tolerant;
use crate::conversation::{Citation, Opaque, OpaqueOwner, Part, Reasoning, Text, ToolCall};
use crate::openai::lenient::{self, Count, Word};

/// Between two paragraphs of reasoning, which come as parts of their own.
pub(super) const PARAGRAPH: &str = "\n\n";

/// An item, with all fields that any sort of item has.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct OutputItem {
    #[serde(rename = "type")]
    pub(super) kind: Word,
    pub(super) id: Word,
    pub(super) call_id: Word,
    pub(super) name: Word,
    #[serde(deserialize_with = "tolerant::json_text")]
    pub(super) arguments: String,
    /// The text of a custom tool's call.
    #[serde(deserialize_with = "tolerant::json_text")]
    pub(super) input: String,
    #[serde(deserialize_with = "tolerant::list")]
    pub(super) content: Vec<OutputPart>,
    #[serde(deserialize_with = "tolerant::list")]
    pub(super) summary: Vec<OutputPart>,
    pub(super) encrypted_content: Word,
}

/// A part of a message or of reasoning.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct OutputPart {
    text: lenient::Text,
    refusal: lenient::Text,
    #[serde(deserialize_with = "tolerant::list")]
    pub(super) annotations: Vec<WireAnnotation>,
}

/// A source of a text.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WireAnnotation {
    #[serde(rename = "type")]
    kind: Word,
    url: Word,
    title: Word,
    start_index: Option<Count>,
    end_index: Option<Count>,
}

impl WireAnnotation {
    /// What it says, if it names a page. Citations of files mean something to their upstream alone.
    pub(super) fn into_citation(self) -> Option<Citation> {
        (self.kind.0.as_deref() == Some("url_citation")).then(|| Citation {
            url: self.url.0,
            title: self.title.0,
            cited_text: None,
            span: self.start_index.zip(self.end_index).map(|(start, end)| (start.0, end.0)),
        })
    }
}

impl OutputItem {
    pub(super) fn kind(&self) -> &str {
        self.kind.0.as_deref().unwrap_or_default()
    }

    /// Whether it calls one of the caller's tools, and if so, whether a custom one.
    pub(super) fn is_call(&self) -> Option<Custom> {
        match self.kind() {
            "function_call" => Some(Custom::No),
            "custom_tool_call" => Some(Custom::Yes),
            _other => None,
        }
    }

    /// What to call the call: `number` is among those of the answer.
    pub(super) fn call_id(&mut self, number: usize) -> String {
        self.call_id.0.take().or_else(|| self.id.0.clone()).unwrap_or_else(|| format!("call_{number}"))
    }

    /// The reasoning in words: its summary, or where an open model shows it, itself.
    fn reasoning_text(&self) -> String {
        let parts = if self.summary.is_empty() { &self.content } else { &self.summary };
        parts.iter().map(|part| part.text.0.as_str()).filter(|text| !text.is_empty()).collect::<Vec<_>>().join(PARAGRAPH)
    }

    /// The upstream's opaque state.
    pub(super) fn state(&mut self) -> Option<Opaque> {
        self.encrypted_content.0.take().map(|data| Opaque { owner: OpaqueOwner::Openai, data })
    }

    /// Appends what it says. `calls` counts the calls of the answer.
    pub(super) fn append_to(mut self, parts: &mut Vec<Part>, calls: &mut usize) {
        match (self.kind(), self.is_call()) {
            (_, Some(custom)) => {
                let custom = custom == Custom::Yes;
                let id = self.call_id(*calls);
                *calls += 1;
                let arguments = if custom { self.input } else { self.arguments };
                let name = self.name.0.unwrap_or_default();
                parts.push(Part::ToolCall(ToolCall { id, name, arguments, custom, opaque: None }));
            }
            ("message", None) => parts.extend(self.content.into_iter().filter_map(OutputPart::into_part)),
            ("reasoning", None) => {
                let reasoning = Reasoning { text: self.reasoning_text(), opaque: self.state() };
                if reasoning != Reasoning::default() {
                    parts.push(Part::Reasoning(reasoning));
                }
            }
            (_, None) => {}
        }
    }
}

/// Whether a call is that of a custom tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Custom {
    Yes,
    No,
}

impl OutputPart {
    fn into_part(self) -> Option<Part> {
        if !self.refusal.0.is_empty() {
            return Some(Part::Refusal(self.refusal.0));
        }
        let citations = self.annotations.into_iter().filter_map(WireAnnotation::into_citation).collect();
        (!self.text.0.is_empty()).then_some(Part::Text(Text { text: self.text.0, citations, opaque: None }))
    }
}

//! The typed form of a stream's chunk and of an answer's message: only the fields that we act on or count.

use super::delta::BaseResp;
use super::lenient::{Content, Maybe, Present, Text, Word};
use super::usage::WireUsage;

/// A chunk, for deciding what it means.
#[derive(serde::Deserialize)]
pub(super) struct Chunk {
    #[serde(default)]
    pub(super) error: Present,
    /// An error without its wrapper, as FastAPI servers send it.
    #[serde(default)]
    pub(super) detail: Present,
    #[serde(default)]
    pub(super) message: Present,
    #[serde(default)]
    pub(super) choices: Option<Vec<Choice>>,
    #[serde(default)]
    pub(super) usage: Maybe<WireUsage>,
    /// Groq's usage.
    #[serde(default)]
    pub(super) x_groq: Maybe<Groq>,
    #[serde(default)]
    pub(super) base_resp: Maybe<BaseResp>,
}

#[derive(serde::Deserialize)]
pub(super) struct Groq {
    #[serde(default)]
    pub(super) usage: Maybe<WireUsage>,
}

#[derive(serde::Deserialize)]
pub(super) struct Choice {
    #[serde(default)]
    pub(super) delta: Option<Delta>,
    #[serde(default)]
    pub(super) finish_reason: Word,
    /// Moonshot's, on the chunk that ends a stream.
    #[serde(default)]
    pub(super) usage: Maybe<WireUsage>,
}

/// What a delta brings. `role` is no news: a chunk with a role alone is preamble.
#[derive(serde::Deserialize)]
#[serde(default)]
#[derive(Default)]
pub(super) struct Delta {
    content: Present,
    reasoning_content: Present,
    reasoning: Present,
    reasoning_details: Present,
    refusal: Present,
    tool_calls: Present,
    function_call: Present,
    audio: Present,
}

impl Delta {
    pub(super) const fn is_useful(&self) -> bool {
        self.content.0
            || self.reasoning_content.0
            || self.reasoning.0
            || self.reasoning_details.0
            || self.refusal.0
            || self.tool_calls.0
            || self.function_call.0
            || self.audio.0
    }
}

/// The text of a message or a delta, for counting.
#[derive(serde::Deserialize, Default)]
#[serde(default)]
pub(super) struct Spoken {
    content: Content,
    reasoning_content: Text,
    reasoning: Text,
    refusal: Text,
    tool_calls: Option<Vec<ToolCall>>,
    function_call: Option<Function>,
}

#[derive(serde::Deserialize)]
struct ToolCall {
    #[serde(default)]
    function: Option<Function>,
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct Function {
    name: Text,
    arguments: Text,
}

/// Choices whose text is to be counted, in an answer (`message`) or a chunk (`delta`).
#[derive(serde::Deserialize)]
pub(super) struct SpokenChoices {
    #[serde(default)]
    choices: Option<Vec<SpokenChoice>>,
}

#[derive(serde::Deserialize)]
struct SpokenChoice {
    #[serde(default)]
    delta: Option<Spoken>,
    #[serde(default)]
    message: Option<Spoken>,
}

impl SpokenChoices {
    /// Appends all text that was delivered.
    pub(super) fn append_to(&self, into: &mut String) {
        for choice in self.choices.iter().flatten() {
            for spoken in choice.delta.iter().chain(&choice.message) {
                spoken.append_to(into);
            }
        }
    }
}

impl Spoken {
    fn append_to(&self, into: &mut String) {
        for text in [&self.reasoning_content.0, &self.reasoning.0, &self.content.thought, &self.content.text, &self.refusal.0] {
            into.push_str(text);
        }
        let calls = self.tool_calls.iter().flatten().filter_map(|call| call.function.as_ref());
        for function in calls.chain(&self.function_call) {
            into.push_str(&function.name.0);
            into.push_str(&function.arguments.0);
        }
    }
}

//! What a caller asks.

use serde_json::Value;

use super::{Part, Tool, ToolChoice, ToolKind};

/// What a caller asks, in no protocol's terms. Everything that only tunes is optional; a protocol that has no word for it drops it with
/// a [`Note`](super::Note).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Conversation {
    /// Leading system text, block by block, in order.
    pub system: Vec<String>,
    /// The turns, in order. Neighbours may have the same role; a writer whose protocol forbids that merges them.
    pub turns: Vec<Turn>,
    /// The tools the model may call.
    pub tools: Vec<Tool>,
    /// Which of them it must call.
    pub tool_choice: Option<ToolChoice>,
    /// Whether several calls may come in one turn; by the provider's default if none.
    pub parallel_tool_calls: Option<bool>,
    /// In which form the text must come.
    pub output: OutputFormat,
    /// How much to think, and whether to show it.
    pub reasoning: Option<ReasoningAsk>,
    /// Dice and bounds.
    pub sampling: Sampling,
    /// The caller's bound on output tokens, reasoning included.
    pub max_output_tokens: Option<u64>,
    /// How many answers; one unless the caller said otherwise.
    pub choices: u32,
    /// Whether log probabilities are wanted.
    pub logprobs: Option<Logprobs>,
    /// Whether the answer must hold audio. Only chat can carry that.
    pub audio_output: bool,
    /// `low`, `medium`, `high`: how long-winded the text may be.
    pub verbosity: Option<String>,
    /// Who the caller's own user is.
    pub end_user: Option<String>,
    /// The caller's wish for a class of service, in OpenAI's words (`auto`, `default`, `flex`, `priority`).
    pub service_tier: Option<String>,
    /// What calls that share a prompt cache have in common.
    pub cache_key: Option<String>,
    /// Whether the answer is streamed.
    pub stream: bool,
    /// Fields of the caller's request that only tune and that no other protocol has a word for, by their name on the caller's wire:
    /// they are noted as dropped whenever the request is written for another protocol. What would lose its meaning is refused by the
    /// reader instead (see [`Conversation::only_here`]).
    pub tuning: Vec<&'static str>,
    /// Fields that mean something only to the caller's own protocol (a provider's tools, a stored file's id): the first of them is
    /// named when the request can't be carried anywhere else.
    pub only_here: Vec<String>,
}

impl Conversation {
    /// The same without anything that only its owner can read: for an upstream that refused what came back to it.
    #[must_use]
    pub fn without_state(&self) -> Self {
        let mut bare = self.clone();
        for turn in &mut bare.turns {
            turn.parts.retain(|part| !matches!(part, Part::Reasoning(_)));
            for part in &mut turn.parts {
                if let Part::ToolCall(call) = part {
                    call.opaque = None;
                }
            }
        }
        bare.turns.retain(|turn| !turn.parts.is_empty());
        bare
    }

    /// All text of the prompt, for counting: system, turns, tools.
    #[must_use]
    pub fn all_text(&self) -> String {
        let mut text = self.system.join("\n");
        for part in self.turns.iter().flat_map(|turn| &turn.parts) {
            part.append_text(&mut text);
        }
        for tool in &self.tools {
            text.push_str(&tool.name);
            text.push_str(tool.description.as_deref().unwrap_or_default());
            if let ToolKind::Function { parameters: Some(schema), .. } | ToolKind::Custom { format: Some(schema) } = &tool.kind {
                text.push_str(&schema.to_string());
            }
        }
        text
    }
}

/// One turn.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    /// Who speaks.
    pub role: Role,
    /// What is said. Tool results stand in turns of [`Role::User`].
    pub parts: Vec<Part>,
}

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The operator of the caller's application, in the middle of the conversation; leading system text is in [`Conversation::system`].
    System,
    /// The caller's user, and what tools answered.
    User,
    /// The model.
    Assistant,
}

/// In which form the text must come.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum OutputFormat {
    /// As it likes.
    #[default]
    Text,
    /// JSON, whatever its shape.
    JsonObject,
    /// JSON by a schema.
    JsonSchema {
        /// What the schema is called.
        name: Option<String>,
        /// What it is for.
        description: Option<String>,
        /// The schema, as the caller wrote it. Writers translate it to their target's dialect (`providers.md` section 2.4).
        schema: Value,
        /// Whether the answer must follow it exactly.
        strict: Option<bool>,
    },
}

/// How much to think.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReasoningAsk {
    /// In words.
    pub effort: Option<Effort>,
    /// In tokens; a protocol that knows only words translates (`providers.md` section 2.5).
    pub budget_tokens: Option<u64>,
    /// Whether the caller wants to read the reasoning.
    pub show: bool,
}

easyai_core::words! {
    /// How much to think, in OpenAI's words.
    pub enum Effort as "reasoning effort" {
        /// Not at all.
        None = "none",
        /// Hardly.
        Minimal = "minimal",
        /// Little.
        Low = "low",
        /// As usual.
        Medium = "medium",
        /// Much.
        High = "high",
        /// More.
        XHigh = "xhigh",
        /// As much as it can.
        Max = "max",
    }
}

/// Dice and bounds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sampling {
    /// 0 to 2.
    pub temperature: Option<f64>,
    /// 0 to 1.
    pub top_p: Option<f64>,
    /// The number of candidates for each token.
    pub top_k: Option<u64>,
    /// -2 to 2.
    pub frequency_penalty: Option<f64>,
    /// -2 to 2.
    pub presence_penalty: Option<f64>,
    /// For repeatable answers.
    pub seed: Option<i64>,
    /// Texts that end the answer.
    pub stop: Vec<String>,
}

/// Log probabilities of the chosen tokens, and of this many others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Logprobs {
    /// 0 to 20.
    pub top: u32,
}

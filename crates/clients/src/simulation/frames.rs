//! The simulation's answers in the shapes of OpenAI's API.

use std::num::NonZeroU32;

use bytes::Bytes;
use easyai_core::failure::Category;
use easyai_core::usage::{Usage, UsageSource};
use easyai_protocols::request::{Needs, TextRequest};
use easyai_protocols::{sse, tokens};
use serde::Serialize;

use super::text;

/// A fixed date, since answers are repeatable.
const CREATED: u64 = 1_760_000_000;

/// Frames after the deltas: the end, usage, `[DONE]`.
pub(super) const ENDING: usize = 3;

/// One answer.
pub(super) struct Answer {
    pub(super) id: String,
    pub(super) usage: Usage,
    model: String,
    choices: u32,
    content: Content,
}

enum Content {
    Text(Vec<String>),
    ToolCall,
}

#[derive(Serialize)]
struct Whole<'a> {
    id: &'a str,
    object: &'static str,
    created: u64,
    model: &'a str,
    choices: Vec<WholeChoice>,
    usage: WireUsage,
}

#[derive(Serialize)]
struct WholeChoice {
    index: u32,
    message: Message,
    logprobs: Option<()>,
    finish_reason: &'static str,
}

#[derive(Serialize, Default)]
struct Message {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_calls: Option<[ToolCall; 1]>,
}

#[derive(Serialize)]
struct ToolCall {
    index: u32,
    id: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    function: Function,
}

#[derive(Serialize)]
struct Function {
    name: &'static str,
    arguments: &'static str,
}

#[derive(Serialize)]
struct Chunk<'a> {
    id: &'a str,
    object: &'static str,
    created: u64,
    model: &'a str,
    choices: Vec<ChunkChoice>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<WireUsage>,
}

#[derive(Serialize)]
struct ChunkChoice {
    index: u32,
    delta: Message,
    finish_reason: Option<&'static str>,
}

#[derive(Serialize, Clone, Copy)]
struct WireUsage {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
}

const TOOL_CALL: [ToolCall; 1] =
    [ToolCall { index: 0, id: "call_simulated", kind: "function", function: Function { name: "simulated", arguments: "{}" } }];

impl Answer {
    pub(super) fn to(request: &TextRequest, model: &str, chunks: Option<NonZeroU32>) -> Self {
        let prompt = request.last_text();
        let content = match request.scan.needs {
            Needs { tool_call: true, .. } => Content::ToolCall,
            Needs { json: true, .. } => Content::Text(text::deltas("{\"simulated\": true}", chunks, " ")),
            Needs { .. } => Content::Text(text::deltas(&text::answer(&prompt), chunks, " more")),
        };
        let one = match &content {
            Content::Text(deltas) => tokens::estimate(&deltas.concat()),
            Content::ToolCall => 4,
        };
        let output_tokens = one * u64::from(request.scan.choices);
        let usage = Usage { source: UsageSource::Upstream, ..Usage::counted(request.scan.prompt_tokens, output_tokens) };
        Self {
            id: format!("chatcmpl-simulated-{:016x}", text::hash(&prompt)),
            usage,
            model: model.to_owned(),
            choices: request.scan.choices,
            content,
        }
    }

    /// As a whole.
    pub(super) fn whole(&self) -> Bytes {
        let message = || match &self.content {
            Content::Text(deltas) => Message { role: Some("assistant"), content: Some(deltas.concat()), tool_calls: None },
            Content::ToolCall => Message { role: Some("assistant"), content: None, tool_calls: Some(TOOL_CALL) },
        };
        let choices =
            (0..self.choices).map(|index| WholeChoice { index, message: message(), logprobs: None, finish_reason: self.finish_reason() });
        json(&Whole {
            id: &self.id,
            object: "chat.completion",
            created: CREATED,
            model: &self.model,
            choices: choices.collect(),
            usage: self.wire_usage(),
        })
    }

    /// As a stream: role, deltas, end, usage, `[DONE]`.
    ///
    /// Usage always, like every upstream that is asked: the gateway asks, and hides it again from callers who did not.
    pub(super) fn frames(&self) -> Vec<Bytes> {
        let mut frames = vec![self.chunk(|| Message { role: Some("assistant"), content: Some(String::new()), tool_calls: None }, None)];
        match &self.content {
            Content::Text(deltas) => frames
                .extend(deltas.iter().map(|delta| self.chunk(|| Message { content: Some(delta.clone()), ..Message::default() }, None))),
            Content::ToolCall => frames.push(self.chunk(|| Message { tool_calls: Some(TOOL_CALL), ..Message::default() }, None)),
        }
        frames.push(self.chunk(Message::default, Some(self.finish_reason())));
        frames.push(self.frame(Vec::new(), Some(self.wire_usage())));
        frames.push(Bytes::from_static(sse::DONE));
        frames
    }

    fn chunk(&self, delta: impl Fn() -> Message, finish_reason: Option<&'static str>) -> Bytes {
        let choices = (0..self.choices).map(|index| ChunkChoice { index, delta: delta(), finish_reason });
        self.frame(choices.collect(), None)
    }

    fn frame(&self, choices: Vec<ChunkChoice>, usage: Option<WireUsage>) -> Bytes {
        sse::frame(&json(&Chunk { id: &self.id, object: "chat.completion.chunk", created: CREATED, model: &self.model, choices, usage }))
    }

    const fn finish_reason(&self) -> &'static str {
        match self.content {
            Content::Text(_) => "stop",
            Content::ToolCall => "tool_calls",
        }
    }

    const fn wire_usage(&self) -> WireUsage {
        WireUsage {
            prompt_tokens: self.usage.input_tokens,
            completion_tokens: self.usage.output_tokens,
            total_tokens: self.usage.total_tokens(),
        }
    }
}

/// An error inside a stream, as OpenAI sends it.
pub(super) fn error(category: Category) -> Bytes {
    let code = match category {
        Category::RateLimit => "rate_limit_exceeded",
        Category::Overloaded => "server_is_overloaded",
        Category::Auth => "invalid_api_key",
        Category::QuotaExhausted => "insufficient_quota",
        Category::ModelUnavailable => "model_not_found",
        Category::BadRequest => "invalid_value",
        Category::ContentFilter => "content_filter",
        Category::ContextLength => "context_length_exceeded",
        Category::BadResponse => "tool_use_failed",
        Category::Network
        | Category::Timeout
        | Category::ServerError
        | Category::LocalRateLimit
        | Category::Cancelled
        | Category::Internal => "server_error",
    };
    sse::frame(format!("{{\"error\":{{\"message\":\"simulated {category}\",\"code\":\"{code}\"}}}}").as_bytes())
}

fn json(value: &impl Serialize) -> Bytes {
    // Text and numbers alone can't fail to be written.
    Bytes::from(serde_json::to_vec(value).unwrap_or_default())
}

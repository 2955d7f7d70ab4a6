//! The response object: what it says of itself, and what it echoes of its request.
//!
//! The published schema wants many keys present, null where they are empty (`providers.md` section 5.2).

use bytes::Bytes;
use easyai_core::usage::Usage;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::usage::Written;
use crate::conversation::StopReason;
use crate::wire::Envelope;

/// The settings of a request, as its response echoes them.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Echo {
    background: Option<bool>,
    instructions: Option<Box<RawValue>>,
    max_output_tokens: Option<Box<RawValue>>,
    max_tool_calls: Option<Box<RawValue>>,
    metadata: Option<Box<RawValue>>,
    parallel_tool_calls: Option<bool>,
    previous_response_id: Option<Box<RawValue>>,
    prompt_cache_key: Option<Box<RawValue>>,
    reasoning: Option<Box<RawValue>>,
    safety_identifier: Option<Box<RawValue>>,
    service_tier: Option<Box<RawValue>>,
    store: Option<bool>,
    temperature: Option<Box<RawValue>>,
    text: Option<Box<RawValue>>,
    tool_choice: Option<Box<RawValue>>,
    tools: Option<Box<RawValue>>,
    top_logprobs: Option<Box<RawValue>>,
    top_p: Option<Box<RawValue>>,
    truncation: Option<Box<RawValue>>,
    user: Option<Box<RawValue>>,
}

impl Echo {
    /// What of the caller's body is echoed; nothing of one that can't be read.
    pub(super) fn of(envelope: &Envelope) -> Self {
        // On one line: a line break would end the event that the echo stands in. In JSON it can only stand between tokens.
        let line: Vec<u8> = envelope.request.iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte }).collect();
        serde_json::from_slice(&line).unwrap_or_default()
    }
}

/// Where a response stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It waits for its turn in the background.
    Queued,
    /// It is being worked on.
    InProgress,
    /// It is complete.
    Completed,
    /// It met a bound.
    Incomplete,
    /// It failed.
    Failed,
    /// Its caller gave it up.
    Cancelled,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct ErrorNote<'a> {
    pub(super) code: &'a str,
    pub(super) message: &'a str,
}

#[derive(Debug, Serialize)]
struct Details {
    reason: &'static str,
}

/// An item of an output.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum OutItem {
    Reasoning {
        id: String,
        summary: Vec<Summary>,
        #[serde(skip_serializing_if = "Option::is_none")]
        encrypted_content: Option<String>,
    },
    Message {
        id: String,
        status: ItemStatus,
        role: &'static str,
        content: Vec<Content>,
    },
    FunctionCall {
        id: String,
        status: ItemStatus,
        call_id: String,
        name: String,
        arguments: String,
    },
    CustomToolCall {
        id: String,
        status: ItemStatus,
        call_id: String,
        name: String,
        input: String,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ItemStatus {
    InProgress,
    Completed,
    Incomplete,
}

#[derive(Debug, Clone, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Summary {
    SummaryText { text: String },
}

#[derive(Debug, Clone, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Content {
    OutputText { text: String, annotations: Vec<UrlCitation>, logprobs: [(); 0] },
    Refusal { refusal: String },
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct UrlCitation {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) url: String,
    pub(super) title: String,
    pub(super) start_index: u64,
    pub(super) end_index: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct Object<'a> {
    id: String,
    object: &'static str,
    created_at: i64,
    status: Status,
    background: bool,
    error: Option<ErrorNote<'a>>,
    incomplete_details: Option<Details>,
    instructions: Option<&'a RawValue>,
    max_output_tokens: Option<&'a RawValue>,
    max_tool_calls: Option<&'a RawValue>,
    metadata: Or<'a, Empty>,
    model: &'a str,
    output: &'a [OutItem],
    parallel_tool_calls: bool,
    previous_response_id: Option<&'a RawValue>,
    prompt_cache_key: Option<&'a RawValue>,
    reasoning: Or<'a, Reasoning>,
    safety_identifier: Option<&'a RawValue>,
    service_tier: Or<'a, &'static str>,
    store: bool,
    temperature: Or<'a, f64>,
    text: Or<'a, Text>,
    tool_choice: Or<'a, &'static str>,
    tools: Or<'a, [(); 0]>,
    top_logprobs: Or<'a, u32>,
    top_p: Or<'a, f64>,
    truncation: Or<'a, &'static str>,
    usage: Option<Written>,
    user: Option<&'a RawValue>,
}

/// As the caller wrote it, or by default.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Or<'a, T> {
    Given(&'a RawValue),
    Default(T),
}

#[derive(Debug, Serialize)]
struct Empty {}

#[derive(Debug, Serialize)]
struct Reasoning {
    effort: Option<()>,
    summary: Option<()>,
}

#[derive(Debug, Serialize)]
struct Text {
    format: Format,
}

#[derive(Debug, Serialize)]
struct Format {
    #[serde(rename = "type")]
    kind: &'static str,
}

fn or<T>(given: Option<&RawValue>, default: T) -> Or<'_, T> {
    given.map_or(Or::Default(default), Or::Given)
}

/// What differs between the objects of one response.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing<'a> {
    pub(super) status: Status,
    pub(super) model: &'a str,
    pub(super) output: &'a [OutItem],
    pub(super) usage: Option<&'a Usage>,
    pub(super) stop: StopReason,
    pub(super) error: Option<(&'a str, &'a str)>,
}

/// The id of a response.
pub(super) fn id_of(envelope: &Envelope) -> String {
    format!("resp_{}", envelope.id)
}

impl<'a> Object<'a> {
    pub(super) fn new(envelope: &Envelope, echo: &'a Echo, standing: Standing<'a>) -> Self {
        let raw = |value: &'a Option<Box<RawValue>>| value.as_deref().filter(|value| value.get() != "null");
        let reason = match (standing.status, standing.stop) {
            (Status::Incomplete, StopReason::ContentFilter) => Some("content_filter"),
            (Status::Incomplete, StopReason::Stop | StopReason::Length | StopReason::ToolCalls) => Some("max_output_tokens"),
            (Status::Queued | Status::InProgress | Status::Completed | Status::Failed | Status::Cancelled, _) => None,
        };
        Self {
            id: id_of(envelope),
            object: "response",
            created_at: envelope.created_at,
            status: standing.status,
            background: echo.background.unwrap_or(false),
            error: standing.error.map(|(code, message)| ErrorNote { code, message }),
            incomplete_details: reason.map(|reason| Details { reason }),
            instructions: raw(&echo.instructions),
            max_output_tokens: raw(&echo.max_output_tokens),
            max_tool_calls: raw(&echo.max_tool_calls),
            metadata: or(raw(&echo.metadata), Empty {}),
            model: standing.model,
            output: standing.output,
            parallel_tool_calls: echo.parallel_tool_calls.unwrap_or(true),
            previous_response_id: raw(&echo.previous_response_id),
            prompt_cache_key: raw(&echo.prompt_cache_key),
            reasoning: or(raw(&echo.reasoning), Reasoning { effort: None, summary: None }),
            safety_identifier: raw(&echo.safety_identifier),
            service_tier: or(raw(&echo.service_tier), "default"),
            store: echo.store.unwrap_or(true),
            temperature: or(raw(&echo.temperature), 1.0),
            text: or(raw(&echo.text), Text { format: Format { kind: "text" } }),
            tool_choice: or(raw(&echo.tool_choice), "auto"),
            tools: or(raw(&echo.tools), []),
            top_logprobs: or(raw(&echo.top_logprobs), 0),
            top_p: or(raw(&echo.top_p), 1.0),
            truncation: or(raw(&echo.truncation), "disabled"),
            usage: standing.usage.map(Written::of),
            user: raw(&echo.user),
        }
    }
}

/// A response without output: one that waits, is under way, failed or was cancelled.
#[must_use]
pub fn without_output(envelope: &Envelope, status: Status, error: Option<(&str, &str)>) -> Bytes {
    let echo = Echo::of(envelope);
    let standing = Standing { status, model: &envelope.model, output: &[], usage: None, stop: StopReason::Stop, error };
    written(&Object::new(envelope, &echo, standing))
}

/// What is answered when a response was deleted.
#[must_use]
pub fn deleted(id: &str) -> Bytes {
    #[derive(Serialize)]
    struct Deleted<'a> {
        id: &'a str,
        object: &'static str,
        deleted: bool,
    }
    written(&Deleted { id, object: "response", deleted: true })
}

pub(super) fn written(value: &impl Serialize) -> Bytes {
    // Text, numbers and the caller's own JSON can't fail to be written.
    Bytes::from(serde_json::to_vec(value).unwrap_or_default())
}

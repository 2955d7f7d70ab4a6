//! The settings of a request, as its response echoes them.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::responses::tolerant;

/// What of a request is echoed: as the caller wrote it, or OpenAI's own default. Read once for all objects of a response.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::responses) struct Echo {
    #[serde(deserialize_with = "tolerant::maybe")]
    background: Option<bool>,
    #[serde(deserialize_with = "tolerant::maybe")]
    store: Option<bool>,
    #[serde(deserialize_with = "tolerant::maybe")]
    parallel_tool_calls: Option<bool>,
    instructions: Option<Box<RawValue>>,
    max_output_tokens: Option<Box<RawValue>>,
    max_tool_calls: Option<Box<RawValue>>,
    metadata: Option<Box<RawValue>>,
    previous_response_id: Option<Box<RawValue>>,
    prompt_cache_key: Option<Box<RawValue>>,
    #[serde(deserialize_with = "tolerant::maybe")]
    reasoning: Option<Reasoning>,
    safety_identifier: Option<Box<RawValue>>,
    service_tier: Option<Box<RawValue>>,
    temperature: Option<Box<RawValue>>,
    #[serde(deserialize_with = "tolerant::maybe")]
    text: Option<Text>,
    tool_choice: Option<Box<RawValue>>,
    tools: Option<Box<RawValue>>,
    top_logprobs: Option<Box<RawValue>>,
    top_p: Option<Box<RawValue>>,
    truncation: Option<Box<RawValue>>,
    user: Option<Box<RawValue>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Reasoning {
    effort: Option<Box<RawValue>>,
    summary: Option<Box<RawValue>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Text {
    format: Option<Box<RawValue>>,
    verbosity: Option<Box<RawValue>>,
}

/// The echo as it is written: no key may be missing (`providers.md` section 5.2).
#[derive(Debug, Serialize)]
pub(super) struct Settings<'a> {
    background: bool,
    instructions: Option<&'a RawValue>,
    max_output_tokens: Option<&'a RawValue>,
    max_tool_calls: Option<&'a RawValue>,
    metadata: Or<'a, Empty>,
    parallel_tool_calls: bool,
    previous_response_id: Option<&'a RawValue>,
    prompt_cache_key: Option<&'a RawValue>,
    reasoning: ReasoningSettings<'a>,
    safety_identifier: Option<&'a RawValue>,
    service_tier: Or<'a, &'static str>,
    store: bool,
    temperature: Or<'a, f64>,
    text: TextSettings<'a>,
    tool_choice: Or<'a, &'static str>,
    tools: Or<'a, [(); 0]>,
    top_logprobs: Or<'a, u32>,
    top_p: Or<'a, f64>,
    truncation: Or<'a, &'static str>,
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
struct ReasoningSettings<'a> {
    effort: Option<&'a RawValue>,
    summary: Option<&'a RawValue>,
}

#[derive(Debug, Serialize)]
struct TextSettings<'a> {
    format: Or<'a, Format>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verbosity: Option<&'a RawValue>,
}

#[derive(Debug, Serialize)]
struct Format {
    #[serde(rename = "type")]
    kind: &'static str,
}

fn or<T>(given: Option<&RawValue>, default: T) -> Or<'_, T> {
    given.map_or(Or::Default(default), Or::Given)
}

impl Echo {
    /// Of a caller's body; nothing of one that can't be read.
    pub(in crate::responses) fn of(request: &[u8]) -> Self {
        let is_break = |byte: &u8| matches!(byte, b'\n' | b'\r');
        if !request.iter().any(is_break) {
            return serde_json::from_slice(request).unwrap_or_default();
        }
        // A line break would end the event that the echo stands in. In JSON it stands only where a blank may.
        let line: Vec<u8> = request.iter().map(|byte| if is_break(byte) { b' ' } else { *byte }).collect();
        serde_json::from_slice(&line).unwrap_or_default()
    }

    pub(super) fn settings(&self) -> Settings<'_> {
        let reasoning = self.reasoning.as_ref();
        let text = self.text.as_ref();
        Settings {
            background: self.background.unwrap_or(false),
            instructions: self.instructions.as_deref(),
            max_output_tokens: self.max_output_tokens.as_deref(),
            max_tool_calls: self.max_tool_calls.as_deref(),
            metadata: or(self.metadata.as_deref(), Empty {}),
            parallel_tool_calls: self.parallel_tool_calls.unwrap_or(true),
            previous_response_id: self.previous_response_id.as_deref(),
            prompt_cache_key: self.prompt_cache_key.as_deref(),
            reasoning: ReasoningSettings {
                effort: reasoning.and_then(|reasoning| reasoning.effort.as_deref()),
                summary: reasoning.and_then(|reasoning| reasoning.summary.as_deref()),
            },
            safety_identifier: self.safety_identifier.as_deref(),
            service_tier: or(self.service_tier.as_deref(), "default"),
            store: self.store.unwrap_or(true),
            temperature: or(self.temperature.as_deref(), 1.0),
            text: TextSettings {
                format: or(text.and_then(|text| text.format.as_deref()), Format { kind: "text" }),
                verbosity: text.and_then(|text| text.verbosity.as_deref()),
            },
            tool_choice: or(self.tool_choice.as_deref(), "auto"),
            tools: or(self.tools.as_deref(), []),
            top_logprobs: or(self.top_logprobs.as_deref(), 0),
            top_p: or(self.top_p.as_deref(), 1.0),
            truncation: or(self.truncation.as_deref(), "disabled"),
            user: self.user.as_deref(),
        }
    }
}

//! Usage as a response has it.

use easyai_core::usage::{Usage, UsageSource};

use crate::openai::lenient::Count;

/// `usage` of a response; any count may be missing or null. Source: `providers.md` sections 2.8 and 5.2.
#[derive(Debug, Clone, Copy, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct WireUsage {
    input_tokens: Count,
    output_tokens: Count,
    input_tokens_details: Option<InputDetails>,
    output_tokens_details: Option<OutputDetails>,
}

#[derive(Debug, Clone, Copy, Default, serde::Deserialize)]
#[serde(default)]
struct InputDetails {
    cached_tokens: Count,
    cache_write_tokens: Count,
}

#[derive(Debug, Clone, Copy, Default, serde::Deserialize)]
#[serde(default)]
struct OutputDetails {
    reasoning_tokens: Count,
}

impl WireUsage {
    /// In the gateway's terms; none if it counts nothing at all.
    pub(super) fn into_usage(self) -> Option<Usage> {
        let (input, output) = (self.input_tokens.0, self.output_tokens.0);
        if input == 0 && output == 0 {
            return None;
        }
        let details = self.input_tokens_details.unwrap_or_default();
        let reasoning = self.output_tokens_details.unwrap_or_default().reasoning_tokens.0;
        Some(Usage {
            input_tokens: input,
            cached_input_tokens: details.cached_tokens.0.min(input),
            cache_write_tokens: details.cache_write_tokens.0.min(input),
            output_tokens: output,
            reasoning_tokens: reasoning.min(output),
            source: UsageSource::Upstream,
        })
    }
}

/// The same as it is written.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub(super) struct Written {
    input_tokens: u64,
    input_tokens_details: WrittenInput,
    output_tokens: u64,
    output_tokens_details: WrittenOutput,
    total_tokens: u64,
}

#[derive(Debug, Clone, Copy, serde::Serialize)]
struct WrittenInput {
    cached_tokens: u64,
    cache_write_tokens: u64,
}

#[derive(Debug, Clone, Copy, serde::Serialize)]
struct WrittenOutput {
    reasoning_tokens: u64,
}

impl Written {
    pub(super) const fn of(usage: &Usage) -> Self {
        Self {
            input_tokens: usage.input_tokens,
            input_tokens_details: WrittenInput { cached_tokens: usage.cached_input_tokens, cache_write_tokens: usage.cache_write_tokens },
            output_tokens: usage.output_tokens,
            output_tokens_details: WrittenOutput { reasoning_tokens: usage.reasoning_tokens },
            total_tokens: usage.total_tokens(),
        }
    }
}

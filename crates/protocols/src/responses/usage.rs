//! Usage as a response has it.

use easyai_core::usage::{Usage, UsageSource};

use super::tolerant;
use crate::openai::lenient::Count;

/// `usage` of an upstream's response; any count may be missing or null. Source: `providers.md` sections 2.8 and 5.2.
#[derive(Debug, Clone, Copy, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct WireUsage {
    input_tokens: Count,
    output_tokens: Count,
    total_tokens: Count,
    #[serde(deserialize_with = "tolerant::maybe")]
    input_tokens_details: Option<InputDetails>,
    #[serde(deserialize_with = "tolerant::maybe")]
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
        let details = self.input_tokens_details.unwrap_or_default();
        let reasoning = self.output_tokens_details.unwrap_or_default().reasoning_tokens.0;
        let (input, output) = (self.input_tokens.0, self.output_tokens.0);
        if input == 0 && output == 0 && self.total_tokens.0 == 0 {
            return None;
        }
        // xAI leaves reasoning out of its output: the gap to the total is the reasoning.
        let outside = reasoning > 0 && self.total_tokens.0 == input.saturating_add(output).saturating_add(reasoning);
        let output = if outside { output.saturating_add(reasoning) } else { output };
        Some(Usage {
            input_tokens: input,
            cached_input_tokens: details.cached_tokens.0.min(input),
            cache_write_tokens: details.cache_write_tokens.0.min(input),
            output_tokens: output,
            reasoning_tokens: reasoning.min(output),
            media: None,
            source: UsageSource::Upstream,
        })
    }
}

/// The same as our callers get it: the published schema wants all of it present.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub(super) struct UsageObject {
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

impl UsageObject {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, expected: Option<[u64; 5]>) {
        let usage = serde_json::from_str::<WireUsage>(json).unwrap().into_usage();
        let read = usage.map(|u| [u.input_tokens, u.cached_input_tokens, u.cache_write_tokens, u.output_tokens, u.reasoning_tokens]);
        assert_eq!(read, expected, "{json}");
    }

    #[test]
    fn usage_is_read_whatever_is_missing() {
        check(
            r#"{"input_tokens":9,"input_tokens_details":{"cached_tokens":4,"cache_write_tokens":2},"output_tokens":3,"output_tokens_details":{"reasoning_tokens":1},"total_tokens":12}"#,
            Some([9, 4, 2, 3, 1]),
        );
        check(r#"{"input_tokens":9,"output_tokens":null,"input_tokens_details":null,"output_tokens_details":7}"#, Some([9, 0, 0, 0, 0]));
        check(r#"{"input_tokens":"9","output_tokens":3.0,"input_tokens_details":{"cached_tokens":null}}"#, Some([9, 0, 0, 3, 0]));
        check(r#"{"input_tokens":5,"output_tokens":1,"input_tokens_details":{"cached_tokens":50}}"#, Some([5, 5, 0, 1, 0]));
        check(
            r#"{"input_tokens":12,"output_tokens":1,"total_tokens":303,"output_tokens_details":{"reasoning_tokens":290}}"#,
            Some([12, 0, 0, 291, 290]),
        );
        check("{}", None);
    }

    #[test]
    fn all_five_counts_are_written_with_their_details() {
        let usage = Usage { cached_input_tokens: 2, reasoning_tokens: 1, ..Usage::counted(9, 3) };
        assert_eq!(
            serde_json::to_string(&UsageObject::of(&usage)).unwrap(),
            r#"{"input_tokens":9,"input_tokens_details":{"cached_tokens":2,"cache_write_tokens":0},"output_tokens":3,"output_tokens_details":{"reasoning_tokens":1},"total_tokens":12}"#
        );
    }
}

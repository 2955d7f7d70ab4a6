//! Usage as chat upstreams report it, in the gateway's terms.

use easyai_core::usage::{Usage, UsageSource};

use super::lenient::{Count, Maybe};

/// `usage` of an answer or a chunk. Any count may be missing or null: then it is zero, not an error.
///
/// Source: OpenAI API reference; `providers.md` section 2.8 for what others send.
#[derive(Debug, Clone, Copy, Default, serde::Deserialize)]
#[serde(default)]
pub(crate) struct WireUsage {
    prompt_tokens: Count,
    completion_tokens: Count,
    total_tokens: Count,
    prompt_tokens_details: Maybe<InputDetails>,
    completion_tokens_details: Maybe<OutputDetails>,
    /// DeepSeek's.
    prompt_cache_hit_tokens: Count,
    /// Moonshot's.
    cached_tokens: Count,
}

#[derive(Debug, Clone, Copy, Default, serde::Deserialize)]
#[serde(default)]
struct InputDetails {
    cached_tokens: Count,
    cache_write_tokens: Count,
    /// Alibaba's word for the tokens that were written to its cache.
    cache_creation_input_tokens: Count,
}

#[derive(Debug, Clone, Copy, Default, serde::Deserialize)]
#[serde(default)]
struct OutputDetails {
    reasoning_tokens: Count,
}

impl WireUsage {
    /// In the gateway's terms; none if it counts nothing at all.
    pub(crate) fn into_usage(self) -> Option<Usage> {
        let input_details = self.prompt_tokens_details.0.unwrap_or_default();
        let reasoning = self.completion_tokens_details.0.unwrap_or_default().reasoning_tokens.0;
        let (input, output, total) = (self.prompt_tokens.0, self.completion_tokens.0, self.total_tokens.0);
        // xAI leaves reasoning out of its completion tokens: the gap to the total is the reasoning.
        let outside = reasoning > 0 && total == input.saturating_add(output).saturating_add(reasoning);
        let output = if outside { output.saturating_add(reasoning) } else { output };
        // A total alone can't be charged: what it is made of is counted instead.
        if input == 0 && output == 0 {
            return None;
        }
        let cached = input_details.cached_tokens.0.max(self.prompt_cache_hit_tokens.0).max(self.cached_tokens.0);
        Some(Usage {
            input_tokens: input,
            cached_input_tokens: cached.min(input),
            cache_write_tokens: input_details.cache_write_tokens.0.max(input_details.cache_creation_input_tokens.0).min(input),
            output_tokens: output,
            reasoning_tokens: reasoning.min(output),
            media: None,
            source: UsageSource::Upstream,
        })
    }
}

/// Usage as chat callers expect it.
#[derive(Debug, serde::Serialize)]
pub(super) struct WrittenUsage {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
    prompt_tokens_details: WrittenInput,
    completion_tokens_details: WrittenOutput,
}

#[derive(Debug, serde::Serialize)]
struct WrittenInput {
    cached_tokens: u64,
    cache_write_tokens: u64,
}

#[derive(Debug, serde::Serialize)]
struct WrittenOutput {
    reasoning_tokens: u64,
}

impl From<&Usage> for WrittenUsage {
    fn from(usage: &Usage) -> Self {
        Self {
            prompt_tokens: usage.input_tokens,
            completion_tokens: usage.output_tokens,
            total_tokens: usage.total_tokens(),
            prompt_tokens_details: WrittenInput { cached_tokens: usage.cached_input_tokens, cache_write_tokens: usage.cache_write_tokens },
            completion_tokens_details: WrittenOutput { reasoning_tokens: usage.reasoning_tokens },
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
    fn usage_is_read_from_all_dialects() {
        check(r#"{"prompt_tokens":9,"completion_tokens":3,"total_tokens":12}"#, Some([9, 0, 0, 3, 0]));
        check(
            r#"{"prompt_tokens":9,"completion_tokens":3,"prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":2}}"#,
            Some([9, 4, 0, 3, 2]),
        );
        check(r#"{"prompt_tokens":9,"completion_tokens":null,"prompt_tokens_details":null,"extra":{"a":[1]}}"#, Some([9, 0, 0, 0, 0]));
        check(r#"{"prompt_tokens":9.0,"completion_tokens":"3"}"#, Some([9, 0, 0, 3, 0]));
        check(r#"{"prompt_tokens":20,"completion_tokens":3,"prompt_cache_hit_tokens":16}"#, Some([20, 16, 0, 3, 0]));
        check(r#"{"prompt_tokens":20,"completion_tokens":3,"total_tokens":23,"cached_tokens":16}"#, Some([20, 16, 0, 3, 0]));
        check(
            r#"{"prompt_tokens":12,"completion_tokens":1,"total_tokens":303,"completion_tokens_details":{"reasoning_tokens":290}}"#,
            Some([12, 0, 0, 291, 290]),
        );
        check(
            r#"{"prompt_tokens":3019,"completion_tokens":104,"prompt_tokens_details":{"cached_tokens":0,"cache_creation_input_tokens":2048}}"#,
            Some([3019, 0, 2048, 104, 0]),
        );
        check(r#"{"prompt_tokens":-5,"completion_tokens":2}"#, Some([0, 0, 0, 2, 0]));
        check(
            r#"{"prompt_tokens":9,"completion_tokens":3,"prompt_tokens_details":[],"completion_tokens_details":"none"}"#,
            Some([9, 0, 0, 3, 0]),
        );
        check("{}", None);
        check(r#"{"total_tokens":23}"#, None);
    }

    #[test]
    fn more_cached_than_sent_is_cut_to_what_was_sent() {
        check(r#"{"prompt_tokens":5,"completion_tokens":1,"prompt_tokens_details":{"cached_tokens":50}}"#, Some([5, 5, 0, 1, 0]));
    }
}

//! Usage as Gemini reports it, in the gateway's terms.

use easyai_core::usage::{Usage, UsageSource};

use crate::openai::lenient::Count;

/// `usageMetadata`. Cumulative in a stream, where only the last one is right; what a later one leaves out keeps its value.
///
/// Source: `providers.md` sections 2.8 and 6.3.
#[derive(Debug, Clone, Copy, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct WireUsage {
    prompt_token_count: Option<Count>,
    tool_use_prompt_token_count: Option<Count>,
    cached_content_token_count: Option<Count>,
    candidates_token_count: Option<Count>,
    thoughts_token_count: Option<Count>,
    total_token_count: Option<Count>,
}

impl WireUsage {
    /// Takes over what a later chunk says. All that is known by now, in the gateway's terms.
    pub(super) fn merged(&mut self, later: Self) -> Option<Usage> {
        self.prompt_token_count = later.prompt_token_count.or(self.prompt_token_count);
        self.tool_use_prompt_token_count = later.tool_use_prompt_token_count.or(self.tool_use_prompt_token_count);
        self.cached_content_token_count = later.cached_content_token_count.or(self.cached_content_token_count);
        self.candidates_token_count = later.candidates_token_count.or(self.candidates_token_count);
        self.thoughts_token_count = later.thoughts_token_count.or(self.thoughts_token_count);
        self.total_token_count = later.total_token_count.or(self.total_token_count);
        self.into_usage()
    }

    /// In the gateway's terms; none if it counts nothing at all.
    pub(super) fn into_usage(self) -> Option<Usage> {
        let count = |count: Option<Count>| count.unwrap_or_default().0;
        let reasoning_tokens = count(self.thoughts_token_count);
        let input_tokens = count(self.prompt_token_count).saturating_add(count(self.tool_use_prompt_token_count));
        let output_tokens = count(self.candidates_token_count).saturating_add(reasoning_tokens);
        (input_tokens > 0 || output_tokens > 0 || count(self.total_token_count) > 0).then(|| Usage {
            input_tokens,
            cached_input_tokens: count(self.cached_content_token_count).min(input_tokens),
            cache_write_tokens: 0,
            output_tokens,
            reasoning_tokens,
            media: None,
            source: UsageSource::Upstream,
        })
    }
}

/// `usageMetadata` for a caller.
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shown {
    prompt_token_count: u64,
    candidates_token_count: u64,
    total_token_count: u64,
    #[serde(skip_serializing_if = "is_zero")]
    cached_content_token_count: u64,
    #[serde(skip_serializing_if = "is_zero")]
    thoughts_token_count: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl From<&Usage> for Shown {
    fn from(usage: &Usage) -> Self {
        Self {
            prompt_token_count: usage.input_tokens,
            candidates_token_count: usage.output_tokens.saturating_sub(usage.reasoning_tokens),
            total_token_count: usage.total_tokens(),
            cached_content_token_count: usage.cached_input_tokens,
            thoughts_token_count: usage.reasoning_tokens,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(chunks: &[&str], expected: Option<[u64; 4]>) {
        let mut merged = WireUsage::default();
        for chunk in chunks {
            let _so_far = merged.merged(serde_json::from_str(chunk).unwrap());
        }
        let usage = merged.into_usage();
        let read = usage.map(|u| [u.input_tokens, u.cached_input_tokens, u.output_tokens, u.reasoning_tokens]);
        assert_eq!(read, expected, "{chunks:?}");
        // What is shown to a caller means the same.
        let shown = usage.map(|usage| serde_json::to_string(&Shown::from(&usage)).unwrap());
        let again = shown.and_then(|text| serde_json::from_str::<WireUsage>(&text).unwrap().into_usage());
        assert_eq!(again, usage);
    }

    #[test]
    fn thoughts_and_tool_use_are_added_and_the_last_count_is_right() {
        check(&[r#"{"promptTokenCount":9,"candidatesTokenCount":3,"thoughtsTokenCount":20,"totalTokenCount":32}"#], Some([9, 0, 23, 20]));
        check(&[r#"{"promptTokenCount":9,"toolUsePromptTokenCount":5,"cachedContentTokenCount":4}"#], Some([14, 4, 0, 0]));
        check(
            &[r#"{"promptTokenCount":15,"thoughtsTokenCount":7}"#, r#"{"promptTokenCount":13,"candidatesTokenCount":"2"}"#],
            Some([13, 0, 9, 7]),
        );
        check(&[r#"{"promptTokenCount":5,"cachedContentTokenCount":50}"#], Some([5, 5, 0, 0]));
        check(&[r#"{"promptTokenCount":null,"candidatesTokenCount":{},"promptTokensDetails":7}"#], None);
    }
}

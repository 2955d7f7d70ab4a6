//! Usage of what has no output: vectors, moderation, rerank.

use easyai_core::usage::{Usage, UsageSource};

use crate::openai::lenient::Count;

/// `usage` of an answer that generates nothing.
#[derive(Debug, Clone, Copy, Default, serde::Deserialize)]
#[serde(default)]
pub(crate) struct InputUsage {
    prompt_tokens: Count,
    input_tokens: Count,
    total_tokens: Count,
    /// OpenRouter's, for rerank.
    search_units: Count,
}

impl InputUsage {
    /// In the gateway's terms; none if it counts nothing at all. Voyage and Jina's rerank say the total alone.
    pub(crate) fn into_usage(self) -> Option<Usage> {
        let counts = [self.prompt_tokens, self.input_tokens, self.total_tokens];
        let input = counts.into_iter().map(|count| count.0).find(|count| *count > 0)?;
        Some(Usage { source: UsageSource::Upstream, ..Usage::counted(input, 0) })
    }

    /// What rerank is billed by, where it is not tokens.
    pub(crate) const fn search_units(self) -> u64 {
        self.search_units.0
    }
}

/// `usage` as callers are told it.
#[derive(Debug, serde::Serialize)]
pub(crate) struct WrittenUsage {
    prompt_tokens: u64,
    total_tokens: u64,
}

impl From<&Usage> for WrittenUsage {
    fn from(usage: &Usage) -> Self {
        Self { prompt_tokens: usage.input_tokens, total_tokens: usage.total_tokens() }
    }
}

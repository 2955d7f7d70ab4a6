//! What an answer used, in the gateway's own terms.

use crate::media::MediaUsage;

crate::words! {
    /// Where the numbers come from.
    pub enum UsageSource as "usage source" {
        /// The upstream said so.
        Upstream = "upstream",
        /// We counted what was delivered: the upstream gave none.
        Counted = "counted",
    }
}

/// Tokens of one answer. `input` includes `cached_input` and `cache_write`; `output` includes `reasoning`, as everywhere but in
/// Anthropic's raw numbers.
///
/// Source: OpenAI API reference, `usage.prompt_tokens_details` and `usage.completion_tokens_details`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Usage {
    /// All tokens of the request.
    pub input_tokens: u64,
    /// Those of the input that were read from a prompt cache.
    pub cached_input_tokens: u64,
    /// Those of the input that were written to a prompt cache.
    pub cache_write_tokens: u64,
    /// All tokens of the answer.
    pub output_tokens: u64,
    /// Those of the output that were reasoning.
    pub reasoning_tokens: u64,
    /// What was used or made that is no token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media: Option<MediaUsage>,
    /// Where the numbers come from.
    pub source: UsageSource,
}

impl Usage {
    /// Input and output alone, as counted here.
    #[must_use]
    pub const fn counted(input_tokens: u64, output_tokens: u64) -> Self {
        Self {
            input_tokens,
            cached_input_tokens: 0,
            cache_write_tokens: 0,
            output_tokens,
            reasoning_tokens: 0,
            media: None,
            source: UsageSource::Counted,
        }
    }

    /// What was used or made beside tokens, as counted here.
    #[must_use]
    pub const fn of_media(media: MediaUsage) -> Self {
        Self { media: Some(media), ..Self::counted(0, 0) }
    }

    /// So much of what was `asked`: its media in the size, quality and so on that was asked for, all of it if nobody says how much came; and
    /// its share of the output tokens that were expected, if nobody counted any.
    #[must_use]
    pub fn as_asked(mut self, asked: &Self) -> Self {
        let Some(wanted) = asked.media else { return self };
        let came = self.media.unwrap_or(wanted);
        self.media = Some(came.as_asked(wanted));
        if self.output_tokens == 0 {
            self.source = UsageSource::Counted;
            self.output_tokens = match (came, wanted) {
                (MediaUsage::Images { count: came, .. }, MediaUsage::Images { count, .. }) => {
                    asked.output_tokens / u64::from(count.max(1)) * u64::from(came)
                }
                (MediaUsage::Images { .. } | MediaUsage::Video { .. } | MediaUsage::Speech { .. } | MediaUsage::Audio { .. }, _) => {
                    asked.output_tokens
                }
            };
        }
        self
    }

    /// Input and output together.
    #[must_use]
    pub const fn total_tokens(&self) -> u64 {
        self.input_tokens.saturating_add(self.output_tokens)
    }
}

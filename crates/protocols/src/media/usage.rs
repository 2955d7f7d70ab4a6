//! `usage` of answers with media: tokens, or a length.
//!
//! Source: OpenAI API reference, Images and Audio (`providers.md` sections 4.3 and 4.5); compatible servers use chat's names too.

use easyai_core::media::MediaUsage;
use easyai_core::usage::{Usage, UsageSource};
use serde::Deserialize;

use crate::openai::lenient::{Count, Object, Word};

/// A length in seconds, as a number or in words.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
pub(super) struct Seconds(Word);

impl Seconds {
    /// In milliseconds, if it is a length.
    pub(super) fn millis(&self) -> Option<u64> {
        let seconds: f64 = self.0.0.as_deref()?.trim().trim_end_matches('s').parse().ok()?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in range")]
        (0.0..1e9).contains(&seconds).then(|| (seconds * 1_000.0).round() as u64)
    }
}

/// What an upstream tells of what was used. Whatever can't be read is nothing.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WireUsage {
    input_tokens: Count,
    output_tokens: Count,
    /// Chat's names, alone or beside the others.
    prompt_tokens: Count,
    completion_tokens: Count,
    input_tokens_details: Object<Details>,
    input_token_details: Object<Details>,
    /// Of `{"type": "duration"}`; fractional.
    seconds: Seconds,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Details {
    cached_tokens: Count,
}

impl WireUsage {
    /// Tokens, if any were counted.
    pub(super) fn tokens(&self) -> Option<Usage> {
        let input = self.input_tokens.0.max(self.prompt_tokens.0);
        let output = self.output_tokens.0.max(self.completion_tokens.0);
        let details = self.input_tokens_details.0.as_ref().or(self.input_token_details.0.as_ref());
        let cached = details.map_or(0, |details| details.cached_tokens.0);
        (input > 0 || output > 0).then(|| Usage {
            cached_input_tokens: cached.min(input),
            source: UsageSource::Upstream,
            ..Usage::counted(input, output)
        })
    }

    /// Tokens, or else the length of a recording.
    pub(super) fn used(&self) -> Option<Usage> {
        let of_length = |millis| Usage { source: UsageSource::Upstream, ..Usage::of_media(MediaUsage::Audio { millis }) };
        self.tokens().or_else(|| self.millis().map(of_length))
    }

    /// The length of a recording in milliseconds, if it was told.
    pub(super) fn millis(&self) -> Option<u64> {
        self.seconds.millis()
    }
}

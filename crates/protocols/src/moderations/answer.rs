//! A verdict that passes by: whether it is one.

use easyai_core::usage::Usage;

use crate::embeddings::usage::InputUsage;
use crate::openai::error::read_error;
use crate::openai::lenient::{Present, tolerant};
use crate::wire::{AnswerFacts, BadAnswer};

#[derive(serde::Deserialize)]
struct Wire {
    #[serde(default)]
    error: Present,
    #[serde(default)]
    detail: Present,
    #[serde(default)]
    message: Present,
    #[serde(default)]
    results: Present,
    /// Mistral's; OpenAI sends none.
    #[serde(default, deserialize_with = "tolerant")]
    usage: Option<InputUsage>,
}

/// Looks at the body of a 200. Where no usage is sent the answer used no tokens: moderation is free, and nothing is to be counted.
///
/// # Errors
/// [`BadAnswer`] if it holds no verdict.
pub fn answer_facts(body: &[u8]) -> Result<AnswerFacts, BadAnswer> {
    let wire: Wire = serde_json::from_slice(body).map_err(|error| BadAnswer::Unparseable(error.to_string()))?;
    if wire.error.0 || (!wire.results.0 && (wire.detail.0 || wire.message.0)) {
        return Err(BadAnswer::Error(read_error(body)));
    }
    if !wire.results.0 {
        return Err(BadAnswer::Empty);
    }
    Ok(AnswerFacts { usage: Some(wire.usage.and_then(InputUsage::into_usage).unwrap_or(Usage::counted(0, 0))) })
}

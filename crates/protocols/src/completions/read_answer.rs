//! A whole completion: looked at while it passes by, or read into the inner form.

use super::chunk::{Wire, append_text};
use crate::conversation::{Answer, Part, Stop, Text as TextPart};
use crate::openai::lenient::{Present, Text};
use crate::openai::side::stop_reason;
use crate::openai::usage::WireUsage;
use crate::wire::{AnswerFacts, BadAnswer};

/// Looks at the body of a 200.
///
/// # Errors
/// [`BadAnswer`] if it holds no completion.
pub fn answer_facts(body: &[u8]) -> Result<AnswerFacts, BadAnswer> {
    let wire: Wire<Present> = read(body)?;
    // A completion may be empty, but then it says why it ended.
    if !wire.choices.iter().flatten().any(|choice| choice.text.0 || choice.finish_reason.0.is_some()) {
        return Err(BadAnswer::Empty);
    }
    Ok(AnswerFacts { usage: wire.usage.and_then(WireUsage::into_usage) })
}

/// Reads the body of a 200: its first choice, since the inner form has one.
///
/// # Errors
/// [`BadAnswer`] if it holds no completion.
pub fn read_answer(body: &[u8]) -> Result<Answer, BadAnswer> {
    let wire: Wire<Text> = read(body)?;
    let choices = wire.choices.unwrap_or_default();
    let first = choices.into_iter().find(|choice| choice.index.0 == 0).ok_or(BadAnswer::Empty)?;
    if first.text.0.is_empty() && first.finish_reason.0.is_none() {
        return Err(BadAnswer::Empty);
    }
    let reason = first.finish_reason.0.as_deref().map(stop_reason).unwrap_or_default();
    let text = Some(first.text.0).filter(|text| !text.is_empty());
    Ok(Answer {
        id: wire.id.0,
        model: wire.model.0,
        parts: text.map(|text| Part::Text(TextPart::plain(text))).into_iter().collect(),
        stop: Stop { reason, sequence: None },
        usage: wire.usage.and_then(WireUsage::into_usage),
    })
}

/// The text of all choices, for counting what an upstream did not count.
#[must_use]
pub fn delivered_text(body: &[u8]) -> String {
    let mut text = String::new();
    append_text(body, &mut text);
    text
}

fn read<'de, T: serde::Deserialize<'de> + Default>(body: &'de [u8]) -> Result<Wire<T>, BadAnswer> {
    let wire: Wire<T> = serde_json::from_slice(body).map_err(|error| BadAnswer::Unparseable(error.to_string()))?;
    wire.error(body).map_or(Ok(wire), |error| Err(BadAnswer::Error(error)))
}

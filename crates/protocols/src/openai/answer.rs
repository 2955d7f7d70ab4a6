//! The side-reader of a plain answer: whether it is one, and its usage. The bytes themselves pass by.

use easyai_core::usage::Usage;

use super::chunk::SpokenChoices;
use super::error::{WireError, read_error};
use super::lenient::Present;
use super::usage::WireUsage;

/// What an answer says beside its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// What the upstream counted, if it did.
    pub usage: Option<Usage>,
}

/// A 200 that is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadAnswer {
    /// Not JSON, or not an object.
    #[error("the answer can't be read: {0}")]
    Unparseable(String),
    /// An error in spite of the status.
    #[error("the answer is an error: {}", .0.message)]
    Error(WireError),
    /// No choice with a message or an end.
    #[error("the answer is empty: no choice has a message")]
    Empty,
}

#[derive(serde::Deserialize)]
struct Wire {
    #[serde(default)]
    error: Present,
    #[serde(default)]
    choices: Option<Vec<Choice>>,
    #[serde(default)]
    usage: Option<WireUsage>,
}

#[derive(serde::Deserialize)]
struct Choice {
    #[serde(default)]
    message: Present,
    #[serde(default)]
    finish_reason: Present,
}

/// Reads the body of a 200.
///
/// # Errors
/// [`BadAnswer`] if it holds no answer.
pub fn read_answer(body: &[u8]) -> Result<Answer, BadAnswer> {
    let wire: Wire = serde_json::from_slice(body).map_err(|error| BadAnswer::Unparseable(error.to_string()))?;
    if wire.error.0 {
        return Err(BadAnswer::Error(read_error(body)));
    }
    let answered = |choices: Vec<Choice>| choices.iter().any(|choice| choice.message.0 || choice.finish_reason.0);
    if !wire.choices.is_some_and(answered) {
        return Err(BadAnswer::Empty);
    }
    Ok(Answer { usage: wire.usage.and_then(WireUsage::into_usage) })
}

/// All text of an answer, for counting what an upstream did not count.
#[must_use]
pub fn delivered_text(body: &[u8]) -> String {
    let mut text = String::new();
    if let Ok(answer) = serde_json::from_slice::<SpokenChoices>(body) {
        answer.append_to(&mut text);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_told_from_what_only_looks_like_one() {
        let good = br#"{"id":"x","choices":[{"message":{"content":"hi"}}],"usage":{"prompt_tokens":1,"completion_tokens":2},"new_field":[1,{"a":2}]}"#;
        assert!(read_answer(good).unwrap().usage.is_some());
        assert_eq!(delivered_text(good), "hi");
        assert_eq!(read_answer(br#"{"choices":[{"message":{"content":"a"}}],"error":null}"#), Ok(Answer { usage: None }));
        assert_eq!(read_answer(br#"{"choices":[]}"#), Err(BadAnswer::Empty));
        assert_eq!(read_answer(b"{}"), Err(BadAnswer::Empty));
        assert_eq!(read_answer(br#"{"choices":[{}]}"#), Err(BadAnswer::Empty));
        assert!(matches!(read_answer(br#"{"error":{"message":"no"}}"#), Err(BadAnswer::Error(_))));
        for body in ["", "<html>", "{\"choices\":[", "\"text\""] {
            assert!(matches!(read_answer(body.as_bytes()), Err(BadAnswer::Unparseable(_))), "{body}");
        }
    }
}

//! An upstream's whole response.

use super::response::{Response, Status};
use crate::conversation::Answer;
use crate::openai::error::read_error;
use crate::wire::{AnswerFacts, BadAnswer};

/// Reads the body of a 200 that passes by.
///
/// # Errors
/// [`BadAnswer`] if it holds no answer.
pub fn answer_facts(body: &[u8]) -> Result<AnswerFacts, BadAnswer> {
    read(body).map(|response| AnswerFacts { usage: response.usage() })
}

/// Reads the body of a 200 into the inner form.
///
/// # Errors
/// [`BadAnswer`] if it holds no answer.
pub fn read_answer(body: &[u8]) -> Result<Answer, BadAnswer> {
    let mut response = read(body)?;
    let (parts, calls) = response.parts();
    if parts.is_empty() && response.status() == Status::Underway {
        return Err(BadAnswer::Empty);
    }
    Ok(Answer { parts, stop: response.stop(calls > 0), usage: response.usage(), id: response.id.0.take(), model: response.model.0.take() })
}

/// All text of an answer, for counting what an upstream did not count.
#[must_use]
pub fn delivered_text(body: &[u8]) -> String {
    let response = serde_json::from_slice::<Response<'_>>(body).unwrap_or_default();
    Answer { parts: response.parts().0, ..Answer::default() }.delivered_text()
}

fn read(body: &[u8]) -> Result<Response<'_>, BadAnswer> {
    let response: Response<'_> = serde_json::from_slice(body).map_err(|error| BadAnswer::Unparseable(error.to_string()))?;
    if let Some(error) = response.failure() {
        return Err(BadAnswer::Error(error));
    }
    let says_nothing = response.output.as_ref().is_none_or(Vec::is_empty);
    match response.status() {
        Status::Unsaid if response.output.is_none() && (response.detail.0 || response.message.0) => Err(BadAnswer::Error(read_error(body))),
        // One that used tokens thought, and had nothing to say.
        Status::Completed | Status::Unsaid if says_nothing && response.usage().is_none_or(|usage| usage.output_tokens == 0) => {
            Err(BadAnswer::Empty)
        }
        // One that met its bound while it was thinking, or was stopped for its content, has nothing to show, and is an answer.
        Status::Completed | Status::Unsaid | Status::Incomplete | Status::Underway | Status::Failed => Ok(response),
    }
}

#[cfg(test)]
mod tests;

//! Why an answer ended, from and to Google's words.
//!
//! Source: `providers.md` sections 2.7, 6.2 and 12.5.

use crate::conversation::StopReason;
use crate::openai::error::WireError;

/// The `kind` of an error that means: the prompt or the answer was refused for its content before anything was said.
pub(super) const FILTERED: &str = "content_filter";

/// The `kind` of an error that means: the answer is of no use, and another try may do better.
pub(crate) const UNUSABLE: &str = "unusable_answer";

/// The `code` of an error that means: a good end, and nothing in the answer.
pub(super) const EMPTY: &str = "EMPTY_ANSWER";

/// What the upstream stopped for its content.
const FILTERS: &[&str] = &[
    "SAFETY",
    "RECITATION",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "LANGUAGE",
    // Of Vertex.
    "MODEL_ARMOR",
    "IMAGE_SAFETY",
    "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_RECITATION",
];

/// What went wrong in the model; often it works the second time.
const FAULTS: &[&str] = &[
    "MALFORMED_FUNCTION_CALL",
    "UNEXPECTED_TOOL_CALL",
    "TOO_MANY_TOOL_CALLS",
    "MALFORMED_RESPONSE",
    "MISSING_THOUGHT_SIGNATURE",
    "NO_IMAGE",
    "OTHER",
    "IMAGE_OTHER",
];

/// What has been delivered by the time an answer ends.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Delivered {
    /// Anything.
    pub(super) anything: bool,
    /// A tool call.
    pub(super) call: bool,
    /// Tokens of output were counted, whatever they said.
    pub(super) counted: bool,
}

/// What a `finishReason` means. There is no own word for tool calls: `STOP` after one means it.
///
/// # Errors
/// A [`WireError`] if nothing was delivered and the answer is therefore none. Spending all tokens on thinking is an answer: an empty one,
/// cut off. So is a good end for which tokens were counted: after the result of a tool the model often has nothing to add.
pub(super) fn stop_reason(word: &str, message: Option<&str>, delivered: Delivered) -> Result<StopReason, WireError> {
    if FILTERS.contains(&word) {
        return if delivered.anything { Ok(StopReason::ContentFilter) } else { Err(filtered("the answer", word, message)) };
    }
    if word == "MAX_TOKENS" {
        return Ok(StopReason::Length);
    }
    if !delivered.anything && (FAULTS.contains(&word) || !delivered.counted) {
        let code = if FAULTS.contains(&word) { word } else { EMPTY };
        let message = message.map_or_else(|| format!("the model ended with {word} and delivered nothing"), str::to_owned);
        return Err(WireError { message, code: Some(code.to_owned()), kind: Some(UNUSABLE.to_owned()), ..WireError::default() });
    }
    Ok(if delivered.call { StopReason::ToolCalls } else { StopReason::Stop })
}

/// A prompt that was blocked: `promptFeedback.blockReason`, and no candidates.
pub(super) fn blocked(reason: &str, message: Option<&str>) -> WireError {
    filtered("the prompt", reason, message)
}

fn filtered(what: &str, word: &str, message: Option<&str>) -> WireError {
    let message = match message {
        Some(message) => format!("{what} was blocked ({word}): {message}"),
        None => format!("{what} was blocked ({word})"),
    };
    WireError { message, code: Some(word.to_owned()), kind: Some(FILTERED.to_owned()), ..WireError::default() }
}

/// The reverse.
pub(super) const fn word(reason: StopReason) -> &'static str {
    match reason {
        StopReason::Stop | StopReason::ToolCalls => "STOP",
        StopReason::Length => "MAX_TOKENS",
        StopReason::ContentFilter => "SAFETY",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(word: &str, anything: bool, call: bool, expected: Result<StopReason, &str>) {
        let found = stop_reason(word, None, Delivered { anything, call, counted: anything });
        assert_eq!(found.map_err(|error| error.kind.unwrap()), expected.map_err(str::to_owned), "{word} {anything} {call}");
    }

    #[test]
    fn a_reason_means_something_else_when_nothing_was_delivered() {
        check("STOP", true, false, Ok(StopReason::Stop));
        check("STOP", true, true, Ok(StopReason::ToolCalls));
        check("STOP", false, false, Err(UNUSABLE));
        check("MODEL_ARMOR", true, false, Ok(StopReason::ContentFilter));
        check("MODEL_ARMOR", false, false, Err(FILTERED));
        check("MAX_TOKENS", true, false, Ok(StopReason::Length));
        check("MAX_TOKENS", false, false, Ok(StopReason::Length));
        for word in FILTERS {
            check(word, true, false, Ok(StopReason::ContentFilter));
            check(word, false, false, Err(FILTERED));
        }
        for word in FAULTS {
            check(word, true, false, Ok(StopReason::Stop));
            check(word, false, false, Err(UNUSABLE));
        }
        let counted = |word: &str| stop_reason(word, None, Delivered { counted: true, ..Delivered::default() });
        assert_eq!(counted("STOP"), Ok(StopReason::Stop));
        assert!(counted("NO_IMAGE").is_err() && counted("SAFETY").is_err());
        check("SOMETHING_NEW", true, true, Ok(StopReason::ToolCalls));
    }
}

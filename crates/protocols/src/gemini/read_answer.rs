//! An upstream's whole answer: a stream of one chunk.

use super::finish::{EMPTY, FILTERED};
use super::side::{self, Side};
use super::stream_reader::Reader;
use crate::conversation::{Answer, AnswerEvent, Collector};
use crate::openai::error::WireError;
use crate::wire::{AnswerFacts, BadAnswer, BadEvent, Reading, SideReader, StreamReader};

/// Reads the body of a 200 that passes by.
///
/// # Errors
/// [`BadAnswer`] if it holds no answer.
pub fn answer_facts(body: &[u8]) -> Result<AnswerFacts, BadAnswer> {
    let facts = Side::default().event(body, Reading::Full).map_err(unparseable)?;
    match facts.error {
        Some(error) => Err(bad(error)),
        None if facts.useful || facts.finish.is_some() => Ok(AnswerFacts { usage: facts.usage }),
        None => Err(BadAnswer::Empty),
    }
}

/// Reads the body of a 200 into the inner form.
///
/// # Errors
/// [`BadAnswer`] if it holds no answer.
pub fn read_answer(body: &[u8]) -> Result<Answer, BadAnswer> {
    let mut events = Vec::new();
    Reader::default().event(body, &mut events).map_err(unparseable)?;
    let (mut collector, mut answered) = (Collector::default(), false);
    for event in events {
        if let AnswerEvent::Error(error) = event {
            return Err(bad(error));
        }
        answered |= event.is_useful() || matches!(event, AnswerEvent::Stop(_));
        collector.push(event);
    }
    if answered { Ok(collector.finish()) } else { Err(BadAnswer::Empty) }
}

/// All text of an answer, for counting what an upstream did not count.
#[must_use]
pub fn delivered_text(body: &[u8]) -> String {
    let mut text = String::new();
    side::delivered_text(body, &mut text);
    text
}

fn unparseable(error: BadEvent) -> BadAnswer {
    BadAnswer::Unparseable(error.0)
}

fn bad(error: WireError) -> BadAnswer {
    match (error.kind.as_deref(), error.code.as_deref()) {
        (Some(FILTERED), _) => BadAnswer::Filtered(error.message),
        (_, Some(EMPTY)) => BadAnswer::Empty,
        (_, _) => BadAnswer::Error(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conversation::{Part, StopReason};
    use crate::openai::failure::classify;
    use easyai_core::failure::Category;

    const WHOLE: &str = r#"{"candidates":[{"index":0,"finishReason":"STOP","content":{"role":"model","parts":[
        {"text":"thinking","thought":true},{"text":"hi","thoughtSignature":"s1"},
        {"functionCall":{"name":"f","args":{"a":1}},"thoughtSignature":"s2"},{"inlineData":{"mimeType":"image/png","data":"AA=="}}]},
        "safetyRatings":[],"groundingMetadata":{},"avgLogprobs":-0.1}],"modelVersion":"m-001","responseId":"r_1",
        "usageMetadata":{"promptTokenCount":9,"candidatesTokenCount":3,"thoughtsTokenCount":20,"totalTokenCount":32}}"#;

    #[test]
    fn a_whole_answer_is_read_in_order() {
        let answer = read_answer(WHOLE.as_bytes()).unwrap();
        assert_eq!((answer.id.as_deref(), answer.model.as_deref()), (Some("r_1"), Some("m-001")));
        assert_eq!(answer.stop.reason, StopReason::ToolCalls);
        let [Part::Reasoning(thought), Part::Text(text), Part::ToolCall(call), Part::Image(_)] = answer.parts.as_slice() else {
            panic!("{:?}", answer.parts)
        };
        assert_eq!((thought.text.as_str(), text.text.as_str()), ("thinking", "hi"));
        assert_eq!(text.opaque.as_ref().map(|opaque| opaque.data.as_str()), Some("s1"));
        assert_eq!((call.id.as_str(), call.name.as_str(), call.arguments.as_str()), ("call_r_1_0", "f", r#"{"a":1}"#));
        assert_eq!(call.opaque.as_ref().map(|opaque| opaque.data.as_str()), Some("s2"));
        let usage = answer.usage.unwrap();
        assert_eq!((usage.input_tokens, usage.output_tokens, usage.reasoning_tokens), (9, 23, 20));
        assert_eq!(answer_facts(WHOLE.as_bytes()), Ok(AnswerFacts { usage: Some(usage) }));
        assert_eq!(delivered_text(WHOLE.as_bytes()), r#"thinkinghif{"a":1}"#);
    }

    fn refused(body: &str, expected: &BadAnswer) {
        assert_eq!(read_answer(body.as_bytes()).as_ref().err(), Some(expected), "{body}");
        assert_eq!(answer_facts(body.as_bytes()).as_ref().err(), Some(expected), "{body}");
    }

    #[test]
    fn a_200_that_is_no_answer_is_told_from_one() {
        let filtered = |message: &str| BadAnswer::Filtered(message.to_owned());
        refused(
            r#"{"promptFeedback":{"blockReason":"SAFETY"},"usageMetadata":{"promptTokenCount":4}}"#,
            &filtered("the prompt was blocked (SAFETY)"),
        );
        refused(
            r#"{"candidates":[{"content":{},"finishReason":"PROHIBITED_CONTENT","finishMessage":"no"}]}"#,
            &filtered("the answer was blocked (PROHIBITED_CONTENT): no"),
        );
        for empty in [
            "{}",
            r#"{"candidates":[]}"#,
            r#"{"candidates":[{"content":{"parts":[{"text":""}]},"finishReason":"STOP"}]}"#,
            r#"{"candidates":[{"finishReason":"STOP"}]}"#,
            r#"{"candidates":null,"usageMetadata":{"promptTokenCount":4}}"#,
            "[]",
        ] {
            refused(empty, &BadAnswer::Empty);
        }
        for body in ["", "<html>", "{\"candidates\":[", "\"text\"", "null"] {
            assert!(matches!(read_answer(body.as_bytes()), Err(BadAnswer::Unparseable(_))), "{body}");
            assert!(matches!(answer_facts(body.as_bytes()), Err(BadAnswer::Unparseable(_))), "{body}");
        }
    }

    #[test]
    fn a_fault_of_the_model_is_a_bad_response() {
        let body = r#"{"candidates":[{"content":{},"finishReason":"MALFORMED_FUNCTION_CALL","finishMessage":"m"}]}"#;
        let Err(BadAnswer::Error(error)) = read_answer(body.as_bytes()) else { panic!("{body}") };
        assert_eq!((error.code.as_deref(), error.message.as_str()), (Some("MALFORMED_FUNCTION_CALL"), "m"));
        assert_eq!(classify(Some(200), &error, &|_| None).category, Category::BadResponse);
    }

    #[test]
    fn thinking_until_the_end_is_an_answer_cut_off() {
        let answer = read_answer(br#"{"candidates":[{"content":{"role":"model"},"finishReason":"MAX_TOKENS"}]}"#).unwrap();
        assert_eq!((answer.parts.len(), answer.stop.reason), (0, StopReason::Length));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>, at in 0usize..600, with: u8) {
            let _whatever = (read_answer(&bytes), answer_facts(&bytes), delivered_text(&bytes));
            let mut mutated = WHOLE.as_bytes().to_vec();
            let at = at % mutated.len();
            mutated[at] = with;
            let _whatever = (read_answer(&mutated), answer_facts(&mutated), delivered_text(&mutated));
        }
    }
}

//! A whole answer for a caller.

use bytes::Bytes;
use easyai_core::usage::Usage;

use super::arguments;
use super::citation;
use super::content::{Content, FunctionCall, Part as Wire};
use super::finish;
use super::signature;
use super::stream_writer::{Candidate, Response};
use super::usage::Shown;
use crate::conversation::{Answer, Citation, Part};
use crate::wire::Envelope;

/// The answer as a `GenerateContentResponse`.
#[must_use]
pub fn write_answer(answer: &Answer, usage: &Usage, envelope: &Envelope) -> Bytes {
    let mut parts: Vec<Wire<'_>> = Vec::with_capacity(answer.parts.len());
    let (mut said, mut citations) = (String::new(), Vec::new());
    for part in &answer.parts {
        parts.extend(wire(part));
        if let Part::Text(text) = part {
            // A text's citations count from its own beginning.
            let before = said.chars().count() as u64;
            citations.extend(text.citations.iter().map(|citation| moved(citation, before)));
            said.push_str(&text.text);
        }
    }
    if parts.is_empty() {
        // Google's SDKs take an answer without parts for an invalid one.
        parts.push(Wire::text(""));
    }
    let candidate = Candidate {
        content: Content { role: "model", parts },
        finish_reason: Some(finish::word(answer.stop.reason)),
        index: 0,
        grounding_metadata: citation::show(&citations, &said),
    };
    let response = Response {
        candidates: [candidate],
        usage_metadata: Some(Shown::from(usage)),
        model_version: answer.model.as_deref().unwrap_or(&envelope.model),
        response_id: answer.id.as_deref().unwrap_or(&envelope.id),
    };
    // Nothing in it can fail to be written: every key is text.
    serde_json::to_vec(&response).unwrap_or_default().into()
}

fn wire(part: &Part) -> Option<Wire<'_>> {
    Some(match part {
        Part::Text(text) => Wire::text(&text.text).signed(text.opaque.as_ref().map(signature::write)),
        Part::Refusal(text) => Wire::text(text),
        Part::Reasoning(thought) => Wire::thought(&thought.text).signed(thought.opaque.as_ref().map(signature::write)),
        Part::ToolCall(call) => {
            let args = arguments::object(&call.arguments, call.custom);
            Wire::call(FunctionCall { id: &call.id, name: &call.name, args }).signed(call.opaque.as_ref().map(signature::write))
        }
        Part::Image(media) => Wire::media(media),
        // No model answers with these in a text protocol.
        Part::Audio(_) | Part::Video(_) | Part::File(_) | Part::ToolResult(_) => return None,
    })
}

fn moved(citation: &Citation, by: u64) -> Citation {
    let span = citation.span.map(|(from, to)| (from.saturating_add(by), to.saturating_add(by)));
    Citation { span, ..citation.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conversation::{Opaque, OpaqueOwner, Reasoning, Stop, StopReason, Text, ToolCall};
    use crate::gemini::read_answer::read_answer;

    fn envelope() -> Envelope {
        Envelope {
            id: "task".to_owned(),
            created_at: 0,
            model: "asked".into(),
            include_usage: false,
            input_tokens: 0,
            request: Bytes::new(),
        }
    }

    fn answer(parts: Vec<Part>, reason: StopReason) -> Answer {
        Answer { parts, stop: Stop { reason, sequence: None }, ..Answer::default() }
    }

    #[test]
    fn an_answer_has_googles_shape() {
        let call = ToolCall { id: "c".to_owned(), name: "f".to_owned(), arguments: r#"{"a":1}"#.to_owned(), custom: false, opaque: None };
        let written = write_answer(
            &answer(
                vec![
                    Part::Reasoning(Reasoning { text: "hm".to_owned(), opaque: None }),
                    Part::Text(Text { opaque: Some(Opaque { owner: OpaqueOwner::Gemini, data: "s".to_owned() }), ..Text::plain("hi") }),
                    Part::ToolCall(call),
                ],
                StopReason::ToolCalls,
            ),
            &Usage { reasoning_tokens: 2, ..Usage::counted(5, 3) },
            &envelope(),
        );
        assert_eq!(
            std::str::from_utf8(&written).unwrap(),
            r#"{"candidates":[{"content":{"role":"model","parts":[{"text":"hm","thought":true},{"text":"hi","thoughtSignature":"s"},{"functionCall":{"id":"c","name":"f","args":{"a":1}}}]},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":1,"totalTokenCount":8,"thoughtsTokenCount":2},"modelVersion":"asked","responseId":"task"}"#
        );
    }

    #[test]
    fn what_is_written_is_read_back() {
        let cited = |url: &str, span| Citation { url: Some(url.to_owned()), span: Some(span), ..Citation::default() };
        let original = Answer {
            id: Some("r".to_owned()),
            model: Some("m".to_owned()),
            parts: vec![
                Part::Reasoning(Reasoning {
                    text: "hm".to_owned(),
                    opaque: Some(Opaque { owner: OpaqueOwner::Gemini, data: "s".to_owned() }),
                }),
                Part::Text(Text { citations: vec![cited("u", (0, 1)), cited("v", (1, 2))], ..Text::plain("é漢!") }),
            ],
            stop: Stop { reason: StopReason::Length, sequence: None },
            usage: None,
        };
        let usage = Usage { source: easyai_core::usage::UsageSource::Upstream, ..Usage::counted(5, 3) };
        let read = read_answer(&write_answer(&original, &usage, &envelope())).unwrap();
        assert_eq!(read, Answer { usage: Some(usage), ..original });
    }

    #[test]
    fn an_answer_without_parts_still_has_one() {
        let written = write_answer(&answer(Vec::new(), StopReason::ContentFilter), &Usage::counted(1, 0), &envelope());
        assert!(written.starts_with(br#"{"candidates":[{"content":{"role":"model","parts":[{"text":""}]},"finishReason":"SAFETY""#));
    }
}

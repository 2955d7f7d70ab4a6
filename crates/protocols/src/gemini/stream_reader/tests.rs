//! Streams as they are recorded, whole and in pieces.

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::sse;

fn events(bytes: &[u8], piece: usize) -> Vec<AnswerEvent> {
    let (mut sse, mut reader, mut events) = (sse::Reader::new(1 << 20), Reader::default(), Vec::new());
    let mut pull = |sse: &mut sse::Reader| {
        while let Some(event) = sse.next().unwrap() {
            reader.event(&event.data, &mut events).unwrap();
        }
    };
    for piece in bytes.chunks(piece) {
        sse.push(Bytes::copy_from_slice(piece));
        pull(&mut sse);
    }
    sse.finish();
    pull(&mut sse);
    events
}

/// The events in short: one word each.
fn short(event: &AnswerEvent) -> String {
    match event {
        AnswerEvent::Begin { id, model } => format!("begin {} {}", id.as_deref().unwrap_or("-"), model.as_deref().unwrap_or("-")),
        AnswerEvent::Text(text) => format!("text {text}"),
        AnswerEvent::TextOpaque(opaque) => format!("text+{}", opaque.data),
        AnswerEvent::Citation(citation) => format!("citation {} {:?}", citation.url.as_deref().unwrap_or("-"), citation.span),
        AnswerEvent::Reasoning(text) => format!("thought {text}"),
        AnswerEvent::ReasoningOpaque(opaque) => format!("thought+{}", opaque.data),
        AnswerEvent::CallBegin { index, id, name, .. } => format!("call {index} {id} {name}"),
        AnswerEvent::CallArguments { index, delta } => format!("args {index} {delta}"),
        AnswerEvent::CallOpaque { index, opaque } => format!("call+{index} {}", opaque.data),
        AnswerEvent::CallEnd { index } => format!("end {index}"),
        AnswerEvent::Image(_) => "image".to_owned(),
        AnswerEvent::Stop(stop) => format!("stop {}", stop.reason),
        AnswerEvent::Usage(usage) => format!("usage {} {}", usage.input_tokens, usage.output_tokens),
        AnswerEvent::Error(error) => format!("error {}", error.code.as_deref().unwrap_or("-")),
        AnswerEvent::Refusal(_) => "refusal".to_owned(),
    }
}

fn check(stream: &str, expected: &[&str]) {
    let whole = events(stream.as_bytes(), stream.len().max(1));
    assert_eq!(whole.iter().map(short).collect::<Vec<_>>(), expected, "{stream}");
    assert_eq!(events(stream.as_bytes(), 5), whole, "in pieces: {stream}");
}

fn stream(chunks: &[&str]) -> String {
    chunks.iter().map(|chunk| format!("data: {chunk}\r\n\r\n")).collect()
}

const RECORDED: &[&str] = &[
    r#"{"candidates":[{"content":{"parts":[{"text":"**Plan**","thought":true}],"role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":15,"totalTokenCount":15},"modelVersion":"gemini-3-pro","responseId":"iRf-1"}"#,
    r#"{"candidates":[{"content":{"parts":[{"text":"Hé"}],"role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":15,"candidatesTokenCount":1,"thoughtsTokenCount":7}}"#,
    r#"{"candidates":[{"content":{"parts":[{"text":"llo"}]},"finishReason":"STOP"}]}"#,
    r#"{"candidates":[]}"#,
    r#"{"candidates":[{"content":{"parts":[{"text":"","thoughtSignature":"sig"}]},"finishReason":"STOP","groundingMetadata":{"groundingChunks":[{"web":{"uri":"u"}}],"groundingSupports":[{"segment":{"endIndex":3},"groundingChunkIndices":[0]}]}}],"usageMetadata":{"promptTokenCount":13,"candidatesTokenCount":3,"thoughtsTokenCount":7}}"#,
];

#[test]
fn thoughts_text_signatures_and_usage_are_read_as_they_come() {
    check(
        &stream(RECORDED),
        &[
            "begin iRf-1 gemini-3-pro",
            "thought **Plan**",
            "usage 15 0",
            "text Hé",
            "usage 15 8",
            "text llo",
            "stop stop",
            "text+sig",
            "citation u Some((0, 2))",
            "usage 13 10",
        ],
    );
}

#[test]
fn calls_come_whole_and_get_ids() {
    let calls = r#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{"a": 1}},"thoughtSignature":"s"},{"functionCall":{"id":"own","name":"g"}}]},"finishReason":"STOP"}],"responseId":"r/1"}"#;
    check(
        &stream(&[calls, r#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"h","args":null}}]}}]}"#]),
        &[
            "begin r/1 -",
            "call 0 call_r_1_0 f",
            r#"args 0 {"a": 1}"#,
            "call+0 s",
            "end 0",
            "call 1 own g",
            "args 1 {}",
            "end 1",
            "stop tool_calls",
            "call 2 call_r_1_2 h",
            "args 2 {}",
            "end 2",
        ],
    );
}

#[test]
fn minted_ids_differ_between_turns_and_not_between_nodes() {
    let id = |prompt_tokens: u32, answer_id: &str| {
        let chunk = format!(
            r#"{{"candidates":[{{"content":{{"parts":[{{"functionCall":{{"name":"f"}}}}]}}}}],"usageMetadata":{{"promptTokenCount":{prompt_tokens}}}{answer_id}}}"#
        );
        let found = events(stream(&[&chunk]).as_bytes(), 1000);
        found.into_iter().find_map(|event| if let AnswerEvent::CallBegin { id, .. } = event { Some(id) } else { None }).unwrap()
    };
    assert_eq!(id(9, ""), id(9, ""));
    assert_ne!(id(9, ""), id(10, ""));
    let long = format!(r#","responseId":"{}""#, "x".repeat(80));
    assert!(id(9, &long).len() <= 40 && id(9, &long) == id(10, &long));
}

#[test]
fn a_stop_that_turns_out_otherwise_is_told_again() {
    check(
        &stream(&[
            r#"{"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"STOP"}]}"#,
            r#"{"candidates":[{"content":{"parts":[{"functionCall":{"id":"c","name":"f"}}]},"finishReason":"STOP"}]}"#,
        ]),
        &["begin - -", "text a", "stop stop", "call 0 c f", "args 0 {}", "end 0", "stop tool_calls"],
    );
}

#[test]
fn pictures_are_kept_and_drafts_and_code_are_not() {
    check(
        &stream(&[
            r#"{"candidates":[{"content":{"parts":[{"inlineData":{"mimeType":"image/png","data":"AA=="},"thought":true},{"inlineData":{"mimeType":"image/png","data":"AA=="},"thoughtSignature":"s"},{"executableCode":{"code":"1"}},{"inlineData":{"mimeType":"audio/L16","data":"AA=="}}]}}]}"#,
        ]),
        &["begin - -", "image", "text+s"],
    );
}

#[test]
fn failures_end_the_stream() {
    let blocked = r#"{"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"},"usageMetadata":{"promptTokenCount":4},"responseId":"r"}"#;
    check(&stream(&[blocked]), &["begin r -", "usage 4 0", "error PROHIBITED_CONTENT"]);
    let malformed = r#"{"candidates":[{"content":{},"finishReason":"MALFORMED_FUNCTION_CALL"}]}"#;
    check(&stream(&[malformed]), &["begin - -", "error MALFORMED_FUNCTION_CALL"]);
    check(&stream(&[r#"{"candidates":[{"content":{"parts":[{"text":"a"}]}}]}"#, malformed]), &["begin - -", "text a", "stop stop"]);
    // As Google writes a failure in the middle: many lines, and no `data:`.
    let late = "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"}]}}]}\r\n\r\n{\r\n  \"error\": {\r\n    \"code\": 503,\r\n    \"message\": \"a } in text\",\r\n    \"status\": \"UNAVAILABLE\"\r\n  }\r\n}\r\n";
    check(late, &["begin - -", "text a", "error 503"]);
    check("[{\n  \"error\": {\n    \"code\": 429\n  }\n}\n]\n", &["error 429"]);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes: Vec<u8>, chunk in 0..RECORDED.len(), at: usize, with: u8) {
        let mut out = Vec::new();
        let _whatever = Reader::default().event(&bytes, &mut out);
        let mut mutated = RECORDED[chunk].as_bytes().to_vec();
        let at = at % mutated.len();
        mutated[at] = with;
        let _whatever = Reader::default().event(&mutated, &mut out);
    }
}

//! Streams of other providers, as an Anthropic SDK sees them.

use bytes::Bytes;

use super::*;
use crate::anthropic::stream_reader::Reader;
use crate::conversation::{Answer, Collector, Media, Part, Reasoning, Source, StopReason, Text, ToolCall};
use crate::sse;
use crate::wire::StreamReader;

fn envelope() -> Envelope {
    Envelope { id: "01J".to_owned(), created_at: 0, model: "m".into(), include_usage: false, input_tokens: 7, request: Bytes::new() }
}

fn stream(events: Vec<AnswerEvent>, reason: StopReason) -> String {
    let (mut writer, mut out) = (Writer::new(envelope()), BytesMut::new());
    events.into_iter().for_each(|event| writer.event(event, &mut out));
    writer.end(&Stop { reason, sequence: None }, &Usage::counted(9, 4), &mut out);
    String::from_utf8(out.to_vec()).unwrap()
}

/// The blocks of a stream in short: `0 text`, `0+ text_delta hi`, `0.`. Each frame's name is its data's type.
fn blocks(events: Vec<AnswerEvent>) -> Vec<String> {
    let stream = stream(events, StopReason::Stop);
    let mut short = Vec::new();
    for frame in stream.split_terminator("\n\n") {
        let (name, data) = frame.strip_prefix("event: ").unwrap().split_once("\ndata: ").unwrap();
        let value: serde_json::Value = serde_json::from_str(data).unwrap();
        assert_eq!(value["type"], name);
        let index = &value["index"];
        match name {
            "content_block_start" => short.push(format!("{index} {}", value["content_block"])),
            "content_block_delta" => {
                let mut delta = value["delta"].as_object().unwrap().clone();
                let kind = delta.shift_remove("type").unwrap();
                let (_, piece) = delta.into_iter().next().unwrap();
                short.push(format!("{index}+ {} {}", kind.as_str().unwrap(), piece.as_str().map_or(piece.to_string(), str::to_owned)));
            }
            "content_block_stop" => short.push(format!("{index}.")),
            "message_delta" => short.push(value["delta"]["stop_reason"].as_str().unwrap().to_owned()),
            "message_start" | "message_stop" => {}
            other => panic!("{other}"),
        }
    }
    short
}

fn check(events: Vec<AnswerEvent>, expected: &[&str]) {
    assert_eq!(blocks(events), expected);
}

fn text(delta: &str) -> AnswerEvent {
    AnswerEvent::Text(delta.to_owned())
}

fn thinks(delta: &str) -> AnswerEvent {
    AnswerEvent::Reasoning(delta.to_owned())
}

fn begins(index: usize) -> AnswerEvent {
    AnswerEvent::CallBegin { index, id: format!("call_{index}"), name: "f".to_owned(), custom: false }
}

fn arguments(index: usize, delta: &str) -> AnswerEvent {
    AnswerEvent::CallArguments { index, delta: delta.to_owned() }
}

const fn ends(index: usize) -> AnswerEvent {
    AnswerEvent::CallEnd { index }
}

fn opaque(owner: OpaqueOwner) -> Opaque {
    Opaque { owner, data: "D".to_owned() }
}

#[test]
fn a_stream_has_every_frame_that_sdks_expect() {
    let begin = AnswerEvent::Begin { id: Some("chatcmpl-1".to_owned()), model: Some("up".to_owned()) };
    assert_eq!(
        stream(vec![begin, text("h\n"), text("i")], StopReason::Length),
        r#"event: message_start
data: {"type":"message_start","message":{"id":"msg_01J","type":"message","role":"assistant","model":"up","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":7,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":0}}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"h\n"}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"i"}}

event: content_block_stop
data: {"type":"content_block_stop","index":0}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"max_tokens","stop_sequence":null},"usage":{"input_tokens":9,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":4}}

event: message_stop
data: {"type":"message_stop"}

"#
    );
    assert!(stream(vec![], StopReason::Stop).starts_with("event: message_start\n"), "even if nothing was said");
}

#[test]
fn thinking_ends_with_a_signature_before_text_begins() {
    let thinking = r#"0 {"type":"thinking","thinking":"","signature":""}"#;
    let text_block = r#"1 {"type":"text","text":""}"#;
    check(
        vec![thinks("hm"), AnswerEvent::ReasoningOpaque(opaque(OpaqueOwner::AnthropicSignature)), text("hi")],
        &[thinking, "0+ thinking_delta hm", "0+ signature_delta D", "0.", text_block, "1+ text_delta hi", "1.", "end_turn"],
    );
    check(
        vec![thinks("h"), thinks("m"), text("hi")],
        &[
            thinking,
            "0+ thinking_delta h",
            "0+ thinking_delta m",
            "0+ signature_delta easyai:1:none:",
            "0.",
            text_block,
            "1+ text_delta hi",
            "1.",
            "end_turn",
        ],
    );
    check(
        vec![AnswerEvent::ReasoningOpaque(opaque(OpaqueOwner::Openai)), thinks("more")],
        &[
            thinking,
            "0+ signature_delta easyai:1:openai:D",
            "0.",
            r#"1 {"type":"thinking","thinking":"","signature":""}"#,
            "1+ thinking_delta more",
            "1+ signature_delta easyai:1:none:",
            "1.",
            "end_turn",
        ],
    );
    check(
        vec![AnswerEvent::ReasoningOpaque(opaque(OpaqueOwner::AnthropicRedacted))],
        &[r#"0 {"type":"redacted_thinking","data":"D"}"#, "0.", "end_turn"],
    );
}

#[test]
fn calls_that_alternate_come_one_after_the_other() {
    let block = |index: usize| format!(r#"{index} {{"type":"tool_use","id":"call_{index}","name":"f","input":{{}}}}"#);
    let (first, second) = (block(0), block(1));
    check(
        vec![begins(0), arguments(0, "{\"a\""), begins(1), arguments(1, "{\"b\""), arguments(0, ":1}"), arguments(1, ":2}")],
        &[
            &first,
            "0+ input_json_delta {\"a\"",
            "0+ input_json_delta :1}",
            "0.",
            &second,
            "1+ input_json_delta {\"b\":2}",
            "1.",
            "tool_use",
        ],
    );
    check(
        vec![begins(0), begins(1), arguments(1, "{}"), ends(1), arguments(0, "{"), arguments(0, "}"), ends(0), text("so")],
        &[
            &first,
            "0+ input_json_delta {",
            "0+ input_json_delta }",
            "0.",
            &second,
            "1+ input_json_delta {}",
            "1.",
            r#"2 {"type":"text","text":""}"#,
            "2+ text_delta so",
            "2.",
            "tool_use",
        ],
    );
    check(vec![begins(0), arguments(7, "{}"), ends(7)], &[&first, "0.", "tool_use"]);
}

#[test]
fn a_call_that_has_ended_is_written_at_once() {
    let (mut writer, mut out) = (Writer::new(envelope()), BytesMut::new());
    [begins(0), begins(1), arguments(1, "{}"), ends(0)].into_iter().for_each(|event| writer.event(event, &mut out));
    let written = String::from_utf8(out.to_vec()).unwrap();
    assert!(written.ends_with("\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{}\"}}\n\n"), "{written}");
}

#[test]
fn state_of_a_call_or_a_text_stands_right_behind_it() {
    let call = r#"0 {"type":"tool_use","id":"call_0","name":"f","input":{}}"#;
    let state = r#"1 {"type":"redacted_thinking","data":"easyai:1:gemini:D"}"#;
    let call_state = || AnswerEvent::CallOpaque { index: 0, opaque: opaque(OpaqueOwner::Gemini) };
    let second = r#"2 {"type":"tool_use","id":"call_1","name":"f","input":{}}"#;
    check(vec![begins(0), begins(1), call_state(), ends(0)], &[call, "0.", state, "1.", second, "2.", "tool_use"]);
    check(vec![begins(0), ends(0), call_state(), begins(1)], &[call, "0.", state, "1.", second, "2.", "tool_use"]);
    check(
        vec![text("a"), AnswerEvent::TextOpaque(opaque(OpaqueOwner::Gemini)), text("b")],
        &[
            r#"0 {"type":"text","text":""}"#,
            "0+ text_delta a",
            "0.",
            state,
            "1.",
            r#"2 {"type":"text","text":""}"#,
            "2+ text_delta b",
            "2.",
            "end_turn",
        ],
    );
}

#[test]
fn what_has_no_block_of_its_own_is_text() {
    let block = r#"0 {"type":"text","text":""}"#;
    check(vec![AnswerEvent::Refusal("No.".to_owned())], &[block, "0+ text_delta No.", "0.", "refusal"]);
    let source = Source::Inline { media_type: "image/png".to_owned(), data: "AAAA".to_owned() };
    let image = AnswerEvent::Image(Media { source, name: None, detail: None });
    check(vec![image], &[block, "0+ text_delta ![image](data:image/png;base64,AAAA)", "0.", "end_turn"]);
    let citation = Citation { url: Some("https://a".to_owned()), title: Some("A".to_owned()), ..Citation::default() };
    let written = r#"0+ citations_delta {"type":"web_search_result_location","url":"https://a","title":"A","cited_text":"","encrypted_index":"easyai:1:none:"}"#;
    check(vec![text("a"), AnswerEvent::Citation(citation)], &[block, "0+ text_delta a", written, "0.", "end_turn"]);
    let custom = AnswerEvent::CallBegin { index: 0, id: "c".to_owned(), name: "f".to_owned(), custom: true };
    check(
        vec![custom, arguments(0, "a \"b"), arguments(0, "\n"), ends(0)],
        &[
            r#"0 {"type":"tool_use","id":"c","name":"f","input":{}}"#,
            "0+ input_json_delta {\"input\":\"",
            "0+ input_json_delta a \\\"b",
            "0+ input_json_delta \\n",
            "0+ input_json_delta \"}",
            "0.",
            "tool_use",
        ],
    );
}

#[test]
fn a_failure_is_an_event_and_closes_nothing() {
    let (mut writer, mut out) = (Writer::new(envelope()), BytesMut::new());
    writer.event(text("a"), &mut out);
    out.clear();
    writer.error(ErrorCode::UpstreamError, "gone", &mut out);
    assert_eq!(
        &out[..],
        b"event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"gone\"},\"request_id\":null}\n\n"
    );
}

#[test]
fn what_is_written_reads_back() {
    let answer = Answer {
        parts: vec![
            Part::Reasoning(Reasoning { text: "hm".to_owned(), opaque: Some(opaque(OpaqueOwner::AnthropicSignature)) }),
            Part::Reasoning(Reasoning { text: String::new(), opaque: Some(opaque(OpaqueOwner::AnthropicRedacted)) }),
            Part::Text(Text::plain("hi \"you\"\n")),
            Part::ToolCall(ToolCall {
                id: "c".to_owned(),
                name: "f".to_owned(),
                arguments: "{\"a\":1}".to_owned(),
                custom: false,
                opaque: None,
            }),
        ],
        ..Answer::default()
    };
    let written = stream(answer.clone().into_events(), StopReason::ToolCalls);
    let (mut frames, mut reader, mut events) = (sse::Reader::new(1 << 20), Reader::default(), Vec::new());
    frames.push(Bytes::from(written));
    while let Some(event) = frames.next().unwrap() {
        reader.event(&event.data, &mut events).unwrap();
    }
    let mut collector = Collector::default();
    events.into_iter().for_each(|event| collector.push(event));
    assert_eq!(collector.finish().parts, answer.parts);
}

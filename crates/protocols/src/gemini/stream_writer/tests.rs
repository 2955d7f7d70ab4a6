//! What a caller's SDK reads, byte for byte.

use bytes::Bytes;

use super::*;
use crate::conversation::{OpaqueOwner, StopReason};
use crate::gemini::stream_reader::Reader;
use crate::sse;
use crate::wire::StreamReader;

fn envelope() -> Envelope {
    Envelope { id: "task".to_owned(), created_at: 0, model: "asked".into(), include_usage: false, input_tokens: 0, request: Bytes::new() }
}

fn write(framing: Framing, events: Vec<AnswerEvent>) -> String {
    let (mut writer, mut out) = (Writer::new(envelope(), framing), BytesMut::new());
    for event in events {
        writer.event(event, &mut out);
    }
    writer.end(&Stop { reason: StopReason::ToolCalls, sequence: None }, &Usage { reasoning_tokens: 1, ..Usage::counted(5, 3) }, &mut out);
    String::from_utf8(out.to_vec()).unwrap()
}

fn begin() -> AnswerEvent {
    AnswerEvent::Begin { id: None, model: None }
}

fn call(index: usize, deltas: &[&str]) -> Vec<AnswerEvent> {
    let begin = AnswerEvent::CallBegin { index, id: format!("c{index}"), name: format!("f{index}"), custom: false };
    let deltas = deltas.iter().map(|delta| AnswerEvent::CallArguments { index, delta: (*delta).to_owned() });
    std::iter::once(begin).chain(deltas).collect()
}

fn chunk(part: &str) -> String {
    format!(r#"{{"candidates":[{{"content":{{"role":"model","parts":[{part}]}},"index":0}}],"modelVersion":"asked","responseId":"task"}}"#)
}

fn last(parts: &str) -> String {
    format!(
        r#"{{"candidates":[{{"content":{{"role":"model","parts":[{parts}]}},"finishReason":"STOP","index":0}}],"usageMetadata":{{"promptTokenCount":5,"candidatesTokenCount":2,"totalTokenCount":8,"thoughtsTokenCount":1}},"modelVersion":"asked","responseId":"task"}}"#
    )
}

/// The part of a last chunk that brings nothing.
const EMPTY: &str = r#"{"text":"","thoughtSignature":"ZWFzeWFpOjE6bm9uZTo="}"#;

#[test]
fn frames_are_data_lines_alone() {
    let written = write(Framing::Events, vec![begin(), AnswerEvent::Reasoning("hm".to_owned()), AnswerEvent::Text("a\nb".to_owned())]);
    let expected = [chunk(r#"{"text":"hm","thought":true}"#), chunk(r#"{"text":"a\nb"}"#), last(EMPTY)];
    assert_eq!(written, expected.map(|chunk| format!("data: {chunk}\r\n\r\n")).concat());
}

#[test]
fn an_array_is_closed() {
    let written = write(Framing::Array, vec![begin(), AnswerEvent::Text("a".to_owned())]);
    assert_eq!(written, format!("[{},\r\n{}]", chunk(r#"{"text":"a"}"#), last(EMPTY)));
}

#[test]
fn a_call_waits_until_it_is_complete() {
    let mut events = call(0, &["{\"a\"", ":1}"]);
    events.extend(call(1, &["{\"b\":"]));
    events.push(AnswerEvent::CallOpaque { index: 0, opaque: Opaque { owner: OpaqueOwner::Gemini, data: "s".to_owned() } });
    events.push(AnswerEvent::CallEnd { index: 0 });
    let first = r#"{"functionCall":{"id":"c0","name":"f0","args":{"a":1}},"thoughtSignature":"s"}"#;
    let second = r#"{"functionCall":{"id":"c1","name":"f1","args":{"input":"{\"b\":"}}}"#;
    assert_eq!(write(Framing::Events, events), format!("data: {}\r\n\r\ndata: {}\r\n\r\n", chunk(first), last(second)));
}

#[test]
fn somebody_elses_state_is_wrapped_for_the_sdks() {
    let opaque = Opaque { owner: OpaqueOwner::AnthropicSignature, data: "EqQ=".to_owned() };
    let written = write(Framing::Events, vec![AnswerEvent::ReasoningOpaque(opaque.clone())]);
    let signature = written.split("\"thoughtSignature\":\"").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!(signature::read(signature.to_owned()), Some(opaque));
}

#[test]
fn sources_come_with_the_last_chunk() {
    let citation = Citation { url: Some("u".to_owned()), span: Some((0, 1)), ..Citation::default() };
    let written = write(Framing::Events, vec![AnswerEvent::Text("a".to_owned()), AnswerEvent::Citation(citation)]);
    assert!(written.contains(r#""index":0,"groundingMetadata":{"groundingChunks":[{"web":{"uri":"u"}}]}}]"#), "{written}");
}

#[test]
fn a_failure_raises_in_googles_sdks() {
    let (mut writer, mut out) = (Writer::new(envelope(), Framing::Events), BytesMut::new());
    writer.error(ErrorCode::UpstreamTimeout, "late", &mut out);
    assert!(out.starts_with(br#"data: {"error":{"code":504,"message":"late","status":"DEADLINE_EXCEEDED""#));
    assert!(out.ends_with(b"\r\n\r\n"));
}

#[test]
fn what_is_written_is_read_back() {
    let mut events = vec![begin(), AnswerEvent::Reasoning("hm".to_owned()), AnswerEvent::Text("é".to_owned())];
    events.extend(call(0, &["{}"]));
    events.push(AnswerEvent::CallEnd { index: 0 });
    let written = write(Framing::Events, events.clone());
    for piece in [5, 10_000] {
        let (mut sse, mut reader, mut read) = (sse::Reader::new(1 << 20), Reader::default(), Vec::new());
        for bytes in written.as_bytes().chunks(piece) {
            sse.push(Bytes::copy_from_slice(bytes));
            while let Some(event) = sse.next().unwrap() {
                reader.event(&event.data, &mut read).unwrap();
            }
        }
        assert_eq!(read.get(1..events.len()), events.get(1..), "{piece}");
    }
}

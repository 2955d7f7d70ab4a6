//! What a chat caller sees, frame by frame.

use bytes::Bytes;

use super::*;
use crate::conversation::{Answer, Citation, Collector, Media, Opaque, OpaqueOwner, Part, Source};
use crate::openai::side::Side;
use crate::openai::stream_reader::Reader;
use crate::wire::{Progress, Reading, SideReader, StreamReader};

fn writer(include_usage: bool) -> Writer {
    let request = Bytes::new();
    Writer::new(Envelope { id: "7".to_owned(), created_at: 3, model: "public".into(), include_usage, input_tokens: 0, request })
}

/// The data of all frames, without what all chunks have in common.
fn frames(out: &BytesMut) -> Vec<String> {
    let text = std::str::from_utf8(out).unwrap();
    let frames = text.split_terminator("\n\n").map(|frame| {
        let data = frame.strip_prefix("data: ").unwrap();
        assert!(!data.contains('\n'), "{data}");
        data.replace(r#"{"id":"chatcmpl-7","object":"chat.completion.chunk","created":3,"model":"public","#, "~")
    });
    frames.collect()
}

fn write(events: Vec<AnswerEvent>) -> Vec<String> {
    let (mut writer, mut out) = (writer(false), BytesMut::new());
    events.into_iter().for_each(|event| writer.event(event, &mut out));
    frames(&out)
}

fn check(event: AnswerEvent, delta: &str) {
    let written = write(vec![event]);
    assert_eq!(written[0], r#"~"choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]}"#);
    assert_eq!(written[1..], [format!(r#"~"choices":[{{"index":0,"delta":{delta},"logprobs":null,"finish_reason":null}}]}}"#)]);
}

fn call(index: usize, custom: bool) -> AnswerEvent {
    AnswerEvent::CallBegin { index, id: "c".to_owned(), name: "f".to_owned(), custom }
}

fn arguments(index: usize, delta: &str) -> AnswerEvent {
    AnswerEvent::CallArguments { index, delta: delta.to_owned() }
}

#[test]
fn every_step_is_one_delta() {
    check(AnswerEvent::Text("a\n\"b\"".to_owned()), r#"{"content":"a\n\"b\""}"#);
    check(AnswerEvent::Reasoning("a".to_owned()), r#"{"reasoning_content":"a"}"#);
    check(AnswerEvent::Refusal("a".to_owned()), r#"{"refusal":"a"}"#);
    check(call(1, false), r#"{"tool_calls":[{"index":1,"id":"c","type":"function","function":{"name":"f","arguments":""}}]}"#);
    check(call(0, true), r#"{"tool_calls":[{"index":0,"id":"c","type":"custom","custom":{"name":"f","input":""}}]}"#);
    check(arguments(2, "{"), r#"{"tool_calls":[{"index":2,"function":{"arguments":"{"}}]}"#);
    let opaque = Opaque { owner: OpaqueOwner::Gemini, data: "s".to_owned() };
    check(
        AnswerEvent::CallOpaque { index: 0, opaque: opaque.clone() },
        r#"{"tool_calls":[{"index":0,"function":{"arguments":""},"extra_content":{"google":{"thought_signature":"s"}}}]}"#,
    );
    assert_eq!(write(vec![AnswerEvent::ReasoningOpaque(opaque), AnswerEvent::CallEnd { index: 0 }]).len(), 1, "chat has no word for them");
    let custom = write(vec![call(0, false), call(1, true), arguments(1, "x")]);
    assert!(custom[3].contains(r#"{"index":1,"custom":{"input":"x"}}"#), "{custom:?}");
}

#[test]
fn lists_come_whole_before_the_end() {
    let citation = |url: &str| {
        AnswerEvent::Citation(Citation { url: Some(url.to_owned()), title: Some("t".to_owned()), cited_text: None, span: None })
    };
    let picture = || {
        let source = Source::Inline { media_type: "image/png".to_owned(), data: "AAAA".to_owned() };
        AnswerEvent::Image(Media { source, name: None, detail: None })
    };
    let (mut writer, mut out) = (writer(false), BytesMut::new());
    let events = [citation("u"), picture(), AnswerEvent::Text("a".to_owned()), citation("v"), picture()];
    events.into_iter().for_each(|event| writer.event(event, &mut out));
    writer.end(&Stop { reason: StopReason::Stop, sequence: None }, &Usage::counted(1, 1), &mut out);
    let delta = |delta: &str| format!(r#"~"choices":[{{"index":0,"delta":{delta},"logprobs":null,"finish_reason":null}}]}}"#);
    let url =
        |url: &str| format!(r#"{{"type":"url_citation","url_citation":{{"url":"{url}","title":"t","start_index":0,"end_index":0}}}}"#);
    let image = r#"{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}"#;
    assert_eq!(
        frames(&out)[1..4],
        [
            delta(r#"{"content":"a"}"#),
            delta(&format!(r#"{{"annotations":[{},{}]}}"#, url("u"), url("v"))),
            delta(&format!(r#"{{"images":[{image},{image}]}}"#)),
        ]
    );
}

#[test]
fn a_function_without_arguments_has_an_empty_object() {
    let empty = r#"{"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]}"#;
    let ended = write(vec![call(0, false), AnswerEvent::CallEnd { index: 0 }, AnswerEvent::CallEnd { index: 0 }]);
    assert!(ended.len() == 3 && ended[2].contains(empty), "{ended:?}");
    let (mut writer, mut out) = (writer(false), BytesMut::new());
    writer.event(call(0, false), &mut out);
    writer.end(&Stop::default(), &Usage::counted(1, 1), &mut out);
    assert!(frames(&out)[2].contains(empty));
    assert_eq!(write(vec![call(0, true), AnswerEvent::CallEnd { index: 0 }]).len(), 2, "a custom tool takes empty text");
}

#[test]
fn the_upstreams_id_and_model_stand_in_every_chunk() {
    let (mut writer, mut out) = (writer(true), BytesMut::new());
    writer.event(AnswerEvent::Begin { id: Some("up-1".to_owned()), model: Some("m".to_owned()) }, &mut out);
    writer.event(AnswerEvent::Text("a".to_owned()), &mut out);
    let usage = Usage { cached_input_tokens: 4, reasoning_tokens: 2, ..Usage::counted(9, 3) };
    writer.end(&Stop { reason: StopReason::Length, sequence: None }, &usage, &mut out);
    let head = r#"{"id":"up-1","object":"chat.completion.chunk","created":3,"model":"m","choices":["#;
    let chunk = |delta: &str, reason: &str| {
        format!(r#"{head}{{"index":0,"delta":{delta},"logprobs":null,"finish_reason":{reason}}}],"usage":null}}"#)
    };
    let expected = [
        chunk(r#"{"role":"assistant","content":""}"#, "null"),
        chunk(r#"{"content":"a"}"#, "null"),
        chunk("{}", "\"length\""),
        format!(
            r#"{head}],"usage":{{"prompt_tokens":9,"completion_tokens":3,"total_tokens":12,"prompt_tokens_details":{{"cached_tokens":4,"cache_write_tokens":0}},"completion_tokens_details":{{"reasoning_tokens":2}}}}}}"#
        ),
        "[DONE]".to_owned(),
    ];
    assert_eq!(frames(&out), expected);
}

#[test]
fn a_caller_who_did_not_ask_for_usage_sees_none() {
    let (mut writer, mut out) = (writer(false), BytesMut::new());
    writer.end(&Stop::default(), &Usage::counted(1, 1), &mut out);
    let written = frames(&out);
    assert_eq!(written.len(), 3);
    assert!(written.iter().all(|frame| !frame.contains("usage")), "{written:?}");
    assert_eq!(written[2], "[DONE]");
}

#[test]
fn a_failure_does_not_close_the_stream_as_if_it_were_complete() {
    let (mut writer, mut out) = (writer(false), BytesMut::new());
    writer.error(ErrorCode::UpstreamError, "gone", &mut out);
    assert!(frames(&out)[0].starts_with(r#"{"error":{"message":"gone""#) && frames(&out).len() == 1);
}

#[test]
fn what_is_written_is_read_back_and_understood_by_the_side_reader() {
    let opaque = Some(Opaque { owner: OpaqueOwner::Gemini, data: "s".to_owned() });
    let tool_call = |id: &str, custom, opaque| {
        Part::ToolCall(crate::conversation::ToolCall {
            id: id.to_owned(),
            name: "f".to_owned(),
            arguments: "{\"a\":1}".to_owned(),
            custom,
            opaque,
        })
    };
    let answer = Answer {
        id: Some("up-1".to_owned()),
        model: Some("m".to_owned()),
        parts: vec![
            Part::Reasoning(crate::conversation::Reasoning { text: "hm".to_owned(), opaque: None }),
            Part::Text(crate::conversation::Text::plain("hé\r\nllo")),
            tool_call("a", false, opaque),
            tool_call("b", true, None),
        ],
        stop: Stop { reason: StopReason::ToolCalls, sequence: None },
        usage: None,
    };
    let (mut writer, mut out) = (writer(false), BytesMut::new());
    answer.clone().into_events().into_iter().for_each(|event| writer.event(event, &mut out));
    writer.end(&answer.stop, &Usage::counted(1, 1), &mut out);
    let (mut reader, mut side, mut events, mut collector) = (Reader::default(), Side::default(), Vec::new(), Collector::default());
    let mut sse = sse::Reader::new(1 << 20);
    sse.push(out.freeze());
    let mut last = (Progress::More, false);
    while let Some(event) = sse.next().unwrap() {
        assert!(event.raw.is_some(), "framed as we pass frames on");
        let facts = side.event(&event.data, Reading::Full).unwrap();
        last = (reader.event(&event.data, &mut events).unwrap(), facts.done);
    }
    assert_eq!(last, (Progress::Done, true));
    events.into_iter().for_each(|event| collector.push(event));
    assert_eq!(collector.finish(), answer);
}

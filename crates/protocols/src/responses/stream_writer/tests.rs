//! Whole streams, as a caller reads them.

use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::accumulate::{accumulate, events};
use super::*;
use crate::conversation::{Answer, Citation, Collector, Media, Opaque, OpaqueOwner, Source};
use crate::responses::write_answer::write_answer;

const STATELESS: &str = r#"{"model":"m","input":"hi","store":false}"#;

fn envelope(request: &str) -> Envelope {
    Envelope {
        id: "01h4".to_owned(),
        created_at: 1_760_000_000,
        model: "m".into(),
        include_usage: true,
        input_tokens: 3,
        request: Bytes::copy_from_slice(request.as_bytes()),
    }
}

fn stream(request: &str, steps: &[AnswerEvent], reason: StopReason) -> BytesMut {
    let (mut writer, mut out) = (Writer::new(envelope(request)), BytesMut::new());
    steps.iter().cloned().for_each(|step| writer.event(step, &mut out));
    writer.end(&Stop { reason, sequence: None }, &Usage::counted(3, 2), &mut out);
    out
}

/// The short form of a stream: the types of its events without `response.`, with `output_index` and what they bring.
fn told(stream: &[u8]) -> String {
    let one = |event: &Value| {
        let kind = event["type"].as_str().unwrap().trim_start_matches("response.").to_owned();
        let index = event.get("output_index").map(Value::to_string).unwrap_or_default();
        let brings = ["delta", "text", "refusal", "arguments", "input"].iter().find_map(|name| event.get(*name)?.as_str());
        brings.map_or(format!("{kind} {index}"), |text| format!("{kind} {index} {text}")).trim_end().to_owned()
    };
    events(stream).iter().map(one).collect::<Vec<_>>().join(" | ")
}

fn check(steps: &[AnswerEvent], reason: StopReason, expected: &str) -> Value {
    let stream = stream(STATELESS, steps, reason);
    assert_eq!(told(&stream), expected);
    accumulate(&stream)
}

fn begin() -> AnswerEvent {
    AnswerEvent::Begin { id: Some("chatcmpl-7".to_owned()), model: Some("up".to_owned()) }
}

fn text(text: &str) -> AnswerEvent {
    AnswerEvent::Text(text.to_owned())
}

fn reasoning(text: &str) -> AnswerEvent {
    AnswerEvent::Reasoning(text.to_owned())
}

fn call(index: usize, custom: bool) -> AnswerEvent {
    AnswerEvent::CallBegin { index, id: format!("call_{index}"), name: format!("f{index}"), custom }
}

fn arguments(index: usize, delta: &str) -> AnswerEvent {
    AnswerEvent::CallArguments { index, delta: delta.to_owned() }
}

fn state(owner: OpaqueOwner) -> Opaque {
    Opaque { owner, data: "s==".to_owned() }
}

#[test]
fn text_byte_by_byte() {
    let stream = stream(r#"{"model":"m","input":"hi"}"#, &[begin(), text("h\"i"), text("!")], StopReason::Stop);
    let object = |status: &str, output: &str, usage: &str| {
        format!(
            r#"{{"id":"resp_01h4","object":"response","created_at":1760000000,"status":"{status}","error":null,"incomplete_details":null,"model":"up","output":[{output}],"background":false,"instructions":null,"max_output_tokens":null,"max_tool_calls":null,"metadata":{{}},"parallel_tool_calls":true,"previous_response_id":null,"prompt_cache_key":null,"reasoning":{{"effort":null,"summary":null}},"safety_identifier":null,"service_tier":"default","store":true,"temperature":1.0,"text":{{"format":{{"type":"text"}}}},"tool_choice":"auto","tools":[],"top_logprobs":0,"top_p":1.0,"truncation":"disabled","user":null,"usage":{usage}}}"#
        )
    };
    let part = |text: &str| format!(r#"{{"type":"output_text","text":"{text}","annotations":[],"logprobs":[]}}"#);
    let item = |status: &str, content: &str| {
        format!(r#"{{"type":"message","id":"msg_easyai_01h4_00","status":"{status}","role":"assistant","content":[{content}]}}"#)
    };
    let whole = item("completed", &part("h\\\"i!"));
    let place = r#""item_id":"msg_easyai_01h4_00","output_index":0,"content_index":0"#;
    let usage = r#"{"input_tokens":3,"input_tokens_details":{"cached_tokens":0,"cache_write_tokens":0},"output_tokens":2,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":5}"#;
    let expected = [
        ("response.created", format!(r#""response":{}"#, object("in_progress", "", "null"))),
        ("response.in_progress", format!(r#""response":{}"#, object("in_progress", "", "null"))),
        ("response.output_item.added", format!(r#""output_index":0,"item":{}"#, item("in_progress", ""))),
        ("response.content_part.added", format!(r#"{place},"part":{}"#, part(""))),
        ("response.output_text.delta", format!(r#"{place},"delta":"h\"i","logprobs":[]"#)),
        ("response.output_text.delta", format!(r#"{place},"delta":"!","logprobs":[]"#)),
        ("response.output_text.done", format!(r#"{place},"text":"h\"i!","logprobs":[]"#)),
        ("response.content_part.done", format!(r#"{place},"part":{}"#, part("h\\\"i!"))),
        ("response.output_item.done", format!(r#""output_index":0,"item":{whole}"#)),
        ("response.completed", format!(r#""response":{}"#, object("completed", &whole, usage))),
    ];
    let frames = expected
        .iter()
        .enumerate()
        .map(|(number, (kind, rest))| format!("event: {kind}\ndata: {{\"type\":\"{kind}\",{rest},\"sequence_number\":{number}}}\n\n"));
    assert_eq!(std::str::from_utf8(&stream).unwrap(), frames.collect::<String>());
    accumulate(&stream);
}

#[test]
fn reasoning_is_an_item_of_its_own_and_gives_its_state_back() {
    let steps = [begin(), reasoning("hm"), AnswerEvent::ReasoningOpaque(state(OpaqueOwner::AnthropicSignature)), text("hi")];
    let response = check(
        &steps,
        StopReason::Stop,
        "created | in_progress | output_item.added 0 | reasoning_summary_part.added 0 | reasoning_summary_text.delta 0 hm \
         | reasoning_summary_text.done 0 hm | reasoning_summary_part.done 0 | output_item.done 0 \
         | output_item.added 1 | content_part.added 1 | output_text.delta 1 hi \
         | output_text.done 1 hi | content_part.done 1 | output_item.done 1 | completed",
    );
    let item = json!({"type": "reasoning", "id": "rs_easyai_01h4_00", "summary": [{"type": "summary_text", "text": "hm"}],
        "encrypted_content": "easyai:1:anthropic_signature:s=="});
    assert_eq!(response["output"][0], item);
}

#[test]
fn opaque_state_is_given_asked_for_or_not() {
    let steps = [reasoning("hm"), AnswerEvent::ReasoningOpaque(state(OpaqueOwner::Openai)), reasoning("so"), text("hi")];
    for request in [STATELESS, r#"{"include":["reasoning.encrypted_content"]}"#, "{}"] {
        let response = accumulate(&stream(request, &steps, StopReason::Stop));
        assert_eq!(response["output"][0]["encrypted_content"], "s==", "OpenAI's own state has no tag: {request}");
        assert_eq!(response["output"].as_array().unwrap().len(), 3, "it ends a piece of reasoning: {request}");
    }
    let bare = [AnswerEvent::ReasoningOpaque(state(OpaqueOwner::AnthropicRedacted)), text("hi")];
    assert_eq!(accumulate(&stream("{}", &bare, StopReason::Stop))["output"][0]["summary"], json!([]));
}

#[test]
fn interleaved_calls_stay_open_and_close_in_order() {
    let steps = [
        begin(),
        text("let me see"),
        call(0, false),
        arguments(0, "{\"a\""),
        call(1, false),
        arguments(1, "{}"),
        arguments(0, ":1}"),
        AnswerEvent::CallEnd { index: 1 },
        AnswerEvent::CallEnd { index: 0 },
    ];
    let response = check(
        &steps,
        StopReason::ToolCalls,
        "created | in_progress | output_item.added 0 | content_part.added 0 | output_text.delta 0 let me see \
         | output_text.done 0 let me see | content_part.done 0 | output_item.done 0 \
         | output_item.added 1 | function_call_arguments.delta 1 {\"a\" | output_item.added 2 | function_call_arguments.delta 2 {} \
         | function_call_arguments.delta 1 :1} | function_call_arguments.done 1 {\"a\":1} | output_item.done 1 \
         | function_call_arguments.done 2 {} | output_item.done 2 | completed",
    );
    let item = json!({"type": "function_call", "id": "fc_easyai_01h4_01", "status": "completed", "call_id": "call_0", "name": "f0",
        "arguments": "{\"a\":1}"});
    assert_eq!(response["output"][1], item);
}

#[test]
fn calls_that_nobody_ends_are_closed_at_the_end() {
    check(
        &[call(0, false), arguments(0, "{}"), call(1, false), text("and")],
        StopReason::ToolCalls,
        "created | in_progress | output_item.added 0 | function_call_arguments.delta 0 {} | output_item.added 1 \
         | output_item.added 2 | content_part.added 2 | output_text.delta 2 and \
         | function_call_arguments.done 0 {} | output_item.done 0 \
         | function_call_arguments.delta 1 {} | function_call_arguments.done 1 {} | output_item.done 1 \
         | output_text.done 2 and | content_part.done 2 | output_item.done 2 | completed",
    );
}

#[test]
fn a_custom_tools_call_has_free_text() {
    let response = check(
        &[begin(), call(0, true), arguments(0, "*** Begin"), arguments(0, "\nX"), AnswerEvent::CallEnd { index: 0 }],
        StopReason::ToolCalls,
        "created | in_progress | output_item.added 0 | custom_tool_call_input.delta 0 *** Begin \
         | custom_tool_call_input.delta 0 \nX | custom_tool_call_input.done 0 *** Begin\nX | output_item.done 0 | completed",
    );
    let item = json!({"type": "custom_tool_call", "id": "ctc_easyai_01h4_00", "status": "completed", "call_id": "call_0", "name": "f0",
        "input": "*** Begin\nX"});
    assert_eq!(response["output"][0], item);
}

#[test]
fn the_state_of_a_call_follows_it() {
    let steps = [
        call(0, false),
        arguments(0, "{}"),
        AnswerEvent::CallOpaque { index: 0, opaque: state(OpaqueOwner::Gemini) },
        AnswerEvent::CallEnd { index: 0 },
        call(1, false),
    ];
    let response = accumulate(&stream(STATELESS, &steps, StopReason::ToolCalls));
    assert_eq!(response["output"][1]["encrypted_content"], "easyai:1:call:call_0:easyai:1:gemini:s==");
    assert_eq!(response["output"][2]["call_id"], "call_1");
}

#[test]
fn a_refusal_is_a_part_of_the_message() {
    let response = check(
        &[text("Well"), AnswerEvent::Refusal("no".to_owned())],
        StopReason::ContentFilter,
        "created | in_progress | output_item.added 0 | content_part.added 0 | output_text.delta 0 Well \
         | output_text.done 0 Well | content_part.done 0 | content_part.added 0 | refusal.delta 0 no \
         | refusal.done 0 no | content_part.done 0 | output_item.done 0 | incomplete",
    );
    assert_eq!(response["incomplete_details"], json!({"reason": "content_filter"}));
    assert_eq!(response["output"][0]["content"][1], json!({"type": "refusal", "refusal": "no"}));
}

#[test]
fn an_answer_that_met_its_bound_is_incomplete() {
    let response = accumulate(&stream(STATELESS, &[text("hi")], StopReason::Length));
    assert_eq!(response["incomplete_details"], json!({"reason": "max_output_tokens"}));
    assert_eq!((&response["status"], &response["output"][0]["status"]), (&json!("incomplete"), &json!("incomplete")));
    assert_eq!(accumulate(&stream(STATELESS, &[], StopReason::Stop))["output"], json!([]));
}

#[test]
fn sources_are_annotations_of_the_text() {
    let citation = |url: Option<&str>, span| {
        AnswerEvent::Citation(Citation { url: url.map(str::to_owned), title: Some("T".to_owned()), cited_text: None, span })
    };
    let steps = [text("häh"), citation(Some("https://a"), None), citation(None, None), citation(Some("https://b"), Some((1, 2)))];
    let response = accumulate(&stream(STATELESS, &steps, StopReason::Stop));
    let annotation =
        |url: &str, start: u64, end: u64| json!({"type": "url_citation", "url": url, "title": "T", "start_index": start, "end_index": end});
    assert_eq!(response["output"][0]["content"][0]["annotations"], json!([annotation("https://a", 0, 3), annotation("https://b", 1, 2)]));
}

#[test]
fn a_picture_is_delivered() {
    let source = Source::Inline { media_type: "image/png".to_owned(), data: "AAAA".to_owned() };
    let response =
        accumulate(&stream(STATELESS, &[text("look"), AnswerEvent::Image(Media { source, name: None, detail: None })], StopReason::Stop));
    assert_eq!(
        response["output"][1],
        json!({"type": "image_generation_call", "id": "ig_easyai_01h4_01", "status": "completed", "result": "AAAA"})
    );
}

#[test]
fn a_failure_after_the_first_delta_closes_nothing() {
    let (mut writer, mut out) = (Writer::new(envelope(STATELESS)), BytesMut::new());
    [begin(), text("hi")].into_iter().for_each(|step| writer.event(step, &mut out));
    writer.error(ErrorCode::UpstreamError, "it broke", &mut out);
    assert!(told(&out).ends_with("| output_text.delta 0 hi | failed"), "{}", told(&out));
    let response = accumulate(&out);
    assert_eq!(response["error"], json!({"code": "upstream_error", "message": "it broke"}));
    assert_eq!((&response["usage"], &response["output"][0]["status"]), (&Value::Null, &json!("incomplete")));
}

fn any_step() -> impl Strategy<Value = AnswerEvent> {
    let some = "[a-z{}\" ]{1,4}";
    prop_oneof![
        some.prop_map(AnswerEvent::Text),
        some.prop_map(AnswerEvent::Reasoning),
        some.prop_map(AnswerEvent::Refusal),
        Just(AnswerEvent::ReasoningOpaque(state(OpaqueOwner::Gemini))),
        Just(AnswerEvent::TextOpaque(state(OpaqueOwner::Gemini))),
        Just(AnswerEvent::Citation(Citation { url: Some("https://a".to_owned()), ..Citation::default() })),
        any::<bool>().prop_map(|custom| call(0, custom)),
        (0..4_usize, some).prop_map(|(index, delta)| AnswerEvent::CallArguments { index, delta }),
        (0..4_usize).prop_map(|index| AnswerEvent::CallOpaque { index, opaque: state(OpaqueOwner::Gemini) }),
        (0..4_usize).prop_map(|index| AnswerEvent::CallEnd { index }),
    ]
}

proptest! {
    #[test]
    fn whatever_comes_the_stream_can_be_put_together(mut steps in prop::collection::vec(any_step(), 0..30)) {
        let mut calls = 0;
        for step in &mut steps {
            if let AnswerEvent::CallBegin { index, .. } = step {
                *index = calls;
                calls += 1;
            }
        }
        accumulate(&stream(STATELESS, &steps, StopReason::Stop));
        accumulate(&stream("{}", &steps, StopReason::Length));
    }

    #[test]
    fn a_whole_answer_is_what_its_stream_ends_with(steps in prop::collection::vec(any_step(), 0..20)) {
        let mut collector = Collector::default();
        steps.into_iter().filter(|step| !matches!(step, AnswerEvent::CallEnd { .. })).for_each(|step| collector.push(step));
        let answer = Answer { model: Some("up".to_owned()), ..collector.finish() };
        let whole: Value = serde_json::from_slice(&write_answer(&answer, &Usage::counted(3, 2), &envelope(STATELESS))).unwrap();
        let streamed = accumulate(&stream(STATELESS, &answer.into_events(), StopReason::Stop));
        prop_assert_eq!(whole, streamed);
    }
}

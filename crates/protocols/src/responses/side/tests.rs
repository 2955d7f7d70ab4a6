//! What events mean that pass by.

use proptest::prelude::*;

use super::*;
use crate::conversation::StopReason;

fn facts(data: &str) -> EventFacts {
    let full = Side::default().event(data.as_bytes(), Reading::Full).unwrap();
    let quick = Side::default().event(data.as_bytes(), Reading::AfterCommit).unwrap();
    assert_eq!(EventFacts { useful: quick.useful, ..full.clone() }, quick, "both readings see the same end, usage and error: {data}");
    full
}

#[test]
fn what_comes_before_the_first_delta_is_preamble() {
    for data in [
        r#"{"type":"response.created","response":{"id":"resp_1","status":"in_progress","error":null,"output":[]},"sequence_number":0}"#,
        r#"{"type":"response.in_progress","response":{"id":"resp_1","status":"in_progress"}}"#,
        r#"{"type":"response.output_item.added","output_index":0,"item":{"id":"rs_1","type":"reasoning","summary":[]}}"#,
        r#"{"type":"response.output_item.added","output_index":0,"item":{"type":"message","content":[]}}"#,
        r#"{"type":"response.output_item.done","output_index":0,"item":{"id":"rs_1","type":"reasoning","summary":[]}}"#,
        r#"{"type":"response.content_part.added","part":{"type":"output_text","text":""}}"#,
        r#"{"type":"response.web_search_call.searching","item_id":"ws_1"}"#,
        r#"{"type":"response.output_text.delta","delta":""}"#,
    ] {
        assert_eq!(facts(data), EventFacts::default(), "{data}");
    }
}

#[test]
fn deltas_calls_and_whole_items_are_useful() {
    for data in [
        r#"{"type":"response.output_text.delta","delta":"a"}"#,
        r#"{"type":"response.refusal.delta","delta":"a"}"#,
        r#"{"type":"response.reasoning_summary_text.delta","delta":"a"}"#,
        r#"{"type":"response.reasoning_text.delta","delta":"a"}"#,
        r#"{"type":"response.function_call_arguments.delta","delta":"{"}"#,
        r#"{"type":"response.custom_tool_call_input.delta","delta":"a"}"#,
        r#"{"type":"response.code_interpreter_call_code.delta","delta":"a"}"#,
        r#"{"type":"response.image_generation_call.partial_image","partial_image_b64":"AAAA"}"#,
        r#"{"type":"response.output_item.added","item":{"type":"function_call","name":"f"}}"#,
        r#"{"type":"response.output_item.done","item":{"type":"message","content":[{"type":"output_text","text":"a"}]}}"#,
    ] {
        assert!(facts(data).useful, "{data}");
    }
}

#[test]
fn the_end_brings_usage() {
    let end = facts(
        r#"{"type":"response.completed","response":{"status":"completed","output":[{"type":"message"}],"usage":{"input_tokens":3,"output_tokens":2}}}"#,
    );
    assert!(end.done && end.error.is_none());
    assert_eq!((end.finish, end.usage.map(|usage| usage.output_tokens)), (Some(StopReason::Stop), Some(2)));
    let calls = r#"{"type": "response.completed", "response": {"output": [{"type": "reasoning"}, {"type": "function_call"}]}}"#;
    assert_eq!(facts(calls).finish, Some(StopReason::ToolCalls));
    let bound = r#"{"type":"response.incomplete","response":{"status":"incomplete","incomplete_details":{"reason":"max_output_tokens"}}}"#;
    assert_eq!(facts(bound).finish, Some(StopReason::Length));
    assert!(facts("[DONE]").done);
}

#[test]
fn errors_are_read_in_all_their_forms() {
    let code = |data: &str| {
        let facts = facts(data);
        assert!(facts.finish.is_none(), "{data}");
        (facts.error.and_then(|error| error.code).unwrap_or_default(), facts.done)
    };
    let failed = r#"{"type":"response.failed","response":{"status":"failed","error":{"code":"insufficient_quota","message":"m"}},"sequence_number":3}"#;
    assert_eq!(code(failed), ("insufficient_quota".to_owned(), true));
    assert_eq!(code(r#"{"type":"error","code":"server_error","message":"m","param":null}"#), ("server_error".to_owned(), false));
    assert_eq!(code(r#"{"type":"error","error":{"code":"rate_limit_exceeded","message":"m"}}"#), ("rate_limit_exceeded".to_owned(), false));
    assert_eq!(code(r#"{"error":{"code":"c","message":"m"}}"#), ("c".to_owned(), false));
}

#[test]
fn text_that_looks_like_an_end_is_none() {
    let deltas = [r#"response.completed"#, r#"say \"response.completed\" and \"error\": {"#, "error"];
    for delta in deltas {
        let facts = facts(&format!(r#"{{"type":"response.output_text.delta","delta":"{delta}"}}"#));
        assert_eq!(facts, EventFacts { useful: true, ..EventFacts::default() }, "{delta}");
    }
}

#[test]
fn an_error_of_ours_has_the_next_number() {
    let mut side = Side::default();
    let created = r#"{"type":"response.created","response":{"id":"resp_1","error":null},"sequence_number":0}"#;
    let delta = |number: u64| format!(r#"{{"type":"response.output_text.delta","delta":"a","sequence_number":{number}}}"#);
    side.event(created.as_bytes(), Reading::Full).unwrap();
    side.event(delta(1).as_bytes(), Reading::Full).unwrap();
    side.event(delta(2).as_bytes(), Reading::AfterCommit).unwrap();
    assert_eq!(side.response_id(), Some("resp_1"));
    let mut out = BytesMut::new();
    side.error(ErrorCode::UpstreamError, "it \"broke\"", &mut out);
    assert_eq!(
        std::str::from_utf8(&out).unwrap(),
        "event: error\ndata: {\"type\":\"error\",\"code\":\"upstream_error\",\"message\":\"it \\\"broke\\\"\",\"param\":null,\"sequence_number\":3}\n\n"
    );
}

#[test]
fn garbage_is_not_an_event() {
    for data in ["", "hello", "{\"type\":", "<html>", "42"] {
        assert!(Side::default().event(data.as_bytes(), Reading::Full).is_err(), "{data}");
        assert!(Side::default().event(data.as_bytes(), Reading::AfterCommit).is_err(), "{data}");
    }
}

#[test]
fn delivered_text_is_all_that_costs_tokens() {
    let mut text = String::new();
    for data in [
        r#"{"type":"response.output_item.added","item":{"type":"function_call","name":"f"}}"#,
        r#"{"type":"response.function_call_arguments.delta","delta":"{}"}"#,
        r#"{"type":"response.function_call_arguments.done","arguments":"{}"}"#,
        r#"{"type":"response.reasoning_summary_text.delta","delta":"a"}"#,
        r#"{"type":"response.output_text.delta","delta":"b"}"#,
        r#"{"type":"response.output_text.done","text":"b"}"#,
        "broken",
    ] {
        delivered_text(data.as_bytes(), &mut text);
    }
    assert_eq!(text, "f{}ab");
}

proptest! {
    #[test]
    fn no_bytes_break_it(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Side::default().event(&bytes, Reading::Full);
        let _ = Side::default().event(&bytes, Reading::AfterCommit);
        delivered_text(&bytes, &mut String::new());
    }
}

#[test]
fn the_last_number_there_is_has_no_next_one() {
    let (mut side, mut out) = (Side::default(), BytesMut::new());
    let event = format!(r#"{{"type":"response.output_text.delta","delta":"a","sequence_number":{}}}"#, u64::MAX);
    side.event(event.as_bytes(), Reading::Full).unwrap();
    side.error(ErrorCode::UpstreamError, "gone", &mut out);
    assert!(String::from_utf8_lossy(&out).contains(&format!(r#""sequence_number":{}"#, u64::MAX)));
}

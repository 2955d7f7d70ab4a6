//! What is an answer, and what it says.

use easyai_core::usage::Usage;
use proptest::prelude::*;

use super::*;
use crate::conversation::{Citation, Opaque, OpaqueOwner, Part, Reasoning, StopReason, Text, ToolCall};

const SAMPLE: &str = r#"{"id":"resp_1","object":"response","created_at":1760000000,"status":"completed","error":null,"incomplete_details":null,
 "model":"m-1","instructions":null,"output":[
  {"id":"rs_1","type":"reasoning","summary":[{"type":"summary_text","text":"a"},{"type":"summary_text","text":"b"}],"encrypted_content":"gAAA"},
  {"id":"ws_1","type":"web_search_call","status":"completed","action":{"type":"search","query":"x"}},
  {"id":"msg_1","type":"message","role":"assistant","status":"completed","content":[
    {"type":"output_text","text":"hi","annotations":[{"type":"url_citation","url":"https://a","title":"T","start_index":0,"end_index":2},{"type":"file_citation","file_id":"f"}],"logprobs":[]},
    {"type":"refusal","refusal":"no"}]},
  {"id":"fc_1","type":"function_call","status":"completed","call_id":"call_1","name":"f","arguments":"{\"a\":1}"},
  {"id":"ctc_1","type":"custom_tool_call","call_id":"call_2","name":"g","input":"free"}],
 "usage":{"input_tokens":3,"input_tokens_details":{"cached_tokens":1},"output_tokens":2,"output_tokens_details":{"reasoning_tokens":1},"total_tokens":5}}"#;

#[test]
fn everything_said_is_read() {
    let answer = read_answer(SAMPLE.as_bytes()).unwrap();
    let citation = Citation { url: Some("https://a".to_owned()), title: Some("T".to_owned()), cited_text: None, span: Some((0, 2)) };
    let call = |id: &str, name: &str, arguments: &str, custom| {
        Part::ToolCall(ToolCall { id: id.to_owned(), name: name.to_owned(), arguments: arguments.to_owned(), custom, opaque: None })
    };
    let state = Opaque { owner: OpaqueOwner::Openai, data: "gAAA".to_owned() };
    assert_eq!(
        answer.parts,
        [
            Part::Reasoning(Reasoning { text: "a\n\nb".to_owned(), opaque: Some(state) }),
            Part::Text(Text { text: "hi".to_owned(), citations: vec![citation], opaque: None }),
            Part::Refusal("no".to_owned()),
            call("call_1", "f", "{\"a\":1}", false),
            call("call_2", "g", "free", true),
        ]
    );
    assert_eq!((answer.id.as_deref(), answer.model.as_deref(), answer.stop.reason), (Some("resp_1"), Some("m-1"), StopReason::ToolCalls));
    let usage = Usage { cached_input_tokens: 1, reasoning_tokens: 1, ..Usage::counted(3, 2) };
    assert_eq!(answer.usage.map(|read| Usage { source: usage.source, ..read }), Some(usage));
    assert_eq!(answer_facts(SAMPLE.as_bytes()).unwrap().usage, answer.usage);
    assert_eq!(delivered_text(SAMPLE.as_bytes()), "a\n\nbhinof{\"a\":1}gfree");
}

fn text(body: &str) -> (String, StopReason) {
    let answer = read_answer(body.as_bytes()).unwrap_or_else(|error| panic!("{body}: {error}"));
    (answer.delivered_text(), answer.stop.reason)
}

#[test]
fn what_is_odd_is_borne() {
    let message = |content: &str| format!(r#"{{"output":[{{"type":"message","content":{content}}}]}}"#);
    assert_eq!(text(&message(r#"[{"type":"output_text","text":"hi","annotations":null}]"#)).0, "hi");
    assert_eq!(text(&message(r#"[5,{"text":7},{"type":"output_text","text":"hi","annotations":[1,{"type":7}]}]"#)).0, "hi");
    assert_eq!(text(r#"{"output":[null,"x",{"type":"message","content":[{"text":"hi"}]}],"usage":"none","model":5}"#).0, "hi");
    assert_eq!(
        text(r#"{"output":[{"type":"function_call","name":"f","arguments":{"a":1}}]}"#),
        ("f{\"a\":1}".to_owned(), StopReason::ToolCalls)
    );
    assert_eq!(text(r#"{"output":[{"type":"function_call","name":"f","arguments":null}]}"#).0, "f");
    // An open model's own thoughts, and Ark's summary without a part's type.
    assert_eq!(text(r#"{"output":[{"type":"reasoning","summary":[],"content":[{"type":"reasoning_text","text":"hm"}]}]}"#).0, "hm");
    assert_eq!(
        text(r#"{"output":[{"type":"reasoning","summary":[{"text":"hm"}],"status":"completed"}],"thinking":{"type":"enabled"}}"#).0,
        "hm"
    );
}

#[test]
fn a_bound_or_a_filter_ends_an_answer() {
    let incomplete = |reason: &str| {
        format!(
            r#"{{"status":"incomplete","incomplete_details":{{"reason":"{reason}"}},"output":[{{"type":"message","content":[{{"text":"hi"}}]}}]}}"#
        )
    };
    assert_eq!(text(&incomplete("max_output_tokens")).1, StopReason::Length);
    assert_eq!(text(&incomplete("content_filter")).1, StopReason::ContentFilter);
    assert_eq!(text(r#"{"status":"incomplete","incomplete_details":null,"output":[]}"#).1, StopReason::Length);
}

#[test]
fn a_200_may_be_no_answer() {
    let bad = |body: &str| {
        let error = answer_facts(body.as_bytes()).unwrap_err();
        assert_eq!(read_answer(body.as_bytes()).unwrap_err(), error, "{body}");
        error
    };
    let code = |body: &str| match bad(body) {
        BadAnswer::Error(error) => (error.code.unwrap_or_default(), error.message),
        other => panic!("{body}: {other}"),
    };
    let error = |code: &str, message: &str| (code.to_owned(), message.to_owned());
    assert_eq!(
        code(r#"{"object":"response","status":"failed","error":{"code":"server_error","message":"m"}}"#),
        error("server_error", "m")
    );
    assert_eq!(code(r#"{"status":"failed","error":null,"output":[]}"#), error("", "the response is failed"));
    assert_eq!(code(r#"{"status":"cancelled"}"#), error("", "the response is cancelled"));
    assert_eq!(code(r#"{"error":"text"}"#), error("", "text"));
    assert_eq!(code(r#"{"detail":"gone"}"#), error("", "gone"));
    assert_eq!(bad(r#"{"status":"completed","output":[]}"#), BadAnswer::Empty);
    assert_eq!(bad("{}"), BadAnswer::Empty);
    for body in ["", "<html>", "{\"output\":[", "\"text\"", "[]x"] {
        assert!(matches!(bad(body), BadAnswer::Unparseable(_)), "{body}");
    }
    assert!(answer_facts(br#"{"status":"queued","output":[]}"#).is_ok(), "in the background");
    assert_eq!(read_answer(br#"{"status":"queued","output":[]}"#), Err(BadAnswer::Empty));
}

#[test]
fn what_has_nothing_to_show_is_an_answer_if_it_says_why_or_thought() {
    let stop = |body: &str| {
        assert!(answer_facts(body.as_bytes()).is_ok(), "{body}");
        let answer = read_answer(body.as_bytes()).unwrap();
        (answer.parts.len(), answer.stop.reason, answer.usage.map(|usage| usage.output_tokens))
    };
    let filtered = r#"{"status":"incomplete","incomplete_details":{"reason":"content_filter"},"output":[]}"#;
    assert_eq!(stop(filtered), (0, StopReason::ContentFilter, None));
    let thought = r#"{"status":"completed","output":[],"usage":{"input_tokens":5,"output_tokens":9}}"#;
    assert_eq!(stop(thought), (0, StopReason::Stop, Some(9)));
    let idle = br#"{"status":"completed","output":[],"usage":{"input_tokens":5,"output_tokens":0}}"#;
    assert_eq!(read_answer(idle), Err(BadAnswer::Empty));
}

proptest! {
    #[test]
    fn no_bytes_break_it(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = (read_answer(&bytes), answer_facts(&bytes), delivered_text(&bytes));
    }

    #[test]
    fn no_damage_breaks_it(at in 0..SAMPLE.len(), byte in any::<u8>()) {
        let mut bytes = SAMPLE.as_bytes().to_vec();
        bytes[at] = byte;
        let _ = (read_answer(&bytes), answer_facts(&bytes), delivered_text(&bytes));
    }
}

//! Answers of other providers, as an Anthropic SDK sees them.

use super::*;
use crate::anthropic::read_answer::read_answer;
use crate::conversation::{Citation, Media, Source, Stop, StopReason, Text, ToolCall};

fn envelope() -> Envelope {
    Envelope {
        id: "01J".to_owned(),
        created_at: 0,
        model: "claude-public".into(),
        include_usage: false,
        input_tokens: 7,
        request: Bytes::new(),
    }
}

fn content(parts: Vec<Part>) -> String {
    let answer = Answer { parts, ..Answer::default() };
    let body = write_answer(&answer, &Usage::counted(3, 4), &envelope());
    let value: serde_json::Value = serde_json::from_slice(&body).unwrap();
    format!("{} {}", value["content"], value["stop_reason"].as_str().unwrap())
}

fn call(arguments: &str, opaque: Option<Opaque>) -> Part {
    Part::ToolCall(ToolCall { id: "call_1".to_owned(), name: "f".to_owned(), arguments: arguments.to_owned(), custom: false, opaque })
}

fn gemini(data: &str) -> Option<Opaque> {
    Some(Opaque { owner: OpaqueOwner::Gemini, data: data.to_owned() })
}

#[test]
fn an_answer_has_every_member_that_sdks_expect() {
    let mut answer = Answer { parts: vec![Part::Text(Text::plain("hi"))], id: Some("chatcmpl-1".to_owned()), ..Answer::default() };
    let written = |answer: &Answer| String::from_utf8(write_answer(answer, &Usage::counted(3, 4), &envelope()).to_vec()).unwrap();
    assert_eq!(
        written(&answer),
        r#"{"id":"msg_01J","type":"message","role":"assistant","model":"claude-public","content":[{"type":"text","text":"hi"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":3,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":4}}"#
    );
    answer.model = Some("gpt-x".to_owned());
    answer.stop = Stop { reason: StopReason::Stop, sequence: Some("END".to_owned()) };
    let written = written(&answer);
    assert!(
        written.contains(r#""model":"gpt-x""#) && written.contains(r#""stop_reason":"stop_sequence","stop_sequence":"END""#),
        "{written}"
    );
}

#[test]
fn parts_become_blocks() {
    let check = |parts: Vec<Part>, expected: &str| assert_eq!(content(parts), expected);
    check(vec![], "[] end_turn");
    check(vec![Part::Text(Text::default())], "[] end_turn");
    check(vec![call("{\"a\": 1}", None)], r#"[{"type":"tool_use","id":"call_1","name":"f","input":{"a":1}}] tool_use"#);
    check(vec![call("", None)], r#"[{"type":"tool_use","id":"call_1","name":"f","input":{}}] tool_use"#);
    check(vec![call("{\"a\":", None)], r#"[{"type":"tool_use","id":"call_1","name":"f","input":{"arguments":"{\"a\":"}}] tool_use"#);
    check(vec![Part::Refusal("No.".to_owned())], r#"[{"type":"text","text":"No."}] refusal"#);
    let source = Source::Url { url: "https://i".to_owned(), media_type: None };
    check(vec![Part::Image(Media { source, name: None, detail: None })], r#"[{"type":"text","text":"![image](https://i)"}] end_turn"#);
    let cited = Text {
        text: "a".to_owned(),
        citations: vec![Citation { url: Some("https://a".to_owned()), ..Citation::default() }, Citation::default()],
        opaque: None,
    };
    check(
        vec![Part::Text(cited)],
        r#"[{"type":"text","text":"a","citations":[{"type":"web_search_result_location","url":"https://a","title":null,"cited_text":"","encrypted_index":"easyai:1:none:"}]}] end_turn"#,
    );
}

#[test]
fn state_is_carried_by_the_caller() {
    let reasoning = |text: &str, opaque: Option<Opaque>| vec![Part::Reasoning(Reasoning { text: text.to_owned(), opaque })];
    let anthropic = |owner| Some(Opaque { owner, data: "D".to_owned() });
    let check = |parts: Vec<Part>, expected: &str| assert_eq!(content(parts), expected);
    check(reasoning("hm", anthropic(OpaqueOwner::AnthropicSignature)), r#"[{"type":"thinking","thinking":"hm","signature":"D"}] end_turn"#);
    check(reasoning("hm", gemini("D")), r#"[{"type":"thinking","thinking":"hm","signature":"easyai:1:gemini:D"}] end_turn"#);
    check(reasoning("hm", None), r#"[{"type":"thinking","thinking":"hm","signature":"easyai:1:none:"}] end_turn"#);
    check(reasoning("", anthropic(OpaqueOwner::Openai)), r#"[{"type":"thinking","thinking":"","signature":"easyai:1:openai:D"}] end_turn"#);
    check(reasoning("", anthropic(OpaqueOwner::AnthropicRedacted)), r#"[{"type":"redacted_thinking","data":"D"}] end_turn"#);
    check(reasoning("", None), "[] end_turn");
    check(
        vec![call("{}", gemini("D"))],
        r#"[{"type":"tool_use","id":"call_1","name":"f","input":{}},{"type":"redacted_thinking","data":"easyai:1:gemini:D"}] tool_use"#,
    );
}

#[test]
fn what_is_written_reads_back() {
    let answer = Answer {
        model: Some("m".to_owned()),
        parts: vec![
            Part::Reasoning(Reasoning {
                text: "hm".to_owned(),
                opaque: Some(Opaque { owner: OpaqueOwner::AnthropicSignature, data: "S".to_owned() }),
            }),
            Part::Text(Text::plain("hi \"you\"\n")),
            call("{\"a\":[1,\"é\"]}", None),
        ],
        stop: Stop { reason: StopReason::ToolCalls, sequence: None },
        ..Answer::default()
    };
    let usage = Usage { cached_input_tokens: 5, ..Usage::counted(9, 4) };
    let read = read_answer(&write_answer(&answer, &usage, &envelope())).unwrap();
    let source = easyai_core::usage::UsageSource::Upstream;
    assert_eq!(read, Answer { id: Some("msg_01J".to_owned()), usage: Some(Usage { source, ..usage }), ..answer });
}

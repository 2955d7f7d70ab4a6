//! Whole answers, as Claude and compatible hosts give them.

use proptest::prelude::*;

use super::*;
use crate::conversation::Opaque;

const ANSWER: &str = r#"{"id":"msg_1","type":"message","role":"assistant","model":"claude-x","content":[
  {"type":"thinking","thinking":"hm","signature":"ErUB"},{"type":"redacted_thinking","data":"EmwK"},
  {"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{"query":"x"}},{"type":"web_search_tool_result","content":[{"text":"no"}]},
  {"type":"text","text":"hi","citations":[{"type":"web_search_result_location","url":"https://a","title":"A","cited_text":"c","encrypted_index":"E"},{"type":"char_location","document_title":"D","cited_text":"d"}]},
  {"type":"text","text":""},
  {"type":"tool_use","id":"toolu_1","name":"f","input":{"a": 1}},{"type":"tool_use","id":"toolu_2","name":"now","input":{ }},
  {"type":"brand_new","text":"no"}],
  "stop_reason":"tool_use","stop_sequence":null,"stop_details":null,
  "usage":{"input_tokens":10,"cache_creation_input_tokens":200,"cache_read_input_tokens":3000,"output_tokens":5,"service_tier":"standard"}}"#;

fn opaque(owner: OpaqueOwner, data: &str) -> Option<Opaque> {
    Some(Opaque { owner, data: data.to_owned() })
}

fn call(id: &str, name: &str, arguments: &str) -> Part {
    Part::ToolCall(ToolCall { id: id.to_owned(), name: name.to_owned(), arguments: arguments.to_owned(), custom: false, opaque: None })
}

#[test]
fn blocks_become_parts_and_what_is_unknown_is_passed_over() {
    let answer = read_answer(ANSWER.as_bytes()).unwrap();
    let citation = |url: Option<&str>, title: &str, text: &str| Citation {
        url: url.map(str::to_owned),
        title: Some(title.to_owned()),
        cited_text: Some(text.to_owned()),
        span: None,
    };
    let parts = vec![
        Part::Reasoning(Reasoning { text: "hm".to_owned(), opaque: opaque(OpaqueOwner::AnthropicSignature, "ErUB") }),
        Part::Reasoning(Reasoning { text: String::new(), opaque: opaque(OpaqueOwner::AnthropicRedacted, "EmwK") }),
        Part::Text(Text {
            text: "hi".to_owned(),
            citations: vec![citation(Some("https://a"), "A", "c"), citation(None, "D", "d")],
            opaque: None,
        }),
        call("toolu_1", "f", r#"{"a": 1}"#),
        call("toolu_2", "now", "{}"),
    ];
    assert_eq!(answer.parts, parts);
    assert_eq!((answer.id.as_deref(), answer.model.as_deref()), (Some("msg_1"), Some("claude-x")));
    assert_eq!(answer.stop, Stop { reason: StopReason::ToolCalls, sequence: None });
    let usage = answer.usage.unwrap();
    assert_eq!((usage.input_tokens, usage.cached_input_tokens, usage.cache_write_tokens, usage.output_tokens), (3210, 3000, 200, 5));
    assert_eq!(answer_facts(ANSWER.as_bytes()).unwrap().usage, Some(usage));
    assert_eq!(delivered_text(ANSWER.as_bytes()), "hmhif{\"a\": 1}now{}");
}

#[test]
fn an_answer_without_a_word_is_one_if_it_says_why() {
    let refusal = br#"{"content":[],"stop_reason":"refusal","stop_details":{"type":"refusal","category":"cyber","explanation":"No."},"usage":{"input_tokens":4,"output_tokens":1}}"#;
    let answer = read_answer(refusal).unwrap();
    assert_eq!(answer.parts, vec![Part::Refusal("No.".to_owned())]);
    assert_eq!(answer.stop.reason, StopReason::ContentFilter);
    assert!(answer_facts(refusal).unwrap().usage.is_some());
    assert_eq!(read_answer(br#"{"content":[],"stop_reason":"refusal"}"#).unwrap().parts, vec![]);
    assert_eq!(read_answer(br#"{"content":[],"stop_reason":"end_turn"}"#).unwrap().stop, Stop::default());
    let sequence = read_answer(br#"{"content":[{"type":"text","text":"a"}],"stop_reason":"stop_sequence","stop_sequence":"END"}"#).unwrap();
    assert_eq!(sequence.stop, Stop { reason: StopReason::Stop, sequence: Some("END".to_owned()) });
}

#[test]
fn what_only_looks_like_an_answer_is_refused() {
    let check = |body: &str, expected: fn(&BadAnswer) -> bool| {
        for result in [answer_facts(body.as_bytes()).map(drop), read_answer(body.as_bytes()).map(drop)] {
            assert!(result.as_ref().is_err_and(expected), "{body}: {result:?}");
        }
        assert_eq!(delivered_text(body.as_bytes()), "");
    };
    check("{}", |bad| *bad == BadAnswer::Empty);
    check(r#"{"content":[]}"#, |bad| *bad == BadAnswer::Empty);
    check(r#"{"content":"text","stop_reason":null}"#, |bad| *bad == BadAnswer::Empty);
    check(
        r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
        |bad| matches!(bad, BadAnswer::Error(error) if error.kind.as_deref() == Some("overloaded_error")),
    );
    for body in ["", "<html>", "{\"content\":[", "\"text\"", "[]", "5"] {
        check(body, |bad| matches!(bad, BadAnswer::Unparseable(_)));
    }
}

#[test]
fn odd_members_are_borne() {
    let odd = r#"{"id":5,"model":[],"content":[5,"a",null,{"type":"text","text":"hi","citations":7},{"type":null},{"type":"tool_use","input":null}],"stop_reason":7,"usage":[],"stop_details":"x"}"#;
    let answer = read_answer(odd.as_bytes()).unwrap();
    assert_eq!(answer.parts, vec![Part::Text(Text::plain("hi")), call("toolu_0", "", "{}")]);
    assert_eq!((answer.id.as_deref(), answer.model, answer.usage), (Some("5"), None, None));
}

proptest! {
    #[test]
    fn no_body_makes_it_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = (read_answer(&body).is_ok(), answer_facts(&body).is_ok(), delivered_text(&body));
    }

    #[test]
    fn changed_answers_are_read_or_refused(at in any::<proptest::sample::Index>(), byte in any::<u8>()) {
        let mut body = ANSWER.as_bytes().to_vec();
        let place = at.index(body.len());
        body[place] = byte;
        prop_assert_eq!(read_answer(&body).is_ok(), answer_facts(&body).is_ok());
    }
}

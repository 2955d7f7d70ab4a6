//! Streams as Claude and compatible hosts send them, in every cut.

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::anthropic::side::Side;
use crate::conversation::{Collector, Part};
use crate::sse;
use crate::wire::{Reading, SideReader};

/// Events in short.
fn short(event: &AnswerEvent) -> String {
    match event {
        AnswerEvent::Begin { id, model } => format!("begin {} {}", id.as_deref().unwrap_or("-"), model.as_deref().unwrap_or("-")),
        AnswerEvent::Text(text) => format!("text {text}"),
        AnswerEvent::TextOpaque(opaque) => format!("text state {}", opaque.tagged()),
        AnswerEvent::Citation(citation) => format!("cites {}", citation.url.as_deref().unwrap_or("-")),
        AnswerEvent::Reasoning(text) => format!("thinks {text}"),
        AnswerEvent::ReasoningOpaque(opaque) => format!("state {}:{}", opaque.owner, opaque.data),
        AnswerEvent::Refusal(text) => format!("refuses {text}"),
        AnswerEvent::CallBegin { index, id, name, .. } => format!("call {index} {id} {name}"),
        AnswerEvent::CallArguments { index, delta } => format!("{index} {delta}"),
        AnswerEvent::CallOpaque { index, opaque } => format!("{index} state {}", opaque.tagged()),
        AnswerEvent::CallEnd { index } => format!("end {index}"),
        AnswerEvent::Image(_) => "image".to_owned(),
        AnswerEvent::Stop(stop) => format!("stop {} {}", stop.reason, stop.sequence.as_deref().unwrap_or("-")),
        AnswerEvent::Usage(usage) => {
            format!("usage {}+{}+{} {}", usage.input_tokens, usage.cached_input_tokens, usage.cache_write_tokens, usage.output_tokens)
        }
        AnswerEvent::Error(error) => format!("error {} {}", error.kind.as_deref().unwrap_or("-"), error.message),
    }
}

/// One `event:`/`data:` frame for each line.
fn stream(lines: &[&str]) -> String {
    lines.iter().fold(String::new(), |stream, line| format!("{stream}event: x\ndata: {line}\n\n"))
}

fn events(pieces: impl Iterator<Item = Bytes>) -> (Vec<AnswerEvent>, Progress) {
    let (mut frames, mut reader, mut events) = (sse::Reader::new(1 << 20), Reader::default(), Vec::new());
    let mut progress = Progress::More;
    let mut pull = |frames: &mut sse::Reader| {
        while let Some(event) = frames.next().unwrap() {
            progress = reader.event(&event.data, &mut events).unwrap();
        }
    };
    for piece in pieces {
        frames.push(piece);
        pull(&mut frames);
    }
    frames.finish();
    pull(&mut frames);
    (events, progress)
}

fn check(lines: &[&str], expected: &[&str]) {
    let stream = Bytes::from(stream(lines));
    let (whole, progress) = events(std::iter::once(stream.clone()));
    assert_eq!(whole.iter().map(short).collect::<Vec<_>>(), expected);
    let cut = events(stream.chunks(5).map(Bytes::copy_from_slice));
    assert_eq!(cut, (whole, progress), "in pieces of five bytes");
}

const START: &str = r#"{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","content":[],"model":"claude-x","stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":10,"cache_creation_input_tokens":200,"cache_read_input_tokens":3000,"cache_creation":{"ephemeral_5m_input_tokens":200},"output_tokens":1,"service_tier":"standard"}}}"#;
const BLOCK_STOP: &str = r#"{"type":"content_block_stop","index":0}"#;
const END: &str = r#"{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":5}}"#;
const STOP: &str = r#"{"type":"message_stop"}"#;

#[test]
fn text_comes_as_it_is_said_and_usage_with_the_end() {
    check(
        &[
            START,
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
            r#"{"type": "ping"}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hé"}}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"llo"}}"#,
            BLOCK_STOP,
            END,
            STOP,
        ],
        &["begin msg_1 claude-x", "text Hé", "text llo", "stop stop -", "usage 3210+3000+200 5"],
    );
}

#[test]
fn thinking_ends_with_its_state() {
    check(
        &[
            START,
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm"}}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"ErU"}}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"B=="}}"#,
            BLOCK_STOP,
            r#"{"type":"content_block_start","index":1,"content_block":{"type":"redacted_thinking","data":"EmwK"}}"#,
            r#"{"type":"content_block_stop","index":1}"#,
            r#"{"type":"content_block_start","index":2,"content_block":{"type":"thinking","thinking":"","signature":"Omit"}}"#,
            r#"{"type":"content_block_stop","index":2}"#,
            END,
            STOP,
        ],
        &[
            "begin msg_1 claude-x",
            "thinks hm",
            "state anthropic_signature:ErUB==",
            "state anthropic_redacted:EmwK",
            "state anthropic_signature:Omit",
            "stop stop -",
            "usage 3210+3000+200 5",
        ],
    );
}

#[test]
fn calls_are_told_apart_and_never_lack_arguments() {
    check(
        &[
            START,
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":"Let me"}}"#,
            BLOCK_STOP,
            r#"{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"toolu_1","name":"f","input":{}}}"#,
            r#"{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":""}}"#,
            r#"{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"a\":"}}"#,
            r#"{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":" 1}"}}"#,
            r#"{"type":"content_block_stop","index":1}"#,
            r#"{"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"toolu_2","name":"now","input":{}}}"#,
            r#"{"type":"content_block_stop","index":2}"#,
            r#"{"type":"content_block_start","index":3,"content_block":{"type":"tool_use","id":"toolu_3","name":"g","input":{"b":[2]}}}"#,
            r#"{"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":9}}"#,
            STOP,
        ],
        &[
            "begin msg_1 claude-x",
            "text Let me",
            "call 0 toolu_1 f",
            "0 {\"a\":",
            "0  1}",
            "end 0",
            "call 1 toolu_2 now",
            "1 {}",
            "end 1",
            "call 2 toolu_3 g",
            "2 {\"b\":[2]}",
            "end 2",
            "stop tool_calls -",
            "usage 3210+3000+200 9",
        ],
    );
}

#[test]
fn the_providers_own_tools_pass_unseen_and_correct_the_input() {
    check(
        &[
            START,
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{}}}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\"query\":\"x\"}"}}"#,
            BLOCK_STOP,
            r#"{"type":"content_block_start","index":1,"content_block":{"type":"web_search_tool_result","tool_use_id":"srvtoolu_1","content":[{"type":"web_search_result","url":"u"}]}}"#,
            r#"{"type":"content_block_stop","index":1}"#,
            r#"{"type":"content_block_start","index":2,"content_block":{"type":"text","text":"","citations":[]}}"#,
            r#"{"type":"content_block_delta","index":2,"delta":{"type":"text_delta","text":"It is"}}"#,
            r#"{"type":"content_block_delta","index":2,"delta":{"type":"citations_delta","citation":{"type":"web_search_result_location","url":"https://a","title":"A","cited_text":"is","encrypted_index":"E"}}}"#,
            r#"{"type":"content_block_delta","index":2,"delta":{"type":"brand_new_delta","text":5}}"#,
            r#"{"type":"content_block_stop","index":2}"#,
            r#"{"type":"brand_new_event","index":"x"}"#,
            r#"{"type":"message_delta","delta":{"stop_reason":"pause_turn"},"usage":{"input_tokens":31772,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":80,"server_tool_use":{"web_search_requests":1}}}"#,
            STOP,
        ],
        &["begin msg_1 claude-x", "text It is", "cites https://a", "stop stop -", "usage 31772+0+0 80"],
    );
}

#[test]
fn an_answer_may_end_early_or_without_a_word() {
    let refusal = r#"{"type":"message_delta","delta":{"stop_reason":"refusal","stop_details":{"type":"refusal","category":"bio","explanation":"No."}},"usage":{"output_tokens":3}}"#;
    check(&[START, refusal, STOP], &["begin msg_1 claude-x", "refuses No.", "stop content_filter -", "usage 3210+3000+200 3"]);
    let said = r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":"I"}}"#;
    check(&[START, said, refusal, STOP], &["begin msg_1 claude-x", "text I", "stop content_filter -", "usage 3210+3000+200 3"]);
    let sequence = r#"{"type":"message_delta","delta":{"stop_reason":"stop_sequence","stop_sequence":"END"},"usage":null}"#;
    check(&[START, sequence, STOP], &["begin msg_1 claude-x", "stop stop END"]);
    check(&[START, STOP], &["begin msg_1 claude-x", "stop stop -"]);
    let full = r#"{"type":"message_delta","delta":{"stop_reason":"model_context_window_exceeded"},"usage":{"output_tokens":3}}"#;
    check(&[START, full, "[DONE]"], &["begin msg_1 claude-x", "stop length -", "usage 3210+3000+200 3"]);
}

#[test]
fn content_that_is_there_from_the_beginning_is_told() {
    let start = r#"{"type":"message_start","message":{"id":"m","model":"c","content":[{"type":"text","text":"a"},{"type":"tool_use","id":"t","name":"f","input":{"x":1}}],"stop_reason":"tool_use","usage":{"input_tokens":3,"output_tokens":1}}}"#;
    let whole = ["begin m c", "text a", "call 0 t f", r#"0 {"x":1}"#, "end 0"];
    check(&[start, STOP], &[&whole[..], &["stop tool_calls -"]].concat());
    let more = r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"b"}}"#;
    check(&[start, more, END, STOP], &[&whole[..], &["text b", "stop stop -", "usage 3+0+0 5"]].concat());
}

#[test]
fn errors_in_the_middle_are_told() {
    let overloaded = r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_1"}"#;
    check(&[START, overloaded], &["begin msg_1 claude-x", "error overloaded_error Overloaded"]);
    check(&[r#"{"error":{"message":"no","type":"x"}}"#], &["error x no"]);
}

#[test]
fn compatible_hosts_are_borne() {
    check(
        &[
            r#"{"type":"message_start","message":{"id":7,"model":null,"usage":"?"}}"#,
            r#"{"type":"content_block_start","content_block":{"type":"text"}}"#,
            r#"{"type":"content_block_delta","delta":{"text":"hi","type":"text_delta"}}"#,
            r#"{"type":"content_block_start","content_block":{"type":"tool_use","name":"f"}}"#,
            r#"{"type":"content_block_delta","delta":"?"}"#,
            r#"{"type":"content_block_start","content_block":null}"#,
            r#"{"type":"message_delta","delta":null,"usage":{"output_tokens":"4","input_tokens":6.0}}"#,
            STOP,
        ],
        &["begin 7 -", "text hi", "call 0 toolu_0 f", "usage 6+0+0 4", "0 {}", "end 0", "stop tool_calls -"],
    );
}

#[test]
fn what_is_no_event_is_refused() {
    for data in ["", "hello", "42", "[]", "{\"type\":", "<html>"] {
        assert!(Reader::default().event(data.as_bytes(), &mut Vec::new()).is_err(), "{data}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(data in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Reader::default().event(&data, &mut Vec::new());
        let _ = Side::default().event(&data, Reading::Full);
        let _ = Side::default().event(&data, Reading::AfterCommit);
    }

    #[test]
    fn changed_samples_are_read_or_refused(which in 0_usize..4, at in any::<proptest::sample::Index>(), byte in any::<u8>()) {
        let samples = [
            START,
            r#"{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"t","name":"f","input":{"a":1}}}"#,
            r#"{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{}"}}"#,
            END,
        ];
        let mut data = samples[which].as_bytes().to_vec();
        let place = at.index(data.len());
        data[place] = byte;
        let (mut reader, mut events) = (Reader::default(), Vec::new());
        let read = reader.event(&data, &mut events);
        let looked_at = Side::default().event(&data, Reading::Full);
        prop_assert_eq!(read.is_ok(), looked_at.is_ok());
        // What the one calls useful the other delivers. (Calls of the provider's own tools are useful and yet say nothing here.)
        if events.iter().any(AnswerEvent::is_useful) {
            prop_assert!(looked_at.is_ok_and(|facts| facts.useful || facts.finish.is_some()));
        }
    }
}

#[test]
fn a_stream_is_the_same_as_a_whole_answer() {
    let lines = [
        START,
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"hm","signature":"S"}}"#,
        BLOCK_STOP,
        r#"{"type":"content_block_start","index":1,"content_block":{"type":"text","text":"hi"}}"#,
        r#"{"type":"content_block_stop","index":1}"#,
        r#"{"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"t","name":"f","input":{"a":1}}}"#,
        r#"{"type":"content_block_stop","index":2}"#,
        r#"{"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":5}}"#,
        STOP,
    ];
    let mut collector = Collector::default();
    events(std::iter::once(Bytes::from(stream(&lines)))).0.into_iter().for_each(|event| collector.push(event));
    let whole = br#"{"id":"msg_1","type":"message","model":"claude-x","content":[{"type":"thinking","thinking":"hm","signature":"S"},{"type":"text","text":"hi"},{"type":"tool_use","id":"t","name":"f","input":{"a":1}}],"stop_reason":"tool_use","usage":{"input_tokens":10,"cache_creation_input_tokens":200,"cache_read_input_tokens":3000,"output_tokens":5}}"#;
    let answer = collector.finish();
    assert_eq!(answer, crate::anthropic::read_answer::read_answer(whole).unwrap());
    assert!(matches!(answer.parts.as_slice(), [Part::Reasoning(_), Part::Text(_), Part::ToolCall(_)]));
}

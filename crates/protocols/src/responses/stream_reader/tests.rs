//! What real streams mean, however they are cut.

use bytes::Bytes;
use easyai_core::usage::Usage;
use proptest::prelude::*;

use super::*;
use crate::conversation::{Collector, Opaque, OpaqueOwner, Part, Reasoning, Stop, StopReason};
use crate::sse;

/// OpenAI's, shortened: reasoning, a search of its own, text with a source, two calls.
const SAMPLE: &str = r#"event: response.created
data: {"type":"response.created","sequence_number":0,"response":{"id":"resp_1","object":"response","status":"in_progress","error":null,"model":"m-1","output":[]}}

event: response.in_progress
data: {"type":"response.in_progress","sequence_number":1,"response":{"id":"resp_1","status":"in_progress","model":"m-1","output":[]}}

data: {"type":"response.output_item.added","sequence_number":2,"output_index":0,"item":{"id":"rs_1","type":"reasoning","summary":[]}}

data: {"type":"response.reasoning_summary_part.added","item_id":"rs_1","output_index":0,"summary_index":0,"part":{"type":"summary_text","text":""}}

data: {"type":"response.reasoning_summary_text.delta","item_id":"rs_1","output_index":0,"summary_index":0,"delta":"a","obfuscation":"xx"}

data: {"type":"response.reasoning_summary_text.delta","item_id":"rs_1","output_index":0,"summary_index":1,"delta":"b"}

data: {"type":"response.reasoning_summary_text.done","item_id":"rs_1","output_index":0,"summary_index":1,"text":"b"}

data: {"type":"response.output_item.done","output_index":0,"item":{"id":"rs_1","type":"reasoning","summary":[{"type":"summary_text","text":"a"}],"encrypted_content":"gAAA"}}

data: {"type":"response.output_item.added","output_index":1,"item":{"id":"ws_1","type":"web_search_call","status":"in_progress"}}

data: {"type":"response.web_search_call.searching","output_index":1,"item_id":"ws_1"}

data: {"type":"response.output_item.done","output_index":1,"item":{"id":"ws_1","type":"web_search_call","status":"completed"}}

data: {"type":"response.output_item.added","output_index":2,"item":{"id":"msg_1","type":"message","status":"in_progress","role":"assistant","content":[]}}

data: {"type":"response.content_part.added","item_id":"msg_1","output_index":2,"content_index":0,"part":{"type":"output_text","text":"","annotations":[],"logprobs":[]}}

data: {"type":"response.output_text.delta","item_id":"msg_1","output_index":2,"content_index":0,"delta":"hi \"there\"","logprobs":[]}

data: {"type":"response.output_text.annotation.added","item_id":"msg_1","output_index":2,"content_index":0,"annotation_index":0,"annotation":{"type":"url_citation","url":"https://a","title":"T","start_index":0,"end_index":2}}

data: {"type":"response.output_text.done","item_id":"msg_1","output_index":2,"content_index":0,"text":"hi \"there\"","logprobs":[]}

data: {"type":"response.content_part.done","item_id":"msg_1","output_index":2,"content_index":0,"part":{"type":"output_text","text":"hi \"there\"","annotations":[{"type":"url_citation","url":"https://a"}],"logprobs":[]}}

data: {"type":"response.output_item.done","output_index":2,"item":{"id":"msg_1","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","text":"hi \"there\""}]}}

data: {"type":"response.output_item.added","output_index":3,"item":{"id":"fc_1","type":"function_call","call_id":"call_1","name":"f","arguments":""}}

data: {"type":"response.function_call_arguments.delta","item_id":"fc_1","output_index":3,"delta":"{\"a\":"}

data: {"type":"response.output_item.added","output_index":4,"item":{"id":"ctc_1","type":"custom_tool_call","call_id":"call_2","name":"g","input":""}}

data: {"type":"response.custom_tool_call_input.delta","item_id":"ctc_1","output_index":4,"delta":"free"}

data: {"type":"response.function_call_arguments.delta","item_id":"fc_1","output_index":3,"delta":"1}"}

data: {"type":"response.function_call_arguments.done","item_id":"fc_1","output_index":3,"arguments":"{\"a\":1}"}

data: {"type":"response.output_item.done","output_index":3,"item":{"id":"fc_1","type":"function_call","call_id":"call_1","name":"f","arguments":"{\"a\":1}"}}

data: {"type":"response.output_item.done","output_index":4,"item":{"id":"ctc_1","type":"custom_tool_call","call_id":"call_2","name":"g","input":"free"}}

data: {"type":"response.completed","sequence_number":30,"response":{"id":"resp_1","status":"completed","model":"m-1","output":[{"type":"message","content":[{"type":"output_text","text":"again"}]}],"usage":{"input_tokens":3,"output_tokens":2,"total_tokens":5}}}

"#;

/// Ark's, shortened: no part events for reasoning, spaces after colons, no blank in `data:`.
const ARK: &str = r#"data:{"type": "response.created", "response": {"id": "resp_0217", "model": "doubao-seed-1-8", "status": "in_progress", "thinking": {"type": "enabled"}, "store": true}}

data:{"type": "response.output_item.added", "output_index": 0, "item": {"id": "rs_0217", "type": "reasoning", "status": "in_progress"}}

data:{"type": "response.reasoning_summary_text.delta", "item_id": "rs_0217", "output_index": 0, "summary_index": 0, "delta": "hm"}

data:{"type": "response.output_item.done", "output_index": 0, "item": {"id": "rs_0217", "type": "reasoning", "status": "completed", "summary": [{"type": "summary_text", "text": "hm"}]}}

data:{"type": "response.output_item.added", "output_index": 1, "item": {"id": "msg_0217", "type": "message", "role": "assistant", "status": "in_progress"}}

data:{"type": "response.output_text.delta", "item_id": "msg_0217", "output_index": 1, "content_index": 0, "delta": "你好"}

data:{"type": "response.completed", "response": {"id": "resp_0217", "status": "completed", "usage": {"input_tokens": 9, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 3, "output_tokens_details": {"reasoning_tokens": 1}, "total_tokens": 12}}}

"#;

fn read_pieces(stream: &[u8], size: usize) -> (Vec<AnswerEvent>, Progress) {
    let (mut lines, mut reader) = (sse::Reader::new(1 << 20), Reader::default());
    let (mut out, mut progress) = (Vec::new(), Progress::More);
    for piece in stream.chunks(size) {
        lines.push(Bytes::copy_from_slice(piece));
        while let Some(event) = lines.next().unwrap() {
            progress = reader.event(&event.data, &mut out).unwrap();
        }
    }
    (out, progress)
}

fn read(stream: &str) -> Vec<AnswerEvent> {
    let (whole, progress) = read_pieces(stream.as_bytes(), stream.len());
    assert_eq!(read_pieces(stream.as_bytes(), 5), (whole.clone(), progress), "however it is cut");
    whole
}

/// The short form of what was read.
fn told(stream: &str) -> String {
    let one = |event: &AnswerEvent| match event {
        AnswerEvent::Begin { id, model } => {
            format!("begin {} {}", id.as_deref().unwrap_or("-"), model.as_deref().unwrap_or("-"))
        }
        AnswerEvent::Text(text) => format!("text {text}"),
        AnswerEvent::TextOpaque(_) | AnswerEvent::CallOpaque { .. } | AnswerEvent::Image(_) => "unexpected".to_owned(),
        AnswerEvent::Citation(citation) => format!("cites {}", citation.url.as_deref().unwrap_or("-")),
        AnswerEvent::Reasoning(text) => format!("thinks {}", text.replace('\n', "/")),
        AnswerEvent::ReasoningOpaque(state) => format!("state {}", state.tagged()),
        AnswerEvent::Refusal(text) => format!("refuses {text}"),
        AnswerEvent::CallBegin { index, id, name, custom } => {
            format!("{} {index} {id} {name}", if *custom { "custom" } else { "calls" })
        }
        AnswerEvent::CallArguments { index, delta } => format!("with {index} {delta}"),
        AnswerEvent::CallEnd { index } => format!("called {index}"),
        AnswerEvent::Stop(stop) => format!("stop {}", stop.reason),
        AnswerEvent::Usage(usage) => format!("used {} {}", usage.input_tokens, usage.output_tokens),
        AnswerEvent::Error(error) => format!("error {} {}", error.code.as_deref().unwrap_or("-"), error.message),
    };
    read(stream).iter().map(one).collect::<Vec<_>>().join(" | ")
}

fn check(data: &[&str], expected: &str) {
    let stream: String = data.iter().map(|data| format!("data: {data}\n\n")).collect();
    assert_eq!(told(&stream), expected, "{stream}");
}

#[test]
fn a_stream_of_openai_is_read() {
    assert_eq!(
        told(SAMPLE),
        "begin resp_1 m-1 | thinks a | thinks //b | state easyai:1:openai:gAAA | text hi \"there\" | cites https://a \
         | calls 0 call_1 f | with 0 {\"a\": | custom 1 call_2 g | with 1 free | with 0 1} | called 0 | called 1 \
         | stop tool_calls | used 3 2"
    );
    let mut collector = Collector::default();
    read(SAMPLE).into_iter().for_each(|event| collector.push(event));
    let answer = collector.finish();
    let state = Opaque { owner: OpaqueOwner::Openai, data: "gAAA".to_owned() };
    assert_eq!(answer.parts[0], Part::Reasoning(Reasoning { text: "a\n\nb".to_owned(), opaque: Some(state) }));
    assert_eq!(answer.parts.len(), 4);
    assert_eq!(answer.stop, Stop { reason: StopReason::ToolCalls, sequence: None });
}

#[test]
fn a_stream_of_ark_is_read() {
    assert_eq!(told(ARK), "begin resp_0217 doubao-seed-1-8 | thinks hm | text 你好 | stop stop | used 9 3");
    let usage = read(ARK).into_iter().find_map(|event| if let AnswerEvent::Usage(usage) = event { Some(usage) } else { None });
    assert_eq!(usage.map(|usage| usage.reasoning_tokens), Some(1));
    assert!(matches!(read_pieces(ARK.as_bytes(), 7).1, Progress::Done));
}

#[test]
fn what_only_done_events_bring_is_told_once() {
    check(
        &[
            r#"{"type":"response.output_item.added","output_index":0,"item":{"id":"msg_1","type":"message"}}"#,
            r#"{"type":"response.output_text.done","output_index":0,"text":"hi"}"#,
            r#"{"type":"response.content_part.done","output_index":0,"part":{"type":"output_text","text":"hi","annotations":[{"type":"url_citation","url":"https://a"}]}}"#,
            r#"{"type":"response.output_item.done","output_index":0,"item":{"id":"msg_1","type":"message","content":[{"type":"output_text","text":"hi"}]}}"#,
            r#"{"type":"response.output_item.done","output_index":1,"item":{"id":"fc_1","type":"function_call","call_id":"c","name":"f","arguments":{"a":1}}}"#,
            r#"{"type":"response.output_item.done","output_index":1,"item":{"id":"fc_1","type":"function_call","call_id":"c","name":"f","arguments":{"a":1}}}"#,
            r#"{"type":"response.output_item.done","output_index":2,"item":{"type":"reasoning","summary":[{"text":"hm"}],"encrypted_content":"s"}}"#,
            r#"{"type":"response.output_item.done","output_index":3,"item":{"type":"message","content":[{"type":"refusal","refusal":"no"}]}}"#,
        ],
        "begin - - | text hi | cites https://a | calls 0 c f | with 0 {\"a\":1} | called 0 | thinks hm | state easyai:1:openai:s | refuses no",
    );
    check(
        &[
            r#"{"type":"response.created","response":{"id":"r"}}"#,
            r#"{"type":"response.completed","response":{"status":"completed","output":[{"type":"message","content":[{"text":"hi"}]},{"type":"function_call","call_id":"c","name":"f","arguments":"{}"}]}}"#,
        ],
        "begin r - | text hi | calls 0 c f | with 0 {} | called 0 | stop tool_calls",
    );
}

#[test]
fn parts_of_one_item_are_told_apart() {
    let added = r#"{"type":"response.output_item.added","output_index":0,"item":{"id":"m","type":"message"}}"#;
    let first = r#"{"type":"response.output_text.done","output_index":0,"content_index":0,"text":"one"}"#;
    let second = r#"{"type":"response.output_text.done","output_index":0,"content_index":1,"text":"two"}"#;
    check(&[added, first, second, second], "begin - - | text one | text two");
    let delta = r#"{"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"one"}"#;
    check(&[added, delta, first, second], "begin - - | text one | text two");
    let nowhere = r#"{"type":"response.output_text.delta","output_index":0,"delta":"one"}"#;
    check(&[added, nowhere, second], "begin - - | text one");
}

#[test]
fn events_that_lack_their_place_belong_to_the_last_item() {
    check(
        &[
            r#"{"type":"response.output_item.added","item":{"type":"function_call","name":"f"}}"#,
            r#"{"type":"response.function_call_arguments.delta","delta":"{}"}"#,
            r#"{"type":"response.output_item.added","item":{"type":"function_call","name":"g"}}"#,
            r#"{"type":"response.function_call_arguments.delta","delta":"[]"}"#,
        ],
        "begin - - | calls 0 call_0 f | with 0 {} | calls 1 call_1 g | with 1 []",
    );
    check(
        &[
            r#"{"type":"response.output_item.added","item":{"id":"a","type":"function_call","call_id":"x","name":"f"}}"#,
            r#"{"type":"response.output_item.added","item":{"id":"b","type":"function_call","call_id":"y","name":"g"}}"#,
            r#"{"type":"response.function_call_arguments.delta","item_id":"a","delta":"{}"}"#,
        ],
        "begin - - | calls 0 x f | calls 1 y g | with 0 {}",
    );
}

#[test]
fn an_open_models_reasoning_is_not_told_twice() {
    check(
        &[
            r#"{"type":"response.reasoning_text.delta","output_index":0,"delta":"hm"}"#,
            r#"{"type":"response.reasoning_summary_text.delta","output_index":0,"summary_index":0,"delta":"short"}"#,
            r#"{"type":"response.output_item.done","output_index":0,"item":{"type":"reasoning","content":[{"type":"reasoning_text","text":"hm"}]}}"#,
        ],
        "begin - - | thinks hm",
    );
}

#[test]
fn ends_and_failures_are_told_apart() {
    let ends = |response: &str, expected: &str| {
        check(
            &[r#"{"type":"response.output_text.delta","output_index":0,"delta":"hi"}"#, response],
            &format!("begin - - | text hi | {expected}"),
        );
    };
    ends(
        r#"{"type":"response.incomplete","response":{"status":"incomplete","incomplete_details":{"reason":"max_output_tokens"}}}"#,
        "stop length",
    );
    ends(
        r#"{"type":"response.incomplete","response":{"status":"incomplete","incomplete_details":{"reason":"content_filter"}}}"#,
        "stop content_filter",
    );
    ends(r#"{"type":"response.completed"}"#, "stop stop");
    ends(
        r#"{"type":"response.failed","response":{"status":"failed","error":{"code":"rate_limit_exceeded","message":"slow"}}}"#,
        "error rate_limit_exceeded slow",
    );
    ends(r#"{"type":"error","code":"server_error","message":"m","param":null,"sequence_number":2}"#, "error server_error m");
    ends(
        r#"{"type":"error","error":{"type":"tokens","code":"insufficient_quota","message":"m"},"sequence_number":2}"#,
        "error insufficient_quota m",
    );
    ends(r#"{"error":{"message":"m"}}"#, "error - m");
}

#[test]
fn a_flat_errors_type_is_no_kind() {
    let flat = stream_error(br#"{"type":"error","code":"server_error","message":"m"}"#);
    assert_eq!((flat.code.as_deref(), flat.kind), (Some("server_error"), None));
    let nested = stream_error(br#"{"type":"error","error":{"type":"insufficient_quota","message":"m"}}"#);
    assert_eq!(nested.kind.as_deref(), Some("insufficient_quota"));
}

#[test]
fn what_we_write_we_read() {
    use bytes::BytesMut;

    use crate::responses::stream_writer::Writer;
    use crate::wire::{Envelope, StreamWriter};
    let envelope = Envelope {
        id: "1".to_owned(),
        created_at: 0,
        model: "m".into(),
        include_usage: true,
        input_tokens: 0,
        request: Bytes::from_static(br#"{"store":false}"#),
    };
    let (mut writer, mut out) = (Writer::new(envelope), BytesMut::new());
    let steps = read(SAMPLE);
    for step in steps.iter().filter(|step| !matches!(step, AnswerEvent::Stop(_) | AnswerEvent::Usage(_))) {
        writer.event(step.clone(), &mut out);
    }
    writer.end(&Stop { reason: StopReason::ToolCalls, sequence: None }, &Usage::counted(3, 2), &mut out);
    let again = read(std::str::from_utf8(&out).unwrap());
    let (mut first, mut second) = (Collector::default(), Collector::default());
    steps.into_iter().for_each(|step| first.push(step));
    again.into_iter().for_each(|step| second.push(step));
    assert_eq!(first.finish().parts, second.finish().parts);
}

#[test]
fn garbage_is_not_an_event() {
    for data in ["", "hello", "{\"type\":", "<html>", "42"] {
        assert!(Reader::default().event(data.as_bytes(), &mut Vec::new()).is_err(), "{data}");
    }
}

proptest! {
    #[test]
    fn no_bytes_break_it(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Reader::default().event(&bytes, &mut Vec::new());
    }

    #[test]
    fn no_damage_breaks_it(at in 0..SAMPLE.len(), byte in any::<u8>(), from in 0..SAMPLE.len()) {
        let mut bytes = SAMPLE.as_bytes().to_vec();
        bytes[at] = byte;
        let mut reader = Reader::default();
        let mut out = Vec::new();
        let text = String::from_utf8_lossy(&bytes);
        for data in text.lines().skip(from % 7).filter_map(|line| line.strip_prefix("data: ")) {
            let _ = reader.event(data.as_bytes(), &mut out);
        }
        let begun: Vec<_> = out.iter().filter_map(|event| if let AnswerEvent::CallBegin { index, .. } = event { Some(*index) } else { None }).collect();
        prop_assert_eq!(&begun, &(0..begun.len()).collect::<Vec<_>>(), "indexes count from 0 without gaps");
    }
}

//! What upstreams really send, and what it means. Every stream is read whole and in pieces of five bytes.

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::sse;

/// The events of a stream, in short.
fn read(pieces: &[&[u8]]) -> Vec<String> {
    let (mut frames, mut reader, mut out) = (sse::Reader::new(1 << 20), Reader::default(), Vec::new());
    let mut pull = |frames: &mut sse::Reader| {
        while let Some(event) = frames.next().unwrap() {
            reader.event(&event.data, &mut out).unwrap();
        }
    };
    for piece in pieces {
        frames.push(Bytes::copy_from_slice(piece));
        pull(&mut frames);
    }
    frames.finish();
    pull(&mut frames);
    out.iter().map(shown).collect()
}

fn shown(event: &AnswerEvent) -> String {
    match event {
        AnswerEvent::Begin { id, model } => format!("begin {} {}", id.as_deref().unwrap_or("-"), model.as_deref().unwrap_or("-")),
        AnswerEvent::Text(text) => format!("text {text}"),
        AnswerEvent::Reasoning(text) => format!("thought {text}"),
        AnswerEvent::Refusal(text) => format!("refusal {text}"),
        AnswerEvent::Citation(citation) => format!("cites {}", citation.url.as_deref().unwrap_or("-")),
        AnswerEvent::CallBegin { index, id, name, custom } => format!("call {index} {id} {name}{}", if *custom { " custom" } else { "" }),
        AnswerEvent::CallArguments { index, delta } => format!("args {index} {delta}"),
        AnswerEvent::CallOpaque { index, opaque } => format!("opaque {index} {} {}", opaque.owner, opaque.data),
        AnswerEvent::CallEnd { index } => format!("end {index}"),
        AnswerEvent::Stop(stop) => format!("stop {}", stop.reason),
        AnswerEvent::Usage(usage) => format!("usage {} {} {}", usage.input_tokens, usage.output_tokens, usage.reasoning_tokens),
        AnswerEvent::Error(error) => format!("error {}", error.message),
        other => format!("{other:?}"),
    }
}

fn check(events: &[&str], expected: &[&str]) {
    let stream: String = events.iter().map(|data| format!("data: {data}\n\n")).collect();
    assert_eq!(read(&[stream.as_bytes()]), expected, "whole: {stream}");
    let pieces: Vec<&[u8]> = stream.as_bytes().chunks(5).collect();
    assert_eq!(read(&pieces), expected, "in pieces: {stream}");
}

/// Deltas of one stream, with the begin and the end that every stream has.
fn check_deltas(deltas: &[&str], expected: &[&str], reason: &str) {
    let chunks: Vec<String> = deltas.iter().map(|delta| format!(r#"{{"id":"x-7","choices":[{{"index":0,"delta":{delta}}}]}}"#)).collect();
    let mut events: Vec<&str> = chunks.iter().map(String::as_str).collect();
    events.push("[DONE]");
    let stop = format!("stop {reason}");
    let expected: Vec<&str> = ["begin x-7 -"].into_iter().chain(expected.iter().copied()).chain([stop.as_str()]).collect();
    check(&events, &expected);
}

const OPENAI: [&str; 6] = [
    r#"{"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"x"}"#,
    r#"{"id":"c1","model":"m","choices":[{"index":0,"delta":{"content":"hé"},"finish_reason":null}],"usage":null}"#,
    r#"{"id":"c1","model":"m","choices":[{"index":0,"delta":{"content":"llo"},"finish_reason":null}],"usage":null}"#,
    r#"{"id":"c1","model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}"#,
    r#"{"id":"c1","model":"m","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":3,"total_tokens":12}}"#,
    "[DONE]",
];

#[test]
fn openais_own_stream() {
    check(&OPENAI, &["begin c1 m", "text hé", "text llo", "stop stop", "usage 9 3 0"]);
}

#[test]
fn a_preamble_without_choices_is_neither_begin_nor_end() {
    let azure = r#"{"id":"","model":"","choices":[],"prompt_filter_results":[{"prompt_index":0}]}"#;
    check(&[azure, OPENAI[1], "[DONE]"], &["begin c1 m", "text hé", "stop stop"]);
}

#[test]
fn usage_counts_wherever_it_stands() {
    let on_finish = r#"{"id":"c1","choices":[{"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":3}}"#;
    check(&[on_finish], &["begin c1 -", "stop stop", "usage 9 3 0"]);
    let groq = r#"{"id":"c1","choices":[{"delta":{},"finish_reason":"stop"}],"x_groq":{"id":"r","usage":{"prompt_tokens":9,"completion_tokens":3}}}"#;
    check(&[groq], &["begin c1 -", "stop stop", "usage 9 3 0"]);
    let cumulative = |tokens: u32, finish: &str| {
        format!(
            r#"{{"id":"c1","choices":[{{"delta":{{"content":"a"}},"finish_reason":{finish}}}],"usage":{{"prompt_tokens":9,"completion_tokens":{tokens}}}}}"#
        )
    };
    let expected = ["begin c1 -", "text a", "usage 9 1 0", "text a", "stop length", "usage 9 2 0"];
    check(&[&cumulative(1, "null"), &cumulative(2, "\"length\"")], &expected);
    let moonshot = r#"{"id":"c1","choices":[{"delta":{},"finish_reason":"stop","usage":{"prompt_tokens":9,"completion_tokens":3,"cached_tokens":4}}]}"#;
    check(&[moonshot], &["begin c1 -", "stop stop", "usage 9 3 0"]);
    let xai = r#"{"id":"c1","choices":[],"usage":{"prompt_tokens":12,"completion_tokens":1,"total_tokens":303,"completion_tokens_details":{"reasoning_tokens":290}}}"#;
    check(&[xai], &["begin c1 -", "usage 12 291 290"]);
}

#[test]
fn a_whole_message_at_the_end_repeats_what_was_said() {
    let delta = |delta: &str| format!(r#"{{"id":"c1","choices":[{{"delta":{delta}}}]}}"#);
    let end = |message: &str| format!(r#"{{"id":"c1","choices":[{{"finish_reason":"stop","message":{message}}}]}}"#);
    let call = r#"{"content":"ab","reasoning_content":"r","tool_calls":[{"id":"x","function":{"name":"f","arguments":"{}"}}]}"#;
    let said = [delta(r#"{"content":"a"}"#), delta(r#"{"content":"b"}"#)];
    check(&[&said[0], &said[1], &end(r#"{"content":"ab"}"#)], &["begin c1 -", "text a", "text b", "stop stop"]);
    let called = ["call 0 x f", "args 0 {}", "end 0", "stop tool_calls"];
    check(&[&said[0], &said[1], &end(call)], &[&["begin c1 -", "text a", "text b"][..], &called].concat());
    check(&[&end(call)], &[&["begin c1 -", "thought r", "text ab"][..], &called].concat());
}

#[test]
fn minimax_and_openrouter_fail_in_places_of_their_own() {
    check(&[r#"{"id":"c1","choices":null,"base_resp":{"status_code":1008,"status_msg":"no money"}}"#], &["error no money"]);
    check(
        &[r#"{"id":"c1","choices":[{"delta":{"content":"a"}}],"base_resp":{"status_code":0,"status_msg":""}}"#],
        &["begin c1 -", "text a"],
    );
    check(
        &[r#"{"id":"c1","choices":[{"delta":{"content":""},"finish_reason":"error","error":{"code":502,"message":"gone"}}]}"#],
        &["error gone"],
    );
}

#[test]
fn reasoning_has_many_names_and_counts_once() {
    check_deltas(&[r#"{"reasoning_content":"a","content":""}"#, r#"{"content":"b"}"#], &["thought a", "text b"], "stop");
    check_deltas(&[r#"{"reasoning":"a","reasoning_details":[{"type":"reasoning.text","text":"a"}]}"#], &["thought a"], "stop");
    check_deltas(&[r#"{"reasoning":"a","reasoning_content":"a"}"#], &["thought a"], "stop");
    check_deltas(&[r#"{"reasoning_details":[{"summary":"a"},{"data":"x"}],"content":null}"#], &["thought a"], "stop");
}

#[test]
fn parts_refusals_citations_and_sound() {
    check_deltas(&[r#"{"content":[{"type":"text","text":"a"}]}"#], &["text a"], "stop");
    check_deltas(&[r#"{"refusal":"no"}"#], &["refusal no"], "stop");
    check_deltas(&[r#"{"audio":{"data":"AAAA"}}"#], &[], "stop");
    let cites = r#"{"content":"a","annotations":[{"type":"url_citation","url_citation":{"url":"https://x","title":"X"}}]}"#;
    check_deltas(&[cites], &["text a", "cites https://x"], "stop");
    check_deltas(&[r#"{"content":7,"tool_calls":"none","function_call":[],"reasoning":{},"annotations":{}}"#], &[], "stop");
}

#[test]
fn calls_as_openai_sends_them() {
    check_deltas(
        &[
            r#"{"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":""}}]}"#,
            r#"{"tool_calls":[{"index":0,"function":{"arguments":"{\"x\""}}]}"#,
            r#"{"tool_calls":[{"index":1,"id":"b","type":"custom","custom":{"name":"g","input":"fr"}}]}"#,
            r#"{"tool_calls":[{"index":0,"function":{"arguments":":1}"}},{"index":1,"custom":{"input":"ee"}}]}"#,
        ],
        &["call 0 a f", "args 0 {\"x\"", "call 1 b g custom", "args 1 fr", "args 0 :1}", "args 1 ee", "end 0", "end 1"],
        "tool_calls",
    );
}

#[test]
fn indexes_from_one_or_missing_or_equal_are_counted_anew() {
    let two = ["call 0 a f", "args 0 {}", "call 1 b f", "args 1 []", "end 0", "end 1"];
    for (first, second) in
        [("\"index\":1,", "\"index\":2,"), ("", ""), ("\"index\":0,", "\"index\":0,"), ("\"index\":null,", "\"index\":\"x\",")]
    {
        let call = |index: &str, id: &str, arguments: &str| {
            format!(r#"{{"tool_calls":[{{{index}"id":"{id}","function":{{"name":"f","arguments":"{arguments}"}}}}]}}"#)
        };
        check_deltas(&[&call(first, "a", "{}"), &call(second, "b", "[]")], &two, "tool_calls");
    }
}

#[test]
fn ids_and_names_that_are_missing_or_repeated() {
    let one = ["call 0 a f", "args 0 {", "args 0 }", "end 0"];
    let repeated =
        |arguments: &str| format!(r#"{{"tool_calls":[{{"index":0,"id":"a","function":{{"name":"f","arguments":"{arguments}"}}}}]}}"#);
    check_deltas(&[&repeated("{"), &repeated("}")], &one, "tool_calls");
    let minted = ["call 0 call_x7_0 f", "args 0 {", "args 0 }", "end 0"];
    let nameless = |name: &str, arguments: &str| format!(r#"{{"tool_calls":[{{"function":{{{name}"arguments":"{arguments}"}}}}]}}"#);
    check_deltas(&[&nameless("\"name\":\"f\",", "{"), &nameless("", "}")], &minted, "tool_calls");
    check_deltas(&[&nameless("\"name\":\"f\",", "{"), &nameless("\"name\":\"f\",", "}")], &minted, "tool_calls");
    let both = ["call 0 call_x7_0 f", "args 0 {}", "call 1 call_x7_1 f", "args 1 {}", "call 2 call_x7_2 g", "end 0", "end 1", "end 2"];
    let calls = [&*nameless("\"name\":\"f\",", "{}"), &nameless("\"name\":\"f\",", "{}"), &nameless("\"name\":\"g\",", "")];
    check_deltas(&calls, &both, "tool_calls");
    let late = [
        r#"{"tool_calls":[{"index":0,"id":"a","function":{"arguments":"{"}}]}"#,
        r#"{"tool_calls":[{"index":0,"function":{"name":"f","arguments":"}"}}]}"#,
    ];
    check_deltas(&late, &["call 0 a f", "args 0 {}", "end 0"], "tool_calls");
    let empty_id = r#"{"tool_calls":[{"index":0,"id":"","function":{"name":"f","arguments":{"a":1}}}]}"#;
    check_deltas(&[empty_id], &["call 0 call_x7_0 f", "args 0 {\"a\":1}", "end 0"], "tool_calls");
}

#[test]
fn the_old_function_call_and_googles_signature() {
    let old = [r#"{"function_call":{"name":"f","arguments":""}}"#, r#"{"function_call":{"arguments":"{}"}}"#];
    check_deltas(&old, &["call 0 call_x7_0 f", "args 0 {}", "end 0"], "tool_calls");
    let signed = r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"},"extra_content":{"google":{"thought_signature":"s"}}}]}"#;
    check_deltas(&[signed], &["call 0 a f", "args 0 {}", "opaque 0 gemini s", "end 0"], "tool_calls");
}

#[test]
fn an_end_has_a_reason_whatever_the_upstream_says() {
    let ends = |reason: &str| format!(r#"{{"id":"c1","choices":[{{"delta":{{"content":"a"}},"finish_reason":{reason}}}]}}"#);
    let table = [
        ("null", "stop"),
        ("\"\"", "stop"),
        ("\"eos\"", "stop"),
        ("\"end_turn\"", "stop"),
        ("\"length\"", "length"),
        ("\"content_filter\"", "content_filter"),
        ("\"function_call\"", "tool_calls"),
    ];
    for (wire, reason) in table {
        check(&[&ends(wire), "[DONE]"], &["begin c1 -", "text a", &format!("stop {reason}")]);
    }
    let ark = r#"{"id":"0217","choices":[{"delta":{},"finish_reason":"stop","moderation_hit_type":"severe_violation"}]}"#;
    check(&[ark, "[DONE]"], &["begin 0217 -", "stop content_filter"]);
    check(&["[DONE]"], &[]);
}

#[test]
fn an_error_in_the_middle_ends_it() {
    let table = [
        r#"{"error":{"message":"no","code":502}}"#,
        r#"{"error":"no"}"#,
        r#"{"detail":"no"}"#,
        r#"{"id":"c1","choices":[],"error":{"message":"no"}}"#,
    ];
    for error in table {
        check(&[OPENAI[1], error], &["begin c1 m", "text hé", "error no"]);
    }
    let mut reader = Reader::default();
    assert_eq!(reader.event(table[0].as_bytes(), &mut Vec::new()), Ok(Progress::Done));
    for bad in ["", "hello", "{\"choices\":", "<html>", "42"] {
        assert!(reader.event(bad.as_bytes(), &mut Vec::new()).is_err(), "{bad}");
    }
}

#[test]
fn only_the_first_of_several_choices_is_read() {
    let both = r#"{"id":"c1","choices":[{"index":1,"delta":{"content":"b"}},{"index":0,"delta":{"content":"a"}}]}"#;
    check(&[both], &["begin c1 -", "text a"]);
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), which in 0..OPENAI.len(), at in 0usize..400, byte in any::<u8>()) {
        let (mut reader, mut out) = (Reader::default(), Vec::new());
        let _ = reader.event(&bytes, &mut out);
        let mut mutated = OPENAI[which].as_bytes().to_vec();
        let at = at % mutated.len();
        mutated[at] = byte;
        let _ = reader.event(&mutated, &mut out);
    }

    #[test]
    fn calls_are_counted_without_gaps(fragments in prop::collection::vec((prop::option::of(0u64..3), prop::option::of("[ab]?"), "[fg]?", "[{}a]{0,3}"), 0..12)) {
        let (mut reader, mut out) = (Reader::default(), Vec::new());
        for (index, id, name, arguments) in fragments {
            let call = serde_json::json!({"index": index, "id": id, "function": {"name": name, "arguments": arguments}});
            let chunk = serde_json::json!({"choices": [{"delta": {"tool_calls": [call]}}]});
            reader.event(chunk.to_string().as_bytes(), &mut out).unwrap();
        }
        let mut begun = 0;
        for event in &out {
            match event {
                AnswerEvent::CallBegin { index, id, name, .. } => {
                    prop_assert!(*index == begun && !id.is_empty() && !name.is_empty());
                    begun += 1;
                }
                AnswerEvent::CallArguments { index, delta } => prop_assert!(*index < begun && !delta.is_empty()),
                _other => {}
            }
        }
    }
}

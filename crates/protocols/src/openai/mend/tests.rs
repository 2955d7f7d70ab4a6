//! What passes as it is, and what compatible upstreams send instead.

use proptest::prelude::*;

use super::*;

/// Calls of one stream, chunk by chunk; `=` says that a chunk passes as it is.
fn check(chunks: &[(&str, &str)]) {
    let mut calls = Calls::default();
    for (sent, expected) in chunks {
        let whole = |calls: &str| {
            format!(r#"{{"id":"chatcmpl-7","choices":[{{"index":0,"delta":{{"tool_calls":{calls}}},"finish_reason":null}}],"x":1.0}}"#)
        };
        let mended = mended_chunk(&mut calls, whole(sent).as_bytes()).map(|data| String::from_utf8(data.to_vec()).unwrap());
        assert_eq!(mended, (*expected != "=").then(|| whole(expected)), "{sent}");
    }
}

#[test]
fn what_is_right_passes_as_it_is() {
    check(&[
        (r#"[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":""}}]"#, "="),
        (r#"[{"index":0,"function":{"arguments":"{"}}]"#, "="),
        (r#"[{"index":1,"id":"b","type":"function","function":{"name":"f","arguments":""}}]"#, "="),
        (r#"[{"index":0,"function":{"arguments":"}"}},{"index":1,"id":"","function":{"name":null,"arguments":"{}"}}]"#, "="),
        ("null", "="),
        ("[]", "="),
    ]);
    assert_eq!(mended_chunk(&mut Calls::default(), br#"{"choices":[{"delta":{"content":"\"tool_calls\""}}]}"#), None);
}

#[test]
fn numbers_count_from_zero_without_a_gap() {
    check(&[
        (r#"[{"index":1,"id":"a","function":{"name":"f"}}]"#, r#"[{"index":0,"id":"a","function":{"name":"f"}}]"#),
        (r#"[{"index":1,"function":{"arguments":"{}"}}]"#, r#"[{"index":0,"function":{"arguments":"{}"}}]"#),
        (r#"[{"index":4,"id":"b","function":{"name":"f"}}]"#, r#"[{"index":1,"id":"b","function":{"name":"f"}}]"#),
        (r#"[{"index":4,"function":{"arguments":"{}"}}]"#, r#"[{"index":1,"function":{"arguments":"{}"}}]"#),
    ]);
}

#[test]
fn numbers_that_are_missing_or_shared_are_put_in() {
    check(&[
        (r#"[{"id":"a","function":{"name":"f"}}]"#, r#"[{"index":0,"id":"a","function":{"name":"f"}}]"#),
        (r#"[{"index":null,"function":{"arguments":"{}"}}]"#, r#"[{"index":0,"function":{"arguments":"{}"}}]"#),
        (r#"[{}]"#, r#"[{"index":0}]"#),
    ]);
    check(&[
        (r#"[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}]"#, "="),
        (
            r#"[{"index":0,"id":"b","function":{"name":"f","arguments":"{}"}}]"#,
            r#"[{"index":1,"id":"b","function":{"name":"f","arguments":"{}"}}]"#,
        ),
    ]);
}

#[test]
fn ids_and_names_are_said_once() {
    check(&[
        (r#"[{"index":0,"id":"a","function":{"name":"f","arguments":""}}]"#, "="),
        (
            r#"[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}]"#,
            r#"[{"index":0,"id":"","function":{"name":"","arguments":"{}"}}]"#,
        ),
    ]);
    check(&[(r#"[{"index":0,"function":{"name":"f"}}]"#, r#"[{"id":"call_chatcmpl7_0","index":0,"function":{"name":"f"}}]"#)]);
    check(&[(r#"[{"function":{"name":"f"}}]"#, r#"[{"index":0,"id":"call_chatcmpl7_0","function":{"name":"f"}}]"#)]);
}

#[test]
fn arguments_are_text() {
    check(&[(
        r#"[{"index":0,"id":"a","function":{"name":"f","arguments":{"city": "Zürich"}}}]"#,
        r#"[{"index":0,"id":"a","function":{"name":"f","arguments":"{\"city\": \"Zürich\"}"}}]"#,
    )]);
}

#[test]
fn calls_of_a_whole_answer_have_ids_and_text_too() {
    let whole = |calls: &str| format!(r#"{{"id":"x-7","choices":[{{"message":{{"content":null,"tool_calls":{calls}}}}}],"usage":null}}"#);
    let mended = |calls: &str| mended_answer(whole(calls).as_bytes()).map(|data| String::from_utf8(data.to_vec()).unwrap());
    assert_eq!(mended(r#"[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]"#), None);
    assert_eq!(mended("null"), None);
    assert_eq!(
        mended(r#"[{"id":"a","function":{"name":"f","arguments":null}}]"#),
        Some(whole(r#"[{"id":"a","function":{"name":"f","arguments":"{}"}}]"#))
    );
    assert_eq!(
        mended(r#"[{"function":{"name":"f","arguments":{}}},{"id":null,"function":{"name":"f","arguments":""}}]"#),
        Some(whole(
            r#"[{"id":"call_x7_0","function":{"name":"f","arguments":"{}"}},{"id":"call_x7_1","function":{"name":"f","arguments":""}}]"#
        ))
    );
}

#[test]
fn further_choices_pass_as_they_come() {
    let chunk = br#"{"choices":[{"index":1,"delta":{"tool_calls":[{"index":3,"id":"a","function":{"name":"f"}}]}}]}"#;
    assert_eq!(mended_chunk(&mut Calls::default(), chunk), None);
}

proptest! {
    #[test]
    fn no_bytes_panic_and_a_mended_chunk_needs_no_mending(at in 0_usize..200, byte in any::<u8>()) {
        let mut chunk = br#"{"id":"c","choices":[{"index":0,"delta":{"tool_calls":[{"id":"a","function":{"name":"f"}},{"index":7,"function":{"name":"g","arguments":"{}"}}]}}]}"#.to_vec();
        let at = at % chunk.len();
        chunk[at] = byte;
        if let Some(mended) = mended_chunk(&mut Calls::default(), &chunk) {
            prop_assert_eq!(mended_chunk(&mut Calls::default(), &mended), None);
        }
    }
}

#[test]
fn calls_without_an_id_that_share_a_number_are_told_apart() {
    check(&[
        (
            r#"[{"index":0,"function":{"name":"f","arguments":"{\"x\":"}}]"#,
            r#"[{"id":"call_chatcmpl7_0","index":0,"function":{"name":"f","arguments":"{\"x\":"}}]"#,
        ),
        (r#"[{"index":0,"function":{"name":"f","arguments":"1}"}}]"#, r#"[{"index":0,"function":{"name":"","arguments":"1}"}}]"#),
        (
            r#"[{"index":0,"function":{"name":"f","arguments":"{}"}}]"#,
            r#"[{"id":"call_chatcmpl7_1","index":1,"function":{"name":"f","arguments":"{}"}}]"#,
        ),
        (
            r#"[{"index":0,"id":"","function":{"name":"g","arguments":"{}"}}]"#,
            r#"[{"index":2,"id":"call_chatcmpl7_2","function":{"name":"g","arguments":"{}"}}]"#,
        ),
    ]);
    check(&[
        (r#"[{"index":0,"function":{"name":"f"}}]"#, r#"[{"id":"call_chatcmpl7_0","index":0,"function":{"name":"f"}}]"#),
        (r#"[{"index":0,"id":"late","function":{"arguments":"{}"}}]"#, r#"[{"index":0,"id":"","function":{"arguments":"{}"}}]"#),
    ]);
}

#[test]
fn content_in_parts_is_text() {
    fn check(content: &str, expected: &str) {
        for holder in ["delta", "message"] {
            let whole = |said: &str| format!(r#"{{"choices":[{{"index":1, "{holder}": {{{said},"role":"assistant"}}}}]}}"#);
            let sent = whole(content);
            let mended = match holder {
                "delta" => mended_chunk(&mut Calls::default(), sent.as_bytes()),
                _ => mended_answer(sent.as_bytes()),
            };
            assert_eq!(mended, (expected != "=").then(|| Bytes::from(whole(expected))), "{sent}");
        }
    }
    check(r#""content":"text""#, "=");
    check(r#""content": [{"type":"text","text":"a\n"},{"type":"text","text":"b"}]"#, r#""content": "a\nb""#);
    check(
        r#""content":[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]},{"type":"text","text":"a"}]"#,
        r#""content":"a","reasoning_content":"hm""#,
    );
    check(r#""content":[{"type":"thinking","thinking":"hm"}],"reasoning_content":"hm""#, r#""content":"","reasoning_content":"hm""#);
    check(r#""content":[{"type":"reference","reference_ids":[1]},{"type":"text","text":"a"}]"#, r#""content":"a""#);
    check(r#""content":[]"#, r#""content":"""#);
    check(r#""content":[{"type":"image_url","image_url":{"url":"u"}}]"#, "=");
    let logprobs = br#"{"choices":[{"delta":{"content":"a"},"logprobs":{"content":[{"token":"a"}]}}]}"#;
    assert_eq!(mended_chunk(&mut Calls::default(), logprobs), None);
}

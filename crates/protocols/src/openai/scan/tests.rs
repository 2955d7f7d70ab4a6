//! What is read, what is refused and how, and what goes on to the upstream.

use super::*;
use crate::request::StreamUsage;

fn parse(text: &str) -> Result<TextRequest, BadRequest> {
    scan(Bytes::copy_from_slice(text.as_bytes()))
}

fn refused(text: &str, param: Option<&str>, says: &str) {
    let error = parse(text).expect_err(text);
    assert_eq!(error.param.as_deref(), param, "{text}: {error}");
    assert!(error.message.contains(says), "{text}: {error}");
}

const MESSAGES: &str = r#""messages":[{"role":"user","content":"12345678"}]"#;

fn with(members: &str) -> String {
    format!(r#"{{"model":"m",{MESSAGES},{members}}}"#)
}

#[test]
fn what_we_act_on_is_typed() {
    let text = with(
        r#""stream":true,"max_tokens":5,"n":2,"tools":[{"type":"function"}],"tool_choice":"required","response_format":{"type":"json_schema"}"#,
    );
    let request = parse(&text).unwrap();
    let found = &request.scan;
    assert_eq!((&*found.model, found.stream, found.include_usage), ("m", true, false));
    assert_eq!((found.max_output_tokens, found.choices), (Some(5), 2));
    assert_eq!(found.needs, Needs { tools: true, tool_call: true, json: true, json_schema: true, ..Needs::default() });
    assert_eq!(parse(&with(r#""max_tokens":5,"max_completion_tokens":7"#)).unwrap().scan.max_output_tokens, Some(7));
    assert_eq!(request.last_text(), "12345678");
}

#[test]
fn the_prompt_is_estimated_without_its_images() {
    let plain = parse(&with("\"x\":1")).unwrap().scan.prompt_tokens;
    assert_eq!(plain, 2 + 4, "eight characters and a message");
    let image = format!(
        r#"{{"model":"m","messages":[{{"role":"user","content":[{{"type":"text","text":"12345678"}},{{"type":"image_url","image_url":{{"url":"data:image/png;base64,{}"}}}}]}}]}}"#,
        "A".repeat(10_000)
    );
    assert!(parse(&image).unwrap().scan.prompt_tokens < 20);
}

#[test]
fn a_wrong_field_is_named() {
    refused("", None, "empty");
    refused("[]", None, "JSON object");
    refused("{", None, "not JSON");
    refused(r#"{"model":"m"} x"#, None, "something follows");
    refused(r#"{"model":"m"}"#, Some("messages"), "missing");
    refused(&format!("{{{MESSAGES}}}"), Some("model"), "missing");
    refused(&format!(r#"{{"model":7,{MESSAGES}}}"#), Some("model"), "string");
    refused(&format!(r#"{{"model":" ",{MESSAGES}}}"#), Some("model"), "empty");
    refused(&format!(r#"{{"model":"{}",{MESSAGES}}}"#, "m".repeat(300)), Some("model"), "longer");
    refused(r#"{"model":"m","messages":{}}"#, Some("messages"), "array");
    refused(r#"{"model":"m","messages":[]}"#, Some("messages"), "empty");
    refused(r#"{"model":"m","messages":["hi"]}"#, Some("messages[0]"), "object");
    refused(r#"{"model":"m","messages":[{"role":"user"},{"content":"x"}]}"#, Some("messages[1].role"), "missing");
    refused(r#"{"model":"m","messages":[{"role":5}]}"#, Some("messages[0].role"), "string");
    refused(r#"{"model":"m","messages":[{"role":"user","content":5}]}"#, Some("messages[0].content"), "string or an array");
    refused(&with(r#""stream":"yes""#), Some("stream"), "true or false");
    refused(&with(r#""stream_options":[]"#), Some("stream_options"), "object");
    refused(&with(r#""stream_options":{"include_usage":1}"#), Some("stream_options.include_usage"), "true or false");
    refused(&with(r#""stream_options":{"include_usage":true,"include_usage":false}"#), Some("stream_options.include_usage"), "twice");
    assert_eq!(
        parse(&with(r#""max_tokens":0,"max_completion_tokens":0"#)).unwrap().scan.max_output_tokens,
        None,
        "upstreams say what they think of it"
    );
    refused(&with(r#""max_tokens":1.5"#), Some("max_tokens"), "whole number");
    refused(&with(r#""n":1000"#), Some("n"), "128");
    refused(&with(r#""tools":{}"#), Some("tools"), "array");
    refused(&with(r#""model":"other""#), Some("model"), "twice");
    refused(&with(r#""mod\u0065l":"other""#), Some("model"), "twice");
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    let error = scan(Bytes::from_static(b"{\"model\":\"\xff\"}")).unwrap_err();
    assert!(error.message.contains("not UTF-8: byte 10"), "{error}");
}

fn outbound(text: &str, name: &str) -> String {
    let pieces = parse(text).unwrap().outbound(name, StreamUsage::Ask);
    String::from_utf8(pieces.concat()).unwrap()
}

#[test]
fn all_bytes_but_the_name_go_on_as_they_came() {
    let text =
        " {\"unknown\" : {\"b\":1,\"a\":[1.50, 2e0]},\n\"model\":\"m\", \"messages\":[{\"role\":\"user\",\"content\":\"\\u00e9\"}] } ";
    assert_eq!(outbound(text, "m"), text);
    assert_eq!(outbound(text, "up \"1\""), text.replace("\"m\"", "\"up \\\"1\\\"\""));
}

#[test]
fn usage_is_asked_for_wherever_the_stream_options_are() {
    let check = |given: &str, expected: &str| assert_eq!(outbound(&with(given), "m"), with(expected));
    check(r#""stream":true"#, r#""stream":true,"stream_options":{"include_usage":true}"#);
    check(r#""stream":true,"stream_options":null"#, r#""stream":true,"stream_options":{"include_usage":true}"#);
    check(r#""stream":true,"stream_options":{ }"#, r#""stream":true,"stream_options":{"include_usage":true }"#);
    check(r#""stream":true,"stream_options":{"x":1}"#, r#""stream":true,"stream_options":{"include_usage":true,"x":1}"#);
    check(
        r#""stream":true,"stream_options":{"x":1,"include_usage":false}"#,
        r#""stream":true,"stream_options":{"x":1,"include_usage":true}"#,
    );
    check(r#""stream":true,"stream_options":{"include_usage":true}"#, r#""stream":true,"stream_options":{"include_usage":true}"#);
    check(r#""stream":false"#, r#""stream":false"#);
    let spaced = with("\"stream\":true \n");
    assert!(outbound(&spaced, "m").ends_with("\"stream\":true \n,\"stream_options\":{\"include_usage\":true}}"));
}

#[test]
fn what_not_every_model_can_do_is_noticed() {
    let needs = |more: &str| {
        let body = format!(r#"{{"model": "m", "messages": [{{"role": "user", "content": "hi"}}]{more}}}"#);
        scan(body.into()).unwrap().scan.needs
    };
    assert_eq!(needs(""), Needs::default());
    assert_eq!(
        needs(r#", "response_format": {"type": "json_schema", "json_schema": {}}"#),
        Needs { json: true, json_schema: true, ..Needs::default() }
    );
    assert_eq!(needs(r#", "response_format": {"type": "json_object"}"#), Needs { json: true, ..Needs::default() });
    assert_eq!(needs(r#", "audio": {"voice": "alloy"}"#), Needs { audio: true, ..Needs::default() });
    assert_eq!(needs(r#", "audio": null"#), Needs::default());
    let part = |part: &str| {
        let body = format!(
            r#"{{"model": "m", "messages": [{{"role": "user", "content": [{{"type": "text", "text": "what is it?"}}, {part}]}}]}}"#
        );
        scan(body.into()).unwrap().scan.needs
    };
    assert_eq!(
        part(r#"{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}"#),
        Needs { vision: true, ..Needs::default() }
    );
    assert_eq!(part(r#"{"input_audio": {"data": "AAAA"}, "type": "input_audio"}"#), Needs { audio: true, ..Needs::default() });
    assert_eq!(part(r#""a bare string", 5, {"type": 7}"#), Needs::default());
}

#[test]
fn calls_of_one_conversation_have_something_in_common() {
    let parse = |body: String| scan(body.into()).unwrap();
    let messages = |text: &str| format!(r#""messages": [{{"role": "user", "content": "{text}"}}]"#);
    let keyed = parse(format!(r#"{{"model": "m", "user": "u", "prompt_cache_key": "k", {}}}"#, messages("hi")));
    assert_eq!(keyed.affinity(), Some(&b"\"k\""[..]));
    assert_eq!(parse(format!(r#"{{"model": "m", "user": "u", {}}}"#, messages("hi"))).affinity(), Some(&b"\"u\""[..]));
    assert_eq!(parse(format!(r#"{{"model": "m", "user": "", {}}}"#, messages("hi"))).affinity(), None);
    let long = |end: &str| parse(format!(r#"{{"model": "m", {}}}"#, messages(&("x".repeat(5_000) + end))));
    assert_eq!(long("one").affinity(), long("another, longer").affinity());
    assert!(long("one").affinity().is_some());
}

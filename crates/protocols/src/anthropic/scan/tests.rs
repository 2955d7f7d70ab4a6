//! What is found in a body, and what is refused.

use super::*;
use crate::request::StreamUsage;

const TURNS: &str = r#""messages":[{"role":"user","content":"12345678"}]"#;

fn with(members: &str) -> String {
    format!(r#"{{"model":"m","max_tokens":9,{TURNS}{members}}}"#)
}

fn parse(text: &str) -> Result<TextRequest, BadRequest> {
    scan(Bytes::copy_from_slice(text.as_bytes()))
}

fn refused(text: &str, param: Option<&str>, says: &str) {
    let error = parse(text).expect_err(text);
    assert_eq!(error.param.as_deref(), param, "{text}: {error}");
    assert!(error.message.contains(says), "{text}: {error}");
}

fn blocks(blocks: &str) -> Scan {
    let text = format!(r#"{{"model":"m","max_tokens":9,"messages":[{{"role":"user","content":[{blocks}]}}]}}"#);
    parse(&text).expect(&text).scan
}

#[test]
fn what_we_act_on_is_typed() {
    let request =
        parse(&with(r#","stream":true,"metadata":{"a":1,"user_id":"u"},"tools":[{"name":"f"}],"tool_choice":{"type":"any"}"#)).unwrap();
    let found = &request.scan;
    assert_eq!((&*found.model, found.stream, found.max_output_tokens, found.choices), ("m", true, Some(9), 1));
    assert_eq!(found.needs, Needs { tools: true, tool_call: true, ..Needs::default() });
    assert_eq!(request.body().get(found.spans.turns.clone()), Some(&TURNS.as_bytes()[11..]));
    assert_eq!(request.affinity(), Some(&b"\"u\""[..]));
    assert_eq!((request.last_text().as_str(), request.protocol), ("12345678", Protocol::Messages));
}

#[test]
fn what_not_every_model_can_do_is_noticed() {
    let check = |members: &str, needs: Needs| assert_eq!(parse(&with(members)).unwrap().scan.needs, needs, "{members}");
    let json = Needs { json: true, json_schema: true, ..Needs::default() };
    check(r#","output_config":{"effort":"low","format":{"type":"json_schema","schema":{}}}"#, json);
    check(r#","output_format":{"type":"json_schema","schema":{}}"#, json);
    check(r#","output_config":{"effort":"low","format":null}"#, Needs::default());
    check(
        r#","tools":[{"name":"f"}],"tool_choice":{"type":"tool","name":"f"}"#,
        Needs { tools: true, tool_call: true, ..Needs::default() },
    );
    check(r#","tools":[{"name":"f"}],"tool_choice":{"type":"auto"}"#, Needs { tools: true, ..Needs::default() });
    check(r#","tools":[]"#, Needs::default());
    let image = r#"{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}}"#;
    assert!(blocks(image).needs.vision);
    assert!(blocks(&format!(r#"{{"type":"tool_result","tool_use_id":"t","content":[{image}]}}"#)).needs.vision);
    assert!(!blocks(r#"{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"AAAA"}}"#).needs.vision);
    assert!(!blocks(r#""a bare string", 5, {"type":7}"#).needs.vision);
}

#[test]
fn the_prompt_is_estimated_by_what_is_text() {
    let plain = parse(&with("")).unwrap().scan.prompt_tokens;
    assert_eq!(plain, 2 + 4, "eight characters and a message");
    let long = "A".repeat(10_000);
    let less = |block: &str| assert!(blocks(&block.replace("LONG", &long)).prompt_tokens < 30, "{block}");
    let more = |block: &str| assert!(blocks(&block.replace("LONG", &long)).prompt_tokens > 2_400, "{block}");
    less(r#"{"type":"image","source":{"type":"base64","media_type":"image/png","data":"LONG"}}"#);
    less(r#"{"type":"document","source":{"data":"LONG","type":"base64","media_type":"application/pdf"}}"#);
    less(r#"{"type":"thinking","thinking":"a","signature":"LONG"}"#);
    less(r#"{"type":"redacted_thinking","data":"LONG"}"#);
    more(r#"{"type":"document","source":{"data":"LONG","type":"text","media_type":"text/plain"}}"#);
    more(r#"{"type":"document","source":{"type":"content","content":[{"type":"text","text":"LONG"}]}}"#);
    more(r#"{"type":"tool_use","id":"t","name":"f","input":{"data":"LONG"}}"#);
    more(r#"{"type":"tool_result","tool_use_id":"t","content":"LONG"}"#);
    more(r#"{"type":"tool_result","tool_use_id":"t","content":[{"type":"text","text":"LONG"}]}"#);
    assert!(parse(&with(&format!(r#","system":"{long}""#))).unwrap().scan.prompt_tokens > 2_400);
    assert!(parse(&with(&format!(r#","system":[{{"type":"text","text":"{long}"}}]"#))).unwrap().scan.prompt_tokens > 2_400);
    assert!(parse(&with(&format!(r#","tools":[{{"name":"f","description":"{long}"}}]"#))).unwrap().scan.prompt_tokens > 2_400);
}

#[test]
fn a_wrong_field_is_named() {
    refused("", None, "empty");
    refused("[]", None, "JSON object");
    refused("{", None, "not JSON");
    refused(&format!(r#"{{"model":"m",{TURNS}}}"#), Some("max_tokens"), "missing");
    refused(&format!(r#"{{"model":"m",{TURNS},"max_tokens":null}}"#), Some("max_tokens"), "missing");
    refused(&format!(r#"{{"model":"m",{TURNS},"max_tokens":0}}"#), Some("max_tokens"), "above zero");
    refused(&format!(r#"{{"model":"m",{TURNS},"max_tokens":"9"}}"#), Some("max_tokens"), "whole number");
    refused(&format!(r#"{{"max_tokens":9,{TURNS}}}"#), Some("model"), "missing");
    refused(&format!(r#"{{"model":5,{TURNS}}}"#), Some("model"), "string");
    refused(r#"{"model":"m","max_tokens":9}"#, Some("messages"), "missing");
    refused(r#"{"model":"m","max_tokens":9,"messages":[]}"#, Some("messages"), "empty");
    refused(r#"{"model":"m","max_tokens":9,"messages":{}}"#, Some("messages"), "array");
    refused(r#"{"model":"m","max_tokens":9,"messages":[5]}"#, Some("messages[0]"), "object");
    refused(r#"{"model":"m","max_tokens":9,"messages":[{"content":"a"}]}"#, Some("messages[0].role"), "missing");
    refused(r#"{"model":"m","max_tokens":9,"messages":[{"role":5,"content":"a"}]}"#, Some("messages[0].role"), "string");
    refused(r#"{"model":"m","max_tokens":9,"messages":[{"role":"user"}]}"#, Some("messages[0].content"), "missing");
    refused(r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":5}]}"#, Some("messages[0].content"), "blocks");
    refused(&with(r#","system":{}"#), Some("system"), "blocks");
    refused(&with(r#","stream":1"#), Some("stream"), "true or false");
    refused(&with(r#","tools":{}"#), Some("tools"), "array");
    refused(&with(r#","tools":["f"]"#), Some("tools[0]"), "object");
    refused(&with(r#","tool_choice":"any""#), Some("tool_choice"), "object");
    refused(&with(r#","metadata":"u""#), Some("metadata"), "object");
    refused(&with(r#","max_tokens":10"#), Some("max_tokens"), "twice");
}

#[test]
fn counting_needs_no_bound() {
    let request = scan_count(format!(r#"{{"model":"m",{TURNS}}}"#).into()).unwrap();
    assert_eq!((request.scan.max_output_tokens, request.scan.prompt_tokens), (None, 6));
    assert!(scan_count(Bytes::from_static(b"{\"model\":\"m\"}")).is_err());
}

#[test]
fn all_bytes_but_the_name_go_on_as_they_came() {
    let text = with(r#", "thinking" : {"type":"adaptive"} , "new_field":[1.50], "stream":true"#);
    let out = parse(&text).unwrap().outbound("up", StreamUsage::Ask).concat();
    assert_eq!(String::from_utf8(out).unwrap(), text.replace(r#""model":"m""#, r#""model":"up""#));
}

#[test]
fn state_of_other_providers_is_noticed() {
    let check = |body: &str, expected: bool| assert_eq!(holds_foreign_state(body.as_bytes()), expected, "{body}");
    check(r#"{"signature":"easyai:1:gemini:abc"}"#, true);
    check(r#"{"signature":"easyai:1:none:"}"#, true);
    check(r#"{"signature":"ErUBCkYI"}"#, false);
    check(r#"{"text":"what is \"easyai:1:\"?"}"#, true);
    check(r#"{"text":"what is easyai:1:?"}"#, false);
}

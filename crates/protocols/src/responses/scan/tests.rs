//! What is read, what is refused and how, and what goes on to the upstream.

use proptest::prelude::*;

use super::*;
use crate::request::StreamUsage;

fn scanned(body: &str) -> Result<(TextRequest, ResponsesAsk), BadRequest> {
    scan(Bytes::copy_from_slice(body.as_bytes()))
}

fn with(members: &str) -> (TextRequest, ResponsesAsk) {
    scanned(&format!(r#"{{"model":"m","input":"12345678",{members}}}"#)).unwrap()
}

fn refused(body: &str, param: &str, says: &str) {
    let error = scanned(body).unwrap_err();
    assert_eq!(error.param.as_deref(), Some(param), "{body}: {error}");
    assert!(error.message.contains(says), "{body}: {error}");
}

fn refused_with(members: &str, param: &str, says: &str) {
    refused(&format!(r#"{{"model":"m","input":"x",{members}}}"#), param, says);
}

#[test]
fn what_we_act_on_is_typed() {
    let (request, ask) = with(r#""stream":true,"max_output_tokens":20,"user":"u""#);
    let found = &request.scan;
    assert_eq!((&*found.model, found.stream, found.max_output_tokens, found.choices), ("m", true, Some(20), 1));
    assert_eq!((found.prompt_tokens, request.last_text().as_str()), (2 + TOKENS_AN_ITEM, "12345678"));
    assert_eq!((request.protocol, request.affinity()), (Protocol::Responses, Some(&b"\"u\""[..])));
    assert_eq!(ask, ResponsesAsk { store: true, background: false, previous_response_id: None, encrypted_reasoning: false });
}

#[test]
fn what_only_a_response_has_is_typed() {
    let (_, ask) = with(
        r#""store":false,"previous_response_id":"resp_\u0031","include":["message.output_text.logprobs","reasoning.encrypted_content"]"#,
    );
    assert_eq!(
        ask,
        ResponsesAsk { store: false, background: false, previous_response_id: Some("resp_1".to_owned()), encrypted_reasoning: true }
    );
    assert!(with(r#""background":true"#).1.background);
    let (_, ask) = with(r#""store":null,"previous_response_id":null,"include":null,"conversation":null,"background":null"#);
    assert!(ask.store && !ask.background && ask.previous_response_id.is_none());
}

#[test]
fn messages_are_taken_where_there_is_no_input() {
    let (request, _) = scanned(r#"{"model":"m","messages":[{"role":"user","content":"1234"}],"input":null}"#).unwrap();
    assert_eq!(request.last_text(), "1234");
    let (request, _) = scanned(r#"{"messages":[{"role":"user","content":"1234"}],"model":"m","input":"5678"}"#).unwrap();
    assert_eq!(request.last_text(), "5678");
}

#[test]
fn a_reference_is_seen_however_it_is_written() {
    let refers = |item: &str| {
        let (request, _) = scan(Bytes::from(format!(r#"{{"model":"m","input":[{{"role":"user","content":"x"}},{item}]}}"#))).unwrap();
        request.scan.needs.earlier_items
    };
    for item in [
        r#"{"type":"item_reference","id":"m"}"#,
        r#"{"id":"m","type":"item\u005freference"}"#,
        r#"{"id":"m"}"#,
        r#"{"id":"m","type":null,"role":null}"#,
    ] {
        assert!(refers(item), "{item}");
    }
    assert!(!refers(r#"{"type":"message","id":"m","role":"user","content":"item_reference"}"#));
    assert!(!refers(r#"{"id":"m","role":"user","content":"x"}"#));
}

#[test]
fn a_wrong_field_is_named() {
    refused(r#"{"input":"x"}"#, "model", "missing");
    refused(r#"{"model":"m"}"#, "input", "missing");
    assert!(scanned(r#"{"model":"m","previous_response_id":"resp_1"}"#).is_ok());
    refused(r#"{"model":"m","input":[]}"#, "input", "empty");
    refused(r#"{"model":"m","input":["x"]}"#, "input[0]", "item");
    refused(r#"{"model":"m","messages":[{"role":"user"},5]}"#, "messages[1]", "item");
    refused(r#"{"model":"m","input":{"role":"user"}}"#, "input", "array");
    refused_with(r#""input":"y""#, "input", "twice");
    for twice in [r#""type":"message","type":"item_reference","id":"m""#, r#""id":"a","id":"b""#, r#""role":null,"role":"user""#] {
        let key = twice.split('"').nth(1).unwrap();
        refused(&format!(r#"{{"model":"m","input":[{{{twice}}}]}}"#), &format!("input[0].{key}"), "twice");
    }
    refused_with(r#""conversation":"conv_1""#, "conversation", "previous_response_id");
    refused_with(r#""conversation":{"id":"conv_1"}"#, "conversation", "previous_response_id");
    refused_with(r#""background":true,"store":false"#, "background", "store");
    refused_with(r#""store":"no""#, "store", "true or false");
    refused_with(r#""previous_response_id":5"#, "previous_response_id", "string");
    refused_with(r#""tools":{}"#, "tools", "array");
    refused_with(r#""max_output_tokens":0"#, "max_output_tokens", "above zero");
    assert!(scanned(" ").unwrap_err().message.contains("`input`"));
    assert!(scanned("[]").unwrap_err().message.contains("object"));
    assert!(scanned(r#"{"model":"m","input":"x"} y"#).unwrap_err().message.contains("follows"));
}

#[test]
fn what_not_every_model_can_do_is_noticed() {
    let needs = |members: &str| with(members).0.scan.needs;
    assert_eq!(needs(r#""x":1"#), Needs::default());
    assert_eq!(needs(r#""tools":[{"type":"function"}],"tool_choice":"auto""#), Needs { tools: true, ..Needs::default() });
    assert_eq!(needs(r#""tools":[],"tool_choice":"required""#), Needs { tool_call: true, ..Needs::default() });
    for (choice, forced) in [
        (r#"{"type":"function","name":"f"}"#, true),
        (r#"{"type":"allowed_tools","mode":"auto","tools":[]}"#, false),
        (r#"{"mode":"required","type":"allowed_tools","tools":[]}"#, true),
        ("null", false),
    ] {
        assert_eq!(needs(&format!(r#""tool_choice":{choice}"#)).tool_call, forced, "{choice}");
    }
    assert_eq!(needs(r#""text":{"verbosity":"low","format":{"type":"json_object"}}"#), Needs { json: true, ..Needs::default() });
    assert_eq!(
        needs(r#""text":{"format":{"type":"json_schema","name":"n","schema":{}}}"#),
        Needs { json: true, json_schema: true, ..Needs::default() }
    );
    let part = |part: &str| {
        let body = format!(r#"{{"model":"m","input":[{{"role":"user","content":[{part}]}}]}}"#);
        scanned(&body).unwrap().0.scan
    };
    let image = part(r#"{"type":"input_image","image_url":"https://example.com/a/very/long/address/that/is/no/text.png"}"#);
    assert!(image.needs.vision && image.prompt_tokens < 12, "{image:?}");
    assert!(part(r#"{"input_audio":{"data":"AAAAAAAAAAAAAAAAAAAAAAAAAAA","format":"wav"},"type":"input_audio"}"#).needs.audio);
}

#[test]
fn opaque_state_is_no_text() {
    let (request, _) = scanned(&format!(
        r#"{{"model":"m","input":[{{"type":"reasoning","summary":[],"encrypted_content":"{}"}},{{"role":"user","content":"hi"}}]}}"#,
        "x".repeat(1000)
    ))
    .unwrap();
    assert!(request.scan.prompt_tokens < 20);
}

#[test]
fn all_bytes_but_the_name_go_on_as_they_came() {
    let text = " {\"store\" : true, \"input\":\"\\u00e9\",\"model\":\"m\", \"stream\":true } ";
    let (request, _) = scanned(text).unwrap();
    let outbound = request.outbound("up", StreamUsage::Ask).concat();
    assert_eq!(String::from_utf8(outbound).unwrap(), text.replace("\"m\"", "\"up\""));
}

proptest! {
    #[test]
    fn no_bytes_break_it(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = scan(Bytes::from(bytes));
    }
}

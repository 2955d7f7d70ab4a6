//! What is read, what is refused and how, and what an answer is.

use bytes::Bytes;
use easyai_core::usage::Usage;
use proptest::prelude::*;

use super::*;
use crate::request::BadRequest;
use crate::wire::BadAnswer;

fn parse(text: &str) -> Result<ModerationRequest, BadRequest> {
    scan(Bytes::copy_from_slice(text.as_bytes()))
}

#[test]
fn texts_and_images_are_taken_and_the_model_has_a_default() {
    let check = |body: &str, model: &str, tokens: u64, images: bool| {
        let request = parse(body).unwrap();
        assert_eq!((&*request.model, request.tokens, request.images), (model, tokens, images), "{body}");
    };
    check(r#"{"input":"12345678"}"#, DEFAULT_MODEL, 2, false);
    check(r#"{"input":["12345678","a"],"model":null}"#, DEFAULT_MODEL, 3, false);
    check(r#"{"model":"m","input":[{"type":"text","text":"a"}],"x":1}"#, "m", 1, false);
    check(r#"{"model":"m","input":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]}"#, "m", 0, true);
}

#[test]
fn a_wrong_field_is_named() {
    let check = |body: &str, param: Option<&str>, says: &str| {
        let error = parse(body).expect_err(body);
        assert_eq!(error.param.as_deref(), param, "{body}: {error}");
        assert!(error.message.contains(says), "{body}: {error}");
    };
    check(" ", None, "empty");
    check("{}", Some("input"), "missing");
    check(r#"{"input":""}"#, Some("input"), "empty");
    check(r#"{"input":[]}"#, Some("input"), "empty");
    check(r#"{"input":null}"#, Some("input"), "must be a string");
    check(r#"{"input":["a",""]}"#, Some("input[1]"), "empty");
    check(r#"{"input":["a",{"type":"text"}]}"#, Some("input[1]"), "same sort");
    check(r#"{"input":[5]}"#, Some("input[0]"), "string");
    check(r#"{"input":[{"text":"a"}]}"#, Some("input[0].type"), "missing");
    check(r#"{"input":[{"type":"text","text":""}]}"#, Some("input[0].text"), "empty");
    check(r#"{"input":"a","model":5}"#, Some("model"), "string");
    check(r#"{"input":"a","input":"b"}"#, Some("input"), "twice");
}

#[test]
fn the_upstreams_name_is_put_in_wherever_the_callers_would_be() {
    let check = |body: &str, expected: &str| assert_eq!(parse(body).unwrap().outbound("up").concat(), expected.as_bytes());
    check(r#"{ "model":"m","input":"a"}"#, r#"{ "model":"up","input":"a"}"#);
    check(r#"{"model": null,"input":"a"}"#, r#"{"model": "up","input":"a"}"#);
    check("{\"input\":\"a\"} \n", "{\"input\":\"a\",\"model\":\"up\"} \n");
    check(r#"{"input":"a","model":"up"}"#, r#"{"input":"a","model":"up"}"#);
}

#[test]
fn a_verdict_uses_no_tokens_unless_it_says_so() {
    let usage = |body: &str| answer_facts(body.as_bytes()).unwrap().usage;
    assert_eq!(usage(r#"{"id":"modr-1","model":"m","results":[{"flagged":false}]}"#), Some(Usage::counted(0, 0)));
    assert_eq!(usage(r#"{"results":[{}],"usage":{"prompt_tokens":4}}"#).unwrap().input_tokens, 4);
    assert_eq!(usage(r#"{"results":[{"flagged":true}],"usage":7}"#), Some(Usage::counted(0, 0)));
    assert_eq!(answer_facts(br#"{"results":[]}"#), Err(BadAnswer::Empty));
    assert_eq!(answer_facts(b"{}"), Err(BadAnswer::Empty));
    assert!(matches!(answer_facts(br#"{"error":{"message":"no"}}"#), Err(BadAnswer::Error(_))));
    assert!(matches!(answer_facts(br#"{"detail":"no"}"#), Err(BadAnswer::Error(_))));
    assert!(matches!(answer_facts(b"<html>"), Err(BadAnswer::Unparseable(_))));
}

proptest! {
    #[test]
    fn no_bytes_are_too_strange(body in crate::tests::bytes_like(&[
        r#"{"model":"m","input":["ab","\u00e9"]}"#,
        r#"{"input":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"u"}}]}"#,
        r#"{"id":"modr-1","results":[{"flagged":true,"categories":{}}],"usage":{"total_tokens":4}}"#,
    ])) {
        if let Ok(request) = scan(Bytes::from(body.clone())) {
            let sent: serde_json::Value = serde_json::from_slice(&request.outbound("up").concat()).unwrap();
            prop_assert_eq!(&sent["model"], "up");
        }
        let _ = answer_facts(&body);
    }
}

//! What is read, what is refused and how, and how vectors are written.

use bytes::Bytes;
use easyai_core::usage::Usage;
use proptest::prelude::*;

use super::*;
use crate::request::{BadRequest, InputForm};
use crate::wire::BadAnswer;

fn parse(text: &str) -> Result<EmbedRequest, BadRequest> {
    scan(Bytes::copy_from_slice(text.as_bytes()))
}

fn refused(text: &str, param: Option<&str>, says: &str) {
    let error = parse(text).expect_err(text);
    assert_eq!(error.param.as_deref(), param, "{text}: {error}");
    assert!(error.message.contains(says), "{text}: {error}");
}

fn with(input: &str) -> String {
    format!(r#"{{"model":"m","input":{input}}}"#)
}

#[test]
fn the_input_comes_in_four_forms() {
    let check = |input: &str, form: InputForm, inputs: usize, tokens: u64, texts: Option<&[&str]>| {
        let request = parse(&with(input)).unwrap();
        assert_eq!((request.form, request.inputs, request.tokens), (form, inputs, tokens), "{input}");
        let texts = texts.map(|texts| texts.iter().map(|text| (*text).to_owned()).collect());
        assert_eq!(request.texts(), texts, "{input}");
    };
    check(r#""12345678""#, InputForm::Text, 1, 2, Some(&["12345678"]));
    check(r#"["12345678", "a", "\u00e9"]"#, InputForm::Texts, 3, 4, Some(&["12345678", "a", "é"]));
    check("[5, 0, 4294967295]", InputForm::Tokens, 1, 3, None);
    check("[[5, 6], [7]]", InputForm::TokenLists, 2, 3, None);
    check(r#""data:text is counted too""#, InputForm::Text, 1, 6, Some(&["data:text is counted too"]));
    check(r#"" ""#, InputForm::Text, 1, 1, Some(&[" "]));
}

#[test]
fn the_settings_are_typed() {
    let request = parse(r#"{"model":"m","input":"a","dimensions":256,"encoding_format":"base64","user":"u","x":[{}]}"#).unwrap();
    assert_eq!((&*request.model, request.dimensions.map(Into::into)), ("m", Some(256_u32)));
    assert_eq!((request.encoding, request.user.as_deref()), (Encoding::Base64, Some("u")));
    let request = parse(r#"{"model":"m","input":"a","dimensions":null,"encoding_format":null,"user":5}"#).unwrap();
    assert_eq!((request.dimensions, request.encoding, request.user), (None, Encoding::Float, None));
}

#[test]
fn a_wrong_field_is_named() {
    refused("", None, "empty");
    refused("[]", None, "JSON object");
    refused("{", None, "not JSON");
    refused(r#"{"input":"a"}"#, Some("model"), "missing");
    refused(r#"{"model":"m"}"#, Some("input"), "missing");
    refused(&with("null"), Some("input"), "must be a string");
    refused(&with("5"), Some("input"), "must be a string");
    refused(&with(r#""""#), Some("input"), "empty");
    refused(&with("[]"), Some("input"), "empty");
    refused(&with(r#"["a", ""]"#), Some("input[1]"), "empty");
    refused(&with("[[1], []]"), Some("input[1]"), "empty");
    refused(&with(r#"["a", 5]"#), Some("input[1]"), "same sort");
    refused(&with("[1.5]"), Some("input[0]"), "token id");
    refused(&with("[[1, -1]]"), Some("input[0][1]"), "token id");
    refused(&with(r#"[["a"]]"#), Some("input[0][0]"), "token id");
    refused(&with(r#"[{"text":"a"}]"#), Some("input"), "must be a string");
    refused(&with(r#""\ud800""#), None, "no character");
    refused(&with(&format!("[{}\"a\"]", "\"a\",".repeat(2048))), Some("input"), "2048");
    refused(r#"{"model":"m","input":"a","dimensions":0}"#, Some("dimensions"), "above zero");
    refused(r#"{"model":"m","input":"a","dimensions":"5"}"#, Some("dimensions"), "above zero");
    refused(r#"{"model":"m","input":"a","encoding_format":"hex"}"#, Some("encoding_format"), "`base64`");
    refused(r#"{"model":"m","input":"a","input":"b"}"#, Some("input"), "twice");
    assert_eq!(parse(&with(&format!("[{}1]", "1,".repeat(5000)))).unwrap().tokens, 5001, "one text may have more tokens than that");
}

#[test]
fn all_bytes_but_the_name_go_on_as_they_came() {
    let text = " {\"x\" : 1.50, \"input\":[\"\\u00e9\"] ,\"model\": \"m\"} ";
    let outbound = |name| parse(text).unwrap().outbound(name).concat();
    assert_eq!(outbound("m"), text.as_bytes());
    assert_eq!(outbound("up"), text.replace("\"m\"", "\"up\"").as_bytes());
}

fn input_tokens(body: &str) -> Option<u64> {
    answer_facts(body.as_bytes()).unwrap().usage.map(|usage| usage.input_tokens)
}

const VECTOR: &str = r#""data":[{"object":"embedding","index":0,"embedding":[1.0,-0.5]}]"#;

#[test]
fn usage_is_read_whatever_it_is_called() {
    assert_eq!(input_tokens(&format!(r#"{{{VECTOR},"usage":{{"prompt_tokens":4,"total_tokens":4}}}}"#)), Some(4));
    assert_eq!(input_tokens(&format!(r#"{{{VECTOR},"usage":{{"total_tokens":"7"}}}}"#)), Some(7));
    assert_eq!(input_tokens(&format!(r#"{{{VECTOR},"usage":"none"}}"#)), None);
    assert_eq!(input_tokens(&format!("{{{VECTOR}}}")), None);
    assert_eq!(input_tokens(r#"{"data":[{"embedding":"AACAPw=="}],"usage":{"prompt_tokens":1}}"#), Some(1));
    assert_eq!(input_tokens(r#"{"data":{"embedding":[0.1]},"usage":{"prompt_tokens":9}}"#), Some(9), "Ark's multimodal answer");
}

#[test]
fn answers_are_told_from_what_only_looks_like_one() {
    let check = |body: &str, expected: fn(&BadAnswer) -> bool| {
        let error = answer_facts(body.as_bytes()).expect_err(body);
        assert!(expected(&error), "{body}: {error}");
    };
    for body in ["{}", r#"{"data":[]}"#, r#"{"data":null}"#, r#"{"data":[{}]}"#, r#"{"data":[{"embedding":[]}]}"#] {
        check(body, |error| *error == BadAnswer::Empty);
    }
    for body in [r#"{"error":{"message":"no"}}"#, r#"{"detail":"no"}"#, r#"{"message":"no"}"#, r#"{"data":[],"message":"no"}"#] {
        check(body, |error| matches!(error, BadAnswer::Error(error) if error.message == "no"));
    }
    for body in ["", "<html>", "\"text\"", r#"{"data":[1]}"#, r#"{"data":"x"}"#] {
        check(body, |error| matches!(error, BadAnswer::Unparseable(_)));
    }
}

#[test]
fn vectors_are_read_in_the_order_of_the_inputs() {
    let read = |data: &str, inputs| read_answer(format!(r#"{{"model":"up","data":{data}}}"#).as_bytes(), inputs);
    let vectors = |data: &str, inputs| read(data, inputs).unwrap().vectors;
    assert_eq!(vectors(r#"[{"index":1,"embedding":[2]},{"index":0,"embedding":[1]}]"#, 2), [[1.0], [2.0]]);
    assert_eq!(vectors(r#"[{"index":0,"embedding":[1]},{"index":0,"embedding":[2]}]"#, 2), [[1.0], [2.0]]);
    assert_eq!(vectors(r#"[{"embedding":"AACAPwAAAMA="}]"#, 1), [[1.0, -2.0]]);
    assert_eq!(vectors(r#"{"object":"embedding","embedding":[0.25]}"#, 1), [[0.25]]);
    assert!(matches!(read(r#"[{"embedding":[1]}]"#, 2), Err(BadAnswer::Unparseable(_))), "a vector is missing");
    assert!(matches!(read(r#"[{"embedding":"AAA="}]"#, 1), Err(BadAnswer::Unparseable(_))), "two bytes are no number");
    assert!(matches!(read(r#"[{"embedding":null}]"#, 1), Err(BadAnswer::Unparseable(_))));
    assert_eq!(read("[]", 1), Err(BadAnswer::Empty));
}

#[test]
fn an_answer_is_written_as_openai_writes_it() {
    let write = |encoding| write_answer(&[vec![1.0, 0.1], vec![-2.0]], encoding, "m", &Usage::counted(4, 0));
    let floats = concat!(
        r#"{"object":"list","data":[{"object":"embedding","index":0,"embedding":[1.0,0.1]},"#,
        r#"{"object":"embedding","index":1,"embedding":[-2.0]}],"model":"m","usage":{"prompt_tokens":4,"total_tokens":4}}"#
    );
    assert_eq!(write(Encoding::Float), floats);
    assert_eq!(write(Encoding::Base64), floats.replace("[1.0,0.1]", "\"AACAP83MzD0=\"").replace("[-2.0]", "\"AAAAwA==\""));
}

#[test]
fn an_answer_in_the_other_encoding_is_rewritten_and_nothing_else_of_it() {
    let floats =
        r#" {"object":"list", "data":[{"index":0,"embedding":[1.0,0.1],"x":null},{"embedding":[-2.0]}],"usage":{"embedding":[7]}} "#;
    let base64 = floats.replace("[1.0,0.1]", "\"AACAP83MzD0=\"").replace("[-2.0]", "\"AAAAwA==\"");
    let change = |body: &str, wanted| reencode(&Bytes::copy_from_slice(body.as_bytes()), wanted);
    assert_eq!(change(floats, Encoding::Base64).unwrap(), base64);
    assert_eq!(change(&base64, Encoding::Float).unwrap(), floats);
    assert_eq!(change(floats, Encoding::Float), None);
    assert_eq!(change(&base64, Encoding::Base64), None);
    for body in ["", "[]", "{}", r#"{"data":[]}"#, r#"{"data":[5]}"#, r#"{"data":[{"embedding":null}]}"#, r#"{"data":[{"embedding":[1"#] {
        assert_eq!(change(body, Encoding::Base64), None, "{body}");
    }
    assert_eq!(change(r#"{"data":[{"embedding":["a"]}]}"#, Encoding::Base64), None);
    assert_eq!(change(r#"{"data":[{"embedding":"%%%"}]}"#, Encoding::Float), None);
}

#[test]
fn ark_is_asked_for_one_text_in_parts() {
    assert_eq!(
        ark::write_request("ep-1", "hi", "1024".parse().ok()),
        r#"{"model":"ep-1","input":[{"type":"text","text":"hi"}],"encoding_format":"float","dimensions":1024}"#
    );
}

proptest! {
    #[test]
    fn vectors_survive_being_written_and_read(
        vectors in prop::collection::vec(prop::collection::vec(prop::num::f32::NORMAL | prop::num::f32::ZERO, 1..20), 1..5),
    ) {
        for encoding in [Encoding::Float, Encoding::Base64] {
            let body = write_answer(&vectors, encoding, "m", &Usage::counted(1, 0));
            prop_assert_eq!(&read_answer(&body, vectors.len()).unwrap().vectors, &vectors);
            let other = if encoding == Encoding::Float { Encoding::Base64 } else { Encoding::Float };
            let rewritten = reencode(&body, other).unwrap();
            prop_assert_eq!(&rewritten, &write_answer(&vectors, other, "m", &Usage::counted(1, 0)));
        }
    }

    #[test]
    fn no_bytes_are_too_strange(body in crate::tests::bytes_like(&[
        r#"{"model":"m","input":["ab","\u00e9"],"dimensions":5,"encoding_format":"base64","user":"u"}"#,
        r#"{"model":"m","input":[[1,2],[3]],"encoding_format":null}"#,
        r#"{"object":"list","data":[{"index":0,"embedding":[1.0,0.1]},{"index":1,"embedding":"AACAPw=="}],"usage":{"prompt_tokens":4}}"#,
    ])) {
        let body = Bytes::from(body);
        if let Ok(request) = scan(body.clone()) {
            prop_assert_eq!(request.texts().is_some(), matches!(request.form, InputForm::Text | InputForm::Texts));
            prop_assert_eq!(request.texts().map_or(request.inputs, |texts| texts.len()), request.inputs);
            prop_assert!(serde_json::from_slice::<serde::de::IgnoredAny>(&request.outbound("up").concat()).is_ok());
        }
        let _ = (answer_facts(&body), read_answer(&body, 2), reencode(&body, Encoding::Float), reencode(&body, Encoding::Base64));
    }
}

//! What is read, what is refused and how, what each dialect is asked, and how the answer looks.

use bytes::Bytes;
use easyai_core::usage::{Usage, UsageSource};
use proptest::prelude::*;

use super::*;
use crate::request::BadRequest;
use crate::wire::BadAnswer;

fn parse(text: &str) -> Result<RerankRequest, BadRequest> {
    scan(Bytes::copy_from_slice(text.as_bytes()))
}

fn with(members: &str) -> RerankRequest {
    parse(&format!(r#"{{"model":"m","query":"q","documents":["a","b",{{"text":"c","title":"t"}}]{members}}}"#)).unwrap()
}

#[test]
fn what_we_act_on_is_typed() {
    let request = with(r#","top_n":2,"return_documents":true,"max_tokens_per_doc":512,"rank_fields":["text"],"x":[1]"#);
    assert_eq!((&*request.model, request.query.as_str(), request.documents.len()), ("m", "q", 3));
    assert_eq!((request.top_n.map(u32::from), request.max_tokens_per_doc.map(u32::from)), (Some(2), Some(512)));
    assert!(request.return_documents && !request.other_rank_fields);
    assert_eq!(request.tokens, 3 + 3, "the query is read with each document");
    let request = with(r#","top_n":null,"return_documents":null,"rank_fields":["title","text"]"#);
    assert!(request.top_n.is_none() && !request.return_documents && request.other_rank_fields);
}

#[test]
fn a_wrong_field_is_named() {
    let check = |body: &str, param: Option<&str>, says: &str| {
        let error = parse(body).expect_err(body);
        assert_eq!(error.param.as_deref(), param, "{body}: {error}");
        assert!(error.message.contains(says), "{body}: {error}");
    };
    check("", None, "empty");
    check(r#"{"query":"q","documents":["a"]}"#, Some("model"), "missing");
    check(r#"{"model":"m","documents":["a"]}"#, Some("query"), "missing");
    check(r#"{"model":"m","query":"q"}"#, Some("documents"), "missing");
    check(r#"{"model":"m","query":" \n","documents":["a"]}"#, Some("query"), "blank");
    check(r#"{"model":"m","query":{},"documents":["a"]}"#, Some("query"), "string");
    check(r#"{"model":"m","query":"q","documents":[]}"#, Some("documents"), "empty");
    check(r#"{"model":"m","query":"q","documents":"a"}"#, Some("documents"), "array");
    check(r#"{"model":"m","query":"q","documents":["a",5]}"#, Some("documents[1]"), "text");
    check(r#"{"model":"m","query":"q","documents":[{"text":"a","text":"b"}]}"#, Some("documents[0].text"), "twice");
    check(r#"{"model":"m","query":"q","documents":["a"],"top_n":0}"#, Some("top_n"), "above zero");
    check(r#"{"model":"m","query":"q","documents":["a"],"return_documents":1}"#, Some("return_documents"), "true or false");
    check(r#"{"model":"m","query":"q","documents":["a"],"rank_fields":"text"}"#, Some("rank_fields"), "array");
    check(r#"{"model":"m","query":"q","documents":["a"],"rank_fields":[1]}"#, Some("rank_fields[0]"), "name");
    check(r#"{"model":"m","query":"q","query":"q","documents":["a"]}"#, Some("query"), "twice");
}

#[test]
fn each_dialect_is_asked_in_its_own_words() {
    let request = with(r#","top_n":2,"return_documents":true,"max_tokens_per_doc":512"#);
    let check = |dialect, expected: &str, notes: &str| {
        let written = write_request(&request, dialect, "up").unwrap();
        assert_eq!((std::str::from_utf8(&written.body).unwrap(), written.notes.fields().as_str()), (expected, notes));
    };
    check(
        RerankDialect::Jina,
        concat!(
            r#"{"model":"up","query":"q","documents":["a","b",{"text":"c","title":"t"}],"#,
            r#""top_n":2,"return_documents":true,"max_tokens_per_doc":512}"#
        ),
        "",
    );
    let cohere = r#"{"model":"up","query":"q","documents":["a","b","c"],"top_n":2,"max_tokens_per_doc":512}"#;
    check(RerankDialect::Cohere, cohere, "");
    check(RerankDialect::Voyage, r#"{"model":"up","query":"q","documents":["a","b","c"],"top_k":2}"#, "max_tokens_per_doc");
}

#[test]
fn what_would_be_ranked_otherwise_is_not_carried() {
    let check = |request: &RerankRequest, field: &str| {
        assert!(write_request(request, RerankDialect::Jina, "up").is_ok());
        for dialect in [RerankDialect::Cohere, RerankDialect::Voyage] {
            assert_eq!(write_request(request, dialect, "up").unwrap_err().field, field);
        }
    };
    check(&with(r#","rank_fields":["title"]"#), "rank_fields");
    check(&parse(r#"{"model":"m","query":"q","documents":["a",{"image":"u"}]}"#).unwrap(), "documents[1]");
}

fn read(body: &str) -> Result<RerankAnswer, BadAnswer> {
    read_answer(body.as_bytes(), &with(""))
}

#[test]
fn every_dialect_is_read() {
    let check = |body: &str, results: &[(usize, f64)], tokens: Option<u64>, units: Option<u64>| {
        let answer = read(body).unwrap();
        let found: Vec<_> = answer.results.iter().map(|ranked| (ranked.index, ranked.score)).collect();
        assert_eq!(found, results, "{body}");
        assert_eq!((answer.usage.map(|usage| usage.input_tokens), answer.search_units), (tokens, units), "{body}");
    };
    check(
        r#"{"id":"i","results":[{"index":1,"relevance_score":0.9},{"index":0,"relevance_score":0.1}],"meta":{"api_version":{"version":"2"},"billed_units":{"search_units":1}}}"#,
        &[(1, 0.9), (0, 0.1)],
        None,
        Some(1),
    );
    check(
        r#"{"model":"jina","usage":{"total_tokens":38},"results":[{"index":0,"document":{"text":"a"},"relevance_score":1}]}"#,
        &[(0, 1.0)],
        Some(38),
        None,
    );
    check(
        r#"{"results":[{"index":2,"document":{},"relevance_score":-3.5}],"usage":{"prompt_tokens":9,"completion_tokens":0,"total_tokens":9}}"#,
        &[(2, -3.5)],
        Some(9),
        None,
    );
    check(
        r#"{"object":"list","data":[{"relevance_score":0.5,"index":1}],"model":"rerank-2","usage":{"total_tokens":26}}"#,
        &[(1, 0.5)],
        Some(26),
        None,
    );
    check(r#"{"results":[{"index":0,"score":0.5}],"meta":{"tokens":{"input_tokens":12,"output_tokens":0}}}"#, &[(0, 0.5)], Some(12), None);
    check(r#"{"results":[{"index":0,"relevance_score":0.5}],"usage":{"search_units":2,"total_tokens":7}}"#, &[(0, 0.5)], Some(7), Some(2));
    check(r#"{"results":[{"index":0,"relevance_score":0.5}],"usage":[],"meta":"x"}"#, &[(0, 0.5)], None, None);
}

#[test]
fn an_order_that_names_no_documents_is_none() {
    let bad = |results: &str| matches!(read(&format!(r#"{{"results":{results}}}"#)), Err(BadAnswer::Unparseable(_)));
    assert!(bad(r#"[{"index":3,"relevance_score":1}]"#), "there are three");
    assert!(bad(r#"[{"index":0,"relevance_score":1},{"index":0,"relevance_score":1}]"#));
    assert!(bad(r#"[{"index":0}]"#));
    assert!(bad(r#"[{"relevance_score":1}]"#));
    assert!(bad(r#"[{"index":-1,"relevance_score":1}]"#));
    assert_eq!(read("{}"), Err(BadAnswer::Empty));
    assert_eq!(read(r#"{"results":[]}"#), Err(BadAnswer::Empty));
    assert!(matches!(read(r#"{"message":"no"}"#), Err(BadAnswer::Error(error)) if error.message == "no"));
    assert!(matches!(read(r#"{"error":"no"}"#), Err(BadAnswer::Error(error)) if error.message == "no"));
    assert!(matches!(read("<html>"), Err(BadAnswer::Unparseable(_))));
}

fn written(answer: &RerankAnswer, request: &RerankRequest) -> String {
    String::from_utf8(write_answer(answer, request).to_vec()).unwrap()
}

#[test]
fn the_best_come_first_and_no_more_than_asked_with_their_documents() {
    let answer = RerankAnswer {
        id: Some("i".to_owned()),
        model: None,
        results: vec![Ranked { index: 0, score: 0.1 }, Ranked { index: 2, score: 0.9 }, Ranked { index: 1, score: 0.1 }],
        usage: Some(Usage { source: UsageSource::Upstream, ..Usage::counted(7, 0) }),
        search_units: Some(1),
    };
    assert_eq!(
        written(&answer, &with(r#","top_n":2,"return_documents":true"#)),
        concat!(
            r#"{"id":"i","model":"m","results":[{"index":2,"relevance_score":0.9,"document":{"text":"c","title":"t"}},"#,
            r#"{"index":0,"relevance_score":0.1,"document":{"text":"a"}}],"meta":{"billed_units":{"search_units":1}},"#,
            r#""usage":{"prompt_tokens":7,"total_tokens":7}}"#
        )
    );
    let answer = RerankAnswer { results: vec![Ranked { index: 1, score: 1.0 }], model: Some("up".to_owned()), ..RerankAnswer::default() };
    assert_eq!(written(&answer, &with("")), r#"{"model":"up","results":[{"index":1,"relevance_score":1.0}]}"#);
}

proptest! {
    #[test]
    fn no_bytes_are_too_strange(body in crate::tests::bytes_like(&[
        r#"{"model":"m","query":"q","documents":["ab","\u00e9",{"text":"c","n":[1]}],"top_n":2,"return_documents":true}"#,
        r#"{"model":"m","query":"q","documents":["ab",{"text":"\ud83d\ude00"}],"rank_fields":["text"],"max_tokens_per_doc":5}"#,
        r#"{"id":"i","model":"m","results":[{"index":1,"relevance_score":0.9},{"index":0,"score":1}],"meta":{"billed_units":{"search_units":1}}}"#,
        r#"{"data":[{"index":2,"relevance_score":1e300}],"usage":{"total_tokens":4}}"#,
    ])) {
        if let Ok(answer) = read_answer(&body, &with("")) {
            let shown = write_answer(&answer, &with(r#","return_documents":true"#));
            prop_assert!(serde_json::from_slice::<serde::de::IgnoredAny>(&shown).is_ok());
        }
        let Ok(request) = scan(Bytes::from(body)) else { return Ok(()) };
        for dialect in RerankDialect::ALL {
            if let Ok(written) = write_request(&request, *dialect, "up") {
                let sent: serde_json::Value = serde_json::from_slice(&written.body).unwrap();
                prop_assert_eq!(&sent["model"], "up");
                prop_assert_eq!(sent["documents"].as_array().map(Vec::len), Some(request.documents.len()));
            }
        }
        let results = (0..request.documents.len()).map(|index| Ranked { index, score: 1.0 }).collect();
        let shown = write_answer(&RerankAnswer { results, ..RerankAnswer::default() }, &request);
        let shown: serde_json::Value = serde_json::from_slice(&shown).unwrap();
        prop_assert!(shown["results"].as_array().is_some_and(|results| !results.is_empty()));
        prop_assert_eq!(shown["results"][0].get("document").is_some(), request.return_documents);
    }
}

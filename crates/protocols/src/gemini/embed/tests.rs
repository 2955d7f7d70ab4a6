//! Both sides, and that they meet.

use super::*;

#[test]
fn one_and_many_are_read_in_either_spelling() {
    let one = read_one(br#"{"model":"models/x","content":{"parts":[{"text":"a"},{"text":"b"}]},"task_type":"RETRIEVAL_QUERY","outputDimensionality":"256"}"#, "models/m").unwrap();
    let expected = EmbedAsk {
        model: "m".to_owned(),
        texts: vec!["ab".to_owned()],
        dimensions: Some(256),
        task_type: Some("RETRIEVAL_QUERY".to_owned()),
        title: None,
    };
    assert_eq!(one, expected);
    let request =
        |text: &str| format!(r#"{{"content":{{"parts":{{"text":"{text}"}}}},"taskType":"RETRIEVAL_QUERY","output_dimensionality":256}}"#);
    let many = read_batch(format!(r#"{{"requests":[{},{}]}}"#, request("a"), request("b")).as_bytes(), "m").unwrap();
    assert_eq!(many, EmbedAsk { texts: vec!["a".to_owned(), "b".to_owned()], ..expected });
}

#[test]
fn what_is_wrong_is_named() {
    let check = |body: &str, param: Option<&str>| {
        assert_eq!(read_batch(body.as_bytes(), "m").unwrap_err().param.as_deref(), param, "{body}");
    };
    check("", None);
    check("{}", Some("requests"));
    check(r#"{"requests":[]}"#, Some("requests"));
    check(r#"{"requests":["a"]}"#, Some("requests[0]"));
    check(r#"{"requests":[{}]}"#, Some("requests[0].content"));
    check(r#"{"requests":[{"content":{"parts":[]}}]}"#, Some("requests[0].content"));
    check(r#"{"requests":[{"content":{"parts":[{"inlineData":{}}]}}]}"#, Some("requests[0].content.parts[0].text"));
    check(r#"{"requests":[{"content":{"parts":[{"text":"a"}]}},{"content":{"parts":[{"text":"a"}]},"title":"t"}]}"#, Some("requests[1]"));
    assert_eq!(
        read_one(br#"{"content":{"parts":[{"text":"a"}]},"outputDimensionality":-1}"#, "m").unwrap_err().param.as_deref(),
        Some("outputDimensionality")
    );
}

#[test]
fn a_call_has_a_hundred_texts_at_most() {
    let texts: Vec<String> = (0..201).map(|number| number.to_string()).collect();
    let ask = EmbedAsk { model: "m".to_owned(), texts: texts.clone(), dimensions: Some(8), ..EmbedAsk::default() };
    let bodies = bodies(&ask);
    let read: Vec<EmbedAsk> = bodies.iter().map(|body| read_batch(body, "m").unwrap()).collect();
    assert_eq!(read.iter().map(|ask| ask.texts.len()).collect::<Vec<_>>(), [100, 100, 1]);
    assert_eq!(read.iter().flat_map(|ask| ask.texts.clone()).collect::<Vec<_>>(), texts);
    assert!(bodies[2].starts_with(br#"{"requests":[{"model":"models/m","content":{"parts":[{"text":"200"}]},"outputDimensionality":8}]}"#));
}

#[test]
fn vectors_are_read_and_made_of_length_one_when_cut() {
    let body = br#"{"embeddings":[{"values":[3,4]},{"values":[0,0]}]}"#;
    assert_eq!(read_answer(body, 2, None), Ok(vec![vec![3.0, 4.0], vec![0.0, 0.0]]));
    assert_eq!(read_answer(body, 2, Some(2)), Ok(vec![vec![0.6, 0.8], vec![0.0, 0.0]]));
    assert_eq!(read_answer(br#"{"embedding":{"values":[1.5]}}"#, 1, None), Ok(vec![vec![1.5]]));
    assert!(matches!(read_answer(body, 3, None), Err(BadAnswer::Unparseable(_))));
    assert_eq!(read_answer(b"{}", 1, None), Err(BadAnswer::Empty));
    assert!(matches!(read_answer(br#"{"error":{"code":400,"message":"m"}}"#, 1, None), Err(BadAnswer::Error(_))));
    assert!(matches!(read_answer(b"<html>", 1, None), Err(BadAnswer::Unparseable(_))));
}

#[test]
fn answers_have_googles_shape() {
    assert_eq!(write_one(&[0.1, -2.0]), r#"{"embedding":{"values":[0.1,-2.0]}}"#);
    assert_eq!(write_batch(&[vec![0.1], vec![]]), r#"{"embeddings":[{"values":[0.1]},{"values":[]}]}"#);
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes: Vec<u8>) {
        let _whatever = (read_one(&bytes, "m"), read_batch(&bytes, "m"), read_answer(&bytes, 1, Some(3)));
    }
}

//! What is read, what is refused and how, what passes by, and how an answer looks.

use bytes::{Bytes, BytesMut};
use easyai_core::error::ErrorCode;
use easyai_core::usage::{Usage, UsageSource};
use proptest::prelude::*;

use super::read_request::read_request;
use super::scan::scan;
use super::stream_reader::Reader;
use super::stream_writer::Writer;
use crate::conversation::{Answer, AnswerEvent, Part, Stop, StopReason, Text};
use crate::request::{BadRequest, StreamUsage, TextRequest};
use crate::sse;
use crate::wire::{BadAnswer, Envelope, EventFacts, Progress, Protocol, Reading, SideReader, StreamReader, StreamWriter};

fn parse(text: &str) -> Result<TextRequest, BadRequest> {
    scan(Bytes::copy_from_slice(text.as_bytes()))
}

fn with(members: &str) -> String {
    format!(r#"{{"model":"m",{members}}}"#)
}

#[test]
fn what_we_act_on_is_typed() {
    let request = parse(&with(r#""prompt":"12345678","stream":true,"max_tokens":0,"n":2,"user":"u","x":{}"#)).unwrap();
    let found = &request.scan;
    assert_eq!((request.protocol, &*found.model, found.stream, found.include_usage), (Protocol::Completions, "m", true, false));
    assert_eq!((found.max_output_tokens, found.choices, found.prompt_tokens), (Some(0), 2, 2));
    assert_eq!(request.affinity(), Some(&b"\"u\""[..]));
    assert_eq!(request.last_text(), "12345678");
    let choices = |members: &str| parse(&with(members)).unwrap().scan.choices;
    assert_eq!(choices(r#""prompt":["a","b"],"n":3"#), 6, "each prompt is answered");
    assert_eq!(choices(r#""prompt":[1,2,3]"#), 1);
    assert_eq!(choices(r#""prompt":[[1],[2,3]]"#), 2);
    assert_eq!(choices(r#""prompt":"","n":null"#), 1);
}

#[test]
fn a_wrong_field_is_named_when_it_is_scanned() {
    let check = |members: &str, param: &str, says: &str| {
        let error = parse(&with(members)).expect_err(members);
        assert_eq!(error.param.as_deref(), Some(param), "{members}: {error}");
        assert!(error.message.contains(says), "{members}: {error}");
    };
    check(r#""x":1"#, "prompt", "missing");
    check(r#""prompt":null"#, "prompt", "must be a string");
    check(r#""prompt":[]"#, "prompt", "empty");
    check(r#""prompt":["a",1]"#, "prompt[1]", "same sort");
    check(r#""prompt":[[]]"#, "prompt[0]", "empty");
    check(r#""prompt":"a","stream":1"#, "stream", "true or false");
    check(r#""prompt":"a","stream_options":[]"#, "stream_options", "object");
    check(r#""prompt":"a","max_tokens":-1"#, "max_tokens", "zero or above");
    check(r#""prompt":"a","n":129"#, "n", "128");
    check(r#""prompt":"a","prompt":"b""#, "prompt", "twice");
    assert_eq!(parse(r#"{"prompt":"a"}"#).unwrap_err().param.as_deref(), Some("model"));
}

#[test]
fn an_upstream_gets_the_same_bytes_and_is_asked_for_usage() {
    let check = |given: &str, expected: &str| {
        let pieces = parse(&with(given)).unwrap().outbound("up", StreamUsage::Ask);
        assert_eq!(pieces.concat(), with(expected).replace("\"m\"", "\"up\"").as_bytes());
    };
    check(r#""prompt":"a","stream":false"#, r#""prompt":"a","stream":false"#);
    check(r#""stream":true,"prompt":"a""#, r#""stream":true,"prompt":"a","stream_options":{"include_usage":true}"#);
    check(
        r#""stream_options":{"include_usage":false},"stream":true,"prompt":"a""#,
        r#""stream_options":{"include_usage":true},"stream":true,"prompt":"a""#,
    );
}

#[test]
fn a_prompt_becomes_one_turn() {
    let conversation = read_request(
        with(concat!(
            r#""prompt":["Say hi"],"max_tokens":5,"temperature":0.5,"top_p":1,"n":2,"best_of":2,"stop":"\n","seed":-7,"stream":true,"#,
            r#""presence_penalty":1,"frequency_penalty":-1,"user":"u","logit_bias":{"1":5},"echo":false,"suffix":"","logprobs":null,"x":1"#
        ))
        .as_bytes(),
    )
    .unwrap();
    assert_eq!(conversation.turns.len(), 1);
    assert_eq!(conversation.turns[0].parts, [Part::Text(Text::plain("Say hi"))]);
    let sampling = &conversation.sampling;
    assert_eq!(
        (sampling.temperature, sampling.top_p, sampling.seed, sampling.stop.as_slice()),
        (Some(0.5), Some(1.0), Some(-7), &["\n".to_owned()][..])
    );
    assert_eq!((sampling.presence_penalty, sampling.frequency_penalty), (Some(1.0), Some(-1.0)));
    assert_eq!((conversation.max_output_tokens, conversation.choices, conversation.stream), (Some(5), 2, true));
    assert_eq!((conversation.end_user.as_deref(), conversation.tuning.as_slice()), (Some("u"), &["logit_bias"][..]));
    assert!(conversation.only_here.is_empty());
}

#[test]
fn what_only_a_completion_can_do_stays_here() {
    let check = |members: &str, expected: &[&str]| {
        assert_eq!(read_request(with(members).as_bytes()).unwrap().only_here, expected, "{members}");
    };
    check(r#""prompt":["a","b"]"#, &["prompt"]);
    check(r#""prompt":[1,2]"#, &["prompt"]);
    check(r#""prompt":[[1],[2]]"#, &["prompt"]);
    check(r#""prompt":"""#, &["prompt"]);
    check(r#""prompt":"a","suffix":"b""#, &["suffix"]);
    check(r#""prompt":"a","echo":true,"max_tokens":0,"logprobs":0"#, &["max_tokens", "echo", "logprobs"]);
    check(r#""prompt":"a","best_of":2"#, &["best_of"]);
}

#[test]
fn a_wrong_field_is_named_when_it_is_read() {
    let check = |members: &str, param: &str| {
        let error = read_request(with(members).as_bytes()).expect_err(members);
        assert_eq!(error.param.as_deref(), Some(param), "{members}: {error}");
    };
    check(r#""prompt":"a","temperature":"hot""#, "temperature");
    check(r#""prompt":"a","stop":5"#, "stop");
    check(r#""prompt":"a","stop":["1","2","3","4","5"]"#, "stop");
    check(r#""prompt":"a","n":3,"best_of":2"#, "best_of");
    check(r#""prompt":"a","echo":"yes""#, "echo");
    check(r#""prompt":"a","logprobs":true"#, "logprobs");
    check(r#""prompt":"a","seed":1.5"#, "seed");
    check(r#""prompt":"a","user":5"#, "user");
}

fn facts(data: &str) -> EventFacts {
    let look = |reading| super::side::Side::default().event(data.as_bytes(), reading).unwrap();
    let (full, quick) = (look(Reading::Full), look(Reading::AfterCommit));
    assert_eq!(EventFacts { useful: quick.useful, ..full.clone() }, quick, "both readings see the same end, usage and error: {data}");
    full
}

#[test]
fn chunks_that_pass_by_are_understood() {
    assert!(facts(r#"{"choices":[{"text":"a","index":0,"logprobs":null,"finish_reason":null}],"usage":null}"#).useful);
    assert!(!facts(r#"{"choices":[{"text":"","index":0,"finish_reason":null}]}"#).useful);
    assert_eq!(facts(r#"{"choices":[{"text":"","finish_reason":"length"}]}"#).finish, Some(StopReason::Length));
    let usage = facts(r#"{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":3}}"#);
    assert!(usage.usage_only && usage.usage.is_some_and(|usage| usage.output_tokens == 3));
    assert!(!facts(r#"{"choices":[{"text":"a","finish_reason":"stop"}],"usage":{"prompt_tokens":9}}"#).usage_only);
    assert_eq!(facts(r#"{"error":{"message":"no"}}"#).error.unwrap().message, "no");
    assert_eq!(facts(r#"{"detail":"no"}"#).error.unwrap().message, "no");
    assert!(facts(" [DONE]").done);
    for data in ["", "hello", "{\"choices\":", "<html>", "42"] {
        assert!(super::side::Side::default().event(data.as_bytes(), Reading::Full).is_err(), "{data}");
        assert!(super::side::Side::default().event(data.as_bytes(), Reading::AfterCommit).is_err(), "{data}");
    }
    let mut text = String::new();
    super::side::delivered_text(br#"{"choices":[{"text":"a"},{"text":"b","index":1}]}"#, &mut text);
    super::side::delivered_text(b"[DONE]", &mut text);
    assert_eq!(text, "ab");
}

const WHOLE: &str = concat!(
    r#"{"id":"cmpl-1","object":"text_completion","created":5,"model":"up","choices":[{"text":"Hi","index":0,"logprobs":null,"#,
    r#""finish_reason":"length"}],"usage":{"prompt_tokens":4,"completion_tokens":1,"total_tokens":5}}"#
);

fn used(input_tokens: u64, output_tokens: u64) -> Usage {
    Usage { source: UsageSource::Upstream, ..Usage::counted(input_tokens, output_tokens) }
}

#[test]
fn a_whole_answer_is_read() {
    use super::read_answer::{answer_facts, delivered_text, read_answer};
    let answer = read_answer(WHOLE.as_bytes()).unwrap();
    assert_eq!(answer, hi());
    assert_eq!(answer_facts(WHOLE.as_bytes()).unwrap().usage, Some(used(4, 1)));
    assert_eq!(delivered_text(WHOLE.as_bytes()), "Hi");
    let empty_text = br#"{"choices":[{"text":"","finish_reason":"stop"}],"usage":"x"}"#;
    assert_eq!(read_answer(empty_text).unwrap(), Answer::default());
    assert_eq!(answer_facts(empty_text).unwrap().usage, None);
    for body in ["{}", r#"{"choices":[]}"#, r#"{"choices":[{}]}"#, r#"{"choices":[{"text":null}]}"#] {
        assert_eq!(answer_facts(body.as_bytes()), Err(BadAnswer::Empty), "{body}");
        assert_eq!(read_answer(body.as_bytes()), Err(BadAnswer::Empty), "{body}");
    }
    assert!(matches!(answer_facts(br#"{"error":{"message":"no"}}"#), Err(BadAnswer::Error(_))));
    assert!(matches!(read_answer(b"<html>"), Err(BadAnswer::Unparseable(_))));
}

fn hi() -> Answer {
    Answer {
        id: Some("cmpl-1".to_owned()),
        model: Some("up".to_owned()),
        parts: vec![Part::Text(Text::plain("Hi"))],
        stop: Stop { reason: StopReason::Length, sequence: None },
        usage: Some(used(4, 1)),
    }
}

fn envelope(include_usage: bool) -> Envelope {
    Envelope { id: "ours".to_owned(), created_at: 5, model: "m".into(), include_usage, input_tokens: 0, request: Bytes::new() }
}

#[test]
fn a_whole_answer_is_written() {
    use super::write_answer::write_answer;
    let details = r#","prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}}"#;
    let written = write_answer(&hi(), &used(4, 1), &envelope(false));
    assert_eq!(written, WHOLE.replace("}}", details));
    let refusal = Answer { parts: vec![Part::Refusal("No".to_owned())], ..Answer::default() };
    let written = write_answer(&refusal, &used(4, 1), &envelope(false));
    assert!(written.starts_with(br#"{"id":"cmpl-ours","object":"text_completion","created":5,"model":"m","choices":[{"text":"No","#));
}

const STREAM: &str = concat!(
    "data: {\"id\":\"cmpl-1\",\"object\":\"text_completion\",\"created\":5,\"model\":\"up\",\"choices\":[{\"text\":\"H\",\"index\":0,\"logprobs\":null,\"finish_reason\":null}],\"usage\":null}\n\n",
    "data: {\"id\":\"cmpl-1\",\"object\":\"text_completion\",\"created\":5,\"model\":\"up\",\"choices\":[{\"text\":\"é\",\"index\":0,\"logprobs\":null,\"finish_reason\":null}],\"usage\":null}\n\n",
    "data: {\"id\":\"cmpl-1\",\"object\":\"text_completion\",\"created\":5,\"model\":\"up\",\"choices\":[{\"text\":\"\",\"index\":0,\"logprobs\":null,\"finish_reason\":\"length\"}],\"usage\":null}\n\n",
    "data: {\"id\":\"cmpl-1\",\"object\":\"text_completion\",\"created\":5,\"model\":\"up\",\"choices\":[],\"usage\":{\"prompt_tokens\":4,\"completion_tokens\":1,\"total_tokens\":5,\"prompt_tokens_details\":{\"cached_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0}}}\n\n",
    "data: [DONE]\n\n",
);

fn read_stream(stream: &[u8], piece: usize) -> Vec<AnswerEvent> {
    let (mut events, mut reader, mut out) = (sse::Reader::new(1 << 20), Reader::default(), Vec::new());
    let mut done = false;
    for piece in stream.chunks(piece) {
        events.push(Bytes::copy_from_slice(piece));
        while let Some(event) = events.next().unwrap() {
            assert!(!done, "nothing follows the end");
            done = reader.event(&event.data, &mut out).unwrap() == Progress::Done;
        }
    }
    assert!(done);
    out
}

#[test]
fn a_stream_is_read_however_it_is_cut() {
    let expected = vec![
        AnswerEvent::Begin { id: Some("cmpl-1".to_owned()), model: Some("up".to_owned()) },
        AnswerEvent::Text("H".to_owned()),
        AnswerEvent::Text("é".to_owned()),
        AnswerEvent::Stop(Stop { reason: StopReason::Length, sequence: None }),
        AnswerEvent::Usage(used(4, 1)),
    ];
    for piece in [5, 1, 64, 100_000] {
        assert_eq!(read_stream(STREAM.as_bytes(), piece), expected, "{piece}");
    }
}

#[test]
fn a_stream_shows_the_first_choice_and_ends_once() {
    let (mut reader, mut out) = (Reader::default(), Vec::new());
    let mut read = |data: &str| {
        let progress = reader.event(data.as_bytes(), &mut out).unwrap();
        (progress, std::mem::take(&mut out))
    };
    let begin = AnswerEvent::Begin { id: None, model: None };
    let (_, events) = read(r#"{"choices":[{"text":"b","index":1},{"text":"a","index":0,"finish_reason":"stop"}]}"#);
    assert_eq!(events, [begin, AnswerEvent::Text("a".to_owned()), AnswerEvent::Stop(Stop::default())]);
    assert_eq!(read(r#"{"choices":[{"text":"","index":0,"finish_reason":"stop"}],"x":1}"#), (Progress::More, Vec::new()));
    let (_, events) = read(r#"{"error":{"message":"no"}}"#);
    assert!(matches!(&events[..], [AnswerEvent::Error(error)] if error.message == "no"));
    assert!(Reader::default().event(b"<html>", &mut Vec::new()).is_err());
}

fn write_stream(envelope: Envelope, events: Vec<AnswerEvent>) -> String {
    let (mut writer, mut out) = (Writer::new(envelope), BytesMut::new());
    for event in events {
        match event {
            AnswerEvent::Stop(stop) => writer.end(&stop, &used(4, 1), &mut out),
            AnswerEvent::Usage(_) => {}
            event => writer.event(event, &mut out),
        }
    }
    String::from_utf8(out.to_vec()).unwrap()
}

#[test]
fn a_stream_is_written_as_it_is_read() {
    assert_eq!(write_stream(envelope(true), read_stream(STREAM.as_bytes(), 100)), STREAM);
}

#[test]
fn usage_is_shown_only_to_those_who_asked() {
    let written = write_stream(envelope(false), vec![AnswerEvent::Text("a\nb".to_owned()), AnswerEvent::Stop(Stop::default())]);
    let chunk = |text: &str, reason: &str| {
        format!(
            "data: {{\"id\":\"cmpl-ours\",\"object\":\"text_completion\",\"created\":5,\"model\":\"m\",\"choices\":[{{\"text\":{text},\"index\":0,\"logprobs\":null,\"finish_reason\":{reason}}}]}}\n\n"
        )
    };
    assert_eq!(written, chunk("\"a\\nb\"", "null") + &chunk("\"\"", "\"stop\"") + "data: [DONE]\n\n");
}

#[test]
fn thoughts_are_no_completion_and_a_failure_is_not_an_end() {
    let (mut writer, mut out) = (Writer::new(envelope(true)), BytesMut::new());
    writer.event(AnswerEvent::Reasoning("hm".to_owned()), &mut out);
    writer.event(AnswerEvent::CallEnd { index: 0 }, &mut out);
    assert!(out.is_empty());
    writer.error(ErrorCode::UpstreamError, "it broke", &mut out);
    assert!(out.starts_with(b"data: {\"error\":{\"message\":\"it broke\"") && !out.ends_with(b"[DONE]\n\n"));
}

proptest! {
    #[test]
    fn no_bytes_are_too_strange(body in crate::tests::bytes_like(&[
        r#"{"model":"m","prompt":["ab","\u00e9"],"stream":true,"stream_options":{"x":1},"max_tokens":5,"n":2}"#,
        r#"{"model":"m","prompt":"a","stop":["a"],"best_of":2,"echo":true,"suffix":"b","logprobs":1,"temperature":0.5,"seed":1}"#,
        WHOLE,
        r#"{"id":"cmpl-1","choices":[{"text":"H","index":0,"finish_reason":"stop"}],"usage":{"prompt_tokens":4}}"#,
        r#"{"choices":null,"detail":[{"msg":"no"}]}"#,
    ])) {
        use super::read_answer::{answer_facts, delivered_text, read_answer};
        if let Ok(request) = scan(Bytes::from(body.clone())) {
            prop_assert!(request.scan.choices > 0);
            let sent: serde_json::Value = serde_json::from_slice(&request.outbound("up", StreamUsage::Ask).concat()).unwrap();
            prop_assert_eq!(&sent["model"], "up");
            prop_assert_eq!(request.scan.stream, sent["stream"] == true);
            prop_assert!(!request.scan.stream || sent["stream_options"]["include_usage"] == true);
            let _ = (request.affinity(), request.last_text());
        }
        let _ = (read_request(&body), answer_facts(&body), read_answer(&body), delivered_text(&body));
        let (mut out, mut side) = (Vec::new(), super::side::Side::default());
        let _ = (Reader::default().event(&body, &mut out), side.event(&body, Reading::Full), side.event(&body, Reading::AfterCommit));
    }
}

//! Good answers, scripts, records and counters.

use std::time::Duration;

use bytes::Bytes;
use easyai_bench::mock::{Answer, Behaviour, DoneMark, Framing, Logprobs, Raw, Reply, Space, Streaming, ToolCall, UsageReport, Writes};
use tokio::io::AsyncWriteExt as _;

use crate::client::{Ended, PLAIN, SOON, STREAM, STREAM_WITH_USAGE, call, mock, read, read_until, send, write};

#[tokio::test]
async fn the_plain_answer_and_the_stream_say_the_same() {
    let mock = mock(Answer::default()).await;
    let plain: serde_json::Value = serde_json::from_str(&call(&mock, PLAIN).await.body).unwrap();
    let stream = call(&mock, STREAM).await;
    assert_eq!(plain["choices"][0]["message"]["content"], "The answer is 42.");
    assert_eq!(plain["usage"]["total_tokens"], 13);
    assert_eq!(stream.deltas(), ["The", " answer", " is", " 42."]);
    assert!(stream.body.ends_with("data: [DONE]\n\n") && !stream.body.contains("usage"));
}

#[tokio::test]
async fn usage_comes_where_it_should() {
    for (usage_report, body, finish_chunk, own_chunk) in [
        (UsageReport::AsAsked, STREAM, false, false),
        (UsageReport::AsAsked, STREAM_WITH_USAGE, false, true),
        (UsageReport::Always, STREAM, false, true),
        (UsageReport::OnFinishChunk, STREAM, true, false),
        (UsageReport::Never, STREAM_WITH_USAGE, false, false),
    ] {
        let events = call(&mock(Answer { usage_report, ..Answer::default() }).await, body).await.events();
        let with_usage = events.iter().filter(|event| event["usage"].is_object());
        let found: Vec<bool> = with_usage.map(|event| event["choices"][0]["finish_reason"].is_string()).collect();
        let expected: Vec<bool> = finish_chunk.then_some(true).into_iter().chain(own_chunk.then_some(false)).collect();
        assert_eq!(found, expected, "{usage_report:?} {body}");
    }
    let seen = call(&mock(Answer { usage_report: UsageReport::Never, ..Answer::default() }).await, PLAIN).await;
    assert!(!seen.body.contains("usage"));
}

#[tokio::test]
async fn framing_and_writing_vary_without_changing_what_is_said() {
    let default = Answer::default;
    for answer in [
        Answer { framing: Framing::CrLf, ..default() },
        Answer { space: Space::None, ..default() },
        Answer { done: DoneMark::Missing, ..default() },
        Answer { writes: Writes::OneByte, ..default() },
        Answer { writes: Writes::Whole, ..default() },
        Answer { writes: Writes::Every(3), ..default() },
        Answer { chunk_delay: Duration::from_millis(1), ..default() },
    ] {
        let seen = call(&mock(answer.clone()).await, STREAM).await;
        assert_eq!((seen.deltas().concat(), seen.ended), (answer.text(), Ended::Complete), "{answer:?}");
        assert_eq!(seen.body.contains("\r\n\r\n"), answer.framing == Framing::CrLf);
        assert_eq!(seen.body.contains("data:{"), answer.space == Space::None);
        assert_eq!(seen.body.contains("[DONE]"), answer.done == DoneMark::Sent);
    }
}

#[tokio::test]
async fn tools_refusals_logprobs_and_choices_are_said_both_ways() {
    let tool = |id: &str| ToolCall { id: id.into(), name: "f".into(), arguments: vec!["{\"a\"".into(), ":1}".into()] };
    for (answer, plain, streamed) in [
        (Answer::calling(vec![tool("call_1"), tool("call_2")]), r#""arguments":"{\"a\":1}""#, r#""index":1,"id":"call_2""#),
        (Answer::refusing(&["No", "."]), r#""refusal":"No.""#, r#""refusal":"No""#),
        (Answer { logprobs: Logprobs::PerPiece, ..Answer::default() }, r#""token":" 42.""#, r#""token":" 42.""#),
        (Answer { choices: 3, ..Answer::default() }, r#""index":2"#, r#""index":2"#),
        (Answer { streaming: Streaming::Ignored, ..Answer::default() }, "The answer is 42.", "The answer is 42."),
    ] {
        let mock = mock(answer).await;
        let (plain_seen, stream_seen) = (call(&mock, PLAIN).await, call(&mock, STREAM).await);
        assert!(plain_seen.body.contains(plain), "{plain_seen:?}");
        assert!(stream_seen.body.contains(streamed), "{stream_seen:?}");
    }
}

#[tokio::test]
async fn raw_bytes_arrive_as_they_are() {
    let pieces = vec![Bytes::from_static(b": hello\n\nda"), Bytes::from_static(b"ta: {\"x\" : 1}\n\n")];
    let seen = call(&mock(Raw::event_stream(pieces)).await, STREAM).await;
    assert_eq!(seen.body, ": hello\n\ndata: {\"x\" : 1}\n\n");
    let raw = Raw::json(418, r#"{ "new" :  1 }"#).with_header("x-new", "yes");
    let seen = call(&mock(raw).await, PLAIN).await;
    assert_eq!((seen.status(), seen.body.as_str()), (418, r#"{ "new" :  1 }"#));
    assert!(seen.head.contains("x-new: yes"));
}

#[tokio::test]
async fn a_script_comes_first_and_the_behaviour_can_change() {
    let mock = mock(Answer::default()).await;
    mock.script(vec![Reply::status(500), Reply::status(503).after(Duration::from_millis(1))]);
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(call(&mock, PLAIN).await.status());
    }
    mock.set(Behaviour::always(Reply::status(401)).with_latency(Duration::from_millis(1)));
    statuses.push(call(&mock, PLAIN).await.status());
    assert_eq!(statuses, [500, 503, 200, 401]);
    assert_eq!((mock.calls(), mock.stats().completed), (4, 4));
}

#[tokio::test]
async fn requests_are_recorded_also_chunked_ones_on_one_connection() {
    let mock = mock(Answer::default()).await;
    let mut stream = send(&mock, PLAIN).await;
    read(&mut stream).await;
    let (first, second) = PLAIN.split_at(10);
    let chunked = format!("{:x}\r\n{first}\r\n{:x}\r\n{second}\r\n0\r\n\r\n", first.len(), second.len());
    let head = "POST /v9/chat/completions?a=b HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n";
    stream.write_all((head.to_owned() + &chunked).as_bytes()).await.unwrap();
    read(&mut stream).await;
    let requests = mock.requests();
    assert_eq!([&requests[0].path, &requests[1].path], ["/v1/chat/completions", "/v9/chat/completions?a=b"]);
    assert_eq!(requests[0].header("x-test"), Some("yes"));
    assert!(requests.iter().all(|request| request.body == PLAIN && request.method == "POST"));
    assert_eq!(requests[0].json().unwrap()["model"], "m");

    mock.set(Behaviour::default().without_recording());
    call(&mock, PLAIN).await;
    assert_eq!((mock.requests().len(), mock.calls()), (2, 3));
}

#[tokio::test]
async fn a_wrong_path_is_404_and_no_call_and_a_bad_body_400() {
    let mock = mock(Answer::default()).await;
    let mut stream = send(&mock, "not json").await;
    assert_eq!(read(&mut stream).await.status(), 400);
    stream.write_all(b"GET /v1/models HTTP/1.1\r\n\r\n").await.unwrap();
    assert_eq!(read(&mut stream).await.status(), 404);
    write(&mut stream, PLAIN).await;
    assert_eq!(read(&mut stream).await.status(), 200);
    assert_eq!((mock.calls(), mock.requests().len()), (2, 3));
}

#[tokio::test]
async fn a_caller_that_goes_between_deltas_is_seen_at_once_and_the_peak_is_kept() {
    let answer = Answer { chunk_delay: Duration::from_secs(3600), ..Answer::default() };
    let mock = mock(answer).await;
    let mut streams = Vec::new();
    for _ in 0..5 {
        let mut stream = send(&mock, STREAM).await;
        read_until(&mut stream, "\"The\"").await;
        streams.push(stream);
    }
    assert_eq!((mock.in_flight(), mock.peak()), (5, 5));
    drop(streams);
    let stats = mock.wait_for(|stats| stats.cancelled == 5, SOON).await.unwrap();
    assert_eq!((stats.in_flight, stats.peak, stats.completed), (0, 5, 0));
}

#[tokio::test]
async fn waiting_for_what_does_not_come_says_what_came() {
    let mock = mock(Answer::default()).await;
    call(&mock, PLAIN).await;
    let error = mock.wait_for(|stats| stats.calls == 2, Duration::from_millis(1)).await.unwrap_err();
    assert!(error.to_string().contains("calls: 1"), "{error}");
}

//! Good answers, however they are written.

use std::time::Duration;

use bytes::Bytes;
use easyai_bench::mock::{Answer, DoneMark, Framing, Raw, RawBody, Space, Streaming, ToolCall, UsageReport, Writes};
use easyai_core::usage::UsageSource;
use rstest::rstest;

use crate::bed::{Bed, PLAIN, STREAM, STREAM_WITH_USAGE, mock};

#[rstest]
#[tokio::test]
async fn a_stream_is_read_however_it_is_cut_and_framed(
    #[values(Writes::Each, Writes::Every(3), Writes::Whole, Writes::OneByte)] writes: Writes,
    #[values((Framing::Lf, Space::One), (Framing::CrLf, Space::One), (Framing::Lf, Space::None))] framing: (Framing, Space),
    #[values(DoneMark::Sent, DoneMark::Missing)] done: DoneMark,
) {
    let answer = Answer { writes, framing: framing.0, space: framing.1, done, ..Answer::default() };
    let upstream = mock(answer).await;
    let told = Bed::at(&upstream.base_url()).tell(STREAM).await;
    assert_eq!(told.text(), "The answer is 42.");
    let (last, usage) = told.end.as_ref().unwrap();
    assert!(last.starts_with("data: {") && last.contains("\"finish_reason\":\"stop\"") && last.ends_with("\n\ndata: [DONE]\n\n"), "{last}");
    assert_eq!(usage.map(|usage| (usage.input_tokens, usage.output_tokens, usage.source)), Some((9, 4, UsageSource::Upstream)));
    assert!(!told.frames().contains("\"usage\":{") && !told.frames().contains('\r'), "{told:?}");
}

#[rstest]
#[case(UsageReport::AsAsked)]
#[case(UsageReport::Always)]
#[case(UsageReport::OnFinishChunk)]
#[tokio::test]
async fn a_caller_that_asks_for_usage_gets_it_once(#[case] report: UsageReport) {
    let upstream = mock(Answer { usage_report: report, ..Answer::default() }).await;
    let told = Bed::at(&upstream.base_url()).tell(STREAM_WITH_USAGE).await;
    assert_eq!(told.frames().matches("\"completion_tokens\":4").count(), 1, "{told:?}");
    assert!(told.end.unwrap().1.is_some());
}

/// Groq's and Moonshot's places: official SDKs look at neither.
#[rstest]
#[tokio::test]
async fn usage_that_is_told_elsewhere_is_shown_where_it_was_asked_for(
    #[values(
        r#""choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"x_groq":{"usage":{"prompt_tokens":9,"completion_tokens":4}}"#,
        r#""choices":[{"index":0,"delta":{},"finish_reason":"stop","usage":{"prompt_tokens":9,"completion_tokens":4}}]"#
    )]
    end: &str,
) {
    let first = r#"{"id":"x","object":"chat.completion.chunk","created":7,"model":"m","choices":[{"index":0,"delta":{"content":"a"}}]}"#;
    let finish = format!("data: {{\"id\":\"x\",\"object\":\"chat.completion.chunk\",\"created\":7,\"model\":\"m\",{end}}}\n\n");
    let sent = [format!("data: {first}\n\n"), finish.clone(), "data: [DONE]\n\n".to_owned()];
    let upstream = mock(Raw::event_stream(sent.into_iter().map(Bytes::from).collect())).await;
    let bed = Bed::at(&upstream.base_url());
    let (last, _) = bed.tell(STREAM_WITH_USAGE).await.end.unwrap();
    let head = r#"{"id":"x","object":"chat.completion.chunk","created":7,"model":"m","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":4,"total_tokens":13,"#;
    assert!(last.starts_with(&format!("{finish}data: {head}")) && last.ends_with("}}\n\ndata: [DONE]\n\n"), "{last}");
    assert_eq!(bed.tell(STREAM).await.end.unwrap().0, format!("{finish}data: [DONE]\n\n"), "nobody asked");
}

#[tokio::test]
async fn a_stream_without_usage_ends_well_without_it() {
    let upstream = mock(Answer { usage_report: UsageReport::Never, ..Answer::default() }).await;
    assert_eq!(Bed::at(&upstream.base_url()).tell(STREAM).await.end.unwrap().1, None);
}

#[tokio::test]
async fn a_whole_answer_to_a_stream_request_becomes_a_stream() {
    let call = ToolCall { id: "call_1".to_owned(), name: "look".to_owned(), arguments: vec!["{\"at\":".to_owned(), "1}".to_owned()] };
    for answer in [Answer::default(), Answer::calling(vec![call])] {
        let text = answer.text();
        let upstream = mock(Answer { streaming: Streaming::Ignored, ..answer }).await;
        let told = Bed::at(&upstream.base_url()).tell(STREAM).await;
        assert!(told.text().ends_with(&text), "{told:?}");
        assert!(told.end.unwrap().1.is_some());
    }
}

#[tokio::test]
async fn a_plain_answer_is_the_upstream_s_very_bytes() {
    let body = r#"{"choices" : [{"message":{"content":"hi"}}],"new":[1.50, 2e3],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#;
    for writes in [Writes::Each, Writes::OneByte] {
        let upstream = mock(Raw { writes, ..Raw::json(200, body) }).await;
        let answer = Bed::at(&upstream.base_url()).plain().await;
        assert_eq!(answer.body, body.as_bytes());
        assert_eq!((answer.delivered_text().as_str(), answer.usage.map(|usage| usage.output_tokens)), ("hi", Some(2)));
    }
}

#[tokio::test]
async fn tool_calls_pass_as_official_sdks_can_read_them() {
    let chunk = |calls: &str| format!("data: {{\"id\":\"x\",\"choices\":[{{\"index\":0,\"delta\":{{\"tool_calls\":[{calls}]}}}}]}}\n\n");
    let finish = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\n";
    let sent =
        [r#"{"index":1,"id":"a","function":{"name":"f","arguments":""}}"#, r#"{"index":1,"function":{"arguments":"{}"}}"#].map(chunk);
    let expected =
        [r#"{"index":0,"id":"a","function":{"name":"f","arguments":""}}"#, r#"{"index":0,"function":{"arguments":"{}"}}"#].map(chunk);
    let pieces = sent.into_iter().chain([finish.to_owned()]).map(Bytes::from).collect();
    let body = RawBody::Chunked { pieces, delay: Duration::ZERO };
    let upstream = mock(Raw { body, ..Raw::event_stream(Vec::new()) }).await;
    let told = Bed::at(&upstream.base_url()).tell(STREAM).await;
    assert_eq!(told.frames(), format!("{}{finish}data: [DONE]\n\n", expected.concat()));

    let whole = |calls: &str| format!(r#"{{"id":"x","choices":[{{"message":{{"tool_calls":[{calls}]}},"finish_reason":"tool_calls"}}]}}"#);
    let upstream = mock(Raw::json(200, whole(r#"{"function":{"name":"f","arguments":{"a":1}}}"#))).await;
    let answer = Bed::at(&upstream.base_url()).plain().await;
    assert_eq!(answer.body, whole(r#"{"id":"call_x_0","function":{"name":"f","arguments":"{\"a\":1}"}}"#));
}

#[tokio::test]
async fn unknown_chunks_comments_and_a_late_choice_pass() {
    let pieces = [
        "\u{feff}: OPENROUTER PROCESSING\n\n",
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}],\"x\":{\"y\":[1]}}\n\n",
        "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n",
        // Longer after the first end than a single choice would be waited for.
        "data: {\"choices\":[{\"index\":1,\"delta\":{\"content\":\"b\"}}]}\n\n",
        "data: {\"choices\":[{\"index\":1,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n",
    ];
    let raw = Raw::event_stream(Vec::new());
    let body = RawBody::Chunked {
        pieces: pieces.iter().map(|piece| Bytes::from_static(piece.as_bytes())).collect(),
        delay: Duration::from_millis(700),
    };
    let upstream = mock(Raw { body, ..raw }).await;
    let told =
        Bed::at(&upstream.base_url()).tell(r#"{"model":"m","stream":true,"n":2,"messages":[{"role":"user","content":"hello"}]}"#).await;
    assert_eq!(told.text(), "ab");
    let last = told.end.unwrap().0;
    assert!(last.contains("\"index\":1") && last.contains("\"finish_reason\":\"stop\""), "{last}");
}

#[tokio::test]
async fn an_upstream_that_stalls_after_the_end_is_not_waited_for() {
    let finish = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}\n\n";
    let pieces = vec![Bytes::from_static(finish.as_bytes()), Bytes::from_static(b": still here\n\n")];
    let upstream = mock(Raw { body: RawBody::Chunked { pieces, delay: Duration::from_secs(60) }, ..Raw::event_stream(Vec::new()) }).await;
    let told = Bed::at(&upstream.base_url()).tell(STREAM).await;
    assert_eq!(told.end.unwrap().0, format!("{finish}data: [DONE]\n\n"));
}

/// As OpenRouter does (pydantic-ai's cassette `test_openrouter_stream_error`).
#[rstest]
#[tokio::test]
async fn an_error_after_the_end_changes_nothing_and_its_usage_counts_however_it_is_cut(
    #[values(Writes::Each, Writes::Whole, Writes::OneByte)] writes: Writes,
    #[values(
        r#"{"error":{"code":400,"message":"Token limit reached"},"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}],"usage":{"prompt_tokens":43,"completion_tokens":10}}"#,
        "{\"nonsense"
    )]
    after: &str,
) {
    let finish = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"},\"finish_reason\":\"length\"}]}\n\n";
    let first = "data: {\"id\":\"x\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"b\"},\"finish_reason\":null}]}\n\n";
    for deltas in [vec![first], vec![]] {
        let sent = deltas.into_iter().map(str::to_owned).chain([finish.to_owned(), format!("data: {after}\n\n")]);
        let raw = Raw { writes, ..Raw::event_stream(sent.map(Bytes::from).collect()) };
        let told = Bed::at(&mock(raw).await.base_url()).tell(STREAM).await;
        let (last, usage) = told.end.unwrap();
        assert_eq!(last, format!("{finish}data: [DONE]\n\n"));
        assert_eq!(usage.map(|usage| (usage.input_tokens, usage.output_tokens)), after.contains("usage").then_some((43, 10)));
    }
}

#[tokio::test]
async fn pieces_that_wait_are_sent_on_together() {
    let upstream = mock(Answer { writes: Writes::Whole, ..Answer::of_deltas(50) }).await;
    let bed = Bed::at(&upstream.base_url());
    assert!(bed.plain().await.usage.is_some());
    let told = bed.tell(STREAM).await;
    assert_eq!(told.text(), Answer::of_deltas(50).text());
    assert!(told.pieces.len() < 5, "{} pieces", told.pieces.len());
    assert!(bed.chat(PLAIN).await.is_ok());
}

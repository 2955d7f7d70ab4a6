//! What leaves the gateway, and what never does.

use http::{HeaderName, HeaderValue};

use crate::bed::{Bed, PLAIN, STREAM, STREAM_WITH_USAGE, mock};
use easyai_bench::mock::Answer;

#[tokio::test]
async fn of_a_caller_s_head_only_the_harmless_goes_on() {
    let upstream = mock(Answer::default()).await;
    let mut bed = Bed::at(&upstream.base_url());
    let head = [
        ("authorization", "Bearer sk-callers"),
        ("cookie", "a=b"),
        ("x-stainless-lang", "python"),
        ("idempotency-key", "k"),
        ("x-easyai-simulation", "{}"),
        ("openai-beta", "x=1"),
    ];
    bed.headers = head.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect();
    bed.plain().await;
    let sent = upstream.requests().remove(0);
    assert_eq!((sent.method.as_str(), sent.path.as_str()), ("POST", "/v1/chat/completions"));
    let mut names: Vec<&str> = sent.headers.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        ["accept", "accept-encoding", "authorization", "content-length", "content-type", "host", "openai-beta", "user-agent"]
    );
    assert_eq!(sent.header("authorization"), Some("Bearer sk-ours"));
    assert_eq!(sent.header("accept-encoding"), Some("identity"));
    assert_eq!(sent.header("host"), Some(upstream.addr().to_string().as_str()));
}

#[tokio::test]
async fn a_body_changes_only_where_it_must() {
    let upstream = mock(Answer::default()).await;
    let bed = Bed::at(&upstream.base_url());
    bed.plain().await;
    bed.tell(STREAM).await;
    bed.tell(STREAM_WITH_USAGE).await;
    let renamed = |body: &str| body.replacen("\"m\"", "\"upstream-m\"", 1);
    let asked = STREAM.replacen("]}", "],\"stream_options\":{\"include_usage\":true}}", 1);
    let bodies: Vec<String> = upstream.requests().iter().map(|request| String::from_utf8(request.body.to_vec()).unwrap()).collect();
    assert_eq!(bodies, [renamed(PLAIN), renamed(&asked), renamed(STREAM_WITH_USAGE)]);
}

#[tokio::test]
async fn an_upstream_that_refuses_stream_options_is_not_sent_any() {
    let upstream = mock(Answer::default()).await;
    Bed::at(&upstream.base_url()).with(|platform| platform.options.stream_options = false).tell(STREAM).await;
    assert!(upstream.requests()[0].json().unwrap().get("stream_options").is_none());
}

//! Each fault as a caller meets it.

use easyai_bench::mock::{Answer, Break, Fault, Place, RefusedAddress, Reply, UpstreamError};
use tokio::net::TcpStream;

use crate::client::{Ended, PLAIN, SOON, STREAM, call, mock, read_until, send};

#[tokio::test]
async fn statuses_come_with_openai_bodies() {
    for (status, code) in [(400, "invalid_value"), (401, "invalid_api_key"), (404, "model_not_found"), (429, "rate_limit_exceeded")] {
        let seen = call(&mock(Reply::status(status)).await, STREAM).await;
        let body: serde_json::Value = serde_json::from_str(&seen.body).unwrap();
        assert_eq!((seen.status(), body["error"]["code"].as_str()), (status, Some(code)));
        assert!(!seen.head.contains("retry-after") && seen.head.contains("x-request-id: req_mock"));
    }
    for status in [402, 500, 503] {
        let seen = call(&mock(Reply::status(status)).await, PLAIN).await;
        assert!(seen.status() == status && seen.body.contains(r#"{"error":{"message":"#), "{seen:?}");
    }
}

#[tokio::test]
async fn a_429_can_say_when_to_come_back() {
    let seen = call(&mock(Reply::rate_limited_for("7")).await, PLAIN).await;
    assert!(seen.status() == 429 && seen.head.contains("retry-after: 7\r\n"), "{seen:?}");
}

#[tokio::test]
async fn connections_end_without_an_answer() {
    for (reply, ended) in [(Reply::Reset, Ended::Reset), (Reply::Close, Ended::Cut)] {
        let mock = mock(reply).await;
        let seen = call(&mock, PLAIN).await;
        assert_eq!((seen.head.as_str(), seen.ended), ("", ended));
        mock.wait_for(|stats| stats.broken == 1 && stats.in_flight == 0, SOON).await.unwrap();
    }
}

#[tokio::test]
async fn a_hang_ends_when_the_caller_goes() {
    let mock = mock(Reply::Hang).await;
    let stream = send(&mock, PLAIN).await;
    mock.wait_for(|stats| stats.in_flight == 1, SOON).await.unwrap();
    drop(stream);
    let stats = mock.wait_for(|stats| stats.cancelled == 1, SOON).await.unwrap();
    assert_eq!((stats.in_flight, stats.completed, stats.broken), (0, 0, 0));
}

#[tokio::test]
async fn bodies_are_unusable() {
    for (reply, body, kind) in [
        (Reply::Garbage, r#"{"id":"chatcmpl-mock","#, "application/json"),
        (Reply::Html, "<!DOCTYPE html>", "text/html"),
        (Reply::Empty, "", "application/json"),
    ] {
        let seen = call(&mock(reply).await, STREAM).await;
        assert!(seen.status() == 200 && seen.body.starts_with(body) && seen.head.contains(kind), "{seen:?}");
        assert!(serde_json::from_str::<serde_json::Value>(&seen.body).is_err());
    }
}

#[tokio::test]
async fn streams_break_where_they_should() {
    let error = || Fault::Error(UpstreamError::of_status(503));
    for (place, deltas) in [(Place::Headers, 0), (Place::Preamble, 0), (Place::Deltas(2), 2), (Place::Deltas(9), 4)] {
        for (fault, ended) in [
            (Fault::Cut, Ended::Cut),
            (Fault::Reset, Ended::Reset),
            (Fault::End, Ended::Complete),
            (error(), Ended::Complete),
            (Fault::Garbage, Ended::Complete),
        ] {
            let reply = Answer { broken: Some(Break { place, fault: fault.clone() }), ..Answer::default() };
            let seen = call(&mock(reply).await, STREAM).await;
            assert_eq!((seen.status(), seen.ended, seen.deltas().len()), (200, ended, deltas), "{place:?} {fault:?}");
            assert_eq!(seen.body.contains("assistant"), place != Place::Headers, "{place:?} {fault:?}");
            assert_eq!(seen.body.contains("server_is_overloaded"), fault == error());
            assert!(!seen.body.contains("[DONE]") && !seen.body.contains(r#""finish_reason":"stop""#));
        }
    }
}

#[tokio::test]
async fn a_stalled_stream_has_sent_its_deltas_and_ends_when_the_caller_goes() {
    for (place, last) in [(Place::Headers, "\r\n\r\n"), (Place::Preamble, "assistant"), (Place::Deltas(2), " answer")] {
        let mock = mock(Answer::default().broken(place, Fault::Stall)).await;
        let mut stream = send(&mock, STREAM).await;
        read_until(&mut stream, last).await;
        assert_eq!((mock.in_flight(), mock.cancelled()), (1, 0));
        drop(stream);
        mock.wait_for(|stats| stats.cancelled == 1 && stats.in_flight == 0, SOON).await.unwrap();
    }
}

#[tokio::test]
async fn plain_answers_break_in_their_body() {
    for (fault, ended) in [(Fault::Cut, Ended::Cut), (Fault::Reset, Ended::Reset), (Fault::End, Ended::Complete)] {
        let seen = call(&mock(Answer::default().broken(Place::Deltas(1), fault)).await, PLAIN).await;
        assert_eq!((seen.status(), seen.ended), (200, ended));
        assert!(seen.body.starts_with(r#"{"id":"#) && serde_json::from_str::<serde_json::Value>(&seen.body).is_err());
    }
}

#[tokio::test]
async fn a_refused_address_refuses() {
    let refused = RefusedAddress::take().unwrap();
    let error = TcpStream::connect(refused.addr()).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
}

//! Between caller and upstream the bytes stay as they are, but for the model's name.

use bytes::Bytes;
use easyai_bench::mock::{Answer as Said, Behaviour, DoneMark, Framing, MockUpstream, Raw, Space, Writes};

use crate::app::{Catalog, TestApp};

const ODD: &str = "{ \"id\" : \"chatcmpl-1\",\n\t\"object\":\"chat.completion\",\"created\":1,\"model\":\"up-demo\",\"choices\":[{\"index\":0,\
    \"message\":{\"role\":\"assistant\",\"content\":\"h\\u00e9\",\"new_part\":[1.50,{}]},\"finish_reason\":\"stop\"}],\
    \"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2,\"total_tokens\":5,\"new_details\":{\"a\":1}},\"new_field\":1.0e2 }  ";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_fields_and_odd_spacing_pass_both_ways() {
    let upstream = MockUpstream::start(Behaviour::always(Raw::json(200, ODD))).await.unwrap();
    let app = TestApp::start(Catalog::demo(&upstream.base_url())).await;
    let body = "{ \"messages\" : [ {\"role\":\"user\", \"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,AAAA\"}}]} ],\n\
        \"new\":{\"x\":[1.0,1e5,\"\\u00e9\"]} , \"model\"\t:\"demo\" , \"seed\":12345678901234567890 }\n";
    let answer = app.caller.post(body.as_bytes()).await.ok();
    assert_eq!(String::from_utf8_lossy(&answer.body), ODD);
    let sent = upstream.requests().pop().unwrap();
    assert_eq!(String::from_utf8_lossy(&sent.body), body.replace("\"demo\"", "\"up-demo\""));
    assert_eq!(sent.header("authorization"), Some("Bearer sk-mock"));
    assert_eq!(app.caller.task(&answer.task()).await["usage"]["total_tokens"], 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_is_the_same_however_the_network_cuts_it() {
    let forms = [
        Said::default(),
        Said { writes: Writes::OneByte, ..Said::default() },
        Said { writes: Writes::Whole, ..Said::default() },
        Said { framing: Framing::CrLf, space: Space::None, ..Said::default() },
        Said { done: DoneMark::Missing, ..Said::default() },
        Said { writes: Writes::OneByte, framing: Framing::CrLf, ..Said::default() },
    ];
    let upstream = MockUpstream::start(Behaviour::default()).await.unwrap();
    let app = TestApp::start(Catalog::demo(&upstream.base_url())).await;
    let mut seen = Vec::new();
    for form in forms {
        upstream.set(Behaviour::always(form));
        let answer = app.caller.chat("hello").streamed().answer().await.ok();
        assert_eq!(answer.text(), "The answer is 42.");
        assert_eq!(app.caller.task(&answer.task()).await["usage"]["source"], "upstream");
        seen.push(answer.frames());
    }
    seen.dedup();
    assert_eq!(seen.len(), 1, "{seen:#?}");
    app.everything_is_settled("1000").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plain_answer_to_a_stream_request_and_a_long_answer_arrive() {
    let long = Said::of_deltas(20_000);
    let upstream = MockUpstream::start(Behaviour::always(Said { writes: Writes::Every(500), ..long.clone() })).await.unwrap();
    let app = TestApp::start(Catalog::demo(&upstream.base_url())).await;
    for chat in [app.caller.chat("hello"), app.caller.chat("hello").streamed()] {
        let answer = chat.answer().await.ok();
        assert!(answer.text() == long.text(), "{} bytes of {}", answer.text().len(), long.text().len());
    }
    let pieces = [
        "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hi\",\"odd\":1},\"finish_reason\":null}],\"extra\":{}}\n\n",
        ": a comment\n\nevent: odd\ndata: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n",
    ];
    upstream.set(Behaviour::always(Raw::event_stream(pieces.iter().map(|piece| Bytes::from_static(piece.as_bytes())).collect())));
    let answer = app.caller.chat("hello").streamed().answer().await.ok();
    assert!(answer.frames()[0].contains("\"odd\":1") && answer.frames()[0].contains("\"extra\":{}"), "{answer}");
    assert_eq!(answer.text(), "hi");
}

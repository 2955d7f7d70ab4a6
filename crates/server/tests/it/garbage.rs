//! Garbage in: a clear 4xx that names what is wrong, never a 5xx, and nothing is stored that breaks a list.

use easyai_bench::mock::{Behaviour, MockUpstream};

use crate::app::{Catalog, TestApp};
use crate::caller::Caller;
use crate::http::{Answer, Exchange};

/// Bodies that are made by breaking a good one.
const BROKEN: u64 = 1_000;

const GOOD: &str = r#"{"model":"demo","messages":[{"role":"user","content":"h\u00e9llo \ud83d\ude00 wörld"}],"max_tokens":50,"temperature":0.5,"stop":["\n"],"stream":false,"n":1,"stream_options":null,"tools":[],"x_new":{"a":[1,2.5e-3,null,true]}}"#;

async fn app() -> (MockUpstream, TestApp) {
    let upstream = MockUpstream::start(Behaviour::default()).await.unwrap();
    let app = TestApp::start(Catalog::demo(&upstream.base_url())).await;
    (upstream, app)
}

async fn lists_still_work(app: &TestApp) {
    app.caller.chat("hello").answer().await.ok();
    for task in app.caller.tasks("").await {
        let id = task["id"].as_str().unwrap();
        assert_eq!(app.caller.get(&format!("/api/v1/tasks/{id}/events")).await.status, 200);
    }
    app.program.good(&["task", "list"]);
    app.everything_is_settled("1000").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_field_is_named() {
    let (_upstream, app) = app().await;
    let messages = r#""messages":[{"role":"user","content":"hi"}]"#;
    let with = |field: &str| format!("{{\"model\":\"demo\",{messages},{field}}}");
    for (body, param) in [
        (format!("{{{messages}}}"), "model"),
        (format!("{{\"model\":7,{messages}}}"), "model"),
        (format!("{{\"model\":null,{messages}}}"), "model"),
        (format!("{{\"model\":[\"demo\"],{messages}}}"), "model"),
        (format!("{{\"model\":\"\",{messages}}}"), "model"),
        (format!("{{\"model\":\"{}\",{messages}}}", "m".repeat(10_000)), "model"),
        (with(r#""model":"demo""#), "model"),
        (r#"{"model":"demo"}"#.to_owned(), "messages"),
        (r#"{"model":"demo","messages":null}"#.to_owned(), "messages"),
        (r#"{"model":"demo","messages":"hi"}"#.to_owned(), "messages"),
        (r#"{"model":"demo","messages":[]}"#.to_owned(), "messages"),
        (r#"{"model":"demo","messages":["hi"]}"#.to_owned(), "messages[0]"),
        (r#"{"model":"demo","messages":[{"content":"hi"}]}"#.to_owned(), "messages[0].role"),
        (r#"{"model":"demo","messages":[{"role":"user","content":{}}]}"#.to_owned(), "messages[0].content"),
        (with(r#""stream":"yes""#), "stream"),
        (with(r#""stream":1"#), "stream"),
        (with(r#""stream_options":true"#), "stream_options"),
        (with(r#""stream_options":{"include_usage":"x"}"#), "stream_options.include_usage"),
        (with(r#""max_tokens":-1"#), "max_tokens"),
        (with(r#""max_tokens":1e99"#), "max_tokens"),
        (with(r#""max_tokens":"many""#), "max_tokens"),
        (with(r#""max_completion_tokens":"few""#), "max_completion_tokens"),
        (with(r#""n":0"#), "n"),
        (with(r#""n":99999999999999999999"#), "n"),
        (with(r#""tools":"hammer""#), "tools"),
    ] {
        let answer = app.caller.post(body.as_bytes()).await;
        assert_eq!(answer.status, 400, "{body:.200}: {answer}");
        let answer = answer.refused(400, "bad_request");
        let error = &answer.json()["error"];
        assert_eq!(error["param"], param, "{body:.200}: {answer}");
        assert!(error["message"].as_str().unwrap().contains(param), "{body:.200}: {answer}");
    }
    for (header, value) in [
        ("x-easyai-timeout-ms", "soon"),
        ("x-easyai-timeout-ms", "0"),
        ("x-easyai-run-mode", "odd"),
        ("x-easyai-simulation", "{"),
        ("x-easyai-simulation", r#"{"latency":5}"#),
        ("idempotency-key", ""),
        ("idempotency-key", "ünïcödé"),
    ] {
        let answer = app.caller.chat("hello").header(header, value).answer().await.refused(400, "bad_request");
        assert_eq!(answer.json()["error"]["param"], header, "{answer}");
    }
    for query in ["limit=0", "limit=501", "limit=x", "status=odd", "kind=odd", "cursor=odd", "since=yesterday", "unknown=1"] {
        let answer = app.caller.get(&format!("/api/v1/tasks?{query}")).await.refused(400, "bad_request");
        let name = query.split('=').next().unwrap();
        assert!(String::from_utf8_lossy(&answer.body).contains(name), "{answer}");
    }
    lists_still_work(&app).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_is_no_json_is_refused_and_never_our_error() {
    let (_upstream, app) = app().await;
    let deep = |open: &str, close: &str, depth: usize| {
        format!("{{\"model\":\"demo\",\"messages\":[],\"x\":{}1{}}}", open.repeat(depth), close.repeat(depth))
    };
    let bodies: Vec<Vec<u8>> = vec![
        b"   ".to_vec(),
        b"null".to_vec(),
        b"[]".to_vec(),
        b"\"text\"".to_vec(),
        b"{".to_vec(),
        b"{}".to_vec(),
        b"\xef\xbb\xbf{}".to_vec(),
        b"\0\0\0\0".to_vec(),
        b"model=demo&messages=hi".to_vec(),
        b"{\"model\":\"demo\",\"messages\":[{\"role\":\"user\",\"content\":\"\xff\xfe\"}]}".to_vec(),
        b"{\"model\":\"demo\",\"messages\":[{\"role\":\"user\",\"content\":\"\xed\xa0\x80\"}]}".to_vec(),
        format!("{GOOD}{GOOD}").into_bytes(),
        deep("[", "]", 100_000).into_bytes(),
        deep("{\"a\":", "}", 100_000).into_bytes(),
        "[".repeat(1_000_000).into_bytes(),
        deep("[", "", 5_000).into_bytes(),
    ];
    for body in bodies {
        let answer = app.caller.post(&body).await;
        assert_eq!(
            (answer.status, answer.error_code().as_deref()),
            (400, Some("bad_request")),
            "{:.200}: {answer}",
            String::from_utf8_lossy(&body)
        );
    }
    let mut seed = 0x0000_ea5a_1a15_eed1;
    for _ in 0..BROKEN {
        let body = broken(&mut seed);
        let answer = app.caller.post(&body).await;
        let shown = String::from_utf8_lossy(&body);
        assert!(answer.status < 500, "{shown}: {answer}");
        if !is_json(&body) {
            assert!((400..500).contains(&answer.status) && answer.error_code().is_some(), "{shown}: {answer}");
        }
    }
    lists_still_work(&app).await;
}

/// By its grammar: halves of surrogate pairs, which some upstreams take, are theirs to refuse.
fn is_json(body: &[u8]) -> bool {
    std::str::from_utf8(body).is_ok_and(|text| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok())
}

/// A good body with a few bytes changed, cut, doubled or swapped for something surprising.
fn broken(seed: &mut u64) -> Vec<u8> {
    const SURPRISES: [&[u8]; 12] = [b"\"", b"{", b"}", b"[", b",", b":", b"\\u", b"\xf0\x9f", b"-", b"1e999", b"null", b"\0"];
    let mut next = |below: usize| {
        *seed ^= *seed << 13;
        *seed ^= *seed >> 7;
        *seed ^= *seed << 17;
        (*seed % below as u64) as usize
    };
    let mut body = GOOD.as_bytes().to_vec();
    for _ in 0..=next(3) {
        let at = next(body.len());
        match next(5) {
            0 => body.truncate(at.max(1)),
            1 => body[at] = next(256) as u8,
            2 => drop(body.remove(at)),
            3 => drop(body.splice(at..at, SURPRISES[next(SURPRISES.len())].iter().copied())),
            _ => {
                let until = (at + next(20)).min(body.len());
                let part = body[at..until].to_vec();
                body.splice(at..at, part);
            }
        }
        if body.is_empty() {
            return b"{".to_vec();
        }
    }
    body
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heads_methods_and_lengths_that_make_no_sense_are_refused() {
    let (_upstream, app) = app().await;
    let caller = &app.caller;
    let head = |line: &str, headers: &str| format!("{line} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n{headers}\r\n", caller.key);
    let chat = "POST /v1/chat/completions";
    for (what, request, expected) in [
        ("a huge header", head(chat, &format!("x-big: {}\r\ncontent-length: 2\r\n", "x".repeat(200_000))), &[431][..]),
        ("many headers", head(chat, &"x-many: 1\r\n".repeat(500)), &[431, 400]),
        ("a huge path", head(&format!("GET /{}", "x".repeat(200_000)), ""), &[414, 431, 400]),
        ("a body of terabytes", head(chat, "content-length: 9999999999999\r\n"), &[413]),
        ("a length that is none", head(chat, "content-length: many\r\n"), &[400]),
        ("a negative length", head(chat, "content-length: -5\r\n"), &[400]),
        ("two lengths", head(chat, "content-length: 5\r\ncontent-length: 6\r\n"), &[400]),
        ("broken chunks", head(chat, "transfer-encoding: chunked\r\n") + "zz\r\nhello\r\n0\r\n\r\n", &[400]),
        ("a chunk of exabytes", head(chat, "transfer-encoding: chunked\r\n") + "fffffffffffffffffff\r\nx", &[400, 413]),
        ("no HTTP", "hello gateway\r\n\r\n".to_owned(), &[400]),
        ("another method", head("DELETE /v1/chat/completions", ""), &[405]),
        ("a method of one's own", head("FROB /v1/models", ""), &[405]),
        ("no such path", head("GET /v2/models", ""), &[404]),
        ("a path that is no text", head("GET /v1/models/%ff%fe", ""), &[400, 404]),
        ("an id that is none", head("GET /api/v1/tasks/%00", ""), &[404, 400]),
        ("an event that is none", head("GET /api/v1/tasks/task_01h2xcejqtf2nbrexx3vqjhp41/events", "last-event-id: x\r\n"), &[404, 400]),
    ] {
        let answer = raw(caller, request.as_bytes()).await;
        assert!(expected.contains(&answer.status), "{what}: {answer}");
    }
    let lacks_key = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 9999999999\r\n\r\n";
    raw(caller, lacks_key).await.refused(401, "invalid_api_key");
    let too_large = vec![b' '; 33 << 20];
    caller.post(&too_large).await.refused(413, "request_too_large");
    lists_still_work(&app).await;
}

async fn raw(caller: &Caller, request: &[u8]) -> Answer {
    let exchange = Exchange::begin(caller.addr, request).await;
    exchange.unwrap_or_else(|error| panic!("{:.80}: {error}", String::from_utf8_lossy(request))).rest().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_keys_are_all_refused_alike() {
    let (_upstream, app) = app().await;
    let mut bodies = Vec::new();
    for key in ["", "sk-", "sk-wrong", "☃", &"x".repeat(5_000)] {
        let stranger = Caller { key: key.to_owned(), ..app.caller.clone() };
        let answer = stranger.chat("hello").answer().await.refused(401, "invalid_api_key");
        bodies.push(answer.json());
        stranger.get("/api/v1/wallet").await.refused(401, "invalid_api_key");
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    lists_still_work(&app).await;
}

//! Every protocol a caller may speak, over an upstream that speaks another one; and answers that outlive their caller's connection.

use std::time::Duration;

use easyai_bench::mock::{Answer, Behaviour, MockUpstream, Raw, Writes};
use serde_json::{Value, json};

use crate::app::catalog::DEFAULT_CHARGE;
use crate::app::{Catalog, TestApp};
use crate::caller::Caller;
use crate::http;
use crate::patience::within;

async fn over_the_mock() -> (TestApp, MockUpstream) {
    let upstream = MockUpstream::start(Behaviour::default()).await.unwrap();
    let app = TestApp::start(Catalog::demo(&upstream.base_url())).await;
    (app, upstream)
}

/// Path, body, and where the text of the answer is.
fn calls() -> Vec<(&'static str, Value, &'static str)> {
    vec![
        (
            "/v1/messages",
            json!({ "model": "demo", "max_tokens": 50, "messages": [{ "role": "user", "content": "hi" }] }),
            "/content/0/text",
        ),
        (
            "/v1beta/models/demo:generateContent",
            json!({ "contents": [{ "parts": [{ "text": "hi" }] }] }),
            "/candidates/0/content/parts/0/text",
        ),
        ("/v1/responses", json!({ "model": "demo", "input": "hi", "store": false }), "/output/0/content/0/text"),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_protocol_is_answered_over_a_chat_upstream_and_charged_alike() {
    let (app, upstream) = over_the_mock().await;
    let chat = app.caller.chat("hi").answer().await.ok();
    for (path, body, text) in calls() {
        let answer = app.caller.send("POST", path, &[], body.to_string().as_bytes()).await.unwrap().rest().await.ok();
        assert_eq!(answer.json().pointer(text).and_then(Value::as_str), Some(chat.text().as_str()), "{path}: {answer}");
        let task = app.caller.task(&answer.task()).await;
        assert_eq!((&task["status"], &task["charge"]), (&"succeeded".into(), &DEFAULT_CHARGE.into()), "{path}: {task}");
    }
    // Whether it has `/responses` was found out by asking once.
    let asked = |path: &str| upstream.requests().iter().filter(|request| request.path.ends_with(path)).count();
    assert_eq!((asked("/chat/completions"), asked("/responses")), (4, 1));
    app.everything_is_settled("1000").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_have_the_shape_of_the_callers_protocol() {
    let (app, _upstream) = over_the_mock().await;
    let ask = async |path: &str, body: Value| app.caller.send("POST", path, &[], body.to_string().as_bytes()).await.unwrap().rest().await;
    let messages =
        ask("/v1/messages", json!({ "model": "none", "max_tokens": 5, "messages": [{ "role": "user", "content": "hi" }] })).await;
    assert_eq!((messages.status, &messages.json()["error"]["type"]), (404, &json!("not_found_error")), "{messages}");
    let gemini = ask("/v1beta/models/none:generateContent", json!({ "contents": [{ "parts": [{ "text": "hi" }] }] })).await;
    assert_eq!((gemini.status, &gemini.json()["error"]["status"]), (404, &json!("NOT_FOUND")), "{gemini}");
    let responses = ask("/v1/responses", json!({ "model": "none", "input": "hi" })).await;
    assert_eq!((responses.status, &responses.json()["error"]["code"]), (404, &json!("model_not_found")), "{responses}");
    let bad = ask("/v1/messages", json!({ "model": "demo", "messages": [] })).await;
    assert_eq!((bad.status, &bad.json()["error"]["type"]), (400, &json!("invalid_request_error")), "{bad}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_resumable_stream_goes_on_without_its_caller_and_is_charged_once() {
    let slow = Answer { chunk_delay: Duration::from_millis(30), ..Answer::of_deltas(20) };
    let upstream = MockUpstream::start(Behaviour::always(slow)).await.unwrap();
    let app = TestApp::start(Catalog::demo(&upstream.base_url())).await;
    let exchange = app.caller.chat("hi").streamed().header("x-easyai-resumable", "true").begin().await;
    let task = exchange.header("x-easyai-task-id").unwrap().to_owned();
    drop(exchange);
    let path = format!("/api/v1/tasks/{task}/stream");
    let live = app.caller.get_with(&path, &[("last-event-id", "3")]).await.ok();
    assert!(live.body_text().starts_with("id: 4\n"), "{live}");
    assert!(live.body_text().contains("[DONE]"), "{live}");
    within(Duration::from_secs(10), "it has ended", async || app.caller.task(&task).await["status"] == "succeeded").await;
    let recorded = app.caller.get_with(&path, &[("last-event-id", "3")]).await.ok();
    assert_eq!(live.body_text(), recorded.body_text());
    assert_eq!((upstream.calls(), upstream.cancelled()), (1, 0));
    app.everything_is_settled("1000").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_response_is_kept_gone_on_from_and_forgotten() {
    let (app, upstream) = over_the_mock().await;
    let create = async |body: Value| {
        app.caller.send("POST", "/v1/responses", &[], body.to_string().as_bytes()).await.unwrap().rest().await.ok().json()
    };
    let first = create(json!({ "model": "demo", "input": "one" })).await;
    let id = first["id"].as_str().unwrap().to_owned();
    let found = app.caller.get(&format!("/v1/responses/{id}")).await.ok().json();
    assert_eq!((&found["id"], &found["output"]), (&first["id"], &first["output"]));
    let second = create(json!({ "model": "demo", "input": "two", "previous_response_id": id })).await;
    assert_eq!(second["previous_response_id"], first["id"]);
    let sent = upstream.requests();
    let last: Value = serde_json::from_slice(&sent.last().unwrap().body).unwrap();
    assert_eq!(last["messages"].as_array().map(Vec::len), Some(3), "both turns of the first and the new one: {last}");
    let items = app.caller.get(&format!("/v1/responses/{id}/input_items")).await.ok().json();
    assert_eq!(items["data"].as_array().map(Vec::len), Some(1), "{items}");
    let stranger = app.stranger().await;
    assert_eq!(stranger.get(&format!("/v1/responses/{id}")).await.status, 404);
    let gone = app.caller.send("DELETE", &format!("/v1/responses/{id}"), &[], b"").await.unwrap().rest().await.ok().json();
    assert_eq!(gone, json!({ "id": id, "object": "response", "deleted": true }));
    assert_eq!(app.caller.get(&format!("/v1/responses/{id}")).await.status, 404);
    app.everything_is_settled("1000").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_response_in_the_background_is_worked_on_without_its_caller() {
    let (app, _upstream) = over_the_mock().await;
    let body = json!({ "model": "demo", "input": "hi", "background": true }).to_string();
    let queued = app.caller.send("POST", "/v1/responses", &[], body.as_bytes()).await.unwrap().rest().await.ok().json();
    assert_eq!((&queued["status"], &queued["background"]), (&json!("queued"), &json!(true)));
    let path = format!("/v1/responses/{}", queued["id"].as_str().unwrap());
    within(Duration::from_secs(10), "it is complete", async || app.caller.get(&path).await.ok().json()["status"] == "completed").await;
    let streamed = app.caller.get(&format!("{path}?stream=true&starting_after=2")).await;
    assert_eq!(streamed.status, 200);
    assert!(streamed.body_text().contains("response.completed") && !streamed.body_text().contains("response.created"), "{streamed}");
    app.everything_is_settled("1000").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_response_is_found_as_such_at_once() {
    let app = TestApp::start(Catalog::default().simulation("offline", "simulation = { chunks = 200, chunk_delay_ms = 500 }").and(
        "[[model]]\nname = \"demo\"\n[[platform_model]]\nplatform = \"offline\"\nmodel = \"demo\"\nprice = { input_per_million = \"1000\", output_per_million = \"1000\" }",
    ))
    .await;
    let body = json!({ "model": "demo", "input": "hi", "background": true, "stream": true }).to_string();
    let mut stream = app.caller.send("POST", "/v1/responses", &[], body.as_bytes()).await.unwrap();
    let task = stream.header("x-easyai-task-id").unwrap().to_owned();
    let created: Value = serde_json::from_str(&stream.frame().await.unwrap()).unwrap();
    let path = format!("/v1/responses/{}", created["response"]["id"].as_str().unwrap());
    assert_eq!(app.caller.get(&path).await.ok().json()["status"], "in_progress");
    let cancelled = app.caller.send("POST", &format!("{path}/cancel"), &[], b"").await.unwrap().rest().await.ok().json();
    assert_eq!(cancelled["status"], "cancelled");
    assert_eq!(app.caller.get(&path).await.ok().json()["status"], "cancelled");
    let booked = async || app.caller.task(&task).await["status"] == "cancelled";
    within(Duration::from_secs(10), "it is booked", booked).await;
    app.everything_is_settled("1000").await;
}

const RESPONSE: &str = r#"{"id":"resp_1","object":"response","status":"completed","output":[{"type":"message","id":"msg_1","role":"assistant",
    "content":[{"type":"output_text","text":"Ada"}]}],"usage":{"input_tokens":9,"output_tokens":4,"total_tokens":13}}"#;

const COMPACTED: &str = r#"{"id":"resp_2","object":"response.compaction","created_at":1,"output":[{"id":"cmp_1","type":"compaction","encrypted_content":"x"}],
    "usage":{"input_tokens":9,"output_tokens":4,"total_tokens":13}}"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conversation_is_made_short_by_a_platform_that_can() {
    let upstream = MockUpstream::start(Behaviour::always(Raw::json(200, RESPONSE)).at_any_path()).await.unwrap();
    let app = TestApp::start(
        Catalog::default().platform("only", &upstream.base_url(), "options = { api = \"responses\" }").offer("only", "demo"),
    )
    .await;
    let create = json!({ "model": "demo", "input": "one" }).to_string();
    app.caller.send("POST", "/v1/responses", &[], create.as_bytes()).await.unwrap().rest().await.ok();
    upstream.set(Behaviour::always(Raw::json(200, COMPACTED)).at_any_path());
    let body = json!({ "model": "demo", "input": "two", "previous_response_id": "resp_1", "image": { "context_compression": "auto" } })
        .to_string();
    let answer = app.caller.send("POST", "/v1/responses/compact", &[], body.as_bytes()).await.unwrap().rest().await.ok();
    assert_eq!(String::from_utf8_lossy(&answer.body), COMPACTED);
    let sent = upstream.requests().pop().unwrap();
    assert!(sent.path.ends_with("/responses/compact"), "{}", sent.path);
    let sent = sent.json().unwrap();
    assert_eq!((&sent["model"], sent["input"].as_array().map(Vec::len)), (&json!("up-demo"), Some(3)), "{sent}");
    assert_eq!((sent.get("previous_response_id"), sent["image"].is_object()), (None, true), "{sent}");
    let task = app.caller.task(&answer.task()).await;
    assert_eq!((&task["kind"], &task["charge"]), (&json!("responses.compact"), &json!(DEFAULT_CHARGE)), "{task}");
    let stranger = app.stranger().await;
    let refused = stranger.send("POST", "/v1/responses/compact", &[], body.as_bytes()).await.unwrap().rest().await;
    assert_eq!((refused.status, &refused.json()["error"]["param"]), (400, &json!("previous_response_id")), "{refused}");
    app.everything_is_settled("1000").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn items_of_an_upstream_are_referred_to_by_whoever_got_them_and_by_nobody_else() {
    let upstream = MockUpstream::start(Behaviour::always(Raw::json(200, RESPONSE)).at_any_path()).await.unwrap();
    let app = TestApp::start(
        Catalog::default().platform("only", &upstream.base_url(), "options = { api = \"responses\" }").offer("only", "demo"),
    )
    .await;
    let ask = async |caller: &Caller, path: &str, item: Value| {
        let body = json!({ "model": "demo", "kind": "responses", "input": [item, { "role": "user", "content": "one" }] }).to_string();
        caller.send("POST", path, &[], body.as_bytes()).await.unwrap().rest().await
    };
    let by_name = json!({ "type": "item_reference", "id": "msg_1" });
    let refused = |answer: http::Answer| assert_eq!(answer.refused(400, "bad_request").json()["error"]["param"], "input");
    refused(ask(&app.caller, "/v1/responses", by_name.clone()).await);
    ask(&app.caller, "/v1/responses", json!({ "role": "user", "content": "zero" })).await.ok();
    let calls = upstream.calls();
    // Its owner may, in either spelling, and its upstream gets the reference.
    ask(&app.caller, "/v1/responses", by_name.clone()).await.ok();
    assert_eq!(upstream.requests().pop().unwrap().json().unwrap()["input"][0], by_name);
    ask(&app.caller, "/v1/responses", json!({ "id": "msg_1" })).await.ok();
    ask(&app.caller, "/v1/responses/input_tokens", by_name.clone()).await.ok();
    assert_eq!(upstream.calls(), calls + 2);
    // Nobody else may, whatever it looks like.
    let stranger = app.stranger().await;
    for path in ["/v1/responses", "/v1/responses/compact", "/v1/responses/input_tokens", "/api/v1/tasks"] {
        refused(ask(&stranger, path, by_name.clone()).await);
        refused(ask(&stranger, path, json!({ "id": "msg_1", "type": null })).await);
    }
    refused(ask(&app.caller, "/v1/responses", json!({ "type": "item_reference", "id": "msg_easyai_01h4_03" })).await);
    assert_eq!(upstream.calls(), calls + 2);
    // Deleted, its items are gone with it.
    for _ in 0..4 {
        app.caller.send("DELETE", "/v1/responses/resp_1", &[], b"").await.unwrap().rest().await;
    }
    refused(ask(&app.caller, "/v1/responses", by_name).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_after_the_end_of_a_stream_costs_every_caller_what_it_tells() {
    let frames = [
        r#"{"id":"x","choices":[{"index":0,"delta":{"content":"hi"},"finish_reason":null}]}"#,
        r#"{"id":"x","choices":[{"index":0,"delta":{},"finish_reason":"length"}]}"#,
        r#"{"id":"x","error":{"code":400,"message":"Token limit reached"},"choices":[],"usage":{"prompt_tokens":43,"completion_tokens":10}}"#,
    ];
    for writes in [Writes::Each, Writes::Whole, Writes::OneByte] {
        let pieces = frames.map(|frame| format!("data: {frame}\n\n").into()).to_vec();
        let raw = Raw { writes, ..Raw::event_stream(pieces) };
        let upstream = MockUpstream::start(Behaviour::always(raw)).await.unwrap();
        let app = TestApp::start(Catalog::demo(&upstream.base_url())).await;
        let chat = json!({ "model": "demo", "stream": true, "messages": [{ "role": "user", "content": "hi" }] });
        let messages = json!({ "model": "demo", "stream": true, "max_tokens": 9, "messages": [{ "role": "user", "content": "hi" }] });
        let responses = json!({ "model": "demo", "stream": true, "input": "hi" });
        let google = json!({ "contents": [{ "parts": [{ "text": "hi" }] }] });
        for (path, body) in [
            ("/v1/chat/completions", chat),
            ("/v1/messages", messages),
            ("/v1/responses", responses),
            ("/v1beta/models/demo:streamGenerateContent?alt=sse", google),
        ] {
            let answer = app.caller.send("POST", path, &[], body.to_string().as_bytes()).await.unwrap().rest().await;
            assert!(!answer.body_text().contains("Token limit"), "{answer}");
            let task = app.caller.task(&answer.task()).await;
            assert_eq!((&task["status"], &task["usage"]["input_tokens"]), (&json!("succeeded"), &json!(43)), "{path} {writes:?} {task}");
            assert_eq!(task["usage"]["output_tokens"], json!(10), "{path} {writes:?}");
        }
        app.everything_is_settled("1000").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_count_of_a_prompt_has_the_turns_it_goes_on_from() {
    let (app, _upstream) = over_the_mock().await;
    let create = json!({ "model": "demo", "input": "My name is Ada Lovelace." }).to_string();
    let made = app.caller.send("POST", "/v1/responses", &[], create.as_bytes()).await.unwrap().rest().await.ok().json();
    let count = async |caller: &Caller, body: &Value| {
        let body = body.to_string();
        caller.send("POST", "/v1/responses/input_tokens", &[], body.as_bytes()).await.unwrap().rest().await
    };
    let alone = count(&app.caller, &json!({ "model": "demo", "input": "What is it?" })).await.ok().json();
    let goes_on = json!({ "model": "demo", "input": "What is it?", "previous_response_id": made["id"] });
    let whole = count(&app.caller, &goes_on).await.ok().json();
    let tokens = |answer: &Value| answer["input_tokens"].as_u64().unwrap();
    assert!(tokens(&whole) >= tokens(&alone) + 10, "{alone} {whole}");
    let refused = count(&app.stranger().await, &goes_on).await.refused(400, "bad_request").json();
    assert_eq!(refused["error"]["param"], "previous_response_id", "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_cannot_make_a_conversation_short_is_not_asked_and_serves_on() {
    let (app, upstream) = over_the_mock().await;
    let body = json!({ "model": "demo", "input": "one" }).to_string();
    let compact = async |app: &TestApp| app.caller.send("POST", "/v1/responses/compact", &[], body.as_bytes()).await.unwrap().rest().await;
    let refused = compact(&app).await;
    assert_eq!((refused.status, &refused.json()["error"]["code"]), (400, &json!("capability_unsupported")), "{refused}");
    assert!(refused.body_text().contains("/responses/compact"), "{refused}");
    assert_eq!(upstream.calls(), 0);

    // One that has Responses, and nothing beside them.
    let absent = Raw::json(404, r#"{"detail":"Not Found"}"#);
    let upstream = MockUpstream::start(Behaviour::always(absent).at_any_path()).await.unwrap();
    let app = TestApp::start(
        Catalog::default().platform("only", &upstream.base_url(), "options = { api = \"responses\" }").offer("only", "demo"),
    )
    .await;
    let refused = compact(&app).await;
    assert_eq!((refused.status, &refused.json()["error"]["code"]), (400, &json!("bad_request")), "{refused}");
    upstream.set(Behaviour::always(Raw::json(200, RESPONSE)).at_any_path());
    app.caller.send("POST", "/v1/responses", &[], body.as_bytes()).await.unwrap().rest().await.ok();
    app.everything_is_settled("1000").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_goes_on_from_no_response() {
    let upstream = MockUpstream::start(Behaviour::always(Raw::json(200, RESPONSE)).at_any_path()).await.unwrap();
    let app = TestApp::start(
        Catalog::default().platform("only", &upstream.base_url(), "options = { api = \"responses\" }").offer("only", "demo"),
    )
    .await;
    for kind in ["responses", "responses.compact"] {
        let body = json!({ "kind": kind, "model": "demo", "input": "hi", "previous_response_id": "resp_1" }).to_string();
        let refused = app.caller.send("POST", "/api/v1/tasks", &[], body.as_bytes()).await.unwrap().rest().await;
        assert_eq!((refused.status, &refused.json()["error"]["param"]), (400, &json!("previous_response_id")), "{refused}");
    }
    let body = json!({ "kind": "responses", "model": "demo", "input": "hi", "background": true }).to_string();
    let refused = app.caller.send("POST", "/api/v1/tasks", &[], body.as_bytes()).await.unwrap().rest().await;
    assert_eq!((refused.status, &refused.json()["error"]["param"]), (400, &json!("background")), "{refused}");
    assert_eq!(upstream.calls(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_chats_are_kept() {
    let (app, _upstream) = over_the_mock().await;
    app.caller.chat("hi").field("store", true).answer().await.ok();
    let page = app.caller.get("/v1/chat/completions?limit=5&order=desc").await.ok().json();
    assert_eq!((&page["data"], &page["has_more"]), (&json!([]), &json!(false)), "{page}");
    for (method, path) in [("GET", "chatcmpl-1"), ("POST", "chatcmpl-1"), ("DELETE", "chatcmpl-1"), ("GET", "chatcmpl-1/messages")] {
        let missing = app.caller.send(method, &format!("/v1/chat/completions/{path}"), &[], b"{}").await.unwrap().rest().await;
        assert_eq!((missing.status, &missing.json()["error"]["param"]), (404, &json!("completion_id")), "{method} {path}: {missing}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn vectors_verdicts_and_orders_are_simulated() {
    let app = TestApp::start(Catalog::default().simulation("offline", "").and(
        "[[model]]\nname = \"demo\"\n[[platform_model]]\nplatform = \"offline\"\nmodel = \"demo\"\nmodel_types = [\"text_generate\", \"text_embed\", \"text_moderate\", \"rerank\"]\nprice = { input_per_million = \"1000\", output_per_million = \"0\" }",
    ))
    .await;
    let ask = async |path: &str, body: Value| {
        app.caller.send("POST", path, &[], body.to_string().as_bytes()).await.unwrap().rest().await.ok().json()
    };
    let vectors = ask("/v1/embeddings", json!({ "model": "demo", "input": ["a", "b"], "dimensions": 4, "encoding_format": "float" })).await;
    assert_eq!(vectors["data"][1]["embedding"].as_array().map(Vec::len), Some(4), "{vectors}");
    let gemini = ask("/v1beta/models/demo:embedContent", json!({ "content": { "parts": [{ "text": "a" }] } })).await;
    assert!(gemini["embedding"]["values"].is_array(), "{gemini}");
    let verdict = ask("/v1/moderations", json!({ "model": "demo", "input": "a" })).await;
    assert_eq!(verdict["results"][0]["flagged"], json!(false), "{verdict}");
    let order =
        ask("/v1/rerank", json!({ "model": "demo", "query": "a fox", "documents": ["a dog", "a fox"], "return_documents": true })).await;
    assert_eq!((&order["results"][0]["index"], &order["results"][0]["document"]["text"]), (&json!(1), &json!("a fox")), "{order}");
    let short = ask("/v1/responses/compact", json!({ "model": "demo", "input": "a" })).await;
    assert_eq!((&short["object"], &short["output"][0]["type"]), (&json!("response.compaction"), &json!("compaction")), "{short}");
    app.everything_is_settled("1000").await;
}

//! Work that goes on without its caller: videos, tasks of any kind, and what a kill leaves of them.

use std::time::Duration;

use easyai_store::testing::TestEngine::{self, Postgres, Sqlite};
use rstest::rstest;
use serde_json::{Value, json};

use crate::app::{Catalog, Setup, TestApp};
use crate::caller::{Caller, money};
use crate::http::Answer;
use crate::patience::within;

/// A simulated second of video costs 0.1, an image 0.04.
fn studio(more: &str) -> Catalog {
    let offer = |model: &str, types: &str, price: &str| {
        format!(
            "[[model]]\nname = \"{model}\"\n[[platform_model]]\nplatform = \"studio\"\nmodel = \"{model}\"\nupstream_name = \"{model}\"\nmodel_types = {types}\nprice = {price}\n"
        )
    };
    Catalog::default()
        .simulation("studio", more)
        .offer("studio", "demo")
        .and(&offer("film", r#"["video_generate", "image_to_video"]"#, r#"{ per_second = "0.1" }"#))
        .and(&offer("picture", r#"["image_generate", "image_edit"]"#, r#"{ per_image = "0.04" }"#))
        .and(&offer("voice", r#"["audio_speech"]"#, r#"{ per_million_characters = "15" }"#))
}

const QUICK: &str = "simulation = { job_seconds = 1 }";

async fn post(caller: &Caller, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
    caller.send("POST", path, headers, body.to_string().as_bytes()).await.unwrap().rest().await
}

/// The ids of a new video: its own, and its task's.
async fn film(caller: &Caller) -> (String, String) {
    let made = post(caller, "/v1/videos", &[], &json!({"model": "film", "prompt": "waves", "seconds": "4"})).await.ok().json();
    assert_eq!((&made["object"], &made["seconds"]), (&json!("video"), &json!("4")), "{made}");
    let id = made["id"].as_str().unwrap().to_owned();
    let task = id.replace("video_", "task_");
    (id, task)
}

/// Waits until a task is over.
async fn over(caller: &Caller, task: &str) -> Value {
    let is_over = async || ["succeeded", "failed", "cancelled"].contains(&caller.task(task).await["status"].as_str().unwrap());
    within(Duration::from_secs(60), "the task is over", is_over).await;
    caller.task(task).await
}

/// The events of a task have numbers without gaps, and their progress never goes back.
async fn events_are_whole(caller: &Caller, task: &str) {
    let events = caller.get(&format!("/api/v1/tasks/{task}/events")).await.ok().json();
    let events = events["data"].as_array().unwrap();
    let numbers: Vec<u64> = events.iter().map(|event| event["seq"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=events.len() as u64).collect::<Vec<_>>(), "{events:#?}");
    let progress: Vec<f64> = events.iter().map(|event| event["progress"].as_f64().unwrap()).collect();
    assert!(progress.is_sorted(), "{progress:?}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_video_is_made_by_itself_charged_once_and_fetched(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let app = Setup::new(studio(QUICK)).on(engine).start().await;
    let (id, task) = film(&app.caller).await;
    let done = over(&app.caller, &task).await;
    assert_eq!((&done["status"], &done["charge"], &done["progress"]), (&json!("succeeded"), &json!("0.4"), &json!(1)), "{done:#}");
    let video = app.caller.get(&format!("/v1/videos/{id}")).await.ok().json();
    assert_eq!((&video["status"], &video["progress"]), (&json!("completed"), &json!(100)), "{video}");

    let whole = app.caller.get(&format!("/v1/videos/{id}/content")).await.ok();
    assert_eq!(whole.header("content-type"), Some("video/mp4"));
    assert_eq!(&whole.body[4..8], b"ftyp");
    let part = app.caller.get_with(&format!("/v1/videos/{id}/content"), &[("range", "bytes=4-7")]).await;
    assert_eq!((part.status, &*part.body), (206, &b"ftyp"[..]));
    let asset = &done["result"]["assets"][0];
    assert_eq!((asset["media_type"].as_str(), asset["size_bytes"].as_u64()), (Some("video/mp4"), Some(whole.body.len() as u64)));

    let listed = app.caller.get("/v1/videos").await.ok().json();
    assert_eq!(listed["data"][0]["id"], json!(id));
    assert!(app.task_show(&task).contains("job sim_"), "{}", app.task_show(&task));
    events_are_whole(&app.caller, &task).await;
    let stranger = app.stranger().await;
    assert_eq!(stranger.get(&format!("/v1/videos/{id}/content")).await.status, 404);
    app.everything_is_settled("1000").await;

    let gone = app.caller.send("DELETE", &format!("/v1/videos/{id}"), &[], b"").await.unwrap().rest().await.ok().json();
    assert_eq!(gone["deleted"], json!(true));
    assert_eq!(app.caller.get(&format!("/v1/videos/{id}")).await.status, 404);
    assert!(app.caller.get("/v1/videos").await.ok().json()["data"].as_array().unwrap().is_empty());
    app.ledger_is_clean();
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_go_on_after_a_kill_under_their_ids_and_cost_once(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let mut app = Setup::new(studio("simulation = { job_seconds = 3 }")).on(engine).start().await;
    let mut tasks = Vec::new();
    for _ in 0..6 {
        tasks.push(film(&app.caller).await.1);
    }
    let polled = async || app.caller.get(&format!("/api/v1/tasks/{}/events", tasks[0])).await.body_text().contains("accepted");
    within(Duration::from_secs(20), "the first job is taken on", polled).await;
    tasks.push(film(&app.caller).await.1);
    app.gateway.kill();
    app.restart().await;
    for task in &tasks {
        let done = over(&app.caller, task).await;
        // The simulation can't be asked whether it has a job: one that was being submitted is given up, and costs nothing.
        let lost = done["error"]["code"] == "interrupted" && done["charge"] == "0";
        assert!(lost || (done["status"] == "succeeded" && done["charge"] == "0.4"), "{done:#}");
        events_are_whole(&app.caller, task).await;
        let events = app.caller.get(&format!("/api/v1/tasks/{task}/events")).await.ok().json();
        let ids = events["data"].as_array().unwrap().iter().filter_map(|event| event["payload"]["job_id"].as_str());
        let mut ids: Vec<&str> = ids.collect();
        ids.dedup();
        assert!(ids.len() <= 1, "asked about under one id: {ids:?}");
    }
    assert_eq!(app.caller.task(&tasks[0]).await["status"], "succeeded");
    app.everything_is_settled("1000").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_of_any_kind_can_be_done_later() {
    let app = TestApp::start(studio(QUICK)).await;
    let chat = json!({"kind": "chat.completions", "model": "demo", "messages": [{"role": "user", "content": "hello"}]});
    let made = post(&app.caller, "/api/v1/tasks", &[], &chat).await;
    assert_eq!(made.status, 202, "{made}");
    let done = over(&app.caller, made.json()["id"].as_str().unwrap()).await;
    assert!(done["result"]["answer"]["choices"][0]["message"]["content"].as_str().unwrap().contains("hello"), "{done:#}");

    let nested =
        json!({"kind": "images.generations", "priority": 5, "request": {"model": "picture", "prompt": "a boat", "n": 2, "size": "64x64"}});
    let made = post(&app.caller, "/api/v1/tasks", &[], &nested).await;
    let done = over(&app.caller, made.json()["id"].as_str().unwrap()).await;
    assert_eq!((&done["charge"], done["result"]["assets"].as_array().unwrap().len()), (&json!("0.08"), 2), "{done:#}");
    assert_eq!(done["usage"]["media"]["count"], json!(2));

    let chat = json!({"model": "demo", "messages": [{"role": "user", "content": "hello"}]});
    let waited = post(&app.caller, "/v1/chat/completions", &[("prefer", "wait=20")], &chat).await.ok();
    assert_eq!(waited.header("preference-applied"), Some("wait=20"));
    assert!(waited.text().contains("hello"), "{waited}");
    let told = post(&app.caller, "/v1/chat/completions", &[("prefer", "respond-async")], &chat).await;
    assert_eq!((told.status, told.json()["object"].as_str()), (202, Some("task")));
    over(&app.caller, &told.task()).await;

    for (body, param) in [
        (json!({"model": "demo"}), "kind"),
        (json!({"kind": "chat"}), "kind"),
        (json!({"kind": "chat.completions", "model": "demo", "messages": [], "priority": 1000}), "priority"),
        (json!({"kind": "videos.generations", "model": "film"}), "prompt"),
        (json!({"kind": "chat.completions", "model": "demo", "stream": true, "messages": [{"role": "user", "content": "x"}]}), "stream"),
    ] {
        let refused = post(&app.caller, "/api/v1/tasks", &[], &body).await.refused(400, "bad_request");
        assert_eq!(refused.json()["error"]["param"], json!(param), "{refused}");
    }
    app.everything_is_settled("1000").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_or_runs_is_cancelled_at_no_cost() {
    let app = TestApp::start(studio("limits = { concurrent = 1 }\nsimulation = { job_seconds = 60 }")).await;
    let (_, running) = film(&app.caller).await;
    let taken = async || app.caller.get(&format!("/api/v1/tasks/{running}/events")).await.body_text().contains("accepted");
    within(Duration::from_secs(20), "the first job is taken on", taken).await;
    let (_, waiting) = film(&app.caller).await;
    for task in [&waiting, &running] {
        let cancelled = post(&app.caller, &format!("/api/v1/tasks/{task}/cancel"), &[], &json!({})).await;
        assert_eq!(cancelled.status, 200, "{cancelled}");
        let done = over(&app.caller, task).await;
        assert_eq!((&done["status"], &done["charge"]), (&json!("cancelled"), &json!("0")), "{done:#}");
        events_are_whole(&app.caller, task).await;
    }
    assert_eq!(app.caller.task(&running).await["held"], "0");
    app.everything_is_settled("1000").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_key_is_the_same_video() {
    let app = TestApp::start(studio(QUICK)).await;
    let body = json!({"model": "film", "prompt": "waves", "seconds": 4});
    let first = post(&app.caller, "/v1/videos", &[("idempotency-key", "k")], &body).await.ok().json();
    let again = post(&app.caller, "/v1/videos", &[("idempotency-key", "k")], &body).await.ok().json();
    assert_eq!(first["id"], again["id"]);
    let other = json!({"model": "film", "prompt": "hills", "seconds": 4});
    post(&app.caller, "/v1/videos", &[("idempotency-key", "k")], &other).await.refused(409, "idempotency_conflict");
    over(&app.caller, &first["id"].as_str().unwrap().replace("video_", "task_")).await;
    assert_eq!(app.caller.tasks("&status=succeeded").await.len(), 1);
    app.everything_is_settled("1000").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn images_and_speech_come_at_once_and_are_kept() {
    let app = TestApp::start(studio("")).await;
    let asked = json!({"model": "picture", "prompt": "a boat", "size": "64x48", "response_format": "url"});
    let made = post(&app.caller, "/v1/images/generations", &[], &asked).await.ok();
    assert_eq!(made.header("x-easyai-charge"), Some("0.04"));
    let url = made.json()["data"][0]["url"].as_str().unwrap().to_owned();
    let path = url.split_once("gateway").unwrap().1;
    let image = Caller { key: "none".to_owned(), ..app.caller.clone() }.get(path).await.ok();
    assert_eq!((image.header("content-type"), &image.body[..4]), (Some("image/png"), &b"\x89PNG"[..]));
    let assets = format!("/api/v1/tasks/{}/assets", made.task());
    let thumbnail = async || app.caller.get(&assets).await.ok().json()["data"].as_array().unwrap().get(1).cloned();
    within(Duration::from_secs(20), "it has a thumbnail", async || thumbnail().await.is_some()).await;
    let small = thumbnail().await.unwrap();
    assert_eq!((&small["role"], &small["width"], &small["height"]), (&json!("thumbnail"), &json!(64), &json!(48)), "{small}");
    let shown = app.caller.task(&made.task()).await["result"]["assets"].clone();
    assert_eq!(shown.as_array().unwrap().len(), 1, "{shown}");
    assert!(shown[0]["thumbnail_url"].as_str().unwrap().contains(small["id"].as_str().unwrap()), "{shown}");

    let asked = json!({"model": "picture", "prompt": "a boat", "size": "64x48"});
    let made = post(&app.caller, "/v1/images/generations", &[], &asked).await.ok().json();
    assert!(made["data"][0]["b64_json"].as_str().unwrap().starts_with("iVBOR"), "{made}");

    let spoken = post(
        &app.caller,
        "/v1/audio/speech",
        &[],
        &json!({"model": "voice", "input": "hello there", "voice": "alloy", "response_format": "wav"}),
    )
    .await
    .ok();
    assert_eq!(&spoken.body[..4], b"RIFF");
    let task = app.caller.task(&spoken.task()).await;
    assert_eq!(money(&task["charge"]), "0.000165".parse().unwrap());
    assert_eq!(task["result"]["assets"][0]["media_type"], "audio/wav");

    // What is wrong costs nothing, and names its field.
    for (path, body, param) in [
        ("/v1/images/generations", json!({"model": "picture", "prompt": " "}), "prompt"),
        ("/v1/images/generations", json!({"model": "picture", "prompt": "x", "n": 11}), "n"),
        ("/v1/images/generations", json!({"model": "picture", "prompt": "x", "size": "huge"}), "size"),
        ("/v1/videos", json!({"model": "film", "prompt": "x", "seconds": "abc"}), "seconds"),
        ("/v1/audio/speech", json!({"model": "voice", "input": "x", "voice": "alloy", "speed": 9}), "speed"),
    ] {
        let refused = post(&app.caller, path, &[], &body).await.refused(400, "bad_request");
        assert_eq!(refused.json()["error"]["param"], json!(param), "{refused}");
    }
    let asked = json!({"model": "picture", "input": "x", "voice": "alloy"});
    let refused = post(&app.caller, "/v1/audio/speech", &[], &asked).await.refused(400, "capability_unsupported").json();
    assert_eq!(refused["error"]["param"], "model", "{refused}");
    assert!(refused["error"]["message"].as_str().unwrap().contains("it does image_generate, image_edit"), "{refused}");
    app.everything_is_settled("1000").await;
}

//! Media at Volcengine.

use easyai_clients::StoppedJob;
use easyai_core::failure::{Category, Sent};
use easyai_core::kind::Provider;
use easyai_core::media::{MediaUsage, Resolution};
use easyai_protocols::media::{InputSource, JobReport, MadeFile, MediaAnswer, ResponseFormat, SpeechFormat};
use rstest::rstest;

use super::upstream::{Said, Upstream};
use super::{Studio, file, images, inline, speech, transcription, video, video_request};

const LITE: &str = "doubao-seedream-5-0-lite-260128";
const PRO: &str = "doubao-seedream-5-0-pro-260628";
const VIDEO: &str = "doubao-seedance-1-5-pro-251215";

fn error(status: u16, code: &str) -> Said {
    Said::json(status, format!(r#"{{"error":{{"code":"{code}","message":"Something. Request id: 0217abc","param":"","type":""}}}}"#))
}

/// So many images, each of them 2048x2048.
fn pictures(urls: &[&str]) -> Said {
    let data: Vec<_> = urls.iter().map(|url| format!(r#"{{"url":"{url}","size":"2048x2048"}}"#)).collect();
    let (count, tokens) = (urls.len(), urls.len() * 16_384);
    Said::ok(format!(
        r#"{{"model":"m","created":1760000000,"data":[{}],"usage":{{"generated_images":{count},"output_tokens":{tokens},"total_tokens":{tokens}}}}}"#,
        data.join(",")
    ))
    .with("x-request-id", "ark-1")
}

fn at(upstream: &Upstream, model: &str) -> Studio {
    Studio::at(Provider::Volces, &upstream.base("/api/v3"), model)
}

fn urls(files: impl IntoIterator<Item = MadeFile>) -> Vec<String> {
    let url = |file| match file {
        MadeFile::Url { url } => url,
        other => panic!("{other:?}"),
    };
    files.into_iter().map(url).collect()
}

#[tokio::test]
async fn a_group_s_missing_images_are_asked_for_one_by_one() {
    let upstream = Upstream::answering(|call| match call.number {
        0 => pictures(&["https://x/1", "https://x/2?X-Sig=a%2Fb"]),
        number => pictures(&[&format!("https://x/{}", number + 2)]),
    })
    .await;
    let made = at(&upstream, LITE).made(images(4, |asked| asked.size = "1024x1024".parse().ok())).await;
    assert_eq!((made.upstream_request_id.as_deref(), made.notes.fields().as_str()), (Some("ark-1"), "size"));
    let MediaAnswer::Images(answer) = made.answer else { panic!("no images") };
    let mut urls = urls(answer.images.into_iter().map(|image| image.file));
    assert_eq!(urls[..2], ["https://x/1", "https://x/2?X-Sig=a%2Fb"]);
    urls.sort();
    assert_eq!(urls.len(), 4);
    let media = MediaUsage::Images { count: 4, size: "2048x2048".parse().ok(), quality: None };
    assert_eq!((answer.usage.media, answer.usage.output_tokens, answer.created_at), (Some(media), 65_536, Some(1_760_000_000)));
    let seen = upstream.seen();
    assert_eq!((seen.len(), seen[0].line.as_str()), (3, "POST /api/v3/images/generations"));
    assert_eq!(seen[0].headers["authorization"], "Bearer sk-ours");
    assert!(seen[0].body.contains(r#""sequential_image_generation":"auto","sequential_image_generation_options":{"max_images":4}"#));
    assert!(seen.iter().all(|call| call.body.contains(r#""watermark":false"#) && call.body.contains(r#""size":"2048x2048""#)));
    assert!(seen[1..].iter().all(|call| !call.body.contains("sequential")), "{:?}", seen[1]);
}

#[tokio::test]
async fn without_groups_ten_images_are_ten_calls_at_once() {
    let upstream = Upstream::together(10, |call| pictures(&[&format!("https://x/{}", call.number)])).await;
    let answer = at(&upstream, PRO).images(images(10, |_| {})).await;
    assert_eq!((answer.images.len(), upstream.seen().len()), (10, 10));
}

#[tokio::test]
async fn images_that_fail_inside_a_200_are_left_out_and_not_asked_for_again() {
    let upstream = Upstream::answering(|_| {
        Said::ok(
            r#"{"data":[{"url":"https://x/1","size":"2048x2048"},{"error":{"code":"OutputImageSensitiveContentDetected","message":"m"}},
            {"url":"https://x/2","size":"2048x2048"},{"url":"https://x/3","size":"2048x2048"}],"usage":{"generated_images":3,"output_tokens":49152}}"#,
        )
    })
    .await;
    let answer = at(&upstream, LITE).images(images(4, |_| {})).await;
    assert_eq!(answer.images.len(), 3);
    assert_eq!((answer.failed.len(), answer.failed[0].index), (1, 1));
    assert_eq!(answer.usage.media, Some(MediaUsage::Images { count: 3, size: "2048x2048".parse().ok(), quality: None }));
    assert_eq!(upstream.seen().len(), 1);
}

#[rstest]
#[case(Said::ok(r#"{"data":[{"error":{"code":"OutputImageSensitiveContentDetected","message":"m"}}]}"#), Category::ContentFilter)]
#[case(Said::ok(r#"{"data":[{"error":{"code":"InternalServiceError","message":"m"}}]}"#), Category::ServerError)]
#[case(Said::ok(r#"{"data":[]}"#), Category::BadResponse)]
#[case(Said::ok(r#"{"data":[{"url":"https://x"}]}"#).cut(), Category::BadResponse)]
#[case(error(400, "InputTextSensitiveContentDetected"), Category::ContentFilter)]
#[case(error(400, "InvalidParameter.UnsupportedSize"), Category::BadRequest)]
#[case(error(401, "AuthenticationError"), Category::Auth)]
#[case(error(403, "AccountOverdueError"), Category::QuotaExhausted)]
#[case(error(404, "ModelNotOpen"), Category::ModelUnavailable)]
#[case(error(429, "ModelAccountIpmRateLimitExceeded"), Category::RateLimit)]
#[case(error(429, "ServerOverloaded"), Category::Overloaded)]
#[case(error(429, "SetLimitExceeded"), Category::QuotaExhausted)]
#[case(error(500, "InternalServiceError"), Category::ServerError)]
#[case(Said::json(503, ""), Category::Overloaded)]
#[case(Said::json(401, r#"{"ResponseMetadata":{"RequestId":"r","Error":{"Code":"X","Message":"m"}}}"#), Category::Auth)]
#[tokio::test]
async fn an_answer_without_an_image_is_a_failure_of_its_sort(#[case] said: Said, #[case] expected: Category) {
    let upstream = Upstream::answering(move |_| said.clone()).await;
    let failure = at(&upstream, LITE).ask(images(2, |_| {})).await.unwrap_err();
    assert_eq!((failure.category, failure.sent), (expected, Sent::Maybe), "{failure:?}");
    assert_eq!(upstream.seen().len(), 1, "a group that failed is not filled up");
}

#[tokio::test]
async fn an_edit_gives_files_as_they_lie_and_takes_bytes() {
    let upstream = Upstream::answering(|_| Said::ok(r#"{"data":[{"b64_json":"aGk="}]}"#)).await;
    let answer = at(&upstream, PRO)
        .images(images(1, |asked| {
            asked.images = vec![inline("image/png"), file(InputSource::Url("https://x/a.png?s=%2F".to_owned()))];
            asked.response_format = Some(ResponseFormat::B64Json);
        }))
        .await;
    assert_eq!(answer.images[0].file, MadeFile::Inline { media_type: None, data: "hi".into() });
    let body = upstream.seen().remove(0).body;
    assert!(body.contains(r#""image":["data:image/png;base64,aGk=","https://x/a.png?s=%2F"]"#) && body.contains(r#""b64_json""#), "{body}");
}

#[tokio::test]
async fn a_video_is_a_task_that_is_asked_about() {
    let answers = [
        Said::ok(r#"{"id":"cgt-1"}"#).with("x-request-id", "ark-1"),
        Said::ok(r#"{"id":"cgt-1","status":"queued"}"#),
        Said::ok(r#"{"id":"cgt-1","status":"running"}"#),
        Said::json(504, ""),
        Said::ok(
            r#"{"id":"cgt-1","status":"succeeded","error":null,"content":{"video_url":"https://x/v.mp4?X-Sig=a%2Fb"},
            "usage":{"completion_tokens":108900,"total_tokens":108900},"resolution":"720p","duration":5,"generate_audio":false}"#,
        ),
        Said::ok(r#"{"id":"cgt-1","status":"failed","error":{"code":"OutputVideoSensitiveContentDetected","message":"m"}}"#),
        error(404, "NotFound.Task"),
    ];
    let upstream = Upstream::answering(move |call| answers[call.number].clone()).await;
    let studio = at(&upstream, VIDEO);
    let job = studio.accepted(video(|asked| asked.first_frame = Some(inline("image/png")))).await;
    assert_eq!((job.id.as_str(), job.upstream_request_id.as_deref()), ("cgt-1", Some("ark-1")));
    let ask = || studio.clients.job(studio.job(&job.id));
    assert_eq!(ask().await.unwrap(), JobReport::Queued);
    assert_eq!(ask().await.unwrap(), JobReport::Running { percent: None, poll_after: None });
    assert_eq!(ask().await.unwrap_err().category, Category::Timeout);
    let JobReport::Succeeded(result) = ask().await.unwrap() else { panic!("it is done") };
    assert_eq!(urls(result.files), ["https://x/v.mp4?X-Sig=a%2Fb"]);
    let media = MediaUsage::Video { millis: 5_000, resolution: Some(Resolution::P720), audio: false, video_input: false };
    assert_eq!((result.usage.media, result.usage.output_tokens), (Some(media), 108_900));
    assert!(
        matches!(ask().await.unwrap(), JobReport::Failed(error) if error.code.as_deref() == Some("OutputVideoSensitiveContentDetected"))
    );
    let gone = ask().await.unwrap_err();
    assert_eq!((gone.category, gone.status), (Category::ModelUnavailable, Some(404)));
    assert_eq!(upstream.lines()[..2], ["POST /api/v3/contents/generations/tasks", "GET /api/v3/contents/generations/tasks/cgt-1"]);
}

#[rstest]
#[case("queued", Some(Said::ok("{}")), StoppedJob::Stopped)]
#[case("queued", Some(Said { body: String::new(), ..Said::ok("") }), StoppedJob::Stopped)]
#[case("queued", Some(error(409, "InvalidAction.RunningTaskDeletion")), StoppedJob::GoesOn)]
#[case("running", None, StoppedJob::GoesOn)]
#[case("succeeded", None, StoppedJob::GoesOn)]
#[case("cancelled", None, StoppedJob::Stopped)]
#[case("expired", None, StoppedJob::Stopped)]
#[tokio::test]
async fn only_a_task_that_waits_is_deleted(#[case] state: &'static str, #[case] deleted: Option<Said>, #[case] expected: StoppedJob) {
    let deletes = deleted.is_some();
    let upstream = Upstream::answering(move |call| match (call.number, &deleted) {
        (1, Some(said)) => said.clone(),
        _ => Said::ok(format!(r#"{{"id":"cgt-1","status":"{state}","content":{{"video_url":"https://x"}}}}"#)),
    })
    .await;
    let studio = at(&upstream, VIDEO);
    assert_eq!(studio.clients.stop_job(studio.job("cgt-1")).await.unwrap(), expected);
    let lines = upstream.lines();
    assert_eq!(lines.iter().any(|line| line == "DELETE /api/v3/contents/generations/tasks/cgt-1"), deletes, "{lines:?}");
}

#[tokio::test]
async fn a_lost_submission_is_looked_for_in_the_list() {
    let item = |id: &str, created: i64| format!(r#"{{"id":"{id}","model":"{VIDEO}","status":"running","created_at":{created}}}"#);
    let page = |items: Vec<String>| Said::ok(format!(r#"{{"total":150,"items":[{}]}}"#, items.join(",")));
    // The first page is full of later ones.
    let first = page((0..100).map(|number| item(&format!("later-{number}"), 2_000)).collect());
    for (second, expected) in [
        (page(vec![item("cgt-1", 1_010), item("old", 800)]), Ok(vec!["cgt-1"])),
        (page(vec![item("old", 800)]), Ok(vec![])),
        (page(vec![item("cgt-1", 1_010), item("cgt-2", 1_011)]), Ok(vec!["cgt-1", "cgt-2"])),
        (error(500, "InternalServiceError"), Err(Category::ServerError)),
    ] {
        let first = first.clone();
        let upstream = Upstream::answering(move |call| if call.number == 0 { first.clone() } else { second.clone() }).await;
        let studio = at(&upstream, VIDEO);
        let request = video_request(|_| {});
        let found = studio.clients.find_jobs(studio.lookup(&request)).await;
        let expected = expected.map(|ids: Vec<&str>| ids.into_iter().map(str::to_owned).collect());
        assert_eq!(found.map_err(|failure| failure.category), expected);
        let query = format!("page_size=100&filter.model={VIDEO}");
        let line = |page: u8| format!("GET /api/v3/contents/generations/tasks?page_num={page}&{query}");
        assert_eq!(upstream.lines(), [line(1), line(2)]);
    }
}

#[tokio::test]
async fn a_submission_whose_answer_is_lost_may_have_been_taken() {
    for said in [Said::ok(r#"{"id":"cgt-1"}"#).cut(), Said::ok("{}"), error(500, "InternalServiceError")] {
        let upstream = Upstream::answering(move |_| said.clone()).await;
        let failure = at(&upstream, VIDEO).ask(video(|_| {})).await.unwrap_err();
        assert_eq!((failure.sent, upstream.seen().len()), (Sent::Maybe, 1), "{failure:?}");
    }
    // Nobody listens: nothing was sent.
    let failure = Studio::at(Provider::Volces, "http://127.0.0.1:1/api/v3", VIDEO).ask(video(|_| {})).await.unwrap_err();
    assert_eq!((failure.category, failure.sent), (Category::Network, Sent::Nothing));
}

#[tokio::test]
async fn speech_is_asked_for_at_a_platform_of_its_own() {
    let lines = "{\"code\":0,\"data\":\"aGk=\"}\n{\"code\":0,\"data\":\"aGk=\"}\n{\"code\":20000000,\"message\":\"ok\",\"data\":null,\"usage\":{\"text_words\":5}}\n";
    let upstream = Upstream::answering(move |_| Said::ok(lines).with("x-tt-logid", "log-1")).await;
    let studio = Studio::at(Provider::Volces, &upstream.base("/openspeech"), "seed-tts-2.0");
    let made = studio.made(speech(SpeechFormat::Mp3)).await;
    assert_eq!(made.upstream_request_id.as_deref(), Some("log-1"));
    let MediaAnswer::Speech(answer) = made.answer else { panic!("no speech") };
    assert_eq!((answer.data.as_ref(), answer.usage.media), (b"hihi".as_slice(), Some(MediaUsage::Speech { characters: 5 })));
    let seen = upstream.seen().remove(0);
    assert_eq!(seen.line, "POST /openspeech/api/v3/tts/unidirectional");
    let head = |name: &str| seen.headers.get(name).map(|value| value.to_str().unwrap());
    assert_eq!((head("x-api-key"), head("authorization"), head("x-api-resource-id")), (Some("sk-ours"), None, Some("seed-tts-2.0")));
    assert_eq!((head("x-control-require-usage-tokens-return"), head("x-api-request-id").map(str::len)), (Some("*"), Some(36)));

    let failure = studio.ask(images(1, |_| {})).await.unwrap_err();
    assert!(failure.sent == Sent::Nothing && failure.message.contains("Ark's"), "{failure:?}");
    let ark = at(&upstream, "seed-tts-2.0");
    let failure = ark.ask(speech(SpeechFormat::Mp3)).await.unwrap_err();
    assert!(failure.sent == Sent::Nothing && failure.message.contains("https://openspeech.bytedance.com"), "{failure:?}");
    assert_eq!(upstream.seen().len(), 1);
}

#[rstest]
#[case(Said::ok("{\"code\":0,\"data\":\"aGk=\"}\n"), Category::BadResponse)]
#[case(Said::ok("{\"code\":0,\"data\":\"aGk=\"}\n{\"code\":20000000}").cut(), Category::BadResponse)]
#[case(Said::ok("{\"code\":55000031,\"message\":\"busy\"}"), Category::Overloaded)]
#[case(Said::ok("{\"code\":45000000,\"message\":\"quota exceeded for types: concurrency\"}"), Category::RateLimit)]
#[case(Said::ok("{\"code\":45000000,\"message\":\"permission denied\"}"), Category::ModelUnavailable)]
#[case(Said::json(400, "{\"code\":45000001,\"message\":\"bad speaker\"}"), Category::BadRequest)]
#[tokio::test]
async fn speech_fails_by_its_codes(#[case] said: Said, #[case] expected: Category) {
    let upstream = Upstream::answering(move |_| said.clone()).await;
    let studio = Studio::at(Provider::Volces, &upstream.base("/openspeech"), "seed-tts-2.0");
    assert_eq!(studio.ask(speech(SpeechFormat::Pcm)).await.unwrap_err().category, expected);
}

#[tokio::test]
async fn what_became_of_a_transcription_stands_in_the_head() {
    let said = |code: &'static str, body: &'static str| {
        move |_: &super::upstream::Seen| {
            Said::ok(body).with("x-api-status-code", code).with("x-api-message", "said").with("x-tt-logid", "log-1")
        }
    };
    let source = || InputSource::Inline { media_type: "audio/wav".to_owned(), data: "hi".into() };
    let text = r#"{"audio_info":{"duration":2499},"result":{"text":"Hi you"}}"#;
    let upstream = Upstream::answering(said("20000000", text)).await;
    let studio = |upstream: &Upstream| Studio::at(Provider::Volces, &upstream.base("/openspeech"), "volc.bigasr.auc_turbo");
    let MediaAnswer::Transcription(heard) = studio(&upstream).made(transcription(source())).await.answer else { panic!("no text") };
    assert_eq!(String::from_utf8_lossy(&heard.body), r#"{"text":"Hi you","usage":{"type":"duration","seconds":2.499}}"#);
    assert_eq!(heard.usage.media, Some(MediaUsage::Audio { millis: 2_499 }));
    let seen = upstream.seen().remove(0);
    assert_eq!(
        (seen.line.as_str(), seen.headers["x-api-sequence"].to_str().unwrap()),
        ("POST /openspeech/api/v3/auc/bigmodel/recognize/flash", "-1")
    );
    for (code, expected) in [("45000151", Category::BadRequest), ("55000031", Category::Overloaded), ("55000001", Category::ServerError)] {
        let upstream = Upstream::answering(said(code, "{}")).await;
        let failure = studio(&upstream).ask(transcription(source())).await.unwrap_err();
        assert_eq!((failure.category, failure.upstream_request_id.as_deref()), (expected, Some("log-1")));
    }
}

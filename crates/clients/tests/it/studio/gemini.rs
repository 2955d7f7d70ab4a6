//! Media at Gemini.

use easyai_clients::TextAnswer;
use easyai_core::failure::{Category, Sent};
use easyai_core::kind::Provider;
use easyai_core::media::MediaUsage;
use easyai_protocols::media::{InputSource, JobReport, MadeFile, MediaAnswer, SpeechFormat};
use rstest::rstest;

use super::upstream::{Said, Upstream};
use super::{ASKED, Studio, file, images, inline, speech, transcription, video};

const MODEL: &str = "gemini-2.5-flash-image";

/// An image as Google gives it, with a draft before it.
const IMAGE: &str = r#"{"candidates":[{"index":0,"finishReason":"STOP","content":{"role":"model","parts":[
    {"inlineData":{"mimeType":"image/png","data":"ZHJhZnQ="},"thought":true},{"text":"Here it is"},
    {"inlineData":{"mimeType":"image/png","data":"aGk="}}]}}],"responseId":"r",
    "usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":1290,"totalTokenCount":1295}}"#;

fn error(status: u16, word: &str, message: &str) -> Said {
    Said::json(status, format!(r#"{{"error":{{"code":{status},"message":"{message}","status":"{word}"}}}}"#))
}

fn at(upstream: &Upstream, model: &str) -> Studio {
    Studio::at(Provider::Gemini, &upstream.base("/v1beta"), model)
}

#[tokio::test]
async fn ten_images_are_ten_calls_at_once() {
    // Nobody is answered before all ten have come.
    let upstream = Upstream::together(10, |_| Said::ok(IMAGE)).await;
    let answer = at(&upstream, MODEL).images(images(10, |_| {})).await;
    assert_eq!(answer.images.len(), 10);
    assert_eq!((answer.usage.input_tokens, answer.usage.output_tokens), (50, 12_900));
    assert_eq!(answer.usage.media, Some(MediaUsage::Images { count: 10, size: None, quality: None }));
    let seen = upstream.seen();
    assert!(seen.iter().all(|call| call.line == format!("POST /v1beta/models/{MODEL}:generateContent")), "{:?}", upstream.lines());
    assert_eq!(seen[0].headers["x-goog-api-key"], "sk-ours");
}

#[tokio::test]
async fn of_several_images_those_that_came_are_delivered() {
    let blocked = r#"{"candidates":[{"finishReason":"IMAGE_SAFETY","content":{}}],"usageMetadata":{"promptTokenCount":5}}"#;
    let upstream = Upstream::answering(move |call| match call.number {
        0 => error(503, "UNAVAILABLE", "overloaded"),
        1 => Said::ok(blocked),
        2 => Said::ok(IMAGE).cut(),
        _ => Said::ok(IMAGE),
    })
    .await;
    let answer = at(&upstream, MODEL).images(images(5, |_| {})).await;
    assert_eq!((answer.images.len(), answer.failed.len()), (2, 3));
    assert_eq!(answer.usage.media, Some(MediaUsage::Images { count: 2, size: None, quality: None }));
    assert_eq!(answer.usage.output_tokens, 2_580);
    let mut places: Vec<_> = answer.failed.iter().map(|item| item.index).collect();
    places.dedup();
    assert_eq!(places.len(), 3, "each has its own place");
}

#[rstest]
#[case(error(400, "INVALID_ARGUMENT", "Unable to process input image"), Category::BadRequest)]
#[case(error(429, "RESOURCE_EXHAUSTED", "slow down"), Category::RateLimit)]
#[case(error(503, "UNAVAILABLE", "overloaded"), Category::Overloaded)]
#[case(error(404, "NOT_FOUND", "models/x is not found"), Category::ModelUnavailable)]
#[case(Said::ok(r#"{"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"}}"#), Category::ContentFilter)]
#[case(Said::ok(r#"{"candidates":[{"finishReason":"IMAGE_SAFETY"}]}"#), Category::ContentFilter)]
#[case(Said::ok(r#"{"candidates":[{"finishReason":"NO_IMAGE"}]}"#), Category::BadResponse)]
#[case(Said::ok(r#"{"candidates":[{"finishReason":"STOP","content":{"parts":[{"text":"I can't"}]}}]}"#), Category::BadResponse)]
#[case(Said::ok(IMAGE).cut(), Category::BadResponse)]
#[case(Said::ok("<html>"), Category::BadResponse)]
#[case(Said::ok("{}"), Category::BadResponse)]
#[tokio::test]
async fn an_answer_without_an_image_is_a_failure_of_its_sort(#[case] said: Said, #[case] expected: Category) {
    let upstream = Upstream::answering(move |_| said.clone()).await;
    let failure = at(&upstream, MODEL).ask(images(2, |_| {})).await.unwrap_err();
    assert_eq!((failure.category, failure.sent), (expected, Sent::Maybe), "{failure:?}");
}

#[tokio::test]
async fn an_edit_sends_its_images_in_order_wherever_they_lie() {
    let there = Upstream::answering(|_| Said { headers: Vec::new(), ..Said::ok("GIF89a") }).await;
    let upstream = Upstream::answering(|_| Said::ok(IMAGE)).await;
    let asked = || images(1, |asked| asked.images = vec![inline("image/webp"), file(InputSource::Url(there.base("/a.gif?s=%2F")))]);
    let studio = at(&upstream, MODEL);
    studio.images(asked()).await;
    let body = upstream.seen().remove(0).body;
    let parts = r#""parts":[{"inlineData":{"mimeType":"image/webp","data":"aGk="}},{"inlineData":{"mimeType":"image/gif","data":"R0lGODlh"}},{"text":"a cat"}]"#;
    assert!(body.contains(parts), "{body}");
    assert_eq!(there.lines(), ["GET /a.gif?s=%2F"]);

    let failure = studio.guarded().ask(asked()).await.unwrap_err();
    assert_eq!((failure.category, failure.sent, failure.param.as_deref()), (Category::BadRequest, Sent::Nothing, Some("image")));
    assert_eq!((upstream.seen().len(), there.seen().len()), (1, 1), "nobody was asked anything");
}

#[tokio::test]
async fn imagen_makes_several_images_in_one_call() {
    let upstream = Upstream::answering(|_| Said::ok(r#"{"predictions":[{"bytesBase64Encoded":"aGk=","mimeType":"image/png"}]}"#)).await;
    let answer = at(&upstream, "imagen-4.0-generate-001").images(images(2, |_| {})).await;
    assert_eq!((answer.images.len(), answer.failed.len()), (1, 1));
    assert_eq!(upstream.lines(), ["POST /v1beta/models/imagen-4.0-generate-001:predict"]);
}

#[tokio::test]
async fn a_video_is_an_operation_that_is_asked_about() {
    let name = "models/veo-3.1-generate-preview/operations/a.b_c";
    let uri = "https://generativelanguage.googleapis.com/v1beta/files/x:download?alt=media";
    let done = format!(
        r#"{{"name":"{name}","done":true,"response":{{"generateVideoResponse":{{"generatedSamples":[{{"video":{{"uri":"{uri}"}}}}]}}}}}}"#
    );
    let upstream = Upstream::answering(move |call| match call.number {
        0 => Said::ok(format!(r#"{{"name":"{name}"}}"#)),
        1 => Said::ok(format!(r#"{{"name":"{name}","done":false}}"#)),
        2 => error(503, "UNAVAILABLE", "overloaded"),
        3 => Said::ok(&*done),
        _ => error(404, "NOT_FOUND", "operation not found"),
    })
    .await;
    let studio = at(&upstream, "veo-3.1-generate-preview");
    let job = studio.accepted(video(|asked| asked.first_frame = Some(inline("image/png")))).await;
    assert_eq!(job.id, name);
    let ask = || studio.clients.job(studio.job(&job.id));
    assert_eq!(ask().await.unwrap(), JobReport::Running { percent: None, poll_after: None });
    assert_eq!(ask().await.unwrap_err().category, Category::Overloaded);
    let JobReport::Succeeded(result) = ask().await.unwrap() else { panic!("it is done") };
    assert_eq!(result.files, [MadeFile::Url { url: uri.to_owned() }]);
    assert_eq!(result.usage.media, Some(ASKED));
    let gone = ask().await.unwrap_err();
    assert_eq!((gone.category, gone.status), (Category::ModelUnavailable, Some(404)));
    let lines = upstream.lines();
    assert_eq!(lines[0], "POST /v1beta/models/veo-3.1-generate-preview:predictLongRunning");
    assert!(lines[1..].iter().all(|line| *line == format!("GET /v1beta/{name}")), "{lines:?}");
    assert!(upstream.seen()[1].headers.get("content-type").is_none() && upstream.seen()[1].body.is_empty());
}

#[tokio::test]
async fn vertex_is_asked_in_its_own_way() {
    let name = "projects/p/locations/l/publishers/google/models/veo/operations/1";
    let upstream = Upstream::answering(move |call| match call.number {
        0 => Said::ok(format!(r#"{{"name":"{name}"}}"#)),
        _ => Said::ok(format!(r#"{{"name":"{name}","done":true,"response":{{"videos":[{{"bytesBase64Encoded":"aGk="}}]}}}}"#)),
    })
    .await;
    let studio = Studio::at(Provider::Gemini, &upstream.base("/aiplatform/v1/publishers/google"), "veo-3.0-generate-001");
    let job = studio.accepted(video(|asked| asked.seed = Some(7))).await;
    assert!(upstream.seen()[0].body.contains("\"seed\":7"));
    assert!(matches!(studio.clients.job(studio.job(&job.id)).await.unwrap(), JobReport::Succeeded(_)));
    let asked = upstream.seen().remove(1);
    assert_eq!(asked.line, "POST /aiplatform/v1/publishers/google/models/veo-3.0-generate-001:fetchPredictOperation");
    assert_eq!(asked.body, format!(r#"{{"operationName":"{name}"}}"#));
}

#[tokio::test]
async fn a_submission_whose_answer_is_lost_may_have_been_taken() {
    for said in [Said::ok(r#"{"name":"x"}"#).cut(), Said::ok("{}"), Said::json(500, "{}")] {
        let upstream = Upstream::answering(move |_| said.clone()).await;
        let failure = at(&upstream, "veo-3.1-generate-preview").ask(video(|_| {})).await.unwrap_err();
        assert_eq!(failure.sent, Sent::Maybe, "{failure:?}");
        assert_eq!(upstream.seen().len(), 1, "never twice");
    }
}

#[tokio::test]
async fn speech_and_text_come_whole() {
    let sound = r#"{"candidates":[{"content":{"parts":[{"inlineData":{"mimeType":"audio/L16;codec=pcm;rate=24000","data":"AAEC"}}]}}]}"#;
    let upstream = Upstream::answering(move |_| Said::ok(sound)).await;
    let made = at(&upstream, "gemini-2.5-flash-preview-tts").made(speech(SpeechFormat::Wav)).await;
    let MediaAnswer::Speech(speech) = made.answer else { panic!("no speech") };
    assert!(speech.data.starts_with(b"RIFF") && speech.data.len() == 47);

    let text = r#"{"candidates":[{"content":{"parts":[{"text":"Hi you."}]}}],"usageMetadata":{"promptTokenCount":40,"candidatesTokenCount":3,
        "promptTokensDetails":[{"modality":"AUDIO","tokenCount":32}]}}"#;
    let upstream = Upstream::answering(move |_| Said::ok(text)).await;
    let source = InputSource::Inline { media_type: "audio/wav".to_owned(), data: "RIFF".into() };
    let made = at(&upstream, "gemini-2.5-flash").made(transcription(source)).await;
    let MediaAnswer::Transcription(heard) = made.answer else { panic!("no text") };
    assert_eq!((heard.text.as_str(), heard.usage.media), ("Hi you.", Some(MediaUsage::Audio { millis: 1_000 })));
}

#[tokio::test]
async fn what_can_not_be_done_is_refused_before_anybody_is_asked() {
    let upstream = Upstream::answering(|_| Said::ok(IMAGE)).await;
    let refused = async |model: &str, asked, word: &str| {
        let failure = at(&upstream, model).ask(asked).await.unwrap_err();
        assert!(failure.category == Category::BadRequest && failure.sent == Sent::Nothing && failure.message.contains(word), "{failure:?}");
    };
    refused(MODEL, images(1, |asked| asked.mask = Some(inline("image/png"))), "`mask`").await;
    refused("gemini-2.5-flash-preview-tts", speech(SpeechFormat::Mp3), "one of wav, pcm").await;
    refused("veo-3.1-generate-preview", video(|asked| asked.seconds = std::num::NonZeroU32::new(12)), "4, 6, 8").await;
    assert!(upstream.seen().is_empty());
    let never: Result<TextAnswer, _> = at(&upstream, MODEL).ask(images(1, |_| {})).await;
    assert!(never.is_ok());
}

use bytes::Bytes;
use easyai_core::kind::Kind;
use easyai_core::media::MediaUsage;

use super::*;
use crate::media::{ImageRequest, JobReport, MadeFile, MediaRequest, TranscriptFormat, read};

fn asked() -> ImageRequest {
    let body = Bytes::from_static(br#"{"model":"m","prompt":"x","size":"64x64","quality":"low"}"#);
    match read(Kind::ImagesGenerations, None, body).unwrap() {
        MediaRequest::Image(request) => request,
        other => panic!("no image: {other:?}"),
    }
}

#[test]
fn images_are_read_wherever_they_are() {
    let body = br#"{"created":9,"data":[{"b64_json":"aW1n","revised_prompt":"y"},{"url":"https://x/y?sig=a%2Fb"},{"b64_json":"data:image/png;base64,aW1n"},{"error":{"code":"c","message":"no"}}],
        "quality":"high","usage":{"input_tokens":5,"output_tokens":7}}"#;
    let answer = read_images(body, &asked()).unwrap();
    assert_eq!((answer.images.len(), answer.failed.len(), answer.created_at), (3, 1, Some(9)));
    assert_eq!(answer.images[0].file, MadeFile::Inline { media_type: Some("text/plain".to_owned()), data: Bytes::from_static(b"img") });
    assert_eq!(answer.images[1].file, MadeFile::Url { url: "https://x/y?sig=a%2Fb".to_owned() });
    assert_eq!((answer.failed[0].index, answer.failed[0].error.message.as_str()), (3, "no"));
    let Some(MediaUsage::Images { count, size, quality }) = answer.usage.media else { panic!("no images") };
    assert_eq!(
        (count, size.map(|size| size.to_string()).as_deref(), quality.map(|quality| quality.as_str())),
        (3, Some("64x64"), Some("high"))
    );
    assert_eq!((answer.usage.input_tokens, answer.usage.output_tokens), (5, 7));
    assert_eq!(read_images(br#"{"images":[{"url":"https://x/y"}],"created":null,"usage":[]}"#, &asked()).unwrap().images.len(), 1);
}

#[test]
fn what_has_no_image_is_no_answer() {
    let check = |body: &str, expected: &str| {
        let message = read_images(body.as_bytes(), &asked()).unwrap_err().to_string();
        assert!(message.contains(expected), "{body} gives {message}");
    };
    check("", "can't be read");
    check("<html>", "can't be read");
    check("{}", "is empty");
    check(r#"{"data":[]}"#, "is empty");
    check(r#"{"data":[{"b64_json":""}]}"#, "is empty");
    check(r#"{"data":[{"b64_json":"!!"}]}"#, "is empty");
    check(r#"{"error":{"message":"no money"}}"#, "no money");
    check(r#"{"data":[{"error":{"code":"c","message":"filtered"}}]}"#, "filtered");
}

#[test]
fn a_transcript_passes_as_it_is() {
    let read = |body: &'static str, kind: Option<&str>, format| read_transcript(Bytes::from_static(body.as_bytes()), kind, format);
    let answer =
        read(r#"{"text":"a\nb","usage":{"type":"tokens","input_tokens":9,"output_tokens":3}}"#, None, TranscriptFormat::Json).unwrap();
    assert_eq!((answer.text.as_str(), answer.usage.input_tokens, answer.usage.media), ("a\nb", 9, None));
    let answer = read(r#"{"text":"","duration":"1.5"}"#, None, TranscriptFormat::VerboseJson).unwrap();
    assert_eq!((answer.text.as_str(), answer.usage.media), ("", Some(MediaUsage::Audio { millis: 1_500 })));
    let answer = read(
        "1\n00:00:00,000 --> 00:00:01,000\nHello\n\n2\n00:00:01,000 --> 00:00:02,000\nyou\n",
        Some("text/plain"),
        TranscriptFormat::Srt,
    )
    .unwrap();
    assert_eq!((answer.text.as_str(), answer.body.len()), ("Hello you", 75));
    let json = read(r#"{"text":"a"}"#, Some("application/json; charset=utf-8"), TranscriptFormat::Text).unwrap();
    assert_eq!((json.text.as_str(), &json.body[..]), ("a", &b"a\n"[..]));
    assert!(read(r#"{"error":{"message":"no"}}"#, None, TranscriptFormat::Json).unwrap_err().to_string().contains("no"));
    assert!(read("hello", None, TranscriptFormat::Json).is_err());
}

#[test]
fn a_video_tells_where_its_job_is() {
    let asked = MediaUsage::Video { millis: 4_000, resolution: None, audio: true, video_input: false };
    let report = |body: &str| read_video(body.as_bytes()).unwrap().report(asked, "https://u/videos/v/content".to_owned(), None);
    assert_eq!(report(r#"{"id":"v","status":"queued"}"#), JobReport::Queued);
    assert_eq!(report(r#"{"id":"v","status":"in_progress","progress":33}"#), JobReport::Running { percent: Some(33), poll_after: None });
    assert_eq!(report(r#"{"id":"v","status":"painting","progress":"7.5%"}"#), JobReport::Running { percent: Some(7), poll_after: None });
    let JobReport::Succeeded(result) = report(r#"{"id":"v","status":"completed","seconds":"8","size":"1280x720","error":null}"#) else {
        panic!("no result")
    };
    assert_eq!(result.files, [MadeFile::Url { url: "https://u/videos/v/content".to_owned() }]);
    let Some(MediaUsage::Video { millis, resolution, .. }) = result.usage.media else { panic!("no video") };
    assert_eq!((millis, resolution.map(|resolution| resolution.as_str())), (8_000, Some("720p")));
    let JobReport::Succeeded(result) = report(r#"{"task_id":7,"status":"SUCCEEDED","video_url":"https://x/v.mp4?sig=1"}"#) else {
        panic!("no result")
    };
    assert_eq!(result.files, [MadeFile::Url { url: "https://x/v.mp4?sig=1".to_owned() }]);
    let JobReport::Failed(error) = report(r#"{"id":"v","status":"failed","error":{"code":"moderation_blocked","message":"no"}}"#) else {
        panic!("no failure")
    };
    assert_eq!((error.code.as_deref(), error.message.as_str()), (Some("moderation_blocked"), "no"));
    assert_eq!(
        (report(r#"{"id":"v","status":"cancelled"}"#), report(r#"{"id":"v","status":"expired"}"#)),
        (JobReport::Cancelled, JobReport::Expired)
    );
    assert!(read_video(br#"{"error":{"message":"no"}}"#).unwrap_err().to_string().contains("no"));
    assert!(read_video(b"[]").is_err() && read_video(b"{}").is_err());
}

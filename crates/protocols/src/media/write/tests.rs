use std::num::NonZeroU32;

use easyai_core::error::ErrorCode;
use easyai_core::kind::Kind;
use easyai_core::media::{MediaUsage, Pixels};
use easyai_core::usage::{Usage, UsageSource};

use super::*;
use crate::media::{
    ImageAnswer, ImageRequest, MadeFile, MadeImage, MediaRequest, ResponseFormat, TranscriptFormat, TranscriptionWork, read,
};

fn text(bytes: Bytes) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn asked(body: &'static str) -> ImageRequest {
    match read(Kind::ImagesGenerations, None, Bytes::from_static(body.as_bytes())).unwrap() {
        MediaRequest::Image(request) => request,
        other => panic!("no image: {other:?}"),
    }
}

fn answer(images: usize) -> ImageAnswer {
    let image = MadeImage {
        file: MadeFile::Inline { media_type: None, data: Bytes::from_static(b"img") },
        revised_prompt: Some("a cat".to_owned()),
        size: Pixels::new(64, 32),
    };
    let media = Some(MediaUsage::Images { count: NonZeroU32::MIN.get(), size: None, quality: None });
    ImageAnswer {
        images: vec![image; images],
        failed: Vec::new(),
        created_at: None,
        background: None,
        output_format: Some("png".to_owned()),
        quality: None,
        size: None,
        usage: Usage { source: UsageSource::Upstream, media, ..Usage::counted(5, 100) },
    }
}

#[test]
fn images_are_given_as_they_were_asked_for() {
    let check = |body: &'static str, expected: ResponseFormat| assert_eq!(asked(body).shown_as(), expected, "{body}");
    check(r#"{"model":"gpt-image-1","prompt":"x"}"#, ResponseFormat::B64Json);
    check(r#"{"model":"dall-e-3","prompt":"x"}"#, ResponseFormat::Url);
    check(r#"{"model":"dall-e-3","prompt":"x","response_format":"b64_json"}"#, ResponseFormat::B64Json);
    check(r#"{"model":"seedream","prompt":"x","response_format":"url"}"#, ResponseFormat::Url);
}

#[test]
fn images_are_written_with_their_usage() {
    let request = asked(r#"{"model":"m","prompt":"x","quality":"high"}"#);
    let shown = [ShownImage::Inline(Bytes::from_static(b"img")), ShownImage::Url("https://g/a.png".to_owned())];
    let expected = r#"{"created":9,"data":[{"b64_json":"aW1n","revised_prompt":"a cat"},{"url":"https://g/a.png","revised_prompt":"a cat"}],"output_format":"png","quality":"high","size":"64x32","usage":{"input_tokens":5,"output_tokens":100,"total_tokens":105,"input_tokens_details":{"text_tokens":5,"image_tokens":0},"output_tokens_details":{"text_tokens":0,"image_tokens":100}}}"#;
    assert_eq!(text(write_images(&answer(2), &shown, &request, 9)), expected);
    let frames = text(image_frames(&answer(2), &shown, &request, 9));
    assert!(frames.starts_with("event: image_generation.completed\ndata: {\"type\":\"image_generation.completed\",\"b64_json\":\"aW1n\","));
    assert_eq!((frames.matches("\"usage\"").count(), frames.matches("\n\n").count()), (1, 2), "{frames}");
}

#[test]
fn a_video_is_written_as_official_sdks_expect_it() {
    let video = VideoObject {
        id: "video_1".to_owned(),
        model: "sora-2".into(),
        status: VideoStatus::InProgress,
        progress: 33,
        created_at: 1_760_000_000,
        completed_at: None,
        expires_at: None,
        prompt: Some("x".to_owned()),
        seconds: Some(8),
        size: Some("1280x720".to_owned()),
        remixed_from_video_id: None,
        error: None,
    };
    let whole = r#"{"id":"video_1","object":"video","model":"sora-2","status":"in_progress","progress":33,"created_at":1760000000,"completed_at":null,"expires_at":null,"prompt":"x","seconds":"8","size":"1280x720","remixed_from_video_id":null,"error":null}"#;
    assert_eq!(text(write_video(&video)), whole);
    let failed = VideoObject { error: Some(VideoError { code: "cancelled".to_owned(), message: "no".to_owned() }), ..video.clone() };
    assert!(text(write_video(&failed)).ends_with(r#""error":{"code":"cancelled","message":"no"}}"#));
    let list = format!(r#"{{"object":"list","data":[{whole}],"first_id":"video_1","last_id":"video_1","has_more":false}}"#);
    assert_eq!(text(write_video_list(&[video], false)), list);
    assert_eq!(text(write_video_list(&[], false)), r#"{"object":"list","data":[],"first_id":null,"last_id":null,"has_more":false}"#);
    assert_eq!(text(write_deleted_video("v")), r#"{"id":"v","object":"video.deleted","deleted":true}"#);
}

#[test]
fn a_transcript_has_five_shapes() {
    let transcript = Transcript {
        text: "Hello. Bye.".to_owned(),
        language: Some("english".to_owned()),
        millis: Some(3_723_500),
        segments: vec![
            Segment { start: 0, end: 1_000, text: "Hello.".to_owned(), speaker: None },
            Segment { start: 1_000, end: 3_723_500, text: "Bye.\n\n".to_owned(), speaker: Some("B".to_owned()) },
        ],
        words: vec![WordTime { start: 0, end: 1_000, word: "Hello".to_owned() }],
    };
    let usage = Usage::of_media(MediaUsage::Audio { millis: 3_723_500 });
    let write = |format| text(transcript::written(&transcript, format, TranscriptionWork::Transcribe, &usage).1);
    assert_eq!(write(TranscriptFormat::Json), r#"{"text":"Hello. Bye.","usage":{"type":"duration","seconds":3723.5}}"#);
    assert_eq!(write(TranscriptFormat::Text), "Hello. Bye.\n");
    assert_eq!(write(TranscriptFormat::Srt), "1\n00:00:00,000 --> 00:00:01,000\nHello.\n\n2\n00:00:01,000 --> 01:02:03,500\nBye.\n\n");
    assert!(write(TranscriptFormat::Vtt).starts_with("WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nHello.\n\n"));
    let verbose = write(TranscriptFormat::VerboseJson);
    assert!(
        verbose.starts_with(r#"{"task":"transcribe","language":"english","duration":3723.5,"text":"Hello. Bye.","segments":[{"id":0,"#)
    );
    assert!(verbose.contains(r#""words":[{"word":"Hello","start":0.0,"end":1.0}]"#), "{verbose}");
    assert!(write(TranscriptFormat::DiarizedJson).contains(r#""speaker":"B""#));
    let tokens = Usage { source: UsageSource::Upstream, ..Usage::counted(7, 3) };
    let expected = "event: transcript.text.done\ndata: {\"type\":\"transcript.text.done\",\"text\":\"a\",\"usage\":{\"type\":\"tokens\",\"input_tokens\":7,\"output_tokens\":3,\"total_tokens\":10}}\n\n";
    assert_eq!(text(transcript_done("a", &tokens)), expected);
    assert!(text(transcript_delta("a")).contains(r#""delta":"a""#));
}

#[test]
fn speech_and_failures_are_events() {
    assert_eq!(text(speech_delta(b"img")), "event: speech.audio.delta\ndata: {\"type\":\"speech.audio.delta\",\"audio\":\"aW1n\"}\n\n");
    assert!(text(speech_done(&Usage::counted(1, 2))).contains(r#""usage":{"input_tokens":1,"output_tokens":2,"total_tokens":3}"#));
    let error = text(stream_error(ErrorCode::UpstreamError, "it \"broke\""));
    assert!(error.starts_with("event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":"), "{error}");
}

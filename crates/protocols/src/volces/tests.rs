//! Requests as callers make them, and images through both ways.

use std::num::NonZeroU32;

use bytes::Bytes;
use easyai_core::media::MediaUsage;

use super::image::{self, Way};
use crate::media::{
    Background, ImageFormat, ImageRequest, ImageWork, InputFile, InputSource, MadeFile, MediaBody, ResponseFormat, SpeechFormat,
    SpeechRequest, StreamFormat, TranscriptFormat, TranscriptionRequest, TranscriptionWork, VideoRequest,
};
use crate::wire::BadAnswer;

fn no_body() -> MediaBody {
    MediaBody { content_type: "application/json".to_owned(), bytes: Bytes::new() }
}

/// A file at a URL.
pub(crate) fn image(url: &str) -> InputFile {
    InputFile { field: "image".to_owned(), filename: None, source: InputSource::Url(url.to_owned()) }
}

/// A file of two bytes.
pub(crate) fn inline(media_type: &str) -> InputFile {
    let source = InputSource::Inline { media_type: media_type.to_owned(), data: Bytes::from_static(b"hi") };
    InputFile { field: "image".to_owned(), filename: None, source }
}

/// A request for a video, changed.
pub(crate) fn video(change: impl FnOnce(&mut VideoRequest)) -> VideoRequest {
    let mut asked = VideoRequest {
        model: "m".into(),
        prompt: "a cat --rs 480p".to_owned(),
        seconds: None,
        size: None,
        resolution: None,
        aspect_ratio: None,
        audio: None,
        negative_prompt: None,
        seed: None,
        watermark: None,
        first_frame: None,
        last_frame: None,
        references: Vec::new(),
        remix_of: None,
        body: no_body(),
    };
    change(&mut asked);
    asked
}

/// A request for one image, changed.
pub(crate) fn picture(change: impl FnOnce(&mut ImageRequest)) -> ImageRequest {
    let mut asked = ImageRequest {
        work: ImageWork::Generate,
        model: "m".into(),
        prompt: "a \"cat\"".to_owned(),
        n: NonZeroU32::MIN,
        size: None,
        quality: None,
        output_format: None,
        output_compression: None,
        background: None,
        response_format: None,
        stream: false,
        partial_images: 0,
        seed: None,
        images: Vec::new(),
        mask: None,
        body: no_body(),
    };
    change(&mut asked);
    asked
}

/// A request for speech, changed.
pub(crate) fn speech(change: impl FnOnce(&mut SpeechRequest)) -> SpeechRequest {
    let mut asked = SpeechRequest {
        model: "m".into(),
        input: "héllo".to_owned(),
        voice: "zh_female".to_owned(),
        instructions: None,
        format: SpeechFormat::Pcm,
        speed_percent: None,
        stream_format: StreamFormat::default(),
        body: no_body(),
    };
    change(&mut asked);
    asked
}

/// A request for text, changed.
pub(crate) fn transcription(change: impl FnOnce(&mut TranscriptionRequest)) -> TranscriptionRequest {
    let mut asked = TranscriptionRequest {
        work: TranscriptionWork::Transcribe,
        model: "m".into(),
        file: inline("audio/wav"),
        language: None,
        prompt: None,
        format: TranscriptFormat::Json,
        stream: false,
        word_times: false,
        body: no_body(),
    };
    change(&mut asked);
    asked
}

const LITE: &str = "doubao-seedream-5-0-lite-260128";
const PRO: &str = "doubao-seedream-5-0-pro-260628";
const FOUR: &str = "doubao-seedream-4-0-250828";

#[test]
fn a_request_for_images_says_that_no_mark_is_wanted() {
    let check = |model: &str, change: &dyn Fn(&mut ImageRequest), way: Way, expected: &str, notes: &str| {
        let asked = picture(change);
        image::fits(model, &asked).unwrap();
        assert_eq!(image::way(model, &asked), way, "{expected}");
        let written = image::write(model, &asked, way);
        assert_eq!(String::from_utf8_lossy(&written.body), expected);
        assert_eq!(written.notes.fields(), notes, "{expected}");
    };
    let four = |asked: &mut ImageRequest| {
        asked.n = NonZeroU32::new(4).unwrap();
        asked.size = "1024x1024".parse().ok();
        asked.response_format = Some(ResponseFormat::B64Json);
        asked.seed = Some(1);
    };
    check(
        LITE,
        &four,
        Way::Group,
        r#"{"model":"doubao-seedream-5-0-lite-260128","prompt":"a \"cat\"","size":"2048x2048","sequential_image_generation":"auto","sequential_image_generation_options":{"max_images":4},"response_format":"url","watermark":false}"#,
        "size, seed",
    );
    check(
        "ep-1",
        &four,
        Way::Single,
        r#"{"model":"ep-1","prompt":"a \"cat\"","size":"1024x1024","response_format":"url","seed":1,"watermark":false}"#,
        "",
    );
    let one = |asked: &mut ImageRequest| {
        asked.response_format = Some(ResponseFormat::B64Json);
        asked.images = vec![inline("image/png")];
        asked.background = Some(Background::Transparent);
    };
    check(
        PRO,
        &one,
        Way::Single,
        r#"{"model":"doubao-seedream-5-0-pro-260628","prompt":"a \"cat\"","image":"data:image/png;base64,aGk=","response_format":"b64_json","output_format":"png","background":"transparent","watermark":false}"#,
        "",
    );
    let two = |asked: &mut ImageRequest| asked.images = vec![inline("image/webp"), image("https://x/?a=%2F")];
    check(
        FOUR,
        &two,
        Way::Single,
        r#"{"model":"doubao-seedream-4-0-250828","prompt":"a \"cat\"","image":["data:image/webp;base64,aGk=","https://x/?a=%2F"],"response_format":"url","watermark":false}"#,
        "",
    );
}

#[test]
fn a_group_has_room_for_fifteen_images_in_and_out() {
    let way = |inputs: usize| {
        image::way(
            LITE,
            &picture(|asked| {
                asked.n = NonZeroU32::new(5).unwrap();
                asked.images = vec![image("https://x/a"); inputs];
            }),
        )
    };
    assert_eq!((way(10), way(11)), (Way::Group, Way::Single));
}

#[test]
fn what_no_image_model_does_is_refused_by_its_field() {
    let check = |model: &str, change: &dyn Fn(&mut ImageRequest), field: &str| {
        assert_eq!(image::fits(model, &picture(change)).unwrap_err().field, field);
    };
    check(PRO, &|asked| asked.mask = Some(image("https://x")), "mask");
    check(PRO, &|asked| asked.n = NonZeroU32::new(16).unwrap(), "n");
    check(PRO, &|asked| asked.size = "4096x128".parse().ok(), "size");
    check(PRO, &|asked| asked.images = vec![image("https://x"); 11], "image");
    check(PRO, &|asked| asked.output_format = Some(ImageFormat::Webp), "output_format");
    check(FOUR, &|asked| asked.output_format = Some(ImageFormat::Png), "output_format");
    check(LITE, &|asked| asked.background = Some(Background::Transparent), "background");
    check(PRO, &|asked| asked.background = Some(Background::Transparent), "background");
    assert!(image::fits("ep-1", &picture(|asked| asked.images = vec![image("https://x"); 11])).is_ok());
}

#[test]
fn good_images_are_kept_beside_failed_ones() {
    let body = br#"{"model":"m","created":1760000000,"data":[{"url":"https://x/1?s=%2F","size":"2048x2048"},
        {"error":{"code":"OutputImageSensitiveContentDetected","message":"no"}},{"b64_json":"aGk="},{"b64_json":"!"}],
        "usage":{"generated_images":2,"output_tokens":32768,"total_tokens":32768}}"#;
    let answer = image::read(body).unwrap();
    let files: Vec<_> = answer.images.iter().map(|image| image.file.clone()).collect();
    assert_eq!(
        files,
        [MadeFile::Url { url: "https://x/1?s=%2F".to_owned() }, MadeFile::Inline { media_type: None, data: Bytes::from_static(b"hi") }]
    );
    let failed: Vec<_> = answer.failed.iter().map(|item| (item.index, item.error.code.as_deref())).collect();
    assert_eq!(failed, [(1, Some("OutputImageSensitiveContentDetected")), (3, Some(super::NO_RESULT))]);
    assert_eq!((answer.created_at, answer.usage.output_tokens), (Some(1_760_000_000), 32_768));
    let size = "2048x2048".parse().ok();
    assert_eq!(answer.usage.media, Some(MediaUsage::Images { count: 2, size, quality: None }));
}

#[test]
fn an_answer_without_an_image_is_the_failure_of_its_first() {
    let code = |body: &str| match image::read(body.as_bytes()) {
        Err(BadAnswer::Error(error)) => error.code.unwrap_or_default(),
        other => format!("{other:?}"),
    };
    assert_eq!(code(r#"{"data":[{"error":{"code":"A","message":"a"}},{"error":{"code":"B"}}]}"#), "A");
    assert_eq!(code(r#"{"error":{"code":"C","message":"c"}}"#), "C");
    assert_eq!(code(r#"{"data":[]}"#), "Err(Empty)");
    assert_eq!(code(r#"{"data":null,"error":null}"#), "Err(Empty)");
    assert!(code(r#"{"data":[{"url":"https://x"#).starts_with("Err(Unparseable"));
}

#[test]
fn a_hold_covers_all_images_at_their_real_size() {
    let asked = picture(|asked| {
        asked.n = NonZeroU32::new(2).unwrap();
        asked.size = "1024x1024".parse().ok();
    });
    assert_eq!(image::expected(LITE, &asked).output_tokens, 32_768);
    assert_eq!(image::expected(FOUR, &asked).output_tokens, 8_192);
}

//! Requests for media on their way in and on, and answers with media on their way back.

use bytes::{Bytes, BytesMut};
use easyai_core::error::ErrorCode;
use easyai_core::kind::Kind;
use easyai_core::media::MediaUsage;

use super::{assert_json, is_json};
use crate::media::{
    self, ImageRequest, MediaRequest, ShownImage, TranscriptFormat, edit_form, field_names, image_frames, outbound, read_images,
    read_transcript, read_video, write_images,
};
use crate::multipart::{MAX_PARTS, parts};
use crate::request::{TextRequest, Unary};
use crate::wire::{Reading, SideReader};

/// The kinds of media.
pub const MEDIA: [Kind; 6] = [
    Kind::ImagesGenerations,
    Kind::ImagesEdits,
    Kind::VideosGenerations,
    Kind::AudioSpeech,
    Kind::AudioTranscriptions,
    Kind::AudioTranslations,
];

/// The `content-type` of every form here.
pub const FORM: &str = "multipart/form-data; boundary=x";

/// A form is refused or taken; the parts of one that was taken lie in it in order. Says whether it was read.
pub fn form(data: &[u8]) -> bool {
    let body = Bytes::copy_from_slice(data);
    let Ok(parts) = parts(FORM, &body) else { return false };
    assert!(parts.len() <= MAX_PARTS, "a form's parts are bounded");
    let mut end = 0;
    for part in &parts {
        assert!(
            part.at.start >= end && part.at.start < part.data_at.start && part.data_at.end < part.at.end,
            "parts lie one after another"
        );
        assert_eq!(body.get(part.data_at.clone()), Some(&part.data[..]));
        end = part.at.end;
    }
    true
}

/// A caller's body is refused or taken; what was taken is sent on in its own shape. Says whether it was read.
pub fn media_request(kind: Kind, content_type: Option<&str>, data: &[u8]) -> bool {
    let Ok(request) = media::read(kind, content_type, Bytes::copy_from_slice(data)) else { return false };
    assert!(!field_names(request.body()).is_empty(), "what was read has fields");
    for without in [&[][..], &["response_format", "n"][..]] {
        let sent = outbound(request.body(), "up\"stream", without);
        assert!(sent.is_ok(), "what was read can be sent on");
        let Ok(sent) = sent else { return false };
        let whole = Bytes::from(sent.body.concat());
        if request.body().is_form() {
            let parts = parts(&sent.content_type, &whole);
            assert!(
                parts.is_ok_and(|parts| parts.iter().all(|part| !without.contains(&part.name.as_str()))),
                "a form that goes on is a form"
            );
        } else {
            assert_json(&whole, "a body that goes on");
        }
    }
    if let MediaRequest::Image(image) = &request
        && !image.body.is_form()
        && let Ok(form) = edit_form(image, &[], "up", &[])
    {
        assert!(parts(&form.content_type, &Bytes::from(form.body.concat())).is_ok(), "an edit as a form");
    }
    if let MediaRequest::Video(video) = &request {
        let _ = (video.pixels(), video.has_reference());
    }
    let _ = TextRequest::unary(Unary::Media(Box::new(request))).model_type();
    true
}

fn asked() -> Option<ImageRequest> {
    match media::read(Kind::ImagesGenerations, None, Bytes::from_static(br#"{"model":"m","prompt":"x"}"#)) {
        Ok(MediaRequest::Image(request)) => Some(request),
        Ok(_) | Err(_) => None,
    }
}

/// An upstream's answer is refused or taken; what was taken is written for a caller. Says whether it was read.
pub fn media_answer(data: &[u8]) -> bool {
    let mut read = false;
    if let (Some(asked), true) = (asked(), is_json(data))
        && let Ok(answer) = read_images(data, &asked)
    {
        assert!(!answer.images.is_empty(), "an answer has an image");
        let shown: Vec<ShownImage> = answer.images.iter().map(|_| ShownImage::Url("https://g/a\"b".to_owned())).collect();
        assert_json(&write_images(&answer, &shown, &asked, 0), "images for a caller");
        assert!(image_frames(&answer, &shown, &asked, 0).ends_with(b"\n\n"), "images as frames");
        read = true;
    }
    for format in TranscriptFormat::ALL {
        read |= read_transcript(Bytes::copy_from_slice(data), Some("application/json"), *format).is_ok();
    }
    if let Ok(state) = read_video(data) {
        let asked = MediaUsage::Video { millis: 1, resolution: None, audio: false, video_input: false };
        let _ = state.report(asked, "https://u/content".to_owned(), None);
        read = true;
    }
    let _ = (media::sniff(data), media::size(data), media::sound_millis(data));
    read
}

/// An event of a stream with media is looked at, closely or not: both see the same end. Says whether it was read.
pub fn media_event(data: &[u8]) -> bool {
    let look = |reading| media::Side::default().event(data, reading);
    let mut text = String::new();
    media::event_text(data, &mut text);
    let mut out = BytesMut::new();
    media::Side::default().error(ErrorCode::UpstreamError, &String::from_utf8_lossy(data), &mut out);
    let error = out.strip_prefix(b"event: error\ndata: ").unwrap_or_default();
    assert_json(error, "a failure for a caller");
    let mut side = media::Side::default();
    let _ = side.event(data, Reading::Full);
    if let Some(mended) = side.mended(data) {
        assert_json(&mended, "what is put right");
    }
    match (look(Reading::Full), look(Reading::AfterCommit)) {
        (Ok(full), Ok(quick)) => {
            assert!(quick.finish.is_none() || quick == full, "an end is the same however it is looked at");
            true
        }
        (_, _) => false,
    }
}

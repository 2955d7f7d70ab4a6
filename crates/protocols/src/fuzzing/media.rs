//! What upstreams answer that make or hear media.

use std::num::NonZeroU32;

use bytes::Bytes;
use easyai_core::media::{MediaUsage, Resolution};

use super::assert_json;
use crate::media::{
    ImageAnswer, ImageRequest, ImageWork, InputFile, InputSource, JobReport, MediaBody, SpeechFormat, SpeechRequest, StreamFormat,
    TranscriptFormat, TranscriptionRequest, TranscriptionWork, VideoRequest, WantedVideo, read_video_page,
};
use crate::{gemini, volces};

const VIDEO: MediaUsage = MediaUsage::Video { millis: 5_000, resolution: Some(Resolution::P720), audio: true, video_input: false };

/// An answer of Gemini's or of Volcengine's is refused or taken; what was taken holds something. Says whether any reader took it.
pub fn media(data: &[u8]) -> bool {
    let asked = picture();
    let images = [gemini::image::read("gemini-3-pro-image", &asked, data), gemini::imagen::read(data, &asked), volces::image::read(data)];
    let mut read = images.into_iter().flatten().map(|answer| made(&answer)).count() > 0;
    let reports = [gemini::operation::read_report(data, VIDEO), volces::task::read_report(data, VIDEO)];
    read |= reports.into_iter().flatten().map(|report| reported(&report)).count() > 0;
    let submitted = [gemini::operation::read_submitted(data), volces::task::read_submitted(data)];
    read |= submitted.into_iter().flatten().map(|id| assert!(!id.is_empty(), "a job has an id")).count() > 0;
    let request = video();
    let wanted = WantedVideo { model: "m", request: &request, after: 1_000, before: 1_060 };
    if let Ok(page) = volces::task::read_page(data, &wanted) {
        assert!(page.matching.len() <= page.items, "what is found is in the list");
    }
    if let Ok(page) = read_video_page(data, &wanted) {
        assert!(page.after.is_none() || data.len() > page.matching.len(), "a page that goes on holds something");
    }
    for format in SpeechFormat::ALL {
        let asked = speech(*format);
        for answer in [gemini::speech::read(data, &asked), volces::speech::read(data, &asked)].into_iter().flatten() {
            assert!(!answer.data.is_empty(), "speech is no silence");
            read = true;
        }
    }
    read | heard(data)
}

fn made(answer: &ImageAnswer) {
    assert!(!answer.images.is_empty(), "an answer holds an image");
    let counted = match answer.usage.media {
        Some(MediaUsage::Images { count, .. }) => usize::try_from(count).ok(),
        Some(MediaUsage::Video { .. } | MediaUsage::Speech { .. } | MediaUsage::Audio { .. }) | None => None,
    };
    assert_eq!(counted, Some(answer.images.len()), "what came is counted");
}

fn reported(report: &JobReport) {
    if let JobReport::Succeeded(result) = report {
        assert!(!result.files.is_empty(), "a job that is done made something");
        assert!(matches!(result.usage.media, Some(MediaUsage::Video { .. })), "a video is counted");
    }
}

fn heard(data: &[u8]) -> bool {
    let mut read = false;
    for format in TranscriptFormat::ALL {
        let asked = transcription(*format);
        let answers = [
            gemini::transcript::read(data, &asked),
            volces::transcript::read(Some("20000000"), None, data, &asked),
            volces::transcript::read(Some("20000003"), None, data, &asked),
        ];
        for answer in answers.into_iter().flatten() {
            if answer.content_type.starts_with("application/json") {
                assert_json(&answer.body, "text for a caller");
            }
            read = true;
        }
    }
    read
}

fn no_body() -> MediaBody {
    MediaBody { content_type: String::new(), bytes: Bytes::new() }
}

fn picture() -> ImageRequest {
    ImageRequest {
        work: ImageWork::Generate,
        model: "m".into(),
        prompt: "p".to_owned(),
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
    }
}

fn video() -> VideoRequest {
    VideoRequest {
        model: "m".into(),
        prompt: "p".to_owned(),
        seconds: NonZeroU32::new(5),
        size: None,
        resolution: None,
        aspect_ratio: None,
        audio: None,
        negative_prompt: None,
        seed: Some(7),
        watermark: None,
        first_frame: None,
        last_frame: None,
        references: Vec::new(),
        remix_of: None,
        body: no_body(),
    }
}

fn speech(format: SpeechFormat) -> SpeechRequest {
    SpeechRequest {
        model: "m".into(),
        input: "p".to_owned(),
        voice: "v".to_owned(),
        instructions: None,
        format,
        speed_percent: None,
        stream_format: StreamFormat::default(),
        body: no_body(),
    }
}

fn transcription(format: TranscriptFormat) -> TranscriptionRequest {
    let source = InputSource::Url("https://example.com/a.wav".to_owned());
    TranscriptionRequest {
        work: TranscriptionWork::Transcribe,
        model: "m".into(),
        file: InputFile { field: "file".to_owned(), filename: None, source },
        language: None,
        prompt: None,
        format,
        stream: false,
        word_times: true,
        body: no_body(),
    }
}

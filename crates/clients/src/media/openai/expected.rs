//! What a call for media is expected to use, for the estimate behind a hold, and where an upstream tells nothing.
//!
//! Source: OpenAI's pages on image and audio pricing (`providers.md` sections 4.3 and 14.1).

use easyai_core::catalog::PlatformModel;
use easyai_core::media::{ImageQuality, MediaUsage, Pixels, Resolution};
use easyai_core::usage::Usage;
use easyai_protocols::media::{ImageRequest, InputSource, MediaRequest, SpeechRequest, TranscriptionRequest, VideoRequest, sound_millis};

use super::model::Family;

/// The length of a video where nobody said: longer than most models' own, since a hold may be too large but not too small.
const SECONDS: u32 = 8;

/// Sora's own.
const SORA_SECONDS: u32 = 4;

/// Tokens of an image that an edit starts from, at high fidelity.
const TOKENS_AN_INPUT: u64 = 1_500;

pub(in super::super) fn expected(offer: &PlatformModel, asked: &MediaRequest, prompt_tokens: u64) -> Usage {
    let family = super::family(offer);
    match asked {
        MediaRequest::Image(request) => images(family, request, prompt_tokens),
        MediaRequest::Video(request) => video(family, request, prompt_tokens),
        MediaRequest::Speech(request) => speech(family, request, prompt_tokens),
        MediaRequest::Transcription(request) => transcription(family, request, prompt_tokens),
    }
}

fn images(family: Option<Family>, request: &ImageRequest, prompt_tokens: u64) -> Usage {
    let by_token = family.is_some_and(Family::refuses_response_format);
    let count = request.n.get();
    let (mut input, mut output) = (prompt_tokens, 0);
    if by_token {
        input += request.images.len() as u64 * TOKENS_AN_INPUT;
        output = u64::from(count) * image_tokens(request.size, request.quality);
    }
    let size = request.size.or_else(|| family.and_then(|_| Pixels::new(1024, 1024)));
    let media = Some(MediaUsage::Images { count, size, quality: request.quality });
    Usage { media, ..Usage::counted(input, output) }
}

/// gpt-image's output tokens for one image; the model chooses high if it is left to it.
fn image_tokens(size: Option<Pixels>, quality: Option<ImageQuality>) -> u64 {
    let square = match quality {
        Some(ImageQuality::Low) => 272,
        Some(ImageQuality::Medium | ImageQuality::Standard) => 1_056,
        Some(ImageQuality::High | ImageQuality::Hd) | None => 4_160,
    };
    let area = size.map_or(1 << 20, Pixels::area);
    // A picture of one and a half the area has one and a half the tokens.
    (square * area).div_ceil(1 << 20)
}

fn video(family: Option<Family>, request: &VideoRequest, prompt_tokens: u64) -> Usage {
    let usual = if family == Some(Family::Sora) { SORA_SECONDS } else { SECONDS };
    let seconds = request.seconds.map_or(usual, std::num::NonZeroU32::get);
    let media = MediaUsage::Video {
        millis: u64::from(seconds) * 1_000,
        resolution: Some(Resolution::of(request.pixels())),
        audio: request.audio.unwrap_or(true),
        video_input: request.remix_of.is_some(),
    };
    Usage { media: Some(media), ..Usage::counted(prompt_tokens, 0) }
}

fn speech(family: Option<Family>, request: &SpeechRequest, prompt_tokens: u64) -> Usage {
    let characters = request.input.chars().count() as u64;
    // Twenty tokens of sound a second, fifteen characters a second.
    let output = if family == Some(Family::GptTts) { characters.saturating_mul(4).div_ceil(3) } else { 0 };
    Usage { media: Some(MediaUsage::Speech { characters }), ..Usage::counted(prompt_tokens, output) }
}

fn transcription(family: Option<Family>, request: &TranscriptionRequest, prompt_tokens: u64) -> Usage {
    let millis = match &request.file.source {
        InputSource::Inline { data, .. } => sound_millis(data),
        InputSource::Url(_) => 0,
    };
    // Ten tokens a second are heard; four are said.
    let (input, output) = if family == Some(Family::GptTranscribe) { (millis / 100, millis / 250) } else { (0, 0) };
    Usage { media: Some(MediaUsage::Audio { millis }), ..Usage::counted(prompt_tokens.saturating_add(input), output) }
}

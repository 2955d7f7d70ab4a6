//! What OpenAI's own models can't do, refused before it costs anything. Models that are not known by name are not judged.

use easyai_core::catalog::PlatformModel;
use easyai_core::media::ImageQuality;
use easyai_protocols::conversation::CannotCarry;
use easyai_protocols::media::{
    Background, ImageFormat, ImageRequest, ImageWork, InputSource, MediaRequest, SpeechRequest, StreamFormat, TranscriptFormat,
    TranscriptionRequest, TranscriptionWork, VideoRequest,
};

use super::model::{Family, SORA_SECONDS};

/// OpenAI's bound on a text that is spoken.
const MAX_SPOKEN_CHARS: usize = 4_096;

pub(in super::super) fn fits(offer: &PlatformModel, asked: &MediaRequest) -> Result<(), CannotCarry> {
    let Some(family) = super::family(offer) else { return Ok(()) };
    match asked {
        MediaRequest::Image(request) => images(family, request),
        MediaRequest::Video(request) => video(family, request),
        MediaRequest::Speech(request) => speech(family, request),
        MediaRequest::Transcription(request) => transcription(family, request),
    }
}

fn cannot(field: &str, why: impl Into<String>) -> CannotCarry {
    CannotCarry { field: field.to_owned(), target: "this model", why: why.into() }
}

fn refuse(when: bool, field: &str, why: impl FnOnce() -> String) -> Result<(), CannotCarry> {
    if when { Err(cannot(field, why())) } else { Ok(()) }
}

fn images(family: Family, request: &ImageRequest) -> Result<(), CannotCarry> {
    if let Some(size) = request.size {
        refuse(!family.makes(size), "size", || format!("allowed are auto, {}", family.size_names()))?;
        let (width, height) = (size.width.get(), size.height.get());
        let in_steps = width.is_multiple_of(16) && height.is_multiple_of(16);
        refuse(family == Family::GptImage2 && !in_steps, "size", || "width and height must be multiples of 16".to_owned())?;
    }
    match family {
        Family::GptImage | Family::GptImage2 => gpt_image(request),
        Family::DallE3 => dall_e(request, 4_000).and_then(|()| {
            refuse(request.work == ImageWork::Edit, "image", || "it edits no images".to_owned())?;
            refuse(request.n.get() > 1, "n", || "allowed is 1".to_owned())?;
            let known = matches!(request.quality, None | Some(ImageQuality::Standard | ImageQuality::Hd));
            refuse(!known, "quality", || "allowed are standard, hd".to_owned())
        }),
        Family::DallE2 => dall_e(request, 1_000).and_then(|()| {
            refuse(request.images.len() > 1, "image", || "it takes one image".to_owned())?;
            let known = matches!(request.quality, None | Some(ImageQuality::Standard));
            refuse(!known, "quality", || "allowed is standard".to_owned())
        }),
        Family::Sora | Family::Tts | Family::GptTts | Family::Whisper | Family::GptTranscribe => Err(cannot("model", "it makes no images")),
    }
}

fn gpt_image(request: &ImageRequest) -> Result<(), CannotCarry> {
    let known = matches!(request.quality, None | Some(ImageQuality::Low | ImageQuality::Medium | ImageQuality::High));
    refuse(!known, "quality", || "allowed are auto, low, medium, high".to_owned())?;
    let is_jpeg = request.output_format == Some(ImageFormat::Jpeg);
    refuse(request.background == Some(Background::Transparent) && is_jpeg, "background", || {
        "only PNG and WebP can be transparent: set `output_format` to png or webp".to_owned()
    })?;
    for file in request.images.iter().chain(&request.mask) {
        if let InputSource::Inline { media_type, .. } = &file.source {
            let known = matches!(media_type.as_str(), "image/png" | "image/jpeg" | "image/webp");
            refuse(!known, &file.field, || format!("it is {media_type}: allowed are PNG, JPEG and WebP"))?;
        }
    }
    Ok(())
}

fn dall_e(request: &ImageRequest, max_chars: usize) -> Result<(), CannotCarry> {
    refuse(request.prompt.chars().count() > max_chars, "prompt", || format!("allowed are {max_chars} characters"))?;
    refuse(request.stream, "stream", || "it has no stream".to_owned())?;
    refuse(request.output_format.is_some_and(|format| format != ImageFormat::Png), "output_format", || "allowed is png".to_owned())?;
    refuse(request.output_compression.is_some(), "output_compression", || "it makes PNG only".to_owned())?;
    refuse(request.background.is_some_and(|background| background != Background::Auto), "background", || "allowed is auto".to_owned())
}

fn video(family: Family, request: &VideoRequest) -> Result<(), CannotCarry> {
    if family != Family::Sora {
        return Err(cannot("model", "it makes no videos"));
    }
    if let Some(seconds) = request.seconds {
        refuse(!SORA_SECONDS.contains(&seconds.get()), "seconds", || "allowed are 4, 8, 12".to_owned())?;
    }
    let says_size = request.size.is_some() || request.resolution.is_some() || request.aspect_ratio.is_some();
    let field = if request.size.is_some() { "size" } else { "resolution" };
    refuse(says_size && !family.makes(request.pixels()), field, || format!("allowed sizes are {}", family.size_names()))?;
    refuse(request.last_frame.is_some(), "last_frame", || "it starts from one picture, and ends as it likes".to_owned())?;
    refuse(!request.references.is_empty(), "reference_image", || "it takes one picture: send `input_reference`".to_owned())?;
    refuse(request.audio == Some(false), "generate_audio", || "its videos always have sound".to_owned())?;
    refuse(request.negative_prompt.is_some(), "negative_prompt", || "it has none: say it in `prompt`".to_owned())?;
    refuse(request.seed.is_some(), "seed", || "it has none".to_owned())
}

fn speech(family: Family, request: &SpeechRequest) -> Result<(), CannotCarry> {
    if !matches!(family, Family::Tts | Family::GptTts) {
        return Err(cannot("model", "it does not speak"));
    }
    refuse(request.input.chars().count() > MAX_SPOKEN_CHARS, "input", || format!("allowed are {MAX_SPOKEN_CHARS} characters"))?;
    let is_old = family == Family::Tts;
    refuse(is_old && request.stream_format == StreamFormat::Sse, "stream_format", || "allowed is audio".to_owned())?;
    refuse(is_old && request.instructions.is_some(), "instructions", || "it takes none".to_owned())
}

fn transcription(family: Family, request: &TranscriptionRequest) -> Result<(), CannotCarry> {
    match family {
        Family::Whisper => {
            refuse(request.stream, "stream", || "it has no stream".to_owned())?;
            refuse(request.format == TranscriptFormat::DiarizedJson, "response_format", || {
                "allowed are json, text, srt, verbose_json, vtt".to_owned()
            })
        }
        Family::GptTranscribe => {
            refuse(request.work == TranscriptionWork::Translate, "model", || "it does not translate: use whisper-1".to_owned())?;
            let known = matches!(request.format, TranscriptFormat::Json | TranscriptFormat::Text | TranscriptFormat::DiarizedJson);
            refuse(!known, "response_format", || "allowed are json and text".to_owned())?;
            refuse(request.word_times, "timestamp_granularities", || "it tells no times: use whisper-1".to_owned())
        }
        Family::GptImage | Family::GptImage2 | Family::DallE3 | Family::DallE2 | Family::Sora | Family::Tts | Family::GptTts => {
            Err(cannot("model", "it does not listen"))
        }
    }
}

//! OpenAI's own models: what each family takes. Only models of these names are judged by it: anybody's model may stand behind a compatible
//! upstream.
//!
//! Source: OpenAI API reference and model pages (`providers.md` sections 4.3–4.5).

use easyai_core::media::Pixels;
use easyai_protocols::media::{InputFile, InputSource, Outbound, VideoRequest, field_names};
use serde::Serialize;

/// A family of OpenAI's models for media.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// `gpt-image-1`, its mini, 1.5, `chatgpt-image-latest`.
    GptImage,
    /// `gpt-image-2` and later: any size in steps of sixteen.
    GptImage2,
    DallE3,
    DallE2,
    Sora,
    /// `tts-1`, `tts-1-hd`: billed by the character.
    Tts,
    /// `gpt-4o-mini-tts` and its like: billed by tokens.
    GptTts,
    Whisper,
    /// `gpt-4o-transcribe` and its like.
    GptTranscribe,
}

impl Family {
    pub(super) fn of(upstream_name: &str) -> Option<Self> {
        // Gateways in between put their own names before it: `openai/gpt-image-1`.
        let name = upstream_name.rsplit('/').next().unwrap_or_default();
        let begins = |start: &str| name.starts_with(start);
        if begins("gpt-image-2") {
            Some(Self::GptImage2)
        } else if begins("gpt-image-") || begins("chatgpt-image") {
            Some(Self::GptImage)
        } else if begins("dall-e-3") {
            Some(Self::DallE3)
        } else if begins("dall-e-2") {
            Some(Self::DallE2)
        } else if begins("sora-") {
            Some(Self::Sora)
        } else if begins("tts-1") {
            Some(Self::Tts)
        } else if begins("gpt-4o") && name.contains("-tts") {
            Some(Self::GptTts)
        } else if begins("whisper-1") {
            Some(Self::Whisper)
        } else if begins("gpt-4o") && name.contains("-transcribe") {
            Some(Self::GptTranscribe)
        } else {
            None
        }
    }

    /// The gpt-image models answer `response_format` with 400.
    pub(super) const fn refuses_response_format(self) -> bool {
        matches!(self, Self::GptImage | Self::GptImage2)
    }

    /// The sizes of images or videos that it makes; none if it is not of a list.
    pub(super) const fn sizes(self) -> Option<&'static [(u32, u32)]> {
        match self {
            Self::GptImage => Some(&[(1024, 1024), (1536, 1024), (1024, 1536)]),
            Self::DallE3 => Some(&[(1024, 1024), (1792, 1024), (1024, 1792)]),
            Self::DallE2 => Some(&[(256, 256), (512, 512), (1024, 1024)]),
            Self::Sora => Some(&[(720, 1280), (1280, 720), (1024, 1792), (1792, 1024)]),
            Self::GptImage2 | Self::Tts | Self::GptTts | Self::Whisper | Self::GptTranscribe => None,
        }
    }

    pub(super) fn makes(self, size: Pixels) -> bool {
        let sizes = self.sizes();
        sizes.is_none_or(|sizes| sizes.contains(&(size.width.get(), size.height.get())))
    }

    /// The sizes that it makes, for a person.
    pub(super) fn size_names(self) -> String {
        let sizes = self.sizes().unwrap_or_default();
        sizes.iter().map(|(width, height)| format!("{width}x{height}")).collect::<Vec<_>>().join(", ")
    }
}

/// The seconds that Sora makes.
pub(super) const SORA_SECONDS: [u32; 3] = [4, 8, 12];

/// Other providers' words for what Sora calls otherwise.
const OTHERS: [&str; 17] = [
    "duration",
    "resolution",
    "aspect_ratio",
    "aspectRatio",
    "ratio",
    "generate_audio",
    "generateAudio",
    "audio",
    "watermark",
    "first_frame",
    "firstFrame",
    "image",
    "images",
    "image_url",
    "imageUrl",
    "image_urls",
    "imageUrls",
];

#[derive(Serialize)]
struct Video<'a> {
    model: &'a str,
    prompt: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input_reference: Option<Reference>,
}

#[derive(Serialize)]
struct Reference {
    image_url: String,
}

/// A request in Sora's own words, where its caller used other providers'. None where bytes pass as they are.
pub(super) fn rewritten(request: &VideoRequest, upstream_name: &str) -> Option<Outbound> {
    if Family::of(upstream_name) != Some(Family::Sora) || is_in_its_words(request) {
        return None;
    }
    let url = |file: &InputFile| match &file.source {
        InputSource::Url(url) => url.clone(),
        InputSource::Inline { .. } => file.data_url().unwrap_or_default(),
    };
    let says_size = request.size.is_some() || request.resolution.is_some() || request.aspect_ratio.is_some();
    let body = serde_json::to_vec(&Video {
        model: upstream_name,
        prompt: &request.prompt,
        seconds: request.seconds.map(|seconds| seconds.to_string()),
        size: says_size.then(|| request.pixels().to_string()),
        input_reference: request.first_frame.as_ref().map(|file| Reference { image_url: url(file) }),
    });
    Some(Outbound { content_type: "application/json".to_owned(), body: vec![body.unwrap_or_default().into()] })
}

/// Whether nothing in it is a word of others'. What nobody knows yet may be Sora's newest.
fn is_in_its_words(request: &VideoRequest) -> bool {
    let base = |name: &str| name.split('[').next().unwrap_or_default().to_owned();
    let says_lines = request.size.is_none() && request.resolution.is_some();
    !says_lines && !field_names(&request.body).iter().any(|name| OTHERS.contains(&base(name).as_str()))
}

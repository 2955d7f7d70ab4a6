//! What upstreams make.

use bytes::Bytes;
use easyai_core::media::Pixels;
use easyai_core::usage::Usage;

use crate::openai::error::WireError;

/// Something that was made: here, or where its provider keeps it for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MadeFile {
    /// Here.
    Inline {
        /// What its provider says it is.
        media_type: Option<String>,
        /// The bytes, decoded.
        data: Bytes,
    },
    /// At a URL that expires, or only has a path at its platform. Used byte for byte: another spelling of its query breaks the signature.
    /// The platform's credential goes to the platform's own origin alone, where many ask for it (Veo, OpenAI's videos).
    Url {
        /// The URL.
        url: String,
    },
}

/// One image that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeImage {
    /// The image.
    pub file: MadeFile,
    /// The prompt as the model understood it.
    pub revised_prompt: Option<String>,
    /// Its size, if the provider told it.
    pub size: Option<Pixels>,
}

/// One image that was not made, inside an answer with others that were.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemFailure {
    /// Its place among those that were asked for.
    pub index: u32,
    /// Why.
    pub error: WireError,
}

/// Images. At least one was made: an answer without any is a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageAnswer {
    /// What was made, in order.
    pub images: Vec<MadeImage>,
    /// What was not.
    pub failed: Vec<ItemFailure>,
    /// Unix seconds, if the provider told it.
    pub created_at: Option<i64>,
    /// As the provider told it: `background`, `output_format`, `quality`, `size` are echoed to the caller.
    pub background: Option<String>,
    /// See above.
    pub output_format: Option<String>,
    /// See above.
    pub quality: Option<String>,
    /// See above.
    pub size: Option<String>,
    /// What was used: always with [`MediaUsage::Images`](easyai_core::media::MediaUsage), with tokens if the provider counts them.
    pub usage: Usage,
}

/// Speech.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpeechAnswer {
    /// The media type.
    pub media_type: String,
    /// The sound.
    pub data: Bytes,
    /// What was used: always with [`MediaUsage::Speech`](easyai_core::media::MediaUsage).
    pub usage: Usage,
}

/// Text that was heard, in the shape that the caller asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TranscriptionAnswer {
    /// The content type of the answer.
    pub content_type: String,
    /// The answer, as OpenAI would write it.
    pub body: Bytes,
    /// The text alone.
    pub text: String,
    /// What was used: with [`MediaUsage::Audio`](easyai_core::media::MediaUsage) where the length is known, with tokens if they are counted.
    pub usage: Usage,
}

/// What came back at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MediaAnswer {
    /// Images.
    Images(ImageAnswer),
    /// Speech.
    Speech(SpeechAnswer),
    /// Text.
    Transcription(TranscriptionAnswer),
}

impl MediaAnswer {
    /// What was used.
    #[must_use]
    pub const fn usage(&self) -> &Usage {
        match self {
            Self::Images(answer) => &answer.usage,
            Self::Speech(answer) => &answer.usage,
            Self::Transcription(answer) => &answer.usage,
        }
    }
}

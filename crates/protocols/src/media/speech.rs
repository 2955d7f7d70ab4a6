//! What is asked of a model that speaks.

use std::sync::Arc;

use super::file::MediaBody;

easyai_core::words! {
    /// The file format of sound.
    #[derive(Default)]
    pub enum SpeechFormat as "speech format" {
        /// MP3.
        #[default]
        Mp3 = "mp3",
        /// Opus in Ogg.
        Opus = "opus",
        /// AAC.
        Aac = "aac",
        /// FLAC.
        Flac = "flac",
        /// WAV.
        Wav = "wav",
        /// 16-bit mono samples at 24 kHz, little-endian, without a header.
        Pcm = "pcm",
    }
}

impl SpeechFormat {
    /// Its media type.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Mp3 => "audio/mpeg",
            Self::Opus => "audio/ogg",
            Self::Aac => "audio/aac",
            Self::Flac => "audio/flac",
            Self::Wav => "audio/wav",
            Self::Pcm => "audio/pcm",
        }
    }
}

easyai_core::words! {
    /// How sound is sent as it comes.
    #[derive(Default)]
    pub enum StreamFormat as "stream format" {
        /// As the bytes of the file.
        #[default]
        Audio = "audio",
        /// As events.
        Sse = "sse",
    }
}

/// A request for speech, checked.
#[derive(Debug)]
pub struct SpeechRequest {
    /// The public model name.
    pub model: Arc<str>,
    /// What to say; not blank.
    pub input: String,
    /// Who says it.
    pub voice: String,
    /// How to say it.
    pub instructions: Option<String>,
    /// The file format.
    pub format: SpeechFormat,
    /// In percent of the usual speed, from 25 to 400; none is as usual.
    pub speed_percent: Option<u16>,
    /// How it is sent.
    pub stream_format: StreamFormat,
    /// As it came.
    pub body: MediaBody,
}

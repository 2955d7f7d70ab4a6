//! What is asked of a model that listens.

use std::sync::Arc;

use super::file::{InputFile, MediaBody};

/// In which language the text comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TranscriptionWork {
    /// As it was spoken: `POST /audio/transcriptions`.
    Transcribe,
    /// In English: `POST /audio/translations`.
    Translate,
}

easyai_core::words! {
    /// How the text is given.
    #[derive(Default)]
    pub enum TranscriptFormat as "transcript format" {
        /// `{text, usage}`.
        #[default]
        Json = "json",
        /// The text alone.
        Text = "text",
        /// Subtitles.
        Srt = "srt",
        /// With segments, language and duration.
        VerboseJson = "verbose_json",
        /// Subtitles for the web.
        Vtt = "vtt",
        /// With who spoke.
        DiarizedJson = "diarized_json",
    }
}

/// A request for text, checked.
#[derive(Debug)]
pub struct TranscriptionRequest {
    /// Transcribe or translate.
    pub work: TranscriptionWork,
    /// The public model name.
    pub model: Arc<str>,
    /// The sound.
    pub file: InputFile,
    /// The language that is spoken, as ISO 639-1.
    pub language: Option<String>,
    /// Words to expect.
    pub prompt: Option<String>,
    /// How the text is given.
    pub format: TranscriptFormat,
    /// Whether the answer is streamed.
    pub stream: bool,
    /// Whether words are to have times, too.
    pub word_times: bool,
    /// As it came.
    pub body: MediaBody,
}

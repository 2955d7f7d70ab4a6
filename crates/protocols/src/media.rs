//! Images, video and sound as they are asked for and answered: the inner form between a caller's API and a provider's.
//!
//! ```text
//! caller's body ─ read ─▶ MediaRequest ─ write ─▶ upstream's body
//! caller's answer ◀─ write ─ MediaAnswer, JobReport ◀─ read ─ upstream's answer
//! ```
//!
//! Callers speak OpenAI's shapes (JSON, or a form with files). An upstream of the same shape is sent what the caller wrote, with its own
//! name of the model; any other is written from the typed fields.

mod answer;
mod as_form;
mod file;
mod gather;
mod image;
mod job;
mod made_in_stream;
mod outbound;
pub(crate) mod ratio;
mod read;
mod read_answer;
mod side;
mod sound;
mod speech;
mod transcription;
mod usage;
mod video;
pub(crate) mod wave;
mod write;

use std::sync::Arc;

pub use answer::{ImageAnswer, ItemFailure, MadeFile, MadeImage, MediaAnswer, SpeechAnswer, TranscriptionAnswer};
pub use as_form::{Fetched, edit_form, recording_form};
pub use file::{InputFile, InputSource, MediaBody};
pub use gather::gather;
pub use image::{Background, ImageFormat, ImageRequest, ImageWork, ResponseFormat};
pub use job::{JobReport, JobResult, WantedVideo};
pub use made_in_stream::made_in_stream;
pub use outbound::{Outbound, field_names, outbound};
pub use read::{MAX_PROMPT_CHARS, read, read_remix, size, sniff};
pub use read_answer::{VideoPage, VideoState, read_images, read_transcript, read_video, read_video_page};
pub use side::{Side, event_text};
pub use sound::sound_millis;
pub use speech::{SpeechFormat, SpeechRequest, StreamFormat};
pub use transcription::{TranscriptFormat, TranscriptionRequest, TranscriptionWork};
pub use video::{RemixOf, VideoRequest};
pub use wave::wave;
pub use write::{
    Segment, ShownImage, Transcript, VideoError, VideoObject, VideoStatus, WordTime, image_frames, image_partial, speech_delta,
    speech_done, stream_error, transcript_delta, transcript_done, write_deleted_video, write_images, write_transcription, write_video,
    write_video_list,
};

use crate::wire::Protocol;

/// What is asked of a model that makes or hears media.
#[derive(Debug)]
pub enum MediaRequest {
    /// Images, from a prompt or from images.
    Image(ImageRequest),
    /// A video: a job that takes minutes.
    Video(VideoRequest),
    /// Speech from text.
    Speech(SpeechRequest),
    /// Text from speech.
    Transcription(TranscriptionRequest),
}

impl MediaRequest {
    /// The public model name.
    #[must_use]
    pub const fn model(&self) -> &Arc<str> {
        match self {
            Self::Image(request) => &request.model,
            Self::Video(request) => &request.model,
            Self::Speech(request) => &request.model,
            Self::Transcription(request) => &request.model,
        }
    }

    /// The caller's protocol.
    #[must_use]
    pub const fn protocol(&self) -> Protocol {
        match self {
            Self::Image(ImageRequest { work: ImageWork::Generate, .. }) => Protocol::Images,
            Self::Image(ImageRequest { work: ImageWork::Edit, .. }) => Protocol::ImageEdits,
            Self::Video(_) => Protocol::Videos,
            Self::Speech(_) => Protocol::Speech,
            Self::Transcription(TranscriptionRequest { work: TranscriptionWork::Transcribe, .. }) => Protocol::Transcriptions,
            Self::Transcription(TranscriptionRequest { work: TranscriptionWork::Translate, .. }) => Protocol::Translations,
        }
    }

    /// Whether the answer is streamed.
    #[must_use]
    pub const fn stream(&self) -> bool {
        match self {
            Self::Image(request) => request.stream,
            Self::Video(_) => false,
            Self::Speech(request) => matches!(request.stream_format, StreamFormat::Sse),
            Self::Transcription(request) => request.stream,
        }
    }

    /// What was sent, as it came.
    #[must_use]
    pub const fn body(&self) -> &MediaBody {
        match self {
            Self::Image(request) => &request.body,
            Self::Video(request) => &request.body,
            Self::Speech(request) => &request.body,
            Self::Transcription(request) => &request.body,
        }
    }

    /// The text of the prompt, for the token estimate.
    #[must_use]
    pub fn prompt(&self) -> &str {
        match self {
            Self::Image(request) => &request.prompt,
            Self::Video(request) => &request.prompt,
            Self::Speech(request) => &request.input,
            Self::Transcription(request) => request.prompt.as_deref().unwrap_or_default(),
        }
    }
}

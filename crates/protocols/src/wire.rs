//! The text protocols, and what each of them must be able to do. A protocol is a module with these pieces:
//!
//! | piece | from | to |
//! |---|---|---|
//! | `scan` | a caller's body | [`TextRequest`](crate::request::TextRequest): what we act on, and where it lies |
//! | `read_request` | a caller's body | [`Conversation`](crate::conversation::Conversation) |
//! | `write_request` | a conversation | an upstream's body |
//! | `read_answer` | an upstream's whole answer | [`Answer`](crate::conversation::Answer) |
//! | `write_answer` | an answer | the caller's body |
//! | a [`StreamReader`] | an upstream's events | [`AnswerEvent`]s |
//! | a [`StreamWriter`] | [`AnswerEvent`]s | frames for the caller |
//! | a [`SideReader`] | an upstream's events that pass by as they are | [`EventFacts`] |
//! | `error_body` | a code and a message | the caller's error |

use std::fmt::Debug;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use easyai_core::error::ErrorCode;
use easyai_core::kind::{Kind, Provider};
use easyai_core::usage::Usage;

use crate::conversation::{AnswerEvent, Notes, Stop, StopReason};
use crate::openai::due_usage::DueUsage;
use crate::openai::error::WireError;

easyai_core::words! {
    /// What is spoken in one call.
    pub enum Protocol as "protocol" {
        /// OpenAI's `POST /chat/completions`.
        Chat = "chat",
        /// OpenAI's `POST /responses`.
        Responses = "responses",
        /// Anthropic's `POST /v1/messages`.
        Messages = "messages",
        /// Gemini's `POST /models/{model}:generateContent`.
        GenerateContent = "generate_content",
        /// OpenAI's old `POST /completions`: passed through, or turned into a conversation of one turn.
        Completions = "completions",
        /// `POST /embeddings`: no conversation and no stream.
        Embeddings = "embeddings",
        /// `POST /moderations`, likewise.
        Moderations = "moderations",
        /// `POST /rerank`, likewise.
        Rerank = "rerank",
        /// OpenAI's `POST /responses/compact`, likewise.
        Compaction = "compaction",
        /// OpenAI's `POST /images/generations`.
        Images = "images",
        /// OpenAI's `POST /images/edits`.
        ImageEdits = "image_edits",
        /// OpenAI's `POST /videos`.
        Videos = "videos",
        /// OpenAI's `POST /audio/speech`.
        Speech = "speech",
        /// OpenAI's `POST /audio/transcriptions`.
        Transcriptions = "transcriptions",
        /// OpenAI's `POST /audio/translations`.
        Translations = "translations",
    }
}

/// A protocol that carries a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Talk {
    /// [`Protocol::Chat`].
    Chat,
    /// [`Protocol::Responses`].
    Responses,
    /// [`Protocol::Messages`].
    Messages,
    /// [`Protocol::GenerateContent`].
    GenerateContent,
    /// [`Protocol::Completions`]: one of a single turn.
    Completions,
}

impl Protocol {
    /// The same, if it carries a conversation.
    #[must_use]
    pub const fn talk(self) -> Option<Talk> {
        match self {
            Self::Chat => Some(Talk::Chat),
            Self::Responses => Some(Talk::Responses),
            Self::Messages => Some(Talk::Messages),
            Self::GenerateContent => Some(Talk::GenerateContent),
            Self::Completions => Some(Talk::Completions),
            Self::Embeddings
            | Self::Moderations
            | Self::Rerank
            | Self::Compaction
            | Self::Images
            | Self::ImageEdits
            | Self::Videos
            | Self::Speech
            | Self::Transcriptions
            | Self::Translations => None,
        }
    }

    /// The kind of a call in this protocol.
    #[must_use]
    pub const fn kind(self) -> Kind {
        match self {
            Self::Chat => Kind::ChatCompletions,
            Self::Responses => Kind::Responses,
            Self::Messages => Kind::Messages,
            Self::GenerateContent => Kind::GenerateContent,
            Self::Completions => Kind::Completions,
            Self::Embeddings => Kind::Embeddings,
            Self::Moderations => Kind::Moderations,
            Self::Rerank => Kind::Rerank,
            Self::Compaction => Kind::ResponsesCompact,
            Self::Images => Kind::ImagesGenerations,
            Self::ImageEdits => Kind::ImagesEdits,
            Self::Videos => Kind::VideosGenerations,
            Self::Speech => Kind::AudioSpeech,
            Self::Transcriptions => Kind::AudioTranscriptions,
            Self::Translations => Kind::AudioTranslations,
        }
    }

    /// Whether its requests may bring files, or name them, beside text.
    #[must_use]
    pub const fn brings_files(self) -> bool {
        match self {
            Self::Images | Self::ImageEdits | Self::Videos | Self::Speech | Self::Transcriptions | Self::Translations => true,
            Self::Chat
            | Self::Responses
            | Self::Messages
            | Self::GenerateContent
            | Self::Completions
            | Self::Embeddings
            | Self::Moderations
            | Self::Rerank
            | Self::Compaction => false,
        }
    }

    /// Whether it carries a conversation, which may be carried to another protocol.
    #[must_use]
    pub const fn is_text(self) -> bool {
        match self {
            Self::Chat | Self::Responses | Self::Messages | Self::GenerateContent | Self::Completions => true,
            Self::Embeddings | Self::Moderations | Self::Rerank | Self::Compaction => false,
            Self::Images | Self::ImageEdits | Self::Videos | Self::Speech | Self::Transcriptions | Self::Translations => false,
        }
    }
}

/// The upstream a request is written for.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// Whose dialect it speaks.
    pub provider: Provider,
    /// What the platform calls the model.
    pub model: &'a str,
    /// The most tokens one answer of it may have, if the catalogue says.
    pub max_output_tokens: Option<u64>,
    /// Whether a stream is asked for usage (chat's `stream_options`).
    pub stream_options: bool,
}

/// A request for an upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The body.
    pub body: Bytes,
    /// What was dropped or changed.
    pub notes: Notes,
}

/// What an answer is written with, beside itself.
#[derive(Debug, Clone)]
pub struct Envelope {
    /// The body of our own id (the task's): writers put their protocol's prefix before it (`chatcmpl-`, `resp_`, `msg_`). Used where the
    /// caller's protocol needs an id of ours, or the upstream gave none.
    pub id: String,
    /// When the answer was begun, in seconds since 1970.
    pub created_at: i64,
    /// The model as the caller asked for it; used where the upstream named none.
    pub model: Arc<str>,
    /// Whether a chat stream shows usage.
    pub include_usage: bool,
    /// The prompt in tokens, estimated: what an Anthropic stream begins with.
    pub input_tokens: u64,
    /// The caller's body, of which a response echoes the settings.
    pub request: Bytes,
}

/// Whether more may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Yes.
    More,
    /// No: `[DONE]`, `message_stop`, a terminal event.
    Done,
}

/// An event of an upstream's stream that can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an event of the stream is not a JSON object: {0}")]
pub struct BadEvent(pub String);

/// Reads an upstream's stream into the inner form. Tolerant: what it does not know it passes over.
pub trait StreamReader: Debug + Send {
    /// Reads one event's data and appends what it means. An error in the stream is [`AnswerEvent::Error`].
    ///
    /// # Errors
    /// [`BadEvent`] if it is not what this protocol sends.
    fn event(&mut self, data: &[u8], out: &mut Vec<AnswerEvent>) -> Result<Progress, BadEvent>;
}

/// Writes the inner form as the caller's stream. It is never told `Stop`, `Usage` or `Error` by [`StreamWriter::event`]: these wait for
/// the end.
pub trait StreamWriter: Debug + Send {
    /// Appends the frames of one step, if the protocol has any for it.
    fn event(&mut self, event: AnswerEvent, out: &mut BytesMut);

    /// Appends the last frames: closes what is open, says why it ended and what it used, and terminates.
    fn end(&mut self, stop: &Stop, usage: &Usage, out: &mut BytesMut);

    /// Appends a failure after the first delta. The stream is not closed as if it were complete.
    fn error(&mut self, code: ErrorCode, message: &str, out: &mut BytesMut);
}

/// How closely to look at an event that passes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// Whether the event is useful must be known: before the commit point.
    Full,
    /// Only usage, an end or an error matter: events that show none of them are not parsed.
    AfterCommit,
}

/// What an event that passes by means.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventFacts {
    /// It brings text, reasoning, a tool call, a refusal or media. Not known (false) for events that were not parsed.
    pub useful: bool,
    /// The answer, or one choice of it, has ended, and why. From this event on frames wait for the settlement.
    pub finish: Option<StopReason>,
    /// All usage that is known by now, merged; the last one of a stream counts.
    pub usage: Option<Usage>,
    /// Nothing but usage: the chunk that chat's `include_usage` adds.
    pub usage_only: bool,
    /// The upstream failed in the middle.
    pub error: Option<WireError>,
    /// Nothing follows: `[DONE]`, `message_stop`, a terminal event.
    pub done: bool,
}

/// Looks at events that pass by as they are.
pub trait SideReader: Debug + Send {
    /// Looks at one event's data.
    ///
    /// # Errors
    /// [`BadEvent`] if it was looked at and is not what this protocol sends.
    fn event(&mut self, data: &[u8], reading: Reading) -> Result<EventFacts, BadEvent>;

    /// What goes to the caller in place of an event's data that official SDKs would stumble over; none if it passes as it is. Asked of
    /// every event in its turn, after [`SideReader::event`].
    fn mended(&mut self, _data: &[u8]) -> Option<Bytes> {
        None
    }

    /// Whether the end of the body is a good end, though no event said so.
    fn ends_with_its_body(&self) -> bool {
        false
    }

    /// Appends the event that the caller waits for at a good end and this upstream does not know.
    fn close(&self, _out: &mut BytesMut) {}

    /// The chunk with usage that a caller who asked for it has not been shown by the end; only chat and completions have one.
    fn due_usage(&self) -> Option<DueUsage> {
        None
    }

    /// Appends a failure after the first delta, in the protocol's own shape.
    fn error(&mut self, code: ErrorCode, message: &str, out: &mut BytesMut);
}

/// What a whole answer that passes by says beside its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnswerFacts {
    /// What the upstream counted, if it did.
    pub usage: Option<Usage>,
}

/// A 200 that is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadAnswer {
    /// Not JSON, or not what this protocol answers.
    #[error("the answer can't be read: {0}")]
    Unparseable(String),
    /// An error in spite of the status.
    #[error("the answer is an error: {}", .0.message)]
    Error(WireError),
    /// Nothing in it.
    #[error("the answer is empty")]
    Empty,
    /// Refused for its content before anything was said.
    #[error("the answer was filtered: {0}")]
    Filtered(String),
}

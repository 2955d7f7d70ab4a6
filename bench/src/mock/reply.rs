//! What a call is answered with: the vocabulary of tests.

use std::time::Duration;

use bytes::Bytes;

use super::{
    Answer, Raw,
    plan::{End, Plan},
    request::Asked,
};

/// What the mock does with every call that no script answers.
#[derive(Debug, Clone, Default)]
pub struct Behaviour {
    /// The answer.
    pub reply: Reply,
    /// Time before the first byte of every answer, scripted ones too.
    pub latency: Duration,
    /// Whether requests are kept.
    pub recording: Recording,
    /// Which requests are calls.
    pub paths: Paths,
}

/// Which requests are calls; all others are refused with 404.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Paths {
    /// `POST …/chat/completions`.
    #[default]
    Chat,
    /// All of them, whatever their body.
    Any,
}

/// Whether requests are kept for [`super::MockUpstream::requests`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Recording {
    /// The last ten thousand.
    #[default]
    On,
    /// None, for load.
    Off,
}

/// One answer, good or bad.
#[derive(Debug, Clone)]
pub enum Reply {
    /// An answer, plain or streamed as the request asks; it may break off on the way (see [`Answer::broken`]).
    Answer(Answer),
    /// A refusal with an OpenAI error body.
    Error(UpstreamError),
    /// These bytes.
    Raw(Raw),
    /// The request is read, and then nothing: no byte, no close.
    Hang,
    /// The request is read, and the connection reset.
    Reset,
    /// The request is read, and the connection closed without a byte.
    Close,
    /// 200 with JSON that can't be parsed, also where a stream was asked for.
    Garbage,
    /// 200 with an HTML page, as broken proxies send.
    Html,
    /// 200 with `content-length: 0`.
    Empty,
    /// Another reply, later.
    Late(Duration, Box<Reply>),
}

/// An error as OpenAI words it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamError {
    /// The HTTP status; of no use inside a stream.
    pub status: u16,
    /// `error.type`.
    pub kind: String,
    /// `error.code`; none is `null`.
    pub code: Option<String>,
    /// `error.message`.
    pub message: String,
    /// The `retry-after` header.
    pub retry_after: Option<String>,
}

impl Behaviour {
    /// Every call gets this reply.
    pub fn always(reply: impl Into<Reply>) -> Self {
        Self { reply: reply.into(), ..Self::default() }
    }

    /// The same after so much time.
    #[must_use]
    pub fn with_latency(self, latency: Duration) -> Self {
        Self { latency, ..self }
    }

    /// The same for requests of every method and path.
    #[must_use]
    pub fn at_any_path(self) -> Self {
        Self { paths: Paths::Any, ..self }
    }

    /// The same without keeping requests.
    #[must_use]
    pub fn without_recording(self) -> Self {
        Self { recording: Recording::Off, ..self }
    }
}

impl Reply {
    /// The usual error of this status, such as 429 without Retry-After, 500, 503, 401, 402, 404 `model_not_found` or 400.
    pub fn status(status: u16) -> Self {
        Self::Error(UpstreamError::of_status(status))
    }

    /// 429 with `retry-after`, in seconds or as a date.
    pub fn rate_limited_for(retry_after: &str) -> Self {
        Self::Error(UpstreamError { retry_after: Some(retry_after.to_owned()), ..UpstreamError::of_status(429) })
    }

    /// The same reply after so much time.
    #[must_use]
    pub fn after(self, delay: Duration) -> Self {
        Self::Late(delay, Box::new(self))
    }

    pub(super) fn plan(&self, asked: Asked) -> Plan {
        match self {
            Self::Answer(answer) => answer.plan(asked),
            Self::Error(error) => error.plan(),
            Self::Raw(raw) => raw.plan(),
            Self::Hang => Plan::silent(End::Stall),
            Self::Reset => Plan::silent(End::Reset),
            Self::Close => Plan::silent(End::Close),
            Self::Garbage => Raw::json(200, GARBAGE).plan(),
            Self::Html => Raw::sized(200, "text/html; charset=utf-8", Bytes::from_static(HTML.as_bytes())).plan(),
            Self::Empty => Raw::json(200, Bytes::new()).plan(),
            Self::Late(delay, reply) => reply.plan(asked).delayed(*delay),
        }
    }
}

/// The default is the default answer.
impl Default for Reply {
    fn default() -> Self {
        Self::Answer(Answer::default())
    }
}

impl From<Answer> for Reply {
    fn from(answer: Answer) -> Self {
        Self::Answer(answer)
    }
}

impl From<UpstreamError> for Reply {
    fn from(error: UpstreamError) -> Self {
        Self::Error(error)
    }
}

impl From<Raw> for Reply {
    fn from(raw: Raw) -> Self {
        Self::Raw(raw)
    }
}

impl UpstreamError {
    /// An error with this status, type, code and message.
    pub fn new(status: u16, kind: &str, code: Option<&str>, message: &str) -> Self {
        Self { status, kind: kind.to_owned(), code: code.map(str::to_owned), message: message.to_owned(), retry_after: None }
    }

    /// What OpenAI says with this status.
    pub fn of_status(status: u16) -> Self {
        match status {
            401 => Self::new(401, "invalid_request_error", Some("invalid_api_key"), "Incorrect API key provided: sk-mock."),
            402 => Self::new(402, "insufficient_balance", None, "Insufficient Balance"),
            403 => Self::new(403, "permission_error", None, "You don't have access to this project."),
            404 => Self::new(404, "invalid_request_error", Some("model_not_found"), "The model `mock` does not exist."),
            429 => Self::new(429, "requests", Some("rate_limit_exceeded"), "Rate limit reached for requests."),
            503 => Self::new(503, "service_unavailable_error", Some("server_is_overloaded"), "The engine is currently overloaded."),
            500.. => Self::new(status, "server_error", None, "The server had an error while processing your request."),
            ..500 => Self::new(status, "invalid_request_error", Some("invalid_value"), "Invalid value for 'temperature'."),
        }
    }

    /// `{"error": {…}}`.
    pub fn body(&self) -> String {
        serde_json::json!({
            "error": { "message": self.message, "type": self.kind, "param": null, "code": self.code }
        })
        .to_string()
    }

    fn plan(&self) -> Plan {
        let raw = Raw::json(self.status, self.body()).with_header("x-request-id", UPSTREAM_REQUEST_ID);
        match &self.retry_after {
            Some(value) => raw.with_header("retry-after", value).plan(),
            None => raw.plan(),
        }
    }
}

/// The upstream request id that every regular answer carries in `x-request-id`.
pub const UPSTREAM_REQUEST_ID: &str = "req_mock";

/// JSON that breaks off inside a string.
pub(super) const GARBAGE: &str = r#"{"id":"chatcmpl-mock","object":"chat.compl"#;

const HTML: &str = "<!DOCTYPE html><html><head><title>502</title></head><body><h1>Bad gateway</h1></body></html>";

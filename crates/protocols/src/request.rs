//! A caller's request of any text protocol: what we act on is typed, the rest stays as it came.
//!
//! One pass over the bytes checks that they are JSON, names the first field that is wrong, and remembers where the few places lie that
//! may change on the way to an upstream of the same protocol. The inner form is read only if a candidate speaks another one.

pub(crate) mod inputs;
pub(crate) mod members;

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use easyai_core::kind::ModelType;

pub use self::inputs::InputForm;
use crate::bridge;
use crate::conversation::Conversation;
use crate::embeddings::EmbedRequest;
use crate::json::JsonError;
use crate::json::splice::{Edit, splice};
use crate::media::MediaRequest;
use crate::moderations::ModerationRequest;
use crate::openai::lenient::Text;
use crate::rerank::RerankRequest;
use crate::tokens;
use crate::wire::Protocol;

/// A request, checked.
#[derive(Debug, Clone)]
pub struct TextRequest {
    /// The caller's protocol.
    pub protocol: Protocol,
    /// What was found in it.
    pub scan: Scan,
    /// How the frames of a stream are put together.
    pub framing: Framing,
    /// What is no text.
    pub unary: Option<Arc<Unary>>,
    body: Bytes,
    /// The body as its caller wrote it, where another one stands in its place.
    original: Option<Bytes>,
    /// The response that it goes on from, whose turns stand in its body.
    previous: Option<Arc<str>>,
    conversation: OnceLock<Result<Arc<Conversation>, BadRequest>>,
}

/// A call that is neither a conversation nor streamed.
#[derive(Debug)]
pub enum Unary {
    /// Vectors of texts.
    Embeddings(EmbedRequest),
    /// Whether texts are harmful.
    Moderations(ModerationRequest),
    /// An order of documents.
    Rerank(RerankRequest),
    /// A conversation made short.
    Compaction(Box<TextRequest>),
    /// Images, a video, speech or text.
    Media(Box<MediaRequest>),
}

/// What was found in a body.
#[derive(Debug, Clone)]
pub struct Scan {
    /// The public model name.
    pub model: Arc<str>,
    /// Whether the answer is streamed.
    pub stream: bool,
    /// Whether the caller asked for usage inside the stream. Only chat and old completions leave a choice.
    pub include_usage: bool,
    /// The caller's bound on output tokens.
    pub max_output_tokens: Option<u64>,
    /// How many answers.
    pub choices: u32,
    /// What else the answer must do.
    pub needs: Needs,
    /// The prompt in tokens, estimated.
    pub prompt_tokens: u64,
    /// Where things lie in the body.
    pub spans: Spans,
}

/// How the frames of a stream are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Framing {
    /// Server-sent events.
    #[default]
    Events,
    /// A JSON array, as Gemini streams without `alt=sse`.
    Array,
}

/// Prompts that begin with so many equal bytes are taken for one conversation. Shorter ones no provider caches (OpenAI: from 1,024
/// tokens on).
const SHARED_PREFIX: usize = 4096;

/// What a request asks of a model beyond plain text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Needs {
    /// It brings tools.
    pub tools: bool,
    /// It forces a tool call.
    pub tool_call: bool,
    /// It asks for JSON.
    pub json: bool,
    /// It asks for JSON by a schema.
    pub json_schema: bool,
    /// It refers to items of earlier responses by their ids.
    pub earlier_items: bool,
    /// It brings images.
    pub vision: bool,
    /// It brings audio, or asks for it.
    pub audio: bool,
}

/// Where things lie in a body.
#[derive(Debug, Clone, Default)]
pub struct Spans {
    /// The model's name, quotes included; none if it is in the path.
    pub model: Option<Range<usize>>,
    /// The `stream_options` of chat and of old completions.
    pub stream_options: Option<StreamOptions>,
    /// The turns.
    pub turns: Range<usize>,
    /// What calls that share a prompt cache have in common.
    pub cache_key: Option<Range<usize>>,
    /// The caller's own user.
    pub user: Option<Range<usize>>,
    /// The brace that ends the body's object.
    pub end: usize,
}

/// The `stream_options` of chat and of old completions.
#[derive(Debug, Clone)]
pub enum StreamOptions {
    /// `null`, at this place.
    Null(Range<usize>),
    /// An object without `include_usage`; its brace is here, and it has members or not.
    Object {
        /// Right after its opening brace.
        after_brace: usize,
        /// Whether it has no members.
        is_empty: bool,
    },
    /// An object with `include_usage`, whose value is here.
    IncludeUsage(Range<usize>),
}

/// Whether the upstream is asked for usage in a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamUsage {
    /// Asked, even if the caller did not: a streamed answer can't be priced without it.
    Ask,
    /// As the caller wrote it: some old compatible upstreams refuse `stream_options`.
    Leave,
}

/// A request that is refused before anything is done for it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct BadRequest {
    /// The field that is wrong, if it is one.
    pub param: Option<String>,
    /// What to do.
    pub message: String,
}

impl BadRequest {
    /// A wrong field, and what is the matter with it: `` `name` problem ``.
    #[must_use]
    pub fn field(name: &str, problem: impl AsRef<str>) -> Self {
        Self { param: Some(name.to_owned()), message: format!("`{name}` {}", problem.as_ref()) }
    }

    /// Something that is no field's fault.
    #[must_use]
    pub fn whole(message: impl Into<String>) -> Self {
        Self { param: None, message: message.into() }
    }
}

impl TextRequest {
    /// What a protocol's reader found in `body`.
    #[must_use]
    pub const fn new(protocol: Protocol, body: Bytes, scan: Scan, framing: Framing) -> Self {
        Self { protocol, scan, framing, unary: None, body, original: None, previous: None, conversation: OnceLock::new() }
    }

    /// A call that is neither a conversation nor streamed.
    #[must_use]
    pub fn unary(unary: Unary) -> Self {
        let (protocol, scan, body) = match &unary {
            Unary::Embeddings(asked) => (Protocol::Embeddings, Scan::without_output(&asked.model, asked.tokens), asked.body()),
            Unary::Moderations(asked) => {
                let needs = Needs { vision: asked.images, ..Needs::default() };
                (Protocol::Moderations, Scan { needs, ..Scan::without_output(&asked.model, asked.tokens) }, asked.body())
            }
            Unary::Rerank(asked) => (Protocol::Rerank, Scan::without_output(&asked.model, asked.tokens), asked.body()),
            Unary::Compaction(asked) => (Protocol::Compaction, asked.scan.clone(), asked.body()),
            Unary::Media(asked) => {
                let tokens = tokens::estimate(asked.prompt());
                let scan = Scan { stream: asked.stream(), ..Scan::without_output(asked.model(), tokens) };
                (asked.protocol(), scan, &asked.body().bytes)
            }
        };
        let (body, conversation) = (body.clone(), OnceLock::new());
        Self { protocol, scan, framing: Framing::Events, unary: Some(Arc::new(unary)), body, original: None, previous: None, conversation }
    }

    /// What is done for it.
    #[must_use]
    pub fn model_type(&self) -> ModelType {
        match self.media() {
            Some(MediaRequest::Video(video)) if video.has_reference() => ModelType::ImageToVideo,
            Some(_) | None => self.protocol.kind().model_type(),
        }
    }

    /// What is asked of a model that makes or hears media, if it is that.
    #[must_use]
    pub fn media(&self) -> Option<&MediaRequest> {
        match self.unary.as_deref() {
            Some(Unary::Media(media)) => Some(media),
            Some(Unary::Embeddings(_) | Unary::Moderations(_) | Unary::Rerank(_) | Unary::Compaction(_)) | None => None,
        }
    }

    /// The body as it came.
    #[must_use]
    pub const fn body(&self) -> &Bytes {
        &self.body
    }

    /// The same, but what is echoed to the caller is `original`, which goes on from the response `previous`.
    #[must_use]
    pub fn in_place_of(self, original: Bytes, previous: Option<&str>) -> Self {
        Self { original: Some(original), previous: previous.map(Arc::from), ..self }
    }

    /// The response that it goes on from, of which an upstream knows nothing.
    #[must_use]
    pub const fn previous_response(&self) -> Option<&Arc<str>> {
        self.previous.as_ref()
    }

    /// The body as its caller wrote it.
    #[must_use]
    pub fn original(&self) -> &Bytes {
        self.original.as_ref().unwrap_or(&self.body)
    }

    /// The body for an upstream of the same protocol that calls the model `upstream_name`: the same bytes but for the name, and for
    /// the `include_usage` of chat and of old completions.
    #[must_use]
    pub fn outbound(&self, upstream_name: &str, usage: StreamUsage) -> Vec<Bytes> {
        let scan = &self.scan;
        let mut edits = Vec::with_capacity(2);
        if let Some(at) = scan.spans.model.clone().filter(|_| *upstream_name != *scan.model) {
            edits.push(Edit::text(at, upstream_name));
        }
        let may_leave_it_out = matches!(self.protocol, Protocol::Chat | Protocol::Completions);
        if may_leave_it_out && scan.stream && !scan.include_usage && usage == StreamUsage::Ask {
            edits.push(self.ask_for_usage());
        }
        if edits.is_empty() { vec![self.body.clone()] } else { splice(&self.body, edits) }
    }

    fn ask_for_usage(&self) -> Edit {
        let spans = &self.scan.spans;
        match &spans.stream_options {
            None => Edit { at: spans.end..spans.end, with: Bytes::from_static(b",\"stream_options\":{\"include_usage\":true}") },
            Some(StreamOptions::Null(at)) => Edit { at: at.clone(), with: Bytes::from_static(b"{\"include_usage\":true}") },
            Some(StreamOptions::Object { after_brace, is_empty: true }) => {
                Edit { at: *after_brace..*after_brace, with: Bytes::from_static(b"\"include_usage\":true") }
            }
            Some(StreamOptions::Object { after_brace, is_empty: false }) => {
                Edit { at: *after_brace..*after_brace, with: Bytes::from_static(b"\"include_usage\":true,") }
            }
            Some(StreamOptions::IncludeUsage(at)) => Edit { at: at.clone(), with: Bytes::from_static(b"true") },
        }
    }

    /// The inner form, read at most once.
    ///
    /// # Errors
    /// [`BadRequest`] names the first field that has no meaning.
    pub fn conversation(&self) -> Result<Arc<Conversation>, BadRequest> {
        self.conversation.get_or_init(|| bridge::read_request(self).map(Arc::new)).clone()
    }

    /// What calls that share a prompt cache have in common: the cache key, else the caller's own user, else the beginning of a long
    /// prompt.
    #[must_use]
    pub fn affinity(&self) -> Option<&[u8]> {
        let spans = &self.scan.spans;
        let named = spans.cache_key.as_ref().or(spans.user.as_ref());
        let span = named.cloned().or_else(|| {
            let end = spans.turns.start + SHARED_PREFIX;
            (end <= spans.turns.end).then_some(spans.turns.start..end)
        })?;
        self.body.get(span)
    }

    /// The text of the last turn, for the simulation. Not for the hot path.
    #[must_use]
    pub fn last_text(&self) -> String {
        #[derive(serde::Deserialize)]
        struct Turn {
            #[serde(default)]
            content: Text,
            #[serde(default)]
            parts: Text,
        }
        let turns = self.body.get(self.scan.spans.turns.clone()).unwrap_or_default();
        if let Ok(text) = serde_json::from_slice::<String>(turns) {
            return text;
        }
        let turns: Result<Vec<Turn>, _> = serde_json::from_slice(turns);
        turns.ok().and_then(|mut turns| turns.pop()).map(|turn| turn.content.0 + &turn.parts.0).unwrap_or_default()
    }
}

impl Scan {
    /// Of a call that is answered without text.
    fn without_output(model: &Arc<str>, prompt_tokens: u64) -> Self {
        Self {
            model: Arc::clone(model),
            stream: false,
            include_usage: false,
            max_output_tokens: Some(0),
            choices: 1,
            needs: Needs::default(),
            prompt_tokens,
            spans: Spans::default(),
        }
    }
}

impl From<JsonError> for BadRequest {
    fn from(error: JsonError) -> Self {
        Self::whole(format!("the request body is not JSON that can be read: {error}"))
    }
}

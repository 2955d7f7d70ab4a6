//! A chat request: what we act on is typed, the rest stays as it came.
//!
//! One pass over the bytes checks that they are JSON, names the first field that is wrong, and remembers where the model name and
//! the stream options lie, so that both can be changed without touching anything else.

mod read;

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::lenient::Text;
use super::splice::{Edit, splice};

/// A chat request, checked.
#[derive(Debug, Clone)]
pub struct ChatRequest {
    /// The public model name.
    pub model: Arc<str>,
    /// Whether the answer is streamed.
    pub stream: bool,
    /// Whether the caller asked for usage inside the stream.
    pub include_usage: bool,
    /// The caller's bound on output tokens.
    pub max_output_tokens: Option<u64>,
    /// `n`: how many answers.
    pub choices: u32,
    /// What else the answer must do.
    pub needs: Needs,
    /// The prompt in tokens, estimated.
    pub prompt_tokens: u64,
    body: Bytes,
    spans: Spans,
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
    /// It brings images.
    pub vision: bool,
    /// It brings audio, or asks for it.
    pub audio: bool,
}

/// Where things lie in the body.
#[derive(Debug, Clone, Default)]
struct Spans {
    model: Range<usize>,
    stream_options: Option<StreamOptions>,
    messages: Range<usize>,
    prompt_cache_key: Option<Range<usize>>,
    user: Option<Range<usize>>,
    /// The brace that ends the body's object.
    end: usize,
}

#[derive(Debug, Clone)]
enum StreamOptions {
    /// `null`, at this place.
    Null(Range<usize>),
    /// An object without `include_usage`; its brace is here, and it has members or not.
    Object { after_brace: usize, is_empty: bool },
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

impl ChatRequest {
    /// Checks a body.
    ///
    /// # Errors
    /// [`BadRequest`] names the first field that is wrong.
    pub fn parse(body: Bytes) -> Result<Self, BadRequest> {
        read::request(body)
    }

    /// The body as it came.
    #[must_use]
    pub const fn body(&self) -> &Bytes {
        &self.body
    }

    /// The body for an upstream that calls the model `upstream_name`: the same bytes but for the name, and for `include_usage`.
    #[must_use]
    pub fn outbound(&self, upstream_name: &str, usage: StreamUsage) -> Vec<Bytes> {
        let mut edits = Vec::with_capacity(2);
        if *upstream_name != *self.model {
            let name = serde_json::to_vec(upstream_name).unwrap_or_default();
            edits.push(Edit { at: self.spans.model.clone(), with: Bytes::from(name) });
        }
        if self.stream && !self.include_usage && usage == StreamUsage::Ask {
            edits.push(self.ask_for_usage());
        }
        if edits.is_empty() { vec![self.body.clone()] } else { splice(&self.body, edits) }
    }

    fn ask_for_usage(&self) -> Edit {
        match &self.spans.stream_options {
            None => Edit { at: self.spans.end..self.spans.end, with: Bytes::from_static(b",\"stream_options\":{\"include_usage\":true}") },
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

    /// What calls that share a prompt cache have in common: `prompt_cache_key`, else `user`, else the beginning of a long prompt.
    #[must_use]
    pub fn affinity(&self) -> Option<&[u8]> {
        let named = self.spans.prompt_cache_key.as_ref().or(self.spans.user.as_ref());
        let span = named.cloned().or_else(|| {
            let end = self.spans.messages.start + SHARED_PREFIX;
            (end <= self.spans.messages.end).then_some(self.spans.messages.start..end)
        })?;
        self.body.get(span)
    }

    /// The text of the last message, for the simulation. Not for the hot path.
    #[must_use]
    pub fn last_text(&self) -> String {
        #[derive(serde::Deserialize)]
        struct Message {
            #[serde(default)]
            content: Text,
        }
        let messages: Result<Vec<Message>, _> = serde_json::from_slice(&self.body[self.spans.messages.clone()]);
        messages.ok().and_then(|mut messages| messages.pop()).map(|message| message.content.0).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;

//! A regular answer: its text or calls, its usage, its framing. The plain form and the stream say the same.

mod dialect;
mod message;

use std::time::Duration;

use bytes::Bytes;

pub use self::dialect::Dialect;
use super::{
    Break, DoneMark, Fault, Framing, Place, Raw, Space, Writes,
    event::event,
    plan::{End, Plan},
    reply::{GARBAGE, UPSTREAM_REQUEST_ID},
    request::Asked,
};

/// An answer to a chat request.
#[derive(Debug, Clone)]
pub struct Answer {
    /// What it says.
    pub content: Content,
    /// Choices that all say the same (`n`); at least one.
    pub choices: usize,
    /// Whether choices carry `logprobs`.
    pub logprobs: Logprobs,
    /// Token counts.
    pub usage: Usage,
    /// Where they are reported.
    pub usage_report: UsageReport,
    /// `finish_reason`; none is `stop`, or `tool_calls` where the content is calls.
    pub finish_reason: Option<String>,
    /// Whether a stream is given where one is asked for.
    pub streaming: Streaming,
    /// The pause before each delta but the first.
    pub chunk_delay: Duration,
    /// Line ends of a stream.
    pub framing: Framing,
    /// Whether a space follows `data:`.
    pub space: Space,
    /// Whether `[DONE]` is sent.
    pub done: DoneMark,
    /// How bytes are handed to the network.
    pub writes: Writes,
    /// Where it breaks off, if it does.
    pub broken: Option<Break>,
}

/// What an answer says. Each piece is one delta of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Text.
    Text(Vec<String>),
    /// `message.refusal`.
    Refusal(Vec<String>),
    /// Tool calls, parallel if there is more than one.
    ToolCalls(Vec<ToolCall>),
}

/// One call of a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolCall {
    /// `call_1`.
    pub id: String,
    /// The function.
    pub name: String,
    /// Its arguments, a delta a piece.
    pub arguments: Vec<String>,
}

/// Token counts of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// All input, cached input included.
    pub prompt_tokens: u64,
    /// All output.
    pub completion_tokens: u64,
    /// The part of the input that was cached.
    pub cached_tokens: u64,
}

/// Where usage is reported. A plain answer always has it, except with `Never`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum UsageReport {
    /// On a chunk of its own, if `stream_options.include_usage` asks for it.
    #[default]
    AsAsked,
    /// On a chunk of its own, asked or not.
    Always,
    /// On the chunk with the finish reason, asked or not.
    OnFinishChunk,
    /// Nowhere.
    Never,
}

/// Whether an answer carries `logprobs`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Logprobs {
    /// `null`.
    #[default]
    None,
    /// One entry a piece.
    PerPiece,
}

/// What is made of `"stream": true`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Streaming {
    /// A stream.
    #[default]
    AsAsked,
    /// A plain JSON answer.
    Ignored,
}

/// "The answer is 42.", in four deltas, 9 tokens in, 4 out.
impl Default for Answer {
    fn default() -> Self {
        Self::saying(&["The", " answer", " is", " 42."])
    }
}

impl Answer {
    /// A text in these pieces; as many output tokens as pieces.
    pub fn saying(pieces: &[&str]) -> Self {
        Self::of(Content::Text(pieces.iter().map(|piece| (*piece).to_owned()).collect()))
    }

    /// A text of so many deltas, always the same for the same number.
    pub fn of_deltas(deltas: usize) -> Self {
        Self::of(Content::Text((0..deltas).map(|index| format!(" word{index}")).collect()))
    }

    /// Calls of tools.
    pub fn calling(calls: Vec<ToolCall>) -> Self {
        Self::of(Content::ToolCalls(calls))
    }

    /// A refusal in these pieces.
    pub fn refusing(pieces: &[&str]) -> Self {
        Self::of(Content::Refusal(pieces.iter().map(|piece| (*piece).to_owned()).collect()))
    }

    /// This content; as many output tokens as deltas.
    pub fn of(content: Content) -> Self {
        let completion_tokens = content.pieces() as u64;
        Self {
            content,
            choices: 1,
            logprobs: Logprobs::None,
            usage: Usage { prompt_tokens: 9, completion_tokens, cached_tokens: 0 },
            usage_report: UsageReport::AsAsked,
            finish_reason: None,
            streaming: Streaming::AsAsked,
            chunk_delay: Duration::ZERO,
            framing: Framing::Lf,
            space: Space::One,
            done: DoneMark::Sent,
            writes: Writes::Each,
            broken: None,
        }
    }

    /// The same, breaking off there.
    #[must_use]
    pub fn broken(self, place: Place, fault: Fault) -> Self {
        Self { broken: Some(Break { place, fault }), ..self }
    }

    /// The whole text (or refusal, or all arguments one after the other) of a choice.
    pub fn text(&self) -> String {
        match &self.content {
            Content::Text(pieces) | Content::Refusal(pieces) => pieces.concat(),
            Content::ToolCalls(calls) => calls.iter().map(|call| call.arguments.concat()).collect(),
        }
    }

    pub(super) fn plan(&self, asked: Asked) -> Plan {
        match (asked, self.streaming) {
            (Asked::Plain, _) | (Asked::Stream | Asked::StreamWithUsage, Streaming::Ignored) => self.plain(),
            (Asked::Stream | Asked::StreamWithUsage, Streaming::AsAsked) => self.stream(asked),
        }
    }

    fn plain(&self) -> Plan {
        let body = self.completion();
        let sized = |body: String| Raw::json(200, body).with_header("x-request-id", UPSTREAM_REQUEST_ID);
        let Some(Break { place, fault }) = &self.broken else {
            return Raw { writes: self.writes, ..sized(body) }.plan();
        };
        let sent = match place {
            Place::Headers => 0,
            Place::Preamble | Place::Deltas(_) => body.len() / 2,
        };
        let end = match fault {
            Fault::Stall => End::Stall,
            Fault::Cut => End::Close,
            Fault::Reset => End::Reset,
            Fault::End => return sized(body[..sent].to_owned()).plan(),
            Fault::Error(error) => return sized(error.body()).plan(),
            Fault::Garbage => return sized(GARBAGE.to_owned()).plan(),
        };
        // The head promises the whole body.
        let mut plan = Plan::new(200, &sized(String::new()).headers, Some(body.len()));
        plan.append(&body.as_bytes()[..sent]);
        plan.finish(self.writes, end)
    }

    fn stream(&self, asked: Asked) -> Plan {
        let raw = Raw::event_stream(Vec::new()).with_header("cache-control", "no-cache");
        let mut plan = Plan::new(200, &raw.with_header("x-request-id", UPSTREAM_REQUEST_ID).headers, None);
        let (preamble, deltas) = match self.broken.as_ref().map(|broken| broken.place) {
            None => (true, usize::MAX),
            Some(Place::Headers) => (false, 0),
            Some(Place::Preamble) => (true, 0),
            Some(Place::Deltas(deltas)) => (true, deltas),
        };
        let chunks = self.chunks(asked);
        if preamble {
            chunks.preamble.iter().for_each(|data| plan.chunk(&self.event(data)));
        }
        for (index, data) in chunks.deltas.iter().take(deltas).enumerate() {
            if index > 0 {
                plan.pause(self.chunk_delay);
            }
            plan.chunk(&self.event(data));
        }
        match self.broken.as_ref().map(|broken| &broken.fault) {
            None => chunks.ending.iter().for_each(|data| plan.chunk(&self.event(data))),
            Some(Fault::Stall) => return plan.finish(self.writes, End::Stall),
            Some(Fault::Cut) => return plan.finish(self.writes, End::Close),
            Some(Fault::Reset) => return plan.finish(self.writes, End::Reset),
            Some(Fault::End) => {}
            Some(Fault::Error(error)) => plan.chunk(&self.event(&error.body())),
            Some(Fault::Garbage) => plan.chunk(&self.event(GARBAGE)),
        }
        plan.last_chunk();
        plan.finish(self.writes, End::KeepAlive)
    }

    fn event(&self, data: &str) -> Bytes {
        event(data, self.framing, self.space).into()
    }
}

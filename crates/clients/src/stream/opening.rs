//! From the head of an answer to its first useful delta. Until then nothing has been delivered: whatever goes wrong is an ordinary
//! failure.

use std::future::poll_fn;

use bytes::BytesMut;
use easyai_core::failure::Failure;
use easyai_core::usage::Usage;
use easyai_protocols::openai::failure::classify;
use easyai_protocols::openai::stream::{ChunkFacts, Reading, read_chunk};
use easyai_protocols::sse::SseEvent;
use tokio::time::timeout_at;

use super::feed::Feed;
use super::{Asked, Choices, Clock, Source, UpstreamStream, write};
use crate::refusal::{TimeOut, bad_response};

/// Preamble that is held back; beyond it the stream counts as begun (`spec.md` section 4, Streaming).
const MAX_HELD_EVENTS: usize = 64;
const MAX_HELD_BYTES: usize = 256 << 10;

/// Finish reasons that an answer without any text may have.
const LEGITIMATE_ENDS: [&str; 4] = ["length", "content_filter", "tool_calls", "function_call"];

/// Reads up to the first useful delta.
///
/// # Errors
/// A [`Failure`] for an error in the stream, a stall, an end without output, or what is no stream of chunks.
pub(crate) async fn open(source: Source, clock: Clock, asked: Asked, request_id: Option<String>) -> Result<UpstreamStream, Failure> {
    let mut opening = Opening {
        feed: Feed::new(source, clock),
        held: BytesMut::new(),
        events: 0,
        tail: BytesMut::new(),
        usage: None,
        finish: None,
        choices: Choices::new(asked.choices),
        done: false,
    };
    match timeout_at(clock.first_delta(), opening.first_delta(asked.include_usage)).await {
        Ok(begun) => begun?,
        Err(_) => return Err(opening.feed.clock().too_late(TimeOut::FirstDelta)),
    }
    let Opening { feed, held, tail, usage, choices, done, .. } = opening;
    let first = (!held.is_empty()).then(|| held.freeze());
    Ok(UpstreamStream { feed, first, tail, choices, done, usage, include_usage: asked.include_usage, request_id })
}

struct Opening {
    feed: Feed,
    held: BytesMut,
    events: usize,
    tail: BytesMut,
    usage: Option<Usage>,
    finish: Option<String>,
    choices: Choices,
    done: bool,
}

impl Opening {
    async fn first_delta(&mut self, include_usage: bool) -> Result<(), Failure> {
        loop {
            let event = match poll_fn(|cx| self.feed.poll_event(cx)).await {
                Ok(Some(event)) => event,
                Ok(None) => return self.ended(),
                // What was still to come after the finish reason was only usage.
                Err(_) if self.choices.all_ended() => return self.ended(),
                Err(failure) => return Err(failure),
            };
            let facts = read_chunk(&event.data, Reading::Full).map_err(|bad| bad_response(bad.to_string()))?;
            if let Some(error) = facts.error {
                return Err(classify(None, &error, &|_| None));
            }
            if facts.done {
                self.done = true;
                return self.ended();
            }
            if self.take(event, &facts, include_usage) {
                return Ok(());
            }
        }
    }

    /// Keeps an event. True if it begins the answer.
    fn take(&mut self, event: SseEvent, facts: &ChunkFacts, include_usage: bool) -> bool {
        self.usage = facts.usage.or(self.usage);
        if facts.usage_only {
            if include_usage {
                self.tail = write(std::mem::take(&mut self.tail), &event);
            }
            return false;
        }
        if facts.finish {
            self.finish.clone_from(&facts.finish_reason);
            self.choices.one_ended();
            if self.choices.all_ended() {
                self.feed.only_the_rest_is_missing();
            }
            self.tail = write(std::mem::take(&mut self.tail), &event);
            return facts.useful;
        }
        if facts.useful && self.choices.any_ended() {
            self.choices.goes_on();
            self.feed.goes_on();
        }
        self.held = write(std::mem::take(&mut self.held), &event);
        self.events += 1;
        facts.useful || self.events >= MAX_HELD_EVENTS || self.held.len() >= MAX_HELD_BYTES
    }

    /// The stream ended before anything useful came. That is an answer only if the upstream says why it has no text.
    fn ended(&mut self) -> Result<(), Failure> {
        let Some(reason) = &self.finish else { return Err(bad_response("the stream ended before any output")) };
        let produced = self.usage.is_some_and(|usage| usage.output_tokens > 0);
        if produced || LEGITIMATE_ENDS.contains(&reason.as_str()) {
            return Ok(());
        }
        Err(bad_response("the stream ended without any output"))
    }
}

//! From the head of an answer to its first useful delta. Until then nothing has been delivered: whatever goes wrong is an ordinary
//! failure.

use std::future::poll_fn;

use bytes::BytesMut;
use easyai_core::failure::Failure;
use easyai_core::usage::Usage;
use easyai_protocols::conversation::StopReason;
use easyai_protocols::openai::failure::classify;
use easyai_protocols::sse::SseEvent;
use easyai_protocols::wire::Reading;
use tokio::time::timeout_at;

use super::feed::Feed;
use super::{Asked, Choices, Clock, Passage, Source, UpstreamStream};
use crate::refusal::{TimeOut, bad_response};

/// Preamble that is held back; beyond it the stream counts as begun (`spec.md` section 4, Streaming).
const MAX_HELD_EVENTS: usize = 64;
const MAX_HELD_BYTES: usize = 256 << 10;

/// Reads up to the first useful delta.
///
/// # Errors
/// A [`Failure`] for an error in the stream, a stall, an end without output, or what is no stream of events.
pub(crate) async fn open(
    source: Source,
    clock: Clock,
    asked: Asked,
    passage: Passage,
    request_id: Option<String>,
) -> Result<UpstreamStream, Failure> {
    let mut opening = Opening {
        feed: passage.feed(source, clock),
        passage,
        held: BytesMut::new(),
        events: 0,
        tail: BytesMut::new(),
        usage: None,
        finish: None,
        choices: Choices::new(asked.choices),
        done: false,
        ended: false,
    };
    match timeout_at(clock.first_delta(), opening.first_delta(asked.include_usage)).await {
        Ok(begun) => begun?,
        Err(_) => return Err(opening.feed.clock().too_late(TimeOut::FirstDelta)),
    }
    let Opening { feed, passage, held, tail, usage, choices, done, ended, .. } = opening;
    let first = (!held.is_empty()).then(|| held.freeze());
    let Asked { include_usage, media, .. } = asked;
    Ok(UpstreamStream { feed, passage, first, tail, choices, done, ended, usage, include_usage, media, request_id })
}

struct Opening {
    feed: Feed,
    passage: Passage,
    held: BytesMut,
    events: usize,
    tail: BytesMut,
    usage: Option<Usage>,
    finish: Option<StopReason>,
    choices: Choices,
    done: bool,
    ended: bool,
}

impl Opening {
    async fn first_delta(&mut self, include_usage: bool) -> Result<(), Failure> {
        let mut begun = false;
        loop {
            let event = match poll_fn(|cx| self.feed.poll_event(cx)).await {
                Ok(Some(event)) => event,
                Ok(None) => return self.over(begun),
                // What was still to come after the finish reason was only usage.
                Err(_) if self.choices.all_ended() => return self.over(begun),
                Err(failure) => return Err(failure),
            };
            begun |= match self.take(event, include_usage) {
                Ok(begins) => begins,
                Err(_) if self.choices.all_ended() => return self.over(begun),
                Err(failure) => return Err(failure),
            };
            if self.done {
                return self.over(begun);
            }
            if begun {
                return Ok(());
            }
        }
    }

    /// Keeps an event. True if it begins the answer.
    fn take(&mut self, event: SseEvent, include_usage: bool) -> Result<bool, Failure> {
        let (facts, frame) = self.passage.event(event, Reading::Full).map_err(|bad| bad_response(bad.to_string()))?;
        self.usage = facts.usage.or(self.usage);
        if let Some(error) = &facts.error {
            return Err(classify(None, error, &|_| None));
        }
        self.done |= facts.done;
        self.ended |= facts.done;
        if facts.usage_only {
            if include_usage {
                self.tail.extend_from_slice(&frame);
            }
            return Ok(false);
        }
        if facts.useful && self.choices.any_ended() && facts.finish.is_none() {
            self.choices.goes_on();
            self.feed.goes_on();
        }
        if facts.finish.is_some() {
            self.finish = facts.finish;
            self.choices.one_ended();
            if self.choices.all_ended() {
                self.feed.only_the_rest_is_missing();
            }
        }
        if self.passage.keeps_its_end() && (facts.done || facts.finish.is_some()) {
            if !facts.done || self.passage.ends_by_its_own_frame() {
                self.tail.extend_from_slice(&frame);
            }
            return Ok(facts.useful);
        }
        self.held.extend_from_slice(&frame);
        self.events += 1;
        Ok(facts.useful || self.events >= MAX_HELD_EVENTS || self.held.len() >= MAX_HELD_BYTES)
    }

    /// The stream ended early. Without anything useful that is an answer only if the upstream says why it has no text.
    fn over(&mut self, begun: bool) -> Result<(), Failure> {
        self.done = true;
        let Some(reason) = self.finish else { return Err(bad_response("the stream ended before any output")) };
        let produced = self.usage.is_some_and(|usage| usage.output_tokens > 0);
        if begun || produced || reason != StopReason::Stop {
            return Ok(());
        }
        Err(bad_response("the stream ended without any output"))
    }
}

//! A stream of deltas, from its first useful one to its end.
//!
//! ```text
//! open: hold back the preamble ─▶ first useful delta ─▶ deltas as they come ─▶ finish chunk ─▶ usage, [DONE] ─▶ End
//!            └─ anything wrong: Err, nothing was delivered        └─ anything wrong: Failed, what came is delivered
//! ```
//!
//! It is polled by whoever sends it on: no task or channel stands in between, and dropping it closes the upstream's connection.

mod choices;
mod clock;
mod feed;
mod opening;
mod passage;
mod source;
mod whole;

use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use easyai_core::error::ErrorCode;
use easyai_core::failure::Failure;
use easyai_core::media::MediaUsage;
use easyai_core::usage::Usage;
use easyai_protocols::convert::Converter;
use easyai_protocols::media::MediaRequest;
use easyai_protocols::openai::due_usage::DueUsage;
use easyai_protocols::openai::failure::classify;
use easyai_protocols::request::TextRequest;
use easyai_protocols::sse::SseEvent;
use easyai_protocols::wire::{EventFacts, Reading};
use http::HeaderValue;

use self::choices::Choices;
pub(crate) use self::clock::Clock;
use self::feed::Feed;
pub(crate) use self::opening::open;
pub(crate) use self::passage::Passage;
pub(crate) use self::source::{Piece, Script, Source};
pub(crate) use self::whole::from_whole;
use crate::refusal::bad_response;

/// What is sent on in one piece at most: beyond it a fast upstream would fill memory before the caller reads.
const MAX_PIECE: usize = 256 << 10;

/// What comes next.
#[derive(Debug)]
pub enum StreamItem {
    /// Whole frames in our own framing: everything that one read brought.
    Deltas(Bytes),
    /// The end. Its frames wait for the settlement.
    End {
        /// They wait for the settlement.
        last: LastFrames,
        /// What the upstream counted, if it did.
        usage: Option<Usage>,
    },
    /// It broke off.
    Failed(Failure),
}

/// The frames of an end: from the chunk with the finish reason on, up to `[DONE]`.
#[derive(Debug, Clone)]
pub struct LastFrames {
    frames: Bytes,
    /// Usage that the upstream did not tell where the caller looks for it, and what comes after it.
    due: Option<(DueUsage, Bytes)>,
}

impl LastFrames {
    /// All of them, for an answer that used so much.
    #[must_use]
    pub fn telling(&self, usage: &Usage) -> Bytes {
        let Some((due, closing)) = &self.due else { return self.frames.clone() };
        let mut frames = BytesMut::from(&*self.frames);
        due.frame(usage, &mut frames);
        frames.extend_from_slice(closing);
        frames.freeze()
    }

    /// What was delivered with them.
    #[must_use]
    pub const fn delivered(&self) -> &Bytes {
        &self.frames
    }
}

/// What of the request decides how its stream is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    include_usage: bool,
    choices: u32,
    /// What is used or made beside tokens, where the stream itself does not tell it.
    media: Option<MediaUsage>,
}

impl Asked {
    pub(crate) fn by(request: &TextRequest) -> Self {
        let choices = match request.media() {
            // Each image ends by an event of its own.
            Some(MediaRequest::Image(image)) => image.n.get(),
            Some(MediaRequest::Video(_) | MediaRequest::Speech(_) | MediaRequest::Transcription(_)) | None => request.scan.choices,
        };
        Self { include_usage: request.scan.include_usage, choices, media: None }
    }

    /// The same, where this is used or made beside tokens.
    pub(crate) const fn with_media(self, media: Option<MediaUsage>) -> Self {
        Self { media, ..self }
    }
}

/// A stream that has begun.
#[derive(Debug)]
pub struct UpstreamStream {
    feed: Feed,
    passage: Passage,
    /// The preamble and the first useful delta.
    first: Option<Bytes>,
    /// From the finish chunk on.
    tail: BytesMut,
    choices: Choices,
    done: bool,
    /// The upstream sent the frame that says nothing follows.
    ended: bool,
    usage: Option<Usage>,
    include_usage: bool,
    media: Option<MediaUsage>,
    request_id: Option<String>,
}

/// Frames on their way out, copied only if there are several.
#[derive(Debug, Default)]
enum Gathered {
    #[default]
    Nothing,
    One(Bytes),
    Many(BytesMut),
}

impl Gathered {
    fn add(&mut self, frame: Bytes) {
        if frame.is_empty() {
            return;
        }
        *self = match std::mem::take(self) {
            Self::Nothing => Self::One(frame),
            Self::One(first) => {
                let mut frames = BytesMut::from(first);
                frames.extend_from_slice(&frame);
                Self::Many(frames)
            }
            Self::Many(mut frames) => {
                frames.extend_from_slice(&frame);
                Self::Many(frames)
            }
        };
    }

    fn len(&self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::One(frame) => frame.len(),
            Self::Many(frames) => frames.len(),
        }
    }

    fn take(&mut self) -> Option<Bytes> {
        match std::mem::take(self) {
            Self::Nothing => None,
            Self::One(frame) => Some(frame),
            Self::Many(frames) => Some(frames.freeze()),
        }
    }
}

impl UpstreamStream {
    /// A stream whose every delta is here already.
    pub(crate) fn whole(frames: Bytes, converter: Converter, clock: Clock, request_id: Option<String>) -> Self {
        Self {
            feed: Feed::new(Source::Whole(None), clock),
            usage: converter.usage(),
            passage: Passage::Converted(Box::new(converter)),
            first: Some(frames),
            tail: BytesMut::new(),
            choices: Choices::new(1),
            done: true,
            ended: true,
            include_usage: false,
            media: None,
            request_id,
        }
    }

    /// The id the upstream gave its answer.
    #[must_use]
    pub fn upstream_request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// What it is, where it is a file and no events: nothing can be told in it then, neither a comment nor an error.
    #[must_use]
    pub const fn media_type(&self) -> Option<&HeaderValue> {
        self.passage.media_type()
    }

    /// What comes next. Not to be polled again after `End` or `Failed`.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<StreamItem> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(StreamItem::Deltas(first));
        }
        let mut gathered = Gathered::default();
        loop {
            if self.done {
                self.feed.drain(cx);
                return Poll::Ready(gathered.take().map_or_else(|| self.end(), StreamItem::Deltas));
            }
            if gathered.len() > MAX_PIECE {
                return Poll::Ready(gathered.take().map_or_else(|| self.end(), StreamItem::Deltas));
            }
            match self.feed.poll_event(cx) {
                Poll::Pending => return gathered.take().map_or(Poll::Pending, |frames| Poll::Ready(StreamItem::Deltas(frames))),
                Poll::Ready(Ok(Some(event))) => match self.take(event, &mut gathered) {
                    Ok(()) => {}
                    // All was said: whether what follows is an error, broken or nothing changes none of it, however it comes in.
                    Err(_) if self.choices.all_ended() => self.done = true,
                    Err(failure) => return Poll::Ready(self.fail(failure, gathered)),
                },
                Poll::Ready(Ok(None)) if self.choices.any_ended() || self.passage.ends_with_its_body() => self.done = true,
                Poll::Ready(Ok(None)) => {
                    let failure = bad_response("the stream ended without a finish reason: it was cut off");
                    return Poll::Ready(self.fail(failure, gathered));
                }
                // What the upstream still owed after the finish reason was only usage.
                Poll::Ready(Err(_)) if self.choices.all_ended() => self.done = true,
                Poll::Ready(Err(failure)) => return Poll::Ready(self.fail(failure, gathered)),
            }
        }
    }

    /// Sorts one event: to the caller, to the end, or nowhere.
    fn take(&mut self, event: SseEvent, gathered: &mut Gathered) -> Result<(), Failure> {
        let reading = if self.choices.any_ended() { Reading::Full } else { Reading::AfterCommit };
        let (facts, frame) = self.passage.event(event, reading).map_err(|bad| bad_response(bad.to_string()))?;
        self.usage = facts.usage.or(self.usage);
        if let Some(error) = &facts.error {
            return Err(classify(None, error, &|_| None));
        }
        if !self.passage.keeps_its_end() {
            gathered.add(frame);
            self.note_end(&facts);
        } else if facts.done || facts.finish.is_some() {
            self.keep(&facts, &frame);
        } else if facts.usage_only {
            if self.include_usage {
                self.tail.extend_from_slice(&frame);
            }
        } else if self.choices.any_ended() && facts.useful {
            // With several choices one ends before the others: what waited for the end was not it.
            self.choices.goes_on();
            self.feed.goes_on();
            gathered.add(std::mem::take(&mut self.tail).freeze());
            gathered.add(frame);
        } else if self.choices.any_ended() {
            self.tail.extend_from_slice(&frame);
        } else {
            gathered.add(frame);
        }
        Ok(())
    }

    /// Keeps a frame of the end until the settlement.
    fn keep(&mut self, facts: &EventFacts, frame: &Bytes) {
        if !facts.done || self.passage.ends_by_its_own_frame() {
            self.tail.extend_from_slice(frame);
        }
        self.ended |= facts.done;
        self.note_end(facts);
    }

    fn note_end(&mut self, facts: &EventFacts) {
        if facts.finish.is_some() {
            self.choices.one_ended();
            if self.choices.all_ended() {
                self.feed.only_the_rest_is_missing();
            }
        }
        self.done |= facts.done;
    }

    fn end(&mut self) -> StreamItem {
        let due = self.passage.due_usage().filter(|_| self.include_usage);
        let mut closing = BytesMut::new();
        self.passage.end(self.ended, if due.is_some() { &mut closing } else { &mut self.tail });
        let last = LastFrames { frames: std::mem::take(&mut self.tail).freeze(), due: due.map(|due| (due, closing.freeze())) };
        let told = self.usage.map(|usage| Usage { media: usage.media.or(self.media), ..usage });
        let usage = told.or_else(|| self.media.map(Usage::of_media));
        StreamItem::End { last, usage }
    }

    /// The frames that tell the caller of a failure after the first delta; none in a file.
    pub fn error(&mut self, code: ErrorCode, message: &str) -> Bytes {
        self.passage.error(code, message)
    }

    /// First what came before the failure, then the failure.
    fn fail(&mut self, failure: Failure, mut gathered: Gathered) -> StreamItem {
        match gathered.take() {
            None => StreamItem::Failed(failure),
            Some(frames) => {
                self.feed.fail_next(failure);
                StreamItem::Deltas(frames)
            }
        }
    }
}

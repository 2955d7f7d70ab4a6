//! Events out of a source, within the limits of time. One timer serves a whole stream: it is armed again only when it fires, not at
//! every read. Where a source has no events, every piece that is read is one, and an empty one is the end.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use easyai_core::failure::Failure;
use easyai_protocols::sse::{Reader, SseEvent, TooLarge};
use tokio::time::{Instant, Sleep, sleep_until};

use super::{Clock, Source};
use crate::refusal::{TimeOut, bad_response};

/// The largest event: chunks with images in them reach tens of megabytes.
const MAX_EVENT_BYTES: usize = 64 << 20;

/// After a finish reason only usage and `[DONE]` may come. They come at once, or not at all.
const GRACE: Duration = Duration::from_secs(2);

/// What a source's bytes are.
#[derive(Debug)]
enum Framing {
    /// Server-sent events.
    Events(Reader),
    /// A file, piece by piece.
    Pieces {
        /// What was read last.
        piece: Option<Bytes>,
    },
}

/// Events of one stream.
#[derive(Debug)]
pub(super) struct Feed {
    source: Source,
    framing: Framing,
    clock: Clock,
    timer: Pin<Box<Sleep>>,
    last_read: Instant,
    ended: bool,
    grace_until: Option<Instant>,
    failure: Option<Failure>,
}

impl Feed {
    pub(super) fn new(source: Source, clock: Clock) -> Self {
        Self::framed(Framing::Events(Reader::new(MAX_EVENT_BYTES)), source, clock)
    }

    /// Of a file that comes piece by piece.
    pub(super) fn of_pieces(source: Source, clock: Clock) -> Self {
        Self::framed(Framing::Pieces { piece: None }, source, clock)
    }

    fn framed(framing: Framing, source: Source, clock: Clock) -> Self {
        let last_read = Instant::now();
        let timer = Box::pin(sleep_until(clock.more(last_read)));
        Self { source, framing, clock, timer, last_read, ended: false, grace_until: None, failure: None }
    }

    /// From now on the upstream has only a little while.
    pub(super) fn only_the_rest_is_missing(&mut self) {
        if self.grace_until.is_none() {
            let until = Instant::now() + GRACE;
            self.grace_until = Some(until);
            self.timer.as_mut().reset(until.min(self.clock.end()));
        }
    }

    /// It was not only the rest after all.
    pub(super) const fn goes_on(&mut self) {
        self.grace_until = None;
    }

    /// After `[DONE]`: takes the end of the body, which most often is here already, so that the connection can serve another call.
    pub(super) fn drain(&mut self, cx: &mut Context<'_>) {
        if !self.ended
            && let Poll::Ready(None | Some(Err(_))) = self.source.poll_data(cx)
        {
            self.ended = true;
        }
    }

    /// The next poll gives this failure.
    pub(super) fn fail_next(&mut self, failure: Failure) {
        self.failure = Some(failure);
    }

    pub(super) const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The next event; none at the end of the body.
    pub(super) fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<SseEvent>, Failure>> {
        loop {
            if let Some(failure) = self.failure.take() {
                return Poll::Ready(Err(failure));
            }
            match self.framing.next() {
                Ok(Some(event)) => return Poll::Ready(Ok(Some(event))),
                Ok(None) if self.ended => return Poll::Ready(Ok(None)),
                Ok(None) => {}
                Err(too_large) => return Poll::Ready(Err(bad_response(too_large.to_string()))),
            }
            match self.source.poll_data(cx) {
                Poll::Ready(Some(Ok(data))) => {
                    self.last_read = Instant::now();
                    // The timer is looked at only where nothing comes: an upstream that never pauses would never be late.
                    if self.last_read >= self.clock.end() {
                        return Poll::Ready(Err(self.clock.too_late(TimeOut::Total)));
                    }
                    self.framing.push(data);
                }
                Poll::Ready(Some(Err(failure))) => return Poll::Ready(Err(failure)),
                Poll::Ready(None) => {
                    self.ended = true;
                    self.framing.finish();
                }
                Poll::Pending => return self.poll_timer(cx),
            }
        }
    }

    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<SseEvent>, Failure>> {
        while self.timer.as_mut().poll(cx).is_ready() {
            let due = self.grace_until.map_or_else(|| self.clock.more(self.last_read), |until| until.min(self.clock.end()));
            if Instant::now() >= due {
                return Poll::Ready(Err(self.clock.too_late(TimeOut::Idle)));
            }
            self.timer.as_mut().reset(due);
        }
        Poll::Pending
    }
}

impl Framing {
    fn next(&mut self) -> Result<Option<SseEvent>, TooLarge> {
        match self {
            Self::Events(reader) => reader.next(),
            Self::Pieces { piece } => Ok(piece.take().map(|data| SseEvent { data, name: None, raw: None })),
        }
    }

    fn push(&mut self, data: Bytes) {
        match self {
            Self::Events(reader) => reader.push(data),
            // An empty piece would be the end.
            Self::Pieces { piece } => *piece = Some(data).filter(|data| !data.is_empty()),
        }
    }

    fn finish(&mut self) {
        match self {
            Self::Events(reader) => reader.finish(),
            Self::Pieces { piece } => *piece = Some(Bytes::new()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::num::NonZeroU32;

    use bytes::Bytes;
    use easyai_core::catalog::Timeouts;
    use easyai_core::failure::Category;

    use super::*;
    use crate::stream::{Piece, Script};

    #[tokio::test]
    async fn an_upstream_that_never_pauses_is_late_all_the_same() {
        let hour = NonZeroU32::new(3_600_000).unwrap();
        let timeouts = Timeouts { connect_ms: hour, first_delta_ms: hour, idle_ms: hour, total_ms: hour };
        let talk = || (Duration::ZERO, Piece::Send(Bytes::from_static(b"data: {}\n\n")));
        for (deadline, expected) in [(None, None), (Some(Instant::now()), Some(Category::Timeout))] {
            let source = Source::Simulated(Script::new([talk(), talk()]));
            let mut feed = Feed::new(source, Clock::start(timeouts, deadline));
            let first = poll_fn(|cx| feed.poll_event(cx)).await;
            assert_eq!(first.err().map(|failure| failure.category), expected);
        }
    }
}

//! A stream on its way to the caller: an HTTP body that is polled by the caller's connection, so that backpressure reaches the
//! upstream and no task or channel stands in between.
//!
//! ```text
//! Streaming ── end, failure, no more money ──▶ Settling (finish, one commit) ──▶ last frames ──▶ over
//!     └──────── dropped: the caller is gone ──▶ the upstream is cancelled (or drained), what was produced is booked
//! ```

mod ending;

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use easyai_clients::{StreamItem, UpstreamStream};
use easyai_core::error::ErrorCode;
use easyai_core::failure::{Category, Failure, Sent};
use easyai_core::money::Money;
use easyai_core::run::Delivery;
use easyai_core::usage::Usage;
use easyai_protocols::wire::Protocol;
use easyai_store::StoreError;
use easyai_store::journal::{Checkpoint, Raised};
use http::HeaderValue;
use http_body::Frame;
use tokio::task::JoinHandle;
use tokio::time::{Instant, Sleep};

use crate::deliver::ending::{Ended, Ending, Recording, Streamed};
use crate::finish::Settled;
use crate::open::Live;
use crate::runner::Runner;
use crate::tally::Tally;
use crate::thinking;

/// A hold that is grown is grown to this many times what was used, so that it is not asked for at every checkpoint.
const GROWTH: i64 = 2;

/// A hold that is being grown.
struct Raising {
    used: Money,
    wanted: Money,
    answer: Pin<Box<dyn Future<Output = Result<Raised, StoreError>> + Send>>,
}

/// A file broke off that was sent as it came. Nothing can be told in it: its connection is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the answer broke off")]
pub struct BrokenOff;

/// A committed stream.
pub struct Delivering {
    runner: Arc<Runner>,
    /// The caller's.
    protocol: Protocol,
    /// What it is, if it is a file and has no frames.
    file: Option<HeaderValue>,
    state: State,
    checkpoint: Pin<Box<Sleep>>,
    raising: Option<Raising>,
}

enum State {
    Streaming(Box<Streaming>),
    /// What the caller is told of a failure is there; the frames of a complete answer come with its settlement.
    Settling {
        ended: JoinHandle<Ended>,
        told: Result<Bytes, BrokenOff>,
    },
    Over,
}

struct Streaming {
    upstream: Box<UpstreamStream>,
    streamed: Streamed,
}

impl Delivering {
    pub(crate) fn new(runner: &Arc<Runner>, live: Box<Live>, delivery: Delivery, upstream: Box<UpstreamStream>) -> Self {
        let (protocol, prompt_tokens) = (live.ask.request.protocol, live.ask.request.scan.prompt_tokens);
        let expected = live.carried.usage_of(&delivery.candidate().offer, || Usage::counted(prompt_tokens, 0));
        let tally = Tally::new(protocol, prompt_tokens, expected.media);
        let recording = live.most_recorded(&runner.settings).map(Recording::new);
        let file = upstream.media_type().cloned();
        let streamed = Streamed { live, delivery, tally, recording, file: file.clone() };
        Self {
            runner: Arc::clone(runner),
            protocol,
            file,
            state: State::Streaming(Box::new(Streaming { upstream, streamed })),
            checkpoint: Box::pin(tokio::time::sleep(runner.settings.checkpoint_every)),
            raising: None,
        }
    }

    /// What it is, if it is a file and no events.
    #[must_use]
    pub const fn file(&self) -> Option<&HeaderValue> {
        self.file.as_ref()
    }

    /// Reads it to its end, where nobody else does: a task that goes on without its caller records its answer.
    pub(crate) async fn run_to_its_end(mut self) {
        while std::future::poll_fn(|cx| http_body::Body::poll_frame(Pin::new(&mut self), cx)).await.is_some() {}
    }

    fn poll_streaming(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if let Poll::Ready(failure) = self.poll_money(cx) {
            return Poll::Ready(self.end(Ending::OutOfMoney(failure)));
        }
        if self.checkpoint.as_mut().poll(cx).is_ready() {
            self.write_checkpoint();
            let next = Instant::now() + self.runner.settings.checkpoint_every;
            self.checkpoint.as_mut().reset(next);
            // Registers the waker again, and the raised hold's for the first time.
            cx.waker().wake_by_ref();
        }
        let State::Streaming(streaming) = &mut self.state else { return Poll::Ready(None) };
        match std::task::ready!(streaming.upstream.poll_next(cx)) {
            StreamItem::Deltas(frames) => {
                streaming.streamed.delivered(&frames);
                Poll::Ready(Some(frames))
            }
            StreamItem::End { last, usage } => Poll::Ready(self.end(Ending::Complete { last, usage })),
            StreamItem::Failed(failure) => Poll::Ready(self.end(Ending::BrokeOff(failure))),
        }
    }

    /// Ready only if there is no money for more.
    fn poll_money(&mut self, cx: &mut Context<'_>) -> Poll<Failure> {
        let Some(raising) = &mut self.raising else { return Poll::Pending };
        let raised = std::task::ready!(raising.answer.as_mut().poll(cx));
        let Raising { used, wanted, .. } = *raising;
        self.raising = None;
        let State::Streaming(streaming) = &mut self.state else { return Poll::Pending };
        let live = &mut streaming.streamed.live;
        match raised {
            Ok(Raised::Raised) => live.hold = wanted,
            Ok(Raised::Insufficient { available }) => {
                let affordable = live.hold.plus(available).unwrap_or(live.hold);
                if affordable <= used {
                    let message = format!("the wallet has {available} left, which does not cover the rest of the answer: top up");
                    return Poll::Ready(Failure::new(Category::LocalRateLimit, Sent::Maybe, message));
                }
                // Not twice as much, but all there is.
                self.raise_hold(used, affordable);
                return self.poll_money(cx);
            }
            // No reason to end a stream: the next checkpoint asks again, and the charge is booked in full anyway.
            Ok(Raised::AlreadyOver) | Err(_) => {}
        }
        Poll::Pending
    }

    fn raise_hold(&mut self, used: Money, wanted: Money) {
        let State::Streaming(streaming) = &self.state else { return };
        let subject = streaming.streamed.live.record.subject();
        let (journal, task, account) = (self.runner.journal.clone(), subject.task, subject.account);
        let answer = Box::pin(async move { journal.raise_hold(task, account, wanted).await });
        self.raising = Some(Raising { used, wanted, answer });
    }

    fn write_checkpoint(&mut self) {
        let State::Streaming(streaming) = &mut self.state else { return };
        let streamed = &mut streaming.streamed;
        let usage = streamed.tally.so_far();
        let Ok(bill) = streamed.live.terms.bill(&streamed.delivery.candidate().offer, &usage, &usage) else { return };
        let task = streamed.live.record.subject().task;
        let (used, hold) = (bill.charge, streamed.live.hold);
        self.runner.journal.checkpoint(&Checkpoint { task, usage, bill });
        if used > hold && self.raising.is_none() {
            self.raise_hold(used, Money::from_nanos(used.nanos().saturating_mul(GROWTH)));
        }
    }

    /// Ends the stream: the upstream is let go, the rest is written, and the last frames wait for it.
    fn end(&mut self, ending: Ending) -> Option<Bytes> {
        if let State::Streaming(streaming) = std::mem::replace(&mut self.state, State::Over) {
            let Streaming { mut upstream, streamed } = *streaming;
            let told = if self.file.is_some() { ending.last_piece() } else { Ok(ending.error_frames(&mut upstream)) };
            drop(upstream);
            let runner = Arc::clone(&self.runner);
            // A task of its own: a caller that goes away now must not undo the bookkeeping.
            let ended = self.runner.finisher.background(async move { ending::settle(&runner, streamed, ending).await });
            self.state = State::Settling { ended, told };
        }
        None
    }
}

impl http_body::Body for Delivering {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        let this = self.get_mut();
        loop {
            match &mut this.state {
                State::Streaming(_) => {
                    if let Some(frames) = std::task::ready!(this.poll_streaming(cx)) {
                        return Poll::Ready(Some(Ok(Frame::data(frames))));
                    }
                }
                State::Settling { ended, told } => {
                    let ended = std::task::ready!(Pin::new(ended).poll(cx));
                    let Ended { settled, last } = ended.unwrap_or(Ended { settled: Settled::Unbooked, last: Bytes::new() });
                    let frames = match settled {
                        Settled::Booked { .. } => {
                            std::mem::replace(told, Ok(Bytes::new())).map(|told| if told.is_empty() { last } else { told })
                        }
                        Settled::Unbooked if this.file.is_some() => Err(BrokenOff),
                        Settled::Unbooked => Ok(thinking::error_frame(
                            this.protocol,
                            ErrorCode::StoreUnavailable,
                            "the end of the answer could not be booked; what you have got is charged once",
                        )),
                    };
                    this.state = State::Over;
                    return Poll::Ready(Some(frames.map(Frame::data)));
                }
                State::Over => return Poll::Ready(None),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.state, State::Over)
    }
}

impl Drop for Delivering {
    /// The caller is gone.
    fn drop(&mut self) {
        if let State::Streaming(streaming) = std::mem::replace(&mut self.state, State::Over) {
            let Streaming { upstream, streamed } = *streaming;
            let runner = Arc::clone(&self.runner);
            drop(self.runner.finisher.background(async move { ending::caller_gone(&runner, upstream, streamed).await }));
        }
    }
}

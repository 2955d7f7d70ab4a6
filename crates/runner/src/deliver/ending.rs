//! The ways a stream ends, and what is written for each.

use std::sync::Arc;

use bytes::Bytes;
use easyai_clients::{LastFrames, StreamItem, UpstreamStream};
use easyai_core::error::ErrorCode;
use easyai_core::failure::{Category, Failure};
use easyai_core::health::Failed;
use easyai_core::kind::ModelType;
use easyai_core::money::Money;
use easyai_core::policy::RunnerPolicy;
use easyai_core::run::Delivery;
use easyai_core::trace::RemedyNote;
use easyai_core::usage::Usage;
use http::HeaderValue;

use crate::bill::Terms;
use crate::clock::now;
use crate::deliver::BrokenOff;
use crate::finish::{Instead, Settled};
use crate::made;
use crate::open::Live;
use crate::prepare::TextAsk;
use crate::record::{End, Record};
use crate::runner::{Runner, content_type};
use crate::settings::CallerGone;
use crate::tally::Tally;

/// What is known of a stream while it lasts.
pub(super) struct Streamed {
    pub(super) live: Box<Live>,
    pub(super) delivery: Delivery,
    pub(super) tally: Tally,
    /// None if nobody may ask for it again, or it became too long.
    pub(super) recording: Option<Recording>,
    /// What it is, if it is a file and has no frames.
    pub(super) file: Option<HeaderValue>,
}

/// The frames so far.
pub(super) struct Recording {
    frames: Vec<u8>,
    most: usize,
}

impl Recording {
    /// Nothing yet, of an answer of at most so many bytes.
    pub(super) const fn new(most: usize) -> Self {
        Self { frames: Vec::new(), most }
    }

    /// With `last`, all of them; none if that is too long.
    fn whole(mut self, last: &[u8]) -> Option<Bytes> {
        self.add(last).then(|| self.frames.into())
    }

    fn add(&mut self, frames: &[u8]) -> bool {
        let fits = self.frames.len() + frames.len() <= self.most;
        if fits {
            self.frames.extend_from_slice(frames);
        }
        fits
    }
}

impl Streamed {
    pub(super) fn delivered(&mut self, frames: &[u8]) {
        self.tally.delivered(frames);
        if self.recording.as_mut().is_some_and(|recording| !recording.add(frames)) {
            self.recording = None;
            // Those who wait for it wait in vain.
            self.live.keeper = None;
        }
    }
}

/// Why a stream ended.
pub(super) enum Ending {
    /// As it should.
    Complete { last: LastFrames, usage: Option<Usage> },
    /// The upstream failed in the middle.
    BrokeOff(Failure),
    /// The wallet can't cover the rest.
    OutOfMoney(Failure),
    /// The caller went away. The upstream's usage is known if it was drained.
    CallerGone { usage: Option<Usage> },
    /// The gateway is stopped and can't wait any longer.
    CutOff,
}

impl Ending {
    fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Complete { .. } => None,
            Self::BrokeOff(failure) => Some(ErrorCode::from_category(failure.category)),
            Self::OutOfMoney(_) => Some(ErrorCode::InsufficientBalance),
            Self::CallerGone { .. } => Some(ErrorCode::Cancelled),
            Self::CutOff => Some(ErrorCode::ShuttingDown),
        }
    }

    fn message(&self) -> String {
        match self {
            Self::Complete { .. } => String::new(),
            Self::BrokeOff(failure) => format!("the answer broke off: {}: {}", failure.category, failure.message),
            Self::OutOfMoney(failure) => failure.message.clone(),
            Self::CallerGone { .. } => "the caller went away in the middle of the answer".to_owned(),
            Self::CutOff => "the gateway was stopped before the answer was complete".to_owned(),
        }
    }

    /// What the caller is told of a failure once it is booked; empty if there was none. Never with a `[DONE]`: the stream is not closed
    /// as if complete.
    pub(super) fn error_frames(&self, upstream: &mut UpstreamStream) -> Bytes {
        match self {
            Self::Complete { .. } => Bytes::new(),
            Self::BrokeOff(_) | Self::OutOfMoney(_) => upstream.error(self.code().unwrap_or(ErrorCode::InternalError), &self.message()),
            Self::CallerGone { .. } | Self::CutOff => Bytes::new(),
        }
    }

    /// The same where it is a file: there is nothing left to send, and nothing that could be told in it.
    pub(super) const fn last_piece(&self) -> Result<Bytes, BrokenOff> {
        match self {
            Self::Complete { .. } => Ok(Bytes::new()),
            Self::BrokeOff(_) | Self::OutOfMoney(_) | Self::CallerGone { .. } | Self::CutOff => Err(BrokenOff),
        }
    }

    const fn usage(&self) -> Option<Usage> {
        match self {
            Self::Complete { usage, .. } | Self::CallerGone { usage } => *usage,
            Self::BrokeOff(_) | Self::OutOfMoney(_) | Self::CutOff => None,
        }
    }

    fn end(&self) -> End {
        match (self, self.code()) {
            (Self::Complete { .. }, _) | (_, None) => End::Succeeded,
            (Self::CallerGone { .. }, Some(_)) => End::Cancelled,
            (Self::BrokeOff(_) | Self::OutOfMoney(_) | Self::CutOff, Some(code)) => End::Failed { code, message: self.message() },
        }
    }
}

/// How a stream was settled, and the frames that the caller gets then; empty if it is not complete.
pub(super) struct Ended {
    pub(super) settled: Settled,
    pub(super) last: Bytes,
}

/// Counts if it must, and writes the end.
pub(super) async fn settle(runner: &Arc<Runner>, streamed: Streamed, ending: Ending) -> Ended {
    let Streamed { mut live, delivery, mut tally, recording, file } = streamed;
    if let Ending::Complete { last, .. } = &ending {
        tally.delivered(last.delivered());
    }
    let usage = match ending.usage() {
        Some(usage) => usage,
        None => tally.total().await,
    };
    let (last, recorded) = match &ending {
        Ending::Complete { last, .. } => {
            let last = last.telling(&usage);
            let recorded = recording.and_then(|recording| recording.whole(&last));
            (last, recorded)
        }
        Ending::BrokeOff(_) | Ending::OutOfMoney(_) | Ending::CallerGone { .. } | Ending::CutOff => (Bytes::new(), None),
    };
    if recorded.is_none() {
        live.keeper = None;
    }
    if let Some(frames) = &recorded {
        Box::pin(made::keep_streamed(runner, &live, &delivery, file.as_ref(), frames)).await;
    }
    // Whoever gets it from the cache is told who served it.
    let served = live.keeper.is_some().then(|| live.served(delivery.candidate()));
    let Live { mut record, ask, terms, lease: _lease, model, mut admission, keeper, .. } = *live;
    if matches!(ending, Ending::Complete { .. }) {
        runner.outputs.observe(ask.caller.key.id, model.id, usage.output_tokens / u64::from(ask.request.scan.choices.max(1)));
    } else {
        write_why(runner, &mut record, &ask, terms, &delivery, &ending);
    }
    // A bill that can't be computed is a mistake of ours that the caller does not pay for.
    let offer = &delivery.candidate().offer;
    let bill = terms.bill(offer, &usage, &usage);
    let bill = bill.map_err(|failure| tracing::error!(failure = %failure.message, "A stream could not be priced")).ok();
    let charge = bill.as_ref().map_or(Money::ZERO, |bill| bill.charge);
    match ending {
        Ending::Complete { .. } => admission.ended(usage.total_tokens(), charge),
        Ending::BrokeOff(_) | Ending::OutOfMoney(_) | Ending::CallerGone { .. } | Ending::CutOff => {
            admission.broke_off(usage.total_tokens(), charge);
        }
    }
    let content_type = file.unwrap_or_else(|| HeaderValue::from_static(content_type(ask.request.protocol, ask.request.framing)));
    let answer = recorded.as_ref().filter(|body| ask.records() && body.len() <= runner.settings.max_recorded_answer_bytes);
    let written = || content_type.to_str().unwrap_or("application/octet-stream").to_owned();
    let answer = answer.map(|body| ask.keep.record(record.subject().task, 200, written(), body.clone()));
    let end = ending.end();
    runner.metrics.ended(end.status());
    let (cost, priced) = (bill.as_ref().and_then(|bill| bill.cost), bill.is_some());
    let settled = runner.finisher.settle(record.finish(end, Some(usage), bill, answer), Instead::TheSame).await;
    if let Settled::Booked { charged } = settled {
        runner.metrics.booked(charged, cost, &usage);
        if let (Some(keeper), Some(served), Some(body), true) = (keeper, served, recorded, priced) {
            keeper.keep(offer, served, usage, content_type, &body);
        }
    }
    Ended { settled, last }
}

/// Why it is not complete.
fn write_why(runner: &Runner, record: &mut Record, ask: &TextAsk, terms: Terms, delivery: &Delivery, ending: &Ending) {
    let policy = &ask.caller.catalog.runner_policy;
    let (elapsed, max_ms) = (record.subject().watch.elapsed(), u64::from(policy.failover.max_duration_seconds.get()) * 1000);
    match ending {
        Ending::Complete { .. } => {}
        Ending::BrokeOff(failure) => {
            let mut entry = delivery.failed(failure, elapsed);
            if !terms.simulated {
                entry.remedies.extend(count(runner, delivery, ask.kind().model_type(), policy, failure));
            }
            record.broke_off(failure, entry, max_ms);
        }
        Ending::OutOfMoney(failure) => record.broke_off(failure, delivery.failed(failure, elapsed), max_ms),
        Ending::CallerGone { .. } | Ending::CutOff => {
            let entry = delivery.cancelled(elapsed);
            let failure = Failure::new(Category::Cancelled, easyai_core::failure::Sent::Maybe, ending.message());
            record.broke_off(&failure, entry, max_ms);
        }
    }
}

/// A platform that breaks its answers off fails as much as one that gives none. Nothing is decided any more, but its circuit breaker
/// counts.
fn count(runner: &Runner, delivery: &Delivery, model_type: ModelType, policy: &RunnerPolicy, failure: &Failure) -> Vec<RemedyNote> {
    let failed = Failed {
        offer: &delivery.candidate().offer,
        credential: delivery.credential(),
        failure,
        model_type,
        runner: policy,
        deadline_passed: false,
    };
    runner.health.failed(&failed, now())
}

/// The caller is gone: the upstream is cancelled at once, or read to its end to learn what it cost.
pub(super) async fn caller_gone(runner: &Arc<Runner>, mut upstream: Box<UpstreamStream>, mut streamed: Streamed) {
    if runner.is_draining() {
        drop(upstream);
        settle(runner, streamed, Ending::CutOff).await;
        return;
    }
    // A call that waits for the answer asks again by itself, whatever is read of this one.
    streamed.live.keeper = None;
    let usage = match runner.settings.caller_gone {
        CallerGone::Cancel => None,
        CallerGone::Drain => drain(&mut upstream, &mut streamed).await,
    };
    drop(upstream);
    settle(runner, streamed, Ending::CallerGone { usage }).await;
}

/// Bounded by the stream's own time-outs.
async fn drain(upstream: &mut UpstreamStream, streamed: &mut Streamed) -> Option<Usage> {
    loop {
        match std::future::poll_fn(|cx| upstream.poll_next(cx)).await {
            StreamItem::Deltas(frames) => streamed.tally.delivered(&frames),
            StreamItem::End { usage, .. } => return usage,
            StreamItem::Failed(_) => return None,
        }
    }
}

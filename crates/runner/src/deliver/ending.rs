//! The ways a stream ends, and what is written for each.

use std::sync::Arc;

use bytes::Bytes;
use easyai_clients::{StreamItem, UpstreamStream};
use easyai_core::error::ErrorCode;
use easyai_core::failure::{Category, Failure};
use easyai_core::health::Failed;
use easyai_core::kind::ModelType;
use easyai_core::money::Money;
use easyai_core::policy::RunnerPolicy;
use easyai_core::run::Delivery;
use easyai_core::trace::RemedyNote;
use easyai_core::usage::Usage;

use crate::clock::now;
use crate::finish::{Instead, Settled};
use crate::open::Live;
use crate::record::End;
use crate::runner::{Runner, content_type};
use crate::settings::CallerGone;
use crate::tally::Tally;

/// What is known of a stream while it lasts.
pub(super) struct Streamed {
    pub(super) live: Live,
    pub(super) delivery: Delivery,
    pub(super) tally: Tally,
    /// The frames so far, for an `Idempotency-Key`; none if nobody may ask again or the answer became too long.
    pub(super) recorded: Option<Vec<u8>>,
}

impl Streamed {
    pub(super) fn delivered(&mut self, frames: &[u8], max_recorded: usize) {
        self.tally.delivered(frames);
        if let Some(recorded) = &mut self.recorded {
            if recorded.len() + frames.len() > max_recorded {
                self.recorded = None;
            } else {
                recorded.extend_from_slice(frames);
            }
        }
    }
}

/// Why a stream ended.
pub(super) enum Ending {
    /// As it should.
    Complete { last: Bytes, usage: Option<Usage> },
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

    /// What the caller gets once the end is booked. Never a `[DONE]` after a failure: the stream is not closed as if complete.
    pub(super) fn last_frames(&self, upstream: &mut UpstreamStream) -> Bytes {
        match self {
            Self::Complete { last, .. } => last.clone(),
            Self::BrokeOff(_) | Self::OutOfMoney(_) => upstream.error(self.code().unwrap_or(ErrorCode::InternalError), &self.message()),
            Self::CallerGone { .. } | Self::CutOff => Bytes::new(),
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

/// Counts if it must, and writes the end.
pub(super) async fn settle(runner: &Arc<Runner>, streamed: Streamed, ending: Ending) -> Settled {
    let Streamed { live, delivery, mut tally, recorded } = streamed;
    let last = match &ending {
        Ending::Complete { last, .. } => last.clone(),
        Ending::BrokeOff(_) | Ending::OutOfMoney(_) | Ending::CallerGone { .. } | Ending::CutOff => Bytes::new(),
    };
    tally.delivered(&last);
    let usage = match ending.usage() {
        Some(usage) => usage,
        None => tally.total().await,
    };
    let Live { mut record, ask, terms, lease: _lease, model, mut admission, .. } = live;
    let elapsed = record.subject().watch.elapsed();
    let max_ms = u64::from(ask.caller.catalog.runner_policy.failover.max_duration_seconds.get()) * 1000;
    match &ending {
        Ending::Complete { .. } => {
            runner.outputs.observe(ask.caller.key.id, model.id, usage.output_tokens / u64::from(ask.request.scan.choices.max(1)))
        }
        Ending::BrokeOff(failure) => {
            let mut entry = delivery.failed(failure, elapsed);
            if !terms.simulated {
                entry.remedies.extend(count(runner, &delivery, ask.kind().model_type(), &ask.caller.catalog.runner_policy, failure));
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
    // A bill that can't be computed is a mistake of ours that the caller does not pay for.
    let bill = terms
        .bill(&delivery.candidate().offer, &usage)
        .map_err(|failure| tracing::error!(failure = %failure.message, "A stream could not be priced"))
        .ok();
    let charge = bill.as_ref().map_or(Money::ZERO, |bill| bill.charge);
    match ending {
        Ending::Complete { .. } => admission.ended(usage.total_tokens(), charge),
        Ending::BrokeOff(_) | Ending::OutOfMoney(_) | Ending::CallerGone { .. } | Ending::CutOff => {
            admission.broke_off(usage.total_tokens(), charge);
        }
    }
    let answer = recorded.filter(|_| matches!(ending, Ending::Complete { .. })).map(|mut body| {
        body.extend_from_slice(&last);
        ask.keep.record(record.subject().task, 200, content_type(ask.request.protocol, ask.request.framing).to_owned(), body.into())
    });
    let end = ending.end();
    runner.metrics.ended(end.status());
    let cost = bill.as_ref().and_then(|bill| bill.cost);
    let settled = runner.finisher.settle(record.finish(end, Some(usage), bill, answer), Instead::TheSame).await;
    if let Settled::Booked { charged } = settled {
        runner.metrics.booked(charged, cost, &usage);
    }
    settled
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

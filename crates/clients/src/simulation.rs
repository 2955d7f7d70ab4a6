//! The simulation: answers offline and repeatably, through the same reading and delivery as everybody else.
//!
//! What it does (latency, deltas, scripted faults) is set on the platform, or for one request in the header `x-easyai-simulation`.

mod faults;
mod frames;
mod media;
mod text;
mod unary;

use std::time::Duration;

use bytes::Bytes;
use easyai_core::catalog::{FaultPosition, SimulatedFault, Simulation};
use easyai_core::failure::{Category, Failure, Sent};
use easyai_protocols::bridge;
use easyai_protocols::conversation::Notes;
use easyai_protocols::convert::Converter;
use easyai_protocols::wire::Protocol;
use http::HeaderValue;
use tokio::time::{Instant, sleep_until};

pub use self::faults::{Encounter, Fault, Faults, SimulatedCall};
use self::frames::Answer;
pub(crate) use self::media::job;
use crate::call::{PlainAnswer, TextAnswer, TextCall};
use crate::refusal::{TimeOut, bad_response};
use crate::stream::{self, Asked, Clock, Passage, Piece, Source};

/// Answers a call.
pub(crate) async fn text(call: &TextCall<'_>, faults: Option<&dyn Faults>) -> Result<TextAnswer, Failure> {
    let clock = Clock::start(call.offer.platform.timeouts, call.deadline);
    let mut settings = call.simulation.or(call.offer.platform.options.simulation.as_ref()).cloned().unwrap_or_default();
    let encounter = faults.map(|faults| faults.met_by(SimulatedCall { offer: call.offer, credential: call.credential }));
    let encounter = encounter.unwrap_or_default();
    encounter.change(&mut settings);
    wait(&clock, Duration::from_millis(settings.latency_ms.into())).await?;
    let scripted = || usize::try_from(call.call_of_platform).ok().and_then(|index| settings.script.get(index)).cloned().map(Fault::from);
    let fault = encounter.fault.or_else(scripted).filter(|fault| happens(&fault.played));
    if let Some(failure) = fault.as_ref().and_then(before_answer) {
        return Err(failure);
    }
    if let Some(asked) = call.request.media() {
        return media::answer(call, asked, &settings, clock, fault.as_ref()).await;
    }
    if let Some(asked) = call.request.unary.as_deref() {
        return match fault {
            Some(fault) => Err(in_the_middle(&fault, &clock).await),
            None => unary::answer(call, asked),
        };
    }
    let answer = Answer::to(call.request, &call.offer.upstream_name, settings.chunks);
    if call.request.scan.stream {
        let played = fault.as_ref().map(|fault| &fault.played);
        let source = Source::Simulated(stream::Script::new(pieces(&answer, &settings, played)));
        let opened = stream::open(source, clock, Asked::by(call.request), passage(call), Some(answer.id.clone())).await?;
        return Ok(TextAnswer::Stream { stream: Box::new(opened), notes: Notes::default() });
    }
    match fault {
        // A plain answer has no middle: what would happen there happens instead of it.
        Some(fault) => Err(in_the_middle(&fault, &clock).await),
        None => Ok(TextAnswer::Plain(PlainAnswer {
            protocol: call.request.protocol,
            body: whole(call, &answer)?,
            content_type: HeaderValue::from_static("application/json"),
            usage: Some(answer.usage),
            upstream_request_id: Some(answer.id),
            notes: Notes::default(),
        })),
    }
}

/// The simulation speaks chat; callers of other protocols get it converted, like any upstream's.
fn passage(call: &TextCall<'_>) -> Passage {
    let caller = call.request.protocol;
    if caller == Protocol::Chat {
        return Passage::same(caller);
    }
    Passage::Converted(Box::new(Converter::new(Protocol::Chat, caller, call.envelope())))
}

fn whole(call: &TextCall<'_>, answer: &Answer) -> Result<Bytes, Failure> {
    let (body, caller) = (answer.whole(), call.request.protocol);
    if caller == Protocol::Chat {
        return Ok(body);
    }
    let read = bridge::read_answer(Protocol::Chat, &body).map_err(|bad| bad_response(bad.to_string()))?;
    Ok(bridge::write_answer(caller, &read, &answer.usage, &call.envelope()))
}

async fn wait(clock: &Clock, latency: Duration) -> Result<(), Failure> {
    if latency.is_zero() {
        return Ok(());
    }
    let answer_at = Instant::now() + latency;
    sleep_until(answer_at.min(clock.first_delta())).await;
    if answer_at > clock.first_delta() { Err(clock.too_late(TimeOut::FirstDelta)) } else { Ok(()) }
}

/// Whether a line of the script is a fault. Without a category nothing fails, but a stream may still be cut or stall.
const fn happens(fault: &SimulatedFault) -> bool {
    match fault.position {
        FaultPosition::BeforeAnswer | FaultPosition::AfterDeltas => fault.category.is_some(),
        FaultPosition::Cut | FaultPosition::Stall => true,
    }
}

fn before_answer(fault: &Fault) -> Option<Failure> {
    let category = fault.played.category?;
    (fault.played.position == FaultPosition::BeforeAnswer).then(|| failure(category, fault))
}

fn failure(category: Category, fault: &Fault) -> Failure {
    let message = fault.message.clone().unwrap_or_else(|| format!("simulated {category}"));
    Failure {
        code: Some(fault.code.clone().unwrap_or_else(|| format!("simulated_{category}"))),
        status: fault.status.or(status(category)),
        retry_after: fault.played.retry_after_ms.map(|ms| Duration::from_millis(ms.into())),
        should_retry: fault.should_retry,
        ..Failure::new(category, Sent::Maybe, message)
    }
}

/// The HTTP status that such a failure usually has.
const fn status(category: Category) -> Option<u16> {
    match category {
        Category::Network | Category::Timeout | Category::LocalRateLimit | Category::Cancelled | Category::Internal => None,
        Category::RateLimit | Category::QuotaExhausted => Some(429),
        Category::Overloaded => Some(503),
        Category::ServerError => Some(500),
        Category::Auth => Some(401),
        Category::ModelUnavailable => Some(404),
        Category::BadRequest | Category::ContentFilter | Category::ContextLength => Some(400),
        Category::BadResponse => Some(200),
    }
}

async fn in_the_middle(fault: &Fault, clock: &Clock) -> Failure {
    match fault.played.position {
        FaultPosition::BeforeAnswer | FaultPosition::AfterDeltas => failure(fault.played.category.unwrap_or(Category::ServerError), fault),
        FaultPosition::Cut => bad_response("the answer was cut off"),
        FaultPosition::Stall => {
            sleep_until(clock.first_delta()).await;
            clock.too_late(TimeOut::FirstDelta)
        }
    }
}

/// What the stream sends, and where it breaks.
fn pieces(answer: &Answer, settings: &Simulation, fault: Option<&SimulatedFault>) -> Vec<(Duration, Piece)> {
    let delay = Duration::from_millis(settings.chunk_delay_ms.into());
    let frames = answer.frames();
    // The role chunk comes first and is no delta; a fault comes before the end, however many deltas it waits for.
    let kept = fault.map_or(usize::MAX, |fault| {
        usize::try_from(fault.deltas).unwrap_or(usize::MAX).saturating_add(1).min(frames.len().saturating_sub(frames::ENDING))
    });
    let mut pieces: Vec<_> = frames
        .into_iter()
        .take(kept)
        .enumerate()
        .map(|(index, frame)| (if index > 1 { delay } else { Duration::ZERO }, Piece::Send(frame)))
        .collect();
    let last = fault.map(|fault| match fault.position {
        FaultPosition::Cut => Piece::Cut,
        FaultPosition::Stall => Piece::Stall,
        FaultPosition::BeforeAnswer | FaultPosition::AfterDeltas => {
            Piece::Send(frames::error(fault.category.unwrap_or(Category::ServerError)))
        }
    });
    pieces.extend(last.map(|last| (delay, last)));
    pieces
}

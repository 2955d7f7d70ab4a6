//! One caller: asks, reads to the end or goes away, and remembers how long it took.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use easyai_core::error::ErrorCode;
use easyai_core::kind::RunMode;
use easyai_runner::{Caller, ChatAsk, Delivering, Reply, Runner};
use http::HeaderMap;
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout};

use super::load::{Arrival, request};
use super::scenario::Load;

/// How a call ended for its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// With the whole answer.
    Answered,
    /// With an error, and nothing else.
    Refused(ErrorCode),
    /// With an error in the middle of the answer.
    BrokenOff,
    /// The caller went away before.
    WentAway,
}

/// What became of one caller.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Its number.
    pub number: usize,
    /// How it ended.
    pub ending: Ending,
    /// How long it waited for the first of the answer.
    pub first_delta: Option<Duration>,
    /// How long it took in all.
    pub total: Duration,
}

/// Makes one call.
///
/// # Errors
/// If the request is none, which would be a mistake of the lab's.
pub async fn call(runner: Arc<Runner>, caller: Caller, load: Load, arrival: Arrival) -> anyhow::Result<Outcome> {
    let millis = |ms: Option<u32>| ms.map(|ms| Duration::from_millis(ms.into()));
    let begun = Instant::now();
    let ask = ChatAsk {
        caller,
        request: request(&load, &arrival)?,
        run_mode: RunMode::Live,
        simulation: None,
        deadline: millis(load.timeout_ms),
        queue_timeout: millis(load.queue_timeout_ms),
        session: None,
        idempotency: None,
        headers: HeaderMap::new(),
    };
    let mut first_delta = None;
    let answered = answer(&runner, ask, &mut first_delta);
    let ending = match millis(load.leaves_after_ms) {
        Some(patience) => timeout(patience, answered).await.unwrap_or(Ending::WentAway),
        None => answered.await,
    };
    Ok(Outcome { number: arrival.number, ending, first_delta: first_delta.map(|at| at - begun), total: begun.elapsed() })
}

async fn answer(runner: &Arc<Runner>, ask: ChatAsk, first_delta: &mut Option<Instant>) -> Ending {
    match runner.chat(ask).await {
        Ok(Reply::Plain { .. } | Reply::Replayed { .. }) => {
            *first_delta = Some(Instant::now());
            Ending::Answered
        }
        Ok(Reply::Stream { body, .. }) => read(body, first_delta).await,
        Err(refused) => Ending::Refused(refused.code),
    }
}

/// Reads a stream as its caller does: whole only with its `[DONE]`.
async fn read(body: Box<Delivering>, first_delta: &mut Option<Instant>) -> Ending {
    let mut body = Pin::new(body);
    let mut done = false;
    while let Some(Ok(frame)) = body.frame().await {
        first_delta.get_or_insert_with(Instant::now);
        done = frame.data_ref().is_some_and(|data| data.ends_with(b"data: [DONE]\n\n"));
    }
    if done { Ending::Answered } else { Ending::BrokenOff }
}

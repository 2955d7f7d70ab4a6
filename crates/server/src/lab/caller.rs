//! One caller: asks, reads to the end or goes away, and remembers how long it took.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use easyai_core::error::ErrorCode;
use easyai_core::explain::Explanation;
use easyai_core::id::TaskId;
use easyai_core::kind::RunMode;
use easyai_runner::{Caller, Reply, Runner, Served, TextAsk};
use http::HeaderMap;
use http_body_util::BodyExt;
use hyper::body::Body;
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

/// Whether it is asked before each call what would be done with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Explain {
    /// It is not.
    No,
    /// It is, at the same moment. It draws chance of its own, so the story is another one than without.
    First,
}

/// What became of one caller.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Its number.
    pub number: usize,
    /// Its task, where it was told.
    pub task: Option<TaskId>,
    /// What was said would be done, where that was asked right before.
    pub explained: Option<Box<Explanation>>,
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
pub async fn call(runner: Arc<Runner>, caller: Caller, load: Load, arrival: Arrival, explain: Explain) -> anyhow::Result<Outcome> {
    let millis = |ms: Option<u32>| ms.map(|ms| Duration::from_millis(ms.into()));
    let begun = Instant::now();
    let ask = TextAsk {
        callback: None,
        caller,
        request: request(&load, &arrival)?,
        run_mode: RunMode::Live,
        simulation: None,
        deadline: millis(load.timeout_ms),
        queue_timeout: millis(load.queue_timeout_ms),
        session: None,
        keep: easyai_runner::Keep::Nothing,
        detached: false,
        job: None,
        base_url: None,
        idempotency: None,
        headers: HeaderMap::new(),
    };
    let explained = (explain == Explain::First).then(|| Box::new(runner.explain(&ask)));
    let (mut first_delta, mut task) = (None, None);
    let answered = answer(&runner, ask, &mut first_delta, &mut task);
    let ending = match millis(load.leaves_after_ms) {
        Some(patience) => timeout(patience, answered).await.unwrap_or(Ending::WentAway),
        None => answered.await,
    };
    let (number, first_delta) = (arrival.number, first_delta.map(|at| at - begun));
    Ok(Outcome { number, task, explained, ending, first_delta, total: begun.elapsed() })
}

async fn answer(runner: &Arc<Runner>, ask: TextAsk, first_delta: &mut Option<Instant>, told: &mut Option<TaskId>) -> Ending {
    match runner.text(ask).await {
        Ok(
            Reply::Plain { served: Served { task, .. }, .. }
            | Reply::Cached { served: Served { task, .. }, .. }
            | Reply::Replayed { task, .. },
        ) => {
            (*first_delta, *told) = (Some(Instant::now()), Some(task));
            Ending::Answered
        }
        Ok(Reply::Stream { body, served }) => {
            *told = Some(served.task);
            read(body, first_delta).await
        }
        Ok(Reply::Relayed { body, served }) => {
            *told = Some(served.task);
            read(body, first_delta).await
        }
        Ok(Reply::Thinking { body, task }) => {
            *told = Some(task);
            read(body, first_delta).await
        }
        Err(refused) => {
            *told = Some(refused.task);
            Ending::Refused(refused.code)
        }
    }
}

/// Reads a stream as its caller does: whole only with its `[DONE]`.
async fn read<B: Body<Data = Bytes> + Unpin>(mut body: Box<B>, first_delta: &mut Option<Instant>) -> Ending {
    let mut done = false;
    while let Some(Ok(frame)) = body.frame().await {
        let Some(data) = frame.data_ref().filter(|data| !data.starts_with(b":")) else { continue };
        first_delta.get_or_insert_with(Instant::now);
        done = data.ends_with(b"data: [DONE]\n\n");
    }
    if done { Ending::Answered } else { Ending::BrokenOff }
}

//! An answer that goes on without its caller: kept here as it comes, and read by whoever wants it, from wherever they were.
//!
//! ```text
//! upstream ─▶ the run, in a task of its own ─▶ Relay (all frames so far) ─▶ its caller, and whoever takes it up again
//! ```
//!
//! It lives as long as its run. When that is over the answer is in the database.
//!
//! # Bounds
//! A relay keeps [`MAX_KEPT`] bytes. A longer answer is booked in full, but those who read it are cut off there.

use std::collections::HashMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use easyai_core::id::{AccountId, TaskId};
use easyai_core::time::Timestamp;
use easyai_protocols::request::TextRequest;
use easyai_protocols::response_id::response_id;
use easyai_protocols::wire::Protocol;
use http_body::{Body, Frame};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::error::CallError;
use crate::runner::Served;

/// The longest answer that can be taken up again: some ten times the longest that any model gives.
const MAX_KEPT: usize = 32 << 20;

/// Where a detached run is.
#[derive(Debug, Clone)]
pub enum Phase {
    /// Nothing useful has come.
    Opening,
    /// Frames come.
    Streaming,
    /// It ended: with an answer, or why not.
    Over(Result<(), Arc<CallError>>),
}

/// One answer on its way.
#[derive(Debug)]
pub struct Relay {
    /// The task.
    pub task: TaskId,
    /// Whose it is.
    pub account: AccountId,
    /// What was asked.
    pub request: TextRequest,
    /// When.
    pub started_at: Timestamp,
    served: OnceLock<Arc<Served>>,
    /// What the answer calls itself, where that is not our own id.
    response_id: OnceLock<String>,
    kept: Mutex<BytesMut>,
    phase: watch::Sender<(Phase, usize)>,
    cancel: CancellationToken,
}

impl Relay {
    pub(crate) fn new(task: TaskId, account: AccountId, request: TextRequest, started_at: Timestamp) -> Arc<Self> {
        let (phase, _) = watch::channel((Phase::Opening, 0));
        let (response_id, kept, cancel) = (OnceLock::new(), Mutex::default(), CancellationToken::new());
        Arc::new(Self { task, account, request, started_at, served: OnceLock::new(), response_id, kept, phase, cancel })
    }

    /// Asks the run to end. It ends like a call whose caller went away.
    pub fn cancel(&self) {
        self.cancel.cancel();
    }

    pub(crate) fn cancelled(&self) -> impl Future<Output = ()> + '_ {
        self.cancel.cancelled()
    }

    pub(crate) fn streaming(&self, served: Served) {
        let _ = self.served.set(Arc::new(served));
        self.phase.send_modify(|(phase, _)| *phase = Phase::Streaming);
    }

    pub(crate) fn push(&self, frames: &Bytes) {
        if self.request.protocol == Protocol::Responses && self.response_id.get().is_none() {
            // Told by the first event of a stream.
            let _ = response_id(frames).map(|id| self.response_id.set(id));
        }
        let length = {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.len() + frames.len() <= MAX_KEPT {
                kept.extend_from_slice(frames);
            }
            kept.len()
        };
        self.phase.send_modify(|(_, sent)| *sent = length);
    }

    pub(crate) fn over(&self, end: Result<(), CallError>) {
        self.phase.send_modify(|(phase, _)| *phase = Phase::Over(end.map_err(Arc::new)));
    }

    /// Where it is now.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.phase.borrow().0.clone()
    }

    /// Waits until something useful has come, and says who serves the stream; none if it is no stream.
    ///
    /// # Errors
    /// Why nothing came.
    pub async fn begun(&self) -> Result<Option<Arc<Served>>, Arc<CallError>> {
        let mut phase = self.phase.subscribe();
        let begun = phase.wait_for(|(phase, _)| !matches!(phase, Phase::Opening)).await.map(|phase| phase.0.clone());
        match (self.served.get(), begun) {
            (Some(served), _) => Ok(Some(Arc::clone(served))),
            (None, Ok(Phase::Over(Err(error)))) => Err(error),
            (None, Ok(_) | Err(_)) => Ok(None),
        }
    }

    /// Waits until it is over.
    pub async fn ended(&self) -> Result<(), Arc<CallError>> {
        let mut phase = self.phase.subscribe();
        match phase.wait_for(|(phase, _)| matches!(phase, Phase::Over(_))).await {
            Ok(phase) => match &phase.0 {
                Phase::Over(end) => end.clone(),
                Phase::Opening | Phase::Streaming => Ok(()),
            },
            Err(_) => Ok(()),
        }
    }

    /// All frames from the beginning, as they come.
    #[must_use]
    pub fn read(self: &Arc<Self>) -> RelayBody {
        RelayBody { state: Some(Reading { relay: Arc::clone(self), at: 0, phase: self.phase.subscribe() }), waiting: None }
    }

    fn from(&self, at: usize) -> Bytes {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(at..).map(Bytes::copy_from_slice).unwrap_or_default()
    }
}

struct Reading {
    relay: Arc<Relay>,
    at: usize,
    phase: watch::Receiver<(Phase, usize)>,
}

impl Reading {
    async fn next(mut self) -> Option<(Bytes, Self)> {
        loop {
            let over = {
                let seen = self.phase.borrow_and_update();
                matches!(seen.0, Phase::Over(_))
            };
            let frames = self.relay.from(self.at);
            if !frames.is_empty() {
                self.at += frames.len();
                return Some((frames, self));
            }
            if over || self.phase.changed().await.is_err() {
                return None;
            }
        }
    }
}

type Next = Pin<Box<dyn Future<Output = Option<(Bytes, Reading)>> + Send>>;

/// The frames of a relay as an HTTP body. Dropping it changes nothing for the run.
pub struct RelayBody {
    state: Option<Reading>,
    waiting: Option<Next>,
}

impl RelayBody {
    /// The next frames; none at the end.
    pub fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if self.waiting.is_none() {
            let Some(reading) = self.state.take() else { return Poll::Ready(None) };
            self.waiting = Some(Box::pin(reading.next()));
        }
        let Some(waiting) = &mut self.waiting else { return Poll::Ready(None) };
        let next = std::task::ready!(waiting.as_mut().poll(cx));
        self.waiting = None;
        Poll::Ready(next.map(|(frames, reading)| {
            self.state = Some(reading);
            frames
        }))
    }
}

impl Body for RelayBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.get_mut().poll_data(cx).map(|frames| frames.map(|frames| Ok(Frame::data(frames))))
    }
}

/// The relays of all runs that go on without their callers.
#[derive(Debug, Default)]
pub(crate) struct Relays(Mutex<HashMap<TaskId, Arc<Relay>>>);

impl Relays {
    pub(crate) fn add(&self, relay: &Arc<Relay>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(relay.task, Arc::clone(relay));
    }

    pub(crate) fn remove(&self, task: TaskId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&task);
    }

    pub(crate) fn get(&self, task: TaskId) -> Option<Arc<Relay>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&task).cloned()
    }

    /// The response that calls itself `id`.
    pub(crate) fn response(&self, id: &str) -> Option<Arc<Relay>> {
        let running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        running.values().find(|relay| relay.response_id.get().is_some_and(|own| own == id)).cloned()
    }

    /// Ends them all.
    pub(crate) fn cut_off(&self) {
        for relay in self.0.lock().unwrap_or_else(PoisonError::into_inner).values() {
            relay.cancel();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use uuid::Uuid;

    use super::*;

    fn relay() -> Arc<Relay> {
        let body = Bytes::from_static(br#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#);
        let (task, account) = (TaskId::from_uuid(Uuid::from_u128(1)), AccountId::from_uuid(Uuid::from_u128(2)));
        Relay::new(task, account, easyai_protocols::openai::scan::scan(body).unwrap(), Timestamp::from_micros(0))
    }

    async fn next(body: &mut RelayBody) -> Option<String> {
        poll_fn(|cx| body.poll_data(cx)).await.map(|frames| String::from_utf8(frames.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn everybody_gets_all_of_it_whenever_they_come() {
        let relay = relay();
        let mut early = relay.read();
        relay.push(&Bytes::from_static(b"one "));
        assert_eq!(next(&mut early).await.as_deref(), Some("one "));
        relay.push(&Bytes::from_static(b"two"));
        let mut late = relay.read();
        assert_eq!(next(&mut late).await.as_deref(), Some("one two"));
        assert_eq!(next(&mut early).await.as_deref(), Some("two"));
        relay.over(Ok(()));
        assert_eq!((next(&mut early).await, next(&mut late).await), (None, None));
    }

    #[tokio::test]
    async fn who_waits_for_the_end_is_told_how_it_went() {
        let relay = relay();
        let error = CallError::refused(relay.task, easyai_core::error::ErrorCode::UpstreamError, "broken");
        relay.over(Err(error.clone()));
        assert_eq!(relay.ended().await, Err(Arc::new(error)));
    }
}

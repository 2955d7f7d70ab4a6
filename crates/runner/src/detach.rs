//! A run that its caller may leave: it goes on in a task of its own, and its answer is kept.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use easyai_core::error::ErrorCode;
use easyai_core::id::TaskId;
use http_body::Body;

use crate::clock::now;
use crate::error::CallError;
use crate::idempotency;
use crate::kept::task_of;
use crate::prepare::{Call, Prepared, TextAsk, prepare};
use crate::relay::Relay;
use crate::runner::{Reply, Runner};

/// How long a cancelled run is told of here after its end: a database that takes longer is in trouble.
const BOOKED_BY_THEN: Duration = Duration::from_secs(5);

/// What became of a call that shall go on by itself.
pub enum Detached {
    /// It goes on.
    Going(Arc<Relay>),
    /// It was asked before under the same `Idempotency-Key`.
    Repeated(Reply),
}

impl Runner {
    /// Begins a call that goes on whatever becomes of its caller. What is kept of its answer, `ask.keep` says.
    ///
    /// # Errors
    /// [`CallError`] if it was refused; nothing was charged then. What goes wrong later, the relay tells.
    pub async fn detach(self: &Arc<Self>, ask: TextAsk) -> Result<Detached, CallError> {
        let (deadline, account, request) = (ask.deadline, ask.caller.account.id, ask.request.clone());
        // The response cache is for callers that wait for their answer.
        let open = match prepare(self, Call::let_in(self, ask)?, None).await? {
            Prepared::Begun(open) => open,
            Prepared::Repeated { task, same_body } => {
                return idempotency::replay(self, task, same_body, deadline).await.map(Detached::Repeated);
            }
        };
        let relay = Relay::new(open.task(), account, request, now());
        self.relays.add(&relay);
        let (runner, going) = (Arc::clone(self), Arc::clone(&relay));
        drop(self.finisher.background(async move {
            let run = async {
                match Arc::clone(&runner).open(open).await {
                    Ok(reply) => carry(reply, &going).await,
                    Err(error) => Err(error),
                }
            };
            // A run that is dropped ends by itself, as cancelled.
            let (end, is_cancelled) = tokio::select! {
                end = run => (end, false),
                () = going.cancelled() => (Err(CallError::refused(going.task, ErrorCode::Cancelled, "the task was cancelled")), true),
            };
            going.over(end);
            if is_cancelled {
                // It is booked behind our back: until then nobody else knows that it was cancelled. Not waited for at a shutdown.
                tokio::spawn(async move {
                    tokio::time::sleep(BOOKED_BY_THEN).await;
                    runner.relays.remove(going.task);
                });
            } else {
                runner.relays.remove(going.task);
            }
        }));
        Ok(Detached::Going(relay))
    }

    /// The answer of `task` while it is on its way, if it goes on by itself on this node.
    #[must_use]
    pub fn relay(&self, task: TaskId) -> Option<Arc<Relay>> {
        self.relays.get(task)
    }

    /// The response that calls itself `id`, while it is on its way.
    #[must_use]
    pub fn relayed_response(&self, id: &str) -> Option<Arc<Relay>> {
        task_of(id).and_then(|task| self.relays.get(task)).or_else(|| self.relays.response(id))
    }
}

async fn carry(reply: Reply, relay: &Relay) -> Result<(), CallError> {
    match reply {
        Reply::Plain { body, .. } | Reply::Cached { body, .. } => relay.push(&body),
        Reply::Stream { served, mut body } => {
            relay.streaming(served);
            while let Some(Ok(frame)) = std::future::poll_fn(|cx| Pin::new(body.as_mut()).poll_frame(cx)).await {
                if let Ok(data) = frame.into_data() {
                    relay.push(&data);
                }
            }
        }
        Reply::Relayed { .. } | Reply::Thinking { .. } | Reply::Replayed { .. } => {}
    }
    Ok(())
}

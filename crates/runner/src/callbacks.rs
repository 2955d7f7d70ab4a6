//! Callbacks: the events of tasks told to whoever was named, at least once, in order within a task, signed.
//!
//! ```text
//! rows of a task ─▶ cursor due ─▶ claimed (deliverer) ─▶ events read, signed, sent (visit) ─▶ marked ─▶ due again · idle · done · dead
//! ```
//!
//! What is sent follows from rows, so a crash repeats it rather than losing it. A task never waits for a receiver, and no receiver for
//! another one. When the database is gone nothing is sent, and what was sent without being marked is sent again under the same id.

mod deliverer;
mod hosts;
mod visit;

use std::sync::Arc;

use easyai_clients::BadCallbackUrl;
use easyai_core::delivery::{CallbackTarget, EventNames, Receiver};
use tokio_util::sync::CancellationToken;

use self::deliverer::Deliverer;
use crate::runner::Runner;

impl Runner {
    /// The receiver that a caller names, if its address may be called as far as the address itself tells.
    ///
    /// # Errors
    /// [`BadCallbackUrl`] says what is wrong with the address.
    pub fn callback_target(&self, url: &str, events: Option<EventNames>) -> Result<Arc<CallbackTarget>, BadCallbackUrl> {
        let host = self.clients.callback_host(url, Receiver::Caller)?;
        Ok(Arc::new(CallbackTarget { receiver: Receiver::Caller, url: url.into(), host: host.into(), events }))
    }

    /// All who are told of a task for which its caller named `named`: for the row of its beginning. Without any nothing is allocated.
    #[must_use]
    pub fn told(&self, named: Option<&Arc<CallbackTarget>>) -> Vec<Arc<CallbackTarget>> {
        named.into_iter().chain(&self.settings.callback).cloned().collect()
    }

    /// Sends what is to be sent, until `stop`.
    pub async fn deliver_callbacks(self: &Arc<Self>, stop: &CancellationToken) {
        Deliverer::new(Arc::clone(self)).run(stop).await;
    }
}

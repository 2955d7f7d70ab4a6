//! The guard of a call: what it took is given back however it ends.

use std::sync::Arc;
use std::time::Duration;

use easyai_core::limit::Amounts;
use tokio::runtime::Handle;

use crate::receipt::{Receipt, Stage};
use crate::shared::Shared;

/// What a call has taken. Dropped without [`Taken::commit`] it gives back slots, tokens and charge; the request stays counted, since the
/// upstream may have seen it.
#[must_use = "what is taken and dropped at once limits nothing"]
pub struct Taken {
    shared: Arc<Shared>,
    receipt: Receipt,
}

impl Taken {
    pub(crate) const fn new(shared: Arc<Shared>, receipt: Receipt) -> Self {
        Self { shared, receipt }
    }

    /// The upstream has answered something, so it has had the call: the entries in the windows age from now on.
    pub fn landed(&mut self) {
        self.shared.with(|state, now| {
            // Who waits for slots only has no use for it.
            if state.counters.land(&mut self.receipt, now) && state.queue.due().is_some() {
                state.gave_back(&self.receipt.claims, now);
            }
        });
    }

    /// Nothing reached the upstream: everything is given back, requests too.
    pub fn not_sent(mut self) {
        self.shared.with(|state, now| {
            state.counters.undo(&mut self.receipt, now);
            state.gave_back(&self.receipt.claims, now);
        });
    }

    /// What the call really used and costs. It may be more than the estimate: then nobody else gets in until there is room again. The slots
    /// stay taken until the guard is dropped. Only the first commit counts.
    pub fn commit(&mut self, real: Amounts) {
        self.shared.with(|state, now| {
            state.counters.settle(&mut self.receipt, real, now);
            state.gave_back(&self.receipt.claims, now);
        });
    }

    /// Gives the slots back a moment later, all else now: an upstream needs a moment to see that its caller has gone.
    pub fn release_after(mut self, moment: Duration) {
        // Committed or not, the tokens are final.
        self.commit(Amounts::default());
        // Without a runtime nobody could wait: the guard gives back at once.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                tokio::time::sleep(moment).await;
                drop(self);
            });
        }
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        if self.receipt.stage != Stage::Ended {
            self.shared.with(|state, now| {
                state.counters.end(&mut self.receipt, now);
                state.gave_back(&self.receipt.claims, now);
            });
        }
    }
}

impl std::fmt::Debug for Taken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Taken").field("receipt", &self.receipt).finish_non_exhaustive()
    }
}

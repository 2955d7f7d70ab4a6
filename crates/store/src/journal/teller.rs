//! Tells the waiters of a batch, on the runtime that they wait on.
//!
//! From the journal's own thread each answer would wake the runtime with a system call of its own, and on a busy core be interrupted by
//! it: a fifth of the CPU of a request. So a batch is handed over whole, with one wake-up.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;

use super::work::{Asked, Fate, Work, tell_all};
use crate::error::StoreError;
use crate::turned;

/// A batch that was tried, and what became of it.
#[derive(Debug)]
struct Told {
    batch: Vec<Work>,
    fate: Fate,
    failed: Option<StoreError>,
}

/// The writer's end of the teller.
#[derive(Debug)]
pub(super) struct Teller {
    /// None if the writer tells its batches itself.
    told: Option<mpsc::UnboundedSender<Told>>,
    orphans: Arc<Mutex<Vec<Work>>>,
}

impl Teller {
    /// Starts one within the current runtime. It ends with its writer. `queue` is where the writer is woken.
    pub(super) fn start(queue: mpsc::WeakSender<Work>) -> Self {
        if turned::is_on() {
            // Whoever waits does so in place, so that nothing could run beside it.
            return Self { told: None, orphans: Arc::default() };
        }
        let (told, mut batches) = mpsc::unbounded_channel::<Told>();
        let orphans = Arc::new(Mutex::new(Vec::new()));
        let found = Arc::clone(&orphans);
        tokio::spawn(async move {
            while let Some(Told { batch, fate, failed }) = batches.recv().await {
                let more = tell_all(batch, fate, failed.as_ref());
                if more.is_empty() {
                    continue;
                }
                found.lock().unwrap_or_else(PoisonError::into_inner).extend(more);
                // While the disk is full they go with the next batch: a writer that wakes itself would only spin.
                if failed.is_none()
                    && let Some(queue) = queue.upgrade()
                {
                    // A full queue wakes the writer anyway.
                    drop(queue.try_send(Work::Flush(Asked::own(()))));
                }
            }
        });
        Self { told: Some(told), orphans }
    }

    /// Hands a batch over. Bounded by what may be under way: each waiter waits for one answer at a time.
    pub(super) fn tell(&self, batch: Vec<Work>, fate: Fate, failed: Option<&StoreError>) {
        match &self.told {
            // It ends only with the runtime, and then nobody waits any more.
            Some(told) => drop(told.send(Told { batch, fate, failed: failed.cloned() })),
            None => self.orphans.lock().unwrap_or_else(PoisonError::into_inner).extend(tell_all(batch, fate, failed)),
        }
    }

    /// Ends of tasks that nobody waits for.
    pub(super) fn orphans(&self) -> Vec<Work> {
        std::mem::take(&mut *self.orphans.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

//! The end of a task made durable. A finish that can't be written now is tried until it is: from the moment the upstream has answered,
//! bookkeeping is repeated by itself and never the work.

use std::sync::Arc;
use std::time::Duration;

use easyai_core::error::ErrorCode;
use easyai_core::event::{Event, EventLog, EventPayload, Failed, Metrics, Progress};
use easyai_core::money::Money;
use easyai_core::task::TaskStatus;
use easyai_store::journal::{Finish, Finished};
use easyai_store::{Journal, StoreError};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

/// The first wait after a finish that failed; doubled up to [`LONGEST_WAIT`].
const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// What the answer may do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// It is booked: the last byte may go out.
    Booked {
        /// What was charged.
        charged: Money,
    },
    /// It could not be booked in time, and is tried further in the background.
    Unbooked,
}

/// What to book when the patience is over and the caller has been told so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Instead {
    /// The same: it was delivered, or costs nothing.
    TheSame,
    /// A failure without a charge: the answer was held back.
    NotDelivered,
}

impl Instead {
    fn of(self, finish: &Finish) -> Finish {
        match self {
            Self::TheSame => finish.clone(),
            Self::NotDelivered => Finish {
                events: events_of_failure(finish),
                status: TaskStatus::Failed,
                code: Some(ErrorCode::StoreUnavailable),
                message: Some("the answer could not be booked in time, so it was not delivered".to_owned()),
                bill: None,
                answer: None,
                releases_key: true,
                ..finish.clone()
            },
        }
    }
}

/// What happened, but for the success that was held back.
fn events_of_failure(finish: &Finish) -> Vec<Event> {
    let told = |event: &&Event| !matches!(event.payload, EventPayload::Settled(_) | EventPayload::Completed(_));
    let mut events: Vec<Event> = finish.events.iter().filter(told).cloned().collect();
    // Without any, the two of the beginning are implied.
    let (seq, progress, simulated) = events.last().map_or((2, Progress::NONE, false), |last| (last.seq, last.progress, last.simulated));
    let mut log = EventLog::new(seq.saturating_add(1), progress, simulated);
    let upstream_request_id = finish.upstream_request_id.clone();
    log.add(
        EventPayload::Failed(Failed { code: ErrorCode::StoreUnavailable, upstream_request_id, metrics: Metrics::default() }),
        finish.finished_at,
    );
    events.extend(log.take());
    events
}

/// Writes finishes. A handle.
#[derive(Debug, Clone)]
pub struct Finisher {
    journal: Journal,
    background: TaskTracker,
    patience: Duration,
}

impl Finisher {
    /// Writes through `journal`; whoever waits, waits at most `patience`.
    #[must_use]
    pub fn new(journal: Journal, patience: Duration) -> Self {
        Self { journal, background: TaskTracker::new(), patience }
    }

    /// Makes `finish` durable, and says so, within the patience. When that is over, what `instead` says is written in the background
    /// as soon as the database takes it.
    ///
    /// If the future is dropped, the finish still happens.
    pub fn settle(&self, finish: Finish, instead: Instead) -> impl Future<Output = Settled> + Send {
        // Shared before the future is made, so that it does not carry it.
        let finish = Arc::new(finish);
        async move {
            if self.journal.has_room() {
                // It is queued in the first poll: a caller that goes away afterwards changes nothing.
                match self.journal.finish(Arc::clone(&finish)).await {
                    Ok(finished) => booked(finished),
                    Err(error) => Box::pin(self.settle_slowly(finish, instead, error)).await,
                }
            } else {
                Box::pin(self.settle_slowly(finish, instead, StoreError::Busy)).await
            }
        }
    }

    async fn settle_slowly(&self, finish: Arc<Finish>, instead: Instead, error: StoreError) -> Settled {
        let this = self.clone();
        tracing::error!(task.id = %finish.task, %error, "A task's end could not be written: trying again");
        let tried = self.background.spawn(async move {
            let give_up = Instant::now() + this.patience;
            let mut wait = FIRST_WAIT;
            while Instant::now() < give_up {
                tokio::time::sleep(wait.min(give_up.saturating_duration_since(Instant::now()))).await;
                if let Ok(finished) = this.journal.finish(Arc::clone(&finish)).await {
                    return booked(finished);
                }
                wait = (wait * 2).min(LONGEST_WAIT);
            }
            this.later(instead.of(&finish));
            Settled::Unbooked
        });
        tried.await.unwrap_or(Settled::Unbooked)
    }

    /// Writes `finish` as soon as possible, without anybody waiting for it.
    pub fn later(&self, finish: Finish) {
        let (journal, finish) = (self.journal.clone(), Arc::new(finish));
        self.background.spawn(async move { until_done(&journal, &finish).await });
    }

    /// Runs something that ends by itself and is awaited at shutdown.
    pub fn background<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        self.background.spawn(work)
    }

    /// Waits until everything in the background has ended.
    pub async fn drained(&self) {
        self.background.close();
        self.background.wait().await;
    }
}

const fn booked(finished: Finished) -> Settled {
    match finished {
        Finished::Done { charged } => Settled::Booked { charged },
        // Somebody else ended it (a sweep after a lost lock): what they booked stands, and nothing is booked twice.
        Finished::AlreadyOver => Settled::Booked { charged: Money::ZERO },
    }
}

async fn until_done(journal: &Journal, finish: &Arc<Finish>) {
    let mut wait = FIRST_WAIT;
    loop {
        match journal.finish(Arc::clone(finish)).await {
            Ok(Finished::Done { .. } | Finished::AlreadyOver) => return,
            Err(error) => {
                tracing::error!(task.id = %finish.task, %error, "A task's end could not be written: trying again in {} ms", wait.as_millis())
            }
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

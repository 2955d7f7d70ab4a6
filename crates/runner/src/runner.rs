//! The runner itself: what all runs share, and the way of one chat through it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use easyai_clients::{Clients, TextAnswer};
use easyai_core::candidates::Candidate;
use easyai_core::catalog::Catalog;
use easyai_core::health::HealthBook;
use easyai_core::id::{NodeId, TaskId};
use easyai_core::limit::LimitScope;
use easyai_core::money::Money;
use easyai_core::run::Stop;
use easyai_limits::{Limits, QueuePosition};
use easyai_protocols::request::Framing;
use easyai_protocols::wire::Protocol;
use easyai_store::assets::AssetStore;
use easyai_store::journal::RecordedAnswer;
use easyai_store::vault::Vault;
use easyai_store::{Db, Journal, StoreError};
use http::HeaderValue;
use tokio_util::sync::CancellationToken;

use crate::cache::{Looked, ResponseCache, Wish, hit};
use crate::clock::now;
use crate::counters::Kept;
use crate::deliver::Delivering;
use crate::error::CallError;
use crate::finish::{Finisher, Instead};
use crate::health::HealthBoard;
use crate::jobs::Jobs;
use crate::latency::Latencies;
use crate::metrics::Metrics;
use crate::open::{Live, Open, Opened};
use crate::outputs::Outputs;
use crate::prepare::{Call, Prepared, TextAsk, prepare};
use crate::record::End;
use crate::relay::{RelayBody, Relays};
use crate::settings::Settings;
use crate::snapshot::Snapshot;
use crate::thinking::{self, Opening, Thinking};
use crate::{counters, idempotency, made, plain, sticky};

/// What all runs share.
#[derive(Debug)]
pub struct Runner {
    pub(crate) settings: Settings,
    pub(crate) node: NodeId,
    pub(crate) db: Db,
    pub(crate) journal: Journal,
    pub(crate) finisher: Finisher,
    pub(crate) clients: Clients,
    pub(crate) health: Arc<HealthBoard>,
    pub(crate) outputs: Outputs,
    pub(crate) limits: Limits,
    pub(crate) latencies: Latencies,
    pub(crate) sticky: sticky::Served,
    pub(crate) relays: Relays,
    pub(crate) cache: ResponseCache,
    pub(crate) jobs: Jobs,
    pub(crate) assets: Arc<AssetStore>,
    /// What is counted, for `/metrics`.
    pub metrics: Metrics,
    snapshot: Snapshot,
    pub(crate) vault: Arc<Vault>,
    draining: AtomicBool,
}

/// What a runner is made of.
#[derive(Debug)]
pub struct Parts {
    /// What an operator set.
    pub settings: Settings,
    /// This process.
    pub node: NodeId,
    /// The database, for reading.
    pub db: Db,
    /// The one writer of tasks.
    pub journal: Journal,
    /// The keeper of secrets.
    pub vault: Arc<Vault>,
    /// The ways out.
    pub clients: Clients,
    /// Where what was made is kept.
    pub assets: Arc<AssetStore>,
}

/// Who served a call.
#[derive(Debug, Clone)]
pub struct Served {
    /// The task.
    pub task: TaskId,
    /// Attempts made, the good one included.
    pub attempts: u32,
    /// The platform that answered.
    pub platform: Arc<str>,
    /// The model that answered, where it is a fallback of the one that was asked for.
    pub fallback: Option<Arc<str>>,
    /// What was charged, where it is known already.
    pub charged: Option<Money>,
    /// The fields of the request that were dropped or changed on the way to the candidate, separated by commas.
    pub conversions: String,
    /// What the response cache had for the call, if it is on for it.
    pub cache: Option<CacheUse>,
}

/// What the response cache had for a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheUse {
    /// An answer.
    Hit {
        /// Since it was complete.
        age: Duration,
    },
    /// Nothing, or nothing that the caller wanted.
    Miss,
}

/// The content type of a stream.
#[must_use]
pub const fn content_type(protocol: Protocol, framing: Framing) -> &'static str {
    match (protocol, framing) {
        (_, Framing::Array) => "application/json",
        (Protocol::GenerateContent, Framing::Events) => "text/event-stream",
        (
            Protocol::Chat
            | Protocol::Responses
            | Protocol::Messages
            | Protocol::Completions
            | Protocol::Embeddings
            | Protocol::Moderations
            | Protocol::Rerank
            | Protocol::Compaction
            | Protocol::Images
            | Protocol::ImageEdits
            | Protocol::Videos
            | Protocol::Speech
            | Protocol::Transcriptions
            | Protocol::Translations,
            Framing::Events,
        ) => "text/event-stream; charset=utf-8",
    }
}

/// An answer.
pub enum Reply {
    /// Whole, and booked.
    Plain {
        /// Who served it.
        served: Served,
        /// The upstream's content type.
        content_type: HeaderValue,
        /// The upstream's bytes.
        body: Bytes,
    },
    /// The answer of an earlier call, booked again: whole, and all frames at once if it is a stream.
    Cached {
        /// Who served it then.
        served: Served,
        /// Whether it is a stream.
        streamed: bool,
        /// Its content type.
        content_type: HeaderValue,
        /// Its bytes.
        body: Bytes,
    },
    /// On its way whatever becomes of its caller.
    Relayed {
        /// Who serves it.
        served: Arc<Served>,
        /// The body.
        body: Box<RelayBody>,
    },
    /// On its way; its last frames wait for the booking.
    Stream {
        /// Who serves it.
        served: Served,
        /// The body.
        body: Box<Delivering>,
    },
    /// Not yet: its upstream thinks, and comments keep the connection alive.
    Thinking {
        /// The task.
        task: TaskId,
        /// The body.
        body: Box<Thinking>,
    },
    /// The recorded answer of an earlier call with the same `Idempotency-Key`.
    Replayed {
        /// The task of the first call.
        task: TaskId,
        /// Its answer.
        answer: RecordedAnswer,
    },
}

impl Served {
    pub(crate) fn by(candidate: &Candidate, task: TaskId, attempts: u32) -> Self {
        let fallback = candidate.fallback.then(|| Arc::clone(&candidate.offer.model));
        let platform = Arc::clone(&candidate.offer.platform.name);
        Self { task, attempts, platform, fallback, charged: None, conversions: String::new(), cache: None }
    }
}

impl Runner {
    /// Reads the catalogue and begins.
    ///
    /// # Errors
    /// [`StoreError`] if the catalogue can't be read.
    pub async fn start(parts: Parts) -> Result<Arc<Self>, StoreError> {
        let health = Arc::new(HealthBoard::default());
        let snapshot = Snapshot::load(&parts.db, &parts.vault, &health).await?;
        Ok(Arc::new(Self {
            finisher: Finisher::new(parts.journal.clone(), parts.settings.finish_patience),
            settings: parts.settings,
            node: parts.node,
            db: parts.db,
            journal: parts.journal,
            clients: parts.clients,
            health,
            outputs: Outputs::default(),
            limits: Limits::new(Arc::new(now)),
            latencies: Latencies::default(),
            sticky: sticky::Served::default(),
            relays: Relays::default(),
            cache: ResponseCache::default(),
            jobs: Jobs::default(),
            assets: parts.assets,
            metrics: Metrics::default(),
            snapshot,
            vault: parts.vault,
            draining: AtomicBool::new(false),
        }))
    }

    /// Takes over what was counted before this start. Before the first call.
    ///
    /// # Errors
    /// [`StoreError`] if it can't be read.
    pub async fn restore_counters(&self, kept: Kept) -> Result<(), StoreError> {
        counters::restore(&self.limits, &self.db, &self.catalog(), kept).await
    }

    /// Takes up changes of the catalogue until `stop`.
    pub async fn follow_catalog(&self, stop: &CancellationToken) {
        self.snapshot.follow(&self.db, &self.vault, &self.health, &self.limits, stop).await;
    }

    /// Writes down how candidates are, whenever that changes, until `stop`.
    pub async fn keep_health(&self, stop: &CancellationToken) {
        self.health.keep(&self.db, stop).await;
    }

    /// The catalogue as it is now.
    #[must_use]
    pub fn catalog(&self) -> Arc<Catalog> {
        self.snapshot.now()
    }

    /// How candidates are now.
    #[must_use]
    pub fn health(&self) -> Arc<HealthBook> {
        self.health.now()
    }

    /// Calls under way.
    #[must_use]
    pub fn in_flight(&self) -> u32 {
        self.limits.in_flight(LimitScope::Gateway)
    }

    /// Where a task stands in the queue for its limits, if it waits on this node.
    #[must_use]
    pub fn queue_position(&self, task: TaskId) -> Option<QueuePosition> {
        self.limits.position(task)
    }

    /// Jobs at providers that this node asks about.
    #[must_use]
    pub fn polling(&self) -> usize {
        self.jobs.polling()
    }

    /// Calls that wait for a limit.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.limits.waiting()
    }

    /// Calls that a limit in shadow mode would have refused, so far.
    #[must_use]
    pub fn shadow_refusals(&self) -> u64 {
        self.limits.shadow_refusals()
    }

    /// What the response cache keeps, in bytes.
    #[must_use]
    pub fn response_cache_bytes(&self) -> u64 {
        self.cache.bytes()
    }

    /// Writes that wait for the journal.
    #[must_use]
    pub fn journal_waiting(&self) -> usize {
        self.journal.waiting()
    }

    /// Tasks of which something was committed, from now on.
    #[must_use]
    pub fn committed(&self) -> tokio::sync::broadcast::Receiver<TaskId> {
        self.journal.subscribe()
    }

    /// Whether new work is refused.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Refuses new work from now on.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Waits until the ends of all runs are durable. Call it when no connection is left.
    ///
    /// # Errors
    /// [`StoreError`] if something could not be written.
    pub async fn settled(&self) -> Result<(), StoreError> {
        // What goes on without its caller has had as long as the connections had.
        self.relays.cut_off();
        self.finisher.drained().await;
        self.health.write(&self.db).await?;
        counters::keep(&self.limits, &self.db).await?;
        self.journal.flush().await
    }

    /// Runs a text call: to a whole answer, or to the first useful delta of a stream.
    ///
    /// # Errors
    /// [`CallError`] if it was refused or every attempt failed; nothing was charged then.
    pub async fn text(self: &Arc<Self>, ask: TextAsk) -> Result<Reply, CallError> {
        let (deadline, streamed, protocol) = (ask.deadline, ask.request.scan.stream, ask.request.protocol);
        let call = Call::let_in(self, ask)?;
        let task = call.task;
        let opening: Opening = match Wish::of(&call.ask).map(|wish| (self.cache.look(&wish), wish)) {
            Some((Looked::Answered(answer), wish)) => return Box::pin(hit::give(self, call, &wish, answer)).await,
            Some((Looked::Follows(leader), wish)) => Box::pin(hit::follow(Arc::clone(self), call, wish, leader)),
            leads_or_off => {
                let keeper = leads_or_off.and_then(|(looked, _)| looked.keeper());
                match prepare(self, call, keeper).await? {
                    Prepared::Begun(open) => Box::pin(Arc::clone(self).open(open)),
                    Prepared::Repeated { task, same_body } => {
                        return Box::pin(idempotency::replay(self, task, same_body, deadline)).await;
                    }
                }
            }
        };
        if streamed { thinking::open(task, protocol, opening, self.settings.keep_alive).await } else { opening.await }
    }

    /// Opens a begun run: to a whole answer that is booked, or to the first useful delta of a stream.
    pub(crate) async fn open(self: Arc<Self>, mut open: Box<Open>) -> Result<Reply, CallError> {
        let task = open.task();
        let Some(opened) = open.run().await else {
            return Err(CallError::refused(task, easyai_core::error::ErrorCode::InternalError, "the run was over before it began"));
        };
        match opened {
            Opened::Answering { live, delivery, answer: TextAnswer::Plain(answer) } => plain::deliver(&self, live, delivery, answer).await,
            Opened::Answering { live, delivery, answer: TextAnswer::Stream { stream, .. } } => {
                let served = live.served(delivery.candidate());
                Ok(Reply::Stream { served, body: Box::new(Delivering::new(&self, live, delivery, stream)) })
            }
            Opened::Answering { live, delivery, answer: TextAnswer::Made(made) } => {
                Box::pin(made::deliver(&self, live, delivery, *made)).await
            }
            // A job is opened by a worker alone.
            Opened::Answering { answer: TextAnswer::Job(_), .. } => {
                Err(CallError::refused(task, easyai_core::error::ErrorCode::InternalError, "a job was submitted by a call that waits"))
            }
            Opened::Stopped { live, stop } => Err(Box::pin(self.stopped(live, &stop)).await),
        }
    }

    /// Nothing was delivered: the hold is given back, and the caller is told why.
    pub(crate) async fn stopped(self: &Arc<Self>, mut live: Box<Live>, stop: &Stop) -> CallError {
        live.keeper = None;
        let attempts = live.record.attempts();
        let error = match live.unpaid.clone() {
            Some(unpaid) => CallError { attempts, ..unpaid },
            None => CallError::after(live.record.subject().task, stop, attempts),
        };
        let end = End::Failed { code: error.code, message: error.message.clone() };
        self.metrics.ended(end.status());
        // Whether it is written now or in a moment, it costs nothing: the caller need not be told otherwise.
        self.finisher.settle(live.record.finish(end, None, None, None), Instead::TheSame).await;
        error
    }
}

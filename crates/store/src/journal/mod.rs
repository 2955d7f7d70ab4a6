//! The journal: everything durable about tasks goes through one writer, so that many requests share one commit.
//!
//! ```text
//! begin ─┐                 ┌─ read: wallets, tasks, keys ─▶ plan (pure) ─▶ write: sets ─▶ COMMIT ─┐
//! note   ├─▶ bounded queue ┤                                                                      ├─▶ answers, watchers
//! finish ┘                 └──────────── the next batch gathers during the commit ────────────────┘
//! ```
//!
//! A begin is one row; all the rest comes with the finish. There is no artificial delay: a batch is what waits.
//!
//! # When the database is gone, or the disk is full
//! The whole batch fails and everybody who waits is told, in bounded time; the next batch tries again on a new connection. A commit that
//! got no answer is resolved by looking. A task that may have begun without anybody waiting for it is ended by the journal itself.

mod begin;
mod beginning;
mod finish;
mod note;
mod plan;
mod postgres;
mod postgres_rows;
mod refusal;
mod row;
mod sqlite;
mod sqlite_rows;
mod teller;
mod work;

use std::sync::Arc;
use std::time::Duration;

use easyai_core::id::{AccountId, TaskId};
use easyai_core::money::Money;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{broadcast, mpsc};

pub use self::begin::{Begin, Begun, Idempotency};
pub use self::finish::{Finish, Finished, RecordedAnswer, ResponseNote};
pub use self::note::{AttemptFailure, AttemptRow, Checkpoint, Note, Raised};

pub use self::refusal::Refusal;

use self::beginning::Beginning;
use self::note::Raise;
use self::row::{CheckpointRow, FinishRow, NoteRow};
use self::teller::Teller;
use self::work::{Asked, Told, Work};
use crate::db::Db;
use crate::error::StoreError;
use crate::turned;

/// What may wait. At a few thousand a second that is about a second of work; whoever comes later is better refused at once.
const QUEUE: usize = 4096;

/// The last places of the queue are for tasks that are under way: new ones are refused before.
const RESERVED: usize = QUEUE / 4;

/// Work in one commit. Beyond this a batch gains nothing and only makes its first wait for its last.
const MAX_BATCH: usize = 256;

/// How long anyone waits for an answer: longer than the engines' own limits, so that it is only for a disk that hangs.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(8);

/// Committed tasks a slow watcher may lag behind before it is told to look for itself.
const WATCHED: usize = 1024;

/// The one writer of tasks. A handle: clones share the queue. The writer ends when the last handle is dropped.
#[derive(Debug, Clone)]
pub struct Journal {
    queue: mpsc::Sender<Work>,
    committed: broadcast::Sender<TaskId>,
    called_back: broadcast::Sender<TaskId>,
}

impl Journal {
    /// Starts the writer of `db`, within a tokio runtime.
    ///
    /// # Errors
    /// [`StoreError::Setting`] if a thread could not be started, or the database URL can't be read.
    pub fn start(db: &Db) -> Result<Self, StoreError> {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let (committed, _) = broadcast::channel(WATCHED);
        match db {
            Db::Sqlite(db) => sqlite::start(db.path().to_path_buf(), waiting, Teller::start(queue.downgrade()), committed.clone())?,
            Db::Postgres(db) => postgres::start(db.options()?, waiting, committed.clone()),
        }
        Ok(Self { queue, committed, called_back: broadcast::channel(WATCHED).0 })
    }

    /// A journal on SQLite whose disk is full, until its first failure.
    ///
    /// # Errors
    /// [`StoreError`] if the file can't be opened.
    #[cfg(feature = "testing")]
    pub fn start_on_full_disk(db: &crate::db::SqliteDb) -> Result<Self, StoreError> {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let (committed, _) = broadcast::channel(WATCHED);
        sqlite::start_on_full_disk(db.path().to_path_buf(), waiting, Teller::start(queue.downgrade()), committed.clone())?;
        Ok(Self { queue, committed, called_back: broadcast::channel(WATCHED).0 })
    }

    /// Records a task with its hold. When this returns [`Begun::Begun`], both are durable.
    ///
    /// If the future is dropped, or an error is returned, the task is ended by the journal in case it did begin.
    ///
    /// # Errors
    /// [`StoreError::Busy`] at once if too much is waiting, else what the database says.
    pub async fn begin(&self, begin: Begin) -> Result<Begun, StoreError> {
        if self.queue.capacity() < RESERVED {
            return Err(StoreError::Busy);
        }
        let called_back = (!begin.callbacks.is_empty()).then_some(begin.task);
        let (asked, waiting) = Asked::new(Box::new(begin.clone()));
        self.queue.try_send(Work::Begin(asked)).map_err(|_| StoreError::Busy)?;
        let begun = Beginning { queue: &self.queue, begin, waiting }.answered().await?;
        self.announce_callbacks(called_back.filter(|_| begun == Begun::Begun));
        Ok(begun)
    }

    /// Records a task that was refused before it began. Refused itself if too much is waiting: what is refused must not crowd out what
    /// is under way.
    ///
    /// # Errors
    /// [`StoreError`] if it may not be recorded.
    pub async fn refuse(&self, refusal: Refusal) -> Result<(), StoreError> {
        if self.queue.capacity() < RESERVED {
            return Err(StoreError::Busy);
        }
        let called_back = (!refusal.callbacks.is_empty()).then_some(refusal.task);
        let (asked, waiting) = Asked::new(Box::new(refusal));
        self.queue.try_send(Work::Refuse(asked)).map_err(|_| StoreError::Busy)?;
        answer(waiting).await?;
        self.announce_callbacks(called_back);
        Ok(())
    }

    /// Lets attempts and events be seen before the end. Not awaited, and dropped if too much is waiting.
    pub fn note(&self, note: Note) {
        match NoteRow::new(note) {
            Ok(row) => self.offer(Work::Note(Box::new(row))),
            Err(error) => tracing::error!(%error, "A note could not be recorded"),
        }
    }

    /// Says what has been delivered so far and would be charged if the node died. Not awaited; the next one makes up for a lost one.
    pub fn checkpoint(&self, checkpoint: &Checkpoint) {
        match CheckpointRow::new(checkpoint) {
            Ok(row) => self.offer(Work::Checkpoint(Box::new(row))),
            Err(error) => tracing::error!(%error, "A checkpoint could not be recorded"),
        }
    }

    /// Lets a task's hold grow to `to`. Never lowers it.
    ///
    /// # Errors
    /// [`StoreError`]: then it may have grown or not; asking again is safe.
    pub async fn raise_hold(&self, task: TaskId, account: AccountId, to: Money) -> Result<Raised, StoreError> {
        let (asked, waiting) = Asked::new(Raise { task, account, to });
        self.send(Work::Raise(asked)).await?;
        answer(waiting).await
    }

    /// Ends a task: status, charge, attempts, events and answer in one commit.
    ///
    /// # Errors
    /// [`StoreError`]: then it may be durable or not; the same finish again is always safe, and must be tried until it is done.
    pub async fn finish(&self, finish: impl Into<Arc<Finish>>) -> Result<Finished, StoreError> {
        let (asked, waiting) = Asked::new(Box::new(FinishRow::new(finish.into())?));
        self.send(Work::Finish(asked)).await?;
        answer(waiting).await
    }

    /// Waits until everything that was asked before is durable.
    ///
    /// # Errors
    /// [`StoreError`] if it is not.
    pub async fn flush(&self) -> Result<(), StoreError> {
        let (asked, waiting) = Asked::new(());
        self.send(Work::Flush(asked)).await?;
        answer(waiting).await
    }

    /// Tasks of which something was committed, from now on. Whoever lags behind is told so and should look for itself.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<TaskId> {
        self.committed.subscribe()
    }

    /// Tasks that begin with somebody to be told of their events, from now on. Whoever lags behind is told so and should look for
    /// itself.
    #[must_use]
    pub fn subscribe_callbacks(&self) -> broadcast::Receiver<TaskId> {
        self.called_back.subscribe()
    }

    fn announce_callbacks(&self, task: Option<TaskId>) {
        if let Some(task) = task
            && self.called_back.send(task).is_err()
        {
            tracing::debug!("Nobody delivers callbacks here");
        }
    }

    /// Whether something sent now is queued at once.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.queue.capacity() >= RESERVED / 2
    }

    /// How much is waiting, for metrics.
    #[must_use]
    pub fn waiting(&self) -> usize {
        QUEUE - self.queue.capacity()
    }

    async fn send(&self, work: Work) -> Result<(), StoreError> {
        // At once where there is room: then it is queued in the first poll, whatever becomes of this future.
        let work = match self.queue.try_send(work) {
            Ok(()) => return Ok(()),
            Err(TrySendError::Full(work)) => work,
            Err(TrySendError::Closed(_)) => return Err(ended()),
        };
        let sent = tokio::time::timeout(ANSWER_TIMEOUT, self.queue.send(work)).await;
        sent.map_err(|_| StoreError::Busy)?.map_err(|_| ended())
    }

    fn offer(&self, work: Work) {
        if self.queue.try_send(work).is_err() {
            tracing::warn!("Too much is waiting to be written: a note or checkpoint was left out");
        }
    }
}

async fn answer<A>(waiting: impl Future<Output = Told<A>>) -> Result<A, StoreError> {
    if turned::is_on() {
        return turned::wait_in_place(waiting).unwrap_or_else(|_| Err(ended()));
    }
    match tokio::time::timeout(ANSWER_TIMEOUT, waiting).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => Err(ended()),
        Err(_) => Err(StoreError::Unavailable("it did not answer in time".to_owned())),
    }
}

fn ended() -> StoreError {
    StoreError::Unavailable("the journal has ended".to_owned())
}

/// Wakes those who watch tasks; costs nothing when nobody does.
fn announce(committed: &broadcast::Sender<TaskId>, tasks: impl FnOnce() -> Vec<TaskId>) {
    if committed.receiver_count() > 0 {
        // An error only says that the last watcher left meanwhile.
        tasks().into_iter().for_each(|task| drop(committed.send(task)));
    }
}

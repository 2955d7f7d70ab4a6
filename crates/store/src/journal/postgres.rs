//! The journal on PostgreSQL: one task with one connection of its own, one transaction a batch.
//!
//! Wallets are locked in the order of their ids, then tasks in theirs, so two nodes can't deadlock. A commit that got no answer is looked
//! up by deciding the batch again on a new connection: its wallets are locked first, which waits for the old transaction to end.

use std::time::Duration;

use easyai_core::id::TaskId;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection};
use tokio::sync::{broadcast, mpsc};
use tokio::time::Instant;

use super::plan::{Needs, Plan, Try};
use super::work::{Fate, Work, tell_all};
use super::{announce, postgres_rows};
use crate::error::StoreError;

/// How long a batch may take, connecting included: then the database counts as gone. Looking what became of a commit has as long again.
const BATCH_TIMEOUT: Duration = Duration::from_secs(3);

/// Work in one commit. sqlx does not set TCP_NODELAY: the last piece of a statement that is larger than a segment (64 KB on one machine)
/// waits up to 40 ms for an acknowledgement. Measured: 64 tasks in a batch took 50 ms a commit, 16 took 4.
const MAX_BATCH: usize = 32;

/// What the server does if this node vanishes in the middle of a transaction, or another one holds a wallet too long.
const SESSION: [(&str, &str); 3] =
    [("idle_in_transaction_session_timeout", "10s"), ("statement_timeout", "2500ms"), ("lock_timeout", "2500ms")];

/// Everything here is looked up by its key. A plan is made once for a connection, most often while the tables are nearly empty, and
/// then a scan looks cheap: it stays in use when they have grown, and costs milliseconds a batch. Compiling such plans costs as much.
const PLANS: [(&str, &str); 4] = [("enable_seqscan", "off"), ("enable_hashjoin", "off"), ("enable_mergejoin", "off"), ("jit", "off")];

/// Starts the task. It ends when all handles of the journal are gone.
pub(super) fn start(options: PgConnectOptions, queue: mpsc::Receiver<Work>, committed: broadcast::Sender<TaskId>) {
    let options = options.application_name("easyai journal").options(SESSION).options(PLANS);
    let writer = Writer { options, connection: None, committed, orphans: Vec::new() };
    tokio::spawn(writer.run(queue));
}

struct Writer {
    options: PgConnectOptions,
    connection: Option<PgConnection>,
    committed: broadcast::Sender<TaskId>,
    /// Ends of tasks that nobody waits for; they go first.
    orphans: Vec<Work>,
}

/// A batch that failed.
struct Failed {
    error: StoreError,
    fate: Fate,
}

impl Writer {
    async fn run(mut self, mut queue: mpsc::Receiver<Work>) {
        let mut batch = Vec::with_capacity(MAX_BATCH);
        while queue.recv_many(&mut batch, MAX_BATCH).await > 0 {
            self.write(std::mem::take(&mut batch)).await;
            // Once more for what nobody waits for, unless the database is gone; then it goes with the next batch.
            if self.connection.is_some() && !self.orphans.is_empty() {
                self.write(Vec::new()).await;
            }
        }
    }

    /// Writes the batch and tells everybody. If one piece of it is at fault, only that piece fails.
    async fn write(&mut self, batch: Vec<Work>) {
        let mut batch: Vec<Work> = self.orphans.drain(..).chain(batch).collect();
        let Err(failed) = self.commit(&mut batch).await else { return self.tell(batch, Fate::Committed, None) };
        if failed.error.is_temporary() || batch.len() == 1 {
            return self.tell(batch, failed.fate, Some(&failed.error));
        }
        for work in batch {
            let mut alone = vec![work];
            match self.commit(&mut alone).await {
                Ok(()) => self.tell(alone, Fate::Committed, None),
                Err(failed) => self.tell(alone, failed.fate, Some(&failed.error)),
            }
        }
    }

    fn tell(&mut self, batch: Vec<Work>, fate: Fate, failed: Option<&StoreError>) {
        if let Some(error) = failed {
            tracing::error!(%error, work = batch.len(), "The journal could not write");
        }
        self.orphans.extend(tell_all(batch, fate, failed));
    }

    /// One commit; looks what became of it if that is not certain.
    async fn commit(&mut self, batch: &mut [Work]) -> Result<(), Failed> {
        let deadline = Instant::now() + BATCH_TIMEOUT;
        match self.attempt(batch, Try::First, deadline).await {
            Err(failed) if failed.fate == Fate::Unknown => self
                .attempt(batch, Try::Again, Instant::now() + BATCH_TIMEOUT)
                .await
                .map_err(|again| Failed { fate: Fate::Unknown, ..again }),
            // A kept connection may have died while it was idle; nothing was sent on it that could have been committed.
            Err(failed) if matches!(failed.error, StoreError::Unavailable(_)) && failed.fate == Fate::RolledBack => {
                self.attempt(batch, Try::First, deadline).await
            }
            result => result,
        }
    }

    async fn attempt(&mut self, batch: &mut [Work], attempt: Try, deadline: Instant) -> Result<(), Failed> {
        let mut connection = self.connection.take();
        let mut fate = Fate::RolledBack;
        let tried = tokio::time::timeout_at(deadline, self.transact(&mut connection, batch, attempt, &mut fate)).await;
        match tried {
            Ok(Ok(())) => {
                self.connection = connection;
                Ok(())
            }
            // The connection is dropped: the transaction may still be open on it.
            Ok(Err(error)) => Err(Failed { error, fate }),
            Err(_) => Err(Failed { error: StoreError::Unavailable("it did not answer in time".to_owned()), fate }),
        }
    }

    async fn transact(
        &self,
        connection: &mut Option<PgConnection>,
        batch: &mut [Work],
        attempt: Try,
        fate: &mut Fate,
    ) -> Result<(), StoreError> {
        let connection = match connection {
            Some(connection) => connection,
            none => none.insert(self.options.connect().await?),
        };
        let mut transaction = connection.begin().await?;
        let facts = postgres_rows::read(&mut transaction, &Needs::of(batch, attempt)).await?;
        let plan = Plan::decide(batch, facts);
        if plan.is_empty() {
            return Ok(transaction.rollback().await?);
        }
        postgres_rows::write(&mut transaction, &plan).await?;
        *fate = Fate::Unknown;
        transaction.commit().await?;
        announce(&self.committed, || plan.touched());
        Ok(())
    }
}

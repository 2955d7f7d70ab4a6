//! Which gateway processes are alive. A node is alive as long as somebody holds its lock; a dead one's tasks are swept.
//!
//! SQLite: one node at a time, by a lock on the file `serve.lock` beside the database; the system gives it back however the process
//! ends. PostgreSQL: each node keeps an advisory lock of its own on a connection of its own. If that connection breaks, it is taken
//! again within [`RELOCK_EVERY`]; only a node that starts in between could take this one for dead.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use easyai_core::id::NodeId;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection};

use crate::db::{ACQUIRE_TIMEOUT, Db, folder_of};
use crate::error::StoreError;
use crate::{now, sql};

/// The name of the lock's file beside a SQLite database.
pub const LOCK_FILE: &str = "serve.lock";

/// How often a node looks whether it still holds its lock on PostgreSQL.
const RELOCK_EVERY: Duration = Duration::from_secs(1);

/// This process as a node. It is alive until this is dropped.
#[derive(Debug)]
pub struct Node {
    id: NodeId,
    _lock: Lock,
}

#[derive(Debug)]
enum Lock {
    File { _file: File },
    Session(tokio::task::JoinHandle<()>),
}

impl Drop for Lock {
    fn drop(&mut self) {
        match self {
            Self::File { .. } => {}
            // With it goes the connection, and with that the lock.
            Self::Session(keeper) => keeper.abort(),
        }
    }
}

impl Node {
    /// Makes this process a node of `db`.
    ///
    /// # Errors
    /// [`StoreError::Setting`] if another process serves this SQLite database.
    pub async fn join(db: &Db, host: &str, version: &str) -> Result<Self, StoreError> {
        let id = NodeId::from_uuid(crate::new_id());
        // First the lock: a node that others can see must not look dead.
        let lock = match db {
            Db::Sqlite(db) => Lock::File { _file: lock_file(db.path())? },
            Db::Postgres(db) => lock_session(db.options()?, id).await?,
        };
        let mut tx = db.write().await?;
        let insert = "INSERT INTO nodes (id, host, version, started_at) VALUES ($1, $2, $3, $4)";
        sql!(tx, execute insert, id.uuid(), host, version, now().micros())?;
        tx.commit().await?;
        Ok(Self { id, _lock: lock })
    }

    /// Its id.
    #[must_use]
    pub const fn id(&self) -> NodeId {
        self.id
    }

    /// Says that nothing of this node is left to be done.
    ///
    /// # Errors
    /// [`StoreError`] if it can't be written: then the next node finds out by itself.
    pub async fn leave(self, db: &Db) -> Result<(), StoreError> {
        mark_stopped(db, self.id).await
    }
}

/// Notes that the work of `node` is accounted for.
pub(crate) async fn mark_stopped(db: &Db, node: NodeId) -> Result<(), StoreError> {
    let mut tx = db.write().await?;
    sql!(tx, execute "UPDATE nodes SET stopped_at = $2 WHERE id = $1 AND stopped_at IS NULL", node.uuid(), now().micros())?;
    tx.commit().await
}

/// The number of a node's advisory lock: the half of its id that is all randomness.
pub(crate) const fn lock_number(node: NodeId) -> i64 {
    node.uuid().as_u64_pair().1.cast_signed()
}

fn lock_file(database: &Path) -> Result<File, StoreError> {
    let path = folder_of(database).join(LOCK_FILE);
    let failed = |error: std::io::Error| StoreError::Setting(format!("the lock {} can't be taken: {error}", path.display()));
    let file = File::options().read(true).write(true).create(true).truncate(false).open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => {
            Err(StoreError::Setting(format!("another gateway serves this database: it holds {}", path.display())))
        }
        Err(std::fs::TryLockError::Error(error)) => Err(failed(error)),
    }
}

async fn lock_session(options: PgConnectOptions, node: NodeId) -> Result<Lock, StoreError> {
    let options = options.application_name("easyai node");
    let held = take(&options, node).await?;
    Ok(Lock::Session(tokio::spawn(keep(options, node, held))))
}

async fn take(options: &PgConnectOptions, node: NodeId) -> Result<PgConnection, StoreError> {
    let late = |_| StoreError::Unavailable("it did not answer in time".to_owned());
    let mut connection = tokio::time::timeout(ACQUIRE_TIMEOUT, options.connect()).await.map_err(late)??;
    let lock = sqlx::query_as::<_, (bool,)>("SELECT pg_try_advisory_lock($1)").bind(lock_number(node));
    let (taken,) = tokio::time::timeout(ACQUIRE_TIMEOUT, lock.fetch_one(&mut connection)).await.map_err(late)??;
    if taken { Ok(connection) } else { Err(StoreError::Unavailable("the node's lock is held by another session".to_owned())) }
}

/// Holds the lock, and takes it again whenever the connection breaks.
async fn keep(options: PgConnectOptions, node: NodeId, held: PgConnection) {
    let mut held = Some(held);
    let mut every = tokio::time::interval(RELOCK_EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        let alive = match &mut held {
            Some(connection) => matches!(tokio::time::timeout(ACQUIRE_TIMEOUT, connection.ping()).await, Ok(Ok(()))),
            None => false,
        };
        if alive {
            continue;
        }
        held = None;
        match take(&options, node).await {
            Ok(connection) => held = Some(connection),
            Err(error) => tracing::warn!(%error, node.id = %node, "The node's lock is lost; trying to take it again"),
        }
    }
}

//! The journal on SQLite: one thread with one connection of its own, one transaction a batch.
//!
//! rusqlite rather than sqlx: the thread is ours already, and a statement costs two fifths (design, section 1). If anything fails the
//! connection is dropped, and the next batch opens another: SQLite may have rolled back by itself, and a full disk may be full no more.
//!
//! Nobody else ends tasks in this file, so what the journal itself began it need not read again: it remembers unfinished tasks. Should it
//! be wrong about one, the statement that changes it finds no unfinished row, and the batch is decided anew from what is read.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use easyai_core::id::TaskId;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use tokio::sync::{broadcast, mpsc};

use super::plan::{KnownTask, Needs, Plan, Try};
use super::teller::Teller;
use super::work::{Fate, Work};
use super::{MAX_BATCH, announce, sqlite_rows};
use crate::db::BUSY_TIMEOUT;
use crate::error::{StoreError, from_sqlite_code};
use crate::turned;

/// How often a batch may wait for others on a busy core. They add most of what they have at once.
const MAX_YIELDS: usize = 4;

/// Prepared statements kept: more than there are.
const STATEMENTS: usize = 64;

/// Pages in the write-ahead log before they are copied into the file. A page that changes with every batch is then copied once in many;
/// SQLite's own 1,000 cost a tenth of the journal's time. The log stays below about 32 MB.
const CHECKPOINT_PAGES: i64 = 8_000;

/// Starts the thread. It ends when all handles of the journal are gone.
pub(super) fn start(
    path: PathBuf,
    queue: mpsc::Receiver<Work>,
    teller: Teller,
    committed: broadcast::Sender<TaskId>,
) -> Result<(), StoreError> {
    // What a turned clock's thread plays is thrown away: no power failure matters to it.
    let synchronous = if turned::is_on() { "off" } else { "full" };
    let writer = Writer { path, synchronous, connection: None, unfinished: HashMap::new(), committed, teller };
    let thread = std::thread::Builder::new().name("journal".to_owned()).spawn(move || writer.run(queue));
    thread.map(drop).map_err(|error| StoreError::Setting(format!("the journal's thread could not be started: {error}")))
}

/// Like [`start`], but the first connection finds the disk full as soon as the file would have to grow.
#[cfg(feature = "testing")]
pub(super) fn start_on_full_disk(
    path: PathBuf,
    queue: mpsc::Receiver<Work>,
    teller: Teller,
    committed: broadcast::Sender<TaskId>,
) -> Result<(), StoreError> {
    let full = open(&path, "full")?;
    let pages: i64 = full.query_row("PRAGMA page_count", [], |row| row.get(0))?;
    full.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))?;
    let writer = Writer { path, synchronous: "full", connection: Some(full), unfinished: HashMap::new(), committed, teller };
    std::thread::spawn(move || writer.run(queue));
    Ok(())
}

struct Writer {
    path: PathBuf,
    synchronous: &'static str,
    connection: Option<Connection>,
    /// Tasks of which something was committed, as they are now.
    unfinished: HashMap<TaskId, KnownTask>,
    committed: broadcast::Sender<TaskId>,
    teller: Teller,
}

/// A batch that failed.
struct Failed {
    error: StoreError,
    fate: Fate,
}

impl Writer {
    fn run(mut self, mut queue: mpsc::Receiver<Work>) {
        let mut batch = Vec::with_capacity(MAX_BATCH);
        while queue.blocking_recv_many(&mut batch, MAX_BATCH) > 0 {
            // On one busy core this lets others add to the batch, for as long as they do; on an idle machine it costs a microsecond.
            for _ in 0..MAX_YIELDS {
                let before = batch.len();
                std::thread::yield_now();
                while batch.len() < MAX_BATCH {
                    let Ok(work) = queue.try_recv() else { break };
                    batch.push(work);
                }
                if batch.len() == before || batch.len() == MAX_BATCH {
                    break;
                }
            }
            self.write(std::mem::take(&mut batch));
        }
    }

    /// Writes the batch and tells everybody. If one piece of it is at fault, only that piece fails.
    fn write(&mut self, batch: Vec<Work>) {
        // Ends of tasks that nobody waits for go first.
        let mut batch: Vec<Work> = self.teller.orphans().into_iter().chain(batch).collect();
        let Err(failed) = self.commit(&mut batch) else { return self.tell(batch, Fate::Committed, None) };
        if failed.error.is_temporary() || batch.len() == 1 {
            return self.tell(batch, failed.fate, Some(&failed.error));
        }
        for work in batch {
            let mut alone = vec![work];
            match self.commit(&mut alone) {
                Ok(()) => self.tell(alone, Fate::Committed, None),
                Err(failed) => self.tell(alone, failed.fate, Some(&failed.error)),
            }
        }
    }

    fn tell(&mut self, batch: Vec<Work>, fate: Fate, failed: Option<&StoreError>) {
        if let Some(error) = failed {
            tracing::error!(%error, work = batch.len(), "The journal could not write");
        }
        self.teller.tell(batch, fate, failed);
    }

    /// One commit; looks what became of it if that is not certain.
    fn commit(&mut self, batch: &mut [Work]) -> Result<(), Failed> {
        let Err(failed) = self.attempt(batch, Try::First) else { return Ok(()) };
        let remembered = !std::mem::take(&mut self.unfinished).is_empty();
        match failed.fate {
            Fate::Unknown => self.attempt(batch, Try::Again).map_err(|again| Failed { fate: Fate::Unknown, ..again }),
            Fate::RolledBack if remembered && !failed.error.is_temporary() => self.attempt(batch, Try::First),
            Fate::RolledBack | Fate::Committed => Err(failed),
        }
    }

    fn attempt(&mut self, batch: &mut [Work], attempt: Try) -> Result<(), Failed> {
        let rolled_back = |error: rusqlite::Error| Failed { error: error.into(), fate: Fate::RolledBack };
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => open(&self.path, self.synchronous).map_err(rolled_back)?,
        };
        // On an error the connection is dropped with its transaction; it is put back only when all went well.
        let tried = self.transact(&mut connection, batch, attempt);
        self.connection = tried.is_ok().then_some(connection);
        tried
    }

    fn transact(&mut self, connection: &mut Connection, batch: &mut [Work], attempt: Try) -> Result<(), Failed> {
        let rolled_back = |error: rusqlite::Error| Failed { error: error.into(), fate: Fate::RolledBack };
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(rolled_back)?;
        let facts = sqlite_rows::read(&transaction, &Needs::of(batch, attempt), &self.unfinished);
        let facts = facts.map_err(|error| Failed { error, fate: Fate::RolledBack })?;
        let plan = Plan::decide(batch, facts);
        if plan.is_empty() {
            return transaction.rollback().map_err(rolled_back);
        }
        sqlite_rows::write(&transaction, &plan).map_err(rolled_back)?;
        transaction.commit().map_err(|error| Failed { error: error.into(), fate: Fate::Unknown })?;
        announce(&self.committed, || plan.touched());
        for (task, known) in plan.tasks {
            if known.status.is_terminal() {
                self.unfinished.remove(&task);
            } else {
                self.unfinished.insert(task, known);
            }
        }
        Ok(())
    }
}

/// Opens the file, which exists: a missing one is an error, not a new database.
fn open(path: &Path, synchronous: &str) -> Result<Connection, rusqlite::Error> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", synchronous)?;
    connection.pragma_update(None, "foreign_keys", "on")?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error() {
            Some(code) => from_sqlite_code(code.extended_code & 0xff, &error.to_string()),
            None => Self::Corrupt(error.to_string()),
        }
    }
}

//! Two engines, one SQL text. `sql!` runs a statement on whichever engine is there; `$1` is the first value on both.
//!
//! SQLite: write-ahead log, every commit synced, a pool for reading and exactly one connection for writing (the journal has one of its
//! own; they take turns by SQLite's lock). PostgreSQL: one bounded pool. A database that is gone gives [`StoreError::Unavailable`]
//! within [`ACQUIRE_TIMEOUT`].

use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Postgres, Sqlite, Transaction};

use crate::error::StoreError;
use crate::url::DatabaseUrl;

/// How long anyone waits for a connection: a stopped database is noticed within it.
pub const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);

/// How long a SQLite writer waits for another: longer than any batch of ours takes.
pub const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Readers beside the writer. The database is one file on one disk; more would only add page caches.
const SQLITE_READERS: u32 = 4;

/// Connections a node takes of a PostgreSQL server, beside the journal's and the node's own. Servers commonly allow a hundred in all.
const POSTGRES_CONNECTIONS: u32 = 8;

/// The database.
#[derive(Debug, Clone)]
pub enum Db {
    /// A file.
    Sqlite(SqliteDb),
    /// A server.
    Postgres(PostgresDb),
}

/// A file with its pools.
#[derive(Debug, Clone)]
pub struct SqliteDb {
    path: Arc<Path>,
    read: SqlitePool,
    write: SqlitePool,
}

/// A server with its pool.
#[derive(Debug, Clone)]
pub struct PostgresDb {
    url: SecretString,
    pool: PgPool,
}

impl SqliteDb {
    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl PostgresDb {
    /// How to connect, for those that need a connection of their own.
    pub(crate) fn options(&self) -> Result<PgConnectOptions, StoreError> {
        postgres_options(&self.url)
    }
}

impl Db {
    /// Opens the database; a file that does not exist is created, readable by its owner alone.
    ///
    /// # Errors
    /// [`StoreError::Setting`] for a URL that can't be read, [`StoreError::Unavailable`] or [`StoreError::Unwritable`] if it can't be
    /// opened.
    pub async fn open(url: &DatabaseUrl) -> Result<Self, StoreError> {
        match url {
            DatabaseUrl::Sqlite(path) => Ok(Self::Sqlite(open_sqlite(path).await?)),
            DatabaseUrl::Postgres(url) => Ok(Self::Postgres(open_postgres(url).await?)),
        }
    }

    /// A connection for reading.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] after [`ACQUIRE_TIMEOUT`].
    pub async fn read(&self) -> Result<Conn, StoreError> {
        Ok(match self {
            Self::Sqlite(db) => Conn::Sqlite(db.read.acquire().await?),
            Self::Postgres(db) => Conn::Postgres(db.pool.acquire().await?),
        })
    }

    /// A transaction for writing; dropped without [`Tx::commit`], it changes nothing.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] after [`ACQUIRE_TIMEOUT`] or [`BUSY_TIMEOUT`].
    pub async fn write(&self) -> Result<Tx, StoreError> {
        Ok(match self {
            // Takes the write lock at once: a transaction that reads first and writes later could find that it can't.
            Self::Sqlite(db) => Tx::Sqlite(db.write.begin_with("BEGIN IMMEDIATE").await?),
            Self::Postgres(db) => Tx::Postgres(db.pool.begin().await?),
        })
    }

    /// A transaction for reading alone, in which everything is as at one moment.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] after [`ACQUIRE_TIMEOUT`].
    pub async fn snapshot(&self) -> Result<Tx, StoreError> {
        Ok(match self {
            Self::Sqlite(db) => Tx::Sqlite(db.read.begin().await?),
            Self::Postgres(db) => Tx::Postgres(db.pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?),
        })
    }

    /// Closes all connections.
    pub async fn close(&self) {
        match self {
            Self::Sqlite(db) => {
                db.read.close().await;
                db.write.close().await;
            }
            Self::Postgres(db) => db.pool.close().await,
        }
    }
}

/// A connection for reading.
#[derive(Debug)]
pub enum Conn {
    /// To a file.
    Sqlite(PoolConnection<Sqlite>),
    /// To a server.
    Postgres(PoolConnection<Postgres>),
}

/// A transaction for writing.
#[must_use = "a transaction that is not committed changes nothing"]
#[derive(Debug)]
pub enum Tx {
    /// On a file.
    Sqlite(Transaction<'static, Sqlite>),
    /// On a server.
    Postgres(Transaction<'static, Postgres>),
}

/// The engine under a [`Conn`] or [`Tx`], for `sql!`.
#[derive(Debug)]
pub enum Engine<'a> {
    /// SQLite.
    Sqlite(&'a mut SqliteConnection),
    /// PostgreSQL.
    Postgres(&'a mut PgConnection),
}

impl Conn {
    /// The engine, for `sql!`.
    pub fn engine(&mut self) -> Engine<'_> {
        match self {
            Self::Sqlite(connection) => Engine::Sqlite(connection),
            Self::Postgres(connection) => Engine::Postgres(connection),
        }
    }
}

impl Tx {
    /// The engine, for `sql!`.
    pub fn engine(&mut self) -> Engine<'_> {
        match self {
            Self::Sqlite(transaction) => Engine::Sqlite(transaction),
            Self::Postgres(transaction) => Engine::Postgres(transaction),
        }
    }

    /// Makes the changes durable.
    ///
    /// # Errors
    /// [`StoreError`] if that failed; then nothing was changed, or (only when the connection broke) it is not known.
    pub async fn commit(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(transaction) => transaction.commit().await?,
            Self::Postgres(transaction) => transaction.commit().await?,
        }
        Ok(())
    }
}

/// Runs one statement on either engine, inside an `async fn`: `$on` is a `Conn` or a `Tx`, the result is `Result<_, StoreError>`.
///
/// - `sql!(on, execute "UPDATE …", a, b)` gives the number of rows;
/// - `sql!(on, all Row, "SELECT …", a)` a `Vec<Row>`, `sql!(on, optional Row, …)` an `Option<Row>`, `sql!(on, one Row, …)` a `Row`,
///   where `Row` is a type of `rows!`, or `One<T>`.
#[macro_export]
macro_rules! sql {
    ($on:expr, execute $sql:expr $(, $bind:expr)* $(,)?) => { match $on.engine() {
        $crate::db::Engine::Sqlite(on) => ::sqlx::query($sql)$(.bind($bind))*.execute(on).await.map(|done| done.rows_affected()),
        $crate::db::Engine::Postgres(on) => ::sqlx::query($sql)$(.bind($bind))*.execute(on).await.map(|done| done.rows_affected()),
    }.map_err($crate::error::StoreError::from) };
    ($on:expr, all $($rest:tt)*) => { $crate::sql!(@ $on, fetch_all $($rest)*) };
    ($on:expr, optional $($rest:tt)*) => { $crate::sql!(@ $on, fetch_optional $($rest)*) };
    ($on:expr, one $($rest:tt)*) => { $crate::sql!(@ $on, fetch_one $($rest)*) };
    (@ $on:expr, $fetch:ident $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => { match $on.engine() {
        $crate::db::Engine::Sqlite(on) => ::sqlx::query_as::<_, $row>($sql)$(.bind($bind))*.$fetch(on).await,
        $crate::db::Engine::Postgres(on) => ::sqlx::query_as::<_, $row>($sql)$(.bind($bind))*.$fetch(on).await,
    }.map_err($crate::error::StoreError::from) };
}

async fn open_sqlite(path: &Path) -> Result<SqliteDb, StoreError> {
    create_file(path)?;
    let options = SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT);
    // First the writer: it makes the write-ahead log that readers then find.
    let write = SqlitePoolOptions::new().max_connections(1).acquire_timeout(BUSY_TIMEOUT).connect_with(options.clone()).await?;
    let read = SqlitePoolOptions::new()
        .max_connections(SQLITE_READERS)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_lazy_with(options.pragma("query_only", "on"));
    Ok(SqliteDb { path: path.into(), read, write })
}

/// Creates the file before SQLite would, with the mode that we want; the files beside it inherit it.
fn create_file(path: &Path) -> Result<(), StoreError> {
    let failed = |error: std::io::Error| StoreError::Setting(format!("the database file {} can't be opened: {error}", path.display()));
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.exists()) {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
    }
    std::fs::OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path).map_err(failed)?;
    Ok(())
}

fn postgres_options(url: &SecretString) -> Result<PgConnectOptions, StoreError> {
    let options = PgConnectOptions::from_str(url.expose_secret());
    // The error's text could repeat the URL with its password.
    options.map_err(|_| StoreError::Setting("the database URL can't be read: write postgres://USER:PASSWORD@HOST:PORT/NAME".to_owned()))
}

async fn open_postgres(url: &SecretString) -> Result<PostgresDb, StoreError> {
    let options = postgres_options(url)?.application_name("easyai");
    let pool = PgPoolOptions::new().max_connections(POSTGRES_CONNECTIONS).acquire_timeout(ACQUIRE_TIMEOUT).connect_with(options).await?;
    Ok(PostgresDb { url: url.clone(), pool })
}

/// The folder of a database file: other files of the node (its lock) live there too.
#[must_use]
pub fn folder_of(path: &Path) -> PathBuf {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

//! Keeps rows: SQLite and PostgreSQL behind one SQL text, and the journal (many requests, one commit).
//!
//! Nothing here decides: the rows are written as `easyai-core` says. A database that is gone gives a [`StoreError`] in bounded time
//! on every path, and is used again by itself when it is back.

pub mod accounts;
pub mod assets;
pub mod books;
pub mod callbacks;
pub mod candidate_state;
pub mod catalog;
pub mod column;
pub mod db;
pub mod error;
pub mod history;
pub mod jobs;
pub mod journal;
pub mod keys;
pub mod ledger;
pub mod limit_edit;
pub mod limit_state;
pub mod migrate;
pub mod nodes;
pub mod responses;
pub mod spent;
pub mod sweep;
pub mod tasks;
#[cfg(feature = "testing")]
pub mod testing;
pub mod turned;
pub mod url;
pub mod vault;
pub mod verify;

pub use db::{Conn, Db, Tx};
pub use error::StoreError;
pub use journal::Journal;
pub use migrate::SchemaState;
pub use url::DatabaseUrl;

/// The wall clock. Tasks bring their own times; this one dates what the store itself adds (migrations, nodes, top-ups).
#[must_use]
pub fn now() -> easyai_core::time::Timestamp {
    turned::now().unwrap_or_else(|| {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        easyai_core::time::Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    })
}

/// A new id's bits: a UUIDv7, sortable by time.
#[must_use]
pub fn new_id() -> uuid::Uuid {
    turned::new_id().unwrap_or_else(uuid::Uuid::now_v7)
}

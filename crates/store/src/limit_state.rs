//! What a limiter in memory had counted, kept over a clean restart: one JSON document, which only the limiter understands.

use easyai_core::time::Timestamp;

use crate::db::Db;
use crate::error::StoreError;
use crate::{now, rows, sql};

/// The id of the one row.
const ID: i64 = 1;

rows! {
    /// A document, and when it was written.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Saved {
        /// The document, JSON.
        pub state: String,
        /// When it was written.
        pub saved_at: Timestamp,
    }
}

/// The document, if there is one.
///
/// # Errors
/// [`StoreError`] if it can't be read.
pub async fn load(db: &Db) -> Result<Option<Saved>, StoreError> {
    let mut conn = db.read().await?;
    sql!(conn, optional Saved, "SELECT state, saved_at FROM limit_state WHERE id = $1", ID)
}

/// Writes the document in place of the one that was there.
///
/// # Errors
/// [`StoreError`] if it can't be written; then the old one is there.
pub async fn save(db: &Db, state: &str) -> Result<(), StoreError> {
    let upsert = "INSERT INTO limit_state (id, state, saved_at) VALUES ($1, $2, $3)
        ON CONFLICT (id) DO UPDATE SET state = excluded.state, saved_at = excluded.saved_at";
    let mut tx = db.write().await?;
    sql!(tx, execute upsert, ID, state, now().micros())?;
    tx.commit().await
}

/// Forgets the document: after it was read, so that it is not read again after a crash, when it is no longer true.
///
/// # Errors
/// [`StoreError`] if it can't be written.
pub async fn clear(db: &Db) -> Result<(), StoreError> {
    let mut tx = db.write().await?;
    sql!(tx, execute "DELETE FROM limit_state WHERE id = $1", ID)?;
    tx.commit().await
}

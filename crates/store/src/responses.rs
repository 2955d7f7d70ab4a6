//! Stored responses: recorded answers that are found by a public id of their own, with the input that led to them.

use bytes::Bytes;
use easyai_core::id::{AccountId, TaskId};

use crate::column::One;
use crate::db::Db;
use crate::error::StoreError;
use crate::journal::RecordedAnswer;
use crate::{rows, sql};

rows! {
    struct ResponseRow {
        task_id: TaskId, status: u16, content_type: String, body: Vec<u8>, size_bytes: u64, previous_response_id: Option<String>,
        input: Option<Vec<u8>>, input_bytes: Option<u64>,
    }
}

/// A stored response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredResponse {
    /// The task that made it.
    pub task: TaskId,
    /// What its caller got.
    pub answer: RecordedAnswer,
    /// The response it went on from.
    pub previous: Option<String>,
    /// Its own input items, as a JSON array.
    pub input: Bytes,
}

/// The stored response of `account` with this id; the latest, where an upstream gave one id twice.
///
/// # Errors
/// [`StoreError`] if it can't be read, [`StoreError::Corrupt`] if it can't be decompressed.
pub async fn get(db: &Db, account: AccountId, id: &str) -> Result<Option<StoredResponse>, StoreError> {
    let mut conn = db.read().await?;
    let select = "SELECT a.task_id, a.status, a.content_type, a.body, a.size_bytes, a.previous_response_id, a.input, a.input_bytes
        FROM answers a JOIN tasks t ON t.id = a.task_id WHERE a.response_id = $1 AND t.account_id = $2 ORDER BY a.task_id DESC LIMIT 1";
    let Some(row) = sql!(conn, optional ResponseRow, select, id, account.uuid())? else { return Ok(None) };
    let body = unpacked(row.task_id, &row.body, row.size_bytes)?;
    let input = match (row.input, row.input_bytes) {
        (Some(input), Some(size)) => unpacked(row.task_id, &input, size)?,
        (_, _) => Bytes::from_static(b"[]"),
    };
    let answer = RecordedAnswer { status: row.status, content_type: row.content_type, body, response: None };
    Ok(Some(StoredResponse { task: row.task_id, answer, previous: row.previous_response_id, input }))
}

/// The first of `items` that no stored response of `account` brought; ids that only their upstream knows.
///
/// # Errors
/// [`StoreError`] if they can't be looked up.
pub async fn strange_item<'a>(db: &Db, account: AccountId, items: &'a [String]) -> Result<Option<&'a str>, StoreError> {
    let mut conn = db.read().await?;
    let select =
        "SELECT i.item_id FROM response_items i JOIN tasks t ON t.id = i.task_id WHERE i.item_id = $1 AND t.account_id = $2 LIMIT 1";
    for item in items {
        if sql!(conn, optional One<String>, select, item.as_str(), account.uuid())?.is_none() {
            return Ok(Some(item));
        }
    }
    Ok(None)
}

/// Forgets a stored response of `account`. True if there was one.
///
/// # Errors
/// [`StoreError`] if it can't be written.
pub async fn delete(db: &Db, account: AccountId, id: &str) -> Result<bool, StoreError> {
    let mut tx = db.write().await?;
    let delete = "DELETE FROM answers WHERE response_id = $1 AND task_id IN (SELECT id FROM tasks WHERE account_id = $2)";
    let deleted = sql!(tx, execute delete, id, account.uuid())?;
    tx.commit().await?;
    Ok(deleted > 0)
}

fn unpacked(task: TaskId, packed: &[u8], size: u64) -> Result<Bytes, StoreError> {
    let corrupt = |what: String| StoreError::Corrupt(format!("the stored response of {task}: {what}"));
    let size = usize::try_from(size).map_err(|error| corrupt(error.to_string()))?;
    zstd::bulk::decompress(packed, size).map(Bytes::from).map_err(|error| corrupt(error.to_string()))
}

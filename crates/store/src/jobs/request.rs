//! What was asked, kept for whoever works on it.

use bytes::Bytes;
use easyai_core::id::TaskId;
use easyai_core::kind::{Kind, RunMode};

use crate::db::Db;
use crate::error::StoreError;
use crate::{rows, sql};

/// Fast, and good enough for JSON; files are compressed already.
const ZSTD_LEVEL: i32 = 1;

/// What a caller said beside its body. Its JSON is what the database keeps.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestHead {
    /// The endpoint.
    pub kind: Kind,
    /// The model, where it stands in the path and not in the body (Gemini).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Whether it asked for a simulation.
    pub run_mode: RunMode,
    /// What a simulation shall do: the header as it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub simulation: Option<String>,
    /// What the caller calls its conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// Where its caller reaches the gateway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    /// The video that a remix starts from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remix_of: Option<TaskId>,
}

/// A request as it was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedRequest {
    /// What was said beside the body.
    pub head: RequestHead,
    /// The body's content type, with a form's boundary.
    pub content_type: String,
    /// The body as it came.
    pub body: Bytes,
}

rows! { struct Stored { content_type: String, head: String, body: Vec<u8>, size_bytes: u64, } }

/// Keeps a request. Before its task begins: a request without a task is nobody's, a task without its request could not be worked on.
///
/// # Errors
/// [`StoreError`] if it can't be written.
pub async fn save_request(db: &Db, task: TaskId, request: &SavedRequest) -> Result<(), StoreError> {
    let packed = zstd::bulk::compress(&request.body, ZSTD_LEVEL);
    let packed = packed.map_err(|error| StoreError::Statement(format!("a request can't be compressed: {error}")))?;
    let head = serde_json::to_string(&request.head).map_err(|error| StoreError::Statement(format!("a request's head: {error}")))?;
    let size = i64::try_from(request.body.len()).unwrap_or(i64::MAX);
    let mut tx = db.write().await?;
    let insert = "INSERT INTO task_requests (task_id, content_type, head, body, size_bytes) VALUES ($1, $2, $3, $4, $5)";
    sql!(tx, execute insert, task.uuid(), request.content_type.as_str(), head, packed, size)?;
    tx.commit().await
}

/// A request that was kept.
///
/// # Errors
/// [`StoreError`] if it can't be read.
pub async fn request(db: &Db, task: TaskId) -> Result<Option<SavedRequest>, StoreError> {
    let mut conn = db.read().await?;
    let select = "SELECT content_type, head, body, size_bytes FROM task_requests WHERE task_id = $1";
    let Some(row) = sql!(conn, optional Stored, select, task.uuid())? else { return Ok(None) };
    let corrupt = |what: String| StoreError::Corrupt(format!("the request of {task}: {what}"));
    let size = usize::try_from(row.size_bytes).map_err(|error| corrupt(error.to_string()))?;
    let body = zstd::bulk::decompress(&row.body, size).map_err(|error| corrupt(error.to_string()))?;
    let head = serde_json::from_str(&row.head).map_err(|error| corrupt(error.to_string()))?;
    Ok(Some(SavedRequest { head, content_type: row.content_type, body: body.into() }))
}

/// Forgets a request.
///
/// # Errors
/// [`StoreError`] if it can't be written.
pub async fn delete_request(db: &Db, task: TaskId) -> Result<(), StoreError> {
    let mut tx = db.write().await?;
    sql!(tx, execute "DELETE FROM task_requests WHERE task_id = $1", task.uuid())?;
    tx.commit().await
}

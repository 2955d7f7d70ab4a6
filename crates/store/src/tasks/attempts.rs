//! The attempts of a task.

use std::sync::Arc;

use easyai_core::failure::{Category, Sent};
use easyai_core::id::{AttemptId, PlatformModelId, TaskId};
use easyai_core::task::AttemptStatus;
use easyai_core::time::Timestamp;

use crate::db::Db;
use crate::error::StoreError;
use crate::journal::{AttemptFailure, AttemptRow};
use crate::{rows, sql};

rows! {
    struct Stored {
        id: AttemptId,
        number: u32,
        platform_model_id: PlatformModelId,
        platform: Arc<str>,
        status: AttemptStatus,
        category: Option<Category>,
        code: Option<String>,
        http_status: Option<u16>,
        message: Option<String>,
        sent: Option<Sent>,
        upstream_request_id: Option<String>,
        started_at: Timestamp,
        first_delta_ms: Option<u64>,
        duration_ms: Option<u64>,
        trace: Option<String>,
    }
}

/// The attempts of a task in their order. One that is under way may be missing: the first is implied by the task itself.
///
/// # Errors
/// [`StoreError`] if they can't be read.
pub async fn attempts(db: &Db, task: TaskId) -> Result<Vec<AttemptRow>, StoreError> {
    let select = "SELECT id, number, platform_model_id, platform, status, category, code, http_status, message, sent, upstream_request_id,
            started_at, first_delta_ms, duration_ms, trace
        FROM attempts WHERE task_id = $1 ORDER BY number";
    let mut conn = db.read().await?;
    Ok(sql!(conn, all Stored, select, task.uuid())?.into_iter().map(AttemptRow::from).collect())
}

impl From<Stored> for AttemptRow {
    fn from(row: Stored) -> Self {
        let (code, http_status, message) = (row.code, row.http_status, row.message.unwrap_or_default());
        Self {
            id: row.id,
            number: row.number,
            platform_model: row.platform_model_id,
            platform: row.platform,
            status: row.status,
            failure: row.category.map(|category| AttemptFailure { category, code, http_status, message }),
            sent: row.sent,
            upstream_request_id: row.upstream_request_id,
            started_at: row.started_at,
            first_delta_ms: row.first_delta_ms,
            duration_ms: row.duration_ms,
            trace_json: row.trace,
        }
    }
}

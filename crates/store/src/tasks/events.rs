//! The events of a task, put together from what its commits brought. Until the finish the first two are implied by the task's row.

use std::collections::BTreeMap;
use std::sync::Arc;

use easyai_core::event::{AttemptStarted, Event, EventLog, EventPayload, Normalizing, Progress};
use easyai_core::id::TaskId;
use easyai_core::kind::ModelType;
use easyai_core::time::Timestamp;

use super::TaskRow;
use crate::column::One;
use crate::db::Db;
use crate::error::StoreError;
use crate::sql;

/// The events of a task from number `from` on; none for a task that does not exist.
///
/// # Errors
/// [`StoreError`] if they can't be read.
pub async fn events(db: &Db, task: TaskId, from: u32) -> Result<Vec<Event>, StoreError> {
    match super::get(db, task).await? {
        Some(row) => events_of(db, &row, from).await,
        None => Ok(Vec::new()),
    }
}

/// The events of a task that was read already.
///
/// # Errors
/// [`StoreError`] if they can't be read.
pub async fn events_of(db: &Db, task: &TaskRow, from: u32) -> Result<Vec<Event>, StoreError> {
    let mut conn = db.read().await?;
    let select = "SELECT events FROM task_events WHERE task_id = $1 ORDER BY first_seq";
    let stored = sql!(conn, all One<String>, select, task.id.uuid())?;
    // By number: a finish brings all of them, also those that were noted before.
    let mut events: BTreeMap<u32, Event> =
        implied(task.model_type, &task.platform, task.simulated, task.started_at).into_iter().map(|event| (event.seq, event)).collect();
    for (json,) in stored {
        let read: Vec<Event> =
            serde_json::from_str(&json).map_err(|error| StoreError::Corrupt(format!("the events of {}: {error}", task.id)))?;
        events.extend(read.into_iter().map(|event| (event.seq, event)));
    }
    Ok(events.into_values().filter(|event| event.seq >= from).collect())
}

/// The first two events, which a begin does not write.
pub(crate) fn implied(model_type: ModelType, platform: &Arc<str>, simulated: bool, at: Timestamp) -> Vec<Event> {
    let mut log = EventLog::new(1, Progress::NONE, simulated);
    log.add(EventPayload::Normalizing(Normalizing { model_type }), at);
    log.add(EventPayload::AttemptStarted(AttemptStarted { attempt: 1, client: Arc::clone(platform) }), at);
    log.take()
}

//! The events of a task, put together from what its commits brought. What follows from the task's row is not
//! written: the first two, all of a refused task, and the last two of a task that went well at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use easyai_core::error::ErrorCode;
use easyai_core::event::{
    AttemptStarted, Billings, Completed, Currency, Event, EventLog, EventPayload, Failed, Metrics, Normalizing, Progress, Settled,
    TaskResult,
};
use easyai_core::id::TaskId;
use easyai_core::kind::ModelType;
use easyai_core::run_trace::RunTrace;
use easyai_core::task::TaskStatus;
use easyai_core::time::Timestamp;
use easyai_core::trace::millis;

use super::TaskRow;
use crate::column::One;
use crate::db::Db;
use crate::error::StoreError;
use crate::sql;

/// The events of a task from number `from` on; none for a task that does not exist. `currency` is what charges are named in.
///
/// # Errors
/// [`StoreError`] if they can't be read.
pub async fn events(db: &Db, task: TaskId, from: u32, currency: &Currency) -> Result<Vec<Event>, StoreError> {
    match super::get(db, task).await? {
        Some(row) => events_of(db, &row, from, currency).await,
        None => Ok(Vec::new()),
    }
}

/// The events of a task that was read already.
///
/// # Errors
/// [`StoreError`] if they can't be read.
pub async fn events_of(db: &Db, task: &TaskRow, from: u32, currency: &Currency) -> Result<Vec<Event>, StoreError> {
    let mut conn = db.read().await?;
    let select = "SELECT events FROM task_events WHERE task_id = $1 ORDER BY first_seq";
    let stored = sql!(conn, all One<String>, select, task.id.uuid())?;
    drop(conn);
    let mut told = match (task.status, task.attempts) {
        (TaskStatus::Failed, 0) => refused(task),
        _ => begun(task.model_type, &task.platform, task.simulated, task.started_at),
    };
    if stored.is_empty() && task.status == TaskStatus::Succeeded {
        succeeded(db, task, currency, &mut told).await?;
    }
    // By number: a finish brings all of them, also those that were noted before.
    let mut events: BTreeMap<u32, Event> = told.take().into_iter().map(|event| (event.seq, event)).collect();
    for (json,) in stored {
        let read: Vec<Event> =
            serde_json::from_str(&json).map_err(|error| StoreError::Corrupt(format!("the events of {}: {error}", task.id)))?;
        events.extend(read.into_iter().map(|event| (event.seq, event)));
    }
    Ok(events.into_values().filter(|event| event.seq >= from).collect())
}

/// The last events of a task that went well at its first attempt. They follow from its row and are not written: for most tasks that
/// is half of all there is to write.
async fn succeeded(db: &Db, task: &TaskRow, currency: &Currency, told: &mut EventLog) -> Result<(), StoreError> {
    let (Some(at), Some(usage), Some(bill)) = (task.finished_at, task.usage, &task.bill) else { return Ok(()) };
    let charge = task.charge.unwrap_or_default();
    if charge.is_positive() {
        told.add(EventPayload::Settled(Settled { status: task.status, amount: charge, currency: Arc::clone(currency) }), at);
    }
    let first = super::attempts(db, task.id).await?.into_iter().next();
    let first_delta_ms = first.and_then(|first| Some(millis(first.started_at.since(task.started_at)) + first.first_delta_ms?));
    let completed = Completed {
        result: TaskResult { model: Arc::clone(&task.model), resolved_model: resolved_model(db, task).await? },
        billings: bill.lines.clone(),
        usage,
        metrics: Metrics { total_ms: millis(at.since(task.started_at)), first_delta_ms, attempts: task.attempts },
        billing_summary: Billings { charge, currency: Arc::clone(currency), price: bill.price },
        request_id: task.upstream_request_id.clone(),
    };
    told.add(EventPayload::Completed(Box::new(completed)), at);
    Ok(())
}

/// What the platform that served calls the model, as the trace has it.
async fn resolved_model(db: &Db, task: &TaskRow) -> Result<Arc<str>, StoreError> {
    let trace = super::trace(db, task.id).await?.and_then(|json| serde_json::from_str::<RunTrace>(&json).ok());
    let candidates = trace.map(|trace| trace.candidates).unwrap_or_default();
    let served = candidates.into_iter().find(|candidate| Some(candidate.platform_model) == task.served_by);
    Ok(served.map_or_else(|| Arc::clone(&task.model), |candidate| candidate.upstream_name))
}

/// The first events, which a begin does not write: two, or one where nobody is called.
pub(crate) fn implied(model_type: ModelType, platform: &Arc<str>, simulated: bool, at: Timestamp) -> Vec<Event> {
    begun(model_type, platform, simulated, at).take()
}

/// The events of a task that was refused before it began.
fn refused(task: &TaskRow) -> EventLog {
    let mut log = EventLog::new(1, Progress::NONE, task.simulated);
    log.add(EventPayload::Normalizing(Normalizing { model_type: task.model_type }), task.started_at);
    let code = task.code.unwrap_or(ErrorCode::InternalError);
    let failed = Failed { code, upstream_request_id: None, metrics: Metrics::default() };
    log.add(EventPayload::Failed(failed), task.finished_at.unwrap_or(task.started_at));
    log
}

fn begun(model_type: ModelType, platform: &Arc<str>, simulated: bool, at: Timestamp) -> EventLog {
    let mut log = EventLog::new(1, Progress::NONE, simulated);
    log.add(EventPayload::Normalizing(Normalizing { model_type }), at);
    // An answer out of the response cache comes from nobody.
    if !platform.is_empty() {
        log.add(EventPayload::AttemptStarted(AttemptStarted { attempt: 1, client: Arc::clone(platform) }), at);
    }
    log
}

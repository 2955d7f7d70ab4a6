//! A person sends again what was given up.

use easyai_core::id::{CallbackId, TaskId};
use easyai_core::time::Timestamp;

use crate::column::One;
use crate::db::Db;
use crate::error::StoreError;
use crate::sql;

/// What is sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// This callback.
    One(CallbackId),
    /// All of this task that are dead.
    Task(TaskId),
    /// All that are dead.
    AllDead,
}

macro_rules! update {
    ($which:literal) => {
        concat!("UPDATE callbacks SET state = 'open', failures = 0, due_at = $1, updated_at = $1 WHERE state = 'dead'", $which)
    };
}

/// Makes dead callbacks due at once, with the whole schedule before them again. Gives how many.
///
/// # Errors
/// [`StoreError::NotFound`] if there is no such callback or task, [`StoreError::Setting`] if the one callback is not dead.
pub async fn resend(db: &Db, which: Which, now: Timestamp) -> Result<u64, StoreError> {
    let at = now.micros();
    let mut tx = db.write().await?;
    let sent = match which {
        Which::One(id) => sql!(tx, execute update!(" AND id = $2"), at, id.uuid())?,
        Which::Task(task) => sql!(tx, execute update!(" AND task_id = $2"), at, task.uuid())?,
        Which::AllDead => sql!(tx, execute update!(""), at)?,
    };
    match which {
        Which::One(id) if sent == 0 => {
            let state = sql!(tx, optional One<String>, "SELECT state FROM callbacks WHERE id = $1", id.uuid())?;
            let (state,) = state.ok_or_else(|| StoreError::NotFound(format!("the callback {id}")))?;
            return Err(StoreError::Setting(format!("the callback {id} is {state}: only dead ones are sent again")));
        }
        Which::Task(task) if sent == 0 => {
            let known = sql!(tx, optional One<String>, "SELECT state FROM callbacks WHERE task_id = $1 LIMIT 1", task.uuid())?;
            known.ok_or_else(|| StoreError::NotFound(format!("a callback of {task}")))?;
        }
        Which::One(_) | Which::Task(_) | Which::AllDead => {}
    }
    tx.commit().await?;
    Ok(sent)
}

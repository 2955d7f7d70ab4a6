//! Tasks as they are read: lists, one task, its attempts, its events, its trace, its recorded answer.

mod attempts;
mod events;
mod list;

use std::sync::Arc;

use easyai_core::error::ErrorCode;
use easyai_core::id::{AccountId, KeyId, NodeId, PlatformModelId, PriceId, RunnerPolicyId, TaskId};
use easyai_core::kind::{Kind, ModelType};
use easyai_core::money::Money;
use easyai_core::pricing::Bill;
use easyai_core::task::TaskStatus;
use easyai_core::time::Timestamp;
use easyai_core::usage::Usage;

pub use self::attempts::attempts;
pub(crate) use self::events::implied;
pub use self::events::{events, events_of};
pub use self::list::{Filter, MAX_PAGE, Page, list, list_oldest_first};

use crate::column::One;
use crate::db::Db;
use crate::error::StoreError;
use crate::journal::RecordedAnswer;
use crate::{rows, sql};

/// The columns of a [`TaskRow`], for `concat!`.
macro_rules! task_columns {
    () => {
        "id, account_id, key_id, node_id, kind, model, model_type, stream, simulated, status, platform_model_id, platform, hold, \
         input_tokens, expected_output_tokens, price_id, catalog_revision, runner_policy_id, started_at, finished_at, code, message, \
         usage, bill, charge, cost, attempts, served_by, upstream_request_id, deleted_at"
    };
}
pub(crate) use task_columns;

rows! {
    /// A task without its trace, attempts and events.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct TaskRow {
        /// Its id; later ones are greater.
        pub id: TaskId,
        /// Who pays.
        pub account_id: AccountId,
        /// Which key asked.
        pub key_id: KeyId,
        /// Which node worked on it.
        pub node_id: NodeId,
        /// The endpoint.
        pub kind: Kind,
        /// The public model name.
        pub model: Arc<str>,
        /// What was done.
        pub model_type: ModelType,
        /// Whether the answer was streamed.
        pub stream: bool,
        /// Whether it cost nothing.
        pub simulated: bool,
        /// Where it stands.
        pub status: TaskStatus,
        /// The first candidate.
        pub platform_model_id: PlatformModelId,
        /// The name of the first candidate's platform; empty if nobody was to be called.
        pub platform: Arc<str>,
        /// What is set aside, or was.
        pub hold: Money,
        /// Estimated.
        pub input_tokens: u64,
        /// Estimated.
        pub expected_output_tokens: u64,
        /// The price version of the estimate.
        pub price_id: PriceId,
        /// The catalogue that the candidates were chosen from.
        pub catalog_revision: i64,
        /// The runner policy of the run.
        pub runner_policy_id: RunnerPolicyId,
        /// When it began.
        pub started_at: Timestamp,
        /// When it ended.
        pub finished_at: Option<Timestamp>,
        /// The code the caller saw.
        pub code: Option<ErrorCode>,
        /// The message the caller saw.
        pub message: Option<String>,
        /// What was used; of an unfinished task: so far.
        pub usage: Option<Usage>,
        /// What it costs; of an unfinished task: so far.
        pub bill: Option<Bill>,
        /// What was booked; only of finished tasks.
        pub charge: Option<Money>,
        /// What the platform charges the operator.
        pub cost: Option<Money>,
        /// How many attempts there were.
        pub attempts: u32,
        /// The candidate that answered.
        pub served_by: Option<PlatformModelId>,
        /// The id the upstream gave its answer.
        pub upstream_request_id: Option<String>,
        /// Since when its owner does not want to see it any more.
        pub deleted_at: Option<Timestamp>,
    }
}

rows! {
    struct AnswerRow { status: u16, content_type: String, body: Vec<u8>, size_bytes: u64, }
}

/// One task.
///
/// # Errors
/// [`StoreError`] if it can't be read.
pub async fn get(db: &Db, task: TaskId) -> Result<Option<TaskRow>, StoreError> {
    let mut conn = db.read().await?;
    sql!(conn, optional TaskRow, concat!("SELECT ", task_columns!(), " FROM tasks WHERE id = $1"), task.uuid())
}

/// The trace of a task as JSON, verbatim; none while it is running.
///
/// # Errors
/// [`StoreError`] if it can't be read.
pub async fn trace(db: &Db, task: TaskId) -> Result<Option<String>, StoreError> {
    let mut conn = db.read().await?;
    let row = sql!(conn, optional One<Option<String>>, "SELECT trace FROM tasks WHERE id = $1", task.uuid())?;
    Ok(row.and_then(|(trace,)| trace))
}

/// What the caller of a finished task got, if it was recorded.
///
/// # Errors
/// [`StoreError`] if it can't be read, [`StoreError::Corrupt`] if it can't be decompressed.
pub async fn answer(db: &Db, task: TaskId) -> Result<Option<RecordedAnswer>, StoreError> {
    let mut conn = db.read().await?;
    let select = "SELECT status, content_type, body, size_bytes FROM answers WHERE task_id = $1";
    let Some(row) = sql!(conn, optional AnswerRow, select, task.uuid())? else { return Ok(None) };
    let corrupt = |what: String| StoreError::Corrupt(format!("the answer of {task}: {what}"));
    let size = usize::try_from(row.size_bytes).map_err(|error| corrupt(error.to_string()))?;
    let body = zstd::bulk::decompress(&row.body, size).map_err(|error| corrupt(error.to_string()))?;
    Ok(Some(RecordedAnswer { status: row.status, content_type: row.content_type, body: body.into(), response: None }))
}

//! What happens on the way: attempts and events that may be seen before the end, checkpoints, and holds that grow.

use std::sync::Arc;

use easyai_core::event::Event;
use easyai_core::failure::{Category, Sent};
use easyai_core::id::{AccountId, AttemptId, PlatformModelId, TaskId};
use easyai_core::money::Money;
use easyai_core::pricing::Bill;
use easyai_core::task::AttemptStatus;
use easyai_core::time::Timestamp;
use easyai_core::usage::Usage;

/// Attempts and events to be seen while the task is running. Only a convenience: the finish brings all of them again.
#[derive(Debug, Clone)]
pub struct Note {
    /// The task.
    pub task: TaskId,
    /// Attempts that began or ended; a row replaces an earlier one of the same number.
    pub attempts: Vec<AttemptRow>,
    /// New events.
    pub events: Vec<Event>,
}

/// One call of one candidate.
#[derive(Debug, Clone)]
pub struct AttemptRow {
    /// Its id.
    pub id: AttemptId,
    /// Its number within the task, from 1.
    pub number: u32,
    /// The candidate.
    pub platform_model: PlatformModelId,
    /// The name of its platform.
    pub platform: Arc<str>,
    /// How it stands.
    pub status: AttemptStatus,
    /// How it failed.
    pub failure: Option<AttemptFailure>,
    /// Whether anything may have been sent.
    pub sent: Option<Sent>,
    /// The id the upstream gave its answer.
    pub upstream_request_id: Option<String>,
    /// When it began.
    pub started_at: Timestamp,
    /// From its start to the first useful delta or the head of the answer.
    pub first_delta_ms: Option<u64>,
    /// From its start to its end.
    pub duration_ms: Option<u64>,
    /// The decision after it, as JSON; kept verbatim.
    pub trace_json: Option<String>,
}

/// How an attempt failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptFailure {
    /// In the gateway's categories.
    pub category: Category,
    /// The upstream's own code.
    pub code: Option<String>,
    /// The HTTP status, if there was an answer.
    pub http_status: Option<u16>,
    /// For a person.
    pub message: String,
}

/// What has been delivered so far and would be charged if the node died now. The latest one counts.
#[derive(Debug, Clone)]
pub struct Checkpoint {
    /// The task.
    pub task: TaskId,
    /// What was used.
    pub usage: Usage,
    /// What it costs.
    pub bill: Bill,
}

/// A hold that is to grow.
#[derive(Debug, Clone, Copy)]
pub(super) struct Raise {
    pub(super) task: TaskId,
    pub(super) account: AccountId,
    pub(super) to: Money,
}

/// What became of a hold that was to grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Raised {
    /// It is at least as large as asked for.
    Raised,
    /// The wallet can't cover the difference; the hold is as before.
    Insufficient {
        /// What is neither spent nor held.
        available: Money,
    },
    /// The task is over: there is no hold.
    AlreadyOver,
}

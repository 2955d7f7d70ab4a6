//! A task that ends: status, ledger, attempts, events and the answer change together. Until that is durable the last byte is not sent.

use bytes::Bytes;
use easyai_core::error::ErrorCode;
use easyai_core::event::{Event, EventLog, EventPayload, Failed, Metrics, Progress};
use easyai_core::id::{AccountId, PlatformModelId, TaskId};
use easyai_core::money::Money;
use easyai_core::pricing::Bill;
use easyai_core::task::TaskStatus;
use easyai_core::time::Timestamp;
use easyai_core::usage::Usage;

use super::begin::Begin;
use super::note::AttemptRow;
use crate::tasks::implied;

/// The end of a task. Finishing twice is safe: the second time changes nothing.
#[derive(Debug, Clone)]
pub struct Finish {
    /// The task.
    pub task: TaskId,
    /// Who pays.
    pub account: AccountId,
    /// How it ended: a terminal status.
    pub status: TaskStatus,
    /// The code the caller sees, if it failed.
    pub code: Option<ErrorCode>,
    /// The message the caller sees, if it failed.
    pub message: Option<String>,
    /// What was used.
    pub usage: Option<Usage>,
    /// What it costs. Its charge is booked, unless the task is simulated.
    pub bill: Option<Bill>,
    /// All attempts.
    pub attempts: Vec<AttemptRow>,
    /// All events, from number 1; none for a task that went well at its first attempt, since they follow from its row.
    pub events: Vec<Event>,
    /// Candidates considered, left out, decisions: JSON, kept verbatim; empty if there is none.
    pub trace_json: String,
    /// The candidate that answered.
    pub served_by: Option<PlatformModelId>,
    /// The id the upstream gave its answer.
    pub upstream_request_id: Option<String>,
    /// What the caller got, if it may ask the same again.
    pub answer: Option<RecordedAnswer>,
    /// Whether its `Idempotency-Key` may begin a new task: nothing was delivered, and asking again is what the key is for.
    pub releases_key: bool,
    /// Whether it has a job, which is over with it.
    pub ends_job: bool,
    /// When it ended. Also tells a repeated finish from another one's.
    pub finished_at: Timestamp,
}

impl Finish {
    /// The end of a task whose caller went away while it began: nothing was sent upstream, nothing is charged.
    pub(super) fn abandoned(begin: &Begin, now: Timestamp) -> Self {
        let mut events = implied(begin.model_type, &begin.platform, begin.simulated(), begin.started_at);
        let (seq, progress) = events.last().map_or((0, Progress::NONE), |event| (event.seq, event.progress));
        let mut log = EventLog::new(seq + 1, progress, begin.simulated());
        log.add(EventPayload::Failed(Failed { code: ErrorCode::Cancelled, upstream_request_id: None, metrics: Metrics::default() }), now);
        events.extend(log.take());
        Self {
            task: begin.task,
            account: begin.account,
            status: TaskStatus::Failed,
            code: Some(ErrorCode::Cancelled),
            message: Some("the caller went away before the task began".to_owned()),
            usage: None,
            bill: None,
            attempts: Vec::new(),
            events,
            trace_json: String::new(),
            served_by: None,
            upstream_request_id: None,
            answer: None,
            releases_key: begin.idempotency.is_some(),
            ends_job: begin.job.is_some(),
            finished_at: now,
        }
    }
}

/// What a caller got, to be given again: for the same `Idempotency-Key`, to whoever takes up a stream, as a stored response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The content type.
    pub content_type: String,
    /// The body.
    pub body: Bytes,
    /// What it is found by as a stored response, if it is one.
    pub response: Option<ResponseNote>,
}

/// What makes a recorded answer a stored response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseNote {
    /// Its public id.
    pub id: String,
    /// The response it goes on from.
    pub previous: Option<String>,
    /// Its own input items, as a JSON array.
    pub input: Bytes,
    /// The ids of its output's items that only its upstream knows, each once.
    pub items: Vec<String>,
}

/// What became of a [`Finish`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finished {
    /// It is durable, now or by an earlier try of the same finish.
    Done {
        /// What was booked.
        charged: Money,
    },
    /// The task had ended otherwise (or never began); nothing was changed.
    AlreadyOver,
}

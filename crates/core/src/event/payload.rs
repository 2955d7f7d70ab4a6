//! What events say, a type for each, and the contract's table: name, status, phase and progress.

use std::sync::Arc;

use super::{EventType, Phase, Progress};
use crate::error::ErrorCode;
use crate::failure::{Category, Failure};
use crate::id::PriceId;
use crate::kind::ModelType;
use crate::money::Money;
use crate::pricing::Line;
use crate::reason::{Reason, StopReason};
use crate::task::TaskStatus;
use crate::trace::{Action, FailureNote, Ruling, TraceEntry};
use crate::usage::Usage;

/// The code of a currency, such as `USD`.
pub type Currency = Arc<str>;

/// What an event says beside its name. In JSON the bare object.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(untagged)]
pub enum EventPayload {
    /// The request was typed.
    Normalizing(Normalizing),
    /// A candidate is being called.
    AttemptStarted(AttemptStarted),
    /// A client tells how far its job is.
    ClientProgress(ClientProgress),
    /// An attempt failed.
    AttemptFailed(AttemptFailed),
    /// Another attempt follows.
    Retrying(Box<Retrying>),
    /// None follows.
    FailoverStopped(FailoverStopped),
    /// The charge is booked.
    Settled(Settled),
    /// The task succeeded.
    Completed(Box<Completed>),
    /// The task failed.
    Failed(Failed),
    /// The task was given up.
    Cancelled(Cancelled),
}

/// Payload of the first `task.progress`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Normalizing {
    /// What is to be done.
    pub model_type: ModelType,
}

/// Payload of `task.attempt.started`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct AttemptStarted {
    /// The attempt's number within the task.
    pub attempt: u32,
    /// The platform whose client is called.
    pub client: Arc<str>,
}

/// Payload of a `task.progress` of a client.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ClientProgress {
    /// The client's own phase; not a part of the payload in JSON, but of the event.
    #[serde(skip, default = "generating")]
    pub phase: Phase,
    /// The client's own progress; likewise.
    #[serde(skip, default = "no_progress")]
    pub progress: Progress,
    /// The upstream's job.
    pub job_id: String,
    /// What the upstream says of it.
    pub state: String,
}

const fn succeeded() -> TaskStatus {
    TaskStatus::Succeeded
}

const fn generating() -> Phase {
    Phase::Generating
}

const fn no_progress() -> Progress {
    Progress::NONE
}

/// Times of an attempt or a task, from its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Metrics {
    /// The whole.
    pub total_ms: u64,
    /// Until the first useful delta, if one came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_delta_ms: Option<u64>,
    /// Attempts made; 1 for an attempt's own metrics.
    pub attempts: u32,
}

/// Payload of `task.attempt.failed`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct AttemptFailed {
    /// The attempt's number within the task.
    pub attempt: u32,
    /// Whether another attempt follows.
    pub retryable: bool,
    /// The failure's category.
    pub category: Category,
    /// The upstream's id of its answer.
    pub upstream_request_id: Option<String>,
    /// The upstream's HTTP status.
    pub status_code: Option<u16>,
    /// Times of the attempt.
    pub metrics: Metrics,
}

impl AttemptFailed {
    /// What is told of `failure` after the decision of `entry`.
    #[must_use]
    pub fn of(failure: &Failure, entry: &TraceEntry, metrics: Metrics) -> Self {
        let retryable = match entry.action {
            Action::RetrySameClient | Action::NextCredential | Action::NextPlatform => true,
            Action::Stop => false,
        };
        Self {
            attempt: entry.attempt,
            retryable,
            category: failure.category,
            upstream_request_id: failure.upstream_request_id.clone(),
            status_code: failure.status,
            metrics,
        }
    }
}

crate::words! {
    /// Where the next attempt goes.
    pub enum RetryScope as "retry scope" {
        /// To the same client.
        SameClient = "same_client",
        /// To the next platform.
        NextPlatform = "next_platform",
    }
}

/// Payload of `task.retrying`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Retrying {
    /// The attempt that failed.
    pub attempt: u32,
    /// The platform whose client had failed.
    pub client: String,
    /// What had happened.
    pub error: String,
    /// Why another attempt follows.
    pub reason: Reason,
    /// Where it goes.
    pub scope: RetryScope,
    /// What was decided.
    pub action: Action,
    /// What decided it.
    pub rule: Ruling,
    /// How long is waited before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_ms: Option<u64>,
    /// What had gone wrong.
    pub failure: FailureNote,
}

/// Payload of `task.failover.stopped`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct FailoverStopped {
    /// From the start of the run.
    pub elapsed_ms: u64,
    /// When nothing more is begun.
    pub max_ms: u64,
    /// Why no other attempt follows.
    pub reason: StopReason,
}

/// Payload of `task.billing.settled`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Settled {
    /// How the task ended: an answer that broke off is charged too. Not a part of the payload in JSON, but of the event.
    #[serde(skip, default = "succeeded")]
    pub status: TaskStatus,
    /// What was charged.
    pub amount: Money,
    /// In which currency.
    pub currency: Currency,
}

/// Which answer a completed task has.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct TaskResult {
    /// The public model that was asked for.
    pub model: Arc<str>,
    /// What the platform that served calls it.
    pub resolved_model: Arc<str>,
}

/// Charge and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Billings {
    /// What was charged.
    pub charge: Money,
    /// In which currency.
    pub currency: Currency,
    /// By which price version.
    pub price: PriceId,
}

/// Payload of `task.completed`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Completed {
    /// The answer.
    pub result: TaskResult,
    /// The priced lines.
    pub billings: Vec<Line>,
    /// What was used.
    pub usage: Usage,
    /// Times of the task.
    pub metrics: Metrics,
    /// Their sum.
    pub billing_summary: Billings,
    /// The upstream's id of its answer.
    pub request_id: Option<String>,
}

/// Payload of `task.failed`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Failed {
    /// What the caller was told.
    pub code: ErrorCode,
    /// The upstream's id of its last answer.
    pub upstream_request_id: Option<String>,
    /// Times of the task.
    pub metrics: Metrics,
}

/// Payload of `task.cancelled`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Cancelled {
    /// Who asked: `caller`, or a person's name.
    pub by: String,
    /// What was charged for what had been produced.
    pub charged: Money,
    /// In which currency.
    pub currency: Currency,
}

/// A row of the contract's table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// The event's name.
    pub event_type: EventType,
    /// Where the task stands then.
    pub status: TaskStatus,
    /// Which part of its life it is.
    pub phase: Phase,
    /// How far it is at least.
    pub progress: Progress,
}

const fn row(event_type: EventType, status: TaskStatus, phase: Phase, hundredths: u8) -> Row {
    Row { event_type, status, phase, progress: Progress::from_hundredths(hundredths) }
}

impl EventPayload {
    /// What follows from a trace entry: another attempt, or none. `max_ms` is the run's limit of time.
    #[must_use]
    pub fn after(entry: &TraceEntry, max_ms: u64) -> Self {
        let scope = match entry.action {
            Action::RetrySameClient | Action::NextCredential => RetryScope::SameClient,
            Action::NextPlatform => RetryScope::NextPlatform,
            Action::Stop => return Self::FailoverStopped(FailoverStopped { elapsed_ms: entry.at_ms, max_ms, reason: entry.reason }),
        };
        Self::Retrying(Box::new(Retrying {
            attempt: entry.attempt,
            client: entry.platform.clone(),
            error: entry.failure.message.clone(),
            reason: entry.reason,
            scope,
            action: entry.action,
            rule: entry.ruling(),
            wait_ms: entry.wait_ms,
            failure: entry.failure.clone(),
        }))
    }

    /// The event's row in the contract's table.
    #[must_use]
    pub fn row(&self) -> Row {
        use TaskStatus::Running;
        match self {
            Self::Normalizing(_) => row(EventType::Progress, Running, Phase::Normalizing, 15),
            Self::AttemptStarted(_) => row(EventType::AttemptStarted, Running, Phase::Submitting, 25),
            Self::ClientProgress(client) => row(EventType::Progress, Running, client.phase, client.progress.hundredths()),
            Self::AttemptFailed(_) => row(EventType::AttemptFailed, Running, Phase::AttemptFailed, 45),
            Self::Retrying(retrying) => match retrying.scope {
                RetryScope::SameClient => row(EventType::Retrying, Running, Phase::Retry, 45),
                RetryScope::NextPlatform => row(EventType::Retrying, Running, Phase::Retry, 55),
            },
            Self::FailoverStopped(_) => row(EventType::FailoverStopped, Running, Phase::Retry, 55),
            Self::Settled(settled) => row(EventType::Settled, settled.status, Phase::Billing, 98),
            Self::Completed(_) => row(EventType::Completed, TaskStatus::Succeeded, Phase::Completed, 100),
            Self::Failed(_) => row(EventType::Failed, TaskStatus::Failed, Phase::Failed, 100),
            Self::Cancelled(_) => row(EventType::Cancelled, TaskStatus::Cancelled, Phase::Cancelled, 100),
        }
    }

    /// The event in a few words for a person.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::Normalizing(payload) => format!("checked: {}", payload.model_type),
            Self::AttemptStarted(payload) => format!("attempt {} at {}", payload.attempt, payload.client),
            Self::ClientProgress(payload) => format!("job {}: {}", payload.job_id, payload.state),
            Self::AttemptFailed(payload) => format!("attempt {} failed with {}", payload.attempt, payload.category),
            Self::Retrying(payload) => match payload.action {
                Action::RetrySameClient => format!("{} is called again in {} ms", payload.client, payload.wait_ms.unwrap_or(0)),
                Action::NextCredential => format!("{} is called with its next credential", payload.client),
                Action::NextPlatform => "the next platform is tried".into(),
                Action::Stop => "nothing more is tried".into(),
            },
            Self::FailoverStopped(payload) => format!("nothing more is tried: {}", payload.reason),
            Self::Settled(payload) => format!("charged {} {}", payload.amount, payload.currency),
            Self::Completed(_) => "completed".into(),
            Self::Failed(payload) => format!("failed with {}", payload.code),
            Self::Cancelled(payload) => format!("cancelled by {}", payload.by),
        }
    }

    /// Reads the payload of an event with this row.
    pub(super) fn read(of: Row, json: &str) -> serde_json::Result<Self> {
        let Row { event_type, status, phase, progress } = of;
        match event_type {
            EventType::Progress if phase == Phase::Normalizing => serde_json::from_str(json).map(Self::Normalizing),
            EventType::Progress => {
                serde_json::from_str(json).map(|payload| Self::ClientProgress(ClientProgress { phase, progress, ..payload }))
            }
            EventType::AttemptStarted => serde_json::from_str(json).map(Self::AttemptStarted),
            EventType::AttemptFailed => serde_json::from_str(json).map(Self::AttemptFailed),
            EventType::Retrying => serde_json::from_str(json).map(Self::Retrying),
            EventType::FailoverStopped => serde_json::from_str(json).map(Self::FailoverStopped),
            EventType::Settled => serde_json::from_str(json).map(|payload| Self::Settled(Settled { status, ..payload })),
            EventType::Completed => serde_json::from_str(json).map(Self::Completed),
            EventType::Failed => serde_json::from_str(json).map(Self::Failed),
            EventType::Cancelled => serde_json::from_str(json).map(Self::Cancelled),
        }
    }
}

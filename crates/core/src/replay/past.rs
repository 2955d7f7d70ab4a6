//! A recorded task, read back: what was tried, what came of it and when; or why it can't be replayed.

use std::sync::Arc;
use std::time::Duration;

use super::course::{Ending, Paid};
use crate::error::ErrorCode;
use crate::failure::Failure;
use crate::id::{AccountId, PlatformModelId, TaskId};
use crate::kind::ModelType;
use crate::money::Money;
use crate::pricing::Bill;
use crate::reason::Reason;
use crate::run_trace::RunTrace;
use crate::task::{AttemptStatus, TaskStatus};
use crate::time::Timestamp;
use crate::trace::TraceEntry;
use crate::usage::Usage;

/// A task as its rows have it.
#[derive(Debug, Clone)]
pub struct TaskRecord {
    /// The task.
    pub id: TaskId,
    /// Who paid.
    pub account: AccountId,
    /// The public name of the model.
    pub model: Arc<str>,
    /// What was done.
    pub model_type: ModelType,
    /// Whether it cost nothing.
    pub simulated: bool,
    /// Where it stands.
    pub status: TaskStatus,
    /// The code the caller saw.
    pub code: Option<ErrorCode>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// What was used.
    pub usage: Option<Usage>,
    /// What it cost.
    pub bill: Option<Bill>,
    /// What was booked.
    pub charge: Option<Money>,
    /// What the platform charges the operator.
    pub cost: Option<Money>,
    /// The trace as JSON.
    pub trace: Option<String>,
    /// Its attempts, in order.
    pub attempts: Vec<AttemptRecord>,
}

/// An attempt as its row has it.
#[derive(Debug, Clone)]
pub struct AttemptRecord {
    /// Its number within the task, from 1.
    pub number: u32,
    /// The candidate.
    pub platform_model: PlatformModelId,
    /// Its platform's name.
    pub platform: Arc<str>,
    /// How it ended.
    pub status: AttemptStatus,
    /// When it began.
    pub started_at: Timestamp,
    /// From then to its first useful delta, or to the head of the answer.
    pub first_delta_ms: Option<u64>,
    /// From its start to its end.
    pub duration_ms: Option<u64>,
}

crate::words! {
    /// Why a task is not replayed.
    pub enum Skip as "reason for skipping" {
        /// It is not over.
        Unfinished = "unfinished",
        /// It was answered by the simulation.
        Simulated = "simulated",
        /// It was refused before anybody was called.
        Refused = "refused",
        /// It was answered from the response cache.
        Cached = "cached",
        /// Its node died in the middle of it.
        Interrupted = "interrupted",
        /// Nothing was kept of its decisions, or by a version whose traces this one can't read.
        NoTrace = "no_trace",
        /// Its end does not follow from its decisions: an answer that could not be booked or priced.
        Unexplained = "unexplained",
    }
}

/// A task that can be replayed.
#[derive(Debug, Clone)]
pub struct Past {
    pub(super) id: TaskId,
    pub(super) account: AccountId,
    pub(super) model: Arc<str>,
    pub(super) model_type: ModelType,
    pub(super) started_at: Timestamp,
    pub(super) took: Duration,
    pub(super) trace: RunTrace,
    pub(super) calls: Vec<Call>,
    pub(super) ending: Ending,
    /// When the caller went away, or the gateway was stopped, before anything was delivered.
    pub(super) patience: Option<Duration>,
    pub(super) usage: Option<Usage>,
    pub(super) bill: Option<Bill>,
    pub(super) paid: Paid,
}

/// A call that was made.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) offer: PlatformModelId,
    /// The name of the credential that was used, where there was a choice.
    pub(super) credential: Option<String>,
    pub(super) platform: Arc<str>,
    /// From the start of the run.
    pub(super) begins: Duration,
    pub(super) outcome: Arc<Outcome>,
}

/// What came of a call.
#[derive(Debug, Clone)]
pub(super) enum Outcome {
    /// Nothing that a caller could use.
    Failed {
        failure: Failure,
        /// From the call to the failure.
        took: Duration,
    },
    /// An answer, or the beginning of one.
    Answered(Answer),
    /// Nobody knows: it was given up, with its caller, before it came to anything.
    CutOff,
}

/// An answer.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    /// From the call to the first useful delta, or to the head of a plain answer.
    pub(super) first_delta: Duration,
    /// From the call to the end.
    pub(super) took: Duration,
    pub(super) end: AnswerEnd,
    pub(super) usage: Option<Usage>,
}

/// How an answer ended.
#[derive(Debug, Clone)]
pub(super) enum AnswerEnd {
    /// In full.
    Whole,
    /// In the middle.
    BrokeOff(Failure),
    /// The caller left in the middle of it.
    Left,
}

/// What candidates did for a task: all that is learned from it.
#[derive(Debug, Clone)]
pub(super) struct Lesson {
    pub(super) id: TaskId,
    pub(super) model: Arc<str>,
    pub(super) started_at: Timestamp,
    pub(super) calls: Vec<Call>,
}

impl Lesson {
    /// Reads of a task's rows what is learned from them; none if there is nothing.
    pub(super) fn of(record: &TaskRecord) -> Option<Self> {
        #[derive(serde::Deserialize)]
        struct Decisions {
            #[serde(default)]
            decisions: Vec<TraceEntry>,
        }
        is_replayed(record).ok()?;
        // Most tasks go well at once: what their calls came to stands in their rows.
        let went_well = record.attempts.iter().all(|attempt| attempt.status == AttemptStatus::Succeeded);
        let json = record.trace.as_deref().filter(|_| !went_well);
        let decisions = json.and_then(|json| serde_json::from_str(json).ok()).map_or_else(Vec::new, |Decisions { decisions }| decisions);
        let calls = calls(record, &decisions).ok()?;
        Some(Self { id: record.id, model: Arc::clone(&record.model), started_at: record.started_at, calls })
    }
}

impl Past {
    /// Reads a task's rows.
    ///
    /// # Errors
    /// Why it can't be replayed.
    pub fn of(record: &TaskRecord) -> Result<Self, Skip> {
        let trace = readable(record)?;
        let took = record.finished_at.ok_or(Skip::Unfinished)?.since(record.started_at);
        let calls = calls(record, &trace.decisions)?;
        let ending = ending(record, &calls, &trace.decisions)?;
        let left = trace.decisions.last().filter(|_| ending == Ending::Left);
        let before_an_answer = !calls.last().is_some_and(|call| matches!(*call.outcome, Outcome::Answered(_)));
        Ok(Self {
            id: record.id,
            account: record.account,
            model: Arc::clone(&record.model),
            model_type: record.model_type,
            started_at: record.started_at,
            took,
            patience: left.filter(|_| before_an_answer).map(|entry| Duration::from_millis(entry.at_ms)),
            calls,
            ending,
            usage: record.usage,
            bill: record.bill.clone(),
            paid: match &record.bill {
                Some(_) => Paid::Known { charge: record.charge.unwrap_or_default(), cost: record.cost },
                None => Paid::Nothing,
            },
            trace,
        })
    }

    /// What was decided about the attempt of this number, first.
    pub(super) fn decision(&self, number: u32) -> Option<&TraceEntry> {
        self.trace.decisions.iter().find(|entry| entry.attempt == number)
    }
}

/// Whether the task is of a sort that is replayed.
fn is_replayed(record: &TaskRecord) -> Result<(), Skip> {
    if !record.status.is_terminal() {
        return Err(Skip::Unfinished);
    }
    if record.simulated {
        return Err(Skip::Simulated);
    }
    if record.code == Some(ErrorCode::Interrupted) {
        return Err(Skip::Interrupted);
    }
    Ok(())
}

/// The task's trace, if it can be replayed.
fn readable(record: &TaskRecord) -> Result<RunTrace, Skip> {
    is_replayed(record)?;
    let trace: Option<RunTrace> = record.trace.as_deref().and_then(|json| serde_json::from_str(json).ok());
    match trace {
        None if record.attempts.is_empty() => Err(Skip::Refused),
        None => Err(Skip::NoTrace),
        Some(RunTrace { cache: Some(_), .. }) => Err(Skip::Cached),
        Some(trace) if record.attempts.is_empty() && trace.decisions.is_empty() => Err(Skip::Refused),
        Some(trace) => Ok(trace),
    }
}

fn calls(record: &TaskRecord, decisions: &[TraceEntry]) -> Result<Vec<Call>, Skip> {
    record.attempts.iter().zip(1..).map(|(attempt, number)| call(record, attempt, number, decisions)).collect()
}

fn call(record: &TaskRecord, attempt: &AttemptRecord, number: u32, decisions: &[TraceEntry]) -> Result<Call, Skip> {
    let decision = decisions.iter().find(|entry| entry.attempt == attempt.number);
    let millis = |ms: Option<u64>| Duration::from_millis(ms.unwrap_or(0));
    let answer = |end| {
        let first_delta = millis(attempt.first_delta_ms.or(attempt.duration_ms));
        Outcome::Answered(Answer { first_delta, took: millis(attempt.duration_ms), end, usage: record.usage })
    };
    let outcome = match (attempt.status, decision) {
        _ if attempt.number != number => return Err(Skip::Unexplained),
        (AttemptStatus::Running, _) | (AttemptStatus::Failed, None) => return Err(Skip::Unexplained),
        (AttemptStatus::Succeeded, _) => answer(AnswerEnd::Whole),
        (AttemptStatus::Failed | AttemptStatus::Cancelled, Some(entry)) if entry.reason == Reason::StreamAlreadyStarted => {
            answer(AnswerEnd::BrokeOff(entry.failure.failure()))
        }
        (AttemptStatus::Cancelled, _) if attempt.first_delta_ms.is_some() => answer(AnswerEnd::Left),
        (AttemptStatus::Cancelled, _) => Outcome::CutOff,
        (AttemptStatus::Failed, Some(entry)) => Outcome::Failed { failure: entry.failure.failure(), took: millis(attempt.duration_ms) },
    };
    Ok(Call {
        offer: attempt.platform_model,
        credential: decision.and_then(|entry| entry.credential.clone()),
        platform: Arc::clone(&attempt.platform),
        begins: attempt.started_at.since(record.started_at),
        outcome: Arc::new(outcome),
    })
}

/// How it ended, as calls and decisions tell it; they must agree with the status.
fn ending(record: &TaskRecord, calls: &[Call], decisions: &[TraceEntry]) -> Result<Ending, Skip> {
    let answer = calls.last().and_then(|call| match &*call.outcome {
        Outcome::Answered(answer) => Some(&answer.end),
        Outcome::Failed { .. } | Outcome::CutOff => None,
    });
    let reason = decisions.last().map(|entry| entry.reason);
    match (answer, reason, record.status) {
        (Some(AnswerEnd::Whole), _, TaskStatus::Succeeded) => Ok(Ending::Succeeded),
        (Some(AnswerEnd::BrokeOff(_)), Some(reason), TaskStatus::Failed) => Ok(Ending::Failed(reason)),
        (Some(AnswerEnd::Left), Some(_), TaskStatus::Cancelled | TaskStatus::Failed) => Ok(Ending::Left),
        (None, Some(Reason::ClientCancelled), TaskStatus::Cancelled) => Ok(Ending::Left),
        (None, Some(reason), TaskStatus::Failed) => Ok(Ending::stopped(reason)),
        (_, _, _) => Err(Skip::Unexplained),
    }
}

//! What one run writes down as it goes: events, attempts, decisions. Turned into the one [`Finish`] at its end.

use std::sync::Arc;

use easyai_core::catalog::PlatformModel;
use easyai_core::error::ErrorCode;
use easyai_core::event::{
    AttemptFailed, AttemptStarted, Billings, Cancelled, ClientProgress, Completed, Event, EventLog, EventPayload, Failed, Metrics,
    Normalizing, Progress, Settled, TaskResult,
};
use easyai_core::failure::Failure;
use easyai_core::id::{AccountId, AttemptId, TaskId};
use easyai_core::kind::ModelType;
use easyai_core::money::Money;
use easyai_core::pricing::Bill;
use easyai_core::run_trace::{ConversionNote, RunTrace};
use easyai_core::task::{AttemptStatus, TaskStatus};
use easyai_core::trace::TraceEntry;
use easyai_core::usage::Usage;
use easyai_protocols::conversation::{self, Notes};
use easyai_store::journal::{AttemptFailure, AttemptRow, Finish, Note, RecordedAnswer};

use crate::clock::{Stopwatch, new_id};

/// What stays the same for the whole run.
#[derive(Debug, Clone)]
pub struct Subject {
    /// The task.
    pub task: TaskId,
    /// Who pays.
    pub account: AccountId,
    /// The public model name.
    pub model: Arc<str>,
    /// The billing currency.
    pub currency: Arc<str>,
    /// Whether it was asked to cost nothing.
    pub simulated: bool,
    /// Since when.
    pub watch: Stopwatch,
}

/// The attempt that is under way.
#[derive(Debug)]
struct Current {
    id: AttemptId,
    number: u32,
    offer: Arc<PlatformModel>,
    watch: Stopwatch,
    first_delta_ms: Option<u64>,
    upstream_request_id: Option<String>,
}

impl Current {
    /// As it is shown while it is under way.
    fn row(&self) -> AttemptRow {
        AttemptRow {
            id: self.id,
            number: self.number,
            platform_model: self.offer.id,
            platform: Arc::clone(&self.offer.platform.name),
            status: AttemptStatus::Running,
            sent: None,
            failure: None,
            upstream_request_id: self.upstream_request_id.clone(),
            started_at: self.watch.started_at,
            first_delta_ms: self.first_delta_ms,
            duration_ms: None,
            trace_json: None,
        }
    }
}

/// The notes of one run.
#[derive(Debug)]
pub struct Record {
    subject: Subject,
    log: EventLog,
    events: Vec<Event>,
    attempts: Vec<AttemptRow>,
    trace: RunTrace,
    current: Option<Current>,
    first_delta_ms: Option<u64>,
    last_upstream_request_id: Option<String>,
    /// What the model is called where the answer came from, if nobody is called for it.
    resolved_model: Option<Arc<str>>,
    job: Option<JobNotes>,
}

/// The notes of a task that goes on without its caller: it may have been begun before, by this node or another one.
#[derive(Debug, Clone, Copy)]
struct JobNotes {
    /// Attempts of earlier runs: those of this one are numbered after them.
    earlier: u32,
}

/// What earlier runs of a task wrote down.
#[derive(Debug, Clone, Default)]
pub struct Past {
    /// Its attempts.
    pub attempts: Vec<AttemptRow>,
    /// The number of its last event; 0 if there is none.
    pub last_seq: u32,
    /// The progress of that.
    pub progress: Option<Progress>,
}

/// How a run ended.
#[derive(Debug)]
pub enum End {
    /// Delivered in full.
    Succeeded,
    /// Ended without a complete answer.
    Failed {
        /// What the caller is told.
        code: ErrorCode,
        /// The same for a person.
        message: String,
    },
    /// The caller went away.
    Cancelled,
}

impl End {
    /// The gateway was stopped in the middle.
    pub(crate) fn cut_off() -> Self {
        Self::Failed { code: ErrorCode::ShuttingDown, message: "the gateway was stopped before the answer was complete".to_owned() }
    }

    /// The terminal status.
    #[must_use]
    pub const fn status(&self) -> TaskStatus {
        match self {
            Self::Succeeded => TaskStatus::Succeeded,
            Self::Failed { .. } => TaskStatus::Failed,
            Self::Cancelled => TaskStatus::Cancelled,
        }
    }
}

impl Record {
    /// Begins the notes. The first two events are those that the store tells of a task that has only begun.
    #[must_use]
    pub fn new(subject: Subject, model_type: ModelType, trace: RunTrace) -> Self {
        let mut log = EventLog::new(1, Progress::NONE, subject.simulated);
        log.add(EventPayload::Normalizing(Normalizing { model_type }), subject.watch.started_at);
        Self {
            subject,
            log,
            events: Vec::new(),
            attempts: Vec::new(),
            trace,
            current: None,
            first_delta_ms: None,
            last_upstream_request_id: None,
            resolved_model: None,
            job: None,
        }
    }

    /// The notes of a task that goes on without its caller, after what earlier runs of it wrote. All its events are written: none is implied.
    #[must_use]
    pub fn of_job(subject: Subject, model_type: ModelType, trace: RunTrace, past: Past) -> Self {
        let earlier = u32::try_from(past.attempts.len()).unwrap_or(u32::MAX);
        let fresh = past.last_seq == 0;
        let mut record = Self { job: Some(JobNotes { earlier }), attempts: past.attempts, ..Self::new(subject, model_type, trace) };
        if !fresh {
            let progress = past.progress.unwrap_or(Progress::NONE);
            record.log = EventLog::new(past.last_seq.saturating_add(1), progress, record.subject.simulated);
        }
        record
    }

    /// An attempt that was made before this process had the task: it is under way.
    pub fn resume_attempt(&mut self, row: &AttemptRow, offer: &Arc<PlatformModel>) {
        self.attempts.retain(|attempt| attempt.number != row.number);
        self.current = Some(Current {
            id: row.id,
            number: row.number,
            offer: Arc::clone(offer),
            watch: Stopwatch::since(row.started_at),
            first_delta_ms: row.first_delta_ms,
            upstream_request_id: row.upstream_request_id.clone(),
        });
    }

    /// The number of the attempt under way within the task.
    #[must_use]
    pub fn current_attempt(&self) -> u32 {
        self.current.as_ref().map_or(0, |current| current.number)
    }

    /// A provider says how far its job is.
    pub fn job_progress(&mut self, progress: ClientProgress) {
        self.log.add(EventPayload::ClientProgress(progress), self.subject.watch.now());
    }

    /// What may be seen at once: fresh events, and the attempt under way.
    #[must_use]
    pub fn note(&mut self) -> Note {
        let attempts = self.current.iter().map(Current::row).collect();
        let fresh = self.log.take();
        self.events.extend(fresh.iter().cloned());
        Note { task: self.subject.task, attempts, events: fresh }
    }

    /// The trace so far, as JSON.
    #[must_use]
    pub fn trace_json(&self) -> String {
        serde_json::to_string(&self.trace).unwrap_or_else(|error| format!("\"the trace could not be written: {error}\""))
    }

    /// The notes of a task whose answer is there already: a platform that calls its model `resolved_model` gave it to another one.
    #[must_use]
    pub fn of_answer(subject: Subject, model_type: ModelType, trace: RunTrace, resolved_model: Arc<str>) -> Self {
        Self { resolved_model: Some(resolved_model), ..Self::new(subject, model_type, trace) }
    }

    /// What the run is about.
    #[must_use]
    pub const fn subject(&self) -> &Subject {
        &self.subject
    }

    /// Attempts so far.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        u32::try_from(self.attempts.len()).unwrap_or(u32::MAX).saturating_add(u32::from(self.current.is_some()))
    }

    /// A candidate is being called.
    pub fn attempt_started(&mut self, number: u32, offer: &Arc<PlatformModel>) -> AttemptId {
        let number = number.saturating_add(self.job.map_or(0, |job| job.earlier));
        let id = AttemptId::from_uuid(new_id());
        let client = Arc::clone(&offer.platform.name);
        let watch = Stopwatch::start();
        // The first attempt begins with the task: the store tells it so before anything else is written.
        let at = if number == 1 { self.subject.watch.started_at } else { watch.started_at };
        self.log.add(EventPayload::AttemptStarted(AttemptStarted { attempt: number, client }), at);
        self.current = Some(Current { id, number, offer: Arc::clone(offer), watch, first_delta_ms: None, upstream_request_id: None });
        id
    }

    /// The candidate answers: its first useful delta, or its whole answer, is here.
    pub fn answered(&mut self, upstream_request_id: Option<&str>) {
        self.first_delta_ms = Some(self.subject.watch.millis());
        if let Some(current) = &mut self.current {
            current.first_delta_ms = Some(current.watch.millis());
            current.upstream_request_id = upstream_request_id.map(str::to_owned);
        }
    }

    /// What of the request was dropped or changed for the candidate that answers.
    pub fn converted(&mut self, notes: &Notes) {
        let attempt = self.attempts();
        let told = |note: &conversation::Note| ConversionNote { attempt, field: note.field.clone(), what: note.what.clone() };
        self.trace.conversions.extend(notes.0.iter().map(told));
    }

    /// The fields that were dropped or changed, for a header.
    #[must_use]
    pub fn conversions(&self) -> String {
        self.trace.conversions.iter().map(|note| note.field.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// The attempt failed, and this was decided. Gives what may be seen at once.
    pub fn attempt_failed(&mut self, failure: &Failure, entry: &TraceEntry, max_ms: u64) -> Option<Note> {
        let entry = &self.numbered(entry.clone());
        let row = self.end_attempt(AttemptStatus::Failed, Some((failure, entry)))?;
        let metrics = Metrics { total_ms: row.duration_ms.unwrap_or(0), first_delta_ms: row.first_delta_ms, attempts: 1 };
        let now = self.subject.watch.now();
        self.log.add(EventPayload::AttemptFailed(AttemptFailed::of(failure, entry, metrics)), now);
        self.log.add(EventPayload::after(entry, max_ms), now);
        self.trace.decisions.push(entry.clone());
        self.last_upstream_request_id.clone_from(&failure.upstream_request_id);
        let fresh = self.log.take();
        self.events.extend(fresh.iter().cloned());
        Some(Note { task: self.subject.task, attempts: vec![row], events: fresh })
    }

    /// The machine numbers the attempts of a run; earlier runs of the same task had some, too.
    fn numbered(&self, entry: TraceEntry) -> TraceEntry {
        let attempt = entry.attempt.saturating_add(self.job.map_or(0, |job| job.earlier));
        TraceEntry { attempt, ..entry }
    }

    fn end_attempt(&mut self, status: AttemptStatus, failed: Option<(&Failure, &TraceEntry)>) -> Option<AttemptRow> {
        let current = self.current.take()?;
        let row = AttemptRow {
            id: current.id,
            number: current.number,
            platform_model: current.offer.id,
            platform: Arc::clone(&current.offer.platform.name),
            status,
            sent: failed.map(|(failure, _)| failure.sent),
            failure: failed.map(|(failure, _)| AttemptFailure {
                category: failure.category,
                code: failure.code.clone(),
                http_status: failure.status,
                message: failure.message.clone(),
            }),
            upstream_request_id: failed.and_then(|(failure, _)| failure.upstream_request_id.clone()).or(current.upstream_request_id),
            started_at: current.watch.started_at,
            first_delta_ms: current.first_delta_ms,
            duration_ms: Some(current.watch.millis()),
            trace_json: failed.and_then(|(_, entry)| serde_json::to_string(entry).ok()),
        };
        self.attempts.push(row.clone());
        Some(row)
    }

    /// A failure after delivery began, or a caller that went away: told, but without anything to follow.
    pub fn broke_off(&mut self, failure: &Failure, entry: TraceEntry, max_ms: u64) {
        let entry = self.numbered(entry);
        let status =
            if failure.category == easyai_core::failure::Category::Cancelled { AttemptStatus::Cancelled } else { AttemptStatus::Failed };
        if let Some(row) = self.end_attempt(status, Some((failure, &entry)))
            && status == AttemptStatus::Failed
        {
            let metrics = Metrics { total_ms: row.duration_ms.unwrap_or(0), first_delta_ms: row.first_delta_ms, attempts: 1 };
            let now = self.subject.watch.now();
            self.log.add(EventPayload::AttemptFailed(AttemptFailed::of(failure, &entry, metrics)), now);
            self.log.add(EventPayload::after(&entry, max_ms), now);
        }
        self.trace.decisions.push(entry);
    }

    /// A job failed that a provider had taken on, or may have: told at its end.
    pub fn broke_off_at_once(&mut self, failure: &Failure, mut entry: TraceEntry) {
        // Its attempt is numbered within the task already.
        entry.attempt = entry.attempt.saturating_sub(self.job.map_or(0, |job| job.earlier));
        let elapsed = self.subject.watch.millis();
        self.broke_off(failure, entry, elapsed);
    }

    /// A decision that follows no attempt of its own, such as a wait that took too long.
    pub fn decided(&mut self, entry: TraceEntry) {
        self.trace.decisions.push(entry);
    }

    /// The end: everything that is to become durable, at once.
    #[must_use]
    pub fn finish(mut self, end: End, usage: Option<Usage>, bill: Option<Bill>, answer: Option<RecordedAnswer>) -> Finish {
        let status = end.status();
        let served_by = self.current.as_ref().map(|current| (current.offer.id, Arc::clone(&current.offer.upstream_name)));
        let upstream_request_id =
            self.current.as_ref().and_then(|current| current.upstream_request_id.clone()).or(self.last_upstream_request_id.take());
        self.end_attempt(if status == TaskStatus::Cancelled { AttemptStatus::Cancelled } else { AttemptStatus::Succeeded }, None);
        let finished_at = self.subject.watch.now();
        let metrics = Metrics { total_ms: self.subject.watch.millis(), first_delta_ms: self.first_delta_ms, attempts: self.attempts() };
        // What went well at once has no events of its own: the store tells them from the task's row.
        let went_well =
            status == TaskStatus::Succeeded && self.attempts.len() == 1 && self.trace.decisions.is_empty() && self.job.is_none();
        if !went_well {
            let resolved = served_by.as_ref().map(|(_, name)| Arc::clone(name)).or(self.resolved_model.take());
            self.tell_the_end(&end, status, usage, bill.as_ref(), metrics, resolved, upstream_request_id.as_deref());
            self.events.extend(self.log.take());
        }
        let (ends_job, trace_json) = (self.job.is_some(), self.trace_json());
        let (code, message) = match end {
            End::Succeeded => (None, None),
            End::Failed { code, message } => (Some(code), Some(message)),
            End::Cancelled => (Some(ErrorCode::Cancelled), Some(self.cancelled_message().to_owned())),
        };
        Finish {
            task: self.subject.task,
            account: self.subject.account,
            status,
            code,
            message,
            usage,
            bill,
            attempts: self.attempts,
            events: self.events,
            trace_json,
            served_by: served_by.map(|(id, _)| id),
            upstream_request_id,
            answer,
            releases_key: false,
            ends_job,
            finished_at,
        }
    }

    const fn cancelled_message(&self) -> &'static str {
        if self.job.is_some() { "it was cancelled" } else { "the caller went away" }
    }

    #[expect(clippy::too_many_arguments, reason = "the fields of three events, used once")]
    fn tell_the_end(
        &mut self,
        end: &End,
        status: TaskStatus,
        usage: Option<Usage>,
        bill: Option<&Bill>,
        metrics: Metrics,
        resolved_model: Option<Arc<str>>,
        upstream_request_id: Option<&str>,
    ) {
        let now = self.subject.watch.now();
        let currency = Arc::clone(&self.subject.currency);
        let charged = bill.filter(|_| !self.subject.simulated).map_or(Money::ZERO, |bill| bill.charge);
        if charged.is_positive() {
            self.log.add(EventPayload::Settled(Settled { status, amount: charged, currency: Arc::clone(&currency) }), now);
        }
        let request_id = upstream_request_id.map(str::to_owned);
        let payload = match (end, usage, bill) {
            (End::Succeeded, Some(usage), Some(bill)) => EventPayload::Completed(Box::new(Completed {
                result: TaskResult {
                    model: Arc::clone(&self.subject.model),
                    resolved_model: resolved_model.unwrap_or_else(|| Arc::clone(&self.subject.model)),
                },
                billings: bill.lines.clone(),
                usage,
                metrics,
                billing_summary: Billings { charge: charged, currency, price: bill.price },
                request_id,
            })),
            (End::Succeeded, _, _) => {
                EventPayload::Failed(Failed { code: ErrorCode::InternalError, upstream_request_id: request_id, metrics })
            }
            (End::Failed { code, .. }, _, _) => EventPayload::Failed(Failed { code: *code, upstream_request_id: request_id, metrics }),
            (End::Cancelled, _, _) => EventPayload::Cancelled(Cancelled { by: "caller".to_owned(), charged, currency }),
        };
        self.log.add(payload, now);
    }
}

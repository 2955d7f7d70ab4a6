//! From rows back to work: a job as it was left, by this process or another one.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use easyai_core::catalog::{Credential, PlatformModel, Simulation};
use easyai_core::error::ErrorCode;
use easyai_core::failure::{Category, Failure, Sent};
use easyai_core::id::{PlatformModelId, TaskId};
use easyai_core::run::job_failed;
use easyai_core::run_trace::RunTrace;
use easyai_core::task::AttemptStatus;
use easyai_core::usage::Usage;
use easyai_protocols::media::{MediaRequest, RemixOf, read_remix};
use easyai_protocols::read::read;
use easyai_protocols::request::{TextRequest, Unary};
use easyai_store::jobs::{self, JobRow, SavedRequest, Written};
use easyai_store::journal::AttemptRow;
use easyai_store::tasks::{self, TaskRow};

use super::Claimed;
use super::enqueue::WAIT_FOR_ROOM;
use super::poll::{JobTerms, NOTHING_KNOWN, Polled};
use super::worker::NotBegun;
use crate::bill::Terms;
use crate::caller::Caller;
use crate::clock::{Stopwatch, new_id, now};
use crate::error::CallError;
use crate::finish::Instead;
use crate::kept::Keep;
use crate::open::Open;
use crate::prepare::{Call, Resumed, TextAsk, reopen};
use crate::record::{End, Past, Record, Subject};
use crate::runner::Runner;

/// No candidate is left alone for longer without a look.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// How long is waited until something that can't be read or written is tried again, at most.
const TRY_AGAIN: Duration = Duration::from_secs(5);

impl Runner {
    /// Opens a job that was claimed.
    pub(super) async fn begin_job(self: &Arc<Self>, job: &JobRow) -> Result<Open, NotBegun> {
        let task = match tasks::get(&self.db, job.task_id).await {
            Ok(task) => task.filter(|task| !task.status.is_terminal()).ok_or(NotBegun::Gone)?,
            Err(error) => return Err(self.unreadable(job, &error)),
        };
        let saved = match jobs::request(&self.db, task.id).await {
            Ok(Some(saved)) => saved,
            Ok(None) => return Err(never(ErrorCode::InternalError, "what was asked is not kept any more")),
            Err(error) => return Err(self.unreadable(job, &error)),
        };
        let past = self.past(&task).await.map_err(|error| self.unreadable(job, &error))?;
        let remix_of = self.remix_of(saved.head.remix_of).await;
        let ask = self.ask_of(job, &task, saved, remix_of)?;
        let later = |error: CallError| match error.code {
            ErrorCode::Overloaded | ErrorCode::RateLimit | ErrorCode::CandidatesCoolingDown | ErrorCode::StoreUnavailable => {
                NotBegun::Later(error.retry_after.unwrap_or(LOOK_AGAIN).min(LOOK_AGAIN))
            }
            code => NotBegun::Never { code, message: error.message },
        };
        let call = Call::again(self, task.id, ask).map_err(later)?;
        reopen(self, call, Resumed { claimed: Claimed { fence: job.fence }, past, hold: task.hold }).map_err(later)
    }

    fn unreadable(&self, job: &JobRow, error: &easyai_store::StoreError) -> NotBegun {
        tracing::warn!(task.id = %job.task_id, %error, "A job can't be read: trying again");
        if error.is_temporary() { NotBegun::Later(TRY_AGAIN) } else { never(ErrorCode::InternalError, "what was asked can't be read") }
    }

    /// The video that a remix starts from.
    async fn remix_of(&self, task: Option<TaskId>) -> Option<RemixOf> {
        let job = jobs::get(&self.db, task?).await.ok()??;
        Some(RemixOf { task: job.task_id, upstream_id: job.upstream_job_id? })
    }

    fn ask_of(&self, job: &JobRow, task: &TaskRow, saved: SavedRequest, remix_of: Option<RemixOf>) -> Result<TextAsk, NotBegun> {
        let deadline = job.deadline.map(|deadline| deadline.since(now()));
        if deadline.is_some_and(|left| left.is_zero()) {
            return Err(never(ErrorCode::UpstreamTimeout, "your deadline passed while it waited for its turn"));
        }
        let caller = Caller::of_key(&self.catalog(), task.key_id);
        let caller = caller.ok_or_else(|| never(ErrorCode::InvalidApiKey, "the key that asked for it is gone"))?;
        let SavedRequest { head, content_type, body } = saved;
        let request = match remix_of {
            None => read(head.kind, head.model.as_deref(), Some(&content_type), body),
            Some(of) => read_remix(Some(&content_type), body, Arc::clone(&task.model), of)
                .map(|video| TextRequest::unary(Unary::Media(Box::new(MediaRequest::Video(video))))),
        };
        let request = request.map_err(|bad| never(ErrorCode::BadRequest, bad.message))?;
        let simulation = head.simulation.as_deref().and_then(|json| serde_json::from_str::<Simulation>(json).ok());
        Ok(TextAsk {
            caller,
            request,
            run_mode: head.run_mode,
            simulation,
            deadline,
            queue_timeout: Some(WAIT_FOR_ROOM),
            session: head.session,
            keep: Keep::Answer,
            detached: true,
            idempotency: None,
            job: None,
            // Whom it names is told since it was queued.
            callback: None,
            base_url: head.base_url.map(Arc::from),
            headers: http::HeaderMap::new(),
        })
    }

    /// What was written of a task so far.
    async fn past(&self, task: &TaskRow) -> Result<Past, easyai_store::StoreError> {
        let attempts = tasks::attempts(&self.db, task.id).await?;
        let events = tasks::events_of(&self.db, task, 1, &self.settings.currency).await?;
        let last = events.last();
        Ok(Past { attempts, last_seq: last.map_or(0, |event| event.seq), progress: last.map(|event| event.progress) })
    }

    /// The notes of a job that is not being opened here; none if its task is over or can't be read.
    pub(super) async fn record_of(&self, job: &JobRow) -> Option<Record> {
        let task = self.task_of(job).await?;
        let mut past = self.readable(job, || self.past(&task)).await?;
        let trace = job.trace.as_deref().and_then(|json| serde_json::from_str(json).ok());
        let trace = trace.unwrap_or_else(|| RunTrace::nobody(&[], task.runner_policy_id));
        let subject = Subject {
            task: task.id,
            account: task.account_id,
            model: Arc::clone(&task.model),
            currency: Arc::clone(&self.settings.currency),
            simulated: task.simulated,
            watch: Stopwatch::since(task.started_at),
        };
        let running = past.attempts.iter().position(|attempt| attempt.status == AttemptStatus::Running);
        let running = running.map(|at| past.attempts.remove(at)).or_else(|| implied_attempt(job, &past));
        let mut record = Record::of_job(subject, task.model_type, trace, past);
        if let (Some(attempt), Some((offer, _))) = (running, self.offer_of(job)) {
            record.resume_attempt(&attempt, &offer);
        }
        Some(record)
    }

    /// The candidate that a job was submitted to, and the credential, if the catalogue has them still.
    pub(super) fn offer_of(&self, job: &JobRow) -> Option<(Arc<PlatformModel>, Option<Arc<Credential>>)> {
        let offer = find(&self.catalog(), job.platform_model_id?)?;
        let credential = offer.platform.credentials.iter().find(|credential| Some(credential.id) == job.credential_id);
        let credential = credential.or(offer.platform.credentials.first()).cloned();
        Some((offer, credential))
    }

    /// Asks about a job that another process asked about before.
    pub(super) async fn go_on_polling(self: &Arc<Self>, job: JobRow) {
        let Some(polled) = self.polled(&job).await else { return };
        self.schedule(polled, Duration::ZERO);
    }

    async fn polled(self: &Arc<Self>, job: &JobRow) -> Option<Box<Polled>> {
        let record = self.record_of(job).await?;
        let task = self.task_of(job).await?;
        let (Some((offer, credential)), Some(job_id)) = (self.offer_of(job), job.upstream_job_id.clone()) else {
            self.fail_job(record, job, "its platform is not in the catalogue any more").await;
            return None;
        };
        let caller = Caller::of_key(&self.catalog(), task.key_id);
        let multiplier = caller.map_or(easyai_core::price::Multiplier::ONE, |caller| caller.group.price_multiplier);
        let terms = JobTerms {
            terms: Terms { multiplier, simulated: task.simulated },
            offer,
            credential,
            job_id,
            asked: job.asked.unwrap_or(Usage::of_media(NOTHING_KNOWN)),
            submitted: Stopwatch::since(job.submitted_at.unwrap_or(task.started_at)),
            deadline: job.deadline,
            model_type: task.model_type,
        };
        let mut polled = Polled::new(record, terms, None);
        polled.cancelled = job.cancel_requested_at.is_some();
        Some(Box::new(polled))
    }

    /// Ends a job that may have been accepted, without anybody knowing what became of it.
    pub(super) async fn fail_job(self: &Arc<Self>, mut record: Record, job: &JobRow, message: &str) {
        let failure = Failure::new(Category::Internal, Sent::Maybe, message);
        if let (Some((offer, credential)), Some(attempt)) = (self.offer_of(job), NonZeroU32::new(record.current_attempt())) {
            let entry = job_failed(&offer, credential.as_ref(), attempt, &failure, record.subject().watch.elapsed());
            record.broke_off_at_once(&failure, entry);
        }
        tracing::error!(task.id = %job.task_id, "{message}");
        let end = End::Failed { code: ErrorCode::Interrupted, message: message.to_owned() };
        self.metrics.ended(end.status());
        self.finisher.settle(record.finish(end, None, None, None), Instead::TheSame).await;
    }

    /// Reads what is needed to end a job, as soon as it can be read; none if it never can.
    pub(super) async fn readable<T, F>(&self, job: &JobRow, mut read: impl FnMut() -> F) -> Option<T>
    where
        F: Future<Output = Result<T, easyai_store::StoreError>>,
    {
        loop {
            match read().await {
                Ok(found) => return Some(found),
                Err(error) if error.is_temporary() => tracing::warn!(task.id = %job.task_id, %error, "A job can't be read: trying again"),
                Err(error) => {
                    tracing::error!(task.id = %job.task_id, %error, "A job can't be read: it is left as it is");
                    return None;
                }
            }
            tokio::time::sleep(TRY_AGAIN).await;
        }
    }

    /// Tries to write until it is written: the upstream has succeeded, and nothing may lead to a second paid call.
    pub(super) async fn durable<F>(&self, mut write: impl FnMut() -> F) -> Written
    where
        F: Future<Output = Result<Written, easyai_store::StoreError>>,
    {
        let mut wait = Duration::from_millis(50);
        loop {
            match write().await {
                Ok(written) => return written,
                Err(error) => tracing::error!(%error, "What a provider has taken on could not be written: trying again"),
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(TRY_AGAIN);
        }
    }
}

fn never(code: ErrorCode, message: impl Into<String>) -> NotBegun {
    NotBegun::Never { code, message: message.into() }
}

/// The attempt that a job's row tells of, if nobody noted it.
fn implied_attempt(job: &JobRow, past: &Past) -> Option<AttemptRow> {
    let number = job.attempt;
    if number == 0 || past.attempts.iter().any(|attempt| attempt.number == number) {
        return None;
    }
    Some(AttemptRow {
        id: easyai_core::id::AttemptId::from_uuid(new_id()),
        number,
        platform_model: job.platform_model_id?,
        platform: Arc::from(""),
        status: AttemptStatus::Running,
        sent: None,
        failure: None,
        upstream_request_id: None,
        started_at: job.submitted_at?,
        first_delta_ms: None,
        duration_ms: None,
        trace_json: None,
    })
}

fn find(catalog: &easyai_core::catalog::Catalog, id: PlatformModelId) -> Option<Arc<PlatformModel>> {
    catalog.models.values().flat_map(|model| &model.offers).find(|offer| offer.id == id).cloned()
}

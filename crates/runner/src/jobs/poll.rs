//! A job at its provider: asked about until it is over.

use std::sync::Arc;
use std::time::Duration;

use easyai_clients::{AcceptedJob, JobCall, StoppedJob};
use easyai_core::catalog::{Credential, PlatformModel};
use easyai_core::error::ErrorCode;
use easyai_core::event::{ClientProgress, Phase, Progress};
use easyai_core::failure::{Category, Failure, Sent};
use easyai_core::id::TaskId;
use easyai_core::job::{self, PollFacts};
use easyai_core::kind::ModelType;
use easyai_core::media::MediaUsage;
use easyai_core::run::Delivery;
use easyai_core::time::Timestamp;
use easyai_core::usage::Usage;
use easyai_limits::Taken;
use easyai_protocols::media::JobReport;
use easyai_store::jobs::{self, Accepted, Written};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::bill::Terms;
use crate::clock::{Stopwatch, now};
use crate::open::Live;
use crate::record::Record;
use crate::runner::Runner;

/// Questions that are asked at the same time.
const MAX_ASKING: usize = 64;

/// Progress is worth an event if it is so many hundredths more.
const WORTH_TELLING: u8 = 5;

/// A wait that nothing ends but news.
const A_WHILE: Duration = Duration::from_secs(3600);

/// Without a deadline of its own a job is given up after this: providers' slowest service takes hours, the usual one minutes
/// (`providers.md` section 11).
const GIVE_UP_AFTER: Duration = Duration::from_secs(48 * 3600);

/// By then a provider knows on all its machines what it took on.
const KNOWN_AFTER: Duration = Duration::from_secs(60);

/// What a job was asked for, where nobody wrote it down.
pub(super) const NOTHING_KNOWN: MediaUsage = MediaUsage::Video { millis: 0, resolution: None, audio: false, video_input: false };

/// What stays the same while a job is asked about.
#[derive(Debug)]
pub(super) struct JobTerms {
    pub(super) terms: Terms,
    pub(super) offer: Arc<PlatformModel>,
    pub(super) credential: Option<Arc<Credential>>,
    pub(super) job_id: String,
    pub(super) asked: Usage,
    pub(super) submitted: Stopwatch,
    pub(super) deadline: Option<Timestamp>,
    pub(super) model_type: ModelType,
}

/// A job that is asked about.
#[derive(Debug)]
pub(super) struct Polled {
    pub(super) record: Record,
    pub(super) job: JobTerms,
    /// What it takes of limits, until it is over. Not after a restart.
    pub(super) taken: Option<Taken>,
    /// It is not wanted any more.
    pub(super) cancelled: bool,
    /// Questions that failed, one after the other.
    pub(super) failures: u32,
    /// Times that what it made could not be brought home.
    pub(super) not_home: u32,
    /// Times that the URL of it was no good.
    pub(super) expired: u32,
    /// Its provider has shown that it knows it.
    known: bool,
    told: u8,
    state: &'static str,
}

impl Polled {
    pub(super) fn new(record: Record, job: JobTerms, taken: Option<Taken>) -> Self {
        Self { record, job, taken, cancelled: false, failures: 0, not_home: 0, expired: 0, known: false, told: 0, state: "" }
    }

    pub(super) fn task(&self) -> TaskId {
        self.record.subject().task
    }

    fn call(&self) -> JobCall<'_> {
        JobCall {
            offer: &self.job.offer,
            credential: self.job.credential.as_deref(),
            job_id: &self.job.job_id,
            asked: self.job.asked.media.unwrap_or(NOTHING_KNOWN),
            submitted_at: self.job.submitted.started_at,
            now: now(),
            simulated: self.job.terms.simulated || self.job.offer.platform.test_mode,
        }
    }

    /// How long it is still waited for.
    pub(super) fn time_left(&self) -> Duration {
        match self.job.deadline {
            Some(deadline) => deadline.since(now()),
            None => GIVE_UP_AFTER.saturating_sub(self.job.submitted.elapsed()),
        }
    }

    fn is_late(&self) -> bool {
        self.time_left().is_zero()
    }
}

impl Runner {
    /// Asks about jobs until `stop`.
    pub async fn ask_about_jobs(self: &Arc<Self>, stop: &CancellationToken) {
        let room = Arc::new(Semaphore::new(MAX_ASKING));
        loop {
            let Ok(permit) = Arc::clone(&room).acquire_owned().await else { return };
            let (due, next) = {
                let mut schedule = self.jobs.schedule();
                (schedule.due(Instant::now()), schedule.next())
            };
            if let Some(job) = due {
                let runner = Arc::clone(self);
                drop(self.finisher.background(async move {
                    runner.ask_about(job).await;
                    runner.jobs.schedule().answered();
                    drop(permit);
                }));
                continue;
            }
            drop(permit);
            tokio::select! {
                () = stop.cancelled() => return self.jobs.ending.cancel(),
                () = self.jobs.scheduled.notified() => {}
                () = tokio::time::sleep_until(next.unwrap_or_else(|| Instant::now() + A_WHILE)) => {}
            }
        }
    }

    /// A provider took a job on: durable before it is asked about.
    pub(super) async fn accepted(self: &Arc<Self>, live: Box<Live>, delivery: &Delivery, accepted: AcceptedJob) {
        let Some(claimed) = live.job else { return };
        let Live { mut record, mut admission, terms, ask, carried, .. } = *live;
        drop(carried);
        let offer = Arc::clone(&delivery.candidate().offer);
        let credential = delivery.credential().and_then(|id| offer.platform.credentials.iter().find(|own| own.id == id).cloned());
        let asked = self.clients.expected_usage(&offer, &ask.request);
        let first = accepted.poll_after.unwrap_or_default();
        let row = Accepted { upstream_job_id: accepted.id, asked, trace: record.trace_json(), next_at: now().plus(first) };
        let task = record.subject().task;
        if self.durable(|| jobs::accepted(&self.db, task, claimed.fence, &row)).await == Written::Lost {
            tracing::error!(task.id = %task, job = %row.upstream_job_id, "A job was accepted after its task was taken over");
            return;
        }
        let job = JobTerms {
            terms,
            offer,
            credential,
            job_id: row.upstream_job_id,
            asked: asked.unwrap_or(Usage::of_media(NOTHING_KNOWN)),
            submitted: Stopwatch::start(),
            deadline: ask.deadline.map(|left| record.subject().watch.started_at.plus(left)),
            model_type: ask.request.model_type(),
        };
        drop(ask);
        let taken = admission.taken.take();
        self.journal.note(record.note());
        let mut polled = Box::new(Polled::new(record, job, taken));
        self.progress(&mut polled, Phase::Polling, 30, "accepted");
        let wait = if first.is_zero() { self.wait_for(&polled, None) } else { first };
        self.schedule(polled, wait);
    }

    /// Plans the next question about a job.
    pub(super) fn schedule(&self, polled: Box<Polled>, wait: Duration) {
        self.jobs.schedule().add(Instant::now() + wait, polled);
        self.jobs.scheduled.notify_one();
    }

    pub(super) fn wait_for(&self, polled: &Polled, hint: Option<Duration>) -> Duration {
        let failures = polled.failures;
        job::next_poll(PollFacts { age: polled.job.submitted.elapsed(), hint, failures, jobs: self.jobs.polling() })
    }

    async fn ask_about(self: &Arc<Self>, mut polled: Box<Polled>) {
        if polled.cancelled {
            return self.stop(polled).await;
        }
        match self.clients.job(polled.call()).await {
            Ok(JobReport::Queued) => self.goes_on(polled, Phase::Polling, 30, "queued", None),
            Ok(JobReport::Running { percent, poll_after }) => {
                let age = polled.job.submitted.elapsed();
                let hundredths = percent.map_or_else(|| job::progress_by_age(age), job::progress_by_percent);
                self.goes_on(polled, Phase::Generating, hundredths, "running", poll_after);
            }
            Ok(JobReport::Succeeded(result)) => self.succeeded(polled, *result),
            Ok(JobReport::Failed(error)) => {
                let failure = easyai_protocols::openai::failure::classify(None, &error, &|_| None);
                let code = ErrorCode::from_category(failure.category);
                self.failed(polled, &failure, code).await;
            }
            Ok(JobReport::Cancelled) => {
                let failure = Failure::new(Category::ServerError, Sent::Maybe, "the platform cancelled the job");
                self.failed(polled, &failure, ErrorCode::UpstreamError).await;
            }
            Ok(JobReport::Expired) => {
                let failure = Failure::new(Category::Timeout, Sent::Maybe, "the job took too long for its platform");
                self.failed(polled, &failure, ErrorCode::UpstreamTimeout).await;
            }
            // A provider of many machines may not know everywhere what it took on a moment ago.
            Err(failure) if failure.status == Some(404) && (polled.known || polled.job.submitted.elapsed() >= KNOWN_AFTER) => {
                let failure = Failure { category: Category::BadResponse, ..failure };
                self.failed(polled, &failure, ErrorCode::UpstreamError).await;
            }
            // It says nothing of the job.
            Err(failure) => {
                tracing::info!(task.id = %polled.task(), platform = %polled.job.offer.platform.name, "A job could not be asked about: {}", failure.message);
                polled.failures = polled.failures.saturating_add(1);
                self.again(polled, failure.retry_after).await;
            }
        }
    }

    fn goes_on(self: &Arc<Self>, mut polled: Box<Polled>, phase: Phase, hundredths: u8, state: &'static str, hint: Option<Duration>) {
        polled.failures = 0;
        polled.known = true;
        self.progress(&mut polled, phase, hundredths, state);
        let runner = Arc::clone(self);
        if polled.is_late() {
            drop(self.finisher.background(async move { runner.given_up(polled).await }));
        } else {
            let wait = self.wait_for(&polled, hint);
            self.schedule(polled, wait);
        }
    }

    /// Asks once more later, unless it is too late.
    pub(super) async fn again(self: &Arc<Self>, polled: Box<Polled>, hint: Option<Duration>) {
        if polled.is_late() {
            return self.given_up(polled).await;
        }
        let wait = self.wait_for(&polled, hint);
        self.schedule(polled, wait);
    }

    /// Tells how far it is, if that is news.
    fn progress(&self, polled: &mut Polled, phase: Phase, hundredths: u8, state: &'static str) {
        if state == polled.state && hundredths < polled.told.saturating_add(WORTH_TELLING) {
            return;
        }
        polled.told = polled.told.max(hundredths);
        polled.state = state;
        let progress = Progress::from_hundredths(polled.told);
        let job_id = polled.job.job_id.clone();
        polled.record.job_progress(ClientProgress { phase, progress, job_id, state: state.to_owned() });
        self.journal.note(polled.record.note());
    }

    /// Its provider is asked to stop it; what it makes all the same is not wanted.
    async fn stop(self: &Arc<Self>, mut polled: Box<Polled>) {
        match self.clients.stop_job(polled.call()).await {
            Ok(StoppedJob::Stopped) => self.cancelled(polled, StoppedJob::Stopped).await,
            Ok(StoppedJob::GoesOn) => self.cancelled(polled, StoppedJob::GoesOn).await,
            Err(failure) if polled.failures >= 3 => {
                tracing::warn!(task.id = %polled.task(), "A job could not be stopped: {}", failure.message);
                self.cancelled(polled, StoppedJob::GoesOn).await;
            }
            Err(failure) => {
                polled.failures += 1;
                self.again(polled, failure.retry_after).await;
            }
        }
    }
}

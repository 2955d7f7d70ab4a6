//! A submission whose answer was lost: its provider may have the job, and may list it.
//!
//! It is the same whether the connection broke or the node died. What is found is this job's only if it can be no other's; what is not
//! found is never submitted again.

use std::sync::Arc;
use std::time::Duration;

use easyai_clients::{AcceptedJob, Clients, JobLookup, TextAnswer};
use easyai_core::failure::Failure;
use easyai_core::id::TaskId;
use easyai_core::job::{JobState, found_again};
use easyai_core::time::Timestamp;
use easyai_protocols::conversation::Notes;
use easyai_protocols::media::MediaRequest;
use easyai_protocols::read::read;
use easyai_protocols::request::TextRequest;
use easyai_store::jobs::{self, Accepted, JobRow, Written};

use crate::clock::now;
use crate::runner::Runner;

/// What was submitted by so much earlier may still be on the list as if it were the one that is looked for.
const SUBMITTED_BESIDE: Duration = Duration::from_secs(60);

/// How often a provider is asked whether it has a job, and how long is waited in between: what it has just taken on it may not list yet.
const LOOK_UPS: u32 = 4;
const BETWEEN_LOOK_UPS: Duration = Duration::from_secs(5);

impl Runner {
    /// Finds out what became of a job that may have been accepted by the time its node died.
    pub(super) fn look_up(self: &Arc<Self>, job: JobRow) {
        let runner = Arc::clone(self);
        drop(self.finisher.background(async move {
            if let Some(accepted) = runner.find_in_time(&job).await {
                let job = JobRow { upstream_job_id: Some(accepted.upstream_job_id), asked: accepted.asked, ..job };
                return runner.go_on_polling(job).await;
            }
            let Some(record) = runner.record_of(&job).await else { return };
            let message = "the gateway was stopped while a platform was asked: it is not known whether that took the job on, so it is not submitted again";
            runner.fail_job(record, &job, message).await;
        }));
    }

    /// The answer to a submission that `failed` on its way, if the provider lists the job. Else the failure stands.
    ///
    /// # Errors
    /// `failed`.
    pub(crate) async fn recovered(&self, task: TaskId, failed: Failure) -> Result<TextAnswer, Failure> {
        let job = match jobs::get(&self.db, task).await {
            Ok(Some(job)) if job.state == JobState::Submitting => job,
            Ok(_) | Err(_) => return Err(failed),
        };
        let Some(accepted) = self.find_in_time(&job).await else { return Err(failed) };
        tracing::warn!(task.id = %task, job = %accepted.upstream_job_id, "The answer to a submission was lost, but its provider has the job: {}", failed.message);
        let (id, upstream_request_id) = (accepted.upstream_job_id, failed.upstream_request_id);
        Ok(TextAnswer::Job(Box::new(AcceptedJob { id, upstream_request_id, notes: Notes::default(), poll_after: None })))
    }

    /// The job of a lost submission, as soon as its provider lists it. Then it is durable that it is this one.
    async fn find_in_time(&self, job: &JobRow) -> Option<Accepted> {
        let (offer, _) = self.offer_of(job)?;
        if !Clients::lists_jobs(offer.platform.provider) {
            return None;
        }
        let saved = jobs::request(&self.db, job.task_id).await.ok()??;
        let request = read(saved.head.kind, saved.head.model.as_deref(), Some(&saved.content_type), saved.body).ok()?;
        for left in (0..LOOK_UPS).rev() {
            match self.find_again(job, &request).await {
                Found::Job(accepted) => return Some(*accepted),
                Found::Nowhere => return None,
                Found::NotYet => {}
            }
            if left > 0 {
                tokio::time::sleep(BETWEEN_LOOK_UPS).await;
            }
        }
        None
    }

    async fn find_again(&self, job: &JobRow, request: &TextRequest) -> Found {
        // One after another, so that no two find the same.
        let _turn = self.jobs.looking_up.acquire().await;
        let found = self.found(job, request).await;
        if let Found::Job(accepted) = &found {
            let written = self.durable(|| jobs::accepted(&self.db, job.task_id, job.fence, accepted)).await;
            return if written == Written::Yes { found } else { Found::Nowhere };
        }
        found
    }

    async fn found(&self, job: &JobRow, request: &TextRequest) -> Found {
        let Some(MediaRequest::Video(asked)) = request.media() else { return Found::Nowhere };
        let Some((offer, credential)) = self.offer_of(job) else { return Found::Nowhere };
        let Some(submitted_after) = job.submitted_at else { return Found::Nowhere };
        let lookup = JobLookup { offer: &offer, credential: credential.as_deref(), request: asked, submitted_after, now: now() };
        let listed = match self.clients.find_jobs(lookup).await {
            Ok(listed) => listed,
            Err(failure) => {
                tracing::info!(task.id = %job.task_id, failure = %failure.message, "A provider does not say whether it has a job");
                return if matches!(failure.status, Some(404 | 405 | 501)) { Found::Nowhere } else { Found::NotYet };
            }
        };
        let words = Clients::lists_prompts(offer.platform.provider).then_some(&*asked.prompt);
        let Some(beside) = self.beside(job, submitted_after.minus(SUBMITTED_BESIDE), words).await else { return Found::NotYet };
        let Some(upstream_job_id) = found_again(listed, &beside) else { return Found::NotYet };
        let asked = self.clients.expected_usage(&offer, request);
        let trace = job.trace.clone().unwrap_or_else(|| "{}".to_owned());
        Found::Job(Box::new(Accepted { upstream_job_id, asked, trace, next_at: now() }))
    }

    /// What was submitted beside a job and may be on the list in its place. Read after the list: what came onto it meanwhile was submitted
    /// by then. `words` are the job's own where the list tells them: then what was made from others is no matter.
    async fn beside(&self, job: &JobRow, since: Timestamp, words: Option<&str>) -> Option<Vec<Option<String>>> {
        let mut beside = Vec::new();
        for (task, id) in jobs::submitted_beside(&self.db, job, since).await.ok()? {
            let other = match words {
                Some(words) if id.is_none() => self.asks_in_other_words(task, words).await,
                Some(_) | None => false,
            };
            if !other {
                beside.push(id);
            }
        }
        Some(beside)
    }

    async fn asks_in_other_words(&self, task: TaskId, words: &str) -> bool {
        let Ok(Some(saved)) = jobs::request(&self.db, task).await else { return false };
        let request = read(saved.head.kind, saved.head.model.as_deref(), Some(&saved.content_type), saved.body);
        match request.as_ref().ok().and_then(TextRequest::media) {
            Some(MediaRequest::Video(asked)) => asked.prompt.trim() != words.trim(),
            Some(_) | None => false,
        }
    }
}

/// What a look at a provider's list gave.
enum Found {
    /// The job.
    Job(Box<Accepted>),
    /// Nothing that can be no other's; it may come.
    NotYet,
    /// Nothing, and nothing will come.
    Nowhere,
}

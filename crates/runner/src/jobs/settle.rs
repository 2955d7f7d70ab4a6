//! The end of a job: what it made is brought home, then it is booked, once.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use easyai_clients::StoppedJob;
use easyai_core::error::ErrorCode;
use easyai_core::failure::{Category, Failure, Sent};
use easyai_core::health::Failed;
use easyai_core::limit::Amounts;
use easyai_core::money::Money;
use easyai_core::pricing::Bill;
use easyai_core::run::job_failed;
use easyai_core::usage::Usage;
use easyai_protocols::media::JobResult;
use easyai_store::assets::AssetRole;
use tokio_util::sync::CancellationToken;

use super::poll::Polled;
use crate::clock::now;
use crate::finish::{Instead, Settled};
use crate::home::{HomeAsk, NotHome, class, wait_after};
use crate::record::End;
use crate::runner::Runner;

/// So often a job is asked about anew because the URL it gave is no good, or not yet.
const FRESH_URLS: u32 = 4;

impl Runner {
    /// It is done: its files come home, then it is booked. Files may take an hour, so others are asked about meanwhile.
    pub(super) fn succeeded(self: &Arc<Self>, polled: Box<Polled>, result: JobResult) {
        let runner = Arc::clone(self);
        let token = self.jobs.ending.child_token();
        self.jobs.homing().insert(polled.task(), token.clone());
        drop(self.finisher.background(async move { runner.come_home(polled, &result, &token).await }));
    }

    /// A storage that fails is tried again, and never the job. Whatever ends the wait breaks a file off that is on its way.
    async fn come_home(self: &Arc<Self>, mut polled: Box<Polled>, result: &JobResult, token: &CancellationToken) {
        let task = polled.task();
        let home = tokio::select! {
            home = self.bring_made(&polled, result) => Some(home),
            () = token.cancelled() => None,
            () = tokio::time::sleep(polled.time_left()) => Some(Err(NotHome::Later("there is no time left for it".to_owned()))),
        };
        self.jobs.homing().remove(&task);
        match home {
            Some(Ok(())) => self.book(polled, result.usage).await,
            // Its platform signs another URL when it is asked about the job.
            Some(Err(NotHome::Expired(why))) if polled.expired < FRESH_URLS => {
                tracing::info!(task.id = %task, "The URL of what a job made is no good: {why}; asking for another");
                let wait = wait_after(polled.expired);
                polled.expired += 1;
                self.again(polled, Some(wait)).await;
            }
            Some(Err(NotHome::Expired(why) | NotHome::Never(why))) => self.unavailable(polled, &result.usage, &why).await,
            Some(Err(NotHome::Later(why))) => {
                tracing::error!(task.id = %task, "What a job made can't be stored: {why}; trying again");
                let wait = wait_after(polled.not_home);
                polled.not_home = polled.not_home.saturating_add(1);
                self.again(polled, Some(wait)).await;
            }
            // This node ends, and the next one goes on; or it is not wanted any more.
            None => {
                polled.cancelled |= !self.jobs.ending.is_cancelled();
                self.schedule(polled, Duration::ZERO);
            }
        }
    }

    async fn bring_made(&self, polled: &Polled, result: &JobResult) -> Result<(), NotHome> {
        let Ok(_right) = self.jobs.homecoming.acquire().await else { return Err(NotHome::Later("this node ends".to_owned())) };
        let subject = polled.record.subject();
        let ask = |role, files| HomeAsk {
            task: subject.task,
            account: subject.account,
            role,
            files,
            class: if role == AssetRole::Result { class(polled.job.model_type) } else { None },
            offer: &polled.job.offer,
            credential: polled.job.credential.as_deref(),
        };
        self.bring_home(ask(AssetRole::Result, &result.files)).await?;
        if let Some(picture) = &result.thumbnail {
            // Nice to have: its absence changes nothing.
            drop(self.bring_home(ask(AssetRole::Thumbnail, std::slice::from_ref(picture))).await);
        }
        Ok(())
    }

    async fn book(self: &Arc<Self>, polled: Box<Polled>, usage: Usage) {
        let Polled { record, job, taken, .. } = *polled;
        let task = record.subject().task;
        let bill = match job.terms.bill(&job.offer, &usage, &job.asked) {
            Ok(bill) => bill,
            Err(failure) => {
                tracing::error!(task.id = %task, failure = %failure.message, "A job could not be priced");
                let message = "what was made could not be priced, so it was not delivered".to_owned();
                let end = End::Failed { code: ErrorCode::InternalError, message };
                self.metrics.ended(end.status());
                self.finisher.later(record.finish(end, Some(usage), None, None));
                return;
            }
        };
        if let Some(mut taken) = taken {
            taken.commit(Amounts { tokens: usage.total_tokens(), charge: bill.charge });
        }
        let cost = bill.cost;
        self.metrics.ended(End::Succeeded.status());
        let finish = record.finish(End::Succeeded, Some(usage), Some(bill), None);
        if let Settled::Booked { charged } = self.finisher.settle(finish, Instead::TheSame).await {
            self.metrics.booked(charged, cost, &usage);
        }
    }

    /// It was made, and is lost: its caller pays nothing, the operator may.
    async fn unavailable(self: &Arc<Self>, polled: Box<Polled>, usage: &Usage, why: &str) {
        let failure = Failure::new(Category::BadResponse, Sent::Maybe, why);
        let bill = unpaid(&polled, usage);
        self.end(polled, &failure, ErrorCode::AssetUnavailable, bill.map(|bill| (*usage, bill))).await;
    }

    /// The job failed: nothing was made, and nothing is charged.
    pub(super) async fn failed(self: &Arc<Self>, polled: Box<Polled>, failure: &Failure, code: ErrorCode) {
        self.end(polled, failure, code, None).await;
    }

    /// There is no time left for it. Its provider may go on, and be paid for it.
    pub(super) async fn given_up(self: &Arc<Self>, polled: Box<Polled>) {
        let failure = Failure::new(Category::Timeout, Sent::Maybe, "the job was not done in time, and is not waited for any longer");
        let usage = polled.job.asked;
        let bill = unpaid(&polled, &usage);
        self.end(polled, &failure, ErrorCode::UpstreamTimeout, bill.map(|bill| (usage, bill))).await;
    }

    async fn end(self: &Arc<Self>, polled: Box<Polled>, failure: &Failure, code: ErrorCode, made: Option<(Usage, Bill)>) {
        let Polled { mut record, job, .. } = *polled;
        let catalog = self.catalog();
        if let Some(attempt) = NonZeroU32::new(record.current_attempt()) {
            let mut entry = job_failed(&job.offer, job.credential.as_ref(), attempt, failure, record.subject().watch.elapsed());
            if !job.terms.simulated {
                let failed = Failed {
                    offer: &job.offer,
                    credential: job.credential.as_ref().map(|credential| credential.id),
                    failure,
                    model_type: job.model_type,
                    runner: &catalog.runner_policy,
                    deadline_passed: false,
                };
                entry.remedies.extend(self.health.failed(&failed, now()));
            }
            record.broke_off_at_once(failure, entry);
        }
        let message = match failure.category {
            Category::Auth | Category::QuotaExhausted => "the platform refused the gateway's credentials: ask your operator".to_owned(),
            _told => failure.message.clone(),
        };
        let end = End::Failed { code, message };
        self.metrics.ended(end.status());
        let (usage, bill) = made.unzip();
        self.finisher.settle(record.finish(end, usage, bill, None), Instead::TheSame).await;
    }

    /// It is not wanted any more, and costs its caller nothing.
    pub(super) async fn cancelled(self: &Arc<Self>, polled: Box<Polled>, stopped: StoppedJob) {
        let usage = polled.job.asked;
        let made = match stopped {
            StoppedJob::Stopped => None,
            StoppedJob::GoesOn => unpaid(&polled, &usage).map(|bill| (usage, bill)),
        };
        self.metrics.ended(End::Cancelled.status());
        let (usage, bill) = made.unzip();
        self.finisher.settle(polled.record.finish(End::Cancelled, usage, bill, None), Instead::TheSame).await;
    }
}

/// What something costs the operator that its caller does not pay for.
fn unpaid(polled: &Polled, usage: &Usage) -> Option<Bill> {
    let bill = polled.job.terms.bill(&polled.job.offer, usage, &polled.job.asked).ok()?;
    Some(Bill { charge: Money::ZERO, lines: Vec::new(), ..bill })
}

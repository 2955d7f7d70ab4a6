//! Works off the queue: claims, opens, and delivers or hands over to the questions.

use std::sync::Arc;
use std::time::Duration;

use easyai_clients::TextAnswer;
use easyai_core::error::ErrorCode;
use easyai_core::failure::Category;
use easyai_core::id::TaskId;
use easyai_core::job::TakeOver;
use easyai_core::run::Stop;
use easyai_store::jobs::{self, JobRow, Written};
use easyai_store::tasks::{self, TaskRow};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::enqueue::WAIT_FOR_ROOM;
use crate::clock::now;
use crate::deliver::Delivering;
use crate::error::CallError;
use crate::made;
use crate::open::{Live, Opened};
use crate::plain;
use crate::record::End;
use crate::runner::Runner;

/// Jobs that are opened at once by one node. Most of them wait for room at a platform, which costs a few KB each.
const MAX_OPENING: usize = 256;

/// Jobs claimed in one transaction.
const CLAIMED_AT_ONCE: usize = 64;

/// If nobody says that something was queued, it is looked for: another node may have queued it, or a wait may be over.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How often is looked for what dead nodes left, and for jobs that are not wanted any more.
const LOOK_AROUND_EVERY: Duration = Duration::from_secs(5);

/// When a job for which there was no room is tried again.
const TRY_AGAIN: Duration = Duration::from_secs(5);

/// The right to work on a job, for as long as nobody takes it over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Claimed {
    /// What is written names it.
    pub(crate) fence: i64,
}

impl Runner {
    /// Works off the queue until `stop`.
    pub async fn work(self: &Arc<Self>, stop: &CancellationToken) {
        let room = Arc::new(Semaphore::new(MAX_OPENING));
        let mut look_around = tokio::time::interval(LOOK_AROUND_EVERY);
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = look_around.tick() => self.look_around(&room).await,
                () = self.jobs.queued.notified() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            while !stop.is_cancelled() && self.claim(&room).await {}
        }
        // What was not sent goes back: another node, or the next start, does it.
        self.jobs.opening().drain().for_each(|(_, token)| token.cancel());
        if let Err(error) = jobs::release_of(&self.db, self.node).await {
            tracing::warn!(%error, "Jobs that were claimed could not be given back: the next start takes them over");
        }
    }

    /// Claims what there is room for. True if there may be more.
    async fn claim(self: &Arc<Self>, room: &Arc<Semaphore>) -> bool {
        let most = room.available_permits().min(CLAIMED_AT_ONCE);
        if most == 0 {
            return false;
        }
        match jobs::claim(&self.db, self.node, now(), u32::try_from(most).unwrap_or(1)).await {
            Ok(claimed) => {
                let more = claimed.len() == most;
                self.jobs.left(claimed.len());
                claimed.into_iter().for_each(|job| self.take_up(job, room));
                more
            }
            Err(error) => {
                tracing::warn!(%error, "The queue can't be read: trying again");
                false
            }
        }
    }

    fn take_up(self: &Arc<Self>, job: JobRow, room: &Arc<Semaphore>) {
        let (runner, room) = (Arc::clone(self), Arc::clone(room));
        let token = CancellationToken::new();
        self.jobs.opening().insert(job.task_id, token.clone());
        drop(self.finisher.background(async move {
            let permit = room.acquire_owned().await;
            let task = job.task_id;
            if job.cancel_requested_at.is_some() {
                runner.end_unsent(&job, ErrorCode::Cancelled, "it was cancelled").await;
            } else {
                Box::pin(runner.open_job(job, &token)).await;
            }
            runner.jobs.opening().remove(&task);
            drop(permit);
            runner.jobs.queued.notify_one();
        }));
    }

    /// What others left behind, and what is not wanted any more.
    async fn look_around(self: &Arc<Self>, room: &Arc<Semaphore>) {
        match jobs::take_over(&self.db, self.node).await {
            Ok(taken) => {
                if !taken.is_empty() {
                    tracing::warn!(jobs = taken.len(), "Taken over from nodes that are gone: {} jobs", taken.len());
                }
                for job in taken {
                    match job.state.take_over() {
                        TakeOver::Again => self.take_up(job, room),
                        TakeOver::Poll => self.go_on_polling(job).await,
                        TakeOver::LookUp => self.look_up(job),
                        TakeOver::Nothing => {}
                    }
                }
            }
            Err(error) => tracing::warn!(%error, "What other nodes left can't be taken over: trying again"),
        }
        match jobs::cancelled_of(&self.db, self.node).await {
            Ok(tasks) => tasks.into_iter().for_each(|task| self.not_wanted(task)),
            Err(error) => tracing::warn!(%error, "Cancelled jobs can't be read: trying again"),
        }
        match jobs::count_open(&self.db).await {
            Ok(open) => self.metrics.jobs_open(&open),
            Err(error) => tracing::warn!(%error, "Jobs can't be counted: trying again"),
        }
    }

    async fn open_job(self: &Arc<Self>, job: JobRow, token: &CancellationToken) {
        let task = job.task_id;
        let begun = match self.begin_job(&job).await {
            Ok(begun) => begun,
            Err(NotBegun::Later(wait)) => return self.put_back(&job, wait).await,
            Err(NotBegun::Never { code, message }) => return self.end_unsent(&job, code, &message).await,
            Err(NotBegun::Gone) => return,
        };
        let mut open = begun;
        let opened = tokio::select! {
            opened = open.run() => opened,
            () = token.cancelled() => {
                if self.is_draining() {
                    open.leave();
                } else {
                    open.cancel();
                }
                return;
            }
        };
        match opened {
            Some(Opened::Answering { live, delivery, answer }) => match answer {
                TextAnswer::Job(accepted) => self.accepted(live, &delivery, *accepted).await,
                TextAnswer::Plain(answer) => told(task, plain::deliver(self, live, delivery, answer).await.err()),
                TextAnswer::Made(made) => told(task, made::deliver(self, live, delivery, *made).await.err()),
                TextAnswer::Stream { stream, .. } => Delivering::new(self, live, delivery, stream).run_to_its_end().await,
            },
            Some(Opened::Stopped { live, stop }) if waits_for_room(&live, &stop) => self.put_back(&job, TRY_AGAIN).await,
            Some(Opened::Stopped { live, stop }) if !live.lost => told(task, Some(self.stopped(live, &stop).await)),
            Some(Opened::Stopped { .. }) | None => {}
        }
    }

    /// There was no room for it: it waits further, without its events being told again.
    async fn put_back(&self, job: &JobRow, wait: Duration) {
        match self.durable(|| jobs::requeue(&self.db, job, now().plus(wait))).await {
            Written::Yes | Written::Lost => {}
        }
    }

    /// The task of a job, unless it is over.
    pub(super) async fn task_of(&self, job: &JobRow) -> Option<TaskRow> {
        let task = self.readable(job, || tasks::get(&self.db, job.task_id)).await?;
        task.filter(|task| !task.status.is_terminal())
    }

    /// Ends a job of which nothing was sent.
    pub(super) async fn end_unsent(self: &Arc<Self>, job: &JobRow, code: ErrorCode, message: &str) {
        let Some(record) = self.record_of(job).await else { return };
        let end = if code == ErrorCode::Cancelled { End::Cancelled } else { End::Failed { code, message: message.to_owned() } };
        self.metrics.ended(end.status());
        self.finisher.settle(record.finish(end, None, None, None), crate::finish::Instead::TheSame).await;
    }
}

/// Why a job can't be begun.
pub(super) enum NotBegun {
    /// Not now.
    Later(Duration),
    /// Not at all.
    Never { code: ErrorCode, message: String },
    /// It is over.
    Gone,
}

/// Whether all that stands in the way is a limit of ours.
fn waits_for_room(live: &Live, stop: &Stop) -> bool {
    let late = live.ask.deadline.is_some_and(|deadline| live.record.subject().watch.elapsed() + WAIT_FOR_ROOM / 100 >= deadline);
    let broke =
        live.unpaid.as_ref().is_some_and(|unpaid| matches!(unpaid.code, ErrorCode::InsufficientBalance | ErrorCode::BudgetExceeded));
    stop.failure.category == Category::LocalRateLimit && !broke && !live.lost && !late
}

fn told(task: TaskId, error: Option<CallError>) {
    if let Some(error) = error {
        tracing::info!(task.id = %task, code = %error.code, "A job failed: {}", error.message);
    }
}

//! A call whose answer is there, or comes with another call: a task of its own, charged its share, that calls nobody.

use std::sync::Arc;
use std::time::Duration;

use easyai_core::error::ErrorCode;
use easyai_core::id::{PlatformModelId, TaskId};
use easyai_core::kind::RunMode;
use easyai_core::limit::Amounts;
use easyai_core::pricing::{self, Bill};
use easyai_core::response_cache::CacheNote;
use easyai_core::run_trace::{EstimateNote, RunTrace};
use easyai_limits::Taken;
use easyai_store::journal::{Begin, Begun};
use tokio::time::timeout;

use super::{CachedAnswer, Following, Keeper, Looked, Wish};
use crate::error::CallError;
use crate::finish::{Instead, Settled};
use crate::prepare::{Call, Prepared, prepare, refuse};
use crate::record::{End, Record, Subject};
use crate::runner::{CacheUse, Reply, Runner, Served};
use crate::{admission, idempotency};

/// How long a call waits for another one like it before it runs by itself: as long as a call may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// Waits for the call that leads; then gives its answer, or takes its place.
///
/// # Errors
/// [`CallError`] if the caller's deadline passed meanwhile, or as for any call.
pub(crate) async fn follow(runner: Arc<Runner>, call: Call, wish: Wish, mut leader: Following) -> Result<Reply, CallError> {
    loop {
        let patience = call.ask.deadline.unwrap_or(PATIENCE).saturating_sub(call.watch.elapsed());
        let looked = match timeout(patience, leader.answer()).await {
            Ok(Some(answer)) => Looked::Answered(answer),
            Ok(None) if runner.is_draining() => return Err(CallError::shutting_down(call.task)),
            Ok(None) => runner.cache.look(&wish),
            Err(_) if call.ask.deadline.is_some() => return Err(refused(&runner, &call, too_late(call.task)).await),
            Err(_) => Looked::Leads(runner.cache.keeper(&wish)),
        };
        match looked {
            Looked::Answered(answer) => return give(&runner, call, &wish, answer).await,
            Looked::Leads(keeper) => return lead(runner, call, keeper).await,
            Looked::Follows(next) => leader = next,
        }
    }
}

/// Runs as if there had been nobody to wait for.
async fn lead(runner: Arc<Runner>, call: Call, keeper: Keeper) -> Result<Reply, CallError> {
    let deadline = call.ask.deadline;
    match prepare(&runner, call, Some(keeper)).await? {
        Prepared::Begun(open) => runner.open(open).await,
        Prepared::Repeated { task, same_body } => idempotency::replay(&runner, task, same_body, deadline).await,
    }
}

fn too_late(task: TaskId) -> CallError {
    CallError::refused(task, ErrorCode::UpstreamTimeout, "your deadline passed while another call with the same request was under way")
}

async fn refused(runner: &Runner, call: &Call, error: CallError) -> CallError {
    refuse(runner, call, None, &error).await;
    error
}

/// Books the answer once more and gives it.
///
/// # Errors
/// [`CallError`] if the caller's limits or wallet don't allow it, or it can't be booked.
pub(crate) async fn give(runner: &Arc<Runner>, call: Call, wish: &Wish, answer: Arc<CachedAnswer>) -> Result<Reply, CallError> {
    let task = call.task;
    let (age, percent) = (answer.age(), wish.settings.charge_percent);
    let bill = match pricing::cached(&answer.price, call.ask.caller.group.price_multiplier, percent, &answer.usage) {
        Ok(bill) => bill,
        Err(error) => {
            let error = CallError::refused(task, ErrorCode::InternalError, error.to_string());
            return Err(refused(runner, &call, error).await);
        }
    };
    let taken = match admission::admit_caller(runner, &call, bill.charge).await {
        Ok(taken) => taken,
        Err(limit) => return Err(refused(runner, &call, CallError::limited(task, &limit)).await),
    };
    let note = CacheNote::new(answer.served.task, age, percent);
    let hit = Hit { call, answer, age, note, bill, taken };
    let (runner, finisher) = (Arc::clone(runner), runner.finisher.clone());
    // In the background: a caller that goes away between beginning and end must not leave the task unfinished.
    finisher.background(async move { hit.book(&runner).await }).await.unwrap_or_else(|_| Err(CallError::unbooked(task, 0)))
}

/// A call that is let in, with its answer.
struct Hit {
    call: Call,
    answer: Arc<CachedAnswer>,
    age: Duration,
    note: CacheNote,
    bill: Bill,
    taken: Taken,
}

impl Hit {
    async fn book(mut self, runner: &Arc<Runner>) -> Result<Reply, CallError> {
        let (task, charge) = (self.call.task, self.bill.charge);
        match runner.journal.begin(self.row(runner)).await {
            Ok(Begun::Begun) => {}
            Ok(Begun::Insufficient { available }) => {
                let error = CallError::insufficient(task, available, charge, &runner.settings.currency);
                return Err(refused(runner, &self.call, error).await);
            }
            // It has no `Idempotency-Key`.
            Ok(Begun::Repeated { .. }) => return Err(CallError::refused(task, ErrorCode::InternalError, "the task was there already")),
            Err(error) => return Err(CallError::store(task, &error)),
        }
        self.taken.commit(amounts(&self.bill));
        let finish = self.record(runner).finish(End::Succeeded, Some(self.answer.usage), Some(self.bill), None);
        match runner.finisher.settle(finish, Instead::NotDelivered).await {
            Settled::Booked { charged } => {
                runner.metrics.answered_from_cache(charged);
                runner.metrics.ended(End::Succeeded.status());
                let cache = Some(CacheUse::Hit { age: self.age });
                let served = Served { task, attempts: 0, charged: Some(charged), cache, ..self.answer.served.clone() };
                let (content_type, body) = (self.answer.content_type.clone(), self.answer.body.clone());
                Ok(Reply::Cached { served, streamed: self.call.ask.request.scan.stream, content_type, body })
            }
            Settled::Unbooked => {
                runner.metrics.ended(easyai_core::task::TaskStatus::Failed);
                Err(CallError::unbooked(task, 0))
            }
        }
    }

    fn row(&self, runner: &Runner) -> Begin {
        let Call { task, ask, watch, .. } = &self.call;
        Begin {
            task: *task,
            account: ask.caller.account.id,
            key: ask.caller.key.id,
            node: runner.node,
            kind: ask.kind(),
            model: Arc::clone(&ask.request.scan.model),
            model_type: ask.kind().model_type(),
            stream: ask.request.scan.stream,
            run_mode: RunMode::Live,
            // Nobody is called.
            platform_model: PlatformModelId::from_uuid(uuid::Uuid::nil()),
            platform: Arc::from(""),
            hold: self.bill.charge,
            input_tokens: self.answer.usage.input_tokens,
            expected_output_tokens: self.answer.usage.output_tokens,
            price: self.bill.price,
            catalog_revision: ask.caller.catalog.revision,
            runner_policy: ask.caller.catalog.runner_policy.id,
            started_at: watch.started_at,
            idempotency: None,
            job: None,
            callbacks: runner.told(ask.callback.as_ref()),
        }
    }

    fn record(&self, runner: &Runner) -> Record {
        let ask = &self.call.ask;
        let known = EstimateNote::new(&self.answer.usage, self.bill.charge, self.bill.price);
        let subject = Subject {
            task: self.call.task,
            account: ask.caller.account.id,
            model: Arc::clone(&ask.request.scan.model),
            currency: Arc::clone(&runner.settings.currency),
            simulated: false,
            watch: self.call.watch,
        };
        let trace = RunTrace::cached(self.note.clone(), known, ask.caller.catalog.runner_policy.id);
        Record::of_answer(subject, ask.kind().model_type(), trace, Arc::clone(&self.answer.upstream_name))
    }
}

/// What it counts for its caller's limits: a request and its charge. No tokens: nobody made any.
const fn amounts(bill: &Bill) -> Amounts {
    Amounts { tokens: 0, charge: bill.charge }
}

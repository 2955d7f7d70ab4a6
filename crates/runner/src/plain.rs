//! A whole answer: booked, then given.

use std::sync::Arc;

use easyai_clients::PlainAnswer;
use easyai_core::error::ErrorCode;
use easyai_core::failure::{Category, Failure};
use easyai_core::run::Delivery;
use easyai_core::usage::Usage;

use crate::count;
use crate::error::CallError;
use crate::finish::{Instead, Settled};
use crate::open::Live;
use crate::record::End;
use crate::runner::{Reply, Runner, Served};

/// Books the answer and gives it. An answer that can't be booked is not given.
pub(crate) async fn deliver(runner: &Arc<Runner>, live: Box<Live>, delivery: Delivery, answer: PlainAnswer) -> Result<Reply, CallError> {
    if let Some(usage) = answer.usage {
        return settle(runner, live, &delivery, answer, usage).await;
    }
    // Counting takes a while. A caller that goes away meanwhile drops this future, and the task must end all the same.
    let task = live.record.subject().task;
    let finisher = runner.finisher.clone();
    let runner = Arc::clone(runner);
    let counted = finisher.background(async move {
        let usage = count::usage(live.ask.request.scan.prompt_tokens, answer.delivered_text()).await;
        settle(&runner, live, &delivery, answer, usage).await
    });
    counted.await.unwrap_or_else(|_| Err(CallError::unbooked(task, 0)))
}

async fn settle(
    runner: &Arc<Runner>,
    mut live: Box<Live>,
    delivery: &Delivery,
    answer: PlainAnswer,
    usage: Usage,
) -> Result<Reply, CallError> {
    let offer = &delivery.candidate().offer;
    let served = live.served(delivery.candidate());
    let (task, attempts) = (served.task, served.attempts);
    let bill = match live.terms.bill(offer, &usage, &live.carried.usage_of(offer, || usage)) {
        Ok(bill) => bill,
        Err(failure) => return fail(runner, live, &failure).await,
    };
    // An estimate is made for one answer and multiplied: it is observed the same way.
    runner.outputs.observe(live.ask.caller.key.id, live.model.id, usage.output_tokens / u64::from(live.ask.request.scan.choices.max(1)));
    live.admission.ended(usage.total_tokens(), bill.charge);
    let Live { record, ask, lease: _lease, keeper, .. } = *live;
    let keeps = ask.records() && answer.body.len() <= runner.settings.max_recorded_answer_bytes;
    let content_type = || answer.content_type.to_str().unwrap_or("application/json").to_owned();
    let recorded = keeps.then(|| ask.keep.record(task, 200, content_type(), answer.body.clone()));
    let cost = bill.cost;
    let finish = record.finish(End::Succeeded, Some(usage), Some(bill), recorded);
    match runner.finisher.settle(finish, Instead::NotDelivered).await {
        Settled::Booked { charged } => {
            runner.metrics.booked(charged, cost, &usage);
            runner.metrics.ended(End::Succeeded.status());
            let served = Served { charged: Some(charged), ..served };
            if let Some(keeper) = keeper {
                keeper.keep(offer, served.clone(), usage, answer.content_type.clone(), &answer.body);
            }
            Ok(Reply::Plain { served, content_type: answer.content_type, body: answer.body })
        }
        Settled::Unbooked => {
            runner.metrics.ended(easyai_core::task::TaskStatus::Failed);
            Err(CallError::unbooked(task, attempts))
        }
    }
}

/// An answer that can't be priced is a mistake of ours; the caller pays nothing for it.
async fn fail(runner: &Arc<Runner>, mut live: Box<Live>, failure: &Failure) -> Result<Reply, CallError> {
    live.keeper = None;
    let (task, attempts) = (live.record.subject().task, live.record.attempts());
    tracing::error!(task.id = %task, failure = %failure.message, "An answer could not be priced");
    let code = ErrorCode::from_category(Category::Internal);
    let message = "the answer could not be priced, so it was not delivered".to_owned();
    let finish = live.record.finish(End::Failed { code, message: message.clone() }, None, None, None);
    runner.finisher.settle(finish, Instead::TheSame).await;
    Err(CallError { attempts, ..CallError::refused(task, code, message) })
}

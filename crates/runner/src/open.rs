//! A run that may still change its mind: attempts, waits and failovers until something answers or nothing is left.

use std::sync::Arc;

use easyai_clients::{TextAnswer, TextCall};
use easyai_core::candidates::{Candidate, Chance, Selection};
use easyai_core::catalog::{Credential, Model, PlatformModel};
use easyai_core::decide::may_have_been_accepted;
use easyai_core::error::ErrorCode;
use easyai_core::failure::{Category, Failure, Sent};
use easyai_core::health::Failed;
use easyai_core::id::{PlatformId, TaskId};
use easyai_core::kind::ModelType;
use easyai_core::money::Money;
use easyai_core::policy::RunnerPolicy;
use easyai_core::run::{Delivery, Dice, Opening, Step, Stop};
use easyai_core::trace::{RemedyKind, TraceEntry};
use easyai_core::usage::Usage;
use easyai_limits::Taken;
use easyai_store::jobs::{self, Submission, Written};
use easyai_store::journal::{Finish, Raised};

use crate::admission::{self, Admission};
use crate::bill::Terms;
use crate::cache::{Keeper, MAX_ANSWER_BYTES};
use crate::carry::Carried;
use crate::clock::{dice, now};
use crate::error::CallError;
use crate::health::Probe;
use crate::home::class;
use crate::jobs::Claimed;
use crate::made::MAX_STREAMED_BYTES;
use crate::prepare::TextAsk;
use crate::record::{End, Record};
use crate::runner::{CacheUse, Runner, Served};
use crate::settings::Settings;
use crate::sticky::Conversation;

/// What a run owns from its first durable row to its last.
#[derive(Debug)]
pub(crate) struct Live {
    pub(crate) record: Record,
    pub(crate) ask: TextAsk,
    /// The request as candidates of other protocols get it.
    pub(crate) carried: Carried,
    pub(crate) terms: Terms,
    pub(crate) hold: Money,
    pub(crate) output_tokens: u64,
    /// The run's place in the gateway: given back when the run is over, whatever becomes of it.
    pub(crate) lease: Taken,
    pub(crate) admission: Admission,
    pub(crate) model: Arc<Model>,
    pub(crate) conversation: Option<Conversation>,
    /// Keeps the answer in the response cache. Others may wait for it: it is dropped as soon as there can be no answer.
    pub(crate) keeper: Option<Keeper>,
    /// Why a candidate could not be paid for; what the caller is told if that was the last word.
    pub(crate) unpaid: Option<CallError>,
    /// The right to work on it, if it goes on without its caller.
    pub(crate) job: Option<Claimed>,
    /// Somebody else works on it by now: it is left alone.
    pub(crate) lost: bool,
}

impl Live {
    /// How much of a stream is recorded; none if nobody asks for it again, and nothing is made that is kept.
    pub(crate) fn most_recorded(&self, settings: &Settings) -> Option<usize> {
        let asked =
            if self.ask.records() { Some(settings.max_recorded_answer_bytes) } else { self.keeper.as_ref().map(|_| MAX_ANSWER_BYTES) };
        asked.max(class(self.ask.request.model_type()).map(|_| MAX_STREAMED_BYTES))
    }

    /// Who serves, as the answer tells it.
    pub(crate) fn served(&self, candidate: &Candidate) -> Served {
        let subject = self.record.subject();
        let cache = self.keeper.as_ref().map(|_| CacheUse::Miss);
        Served { conversions: self.record.conversions(), cache, ..Served::by(candidate, subject.task, self.record.attempts()) }
    }
}

/// A run whose task is durable and that has delivered nothing. If it is dropped, the task ends as cancelled.
#[derive(Debug)]
pub(crate) struct Open {
    task: TaskId,
    runner: Arc<Runner>,
    /// Taken only by the end of the run: by [`Open::run`], or by the drop.
    inner: Option<(Box<Live>, Opening)>,
    step: Step,
    max_ms: u64,
}

/// What the opening led to.
pub(crate) enum Opened {
    /// A candidate answers: from here on nobody else is called.
    Answering { live: Box<Live>, delivery: Delivery, answer: TextAnswer },
    /// Nobody does.
    Stopped { live: Box<Live>, stop: Stop },
}

impl Open {
    pub(crate) fn new(
        runner: Arc<Runner>,
        live: Box<Live>,
        selection: Selection,
        policy: Arc<RunnerPolicy>,
        model_type: ModelType,
    ) -> Self {
        let max_ms = u64::from(policy.failover.max_duration_seconds.get()) * 1000;
        let (opening, step) = Opening::start(selection, policy, model_type, live.ask.deadline);
        Self { task: live.record.subject().task, runner, inner: Some((live, opening)), step, max_ms }
    }

    /// The task.
    pub(crate) fn task(&self) -> TaskId {
        self.task
    }

    /// Goes on until a candidate answers or the machine stops. None if the run was over before, which is never.
    pub(crate) async fn run(&mut self) -> Option<Opened> {
        let mut calls = Calls::default();
        loop {
            let (live, opening) = self.inner.as_mut()?;
            let next = match &self.step {
                Step::Attempt { number, .. } => {
                    let offer = Arc::clone(&opening.candidate().offer);
                    live.record.attempt_started(number.get(), &offer);
                    match attempt(&self.runner, live, opening, &offer, &mut calls).await {
                        Ok(answer) => {
                            let (live, opening) = self.inner.take()?;
                            return Some(Opened::Answering { live, delivery: opening.deliver(), answer });
                        }
                        Err(failure) => {
                            live.admission.failed(&failure);
                            failed(&self.runner, live, opening, &offer, &failure, self.max_ms)
                        }
                    }
                }
                Step::Wait { delay } => {
                    tokio::time::sleep(*delay).await;
                    opening.waited(live.record.subject().watch.elapsed())
                }
                Step::Stop(stop) => {
                    let stop = stop.clone();
                    let (mut live, _) = self.inner.take()?;
                    if let Some(entry) = &stop.entry {
                        live.record.decided(TraceEntry::clone(entry));
                    }
                    return Some(Opened::Stopped { live, stop });
                }
            };
            self.step = next;
        }
    }
}

impl Open {
    /// A job is not wanted any more.
    pub(crate) fn cancel(mut self) {
        if let Some((live, _)) = &mut self.inner {
            live.job = None;
        }
    }

    /// A job is left as its rows tell it: whoever takes it over goes on.
    pub(crate) fn leave(self) {
        drop(self);
    }
}

impl Drop for Open {
    /// The caller went away before anything was delivered: nothing is charged. A job has no caller that could: its rows stand.
    fn drop(&mut self) {
        if let Some((mut live, opening)) = self.inner.take() {
            live.admission.abandoned();
            if live.job.is_some() {
                return;
            }
            let stop = opening.cancelled(live.record.subject().watch.elapsed());
            if let Some(entry) = stop.entry {
                live.record.broke_off(&stop.failure, *entry, self.max_ms);
            }
            let end = if self.runner.is_draining() { End::cut_off() } else { End::Cancelled };
            self.runner.metrics.ended(end.status());
            // Nothing was delivered: a caller that asks again under the same key is to get an answer.
            let releases_key = live.ask.idempotency.is_some();
            self.runner.finisher.later(Finish { releases_key, ..live.record.finish(end, None, None, None) });
        }
    }
}

/// How often each platform was called by this run: a simulation's script goes by it.
#[derive(Debug, Default)]
struct Calls(Vec<(PlatformId, u32)>);

impl Calls {
    fn next(&mut self, platform: PlatformId) -> u32 {
        if let Some((_, count)) = self.0.iter_mut().find(|(id, _)| *id == platform) {
            *count += 1;
            return *count;
        }
        self.0.push((platform, 0));
        0
    }
}

/// One call of one candidate.
async fn attempt(
    runner: &Runner,
    live: &mut Live,
    opening: &Opening,
    offer: &Arc<PlatformModel>,
    calls: &mut Calls,
) -> Result<TextAnswer, Failure> {
    afford(runner, live, offer).await?;
    let credential = opening.credential().map(AsRef::as_ref);
    let taken = admission::admit(runner, live, opening, credential).await?;
    live.admission.taken = Some(taken);
    let _probe = probe(runner, live, opening.candidate())?;
    live.unpaid = None;
    if live.job.is_some() {
        Box::pin(about_to_submit(runner, live, opening, credential)).await?;
    }
    let watch = live.record.subject().watch;
    let began = tokio::time::Instant::now();
    let call = TextCall {
        offer,
        credential,
        request: &live.ask.request,
        written: live.carried.to(offer).map(AsRef::as_ref),
        task: live.record.subject().task,
        whole: live.job.is_some(),
        started_at: watch.started_at,
        simulated: live.terms.simulated || offer.platform.test_mode,
        simulation: live.ask.simulation.as_ref(),
        call_of_platform: calls.next(offer.platform.id),
        deadline: live.ask.deadline.map(|deadline| tokio::time::Instant::now() + deadline.saturating_sub(watch.elapsed())),
        forward: &live.ask.headers,
    };
    let answered = match runner.clients.text(call).await {
        Err(failed) if live.job.is_some() && may_have_been_accepted(&failed, opening.model_type()) => {
            Box::pin(runner.recovered(live.record.subject().task, failed)).await
        }
        answered => answered,
    };
    runner.metrics.attempted(offer, answered.as_ref().err().map(|failure| failure.category));
    if answered.is_err() {
        runner.latencies.failed(offer.id, began.elapsed());
    }
    let answer = answered?;
    if let Some(taken) = &mut live.admission.taken {
        taken.landed();
    }
    runner.latencies.observe(offer.id, began.elapsed());
    if let Some(conversation) = live.conversation {
        runner.sticky.note(conversation, offer.id, &live.model, now());
    }
    let (request_id, notes) = match &answer {
        TextAnswer::Plain(answer) => (answer.upstream_request_id.as_deref(), &answer.notes),
        TextAnswer::Stream { stream, notes } => (stream.upstream_request_id(), notes),
        TextAnswer::Made(made) => (made.upstream_request_id.as_deref(), &made.notes),
        TextAnswer::Job(job) => (job.upstream_request_id.as_deref(), &job.notes),
    };
    live.record.answered(request_id);
    live.record.converted(notes);
    runner.health.succeeded(offer, &live.ask.caller.catalog.runner_policy, now());
    Ok(answer)
}

/// A job that is paid for once is noted before it is submitted: should this node die now, nobody submits it again.
async fn about_to_submit(runner: &Runner, live: &mut Live, opening: &Opening, credential: Option<&Credential>) -> Result<(), Failure> {
    let Some(job) = live.job.filter(|_| opening.model_type().is_media()) else { return Ok(()) };
    let submission = Submission {
        attempt: live.record.current_attempt(),
        platform_model: opening.candidate().offer.id,
        credential: credential.map(|credential| credential.id),
        at: now(),
    };
    let ours = |message: String| Failure::new(Category::LocalRateLimit, Sent::Nothing, message);
    match jobs::submitting(&runner.db, live.record.subject().task, job.fence, submission).await {
        Ok(Written::Yes) => Ok(()),
        Ok(Written::Lost) => {
            live.lost = true;
            Err(ours("another node works on it".to_owned()))
        }
        Err(error) => Err(ours(format!("it could not be recorded that it is submitted: {error}"))),
    }
}

/// The right to try a candidate whose circuit breaker is half-open. Nobody needs it for a last resort, or a simulation.
fn probe(runner: &Runner, live: &Live, candidate: &Candidate) -> Result<Option<Probe>, Failure> {
    if live.terms.simulated || candidate.chance == Chance::LastResort {
        return Ok(None);
    }
    let taken = || Failure::new(Category::LocalRateLimit, Sent::Nothing, "its circuit breaker is half-open, and another call is its probe");
    runner.health.probe(&candidate.offer, now()).map(Some).ok_or_else(taken)
}

/// A dearer candidate than the first needs a larger hold before it may be called.
async fn afford(runner: &Runner, live: &mut Live, offer: &Arc<PlatformModel>) -> Result<(), Failure> {
    let text = || Usage::counted(live.ask.request.scan.prompt_tokens, live.output_tokens);
    let needed = live.terms.estimate(offer, &live.carried.usage_of(offer, text))?;
    if needed <= live.hold {
        return Ok(());
    }
    let subject = live.record.subject();
    let unpaid = match runner.journal.raise_hold(subject.task, subject.account, needed).await {
        Ok(Raised::Raised) => {
            live.hold = needed;
            return Ok(());
        }
        Ok(Raised::Insufficient { available }) => CallError::insufficient(subject.task, available, needed, &subject.currency),
        Ok(Raised::AlreadyOver) => CallError::refused(subject.task, ErrorCode::Interrupted, "the task was ended by another node"),
        Err(error) => CallError::store(subject.task, &error),
    };
    let failure = Failure::new(Category::LocalRateLimit, Sent::Nothing, unpaid.message.clone());
    live.unpaid = Some(unpaid);
    Err(failure)
}

/// Tells the machine, carries out what it ordered, and writes down why.
fn failed(runner: &Runner, live: &mut Live, opening: &mut Opening, offer: &Arc<PlatformModel>, failure: &Failure, max_ms: u64) -> Step {
    let watch = live.record.subject().watch;
    // Whom it is about: the verdict may go on to the next one.
    let credential = opening.credential().map(|credential| credential.id);
    let policy = Arc::clone(&live.ask.caller.catalog.runner_policy);
    let failed = Failed {
        offer,
        credential,
        failure,
        model_type: opening.model_type(),
        runner: &policy,
        deadline_passed: live.ask.deadline.is_some_and(|deadline| watch.elapsed() >= deadline),
    };
    // Counted before it is decided: a circuit breaker that opens by it ends the attempts at this client.
    let counted = if live.terms.simulated { Vec::new() } else { runner.health.failed(&failed, now()) };
    let out = counted.iter().find(|note| matches!(note.remedy, RemedyKind::OpenCircuit | RemedyKind::Disable));
    if let Some(note) = out {
        opening.taken_out(note.remedy);
    }
    let mut verdict = opening.failed(failure, watch.elapsed(), Dice(dice()));
    if !live.terms.simulated {
        runner.health.apply(&verdict.remedies, &failed, now(), &verdict.entry.sentence().into());
        verdict.entry.remedies.extend(counted);
    }
    tracing::info!(task.id = %live.record.subject().task, platform = %offer.platform.name, category = %failure.category, "{}", verdict.entry.sentence());
    if let Some(note) = live.record.attempt_failed(failure, &verdict.entry, max_ms) {
        // What ends the run is written by its finish in a moment.
        if !matches!(verdict.step, Step::Stop(_)) {
            runner.journal.note(note);
        }
    }
    verdict.step
}

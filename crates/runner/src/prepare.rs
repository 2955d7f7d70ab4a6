//! Before anything is sent: who may serve, what it may cost, and the task with its hold made durable.

use std::sync::Arc;
use std::time::Duration;

use easyai_core::candidates::{Ask, Moment, NoCandidates, Selection, select};
use easyai_core::catalog::{Capability, Model, Simulation};
use easyai_core::delivery::CallbackTarget;
use easyai_core::error::ErrorCode;
use easyai_core::failure::Failure;
use easyai_core::id::{PriceId, TaskId};
use easyai_core::kind::{Kind, RunMode};
use easyai_core::limit::{Amounts, LimitScope};
use easyai_core::money::Money;
use easyai_core::quantile::expected_output;
use easyai_core::run_trace::{EstimateNote, RunTrace};
use easyai_core::trace::millis;
use easyai_core::usage::Usage;
use easyai_limits::{Claim, Taken};
use easyai_protocols::request::TextRequest;
use easyai_store::jobs::NewJob;
use easyai_store::journal::{Begin, Begun, Idempotency};
use http::HeaderMap;

use crate::admission::{self, Admission};
use crate::bill::Terms;
use crate::cache::Keeper;
use crate::caller::Caller;
use crate::carry::Carried;
use crate::claims;
use crate::clock::{Stopwatch, dice, new_id};
use crate::error::CallError;
use crate::jobs::Claimed;
use crate::kept::Keep;
use crate::latency::LiveLoad;
use crate::open::{Live, Open};
use crate::record::{Past, Record, Subject};
use crate::refusal::RefusedCall;
use crate::runner::Runner;
use crate::sticky::Conversation;

/// Text that a caller asks for, checked.
#[derive(Debug)]
pub struct TextAsk {
    /// Who asks.
    pub caller: Caller,
    /// What for.
    pub request: TextRequest,
    /// Whether the request's head asked for a simulation; the key may ask too.
    pub run_mode: RunMode,
    /// What a simulation shall do.
    pub simulation: Option<Simulation>,
    /// The caller's own deadline, from now.
    pub deadline: Option<Duration>,
    /// How long it may wait for a limit, if the caller said so.
    pub queue_timeout: Option<Duration>,
    /// What the caller calls its conversation, for the model's stickiness.
    pub session: Option<String>,
    /// What is kept of the answer.
    pub keep: Keep,
    /// Whether it goes on when its caller is gone.
    pub detached: bool,
    /// If the caller may ask the same again.
    pub idempotency: Option<Idempotency>,
    /// How it waits, if it is to be done later.
    pub job: Option<NewJob>,
    /// Where callers reach this gateway, such as `https://ai.example.com`, for the addresses of what is made.
    pub base_url: Option<Arc<str>>,
    /// Whom the caller wants told of the task's events.
    pub callback: Option<Arc<CallbackTarget>>,
    /// The request's head; the client takes from it what may go on.
    pub headers: HeaderMap,
}

/// A call that was let in: it has its id and its place in the gateway, and nothing was done for it yet.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) task: TaskId,
    pub(crate) watch: Stopwatch,
    pub(crate) ask: TextAsk,
    /// Given back when the call is over.
    pub(crate) lease: Taken,
}

/// What became of a task that is to be done later.
pub(crate) enum Queued {
    /// It is durable, with its hold.
    New,
    /// The caller asked the same before.
    Repeated { task: TaskId, same_body: bool },
}

/// What became of the preparation.
pub(crate) enum Prepared {
    /// The task and its hold are durable: the run may open.
    Begun(Box<Open>),
    /// The caller asked the same before.
    Repeated { task: TaskId, same_body: bool },
}

impl TextAsk {
    /// What the request or its key asked for.
    pub(crate) fn run_mode(&self) -> RunMode {
        if self.caller.key.run_mode == RunMode::Simulation { RunMode::Simulation } else { self.run_mode }
    }

    /// Whether the answer is recorded.
    pub(crate) const fn records(&self) -> bool {
        self.idempotency.is_some() || self.keep.keeps()
    }

    /// The endpoint that was called.
    pub(crate) const fn kind(&self) -> Kind {
        self.request.protocol.kind()
    }

    fn simulated(&self, selection: &Selection) -> bool {
        self.run_mode() == RunMode::Simulation || selection.candidates.best().offer.platform.test_mode
    }
}

/// What a call would be: who may serve, what may be asked for it. Nothing has been taken or written.
pub(crate) struct Planned {
    pub(crate) selection: Selection,
    pub(crate) carried: Carried,
    pub(crate) terms: Terms,
    pub(crate) estimate: EstimateNote,
}

/// A refusal, and what was known of the candidates by then.
struct Refused {
    error: CallError,
    trace: Option<Box<RunTrace>>,
}

impl From<CallError> for Refused {
    fn from(error: CallError) -> Self {
        Self { error, trace: None }
    }
}

impl Call {
    /// Goes on with a job: it has its id since its caller was told of it.
    ///
    /// # Errors
    /// Too many calls are under way.
    pub(crate) fn again(runner: &Runner, task: TaskId, ask: TextAsk) -> Result<Self, CallError> {
        Ok(Self { task, watch: Stopwatch::start(), ask, lease: gateway(runner, task)? })
    }

    /// Lets a call in.
    ///
    /// # Errors
    /// The gateway is shutting down, or has too many calls under way.
    pub(crate) fn let_in(runner: &Runner, ask: TextAsk) -> Result<Self, CallError> {
        let (task, watch) = (TaskId::from_uuid(new_id()), Stopwatch::start());
        if runner.is_draining() {
            return Err(CallError::shutting_down(task));
        }
        Ok(Self { task, watch, ask, lease: gateway(runner, task)? })
    }
}

/// A place among the calls under way.
fn gateway(runner: &Runner, task: TaskId) -> Result<Taken, CallError> {
    let gateway = [Claim { scope: LimitScope::Gateway, limits: Arc::clone(&runner.settings.max_in_flight) }];
    runner.limits.take(&gateway, Amounts::default()).map_err(|refused| CallError::limited(task, &refused))
}

/// Chooses candidates, sets money aside and records the task; or records why not. Its answer is for `keeper`, if there is one.
pub(crate) async fn prepare(runner: &Arc<Runner>, call: Call, keeper: Option<Keeper>) -> Result<Prepared, CallError> {
    match begin(runner, &call).await {
        Ok(Outcome::Begun(planned)) => {
            // What is simulated is nobody's answer.
            let keeper = keeper.filter(|_| !planned.terms.simulated);
            if keeper.is_some() {
                runner.metrics.missed_cache();
            }
            Ok(Prepared::Begun(Box::new(opened(runner, call, *planned, keeper, None))))
        }
        Ok(Outcome::Repeated { task, same_body }) => Ok(Prepared::Repeated { task, same_body }),
        Err(Refused { error, trace }) => {
            refuse(runner, &call, trace.map(|trace| *trace), &error).await;
            Err(error)
        }
    }
}

/// Sets money aside for a task that is to be done later, and records it; or records why not.
pub(crate) async fn queue(runner: &Arc<Runner>, call: Call) -> Result<Queued, CallError> {
    match begin(runner, &call).await {
        Ok(Outcome::Begun(_)) => Ok(Queued::New),
        Ok(Outcome::Repeated { task, same_body }) => Ok(Queued::Repeated { task, same_body }),
        Err(Refused { error, trace }) => {
            refuse(runner, &call, trace.map(|trace| *trace), &error).await;
            Err(error)
        }
    }
}

/// Chooses candidates for a job whose money is set aside.
///
/// # Errors
/// Why nobody may serve it now.
pub(crate) fn reopen(runner: &Arc<Runner>, call: Call, resumed: Resumed) -> Result<Open, CallError> {
    let planned = plan(runner, &call.ask, call.task, &call.watch).map_err(|refused| refused.error)?;
    Ok(opened(runner, call, planned, None, Some(resumed)))
}

/// A job as it was left.
pub(crate) struct Resumed {
    pub(crate) claimed: Claimed,
    /// What was written of it.
    pub(crate) past: Past,
    /// What is set aside for it.
    pub(crate) hold: Money,
}

/// Records that a call is refused.
pub(crate) async fn refuse(runner: &Runner, call: &Call, trace: Option<RunTrace>, error: &CallError) {
    let Call { ask, watch, .. } = call;
    let refused = RefusedCall {
        caller: &ask.caller,
        kind: ask.kind(),
        model: &ask.request.scan.model,
        stream: ask.request.scan.stream,
        run_mode: ask.run_mode(),
        input_tokens: ask.request.scan.prompt_tokens,
        started_at: watch.started_at,
        trace,
        callback: ask.callback.as_ref(),
    };
    runner.refused(refused, error).await;
}

enum Outcome {
    Begun(Box<Planned>),
    Repeated { task: TaskId, same_body: bool },
}

async fn begin(runner: &Arc<Runner>, call: &Call) -> Result<Outcome, Refused> {
    let Call { task, watch, ask, .. } = call;
    let task = *task;
    let planned = plan(runner, ask, task, watch)?;
    let hold = planned.estimate.hold;
    let amounts = claims::amounts(ask, &planned.selection.candidates.best().offer, planned.estimate.output_tokens, hold);
    if let Err(refused) = admission::check(runner, ask, amounts) {
        return Err(Refused { error: CallError::limited(task, &refused), trace: Some(Box::new(planned.trace(ask))) });
    }
    match runner.journal.begin(row(runner, ask, task, watch, &planned)).await.map_err(|error| CallError::store(task, &error))? {
        Begun::Begun => Ok(Outcome::Begun(Box::new(planned))),
        Begun::Insufficient { available } => {
            let error = CallError::insufficient(task, available, hold, &runner.settings.currency);
            Err(Refused { error, trace: Some(Box::new(planned.trace(ask))) })
        }
        Begun::Repeated { task, same_body, .. } => Ok(Outcome::Repeated { task, same_body }),
    }
}

/// Chooses candidates and estimates what the first of them may cost.
fn plan(runner: &Runner, ask: &TextAsk, task: TaskId, watch: &Stopwatch) -> Result<Planned, Refused> {
    let carried = carried(runner, ask);
    let selection = candidates(runner, ask, &carried, watch).map_err(|nobody| Refused {
        error: CallError::nobody(task, &nobody, &carried),
        trace: Some(Box::new(RunTrace::nobody(nobody.left_out(), ask.caller.catalog.runner_policy.id))),
    })?;
    let internal = |failure: Failure| CallError::refused(task, ErrorCode::InternalError, failure.message);
    Ok(estimate(runner, ask, selection, carried).map_err(internal)?)
}

/// The request as candidates of other protocols get it. The simulation takes anything.
pub(crate) fn carried(runner: &Runner, ask: &TextAsk) -> Carried {
    if ask.run_mode() == RunMode::Simulation {
        return Carried::to_nobody(&runner.clients, &ask.caller.catalog, &ask.request);
    }
    Carried::to_all(&runner.clients, &ask.caller.catalog, &ask.request)
}

/// Estimates what the first of `selection` may cost.
///
/// # Errors
/// A mistake of ours: it has no price, or one beyond all bounds.
pub(crate) fn estimate(runner: &Runner, ask: &TextAsk, selection: Selection, carried: Carried) -> Result<Planned, Failure> {
    let terms = Terms { multiplier: ask.caller.group.price_multiplier, simulated: ask.simulated(&selection) };
    let best = &selection.candidates.best().offer;
    let usage = carried.usage_of(best, || Usage::counted(ask.request.scan.prompt_tokens, expected(runner, ask, &selection)));
    let hold = terms.estimate(best, &usage)?;
    let price = best.price.as_ref().map_or_else(|| PriceId::from_uuid(uuid::Uuid::nil()), |price| price.id);
    Ok(Planned { selection, carried, terms, estimate: EstimateNote::new(&usage, hold, price) })
}

impl Planned {
    fn trace(&self, ask: &TextAsk) -> RunTrace {
        let trace = RunTrace::of(&self.selection, self.estimate.clone(), ask.caller.catalog.runner_policy.id);
        RunTrace { deadline_ms: ask.deadline.map(millis), ..trace }
    }
}

fn row(runner: &Runner, ask: &TextAsk, task: TaskId, watch: &Stopwatch, planned: &Planned) -> Begin {
    let Planned { selection, terms, estimate, .. } = planned;
    let best = &selection.candidates.best().offer;
    Begin {
        task,
        account: ask.caller.account.id,
        key: ask.caller.key.id,
        node: runner.node,
        kind: ask.kind(),
        model: Arc::clone(&selection.model.name),
        model_type: ask.request.model_type(),
        stream: ask.request.scan.stream,
        run_mode: if terms.simulated { RunMode::Simulation } else { RunMode::Live },
        platform_model: best.id,
        // Whoever will be called for a job is not known yet.
        platform: if ask.job.is_some() { Arc::from("") } else { Arc::clone(&best.platform.name) },
        hold: estimate.hold,
        input_tokens: estimate.input_tokens,
        expected_output_tokens: estimate.output_tokens,
        price: estimate.price,
        catalog_revision: ask.caller.catalog.revision,
        runner_policy: ask.caller.catalog.runner_policy.id,
        started_at: watch.started_at,
        idempotency: ask.idempotency.clone(),
        job: ask.job.clone(),
        callbacks: runner.told(ask.callback.as_ref()),
    }
}

fn opened(runner: &Arc<Runner>, call: Call, planned: Planned, keeper: Option<Keeper>, resumed: Option<Resumed>) -> Open {
    let Call { task, watch, ask, lease } = call;
    let trace = planned.trace(&ask);
    let Planned { selection, carried, terms, estimate } = planned;
    let subject = Subject {
        task,
        account: ask.caller.account.id,
        model: Arc::clone(&selection.model.name),
        currency: Arc::clone(&runner.settings.currency),
        simulated: terms.simulated,
        watch,
    };
    let model_type = ask.request.model_type();
    let policy = Arc::clone(&ask.caller.catalog.runner_policy);
    let EstimateNote { output_tokens, hold, .. } = estimate;
    let (record, hold, job) = match resumed {
        None => (Record::new(subject, model_type, trace), hold, None),
        Some(Resumed { claimed, past, hold }) => (Record::of_job(subject, model_type, trace, past), hold, Some(claimed)),
    };
    let conversation = conversation(&ask, &selection.model);
    let model = Arc::clone(&selection.model);
    let live = Box::new(Live {
        record,
        ask,
        carried,
        terms,
        hold,
        output_tokens,
        lease,
        admission: Admission::default(),
        model,
        conversation,
        keeper,
        unpaid: None,
        job,
        lost: false,
    });
    Open::new(Arc::clone(runner), live, selection, policy, model_type)
}

/// Who may serve, and in which order.
pub(crate) fn candidates(runner: &Runner, ask: &TextAsk, carried: &Carried, watch: &Stopwatch) -> Result<Selection, NoCandidates> {
    let needs = needs(&ask.request);
    let prompt_tokens = ask.request.scan.prompt_tokens;
    let wanted = Ask {
        model: &ask.request.scan.model,
        model_type: ask.request.model_type(),
        key: &ask.caller.key,
        group: &ask.caller.group,
        now: watch.started_at,
        simulated: ask.run_mode() == RunMode::Simulation,
        needs: &needs,
        unfit: carried.unfit(),
        usage: Usage::counted(prompt_tokens, ask.request.scan.max_output_tokens.unwrap_or(prompt_tokens)),
        expected: carried.expected(),
    };
    let catalog = &ask.caller.catalog;
    let conversation = catalog.models.get(&ask.request.scan.model).and_then(|model| conversation(ask, model));
    let sticky = conversation.and_then(|conversation| runner.sticky.by(conversation, watch.started_at));
    let load = LiveLoad { limits: &runner.limits, latencies: &runner.latencies };
    select(catalog, &wanted, &Moment { health: &runner.health.now(), load: &load, sticky }, dice())
}

/// What not every model can do. Without any, as usual, nothing is allocated.
fn needs(request: &TextRequest) -> Vec<Capability> {
    let asked = [
        (request.scan.needs.tools, Capability::Tools),
        (request.scan.needs.vision, Capability::Vision),
        (request.scan.needs.audio, Capability::Audio),
        (request.scan.needs.json_schema, Capability::JsonSchema),
    ];
    asked.into_iter().filter(|(needed, _)| *needed).map(|(_, capability)| capability).collect()
}

fn conversation(ask: &TextAsk, model: &Model) -> Option<Conversation> {
    let common = ask.session.as_deref().map(str::as_bytes).or_else(|| ask.request.affinity());
    Conversation::of(model, ask.caller.account.id, common)
}

/// The output that such an answer usually has, for all `n` choices.
fn expected(runner: &Runner, ask: &TextAsk, selection: &Selection) -> u64 {
    let observed = runner.outputs.expected(ask.caller.key.id, selection.model.id);
    let model_max = selection.candidates.best().offer.max_output_tokens.map(|max| u64::from(max.get()));
    expected_output(observed, ask.request.scan.max_output_tokens, model_max).saturating_mul(u64::from(ask.request.scan.choices))
}

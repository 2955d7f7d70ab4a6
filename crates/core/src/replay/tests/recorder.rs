//! Runs the machine and writes down what the runner would.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use crate::candidates::Selection;
use crate::failure::{Category, Failure};
use crate::id::{AccountId, PlatformModelId, PriceId, TaskId};
use crate::kind::ModelType;
use crate::policy::RunnerPolicy;
use crate::price::Multiplier;
use crate::pricing;
use crate::replay::{AttemptRecord, TaskRecord};
use crate::run::{Dice, Opening, Step};
use crate::run_trace::{EstimateNote, RunTrace};
use crate::task::{AttemptStatus, TaskStatus};
use crate::time::Timestamp;
use crate::trace::{RemedyKind, RemedyNote, TraceEntry, millis};
use crate::usage::{Usage, UsageSource};

/// What a call comes to.
pub enum Happens {
    Fails { failure: Failure, takes: Duration },
    Answers { first_delta: Duration, takes: Duration, end: Ends },
    CallerLeaves { after: Duration },
}

pub enum Ends {
    Well,
    BrokenOff(Failure),
    WithoutCaller,
}

/// What the world does to a run.
pub trait World {
    fn call(&mut self, run: &Opening) -> Happens;
    /// How much longer than asked a wait takes; none if the caller leaves in it.
    fn oversleep(&mut self) -> Option<Duration>;
    fn dice(&mut self) -> Dice;
    /// What live health did because of a failure, before it was decided.
    fn remedies(&mut self) -> Vec<RemedyNote> {
        Vec::new()
    }
}

/// A task to be recorded.
pub struct Recording {
    pub id: u128,
    pub started_at: Timestamp,
    pub model_type: ModelType,
    pub deadline: Option<Duration>,
    pub selection: Selection,
    pub policy: Arc<RunnerPolicy>,
}

pub const USAGE: Usage = Usage {
    input_tokens: 1_000_000,
    cached_input_tokens: 0,
    cache_write_tokens: 0,
    output_tokens: 1_000_000,
    reasoning_tokens: 0,
    media: None,
    source: UsageSource::Upstream,
};

struct Notes {
    record: TaskRecord,
    trace: RunTrace,
    now: Duration,
}

impl Recording {
    pub fn record(self, world: &mut dyn World) -> TaskRecord {
        let (price, hold) = (PriceId::from_uuid(Uuid::nil()), crate::money::Money::ZERO);
        let estimate = EstimateNote::new(&Usage::counted(1_000_000, 1_000_000), hold, price);
        let trace = RunTrace { deadline_ms: self.deadline.map(millis), ..RunTrace::of(&self.selection, estimate, self.policy.id) };
        let mut notes = Notes { record: self.blank(), trace, now: Duration::ZERO };
        let (mut run, mut step) = Opening::start(self.selection, self.policy, self.model_type, self.deadline);
        loop {
            step = match step {
                Step::Attempt { number, .. } => {
                    // Not all time is spent in calls.
                    notes.now += Duration::from_micros(1_300);
                    match world.call(&run) {
                        Happens::Fails { failure, takes } => {
                            notes.attempt(&run, number, AttemptStatus::Failed, None, takes);
                            let counted = world.remedies();
                            let out = |note: &&RemedyNote| matches!(note.remedy, RemedyKind::OpenCircuit | RemedyKind::Disable);
                            if let Some(note) = counted.iter().find(out) {
                                run.taken_out(note.remedy);
                            }
                            let mut verdict = run.failed(&failure, notes.now, world.dice());
                            verdict.entry.remedies.extend(counted);
                            notes.trace.decisions.push(verdict.entry);
                            verdict.step
                        }
                        Happens::Answers { first_delta, takes, end } => return notes.answered(run, number, first_delta, takes, &end),
                        Happens::CallerLeaves { after } => {
                            notes.attempt(&run, number, AttemptStatus::Cancelled, None, after);
                            let entry = run.cancelled(notes.now).entry;
                            return notes.end(TaskStatus::Cancelled, entry.map(|entry| *entry));
                        }
                    }
                }
                Step::Wait { delay } => match world.oversleep() {
                    Some(longer) => {
                        notes.now += delay + longer;
                        run.waited(notes.now)
                    }
                    None => {
                        notes.now += delay / 2;
                        let entry = run.cancelled(notes.now).entry;
                        return notes.end(TaskStatus::Cancelled, entry.map(|entry| *entry));
                    }
                },
                Step::Stop(stop) => return notes.end(TaskStatus::Failed, stop.entry.map(|entry| *entry)),
            };
        }
    }

    fn blank(&self) -> TaskRecord {
        TaskRecord {
            id: TaskId::from_uuid(Uuid::from_u128(self.id)),
            account: AccountId::from_uuid(Uuid::nil()),
            model: Arc::clone(&self.selection.model.name),
            model_type: self.model_type,
            simulated: false,
            status: TaskStatus::Running,
            code: None,
            started_at: self.started_at,
            finished_at: None,
            usage: None,
            bill: None,
            charge: None,
            cost: None,
            trace: None,
            attempts: Vec::new(),
        }
    }
}

impl Notes {
    fn attempt(&mut self, run: &Opening, number: NonZeroU32, status: AttemptStatus, first_delta: Option<Duration>, takes: Duration) {
        let offer = &run.candidate().offer;
        self.record.attempts.push(AttemptRecord {
            number: number.get(),
            platform_model: PlatformModelId::from_uuid(offer.id.uuid()),
            platform: Arc::clone(&offer.platform.name),
            status,
            started_at: self.record.started_at.plus(self.now),
            first_delta_ms: first_delta.map(millis),
            duration_ms: Some(millis(takes)),
        });
        self.now += takes;
    }

    fn answered(mut self, run: Opening, number: NonZeroU32, first_delta: Duration, takes: Duration, end: &Ends) -> TaskRecord {
        let status = match end {
            Ends::Well => AttemptStatus::Succeeded,
            Ends::BrokenOff(failure) if failure.category == Category::Cancelled => AttemptStatus::Cancelled,
            Ends::BrokenOff(_) => AttemptStatus::Failed,
            Ends::WithoutCaller => AttemptStatus::Cancelled,
        };
        self.attempt(&run, number, status, Some(first_delta), takes);
        let offer = Arc::clone(&run.candidate().offer);
        if let Some(price) = &offer.price {
            let bill = pricing::bill(price, Multiplier::ONE, &USAGE).unwrap();
            (self.record.charge, self.record.cost) = (Some(bill.charge), bill.cost);
            (self.record.usage, self.record.bill) = (Some(USAGE), Some(bill));
        }
        let delivery = run.deliver();
        match end {
            Ends::Well => self.end(TaskStatus::Succeeded, None),
            Ends::BrokenOff(failure) => {
                let entry = delivery.failed(failure, self.now);
                self.end(TaskStatus::Failed, Some(entry))
            }
            Ends::WithoutCaller => {
                let entry = delivery.cancelled(self.now);
                self.end(TaskStatus::Cancelled, Some(entry))
            }
        }
    }

    fn end(mut self, status: TaskStatus, entry: Option<TraceEntry>) -> TaskRecord {
        self.trace.decisions.extend(entry);
        self.record.status = status;
        self.record.finished_at = Some(self.record.started_at.plus(self.now + Duration::from_micros(700)));
        self.record.trace = Some(serde_json::to_string(&self.trace).unwrap());
        self.record
    }
}

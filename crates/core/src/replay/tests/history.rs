//! A constructed history in few words: `"a 503@100 | b ok@20+300"` says that a failed after 100 ms, and that b then answered: its first
//! delta after 20 ms, the end after 300.
//!
//! `delta+503@20+300` breaks off, `left@20+300` is left by its caller, `gone@100` never answers until its caller leaves. Details follow
//! after commas, as in `run::script`: `429@10,after=2s`.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::recorder::{Ends, Happens, Recording, World as Scripted};
use crate::candidates::{Candidate, Candidates, Chance, Selection};
use crate::catalog::{Catalog, Enabled, PlatformModel};
use crate::fixtures;
use crate::id::PolicySetId;
use crate::kind::ModelType;
use crate::policy::FailoverPolicy;
use crate::price::PriceVersion;
use crate::replay::{Draft, Lessons, Replay, Report, Seed, TaskRecord, World};
use crate::run::{Dice, Opening, script};
use crate::run_trace::{LeftOutNote, RunTrace};
use crate::time::Timestamp;

const HOUR: Duration = Duration::from_secs(3_600);

/// Recorded tasks of a gateway.
pub struct History {
    /// The catalogue of the time, and of today unless somebody changes it.
    pub catalog: Catalog,
    pub records: Vec<TaskRecord>,
    deadline: Option<Duration>,
    hour: u32,
}

struct Script {
    answers: Vec<(String, VecDeque<String>)>,
    dice: u64,
}

impl History {
    /// Of a model that these platforms offer, tried in this order: `a` has priority 0, `b` 1 and so on. Each charges 1 and 2 for a
    /// million tokens and costs half of it.
    pub fn of(platforms: &[&str]) -> Self {
        let offers = platforms.iter().zip(0..).map(|(name, priority)| {
            let mut offer = fixtures::offer(fixtures::platform(name));
            Arc::get_mut(&mut offer.platform).unwrap().priority = priority;
            let mut set = Arc::unwrap_or_clone(offer.policy_set);
            set.id = PolicySetId::from_uuid(fixtures::uuid_of("standard"));
            offer.policy_set = Arc::new(set);
            let cost = serde_json::from_str(r#"{"input_per_million":"0.5","output_per_million":"1"}"#).unwrap();
            offer.price = offer.price.map(|price| Arc::new(PriceVersion { cost: Some(cost), ..PriceVersion::clone(&price) }));
            offer
        });
        let catalog = fixtures::catalog(fixtures::model(offers.collect()));
        Self { catalog, records: Vec::new(), deadline: None, hour: 0 }
    }

    /// Changes the offers of the time.
    pub fn change(mut self, change: impl FnOnce(&mut Vec<PlatformModel>)) -> Self {
        let mut model = self.catalog.models["m"].as_ref().clone();
        let mut offers: Vec<PlatformModel> = model.offers.iter().map(|offer| PlatformModel::clone(offer)).collect();
        change(&mut offers);
        model.offers = offers.into_iter().map(Arc::new).collect();
        self.catalog.models.insert("m".into(), Arc::new(model));
        self
    }

    pub fn failover(mut self, json: &str) -> Self {
        self.catalog.runner_policy = fixtures::runner_policy(serde_json::from_str::<FailoverPolicy>(json).unwrap());
        self
    }

    /// Of all tasks from here on.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    pub fn an_hour_later(mut self) -> Self {
        self.hour += 1;
        self
    }

    /// Records a task.
    pub fn task(mut self, script: &str) -> Self {
        let record = self.record(script);
        self.records.push(record);
        self
    }

    pub fn tasks(self, count: usize, script: &str) -> Self {
        (0..count).fold(self, |history, _| history.task(script))
    }

    pub fn record(&self, script: &str) -> TaskRecord {
        let mut answers: Vec<(String, VecDeque<String>)> = Vec::new();
        for part in script.split('|') {
            let mut words = part.split_whitespace().map(str::to_owned);
            answers.push((words.next().unwrap(), words.collect()));
        }
        let number = self.records.len() as u128;
        let started_at = Timestamp::from_micros(1_760_000_400_000_000).plus(HOUR * self.hour);
        let recording = Recording {
            id: number,
            started_at,
            model_type: ModelType::TextGenerate,
            deadline: self.deadline,
            selection: self.selection(),
            policy: Arc::clone(&self.catalog.runner_policy),
        };
        recording.record(&mut Script { answers, dice: 77 * self.records.len() as u64 })
    }

    fn selection(&self) -> Selection {
        let model = &self.catalog.models["m"];
        let priority = |offer: &PlatformModel| offer.priority.unwrap_or(offer.platform.priority);
        let mut offers: Vec<_> = model.offers.iter().filter(|offer| offer.enabled == Enabled::Yes).cloned().collect();
        offers.sort_by_key(|offer| priority(offer));
        let mut candidates = offers.iter().map(|offer| {
            let mut candidate = Candidate::new(offer, priority(offer), Chance::Usual);
            if candidate.several_credentials() {
                candidate.credentials.clone_from(&offer.platform.credentials);
            }
            candidate
        });
        let candidates = Candidates::new(candidates.next().unwrap(), candidates.collect());
        Selection { model: Arc::clone(model), candidates, left_out: Vec::new() }
    }

    /// Other tasks, in today's catalogue.
    pub fn with_records(self, records: &[TaskRecord]) -> Self {
        Self { records: records.to_vec(), ..self }
    }

    /// Changes the trace of the last task.
    pub fn retrace(mut self, change: impl FnOnce(&mut RunTrace)) -> Self {
        let record = self.records.last_mut().unwrap();
        let mut trace: RunTrace = serde_json::from_str(record.trace.as_deref().unwrap()).unwrap();
        change(&mut trace);
        record.trace = Some(serde_json::to_string(&trace).unwrap());
        self
    }

    /// The last task left this one out because it was switched off.
    pub fn left_out(self, platform: &str) -> Self {
        let offer = self.catalog.models["m"].offers.iter().find(|offer| &*offer.platform.name == platform).unwrap();
        let (platform, platform_model) = (Arc::clone(&offer.platform.name), offer.id);
        let reason = crate::candidates::LeftOutReason::Disabled;
        self.retrace(|trace| trace.left_out.push(LeftOutNote { platform, platform_model, reason, message: String::new() }))
    }

    pub fn replay(&self, draft: &Draft) -> Report {
        self.replay_with(draft, 0)
    }

    pub fn replay_with(&self, draft: &Draft, seed: u64) -> Report {
        let mut lessons = Lessons::new(Seed(seed));
        self.records.iter().for_each(|record| lessons.learn(record));
        let mut replay = Replay::new(World::new(&self.catalog, draft), lessons, 10);
        self.records.iter().for_each(|record| replay.take(record));
        replay.report()
    }

    /// Replays without a draft, which must find no difference.
    #[track_caller]
    pub fn is_as_recorded(&self) -> Report {
        let report = self.replay(&Draft::default());
        assert_eq!(report.differences, []);
        assert_eq!((report.tasks.differing, report.tasks.with_guesses, report.tasks.replayed), (0, 0, self.records.len() as u64));
        assert_eq!(report.then, report.draft);
        report
    }
}

impl Scripted for Script {
    fn call(&mut self, run: &Opening) -> Happens {
        let name = &*run.candidate().offer.platform.name;
        let calls = self.answers.iter_mut().find(|(platform, _)| platform == name);
        happens(&calls.and_then(|(_, calls)| calls.pop_front()).unwrap_or_else(|| panic!("a call too many of {name}")))
    }

    fn oversleep(&mut self) -> Option<Duration> {
        Some(Duration::from_micros(300))
    }

    fn dice(&mut self) -> Dice {
        Dice(self.dice)
    }
}

fn happens(text: &str) -> Happens {
    let (call, details) = text.split_once(',').unwrap_or((text, ""));
    let (what, times) = call.split_once('@').unwrap_or((call, "0"));
    let (first, takes) = times.split_once('+').unwrap_or((times, times));
    let ms = |text: &str| Duration::from_millis(text.parse().unwrap());
    let answers = |end| Happens::Answers { first_delta: ms(first), takes: ms(takes), end };
    match (what, what.strip_prefix("delta+")) {
        ("ok", _) => answers(Ends::Well),
        ("left", _) => answers(Ends::WithoutCaller),
        ("gone", _) => Happens::CallerLeaves { after: ms(takes) },
        (_, Some(what)) => answers(Ends::BrokenOff(script::failure(what))),
        (what, None) => {
            let mut failure = script::failure(what);
            if let Some(after) = details.strip_prefix("after=") {
                failure.retry_after = Some(ms(after));
            }
            Happens::Fails { failure, takes: ms(takes) }
        }
    }
}

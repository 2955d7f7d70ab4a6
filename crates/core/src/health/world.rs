//! A candidate with its policies and its health, for stories on a turned clock.

use std::sync::Arc;

use super::{Effects, Failed, HealthBook, Standing, Subject};
use crate::catalog::{Credential, Platform, PlatformModel};
use crate::failure::{Category, Failure, Sent};
use crate::fixtures::{self, uuid_of};
use crate::id::CredentialId;
use crate::kind::ModelType;
use crate::policy::{FailoverPolicy, PolicySet, Remedy, RetryPolicy, RunnerPolicy};
use crate::time::Timestamp;

pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

pub fn credential(name: &str) -> CredentialId {
    CredentialId::from_uuid(uuid_of(name))
}

/// An offer of platform `a` with the credentials `x` and `y`, and the policies it comes under.
pub struct World {
    pub offer: PlatformModel,
    pub runner: RunnerPolicy,
    pub book: HealthBook,
}

impl World {
    /// `breaker` may be `off`.
    pub fn new(breaker: &str, auto_disable: &str, demotion: &str) -> Self {
        let secret = |name| {
            Arc::new(Credential {
                id: credential(name),
                weight: std::num::NonZeroU32::MIN,
                secret: "".to_owned().into(),
                name: "".into(),
                limits: Arc::default(),
            })
        };
        let platform = Platform { credentials: ["x", "y"].map(secret).to_vec(), ..fixtures::platform("a") };
        let set = PolicySet {
            breaker: (breaker != "off").then(|| serde_json::from_str(breaker).unwrap()),
            auto_disable: serde_json::from_str(auto_disable).unwrap(),
            ..PolicySet::clone(&fixtures::policy_set(RetryPolicy::default()))
        };
        let offer = PlatformModel { policy_set: Arc::new(set), ..fixtures::offer(platform) };
        let demotion = serde_json::from_str(demotion).unwrap();
        let runner = RunnerPolicy { demotion, ..RunnerPolicy::clone(&fixtures::runner_policy(FailoverPolicy::default())) };
        Self { offer, runner, book: HealthBook::default() }
    }

    pub fn fail(&mut self, category: Category, now: Timestamp) -> Effects {
        let failure = Failure { status: Some(500), ..Failure::new(category, Sent::Maybe, "boom") };
        let failed = Failed {
            offer: &self.offer,
            credential: Some(credential("x")),
            failure: &failure,
            model_type: ModelType::TextGenerate,
            runner: &self.runner,
            deadline_passed: false,
        };
        self.book.failed(&failed, now)
    }

    pub fn apply(&mut self, remedy: Remedy, now: Timestamp, reason: &str) -> Option<Subject> {
        self.book.apply(&remedy, &self.offer, Some(credential("x")), now, &reason.into())
    }

    pub fn succeed(&mut self, now: Timestamp) -> Vec<Subject> {
        self.book.succeeded(&self.offer, self.runner.demotion.heal_steps, now)
    }

    /// How the offer stands, times in seconds.
    pub fn standing(&self, now: Timestamp) -> String {
        shown(&self.book.standing(&self.offer, now))
    }

    /// A step such as `12 server_error`, `12 ok`, `12 probe`, `12 back 9`, `12 look`: what the offer stands at after it.
    fn step(&mut self, step: &str) -> String {
        let words: Vec<&str> = step.split_whitespace().collect();
        let now = at(words[0].parse().unwrap());
        match words[1] {
            "look" => {}
            "ok" => drop(self.succeed(now)),
            "probe" if self.book.begin_probe(&self.offer, now) => {}
            "probe" => return format!("refused, {}", self.standing(now)),
            "back" => self.book.give_back_probe(&self.offer, at(words[2].parse().unwrap())),
            category => drop(self.fail(category.parse().unwrap(), now)),
        }
        self.standing(now)
    }

    /// Each line of `story` is a step and what comes of it, apart by `→`.
    pub fn tell(&mut self, story: &str) {
        for line in story.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (step, expected) = line.split_once('→').unwrap();
            assert_eq!(self.step(step), expected.trim(), "{line}");
        }
    }
}

pub fn shown(standing: &Standing) -> String {
    let seconds = |time: &Timestamp| time.micros() / 1_000_000;
    match standing {
        Standing::Well { demotion: 0 } => "well".into(),
        Standing::Well { demotion } => format!("down {demotion}"),
        Standing::Cooling { until, reason } => format!("cooling {} ({reason})", seconds(until)),
        Standing::CircuitOpen { until, .. } => format!("open {}", seconds(until)),
        Standing::Probing { until, .. } => format!("probing {}", seconds(until)),
        Standing::MayProbe => "may probe".into(),
        Standing::Disabled { reason } => format!("off ({reason})"),
    }
}

/// A breaker that opens soon.
pub const THREE_IN_TEN: &str = r#"{"failures": 3, "window_seconds": 10, "cooldown_seconds": 30, "max_cooldown_seconds": 100}"#;

/// A world with nothing but that.
pub fn breaker() -> World {
    World::new(THREE_IN_TEN, "{}", "{}")
}

//! What must hold for every history: random runs of the machine, written down as the runner does, replay without a difference.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::tests::recorder::{Ends, Happens, Recording, World as AnyWorld};
use super::{Draft, Lessons, Replay, Seed, World};
use crate::catalog::PlatformModel;
use crate::fixtures::{self, Seeded};
use crate::id::PlatformModelId;
use crate::kind::ModelType;
use crate::policy::{Remedy, Scope};
use crate::run::properties::{any_failover, any_failure, any_offer};
use crate::run::{Dice, Opening};
use crate::time::Timestamp;
use crate::trace::{PolicySource, RemedyNote};

const CATALOGS: u64 = 1_000;
const TASKS_EACH: u64 = 12;

struct Random(Seeded);

impl Random {
    fn millis(&mut self, most: u64) -> Duration {
        // No whole milliseconds: a trace shows less than the machine was told.
        Duration::from_micros(self.0.below(most * 1_000))
    }
}

impl AnyWorld for Random {
    fn call(&mut self, _: &Opening) -> Happens {
        let takes = self.millis(3_000);
        if self.0.one_in(10) {
            let end = match self.0.below(4) {
                0 => Ends::BrokenOff(any_failure(&mut self.0)),
                1 => Ends::WithoutCaller,
                _ => Ends::Well,
            };
            return Happens::Answers { first_delta: takes / 3, takes, end };
        }
        if self.0.one_in(25) {
            return Happens::CallerLeaves { after: takes };
        }
        Happens::Fails { failure: any_failure(&mut self.0), takes }
    }

    fn oversleep(&mut self) -> Option<Duration> {
        if self.0.one_in(15) {
            return None;
        }
        Some(if self.0.one_in(10) { self.millis(5_000) } else { Duration::ZERO })
    }

    fn dice(&mut self) -> Dice {
        Dice(self.0.next())
    }

    fn remedies(&mut self) -> Vec<RemedyNote> {
        let mut done = Vec::new();
        if self.0.one_in(5) {
            done.push(RemedyNote::of(&Remedy::OpenCircuit { lasting: Duration::from_secs(30) }, PolicySource::PolicySet, None));
        }
        if self.0.one_in(5) {
            done.push(RemedyNote::of(&Remedy::Disable { scope: Scope::Platform }, PolicySource::PolicySet, Some(1)));
        }
        done
    }
}

#[test]
fn every_recorded_run_replays_as_it_went() {
    let mut endings = BTreeSet::new();
    for seed in 0..CATALOGS {
        let mut random = Random(Seeded(seed.wrapping_mul(0x2545_f491_4f6c_dd1d)));
        let offers: Vec<PlatformModel> = (0..1 + random.0.below(5)).map(|index| offer(&mut random, index)).collect();
        let mut catalog = fixtures::catalog(fixtures::model(offers.clone()));
        catalog.runner_policy = fixtures::runner_policy(any_failover(&mut random.0));
        let records: Vec<_> = (0..TASKS_EACH)
            .map(|number| {
                let recording = Recording {
                    id: number.into(),
                    started_at: Timestamp::from_micros(1_760_000_000_123_456),
                    model_type: *random.0.pick(ModelType::ALL),
                    deadline: random.0.one_in(3).then(|| Duration::from_millis(random.0.below(20_000))),
                    selection: fixtures::selection(offers.clone()),
                    policy: Arc::clone(&catalog.runner_policy),
                };
                recording.record(&mut random)
            })
            .collect();
        let mut lessons = Lessons::new(Seed(seed));
        records.iter().for_each(|record| lessons.learn(record));
        let mut replay = Replay::new(World::new(&catalog, &Draft::default()), lessons, 3);
        records.iter().for_each(|record| replay.take(record));
        let report = replay.report();
        assert_eq!(report.differences, [], "seed {seed}");
        assert_eq!((report.tasks.replayed, report.tasks.with_guesses), (TASKS_EACH, 0), "seed {seed}: {:?}", report.tasks);
        assert_eq!(report.then, report.draft, "seed {seed}");
        endings.extend(report.endings.iter().map(|count| count.ending));
    }
    // A generator that never gets somewhere proves nothing about it.
    for ending in ["succeeded", "client_cancelled", "stream_already_started", "deadline_exceeded", "failover_time_budget_exceeded"] {
        assert!(endings.contains(ending), "no run ended with {ending}: {endings:?}");
    }
}

fn offer(random: &mut Random, index: u64) -> PlatformModel {
    let mut offer = any_offer(&mut random.0, index);
    // Offers of one platform share it, as in a catalogue.
    let platform = Arc::make_mut(&mut offer.platform);
    let credentials = ["a", "b", "c"].iter().position(|name| **name == *platform.name).unwrap_or(0);
    platform.credentials = (0..credentials * 2).map(|number| fixtures::credential(&number.to_string())).collect();
    offer.id = PlatformModelId::from_uuid(fixtures::uuid_of(&format!("offer {index}")));
    offer
}

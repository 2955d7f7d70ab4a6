//! What must hold under any order of failures, successes, remedies, probes, waits and kills.

use std::time::Duration;

use proptest::prelude::*;

use super::world::{World, at, credential};
use super::{Breaker, Condition, HealthBook, Subject};
use crate::failure::Category;
use crate::policy::{Remedy, Scope};
use crate::time::Timestamp;

#[derive(Debug, Clone)]
enum Event {
    Wait(u32),
    Fail(Category),
    Succeed,
    Apply(Remedy),
    BeginProbe,
    GiveBack,
    Forget,
    Enable,
}

fn event() -> impl Strategy<Value = Event> {
    let scope = prop::sample::select(Scope::ALL);
    let lasting = (1..200_u64).prop_map(Duration::from_secs);
    let remedy = (scope, lasting, 1..9_u32, 0..4_u8).prop_map(|(scope, lasting, steps, kind)| match kind {
        0 => Remedy::CoolDown { scope, lasting },
        1 => Remedy::Demote { scope, steps, lasting },
        2 => Remedy::Disable { scope },
        _ => Remedy::OpenCircuit { lasting: lasting.min(LONGEST_OPEN) },
    });
    let category = prop_oneof![Just(Category::Network), Just(Category::Auth), prop::sample::select(Category::ALL)];
    prop_oneof![
        4 => (0..40_u32).prop_map(Event::Wait),
        1 => (100..400_u32).prop_map(Event::Wait),
        6 => category.prop_map(Event::Fail),
        2 => Just(Event::Succeed),
        2 => remedy.prop_map(Event::Apply),
        3 => Just(Event::BeginProbe),
        2 => Just(Event::GiveBack),
        1 => Just(Event::Forget),
        1 => Just(Event::Enable),
    ]
}

const LONGEST_OPEN: Duration = Duration::from_secs(60);

/// A world in which all sorts of things happen soon.
fn world() -> World {
    World::new(
        r#"{"failures": 2, "window_seconds": 30, "cooldown_seconds": 10, "max_cooldown_seconds": 60}"#,
        r#"{"rules": [{"match": {"categories": ["auth"]}, "scope": "credential", "failures": 2},
            {"match": {"categories": ["model_unavailable"]}, "scope": "platform", "failures": 3, "window_seconds": 90}]}"#,
        r#"{"rules": [{"match": {"categories": ["timeout"]}, "scope": "platform"}, {"steps": 2, "max_steps": 7}]}"#,
    )
}

/// A world with its clock, and the probe that is under way as whoever has it knows.
struct Life {
    world: World,
    now: Timestamp,
    probe: Option<Timestamp>,
}

impl Life {
    fn new() -> Self {
        Self { world: world(), now: at(0), probe: None }
    }

    fn play(&mut self, event: &Event) {
        let World { offer, book, .. } = &mut self.world;
        match event {
            Event::Wait(seconds) => self.now = self.now.plus(Duration::from_secs((*seconds).into())),
            Event::Fail(category) => drop(self.world.fail(*category, self.now)),
            Event::Succeed => drop(self.world.succeed(self.now)),
            Event::Apply(remedy) => drop(self.world.apply(*remedy, self.now, "remedy")),
            Event::BeginProbe if book.begin_probe(offer, self.now) => self.probe = Some(self.now),
            Event::BeginProbe => {}
            Event::GiveBack => self.give_back(),
            Event::Forget => drop(book.forget_passed(self.now)),
            Event::Enable => {
                for subject in ALL {
                    book.enable(subject(offer));
                }
            }
        }
    }

    fn give_back(&mut self) {
        if let Some(begun) = self.probe.take() {
            self.world.book.give_back_probe(&self.world.offer, begun);
        }
    }

    /// The process dies: what rows there are is all that is left. Probes under way die with it.
    fn die(&mut self) {
        let row = |condition: &Condition| serde_json::to_string(condition).unwrap();
        let rows: Vec<_> = self.world.book.iter().filter(|(_, condition)| !condition.is_well(self.now)).map(|(s, c)| (s, row(c))).collect();
        self.world.book = HealthBook::default();
        for (subject, row) in rows {
            self.world.book.restore(Subject::of_row(subject.scope(), subject.uuid()), serde_json::from_str(&row).unwrap());
        }
        self.probe = None;
    }

    fn condition(&self, subject: SubjectOf) -> Condition {
        self.world.book.get(subject(&self.world.offer)).cloned().unwrap_or_default()
    }

    fn breaker(&self) -> Breaker {
        self.condition(|offer| Subject::PlatformModel(offer.id)).breaker
    }

    /// Everything that can be seen of it.
    fn seen(&self) -> (String, HealthBook) {
        let mut book = self.world.book.clone();
        book.forget_passed(self.now);
        (self.world.standing(self.now), book)
    }
}

type SubjectOf = fn(&crate::catalog::PlatformModel) -> Subject;

const ALL: [SubjectOf; 3] =
    [|offer| Subject::Platform(offer.platform.id), |_| Subject::Credential(credential("x")), |offer| Subject::PlatformModel(offer.id)];

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_kill_at_any_instant_changes_nothing(events in prop::collection::vec(event(), 1..60), kill in 0..60_usize) {
        let (mut killed, mut spared) = (Life::new(), Life::new());
        for (index, event) in events.iter().enumerate() {
            if index == kill {
                killed.die();
                // Whoever made the probe would have given it back.
                spared.give_back();
            }
            killed.play(event);
            spared.play(event);
            prop_assert_eq!(killed.seen(), spared.seen(), "after event {} {:?}", index, event);
        }
    }

    #[test]
    fn a_cooldowns_end_never_moves_to_an_earlier_time(events in prop::collection::vec(event(), 1..60)) {
        let mut life = Life::new();
        for event in &events {
            let before: Vec<_> = ALL.iter().map(|subject| life.condition(*subject).cooling.map(|cooling| cooling.until)).collect();
            life.play(event);
            if matches!(event, Event::Enable) {
                continue;
            }
            for (subject, before) in ALL.iter().zip(before) {
                let after = life.condition(*subject).cooling.map(|cooling| cooling.until);
                prop_assert!(before.is_none_or(|before| before <= life.now || after >= Some(before)), "{:?}: {:?} {:?}", event, before, after);
            }
        }
    }

    #[test]
    fn there_is_at_most_one_probe_at_once(events in prop::collection::vec(event(), 1..80)) {
        let mut life = Life::new();
        // Probes that have neither reported back, nor been given back, nor been forgotten.
        let mut under_way: Vec<Timestamp> = Vec::new();
        for event in &events {
            let half_open = matches!(life.breaker(), Breaker::HalfOpen { .. });
            let probe = life.probe;
            life.play(event);
            if matches!(event, Event::BeginProbe) && life.probe != probe {
                under_way.push(life.now);
            } else if matches!(event, Event::GiveBack) {
                under_way.retain(|begun| Some(*begun) != probe);
            }
            under_way.retain(|begun| life.now.since(*begun) < super::breaker::PROBE_LASTS);
            if half_open && !matches!(life.breaker(), Breaker::HalfOpen { .. }) {
                under_way.clear();
            }
            prop_assert!(under_way.len() <= 1, "{:?} at {}", under_way, life.now);
        }
    }

    #[test]
    fn a_breaker_is_never_open_for_longer_than_the_maximum(events in prop::collection::vec(event(), 1..80)) {
        let mut life = Life::new();
        for event in &events {
            life.play(event);
            if let Breaker::Open { until, opens, .. } = life.breaker() {
                prop_assert!(until.since(life.now) <= LONGEST_OPEN && opens > 0, "{}", until);
            }
        }
    }

    #[test]
    fn a_success_in_half_open_always_closes(events in prop::collection::vec(event(), 1..80)) {
        let mut life = Life::new();
        for event in &events {
            life.play(event);
            let half_open = match life.breaker() {
                Breaker::HalfOpen { .. } => true,
                Breaker::Open { until, .. } => until <= life.now,
                Breaker::Closed { .. } => false,
            };
            if half_open {
                life.play(&Event::Succeed);
                prop_assert_eq!(life.breaker(), Breaker::default());
            }
        }
    }

    #[test]
    fn what_passes_by_time_leaves_nothing_but_what_needs_a_person_or_a_probe(events in prop::collection::vec(event(), 1..60)) {
        let mut life = Life::new();
        events.iter().for_each(|event| life.play(event));
        life.now = life.now.plus(Duration::from_secs(86_400));
        life.world.book.forget_passed(life.now);
        for (subject, condition) in life.world.book.iter() {
            let rest = Condition { disabled: None, breaker: Breaker::default(), ..condition.clone() };
            prop_assert_eq!(rest, Condition::default());
            prop_assert!(condition.disabled.is_some() || !condition.breaker.is_well(), "{} has an entry", subject);
        }
    }
}

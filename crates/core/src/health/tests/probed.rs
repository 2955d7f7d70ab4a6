//! Active probes on a turned clock: who is asked when, through whom, and what a good answer heals.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::catalog::{Enabled, Platform, PlatformModel};
use crate::fixtures::uuid_of;
use crate::health::ProbeOrder;
use crate::id::PlatformModelId;
use crate::policy::{PolicySet, ProbePolicy};

/// Platform models of platform `a`, which has the credentials `x` and `y`, under this policy of probes.
struct Probes {
    world: World,
    offers: Vec<Arc<PlatformModel>>,
    under_way: Vec<ProbeOrder>,
}

fn named(offer: &PlatformModel, name: &str) -> PlatformModel {
    PlatformModel { id: PlatformModelId::from_uuid(uuid_of(name)), model: name.into(), ..offer.clone() }
}

impl Probes {
    fn new(probe: Option<&str>) -> Self {
        let mut world = breaker();
        let mut set = PolicySet::clone(&world.offer.policy_set);
        set.probe = probe.map(|text| serde_json::from_str(text).unwrap());
        world.offer.policy_set = Arc::new(set);
        world.offer = named(&world.offer, "m");
        let offers = vec![Arc::new(world.offer.clone())];
        Self { world, offers, under_way: Vec::new() }
    }

    fn usual() -> Self {
        Self::new(Some(r#"{"interval_seconds": 10, "max_interval_seconds": 40, "timeout_ms": 2000}"#))
    }

    fn cool(&mut self, scope: Scope, seconds: u64, now: i64) {
        self.world.apply(Remedy::CoolDown { scope, lasting: Duration::from_secs(seconds) }, at(now), "why");
    }

    fn disable(&mut self, scope: Scope, now: i64) {
        self.world.apply(Remedy::Disable { scope }, at(now), "why");
    }

    /// The probes that begin now: what each is about, through which model and with which credential.
    fn begin(&mut self, now: i64) -> String {
        self.under_way = self.world.book.plan_probes(&self.offers, at(now), 8).orders;
        let told = |order: &ProbeOrder| {
            let credential = order.credential.as_ref().map(|own| if own.id == credential("x") { "x" } else { "y" });
            format!("{} by {} {}", order.subject.scope(), order.offer.model, credential.unwrap_or("-"))
        };
        self.under_way.iter().map(told).collect::<Vec<_>>().join(", ")
    }

    /// The probes under way go well.
    fn go_well(&mut self, now: i64) -> String {
        for order in std::mem::take(&mut self.under_way) {
            self.world.book.heal(order.subject, &order.seen, at(now));
        }
        self.world.standing(at(now))
    }

    /// The seconds at which a probe begins, if none goes well.
    fn times(&mut self, seconds: std::ops::Range<i64>) -> Vec<i64> {
        seconds.filter(|second| !self.begin(*second).is_empty()).collect()
    }
}

const NEVER: [i64; 0] = [];
const OUT_BY: [Scope; 3] = [Scope::PlatformModel, Scope::Platform, Scope::Credential];

#[test]
fn what_is_off_is_probed_after_an_interval_that_doubles_with_each_probe_in_vain() {
    for scope in OUT_BY {
        let mut probes = Probes::usual();
        probes.disable(scope, 0);
        // Each wait begins when the time of the probe before it is over.
        assert_eq!(probes.times(0..200), [10, 32, 74, 116, 158], "{scope}");
    }
}

#[test]
fn nobody_is_probed_who_is_well_or_has_no_policy_for_it() {
    assert_eq!(Probes::usual().times(0..100), NEVER);
    let mut without = Probes::new(None);
    without.disable(Scope::Platform, 0);
    assert_eq!(without.times(0..100), NEVER);
    let mut only_cooled = Probes::usual();
    only_cooled.cool(Scope::PlatformModel, 15, 0);
    assert_eq!(only_cooled.times(0..100), [10], "it has come back by itself");
}

#[test]
fn a_good_answer_ends_cooldowns_closes_breakers_and_enables_what_a_policy_switched_off() {
    for scope in [Scope::PlatformModel, Scope::Platform] {
        let mut probes = Probes::usual();
        probes.cool(scope, 1_000, 0);
        probes.disable(scope, 0);
        probes.begin(0);
        assert_eq!(probes.world.standing(at(9)), "off (why)");
        let model = if scope == Scope::Platform { "platform by m x" } else { "platform_model by m x" };
        assert_eq!((probes.begin(10).as_str(), probes.go_well(11).as_str()), (model, "well"));
        assert_eq!(probes.world.book, HealthBook::default());
    }
    let mut probes = Probes::usual();
    probes.world.tell("0 network → well\n0 network → well\n0 network → open 30");
    probes.begin(0);
    assert_eq!((probes.begin(10).as_str(), probes.go_well(11).as_str()), ("platform_model by m x", "well"));
    probes.world.tell("12 network → well\n12 network → well\n12 network → open 42");
}

#[test]
fn each_credential_is_asked_for_itself() {
    let mut probes = Probes::usual();
    probes.disable(Scope::Credential, 0);
    probes.begin(0);
    assert_eq!(probes.begin(10), "credential by m x");
    // The platform too: then it is asked first, with the credential that is well.
    probes.cool(Scope::Platform, 1_000, 20);
    probes.begin(20);
    assert_eq!(probes.begin(60), "platform by m y");
    assert_eq!(probes.go_well(61), "well", "y may be used");
    assert_eq!(probes.begin(70), "credential by m x");
    probes.go_well(71);
    assert_eq!(probes.world.book, HealthBook::default());
}

#[test]
fn what_a_person_switched_off_is_left_alone() {
    for scope in OUT_BY {
        let mut probes = Probes::usual();
        probes.cool(scope, 1_000, 0);
        let by_person = Disabled { reason: "moving".into(), actor: "easyai platform".into(), at: at(0) };
        let subject = Subject::of(scope, &probes.world.offer, Some(credential("x")));
        probes.world.book.set_disabled(subject, Some(by_person), at(0));
        assert_eq!(probes.times(0..100), NEVER, "{scope}");
    }
    let off = |offer: &PlatformModel| PlatformModel { enabled: Enabled::No, ..offer.clone() };
    let platform_off = |offer: &PlatformModel| {
        let platform = Platform { enabled: Enabled::No, ..Platform::clone(&offer.platform) };
        PlatformModel { platform: Arc::new(platform), ..offer.clone() }
    };
    for switched in [off, platform_off] {
        let mut probes = Probes::usual();
        probes.disable(Scope::Platform, 0);
        probes.offers = vec![Arc::new(switched(&probes.world.offer))];
        assert_eq!(probes.times(0..100), NEVER);
    }
}

#[test]
fn what_changed_since_the_probe_began_is_not_healed_by_it() {
    let mut probes = Probes::usual();
    probes.cool(Scope::PlatformModel, 100, 0);
    probes.begin(0);
    probes.begin(10);
    probes.cool(Scope::PlatformModel, 100, 11);
    assert!(probes.go_well(12).starts_with("cooling 111 (why"));

    probes.begin(60);
    probes.world.apply(Remedy::OpenCircuit { lasting: Duration::from_secs(200) }, at(61), "why");
    assert_eq!(probes.go_well(62), "open 261");

    let mut probes = Probes::usual();
    probes.disable(Scope::Platform, 0);
    probes.begin(0);
    probes.begin(10);
    let platform = Subject::Platform(probes.world.offer.platform.id);
    let by_person = Disabled { reason: "moving".into(), actor: "me".into(), at: at(11) };
    probes.world.book.set_disabled(platform, Some(by_person), at(11));
    assert!(probes.go_well(12).starts_with("off (moving"));
}

#[test]
fn models_of_a_platform_are_asked_in_turn_and_media_never() {
    let mut probes = Probes::usual();
    let other = named(&probes.world.offer, "n");
    let media = PlatformModel { model_types: vec![ModelType::ImageGenerate, ModelType::AudioSpeech], ..named(&other, "a") };
    probes.offers.extend([Arc::new(other), Arc::new(media.clone())]);
    probes.disable(Scope::Platform, 0);
    probes.begin(0);
    assert_eq!([10, 32, 74].map(|second| probes.begin(second)), ["platform by m x", "platform by n x", "platform by m x"]);
    // Whoever is out for itself comes last.
    let mut probes = Probes::usual();
    probes.offers.push(Arc::new(named(&probes.world.offer, "n")));
    probes.cool(Scope::PlatformModel, 1_000, 0);
    probes.disable(Scope::Platform, 0);
    probes.begin(0);
    assert_eq!([10, 32].map(|second| probes.begin(second)), ["platform by n x", "platform by m x"]);
    let mut only_media = Probes::usual();
    only_media.offers = vec![Arc::new(media)];
    only_media.disable(Scope::Platform, 0);
    assert_eq!(only_media.times(0..100), NEVER);
}

#[test]
fn while_a_call_is_the_probe_of_its_breaker_no_other_is_made() {
    let mut probes = Probes::usual();
    probes.world.tell("0 network → well\n0 network → well\n0 network → open 30");
    probes.begin(30);
    probes.world.tell("31 probe → probing 151");
    assert_eq!((probes.begin(45), probes.begin(150)), (String::new(), String::new()));
    assert_eq!(probes.begin(151), "platform_model by m x");
}

#[test]
fn it_tells_how_often_it_was_probed_and_keeps_it_over_a_restart() {
    let mut probes = Probes::usual();
    probes.disable(Scope::PlatformModel, 0);
    probes.begin(0);
    probes.begin(10);
    assert_eq!(probes.world.standing(at(12)), "off (why; probed once in vain, the next probe is due at 1970-01-01T00:00:32.000000Z)");
    let model = Subject::PlatformModel(probes.world.offer.id);
    let row = serde_json::to_string(probes.world.book.get(model).unwrap()).unwrap();
    assert!(row.contains(r#""probed":{"tries":1,"next":"1970-01-01T00:00:32.000000Z"}"#), "{row}");
    probes.world.book = HealthBook::default();
    probes.world.book.restore(model, serde_json::from_str(&row).unwrap());
    assert_eq!(probes.times(12..100), [32, 74]);
    probes.begin(116);
    assert_eq!(probes.go_well(116), "well");
    // Whoever goes out again begins anew.
    probes.disable(Scope::PlatformModel, 200);
    assert_eq!(probes.times(200..240), [210, 232]);
}

#[test]
fn no_more_begin_at_once_than_are_asked_for() {
    let mut probes = Probes::usual();
    let names = ["k", "l", "n", "o"];
    probes.offers.extend(names.map(|name| Arc::new(named(&probes.world.offer, name))));
    for offer in probes.offers.clone() {
        probes.world.offer = PlatformModel::clone(&offer);
        probes.disable(Scope::PlatformModel, 0);
    }
    let mut begin = |second| probes.world.book.plan_probes(&probes.offers, at(second), 3).orders.len();
    assert_eq!([0, 10, 11, 12].map(&mut begin), [0, 3, 2, 0]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn probes_of_one_subject_never_overlap_and_a_failed_one_shortens_and_lengthens_nothing(
        steps in prop::collection::vec((0..30_i64, 0..4_u8, prop::sample::select(Scope::ALL)), 1..80),
    ) {
        let mut probes = Probes::usual();
        let timeout = ProbePolicy::timeout(probes.world.offer.policy_set.probe.as_ref().unwrap());
        let (mut now, mut last) = (0, std::collections::HashMap::new());
        for (wait, what, scope) in steps {
            now += wait;
            match what {
                0 => probes.cool(scope, 60, now),
                1 => probes.disable(scope, now),
                2 => drop(probes.go_well(now)),
                _ => {}
            }
            let before: Vec<_> = probes.world.book.iter().map(|(subject, condition)| (subject, condition.clone())).collect();
            probes.begin(now);
            for (subject, before) in before {
                let after = probes.world.book.get(subject).cloned().unwrap_or_default();
                let rest = |condition: Condition| Condition { probed: None, ..condition };
                let mut passed = before.clone();
                passed.forget_passed(at(now));
                prop_assert!(rest(after.clone()) == rest(before) || rest(after) == rest(passed));
            }
            for order in &probes.under_way {
                let begun: Option<i64> = last.insert(order.subject, now);
                let apart = begun.is_none_or(|begun| Duration::from_secs(u64::try_from(now - begun).unwrap()) > timeout);
                prop_assert!(apart, "{} was asked at {:?} and {}", order.subject, begun, now);
            }
        }
    }
}

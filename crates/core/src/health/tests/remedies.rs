//! Demotions, cooldowns and disablings on a turned clock.

use super::*;

#[test]
fn a_demotion_goes_down_with_failures_and_up_with_successes() {
    let mut world = World::new("off", "{}", r#"{"rules": [{"match": {"categories": ["timeout"]}, "steps": 2, "max_steps": 5}]}"#);
    world.tell(
        "0 timeout → down 2
         1 network → down 2
         2 timeout → down 4
         3 timeout → down 5
         4 ok → down 4
         5 ok → down 3
         6 timeout → down 5
         65 look → down 5
         66 look → well
         67 timeout → down 2
         68 ok → down 1
         69 ok → well
         70 ok → well",
    );
    assert_eq!(world.book, HealthBook::default());
}

#[test]
fn a_platforms_demotion_counts_for_its_models_and_heals_with_them() {
    let rules = r#"{"rules": [{"match": {"categories": ["timeout"]}, "scope": "platform", "steps": 3}, {}], "heal_steps": 2}"#;
    World::new("off", "{}", rules).tell(
        "0 timeout → down 3
         0 network → down 4
         1 ok → down 1
         2 ok → well",
    );
}

#[test]
fn a_longer_cooldown_is_never_shortened() {
    let mut world = breaker();
    let cool = |scope, seconds| Remedy::CoolDown { scope, lasting: Duration::from_secs(seconds) };
    world.apply(cool(Scope::Platform, 600), at(0), "quota");
    world.apply(cool(Scope::Platform, 15), at(1), "overloaded");
    assert_eq!(world.standing(at(599)), "cooling 600 (quota)");
    assert_eq!(world.standing(at(600)), "well");
    world.apply(cool(Scope::Platform, 15), at(601), "overloaded");
    world.apply(cool(Scope::PlatformModel, 30), at(601), "rate limit");
    world.tell("602 ok → cooling 631 (rate limit)\n631 look → well");
}

#[test]
fn of_a_cooldown_and_an_open_breaker_the_longer_is_told() {
    let mut world = breaker();
    world.apply(Remedy::CoolDown { scope: Scope::Platform, lasting: Duration::from_secs(20) }, at(0), "quota");
    world.apply(Remedy::OpenCircuit { lasting: Duration::from_secs(10) }, at(0), "");
    world.tell("1 look → cooling 20 (quota)\n10 look → cooling 20 (quota)\n20 look → may probe");
    world.apply(Remedy::OpenCircuit { lasting: Duration::from_secs(10) }, at(20), "");
    world.apply(Remedy::OpenCircuit { lasting: Duration::from_secs(5) }, at(21), "");
    world.tell("21 look → open 30");
}

#[test]
fn enough_failures_of_one_sort_switch_it_off_until_a_person_enables_it() {
    let rules = r#"{"rules": [{"match": {"categories": ["auth"]}, "scope": "platform", "failures": 3},
        {"match": {"categories": ["model_unavailable"]}}]}"#;
    let mut world = World::new("off", rules, "{}");
    let off = "off (policy set `standard` auto-disable rule 1 (3 failures within 60 s of categories=[auth]), the last being auth (HTTP 500) at a: boom)";
    world.tell(&format!(
        "0 auth → well
         1 auth → well
         2 network → well
         60 auth → well
         60 auth → {off}
         61 auth → {off}
         9999 ok → {off}"
    ));
    let platform = Subject::Platform(world.offer.platform.id);
    assert_eq!((world.book.enable(platform), world.book.enable(platform)), (true, false));
    world.tell("62 auth → well\n63 model_unavailable → off (policy set `standard` auto-disable rule 2 (1 failure of categories=[model_unavailable]), the last being model_unavailable (HTTP 500) at a: boom)");
}

#[test]
fn the_first_reason_of_a_disabling_stays() {
    let mut world = breaker();
    let disable = Remedy::Disable { scope: Scope::Platform };
    assert_eq!(world.apply(disable, at(0), "key revoked"), Some(Subject::Platform(world.offer.platform.id)));
    assert_eq!(world.apply(disable, at(1), "again"), None);
    assert_eq!(world.standing(at(2)), "off (key revoked)");
    assert!(world.book.set_disabled(Subject::Platform(world.offer.platform.id), None, at(3)));
    assert_eq!((world.standing(at(3)), world.book), ("well".into(), HealthBook::default()));
}

#[test]
fn a_platform_is_out_when_its_last_credential_is() {
    let mut world = breaker();
    let (x, y) = (credential("x"), credential("y"));
    let (disable, cool) =
        (Remedy::Disable { scope: Scope::Credential }, Remedy::CoolDown { scope: Scope::Credential, lasting: Duration::from_secs(30) });
    let changed = world.apply(disable, at(0), "revoked");
    assert_eq!(changed, Some(Subject::Credential(x)));
    assert_eq!((shown(&world.book.credential_standing(x, at(1))), world.standing(at(1))), ("off (revoked)".into(), "well".into()));
    world.book.apply(&cool, &world.offer, Some(y), at(0), &"quota".into());
    world.tell("29 look → cooling 30 (quota)\n30 look → well");
    world.book.apply(&disable, &world.offer, Some(y), at(31), &"revoked too".into());
    world.tell("32 look → off (revoked)");
}

#[test]
fn a_platform_without_credentials_stands_for_the_one_it_does_not_need() {
    let mut world = breaker();
    let changed = world.book.apply(&Remedy::Disable { scope: Scope::Credential }, &world.offer, None, at(0), &"".into());
    assert_eq!(changed, Some(Subject::Platform(world.offer.platform.id)));
}

#[test]
fn a_failure_says_what_it_changed_and_what_was_done() {
    let rules = r#"{"rules": [{"match": {"categories": ["network"]}, "scope": "platform", "failures": 2}]}"#;
    let mut world = World::new(r#"{"failures": 2}"#, rules, r#"{"rules": [{"scope": "platform"}]}"#);
    let (platform, model) = (Subject::Platform(world.offer.platform.id), Subject::PlatformModel(world.offer.id));
    let told = |effects: &Effects| {
        let note =
            |(_, note): &(Remedy, crate::trace::RemedyNote)| format!("{} {} by {} {:?}", note.remedy, note.scope, note.source, note.rule);
        effects.remedies.iter().map(note).collect::<Vec<_>>()
    };
    let first = world.fail(Category::Network, at(0));
    assert_eq!(
        (first.changed.as_slice(), told(&first)),
        ([platform, model].as_slice(), vec!["demote platform by runner_policy Some(1)".into()])
    );
    let second = world.fail(Category::Network, at(1));
    assert_eq!(
        told(&second),
        [
            "open_circuit platform_model by policy_set None",
            "demote platform by runner_policy Some(1)",
            "disable platform by policy_set Some(1)"
        ]
    );
    assert_eq!(world.fail(Category::BadRequest, at(2)), Effects::default());
    assert_eq!((world.succeed(at(3)), world.succeed(at(3))), (vec![platform], vec![platform]));
    assert_eq!(world.succeed(at(3)), []);
}

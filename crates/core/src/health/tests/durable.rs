//! Conditions as rows.

use super::*;

#[test]
fn a_row_of_today_still_reads() {
    let text = r#"{"disabled":{"reason":"key revoked","actor":"policy","at":"2026-01-01T00:00:00.000000Z"}}"#;
    let condition: Condition = serde_json::from_str(text).unwrap();
    let off = Disabled { reason: "key revoked".into(), actor: "policy".into(), at: "2026-01-01".parse().unwrap() };
    assert_eq!(condition, Condition { disabled: Some(off), ..Condition::default() });
    assert_eq!(serde_json::to_string(&condition).unwrap(), text);
    assert!(!condition.is_well(at(0)));
}

#[test]
fn a_row_is_refused_if_it_is_not_understood() {
    for text in [
        r#"{"cooled": {}}"#,
        r#"{"cooling": {"until": "1970-01-01", "reason": "", "seconds": 1}}"#,
        r#"{"breaker": {"open": {"until": "1970-01-01", "opens": 1, "reason": "", "probe": 1}}}"#,
        r#"{"breaker": {"ajar": {}}}"#,
        r#"{"demoted": {"steps": 1}}"#,
    ] {
        assert!(serde_json::from_str::<Condition>(text).is_err(), "{text}");
    }
}

#[test]
fn every_state_has_a_durable_form_without_the_probe_under_way() {
    let mut world = World::new(THREE_IN_TEN, r#"{"rules": [{"match": {}, "failures": 9}]}"#, r#"{"rules": [{}]}"#);
    let model = Subject::PlatformModel(world.offer.id);
    let row = |world: &World| serde_json::to_string(world.book.get(model).unwrap()).unwrap();
    world.fail(Category::Network, at(0));
    assert_eq!(
        row(&world),
        r#"{"demoted":{"steps":1,"until":"1970-01-01T00:01:00.000000Z"},"breaker":{"closed":{"recent":["1970-01-01T00:00:10.000000Z"]}},"recent":{"9 failures within 60 s of any failure":["1970-01-01T00:01:00.000000Z"]}}"#
    );
    world.tell("1 network → down 2\n2 network → open 32");
    assert!(row(&world).contains(r#""breaker":{"open":{"until":"1970-01-01T00:00:32.000000Z","opens":1,"reason":"the circuit"#));
    world.tell("32 probe → probing 152");
    assert!(row(&world).contains(r#""breaker":{"half_open":{"opens":1,"reason":"the circuit"#), "{}", row(&world));
    let read: Condition = serde_json::from_str(&row(&world)).unwrap();
    world.book.restore(model, read);
    world.tell("33 look → may probe");
}

#[test]
fn what_has_passed_by_time_needs_no_row() {
    let mut world = World::new(THREE_IN_TEN, r#"{"rules": [{"match": {}, "failures": 9}]}"#, r#"{"rules": [{}]}"#);
    world.fail(Category::Network, at(0));
    world.apply(Remedy::CoolDown { scope: Scope::PlatformModel, lasting: Duration::from_secs(5) }, at(0), "");
    let model = Subject::PlatformModel(world.offer.id);
    assert_eq!([0, 59, 60].map(|second| world.book.get(model).unwrap().is_well(at(second))), [false, false, true]);
    assert_eq!(world.book.forget_passed(at(4)), []);
    assert_eq!(world.book.forget_passed(at(59)), [model]);
    assert_eq!((world.book.forget_passed(at(60)), world.book.iter().count()), (vec![model], 0));
}

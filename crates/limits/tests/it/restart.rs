//! What outlives a clean restart.

use easyai_core::limit::LimitKind;
use easyai_limits::Snapshot;

use crate::world::{World, charge, claim, key, platform, tokens};

fn reborn(snapshot: &Snapshot, time: &str) -> World {
    let world = World::at(time);
    let text = serde_json::to_string(snapshot).unwrap();
    world.limits.restore(serde_json::from_str(&text).unwrap());
    world
}

#[test]
fn windows_and_budgets_outlive_a_restart_and_calls_under_way_do_not() {
    let world = World::at("2026-05-30T23:58:00Z");
    let all = claim(
        key(1),
        r#"{"requests_per_minute": 9, "tokens_per_minute": 99, "requests_per_day": 9, "concurrent": 9, "daily_budget": "9"}"#,
    );
    let other = claim(platform(1), r#"{"concurrent": 5}"#);
    let mut done = world.limits.take(&[all.clone(), other.clone()], charge(1_000)).unwrap();
    done.commit(charge(2_000));
    let cut = world.limits.take(&[all.clone(), other], tokens(30)).unwrap();
    let snapshot = world.limits.snapshot();
    drop((done, cut));
    let kinds = [
        LimitKind::RequestsPerMinute,
        LimitKind::TokensPerMinute,
        LimitKind::RequestsPerDay,
        LimitKind::Concurrent,
        LimitKind::DailyBudget,
    ];
    for (time, used) in [
        ("2026-05-30T23:58:30Z", [2, 30, 2, 0, 2_000]),
        ("2026-05-30T23:59:01Z", [1, 30, 2, 0, 2_000]),
        ("2026-05-30T23:59:30Z", [0, 0, 2, 0, 2_000]),
        ("2026-05-31T00:00:00Z", [0, 0, 2, 0, 0]),
        ("2026-05-31T23:59:59Z", [0, 0, 0, 0, 0]),
    ] {
        let world = reborn(&snapshot, time);
        assert_eq!(kinds.map(|kind| world.used(&all, kind)), used, "{time}");
        assert_eq!(world.limits.in_flight(platform(1)), 0);
    }
    assert!(reborn(&snapshot, "2026-06-01T00:00:00Z").limits.snapshot().is_empty(), "what is too old is dropped");
}

#[test]
fn a_snapshot_of_what_was_restored_is_the_same() {
    let world = World::new();
    for second in 0..90 {
        let mut call =
            world.limits.take(&[claim(key(second % 3), r#"{"requests_per_minute": 99, "tokens_per_day": 9999}"#)], tokens(7)).unwrap();
        call.commit(tokens(5));
        world.seconds(1);
    }
    let snapshot = world.limits.snapshot();
    assert!(!snapshot.is_empty());
    assert_eq!(reborn(&snapshot, "2026-05-31T00:00:30Z").limits.snapshot(), snapshot);
}

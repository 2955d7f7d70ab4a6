//! What is counted, for whom, and what a refusal says.

use std::time::Duration;

use easyai_core::limit::{LimitKind, LimitScope};
use easyai_limits::Headroom;

use crate::world::{World, account, claim, every_scope, key, millis, platform, refusal, tokens};

#[test]
fn a_call_takes_of_all_its_claims_or_of_none() {
    let world = World::new();
    let full = claim(account(1), r#"{"concurrent": 1}"#);
    let claims = [claim(key(1), r#"{"requests_per_minute": 9, "tokens_per_minute": 99, "daily_budget": "1"}"#), full.clone()];
    let first = world.limits.take(&claims, tokens(5)).unwrap();
    assert_eq!(refusal(world.limits.take(&claims, tokens(5))), Some((account(1), LimitKind::Concurrent)));
    assert_eq!(
        (world.limits.in_flight(key(1)), world.used(&claims[0], LimitKind::TokensPerMinute)),
        (1, 5),
        "the refused call kept nothing"
    );
    drop(first);
    assert_eq!((world.limits.in_flight(key(1)), world.limits.in_flight(account(1))), (0, 0));
}

#[test]
fn every_scope_counts_by_itself_and_an_empty_set_only_counts_calls_under_way() {
    let world = World::new();
    let claims = every_scope().map(|scope| claim(scope, "{}"));
    let taken: Vec<_> = (0..50).map(|_| world.take(&claims).unwrap()).collect();
    assert_eq!(every_scope().map(|scope| world.limits.in_flight(scope)), [50; 7]);
    assert_eq!(world.limits.in_flight(platform(2)), 0);
    drop(taken);
    assert_eq!(every_scope().map(|scope| world.limits.in_flight(scope)), [0; 7]);
    assert!(world.limits.snapshot().is_empty());
}

#[test]
fn each_kind_refuses_what_is_too_much_and_says_when_to_come_back() {
    for (limits, kind, asked, back_in) in [
        (r#"{"requests_per_minute": 2}"#, LimitKind::RequestsPerMinute, 1, Some(Duration::from_secs(60))),
        (r#"{"requests_per_day": 2}"#, LimitKind::RequestsPerDay, 1, Some(Duration::from_secs(86_400))),
        (r#"{"tokens_per_minute": 10}"#, LimitKind::TokensPerMinute, 5, Some(Duration::from_secs(60))),
        (r#"{"tokens_per_day": 10}"#, LimitKind::TokensPerDay, 5, Some(Duration::from_secs(86_400))),
        (r#"{"concurrent": 2}"#, LimitKind::Concurrent, 1, None),
    ] {
        let world = World::new();
        let claims = [claim(key(1), limits)];
        let mut calls: Vec<_> = (0..2).map(|_| world.limits.take(&claims, tokens(5)).unwrap()).collect();
        calls.iter_mut().for_each(|call| call.commit(tokens(5)));
        let refused = world.limits.take(&claims, tokens(5)).unwrap_err();
        assert_eq!((refused.kind, refused.asked, refused.never_fits()), (kind, asked, false));
        // A bucket is given back when its youngest entry has aged.
        let late = refused.retry_after.zip(back_in).map(|(given, exact)| given.checked_sub(exact).unwrap());
        assert!(late.is_none_or(|late| late <= Duration::from_secs(60)), "{kind}: {late:?}");
        assert_eq!(refused.retry_after.is_some(), back_in.is_some());
        if let Some(wait) = refused.retry_after {
            world.turn(wait - Duration::from_micros(1));
            assert_eq!(refusal(world.limits.check(&claims, tokens(5))), Some((key(1), kind)), "not before");
            world.turn(Duration::from_micros(1));
        }
        calls.truncate(usize::from(back_in.is_some()));
        assert_eq!(refusal(world.limits.check(&claims, tokens(5))), None, "{kind}: then there is room");
    }
}

#[test]
fn the_first_limit_in_the_order_of_claims_refuses_unless_one_never_fits() {
    let world = World::new();
    let claims = [claim(platform(1), r#"{"concurrent": 1}"#), claim(key(1), r#"{"concurrent": 1, "tokens_per_minute": 100}"#)];
    let call = world.take(&claims).unwrap();
    assert_eq!(refusal(world.limits.check(&claims, tokens(100))), Some((platform(1), LimitKind::Concurrent)));
    let refused = world.limits.check(&claims, tokens(101)).unwrap_err();
    assert_eq!((refused.scope, refused.never_fits(), refused.retry_after), (key(1), true, None));
    drop(call);
}

#[test]
fn looking_takes_nothing() {
    let world = World::new();
    let claims = [claim(key(1), r#"{"requests_per_minute": 1, "concurrent": 1}"#)];
    (0..10).for_each(|_| assert_eq!(world.limits.check(&claims, tokens(1)), Ok(())));
    assert_eq!(world.limits.in_flight(key(1)), 0);
}

#[test]
fn a_shadow_limit_is_measured_and_keeps_nobody_out() {
    let world = World::new();
    let shadow = claim(key(1), r#"{"requests_per_minute": 1, "concurrent": 1, "shadow": true}"#);
    let claims = [shadow.clone(), claim(platform(1), r#"{"concurrent": 3}"#)];
    let calls: Vec<_> = (0..3).map(|_| world.take(&claims).unwrap()).collect();
    assert_eq!((world.limits.in_flight(key(1)), world.limits.shadow_refusals()), (3, 2));
    assert_eq!(refusal(world.take(&claims)), Some((platform(1), LimitKind::Concurrent)));
    assert_eq!(world.limits.shadow_refusals(), 2, "a call that did not come in was kept out by another limit");
    assert!(world.limits.headroom(&shadow).iter().all(|headroom| headroom.shadow && headroom.used == 3 && headroom.remaining == 0));
    drop(calls);
}

#[test]
fn headroom_shows_every_limit_of_a_claim() {
    let world = World::at("2026-05-30T23:00:00Z");
    let limits = r#"{"requests_per_minute": 10, "tokens_per_minute": 100, "concurrent": 4, "daily_budget": "1"}"#;
    let claim = claim(key(1), limits);
    let mut call = world.limits.take(std::slice::from_ref(&claim), tokens(30)).unwrap();
    call.landed();
    world.seconds(20);
    let shown = |kind, limit, used, remaining, resets_in| Headroom { kind, limit, used, remaining, resets_in, shadow: false };
    let hour = Duration::from_secs(3_600 - 20);
    assert_eq!(
        world.limits.headroom(&claim),
        [
            shown(LimitKind::RequestsPerMinute, 10, 1, 9, Some(millis(40_100))),
            shown(LimitKind::TokensPerMinute, 100, 30, 70, Some(millis(40_100))),
            shown(LimitKind::Concurrent, 4, 1, 3, None),
            shown(LimitKind::DailyBudget, 1_000_000_000, 0, 1_000_000_000, Some(hour)),
        ]
    );
    drop(call);
    world.seconds(60);
    assert!(world.limits.headroom(&claim).iter().all(|headroom| headroom.used == 0));
    assert_eq!(world.limits.headroom(&claim)[0].resets_in, Some(Duration::ZERO));
}

#[test]
fn a_clock_that_goes_back_frees_nothing_and_breaks_nothing() {
    let world = World::new();
    let claims = [claim(LimitScope::Gateway, r#"{"requests_per_minute": 1}"#)];
    drop(world.take(&claims).unwrap());
    world.set("2020-01-01T00:00:00Z");
    assert_eq!(refusal(world.take(&claims)), Some((LimitScope::Gateway, LimitKind::RequestsPerMinute)));
    world.set("2026-05-31T00:01:00Z");
    assert!(world.take(&claims).is_ok());
}

//! What becomes of what was taken: it lands, is corrected, given back, or was never sent.

use std::time::Duration;

use easyai_core::limit::LimitKind;
use easyai_limits::{Claim, LANDS_WITHIN};

use crate::world::{World, account, account_id, claim, key, millis, refusal, task, tokens, way};

fn minute() -> Claim {
    claim(
        key(1),
        r#"{"requests_per_minute": 10, "tokens_per_minute": 100, "requests_per_day": 10, "tokens_per_day": 100, "concurrent": 10}"#,
    )
}

const KINDS: [LimitKind; 5] =
    [LimitKind::RequestsPerMinute, LimitKind::TokensPerMinute, LimitKind::RequestsPerDay, LimitKind::TokensPerDay, LimitKind::Concurrent];

fn used(world: &World) -> [u64; 5] {
    KINDS.map(|kind| world.used(&minute(), kind))
}

#[test]
fn an_entry_ages_from_the_moment_the_upstream_surely_had_the_call() {
    // (landed after, counted until): a call that never lands is given two seconds.
    for (landed, until) in [(Some(0), 60_000), (Some(700), 60_700), (Some(1_999), 61_999), (Some(5_000), 62_000), (None, 62_000)] {
        let world = World::new();
        let mut call = world.limits.take(&[minute()], tokens(40)).unwrap();
        if let Some(landed) = landed {
            world.turn(millis(landed));
            call.landed();
            call.landed();
        }
        world.turn(millis(until - landed.unwrap_or(0)));
        assert_eq!(used(&world), [1, 40, 1, 40, 1], "{landed:?}: still counted");
        world.turn(millis(100));
        assert_eq!(used(&world), [0, 0, 1, 40, 1], "{landed:?}: aged out");
        call.commit(tokens(40));
    }
    assert_eq!(LANDS_WITHIN, Duration::from_secs(2));
}

#[test]
fn dropped_without_a_word_a_call_keeps_its_request_and_no_tokens() {
    let world = World::new();
    let call = world.limits.take(&[minute()], tokens(40)).unwrap();
    world.turn(millis(500));
    drop(call);
    assert_eq!(used(&world), [1, 0, 1, 0, 0]);
    world.turn(millis(60_100));
    assert_eq!(used(&world), [0, 0, 1, 0, 0], "it aged from the moment it was dropped");
}

#[test]
fn what_was_not_sent_is_all_given_back() {
    let world = World::new();
    world.limits.take(&[minute()], tokens(40)).unwrap().not_sent();
    assert_eq!(used(&world), [0; 5]);
    assert!(world.limits.snapshot().is_empty());
}

#[test]
fn tokens_are_corrected_down_and_up() {
    let world = World::new();
    let mut call = world.limits.take(&[minute()], tokens(40)).unwrap();
    call.commit(tokens(15));
    assert_eq!(used(&world), [1, 15, 1, 15, 1], "the slot stays taken");
    call.commit(tokens(90));
    drop(call);
    assert_eq!(used(&world), [1, 15, 1, 15, 0], "only the first commit counts");

    let mut call = world.limits.take(&[minute()], tokens(40)).unwrap();
    call.commit(tokens(240));
    drop(call);
    assert_eq!(used(&world), [2, 255, 2, 255, 0]);
    let refused = world.limits.check(&[minute()], tokens(1)).unwrap_err();
    assert_eq!((refused.kind, refused.never_fits()), (LimitKind::TokensPerMinute, false), "over the limit: nobody gets in");
    assert!(refused.retry_after.is_some_and(|wait| wait <= millis(60_100)));
}

#[test]
fn a_stream_longer_than_the_window_counts_what_it_used_more_from_now_on() {
    let world = World::new();
    let mut call = world.limits.take(&[minute()], tokens(40)).unwrap();
    world.seconds(300);
    assert_eq!(world.used(&minute(), LimitKind::TokensPerMinute), 0);
    call.commit(tokens(70));
    assert_eq!(used(&world), [0, 30, 1, 70, 1]);
}

#[test]
fn a_late_correction_takes_nothing_from_others() {
    let world = World::new();
    let mut slow = world.limits.take(&[minute()], tokens(40)).unwrap();
    world.seconds(90);
    let mut quick = world.limits.take(&[minute()], tokens(20)).unwrap();
    quick.commit(tokens(20));
    slow.commit(tokens(0));
    drop((slow, quick));
    assert_eq!(world.used(&minute(), LimitKind::TokensPerMinute), 20);
}

#[tokio::test(start_paused = true)]
async fn slots_can_be_given_back_a_moment_later() {
    let world = World::new();
    let claims = [claim(account(1), r#"{"concurrent": 1, "tokens_per_minute": 100}"#)];
    world.limits.take(&claims, tokens(60)).unwrap().release_after(millis(200));
    assert_eq!(world.used(&claims[0], LimitKind::TokensPerMinute), 0, "all but the slot is given back at once");
    tokio::task::yield_now().await;
    tokio::time::advance(millis(199)).await;
    assert_eq!(refusal(world.take(&claims)), Some((account(1), LimitKind::Concurrent)));
    let (_, next) = world.limits.wait(task(1), account_id(1), vec![way(&claims)], millis(50)).await.unwrap();
    drop(next);
    assert_eq!(world.limits.in_flight(account(1)), 0);
}

#[test]
fn without_a_runtime_slots_are_given_back_at_once() {
    let world = World::new();
    world.take(&[minute()]).unwrap().release_after(millis(200));
    assert_eq!(world.limits.in_flight(key(1)), 0);
}

#[test]
fn counters_that_hold_nothing_are_forgotten() {
    let world = World::new();
    for bits in 0..10_000 {
        drop(world.take(&[claim(key(bits), r#"{"requests_per_minute": 5}"#)]).unwrap());
        world.turn(millis(100));
    }
    // 60 s of 10 calls a second are remembered.
    let remembered = serde_json::to_value(world.limits.snapshot()).unwrap();
    assert!((600..=602).contains(&remembered["scopes"].as_array().unwrap().len()));
    world.seconds(61);
    assert!(world.limits.snapshot().is_empty());
}

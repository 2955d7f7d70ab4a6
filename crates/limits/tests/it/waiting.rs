//! The queue: who waits, for how long, and what is left of those who go.

use std::time::Duration;

use easyai_core::limit::{Amounts, LimitKind, Refused};
use easyai_limits::{Claim, Limits, MAX_WAITING, QueuePosition, Taken, Way};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::world::{World, account, account_id, claim, key, millis, paused, platform, refusal, task, tokens, way};

type Waiting = JoinHandle<Result<(usize, Taken), Refused>>;

/// Starts to wait, and lets it get into the queue.
async fn waits(limits: &Limits, bits: u128, account: u128, ways: Vec<Way>, patience: Duration) -> Waiting {
    let limits = limits.clone();
    let waiting = tokio::spawn(async move { limits.wait(task(bits), account_id(account), ways, patience).await });
    tokio::task::yield_now().await;
    waiting
}

fn slots(count: u32) -> Claim {
    claim(platform(1), &format!(r#"{{"concurrent": {count}}}"#))
}

const LONG: Duration = Duration::from_secs(600);

#[tokio::test(start_paused = true)]
async fn who_fits_does_not_wait() {
    let limits = paused();
    let start = Instant::now();
    let (way, taken) = limits.wait(task(1), account_id(1), vec![way(&[slots(1)])], Duration::ZERO).await.unwrap();
    assert_eq!((way, limits.in_flight(platform(1)), start.elapsed()), (0, 1, Duration::ZERO));
    drop(taken);
}

#[tokio::test(start_paused = true)]
async fn a_waiter_comes_in_when_a_call_ends() {
    let limits = paused();
    let running = limits.take(&[slots(1)], Amounts::default()).unwrap();
    let waiting = waits(&limits, 1, 1, vec![way(&[slots(1)])], LONG).await;
    assert_eq!(limits.position(task(1)), Some(QueuePosition { ahead: 0, waiting: 1 }));
    assert_eq!(refusal(limits.take(&[slots(1)], Amounts::default())), Some((platform(1), LimitKind::Concurrent)));
    drop(running);
    let (_, taken) = waiting.await.unwrap().unwrap();
    assert_eq!((limits.position(task(1)), limits.waiting(), limits.in_flight(platform(1))), (None, 0, 1));
    drop(taken);
    assert_eq!(limits.in_flight(platform(1)), 0);
}

#[tokio::test(start_paused = true)]
async fn a_waiter_comes_in_as_soon_as_time_has_made_room() {
    let limits = paused();
    let claims = [claim(key(1), r#"{"requests_per_minute": 1}"#)];
    let mut first = limits.take(&claims, Amounts::default()).unwrap();
    first.landed();
    let start = Instant::now();
    let (_, taken) = limits.wait(task(1), account_id(1), vec![way(&claims)], LONG).await.unwrap();
    assert!((millis(60_000)..=millis(60_101)).contains(&start.elapsed()), "{:?}", start.elapsed());
    drop((first, taken));
}

#[tokio::test(start_paused = true)]
async fn a_waiter_that_was_blocked_by_a_slot_finds_the_window_full_and_waits_for_that() {
    let limits = paused();
    let claims = [claim(key(1), r#"{"requests_per_minute": 1, "concurrent": 1}"#)];
    let first = limits.take(&claims, Amounts::default()).unwrap();
    let waiting = waits(&limits, 1, 1, vec![way(&claims)], LONG).await;
    let start = Instant::now();
    drop(first);
    let (_, taken) = waiting.await.unwrap().unwrap();
    assert!((millis(60_000)..=millis(60_101)).contains(&start.elapsed()), "{:?}", start.elapsed());
    drop(taken);
}

#[tokio::test(start_paused = true)]
async fn room_that_comes_earlier_than_it_seemed_is_used_at_once() {
    let limits = paused();
    let claims = [claim(key(1), r#"{"tokens_per_minute": 100}"#)];
    let mut first = limits.take(&claims, tokens(80)).unwrap();
    let waiting = waits(&limits, 1, 1, vec![Way { claims: claims.to_vec(), amounts: tokens(50) }], LONG).await;
    tokio::time::advance(millis(500)).await;
    let start = Instant::now();
    first.commit(tokens(20));
    let (_, taken) = waiting.await.unwrap().unwrap();
    assert_eq!(start.elapsed(), Duration::ZERO);
    drop((first, taken));
}

#[tokio::test(start_paused = true)]
async fn patience_ends_with_the_refusal_that_ends_first() {
    let limits = paused();
    let (day, minute) = (claim(platform(1), r#"{"requests_per_day": 1}"#), claim(platform(2), r#"{"requests_per_minute": 1}"#));
    let calls = [&day, &minute].map(|claim| limits.take(std::slice::from_ref(claim), Amounts::default()).unwrap());
    let start = Instant::now();
    let refused = limits.wait(task(1), account_id(1), vec![way(&[day]), way(&[minute])], millis(300)).await.unwrap_err();
    assert_eq!((refused.scope, refused.kind, start.elapsed()), (platform(2), LimitKind::RequestsPerMinute, millis(300)));
    assert!(refused.retry_after.is_some_and(|wait| wait < millis(62_100)));
    assert_eq!((limits.waiting(), limits.position(task(1))), (0, None));
    drop(calls);
}

#[tokio::test(start_paused = true)]
async fn the_preferred_way_is_taken_and_else_the_first_that_is_free() {
    let limits = paused();
    let ways = vec![way(&[slots(1)]), way(&[claim(platform(2), r#"{"concurrent": 1}"#)])];
    let (first, one) = limits.wait(task(1), account_id(1), ways.clone(), LONG).await.unwrap();
    let (second, two) = limits.wait(task(2), account_id(1), ways.clone(), LONG).await.unwrap();
    assert_eq!((first, second), (0, 1));
    let waiting = waits(&limits, 3, 1, ways, LONG).await;
    drop(two);
    let (third, three) = waiting.await.unwrap().unwrap();
    assert_eq!(third, 1);
    drop((one, three));
}

#[tokio::test(start_paused = true)]
async fn what_never_fits_is_refused_at_once_unless_another_way_may() {
    let limits = paused();
    let small = Way { claims: vec![claim(platform(1), r#"{"tokens_per_minute": 10}"#)], amounts: tokens(11) };
    let start = Instant::now();
    let refused = limits.wait(task(1), account_id(1), vec![small.clone(), small.clone()], LONG).await.unwrap_err();
    assert_eq!((refused.never_fits(), start.elapsed()), (true, Duration::ZERO));
    assert!(limits.wait(task(1), account_id(1), vec![], LONG).await.unwrap_err().never_fits());
    let held = limits.take(&[slots(1)], Amounts::default()).unwrap();
    let waiting = waits(&limits, 1, 1, vec![small, way(&[slots(1)])], LONG).await;
    drop(held);
    assert_eq!(waiting.await.unwrap().unwrap().0, 1, "the caller's number of the way");
}

#[tokio::test(start_paused = true)]
async fn vanished_waiters_leave_no_trace() {
    let world = World::new();
    let limits = &world.limits;
    let claims = [slots(1), claim(key(1), r#"{"requests_per_minute": 2}"#)];
    let running = limits.take(&claims, Amounts::default()).unwrap();
    let gone = waits(limits, 1, 1, vec![way(&claims)], LONG).await;
    let stays = waits(limits, 2, 2, vec![way(&claims)], LONG).await;
    // One vanishes while it waits, one when its grant is on the way already.
    gone.abort();
    assert!(gone.await.is_err());
    assert_eq!(limits.waiting(), 1);
    drop(running);
    assert_eq!((limits.waiting(), limits.in_flight(platform(1))), (0, 1), "the grant is sent");
    stays.abort();
    assert!(stays.await.is_err());
    assert_eq!(limits.in_flight(platform(1)), 0);
    assert_eq!(world.used(&claims[1], LimitKind::RequestsPerMinute), 1, "a request that nobody sent is not counted");
}

#[tokio::test(start_paused = true)]
async fn a_large_waiter_that_goes_lets_the_small_ones_behind_it_in() {
    let limits = paused();
    let claims = [claim(platform(1), r#"{"tokens_per_minute": 100}"#)];
    let asks = |amount| vec![Way { claims: claims.to_vec(), amounts: tokens(amount) }];
    let mut running = limits.take(&claims, tokens(60)).unwrap();
    running.commit(tokens(60));
    let large = waits(&limits, 1, 1, asks(90), LONG).await;
    let small = waits(&limits, 2, 2, asks(10), LONG).await;
    assert!(limits.check(&claims, tokens(10)).is_err(), "nobody overtakes the large one");
    assert_eq!(limits.waiting(), 2);
    large.abort();
    let start = Instant::now();
    let (_, taken) = small.await.unwrap().unwrap();
    assert_eq!(start.elapsed(), Duration::ZERO);
    drop(taken);
}

#[tokio::test(start_paused = true)]
async fn the_queue_is_bounded() {
    let limits = paused();
    let running = limits.take(&[slots(1)], Amounts::default()).unwrap();
    let mut waiting = Vec::new();
    for bits in 0..MAX_WAITING {
        let limits = limits.clone();
        let ways = vec![way(&[slots(1)])];
        waiting.push(tokio::spawn(async move { limits.wait(task(bits as u128), account_id(bits as u128 % 50), ways, LONG).await }));
    }
    while limits.waiting() < MAX_WAITING {
        tokio::task::yield_now().await;
    }
    let start = Instant::now();
    let refused = limits.wait(task(99_999), account_id(1), vec![way(&[slots(1)])], LONG).await.map(drop).unwrap_err();
    assert_eq!((refused.kind, start.elapsed()), (LimitKind::Concurrent, Duration::ZERO));
    assert_eq!(limits.position(task(9_999)), Some(QueuePosition { ahead: 9_999, waiting: MAX_WAITING }));
    waiting.iter().for_each(JoinHandle::abort);
    for waiter in waiting {
        assert!(waiter.await.is_err());
    }
    drop(running);
    assert_eq!((limits.waiting(), limits.in_flight(platform(1))), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn the_books_can_open_the_queue() {
    let limits = paused();
    let claims = [claim(account(1), r#"{"daily_budget": "1"}"#)];
    let spent = easyai_core::money::Money::from_nanos(2_000_000_000);
    limits.set_spent(account(1), spent, spent);
    let waiting = waits(&limits, 1, 1, vec![way(&claims)], LONG).await;
    assert_eq!(limits.waiting(), 1);
    limits.set_spent(account(1), easyai_core::money::Money::ZERO, spent);
    assert!(waiting.await.unwrap().is_ok());
}

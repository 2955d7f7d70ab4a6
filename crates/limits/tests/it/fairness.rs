//! Who comes next: round robin between accounts, first come first served within one, and nobody is kept out by another's own limit.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use easyai_core::limit::Amounts;
use easyai_limits::{Claim, Limits, QueuePosition, Taken, Way};
use tokio::sync::mpsc;

use crate::world::{account, account_id, claim, key, paused, platform, task, tokens, way};

const LONG: Duration = Duration::from_secs(600);

/// Waiters that say in which order they came in, and hand over what they took.
struct Line {
    limits: Limits,
    order: Arc<Mutex<Vec<u128>>>,
    sender: mpsc::UnboundedSender<Taken>,
    running: mpsc::UnboundedReceiver<Taken>,
}

impl Line {
    fn new(limits: &Limits) -> Self {
        let (sender, running) = mpsc::unbounded_channel();
        Self { limits: limits.clone(), order: Arc::default(), sender, running }
    }

    async fn joins(&self, bits: u128, account: u128, wanted: Way) {
        let (limits, order, sender) = (self.limits.clone(), Arc::clone(&self.order), self.sender.clone());
        tokio::spawn(async move {
            let (_, taken) = limits.wait(task(bits), account_id(account), vec![wanted], LONG).await.unwrap();
            order.lock().unwrap().push(bits);
            sender.send(taken).unwrap();
        });
        tokio::task::yield_now().await;
    }

    /// One call ends, and whoever comes in for it has come in.
    async fn one_ends(&mut self) {
        drop(self.running.recv().await.unwrap());
        tokio::task::yield_now().await;
    }

    fn order(&self) -> Vec<u128> {
        self.order.lock().unwrap().clone()
    }
}

fn own(bits: u128) -> Claim {
    claim(account(bits), r#"{"concurrent": 100}"#)
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_one_account_costs_another_no_more_than_the_running_calls_and_one() {
    let limits = paused();
    let slots = claim(platform(1), r#"{"concurrent": 4}"#);
    let mut line = Line::new(&limits);
    for bits in 0..100 {
        line.joins(bits, 1, way(&[own(1), slots.clone()])).await;
    }
    // The flood goes on for a while: the account was served many times already.
    for _ in 0..10 {
        line.one_ends().await;
    }
    line.joins(1_000, 2, way(&[own(2), slots.clone()])).await;
    assert_eq!(limits.position(task(1_000)), Some(QueuePosition { ahead: 1, waiting: 100 - 14 + 1 }));
    let before = line.order().len();
    let ended = loop {
        line.one_ends().await;
        let ended = line.order().len() - before;
        if line.order().contains(&1_000) {
            break ended;
        }
    };
    assert!(ended <= 4 + 1, "it waited for {ended} calls");
    while line.order().len() < 101 {
        line.one_ends().await;
    }
    let flood: Vec<_> = line.order().into_iter().filter(|bits| *bits < 1_000).collect();
    assert_eq!(flood, (0..100).collect::<Vec<_>>(), "first come, first served within an account");
}

#[tokio::test(start_paused = true)]
async fn accounts_take_turns() {
    let limits = paused();
    let slots = claim(platform(1), r#"{"concurrent": 1}"#);
    let mut line = Line::new(&limits);
    let first = limits.take(std::slice::from_ref(&slots), Amounts::default()).unwrap();
    for (bits, account) in [(11, 1), (12, 1), (13, 1), (21, 2), (22, 2), (31, 3)] {
        line.joins(bits, account, way(&[own(account), slots.clone()])).await;
    }
    let ahead: Vec<_> = [11, 21, 31, 12, 22, 13].map(|bits| limits.position(task(bits)).unwrap().ahead).into();
    assert_eq!(ahead, [0, 1, 2, 3, 4, 5]);
    drop(first);
    tokio::task::yield_now().await;
    while line.order().len() < 6 {
        line.one_ends().await;
    }
    assert_eq!(line.order(), [11, 21, 31, 12, 22, 13]);
}

#[tokio::test(start_paused = true)]
async fn who_is_kept_out_by_its_own_limit_keeps_nobody_out() {
    let limits = paused();
    let slots = claim(platform(1), r#"{"concurrent": 2, "tokens_per_minute": 100}"#);
    let (full, free) = (claim(key(1), r#"{"concurrent": 1}"#), claim(key(2), r#"{"concurrent": 1}"#));
    let wants = |claims: &[Claim], amount| Way { claims: claims.to_vec(), amounts: tokens(amount) };
    let running = limits.take(&[slots.clone(), full.clone()], tokens(50)).unwrap();
    let line = Line::new(&limits);
    // Its key is full, and the platform has too few tokens for it as well.
    line.joins(1, 1, wants(&[slots.clone(), full.clone()], 80)).await;
    assert_eq!(limits.waiting(), 1);
    line.joins(2, 1, wants(&[slots.clone(), free.clone()], 10)).await;
    assert_eq!(line.order(), [2], "the same account's other key");
    drop(line);
    assert!(limits.take(&[slots, free], tokens(10)).is_ok(), "and a newcomer");
    drop(running);
}

#[tokio::test(start_paused = true)]
async fn newcomers_overtake_nobody_and_take_what_nobody_waits_for() {
    let limits = paused();
    let (one, two) = (claim(platform(1), r#"{"tokens_per_minute": 100}"#), claim(platform(2), r#"{"tokens_per_minute": 100}"#));
    let mut running = limits.take(std::slice::from_ref(&one), tokens(60)).unwrap();
    running.commit(tokens(60));
    let line = Line::new(&limits);
    line.joins(1, 1, Way { claims: vec![one.clone()], amounts: tokens(50) }).await;
    let refused = limits.take(&[one], tokens(10)).unwrap_err();
    assert_eq!((refused.scope, refused.asked), (platform(1), 10), "there would be room for it, but it is kept for the waiter");
    assert!(refused.retry_after.is_some_and(|wait| wait <= Duration::from_millis(60_100)));
    assert!(limits.take(&[two], tokens(10)).is_ok());
}

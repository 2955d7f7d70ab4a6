//! Two hundred callers, some of which fail, vanish and time out, on one limit of each scope, in front of an upstream that counts.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use easyai_core::limit::{LimitKind, LimitScope};
use easyai_limits::{Claim, Limits, Taken, Way};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::world::{Dice, account_id, claim, every_scope, millis, paused, task, tokens};

const REQUESTS: u64 = 100;
const TOKENS: u64 = 20_000;
const SLOTS: u64 = 8;
const CALLERS: u64 = 200;
const MINUTES: u64 = 10;

/// An upstream that counts.
#[derive(Default)]
struct Upstream {
    /// When each call arrived.
    arrivals: HashMap<u64, Instant>,
    /// The tokens of those that were answered.
    tokens: HashMap<u64, u64>,
    under_way: u64,
    most_at_once: u64,
}

impl Upstream {
    fn arrive(&mut self, call: u64) {
        self.arrivals.insert(call, Instant::now());
        self.under_way += 1;
        self.most_at_once = self.most_at_once.max(self.under_way);
    }

    /// The most requests and tokens in any sixty seconds.
    fn most_in_a_minute(&self) -> (u64, u64) {
        let mut calls: Vec<_> = self.arrivals.iter().map(|(call, at)| (*at, self.tokens.get(call).copied().unwrap_or(0))).collect();
        calls.sort_unstable();
        let minutes = calls.iter().enumerate().map(|(index, (start, _))| {
            let minute = || calls[index..].iter().take_while(|(at, _)| *at <= *start + Duration::from_secs(60));
            (minute().count() as u64, minute().map(|(_, tokens)| tokens).sum())
        });
        minutes.fold((0, 0), |most, minute: (u64, u64)| (most.0.max(minute.0), most.1.max(minute.1)))
    }
}

/// A caller that calls again and again, each time with another fate.
struct Caller {
    limits: Limits,
    upstream: Arc<Mutex<Upstream>>,
    claims: Vec<Claim>,
    /// What it estimates; it uses between three quarters and all of it.
    estimate: u64,
    number: u64,
}

impl Caller {
    async fn run(self) {
        let mut dice = Dice(self.number);
        for round in 0_u64.. {
            let call = self.number * 1_000_000 + round;
            let way = Way { claims: self.claims.clone(), amounts: tokens(self.estimate) };
            let wait =
                self.limits.wait(task(u128::from(call)), account_id(u128::from(self.number % 7)), vec![way], Duration::from_secs(3_600));
            let patience = if dice.roll(5) == 0 { millis(dice.roll(3_000)) } else { Duration::from_secs(3_600) };
            match timeout(patience, wait).await {
                Ok(taken) => self.call(call, taken.unwrap().1, &mut dice).await,
                Err(_) => sleep(millis(10)).await,
            }
        }
    }

    async fn call(&self, call: u64, mut taken: Taken, dice: &mut Dice) {
        if dice.roll(20) == 0 {
            return taken.not_sent();
        }
        sleep(millis(dice.roll(50))).await;
        self.upstream.lock().unwrap().arrive(call);
        let upstream = Arc::clone(&self.upstream);
        let gone = move || upstream.lock().unwrap().under_way -= 1;
        sleep(millis(100 + dice.roll(900))).await;
        match dice.roll(10) {
            // It fails: no tokens.
            0 => gone(),
            // The caller vanishes, and the upstream sees it a moment later.
            1 => {
                let notices = millis(dice.roll(150));
                tokio::spawn(async move {
                    sleep(notices).await;
                    gone();
                });
                taken.release_after(millis(200));
            }
            // The whole answer after its first byte.
            _ => {
                taken.landed();
                sleep(millis(dice.roll(2_000))).await;
                let real = self.estimate - dice.roll(self.estimate / 4);
                gone();
                self.upstream.lock().unwrap().tokens.insert(call, real);
                taken.commit(tokens(real));
            }
        }
    }
}

/// Runs all callers for some minutes; gives the upstream's requests and tokens in all, as a share of what the limits allow, in percent.
async fn flood(scope: LimitScope, estimate: u64) -> (u64, u64) {
    let limits = paused();
    let json = format!(r#"{{"requests_per_minute": {REQUESTS}, "tokens_per_minute": {TOKENS}, "concurrent": {SLOTS}}}"#);
    let claims = vec![claim(scope, &json)];
    let upstream = Arc::new(Mutex::new(Upstream::default()));
    let mut callers = JoinSet::new();
    for number in 0..CALLERS {
        let caller = Caller { limits: limits.clone(), upstream: Arc::clone(&upstream), claims: claims.clone(), estimate, number };
        callers.spawn(caller.run());
    }
    sleep(Duration::from_secs(MINUTES * 60)).await;
    // All that are left vanish at once, wherever they are.
    callers.shutdown().await;
    sleep(millis(300)).await;

    assert_eq!((limits.waiting(), limits.in_flight(scope)), (0, 0), "{scope:?}: nothing is left taken");
    sleep(Duration::from_secs(63)).await;
    assert!(limits.headroom(&claims[0]).iter().all(|headroom| headroom.used == 0));
    assert!(limits.snapshot().is_empty());

    let upstream = upstream.lock().unwrap();
    let (requests, used) = upstream.most_in_a_minute();
    assert!(
        requests <= REQUESTS && used <= TOKENS && upstream.most_at_once <= SLOTS,
        "{scope:?}: {requests}, {used}, {}",
        upstream.most_at_once
    );
    assert_eq!(upstream.most_at_once, SLOTS, "the slots were all in use");
    let all = upstream.tokens.values().sum::<u64>();
    (upstream.arrivals.len() as u64 * 100 / (REQUESTS * MINUTES), all * 100 / (TOKENS * MINUTES))
}

#[tokio::test(start_paused = true)]
async fn two_hundred_callers_use_all_of_the_requests_and_never_more_at_each_scope() {
    for scope in every_scope() {
        let (requests, _) = flood(scope, 220).await;
        assert!(requests > 95, "{scope:?}: {requests} %");
    }
}

#[tokio::test(start_paused = true)]
async fn two_hundred_callers_use_all_of_the_tokens_and_never_more_at_each_scope() {
    for scope in every_scope() {
        let (requests, used) = flood(scope, 500).await;
        assert!(requests < 60 && used > 95, "{scope:?}: {requests} %, {used} % of the {}", LimitKind::TokensPerMinute);
    }
}

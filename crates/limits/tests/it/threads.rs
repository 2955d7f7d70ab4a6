//! Many threads at once: no limit is exceeded for a moment, nobody is forgotten, and nothing is left.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use easyai_core::limit::Amounts;
use easyai_core::time::Timestamp;
use easyai_limits::Limits;

use crate::world::{Dice, account, account_id, claim, platform, task, way};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn callers_on_many_threads_that_take_wait_and_vanish_leave_nothing() {
    let limits = Limits::new(Arc::new(|| Timestamp::from_micros(1_790_000_000_000_000)));
    let (inside, served) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let callers = (0..64_u128).map(|bits| {
        let (limits, inside, served) = (limits.clone(), Arc::clone(&inside), Arc::clone(&served));
        tokio::spawn(async move {
            let claims = [claim(account(bits % 5), r#"{"concurrent": 3}"#), claim(platform(1), r#"{"concurrent": 4}"#)];
            let mut dice = Dice(bits as u64);
            for round in 0..200 {
                let wait = limits.wait(task(bits * 1_000 + round), account_id(bits % 5), vec![way(&claims)], Duration::from_secs(60));
                let taken = match dice.roll(4) {
                    0 => limits.take(&claims, Amounts::default()).ok(),
                    // Vanishes if it does not come in at once.
                    1 => tokio::select! { biased; taken = wait => Some(taken.unwrap().1), () = tokio::task::yield_now() => None },
                    _ => Some(wait.await.unwrap().1),
                };
                let Some(taken) = taken else { continue };
                assert!(inside.fetch_add(1, Ordering::SeqCst) < 4);
                tokio::task::yield_now().await;
                inside.fetch_sub(1, Ordering::SeqCst);
                served.fetch_add(1, Ordering::SeqCst);
                if dice.roll(3) == 0 { taken.not_sent() } else { drop(taken) }
            }
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await.unwrap();
    }
    assert!(served.load(Ordering::SeqCst) >= 64 * 50);
    assert_eq!((limits.waiting(), limits.in_flight(platform(1)), limits.snapshot().is_empty()), (0, 0, true));
}

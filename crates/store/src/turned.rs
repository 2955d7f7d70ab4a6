//! The turned clock of the fault lab: on one thread, time and chance come from a scenario instead of from the world.
//!
//! While it is on, the wall clock is a start plus what tokio's paused clock has been turned by, ids and dice come from a seed, and the
//! journal is waited for in place. The last is what makes runs repeatable: nothing else goes on while a thread of the real world
//! works, so that no time passes meanwhile, and what comes next never depends on who was faster. Elsewhere it costs one look at a cell.

use std::cell::RefCell;
use std::marker::PhantomData;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

use easyai_core::time::Timestamp;
use tokio::time::Instant;
use uuid::Uuid;

thread_local! {
    static TURNED: RefCell<Option<Turned>> = const { RefCell::new(None) };
}

#[derive(Debug)]
struct Turned {
    start: Timestamp,
    /// When the clock was let go, by tokio's; none while it stands.
    since: Option<Instant>,
    random: u64,
}

/// The clock of this thread stays turned until this is dropped.
#[derive(Debug)]
#[must_use = "the clock is turned back when this is dropped"]
pub struct Turning {
    /// It belongs to its thread.
    _here: PhantomData<*const ()>,
}

/// Sets this thread's clock to `start`, where it stands until [`Turning::run`], and its dice to `seed`.
pub fn turn(start: Timestamp, seed: u64) -> Turning {
    TURNED.set(Some(Turned { start, since: None, random: seed }));
    Turning { _here: PhantomData }
}

impl Turning {
    /// Lets the clock go, as fast as tokio's own.
    pub fn run(&self) {
        TURNED.with_borrow_mut(|turned| {
            if let Some(turned) = turned {
                turned.since = Some(Instant::now());
            }
        });
    }

    /// Stops the clock where it is.
    pub fn stand(&self) {
        TURNED.with_borrow_mut(|turned| {
            if let Some(turned) = turned {
                turned.start = turned.now();
                turned.since = None;
            }
        });
    }
}

impl Drop for Turning {
    fn drop(&mut self) {
        TURNED.set(None);
    }
}

/// Whether this thread's clock is turned.
#[must_use]
pub fn is_on() -> bool {
    TURNED.with_borrow(Option::is_some)
}

/// The turned time, if this thread's clock is turned.
#[must_use]
pub fn now() -> Option<Timestamp> {
    TURNED.with_borrow(|turned| turned.as_ref().map(Turned::now))
}

/// Chance by the seed, if this thread's clock is turned.
#[must_use]
pub fn dice() -> Option<u64> {
    TURNED.with_borrow_mut(|turned| turned.as_mut().map(Turned::dice))
}

/// An id by turned time and chance, if this thread's clock is turned: a UUIDv7 like any other.
#[must_use]
pub fn new_id() -> Option<Uuid> {
    let millis = u64::try_from(now()?.micros() / 1_000).unwrap_or_default();
    let (high, low) = (dice()?.to_be_bytes(), dice()?.to_be_bytes());
    Some(
        uuid::Builder::from_unix_timestamp_millis(
            millis,
            &[high[0], high[1], low[0], low[1], low[2], low[3], low[4], low[5], low[6], low[7]],
        )
        .into_uuid(),
    )
}

/// Waits for `future` in place: this thread does nothing else until it is ready. For what another thread completes.
pub fn wait_in_place<F: Future>(future: F) -> F::Output {
    // Without this tokio would make it wait for a turn of the runtime, which is not to come.
    let mut future = pin!(tokio::task::unconstrained(future));
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut cx = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut cx) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

impl Turned {
    fn now(&self) -> Timestamp {
        self.start.plus(self.since.map(|since| since.elapsed()).unwrap_or_default())
    }

    /// SplitMix64.
    fn dice(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.random ^ (self.random >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const START: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

    #[tokio::test(start_paused = true)]
    async fn time_stands_until_it_is_let_go_and_then_goes_with_tokios() {
        assert_eq!((now(), is_on()), (None, false));
        let turning = turn(START, 7);
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(crate::now(), START);
        turning.run();
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(crate::now(), START.plus(Duration::from_secs(5)));
        turning.stand();
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(crate::now(), START.plus(Duration::from_secs(5)));
        drop(turning);
        assert_eq!((now(), dice(), new_id()), (None, None, None));
    }

    #[test]
    fn the_same_seed_gives_the_same_ids_each_with_the_turned_time() {
        let ids = |seed| {
            let _turning = turn(START, seed);
            [crate::new_id(), crate::new_id()]
        };
        assert_eq!(ids(1), ids(1));
        assert_ne!(ids(1), ids(2));
        let [one, other] = ids(1);
        assert_ne!(one, other);
        assert_eq!((one.get_version_num(), one.get_timestamp().map(|time| time.to_unix().0)), (7, Some(1_800_000_000)));
    }

    #[tokio::test]
    async fn what_another_thread_completes_is_waited_for_in_place() {
        let (answer, waiting) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || answer.send(5));
        assert_eq!(wait_in_place(waiting), Ok(5));
    }
}

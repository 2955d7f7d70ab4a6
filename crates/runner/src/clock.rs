//! The runner's clock and dice: the only places where a run meets the time and chance that core is told of. The fault lab turns them.

use std::time::Duration;

use easyai_core::time::Timestamp;
use easyai_store::turned;
use tokio::time::Instant;
use uuid::Uuid;

/// The wall clock, for what is shown or must outlive a restart.
#[must_use]
pub fn now() -> Timestamp {
    easyai_store::now()
}

/// A new id's bits: a UUIDv7, sortable by time.
#[must_use]
pub fn new_id() -> Uuid {
    easyai_store::new_id()
}

/// Randomness for ties and jitter. Not for secrets.
#[must_use]
pub fn dice() -> u64 {
    // A new UUIDv7 ends in 62 random bits and saves a second generator.
    turned::dice().unwrap_or_else(|| Uuid::now_v7().as_u64_pair().1)
}

/// A stopwatch with the wall time of its start.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch {
    /// When it was started, by the wall clock.
    pub started_at: Timestamp,
    started: Instant,
}

impl Stopwatch {
    /// Starts one.
    #[must_use]
    pub fn start() -> Self {
        Self { started_at: now(), started: Instant::now() }
    }

    /// One that runs since `started_at`, which another process may have noted.
    #[must_use]
    pub fn since(started_at: Timestamp) -> Self {
        let ago = now().since(started_at);
        Self { started_at, started: Instant::now().checked_sub(ago).unwrap_or_else(Instant::now) }
    }

    /// How long it runs, by the monotonic clock.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// The wall time that fits `elapsed`: never before the start, even if the wall clock was set back.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.started_at.plus(self.elapsed())
    }

    /// [`Stopwatch::elapsed`] in whole milliseconds.
    #[must_use]
    pub fn millis(&self) -> u64 {
        u64::try_from(self.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

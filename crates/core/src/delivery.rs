//! Callbacks: to whom events are told, what a receiver's answer means, and when an event is sent again.
//!
//! ```text
//! event ─▶ sent ─ 2xx ─▶ delivered, the next one
//!            ├─ 410, or an address that may not be called ─▶ dead, with all that follow in its task
//!            └─ anything else ─▶ again after 5 s … 24 h ─ eleven tries failed ─▶ dead letter, the next one
//! ```
//!
//! Within a task an event waits for the one before it, until that is delivered or dead. A receiver that let one event die gets those
//! behind it once each, until it takes one: a task never takes longer than one schedule to be over.

mod target;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use self::target::{BadEvents, CallbackTarget, EventNames};

use crate::id::TaskId;

crate::words! {
    /// Who named the address.
    pub enum Receiver as "receiver" {
        /// The task's caller.
        Caller = "caller",
        /// The operator, for all tasks.
        Gateway = "gateway",
    }
}

crate::words! {
    /// How a callback stands.
    pub enum CallbackState as "callback state" {
        /// There is something to send, or there will be.
        Open = "open",
        /// Everything was delivered, or is a dead letter of its own.
        Done = "done",
        /// Given up; a person may send it again.
        Dead = "dead",
    }
}

/// The pauses before an event is sent again: seconds for a restart, hours for a night. Two days in all. Source: the example schedule of
/// the Standard Webhooks specification, with more tries in the first hour.
const PAUSES: [Duration; 10] = [
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_secs(2 * 60),
    Duration::from_secs(10 * 60),
    Duration::from_secs(30 * 60),
    Duration::from_secs(3600),
    Duration::from_secs(3 * 3600),
    Duration::from_secs(6 * 3600),
    Duration::from_secs(12 * 3600),
    Duration::from_secs(24 * 3600),
];

/// The longest pause that a receiver may ask for: as long as our own longest.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(24 * 3600);

/// A pause grows by up to a fifth, so that what failed together does not come back together.
const JITTER: u32 = 5;

/// What came of sending an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Answer {
    /// The receiver answered.
    #[error("HTTP {code}")]
    Status {
        /// Its HTTP status.
        code: u16,
        /// When it wants to be asked again.
        retry_after: Option<Duration>,
    },
    /// There was no connection, or it broke.
    #[error("it can't be reached")]
    Unreachable,
    /// There was no answer in time.
    #[error("it did not answer in time")]
    TooSlow,
    /// The address may not be called: it leads into a private network, or is no http or https URL.
    #[error("its address may not be called")]
    NotAllowed,
}

/// What becomes of the event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The receiver has it.
    Delivered,
    /// It is sent again.
    Again {
        /// After this pause.
        after: Duration,
    },
    /// It is given up; the next one goes on.
    Dead,
    /// It is given up, and so are those behind it: the receiver is gone.
    Gone,
}

/// What an answer means for an event after `failures` failed tries in a row, the last one not counted. `dice` jitter the pause.
///
/// Source: Standard Webhooks 1.0, "Deliverability and reliability": only 2xx is success, redirects are failures, 410 ends, 429 and 503
/// may say when to come again.
#[must_use]
pub fn judge(answer: &Answer, failures: u32, dice: u64) -> Verdict {
    let asked = match *answer {
        Answer::Status { code: 200..=299, .. } => return Verdict::Delivered,
        Answer::Status { code: 410, .. } | Answer::NotAllowed => return Verdict::Gone,
        Answer::Status { code: 429 | 503, retry_after } => retry_after,
        Answer::Status { .. } | Answer::Unreachable | Answer::TooSlow => None,
    };
    let pause = usize::try_from(failures).ok().and_then(|failures| PAUSES.get(failures));
    let Some(pause) = pause else { return Verdict::Dead };
    let pause = (*pause).max(asked.unwrap_or_default().min(MAX_RETRY_AFTER));
    Verdict::Again { after: pause + share(pause / JITTER, dice) }
}

/// A part of `most` by the dice.
fn share(most: Duration, dice: u64) -> Duration {
    const STEPS: u32 = 1024;
    most / STEPS * u32::try_from(dice % u64::from(STEPS)).unwrap_or(0)
}

/// The `webhook-id` of an event: the same however often it is sent. No full stop, which separates what is signed.
#[must_use]
pub fn message_id(task: TaskId, seq: u32) -> String {
    format!("{task}_{seq}")
}

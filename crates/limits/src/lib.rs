//! Limits, counted in memory: takes for a call what it may use, all or none, and gives back what it did not.
//!
//! - A **claim** says *this scope, these limits*. A call has some five of them and comes in only if it fits in all. An empty set of
//!   limits is a claim too: it counts the calls under way.
//! - A **window** (minute, day) remembers an amount from the moment it is taken, but lets it age only from the moment at which the upstream
//!   surely had the call: when it answered something ([`Taken::landed`]), or [`LANDS_WITHIN`] after the taking. So the upstream counts no
//!   more than the limit in *any* sliding minute, however long a call was on its way. Amounts lie in buckets, which age when their
//!   youngest entry does: the only inexact step, and it is on the safe side.
//! - A **budget** is what was charged in the calendar day or month (UTC), and what the calls under way may still be charged.
//! - [`Taken`] is an owned guard. Whatever becomes of its holder (error, panic, caller gone), dropping it gives back what is owed.
//! - The **queue** goes round robin between accounts, first come first served within one. A waiter that does not fit keeps what it waits for
//!   from those behind it, newcomers too; if its own key or account is what is full, it keeps nobody from anything.
//!
//! Decisions (`counters`, `queue`) are plain structures that are told the time. One mutex guards them, never across an `.await`; what wakes
//! tasks or drops guards happens after it is unlocked.
#![warn(clippy::wildcard_enum_match_arm)]

mod blocked;
mod budget;
mod claim;
mod counter;
mod counters;
mod headroom;
mod limits;
mod queue;
mod receipt;
mod scope_map;
mod shared;
mod snapshot;
mod taken;
mod waiting;
mod window;

pub use claim::{Claim, Clock, Way};
pub use headroom::Headroom;
pub use limits::Limits;
pub use queue::{MAX_WAITING, QueuePosition};
pub use receipt::LANDS_WITHIN;
pub use snapshot::Snapshot;
pub use taken::Taken;

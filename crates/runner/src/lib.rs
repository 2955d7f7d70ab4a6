//! Carries a task through: prepare → open → deliver → finish.
//!
//! ```text
//! prepare ─ begin (task and hold durable) ─▶ open ⇄ core::run ─▶ first useful delta or answer ─▶ deliver ─▶ finish (one commit)
//! ```
//!
//! The runner has no opinion: it compares no status code and holds no policy. It tells `core::run` what happened and does what the
//! next step says. Whatever future is dropped, and wherever, the task ends exactly once: its notes are owned by a guard.

mod admission;
mod bill;
mod cache;
mod callbacks;
mod caller;
mod carry;
mod claims;
pub mod clock;
mod count;
mod counted;
mod counters;
mod deliver;
mod detach;
mod error;
mod explain;
mod finish;
mod health;
mod home;
mod idempotency;
mod jobs;
mod kept;
mod latency;
mod made;
pub mod metrics;
mod open;
mod outputs;
mod plain;
mod prepare;
mod probing;
mod rates;
mod record;
mod refusal;
mod relay;
mod runner;
pub mod settings;
mod snapshot;
mod sticky;
mod tally;
mod thinking;

pub use caller::{Caller, KeyRefused};
pub use count::tokens as count_tokens;
pub use counters::Kept;
pub use deliver::Delivering;
pub use detach::Detached;
pub use easyai_limits::QueuePosition;
pub use error::CallError;
pub use jobs::{Cancel, Enqueue, Enqueued};
pub use kept::{Keep, KeepResponse, own_id, task_of};
pub use prepare::TextAsk;
pub use rates::{Rate, RateLimits};
pub use refusal::RefusedCall;
pub use relay::{Phase, Relay, RelayBody};
pub use runner::{CacheUse, Parts, Reply, Runner, Served, content_type};
pub use settings::Settings;
pub use thinking::Thinking;

//! Decides. What may serve a task, what to do after a failure, what it costs and which holds fit: pure functions of their
//! arguments.
//!
//! There is no I/O, clock, randomness or async runtime here, by manifest and by lint (`clippy.toml`): time, dice and new ids are
//! arguments. So live traffic, *explain*, *replay* and property tests run the same code.
#![warn(clippy::wildcard_enum_match_arm)]

pub mod candidates;
pub mod catalog;
pub mod decide;
pub mod delivery;
pub mod error;
pub mod event;
pub mod explain;
pub mod failure;
#[cfg(test)]
mod fixtures;
pub mod health;
pub mod id;
pub mod job;
pub mod kind;
pub mod ledger;
pub mod limit;
pub mod media;
pub mod money;
pub mod policy;
pub mod price;
pub mod pricing;
pub mod quantile;
pub mod reason;
pub mod replay;
pub mod response_cache;
pub mod run;
pub mod run_trace;
pub mod task;
pub mod time;
pub mod trace;
pub mod usage;
pub mod words;

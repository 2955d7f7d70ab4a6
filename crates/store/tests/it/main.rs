//! The store's suite: every test runs on both engines.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests are not tests to clippy, and should fail as loudly")]

mod access;
mod assets;
mod begin;
mod bucket;
mod callbacks;
mod candidate_state;
mod catalog;
mod finish;
mod fixture;
mod history;
mod jobs;
mod ledger;
mod limit_state;
mod migrate;
mod nodes;
mod past;
mod proxy;
mod random;
mod recovery;
mod tasks;
mod verify;

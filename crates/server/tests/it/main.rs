//! The server from outside: the binary, its port and its command line.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests are not tests to clippy, and should fail as loudly"
)]

mod app;
mod caller;
mod cli;
mod delivery;
mod drain;
mod failover;
mod follow;
mod http;
mod killed;
mod money;
mod patience;

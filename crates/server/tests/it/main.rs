//! The server from outside: the binary, its port and its command line.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests are not tests to clippy, and should fail as loudly"
)]

mod api;
mod app;
mod assets;
mod cache;
mod callbacks;
mod caller;
mod cli;
mod cluster;
mod delivery;
mod drain;
mod failover;
mod follow;
mod garbage;
mod health;
mod http;
mod jobs;
mod killed;
mod limited;
mod limits;
mod money;
mod outage;
mod passthrough;
mod patience;
mod probes;
mod protocols;
mod refused;
mod replay;
mod simulation;

//! The clients against an upstream that misbehaves, and through proxies.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests are not tests to clippy, and should fail as loudly")]

mod after;
mod bed;
mod before;
mod downloads;
mod files;
mod hygiene;
mod media;
mod media_simulation;
mod proxies;
mod proxy;
mod simulation;
mod studio;
mod tolerance;

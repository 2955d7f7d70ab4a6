//! What a limiter promises, over its public face: the suite that every implementation has to pass.
#![expect(clippy::unwrap_used, reason = "helpers of tests are not tests to clippy, and should fail as loudly")]

mod acceptance;
mod budgets;
mod counting;
mod fairness;
mod properties;
mod restart;
mod settling;
mod threads;
mod waiting;
mod world;

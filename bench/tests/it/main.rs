//! The mock seen from outside by a plain TCP client, and the load client against the mock.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "these files are tests, their helpers too")]

mod client;
mod faults;
mod load;
mod mock;

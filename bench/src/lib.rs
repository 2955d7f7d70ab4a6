//! A mock upstream that can misbehave, a load client that checks every answer, and a comparison with nginx.
//!
//! The mock ([`mock::MockUpstream`]) is a development dependency of the other crates' tests; the rest serves `make bench`.

pub mod http1;
pub mod load;
pub mod mock;
pub mod process;

//! Calls upstreams. One provider, one file; all of them leave through [`egress`].
//!
//! A call either gives an answer that has begun (a whole body, or a stream at its first useful delta), or a [`Failure`] in the
//! gateway's own categories. Nothing here retries or chooses: that is policy.

mod call;
pub mod egress;
mod openai;
mod refusal;
mod simulation;
mod stream;

pub use call::{ChatAnswer, ChatCall, Clients, PlainAnswer};
pub use egress::EgressError;
pub use simulation::{Encounter, Fault, Faults, SimulatedCall};
pub use stream::{StreamItem, UpstreamStream};

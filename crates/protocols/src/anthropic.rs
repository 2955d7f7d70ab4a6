//! Anthropic's Messages protocol, on both sides: what its SDKs and agents call us with, and what Claude and compatible hosts answer.
//!
//! Source: `providers.md` sections 2, 3, 9 and 12.6.

mod block;
pub mod count;
pub mod error;

mod family;
mod frame;
mod marker;
pub mod read_answer;
pub mod read_request;
pub mod scan;
pub mod side;
mod stop;
pub mod stream_reader;
pub mod stream_writer;
mod usage;
mod wire;
pub mod write_answer;
pub mod write_request;

pub use frame::pass_on;

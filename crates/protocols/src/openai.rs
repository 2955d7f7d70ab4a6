//! OpenAI's chat protocol, as OpenAI and everything compatible with it speak it.

mod call_identity;
mod chunk;
mod delta;
pub(crate) mod dialect;
pub mod due_usage;
pub mod error;
pub mod failure;
pub(crate) mod lenient;
pub(crate) mod media;
pub(crate) mod mend;
pub mod read_answer;
pub mod read_request;
pub mod scan;
pub mod side;
mod signature;
pub mod stream_reader;
pub mod stream_writer;
pub(crate) mod usage;
pub mod write_answer;
pub mod write_request;
mod written;

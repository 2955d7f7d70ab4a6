//! OpenAI's Responses, both sides: callers (OpenAI's SDKs, Codex, the Agents SDK) and upstreams that have it (OpenAI; Ark, with a dialect
//! of its own).
//!
//! Towards an upstream without it, the response object and its sequence of events are made here ([`write_answer`], [`stream_writer`]).
//! Responses that are stored, waited for and gone on from are [`object`] and [`expand`]; where they are kept is not known here.
//!
//! Source: OpenAI API reference, "Responses"; `providers.md` sections 5 and 7.3.

mod assembly;
mod call_state;
pub mod compact;
pub mod count;
mod event;
pub mod expand;
mod item;
mod members;
pub(crate) mod mend;
pub mod object;
mod output_item;
pub mod read_answer;
pub mod read_request;
mod response;
pub mod scan;
pub mod shape;
pub mod side;
pub mod stream_reader;
pub mod stream_writer;
mod tolerant;
mod usage;
pub mod write_answer;
pub mod write_request;

/// Errors outside a response have the shape of all of OpenAI's.
pub mod error {
    pub use crate::openai::error::error_body;
}

//! OpenAI's Responses, both sides: callers (OpenAI's SDKs, Codex, the Agents SDK) and upstreams that have it (OpenAI; Ark with a dialect of
//! its own).
//!
//! Towards an upstream without it the sequence of events is emulated ([`stream_writer`]). Source: `providers.md` section 5.

pub mod count;
pub mod expand;
mod item;
pub mod object;
pub mod read_answer;
pub mod read_request;
pub mod scan;
pub mod side;
pub mod stream_reader;
pub mod stream_writer;
mod usage;
pub mod write_answer;
pub mod write_request;

//! Vectors of texts: OpenAI's `POST /embeddings`, as callers send it and compatible upstreams answer it.
//!
//! An upstream of the same protocol is sent the caller's bytes with its own model name ([`EmbedRequest::outbound`]); the answer passes by
//! ([`answer_facts`]) unless its vectors are written the other way ([`reencode`]). Any other upstream is sent the texts
//! ([`EmbedRequest::texts`]), and its vectors are written as OpenAI would ([`write_answer`]).
//!
//! Source: `providers.md` sections 4.2 and 7.4.

mod answer;
pub mod ark;
mod encoding;
mod reencode;
mod request;
mod scan;
pub(crate) mod usage;

pub use answer::{Embeddings, answer_facts, read_answer, write_answer};
pub use encoding::Encoding;
pub use reencode::reencode;
pub use request::EmbedRequest;
pub use scan::scan;

#[cfg(test)]
mod tests;

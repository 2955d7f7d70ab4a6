//! Knows what is on the wire: bytes in, values out. Pure and incremental: no I/O, no clock, no async.
//!
//! Same protocol on both sides: a body is scanned for what we act on, the model name is spliced in, and all other bytes stay as they
//! came. Different protocols: only through the inner form of [`conversation`].

pub mod anthropic;
pub mod bridge;
pub mod completions;
pub mod conversation;
pub mod convert;
pub mod embeddings;
mod encoded;
#[doc(hidden)]
pub mod fuzzing;
pub mod gemini;
pub(crate) mod given;
pub mod json;
pub mod media;
pub mod moderations;
pub mod multipart;
pub mod openai;
pub mod read;
pub mod request;
pub mod rerank;
pub mod response_id;
pub mod responses;
pub mod sse;
pub mod tokens;
pub mod volces;
pub mod wire;

#[cfg(test)]
mod tests;

//! Knows what is on the wire: bytes in, values out. Pure and incremental: no I/O, no clock, no async.
//!
//! Same protocol on both sides: a body is scanned for what we act on, the model name is spliced in, and all other bytes stay as they
//! came.

pub mod json;
pub mod openai;
pub mod sse;
pub mod tokens;

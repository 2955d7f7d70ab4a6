//! OpenAI's old text completions (`POST /completions`): a prompt, and the text that follows it.
//!
//! Upstreams that have it get the caller's bytes. For any other the prompt becomes a conversation of one turn, where that keeps its
//! meaning; nobody's conversation is ever written as a prompt, so there is no writer of requests here.
//!
//! Source: OpenAI API reference, "Completions (legacy)".

mod chunk;
pub mod read_answer;
pub mod read_request;
pub mod scan;
pub mod side;
pub mod stream_reader;
pub mod stream_writer;
pub mod write_answer;

pub use crate::openai::error;

#[cfg(test)]
mod tests;

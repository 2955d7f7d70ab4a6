//! Google's Gemini API (`generateContent`), from both sides: callers that use Google's SDKs, and the Developer API as an upstream.
//!
//! Callers may write field names in camelCase or snake_case and 64-bit numbers as text, and may leave the brackets of a list with one
//! member away, as in Google's own samples. What we write is camelCase. The model and what is to be done with it are in the path
//! ([`path`]).
//! Source: `providers.md` sections 2, 3, 6, 12.5, 12.7 and 15.

mod arguments;
mod base64;
mod chunk;
mod citation;
mod content;
pub mod count;
pub mod details;
pub mod embed;
pub mod error;
pub(crate) mod failure;
mod family;
pub mod fetch;
pub(crate) mod finish;
pub mod frame;
pub mod models;
pub mod path;
pub mod read_answer;
pub mod read_request;
pub mod scan;
mod schema;
mod shape;
pub mod side;
mod signature;
pub mod stream_reader;
pub mod stream_writer;
mod usage;
pub mod write_answer;
pub mod write_request;

//! Google's Gemini API (`generateContent`), from both sides: callers that use Google's SDKs, and the Developer API as an upstream.
//!
//! Callers may write field names in camelCase or snake_case and 64-bit numbers as text, and may leave the brackets of a list with one
//! member away, as in Google's own samples. What we write is camelCase. The model and what is to be done with it are in the path
//! ([`path`]).
//! Images, videos and sound are made by it too, only as an upstream: [`image`], [`imagen`], [`video`] with its [`operation`], [`speech`]
//! and [`transcript`].
//! Source: `providers.md` sections 2, 3, 6, 12.5, 12.7 and 15.

mod arguments;
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
mod generated;
pub mod image;
mod image_family;
pub mod imagen;
pub mod models;
pub mod operation;
pub mod path;
pub mod read_answer;
pub mod read_request;
pub mod scan;
mod schema;
mod send;
mod shape;
pub mod side;
mod signature;
pub mod speech;
pub mod stream_reader;
pub mod stream_writer;
pub mod transcript;
mod usage;
mod veo;
pub mod video;
pub mod write_answer;
pub mod write_request;

/// What Gemini can't be asked.
fn cannot(field: &str, why: &str) -> crate::conversation::CannotCarry {
    crate::conversation::CannotCarry { field: field.to_owned(), target: "the Gemini API", why: why.to_owned() }
}

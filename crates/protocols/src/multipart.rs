//! Forms with files in them (`multipart/form-data`, RFC 7578): callers' are read, upstreams' are written.
//!
//! A form is read from its whole bytes, and what lies in it shares their memory. It is bounded in parts, in the head of each and in
//! names; what is wrong is named, with the part it is in.

mod parameters;
mod read;
mod write;

pub use read::{MAX_PARTS, Part, parts};
pub use write::{Form, WrittenForm};

#[cfg(test)]
mod tests;

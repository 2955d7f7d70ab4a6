//! OpenAI's chat protocol, as OpenAI and everything compatible with it speak it.

pub mod answer;
pub mod chunk;
pub mod error;
pub mod failure;
mod lenient;
pub mod request;
mod splice;
pub mod stream;
pub mod usage;

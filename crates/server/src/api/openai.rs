//! OpenAI's protocol, as its SDKs speak it.

pub mod chat;
pub mod models;

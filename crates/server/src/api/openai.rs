//! OpenAI's protocol, as its SDKs speak it.

pub mod chats;
pub mod models;
pub mod responses;
pub mod unary;

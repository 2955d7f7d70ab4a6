//! Whether texts and images are harmful: OpenAI's `POST /moderations`. Only passed through: no other provider answers in its categories.
//!
//! Source: OpenAI API reference, "Create moderation".

mod answer;
mod request;

pub use answer::answer_facts;
pub use request::{DEFAULT_MODEL, ModerationRequest, scan};

#[cfg(test)]
mod tests;

//! Volcengine Ark. Its chat protocol is OpenAI's with a few words of its own; what differs stands here.
//!
//! Images, videos and sound have shapes of their own: [`image`], [`video`] with its [`task`], [`speech`] and [`transcript`].
//! Source: `providers.md` sections 7.1, 7.2, 7.5, 7.6, 8 and 12.4.

pub(crate) mod failure;
pub mod image;
mod seedance;
mod seedream;
mod shape;
pub mod speech;
pub mod task;
#[cfg(test)]
pub(crate) mod tests;
pub mod transcript;
pub mod video;

pub use shape::shape;

use crate::conversation::{CannotCarry, Effort};
use crate::media::{InputFile, InputSource};
use crate::openai::dialect::AskedEffort;

/// The most that Ark takes as `max_completion_tokens`.
pub(crate) const MAX_COMPLETION_TOKENS: u64 = 65_536;

/// What an effort is on Ark (`providers.md` section 2.5).
pub(crate) const fn effort(asked: Effort) -> AskedEffort {
    match asked {
        Effort::None => AskedEffort::Disabled,
        Effort::Minimal | Effort::Low | Effort::Medium | Effort::High => AskedEffort::Word(asked),
        Effort::XHigh | Effort::Max => AskedEffort::Word(Effort::High),
    }
}

/// The code of an answer that says it is good and holds nothing that can be used.
pub(crate) const NO_RESULT: &str = "NoUsableResult";

/// What Ark can't be asked.
fn cannot(field: &str, why: &str) -> CannotCarry {
    CannotCarry { field: field.to_owned(), target: "the Ark API", why: why.to_owned() }
}

/// A caller's file as Ark takes it: by its URL, or inside the request.
fn address(file: &InputFile) -> String {
    match &file.source {
        InputSource::Url(url) => url.clone(),
        InputSource::Inline { .. } => file.data_url().unwrap_or_default(),
    }
}

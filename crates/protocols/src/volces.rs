//! Volcengine Ark. Its chat protocol is OpenAI's with a few words of its own; what differs stands here.
//!
//! Source: `providers.md` sections 7.1, 7.2 and 12.4.

pub(crate) mod failure;
mod shape;

pub use shape::shape;

use crate::conversation::Effort;
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

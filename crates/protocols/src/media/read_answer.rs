//! Reads what OpenAI and compatible upstreams answer. Tolerant: members that are missing, null or of another sort are as if absent, and an
//! error inside a 200 is an error.

mod images;
mod place;
mod transcript;
mod video;
mod video_list;

pub use images::read_images;
pub use transcript::read_transcript;
pub use video::{VideoState, read_video};
pub use video_list::{VideoPage, read_video_page};

use crate::openai::error::read_error;
use crate::wire::BadAnswer;

/// What is no answer: an error, if it has one.
fn no_answer(body: &[u8], has_error: bool) -> BadAnswer {
    if has_error { BadAnswer::Error(read_error(body)) } else { BadAnswer::Empty }
}

#[cfg(test)]
mod tests;

//! Replay over a real history: the draft file, the two passes over the rows, what comes of them. The command line and the admin API share
//! it; what is decided is `easyai_core::replay`'s.

mod draft;
mod outcome;
#[cfg(test)]
mod tests;
mod work;

pub use draft::read as read_draft;
pub use outcome::{DIFFERENCES, MOST_DIFFERENCES, Outcome, Plan};
pub use work::{Progress, run};

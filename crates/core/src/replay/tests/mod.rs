//! Stories of replays on constructed histories.

mod drafts;
mod edges;
mod guesses;
pub mod history;
pub mod recorder;
mod skipped;

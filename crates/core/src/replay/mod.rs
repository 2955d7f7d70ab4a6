//! Replay: recorded tasks go through the same machine with a draft policy, priorities or prices, and what would change is told.
//!
//! ```text
//! rows ─▶ Past ─┬─ Lessons::learn ──▶ Outcomes            what each candidate did, hour by hour: a bounded sample
//!               └─ Replay::take ─▶ Course then, Course now ─▶ Report
//! ```
//!
//! Pure: the same rows, draft and seed give the same report. As long as a run goes as it went, its recorded times are the clock; once
//! it leaves that way, time is the sum of what calls took and waits last. An attempt that was not made then is drawn from what its
//! candidate did at that time, and marked. Each task is replayed in the world of its time: who was cooling down then is left out now.

mod chance;
mod compare;
mod course;
mod difference;
mod draft;
mod engine;
mod latency;
mod order;
mod outcomes;
mod paid;
mod past;
mod play;
mod report;
mod sample;
mod stub;
mod totals;
mod world;

pub use chance::Seed;
pub use compare::What;
pub use course::{Course, Ending, Guess, Known, Paid, Server};
pub use difference::{Difference, PercentilesDifference};
pub use draft::{Draft, OfferDraft, PlatformDraft, PolicySetDraft};
pub use engine::{Lessons, Replay};
pub use past::{AttemptRecord, Past, Skip, TaskRecord};
pub use report::{EndingCount, Report, Side, Tally, TaskDifference};
pub use totals::{Figures, Percentiles};
pub use world::World;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

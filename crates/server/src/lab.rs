//! The fault lab: plays what goes wrong on platforms against the real engine, and reports what the policies did and what it cost.
//!
//! ```text
//! scenario.toml ─▶ catalogue, callers, faults ─▶ runner on a turned clock, a database of its own ─▶ traces, wallet, platforms ─▶ report
//! ```
//!
//! Nothing of the engine is replaced but the world around it: platforms are simulated, time is turned, chance comes from a seed. The same
//! scenario gives the same report, letter by letter.

mod agree;
mod caller;
mod chance;
mod faults;
mod gather;
pub mod library;
mod load;
mod play;
mod report;
pub mod scenario;
mod watch;
mod world;

pub use caller::Explain;
pub use play::{Wanted, play};
pub use report::{Report, render};

#[cfg(test)]
mod tests;

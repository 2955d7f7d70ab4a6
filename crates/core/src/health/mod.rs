//! How candidates are: cooling down, demoted, switched off, let alone by their circuit breaker. Remedies, failures and successes come
//! in; [`Standing`] comes out, for `crate::candidates` to look at. Pure: the time is an argument.
//!
//! ```text
//!             as many failures as the policy says             the time is over, a probe begins
//!   Closed ────────────────────────────────────────▶ Open ────────────────────────────────────▶ HalfOpen
//!     ▲                                               ▲  the probe fails: open for twice as long   │  │
//!     │                                               └────────────────────────────────────────────┘  │
//!     └───────────────────────────────────────────────────────────────────────────────────────────────┘
//!                                              a success
//! ```
//!
//! Active probes ask those who are out whether they are well again (`probed`), where a policy set has them.
//!
//! Each [`Subject`] has a [`Condition`] of its own, whose JSON is its durable form. What has passed by time counts for nothing;
//! nobody needs to remove it.

mod book;
mod breaker;
mod condition;
mod demotion;
mod failed;
mod probed;
mod recent;
mod standing;
mod subject;

pub use book::HealthBook;
pub use breaker::Breaker;
pub use condition::{Condition, Cooling, Disabled};
pub use demotion::Demoted;
pub use failed::{Effects, Failed};
pub use probed::{ProbeOrder, ProbePlan, Probed, Question};
pub use recent::Recent;
pub use standing::Standing;
pub use subject::Subject;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod world;

//! Counts what is taken and given back: leases from concurrency limits, all or none in one step.
//!
//! A [`Lease`] is an owned guard: whatever becomes of its holder (error, panic, caller gone), dropping it gives every slot back.

mod memory;

pub use memory::{Lease, Limits, Refused, Slot};

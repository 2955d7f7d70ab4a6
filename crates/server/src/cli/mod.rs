//! placeholder
pub mod open;

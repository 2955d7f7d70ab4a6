//! What is asked of a replay, and what comes of it.

use easyai_core::replay::{Draft, Report, Seed};
use easyai_core::time::Timestamp;
use easyai_store::history::Span;
use serde::Serialize;

/// Differing tasks that are shown at most: more than anybody reads.
pub const MOST_DIFFERENCES: u32 = 1_000;

/// Differing tasks that are shown if nobody says how many.
pub const DIFFERENCES: u32 = 20;

/// What is asked of a replay.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Which tasks.
    pub span: Span,
    /// What is to be different.
    pub draft: Draft,
    /// Where chance comes from.
    pub seed: Seed,
    /// Differing tasks that are shown.
    pub differences: u32,
    /// Tasks that are read at most, the oldest first; all if there is no such bound.
    pub most_tasks: Option<u64>,
}

/// What comes of it, for programs.
#[derive(Debug, Serialize)]
pub struct Outcome {
    /// Whether all tasks of the span were read.
    pub complete: bool,
    /// When the first task that was read began.
    pub first_task_at: Option<Timestamp>,
    /// When the last one did: a further replay may begin there.
    pub last_task_at: Option<Timestamp>,
    /// What was found.
    #[serde(flatten)]
    pub report: Report,
}

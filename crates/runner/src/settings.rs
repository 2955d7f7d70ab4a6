//! What an operator may set about runs.

use std::sync::Arc;
use std::time::Duration;

use easyai_core::delivery::CallbackTarget;
use easyai_core::limit::LimitSet;
use easyai_store::assets::LinkTerms;

/// What to do with the upstream when the caller is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CallerGone {
    /// Cancel it at once; what was produced until then is counted and charged.
    #[default]
    Cancel,
    /// Read on to the end, to learn the real usage.
    Drain,
}

/// What an operator may set about runs.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The gateway's one billing currency, such as `USD`.
    pub currency: Arc<str>,
    /// What to do with the upstream when the caller is gone.
    pub caller_gone: CallerGone,
    /// How often a stream's delivery is written down.
    pub checkpoint_every: Duration,
    /// How long an answer waits for its settlement before the caller is told that it can't be booked.
    pub finish_patience: Duration,
    /// Calls under way at once, all together.
    pub max_in_flight: Arc<LimitSet>,
    /// The limits of an account that has none of its own.
    pub account_limits: Arc<LimitSet>,
    /// How long a call waits for a limit that says nothing about it.
    pub queue_timeout: Duration,
    /// How often a comment tells the caller of a stream that its upstream still thinks; zero is never.
    pub keep_alive: Duration,
    /// On what terms addresses of what was made are given.
    pub links: LinkTerms,
    /// The longest answer kept for an `Idempotency-Key`.
    pub max_recorded_answer_bytes: usize,
    /// Who is told the events of all tasks, beside those whom callers name.
    pub callback: Option<Arc<CallbackTarget>>,
}

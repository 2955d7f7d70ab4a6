//! What is left of a caller's own limits: what `x-ratelimit-*` headers say.

use std::time::Duration;

use easyai_core::limit::LimitKind;
use easyai_limits::Headroom;

use crate::caller::Caller;
use crate::claims;
use crate::runner::Runner;

/// One limit, the one with the least left of its sort.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How much is allowed in a minute, or in a day.
    pub limit: u64,
    /// What is left of it.
    pub remaining: u64,
    /// Until it is all free again.
    pub resets_in: Duration,
}

/// What is left of requests and tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RateLimits {
    /// Requests, if they are limited.
    pub requests: Option<Rate>,
    /// Tokens, if they are limited.
    pub tokens: Option<Rate>,
}

impl Runner {
    /// What is left for this caller now. Nothing is counted for callers without limits.
    #[must_use]
    pub fn rate_limits(&self, caller: &Caller) -> RateLimits {
        let mut rates = RateLimits::default();
        for claim in claims::of_caller(&self.settings, caller) {
            for headroom in self.limits.headroom(&claim) {
                rates.take(headroom);
            }
        }
        rates
    }
}

impl RateLimits {
    fn take(&mut self, headroom: Headroom) {
        let rate = match headroom.kind {
            LimitKind::RequestsPerMinute | LimitKind::RequestsPerDay => &mut self.requests,
            LimitKind::TokensPerMinute | LimitKind::TokensPerDay => &mut self.tokens,
            LimitKind::Concurrent | LimitKind::DailyBudget | LimitKind::MonthlyBudget => return,
        };
        if !headroom.shadow && rate.is_none_or(|rate| headroom.remaining < rate.remaining) {
            let resets_in = headroom.resets_in.unwrap_or_default();
            *rate = Some(Rate { limit: headroom.limit, remaining: headroom.remaining, resets_in });
        }
    }
}

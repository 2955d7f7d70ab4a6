//! What one scope has taken: its windows, its money and its calls under way.

use easyai_core::limit::{Amounts, LimitKind, LimitSet};
use easyai_core::time::Timestamp;

use crate::budget::{Budgets, Spent};
use crate::claim::asked;
use crate::window::{Span, Window};

/// One scope's counts. Only what is limited is remembered, but calls under way always are.
#[derive(Debug)]
pub(crate) struct Counter {
    under_way: u32,
    minute_requests: Window,
    minute_tokens: Window,
    day_requests: Window,
    day_tokens: Window,
    budgets: Option<Budgets>,
}

/// What of a call is in the windows, and from when on it ages.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) ages_from: Timestamp,
    pub(crate) requests: u64,
    pub(crate) tokens: u64,
}

impl Entry {
    const fn of(self, kind: LimitKind) -> u64 {
        match kind {
            LimitKind::RequestsPerMinute | LimitKind::RequestsPerDay => self.requests,
            LimitKind::TokensPerMinute | LimitKind::TokensPerDay => self.tokens,
            LimitKind::Concurrent | LimitKind::DailyBudget | LimitKind::MonthlyBudget => 0,
        }
    }
}

impl Default for Counter {
    fn default() -> Self {
        Self {
            under_way: 0,
            minute_requests: Window::new(Span::Minute),
            minute_tokens: Window::new(Span::Minute),
            day_requests: Window::new(Span::Day),
            day_tokens: Window::new(Span::Day),
            budgets: None,
        }
    }
}

impl Counter {
    pub(crate) const fn under_way(&self) -> u32 {
        self.under_way
    }

    /// What is used of a limit of `kind`; money in nano-units.
    pub(crate) fn used(&mut self, kind: LimitKind, now: Timestamp) -> u64 {
        match kind {
            LimitKind::RequestsPerMinute => self.minute_requests.used(now),
            LimitKind::TokensPerMinute => self.minute_tokens.used(now),
            LimitKind::RequestsPerDay => self.day_requests.used(now),
            LimitKind::TokensPerDay => self.day_tokens.used(now),
            LimitKind::Concurrent => u64::from(self.under_way),
            LimitKind::DailyBudget => self.budgets.as_mut().map_or(0, |budgets| budgets.today(now).nanos),
            LimitKind::MonthlyBudget => self.budgets.as_mut().map_or(0, |budgets| budgets.this_month(now).nanos),
        }
    }

    /// When `amount` of what is used will be free by the passing of time.
    pub(crate) fn free_at(&mut self, kind: LimitKind, amount: u64, now: Timestamp) -> Option<Timestamp> {
        match kind {
            LimitKind::RequestsPerMinute => self.minute_requests.free_at(amount),
            LimitKind::TokensPerMinute => self.minute_tokens.free_at(amount),
            LimitKind::RequestsPerDay => self.day_requests.free_at(amount),
            LimitKind::TokensPerDay => self.day_tokens.free_at(amount),
            LimitKind::Concurrent => None,
            LimitKind::DailyBudget => self.budgets.as_mut().map(|budgets| budgets.today(now).until),
            LimitKind::MonthlyBudget => self.budgets.as_mut().map(|budgets| budgets.this_month(now).until),
        }
    }

    /// When all of it will be free by the passing of time; none where that is of no use.
    pub(crate) fn empty_at(&mut self, kind: LimitKind, now: Timestamp) -> Option<Timestamp> {
        match kind {
            LimitKind::RequestsPerMinute => Some(self.minute_requests.empty_at().unwrap_or(now)),
            LimitKind::TokensPerMinute => Some(self.minute_tokens.empty_at().unwrap_or(now)),
            LimitKind::RequestsPerDay => Some(self.day_requests.empty_at().unwrap_or(now)),
            LimitKind::TokensPerDay => Some(self.day_tokens.empty_at().unwrap_or(now)),
            LimitKind::Concurrent => None,
            LimitKind::DailyBudget => Some(self.budgets(now).today(now).until),
            LimitKind::MonthlyBudget => Some(self.budgets(now).this_month(now).until),
        }
    }

    /// A call comes in.
    pub(crate) fn take(&mut self, limits: &LimitSet, amounts: Amounts, ages_from: Timestamp, now: Timestamp) {
        self.under_way = self.under_way.saturating_add(1);
        self.limited(limits).for_each(|(kind, window)| window.add(ages_from, asked(kind, amounts)));
        if has_budget(limits) {
            self.budgets(now).hold(asked(LimitKind::DailyBudget, amounts));
        }
    }

    /// What a call took, or what it is known to have taken, becomes something else. The money is not touched.
    pub(crate) fn change(&mut self, limits: &LimitSet, before: Entry, after: Entry, now: Timestamp) {
        for (kind, window) in self.limited(limits) {
            window.change((before.ages_from, before.of(kind)), (after.ages_from, after.of(kind)), now);
        }
    }

    /// What was held is charged, or some of it, or more.
    pub(crate) fn charge(&mut self, limits: &LimitSet, estimate: Amounts, real: Amounts, now: Timestamp) {
        if has_budget(limits) {
            self.budgets(now).release(asked(LimitKind::DailyBudget, estimate));
            self.budgets(now).charge(asked(LimitKind::DailyBudget, real), now);
        }
    }

    /// A call has ended.
    pub(crate) const fn end(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
    }

    pub(crate) fn budgets(&mut self, now: Timestamp) -> &mut Budgets {
        self.budgets.get_or_insert_with(|| Budgets::new(now))
    }

    /// What was charged in the current day and month; none if nothing was.
    pub(crate) fn charged(&mut self, now: Timestamp) -> Option<(Spent, Spent)> {
        self.budgets.as_mut()?.charged(now)
    }

    /// Its windows, those of kinds without a limit too.
    pub(crate) fn windows(&mut self) -> [(LimitKind, &mut Window); 4] {
        [
            (LimitKind::RequestsPerMinute, &mut self.minute_requests),
            (LimitKind::TokensPerMinute, &mut self.minute_tokens),
            (LimitKind::RequestsPerDay, &mut self.day_requests),
            (LimitKind::TokensPerDay, &mut self.day_tokens),
        ]
    }

    /// Whether forgetting it changes nothing.
    pub(crate) fn is_idle(&mut self, now: Timestamp) -> bool {
        self.under_way == 0
            && self.budgets.as_mut().is_none_or(|budgets| budgets.is_idle(now))
            && self.windows().into_iter().all(|(_, window)| window.used(now) == 0)
    }

    fn limited(&mut self, limits: &LimitSet) -> impl Iterator<Item = (LimitKind, &mut Window)> {
        self.windows().into_iter().filter(|(kind, _)| limits.of(*kind).is_some())
    }
}

const fn has_budget(limits: &LimitSet) -> bool {
    limits.daily_budget.is_some() || limits.monthly_budget.is_some()
}

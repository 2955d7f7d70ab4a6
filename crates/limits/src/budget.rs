//! Budgets: what was charged in the calendar day and month (UTC), and what calls under way may still be charged.

use easyai_core::time::Timestamp;
use jiff::civil::Time;
use jiff::tz::Offset;

const DAY_MICROS: i64 = 86_400_000_000;

/// What was charged until a calendar period ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Spent {
    /// When the period ends, and the amount is nothing again.
    pub(crate) until: Timestamp,
    pub(crate) nanos: u64,
}

/// One scope's money.
#[derive(Debug)]
pub(crate) struct Budgets {
    /// Estimates of calls under way. They belong to no period: the books charge a call when it ends.
    held: u64,
    day: Spent,
    month: Spent,
}

impl Budgets {
    pub(crate) fn new(now: Timestamp) -> Self {
        Self { held: 0, day: Spent { until: day_end(now), nanos: 0 }, month: Spent { until: month_end(now), nanos: 0 } }
    }

    pub(crate) const fn hold(&mut self, nanos: u64) {
        self.held = self.held.saturating_add(nanos);
    }

    pub(crate) const fn release(&mut self, nanos: u64) {
        self.held = self.held.saturating_sub(nanos);
    }

    pub(crate) fn charge(&mut self, nanos: u64, now: Timestamp) {
        self.turn(now);
        for spent in [&mut self.day, &mut self.month] {
            spent.nanos = spent.nanos.saturating_add(nanos);
        }
    }

    /// What was charged in the current periods, as the books say.
    pub(crate) fn set(&mut self, day: u64, month: u64, now: Timestamp) {
        self.turn(now);
        self.day.nanos = day;
        self.month.nanos = month;
    }

    /// Charged and held in the current day, and when it ends.
    pub(crate) fn today(&mut self, now: Timestamp) -> Spent {
        self.turn(now);
        Spent { nanos: self.day.nanos.saturating_add(self.held), ..self.day }
    }

    /// Charged and held in the current month, and when it ends.
    pub(crate) fn this_month(&mut self, now: Timestamp) -> Spent {
        self.turn(now);
        Spent { nanos: self.month.nanos.saturating_add(self.held), ..self.month }
    }

    /// Day and month without what is held; none if nothing was charged.
    pub(crate) fn charged(&mut self, now: Timestamp) -> Option<(Spent, Spent)> {
        self.turn(now);
        (self.day.nanos > 0 || self.month.nanos > 0).then_some((self.day, self.month))
    }

    /// What a snapshot said was charged in periods that have not ended.
    pub(crate) fn restore(&mut self, (day, month): (Spent, Spent), now: Timestamp) {
        self.turn(now);
        for (spent, saved) in [(&mut self.day, day), (&mut self.month, month)] {
            if saved.until == spent.until {
                spent.nanos = saved.nanos;
            }
        }
    }

    pub(crate) fn is_idle(&mut self, now: Timestamp) -> bool {
        self.held == 0 && self.charged(now).is_none()
    }

    fn turn(&mut self, now: Timestamp) {
        if now >= self.day.until {
            self.day = Spent { until: day_end(now), nanos: 0 };
        }
        if now >= self.month.until {
            self.month = Spent { until: month_end(now), nanos: 0 };
        }
    }
}

/// The next midnight.
const fn day_end(now: Timestamp) -> Timestamp {
    Timestamp::from_micros(now.micros().div_euclid(DAY_MICROS).saturating_add(1).saturating_mul(DAY_MICROS))
}

/// The first midnight of the next month. A time beyond the calendar has a month without end.
fn month_end(now: Timestamp) -> Timestamp {
    let end = || {
        let date = Offset::UTC.to_datetime(jiff::Timestamp::from_microsecond(now.micros()).ok()?).date();
        let first = date.last_of_month().tomorrow().ok()?.to_datetime(Time::midnight());
        Offset::UTC.to_timestamp(first).ok().map(jiff::Timestamp::as_microsecond)
    };
    Timestamp::from_micros(end().unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn days_and_months_end_at_midnight_in_utc() {
        for (now, day, month) in [
            ("2026-01-31T23:59:59.999999Z", "2026-02-01", "2026-02-01"),
            ("2026-02-01T00:00:00Z", "2026-02-02", "2026-03-01"),
            ("2028-02-29T12:00:00Z", "2028-03-01", "2028-03-01"),
            ("2026-12-31T00:00:00Z", "2027-01-01", "2027-01-01"),
            ("1969-12-30T10:00:00Z", "1969-12-31", "1970-01-01"),
        ] {
            assert_eq!((day_end(at(now)), month_end(at(now))), (at(day), at(month)), "{now}");
        }
    }

    #[test]
    fn what_is_held_outlives_midnight_and_what_was_charged_does_not() {
        let (before, after) = (at("2026-05-30T23:59:00Z"), at("2026-05-31T00:00:00Z"));
        let mut budgets = Budgets::new(before);
        budgets.charge(5, before);
        budgets.hold(2);
        assert_eq!((budgets.today(before).nanos, budgets.this_month(before).nanos), (7, 7));
        assert_eq!((budgets.today(after).nanos, budgets.this_month(after).nanos), (2, 7));
        budgets.release(2);
        budgets.charge(3, after);
        assert_eq!((budgets.today(after).nanos, budgets.this_month(after).nanos), (3, 8));
        let june = at("2026-06-01T00:00:00Z");
        assert_eq!((budgets.today(june).nanos, budgets.this_month(june).nanos, budgets.is_idle(june)), (0, 0, true));
    }
}

//! A sliding window: amounts in buckets by the moment from which they age, none forgotten too early.

use std::collections::VecDeque;

use easyai_core::time::Timestamp;

/// How long a window remembers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Span {
    /// Sixty seconds, in buckets of a tenth: at most 0.2 % of the room is given back late.
    Minute,
    /// Twenty-four hours, in buckets of a minute.
    Day,
}

impl Span {
    const fn length(self) -> i64 {
        match self {
            Self::Minute => 60_000_000,
            Self::Day => 86_400_000_000,
        }
    }

    const fn width(self) -> i64 {
        match self {
            Self::Minute => 100_000,
            Self::Day => 60_000_000,
        }
    }
}

#[derive(Debug)]
struct Bucket {
    number: i64,
    amount: u64,
}

/// The amounts that count now, and those that soon will have aged.
#[derive(Debug)]
pub(crate) struct Window {
    span: Span,
    /// In the order of their numbers, none empty.
    buckets: VecDeque<Bucket>,
    total: u64,
}

impl Window {
    pub(crate) const fn new(span: Span) -> Self {
        Self { span, buckets: VecDeque::new(), total: 0 }
    }

    /// What counts at `now`.
    pub(crate) fn used(&mut self, now: Timestamp) -> u64 {
        while let Some(oldest) = self.buckets.pop_front_if(|bucket| end(self.span, bucket.number) <= now) {
            self.total = self.total.saturating_sub(oldest.amount);
        }
        self.total
    }

    /// Counts `amount`, which ages from `from` on.
    pub(crate) fn add(&mut self, from: Timestamp, amount: u64) {
        if amount == 0 {
            return;
        }
        let number = self.number(from);
        self.total = self.total.saturating_add(amount);
        match self.buckets.binary_search_by_key(&number, |bucket| bucket.number) {
            Ok(at) => self.buckets.get_mut(at).into_iter().for_each(|bucket| bucket.amount = bucket.amount.saturating_add(amount)),
            Err(at) => self.buckets.insert(at, Bucket { number, amount }),
        }
    }

    /// Takes back what [`Window::add`] counted; nothing if it has aged out since.
    pub(crate) fn remove(&mut self, from: Timestamp, amount: u64) {
        if amount == 0 {
            return;
        }
        let number = self.number(from);
        let Ok(at) = self.buckets.binary_search_by_key(&number, |bucket| bucket.number) else { return };
        let Some(bucket) = self.buckets.get_mut(at) else { return };
        let removed = amount.min(bucket.amount);
        bucket.amount -= removed;
        self.total = self.total.saturating_sub(removed);
        if bucket.amount == 0 {
            self.buckets.remove(at);
        }
    }

    /// What was counted as `before` from `from` on becomes `after` from `to` on. If that is the same bucket, only what it is more or less
    /// changes, and what it is more counts from `now`.
    pub(crate) fn change(&mut self, (from, before): (Timestamp, u64), (to, after): (Timestamp, u64), now: Timestamp) {
        if self.number(from) == self.number(to) {
            self.remove(from, before.saturating_sub(after));
            self.add(now, after.saturating_sub(before));
        } else {
            self.remove(from, before);
            self.add(to, after);
        }
    }

    /// When `amount` of what counts now will have aged out.
    pub(crate) fn free_at(&self, amount: u64) -> Option<Timestamp> {
        let mut freed = 0_u64;
        let last = self.buckets.iter().find(|bucket| {
            freed = freed.saturating_add(bucket.amount);
            freed >= amount
        })?;
        Some(end(self.span, last.number))
    }

    /// When nothing of it will be left; none if nothing is.
    pub(crate) fn empty_at(&self) -> Option<Timestamp> {
        self.buckets.back().map(|bucket| end(self.span, bucket.number))
    }

    /// What counts, by the moment from which it ages at the latest, in microseconds.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (i64, u64)> {
        self.buckets.iter().map(|bucket| (bucket.number.saturating_add(1).saturating_mul(self.span.width()) - 1, bucket.amount))
    }

    const fn number(&self, from: Timestamp) -> i64 {
        from.micros().div_euclid(self.span.width())
    }
}

/// The moment at which the youngest entry that a bucket can hold has left the window.
const fn end(span: Span, number: i64) -> Timestamp {
    Timestamp::from_micros(number.saturating_add(1).saturating_mul(span.width()).saturating_add(span.length()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_micros(millis * 1_000)
    }

    #[test]
    fn an_amount_counts_for_a_minute_and_at_most_a_bucket_longer() {
        let mut window = Window::new(Span::Minute);
        window.add(at(1_050), 3);
        window.add(at(1_099), 4);
        window.add(at(2_000), 5);
        assert_eq!([at(61_050), at(61_099), at(61_100), at(62_099), at(62_100)].map(|now| window.used(now)), [12, 12, 5, 5, 0]);
    }

    #[test]
    fn it_knows_when_there_will_be_room() {
        let mut window = Window::new(Span::Minute);
        (0..10).for_each(|second| window.add(at(second * 1_000), 10));
        assert_eq!(window.free_at(1), Some(at(60_100)));
        assert_eq!(window.free_at(10), Some(at(60_100)));
        assert_eq!(window.free_at(11), Some(at(61_100)));
        assert_eq!(window.free_at(100), Some(at(69_100)));
        assert_eq!((window.free_at(101), window.empty_at()), (None, Some(at(69_100))));
    }

    #[test]
    fn what_is_taken_back_leaves_no_bucket_and_what_aged_out_is_not_taken_back_twice() {
        let mut window = Window::new(Span::Day);
        window.add(at(0), 7);
        window.remove(at(0), 2);
        assert_eq!((window.used(at(1)), window.buckets.len()), (5, 1));
        window.remove(at(0), 5);
        assert_eq!((window.used(at(1)), window.buckets.len()), (0, 0));
        window.add(at(0), 7);
        assert_eq!(window.used(at(86_400_000 + 60_000)), 0);
        window.remove(at(0), 7);
        assert_eq!(window.used(at(86_400_000 + 60_000)), 0);
    }

    #[test]
    fn its_entries_fill_another_window_alike() {
        let (mut window, mut copy) = (Window::new(Span::Minute), Window::new(Span::Minute));
        [(0, 1), (50, 2), (150, 3), (-20, 4)].into_iter().for_each(|(millis, amount)| window.add(at(millis), amount));
        window.entries().for_each(|(from, amount)| copy.add(Timestamp::from_micros(from), amount));
        for now in [0, 59_979, 60_000, 60_099, 60_100, 60_200] {
            assert_eq!(window.used(at(now)), copy.used(at(now)), "{now}");
        }
    }
}

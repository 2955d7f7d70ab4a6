//! What each candidate did, time by time: a sample that is learned from the history and then drawn from.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use super::chance::{Purpose, Seed};
use super::course::Known;
use super::past::{Lesson, Outcome};
use super::sample::Sample;
use crate::failure::{Category, Failure};
use crate::id::PlatformModelId;
use crate::time::Timestamp;

/// Outcomes that are kept in all. Some 300 bytes each, as messages usually are; at most 2 KiB: 64 MiB.
const MOST_KEPT: usize = 32_768;
/// Of each candidate and time at first. Halved when there are too many of them.
const MOST_AT_FIRST: usize = 4_096;
/// Down to this; then times are made longer instead, since fewer say too little.
const FEWEST: usize = 64;
/// The shortest time that is looked at on its own.
const HOUR_MICROS: i64 = 3_600_000_000;
/// Times are doubled at most so often: eleven years.
const WIDEST: u32 = 17;

/// Gathers outcomes in bounded memory.
#[derive(Debug)]
pub(super) struct Gathering {
    seed: Seed,
    times: HashMap<(PlatformModelId, i64), Sample<Outcome>>,
    ranges: HashMap<PlatformModelId, Sample<Outcome>>,
    models: HashMap<Arc<str>, BTreeSet<PlatformModelId>>,
    kept: usize,
    most: usize,
    /// How often the length of a time was doubled.
    doubled: u32,
}

/// Outcomes to draw from.
#[derive(Debug)]
pub(super) struct Outcomes {
    times: HashMap<(PlatformModelId, i64), Kept>,
    ranges: HashMap<PlatformModelId, Kept>,
    models: HashMap<Arc<str>, BTreeSet<PlatformModelId>>,
    doubled: u32,
}

/// What a candidate did.
#[derive(Debug)]
struct Kept {
    outcomes: Vec<Arc<Outcome>>,
    /// The usual time to the first useful delta.
    first_delta: Option<Duration>,
}

impl Gathering {
    pub(super) fn new(seed: Seed) -> Self {
        let (times, ranges, models) = (HashMap::new(), HashMap::new(), HashMap::new());
        Self { seed, times, ranges, models, kept: 0, most: MOST_AT_FIRST, doubled: 0 }
    }

    /// Takes in what came of a task's calls, as far as that was the candidates' doing.
    pub(super) fn learn(&mut self, lesson: &Lesson) {
        for (place, call) in (0..).zip(&lesson.calls).filter(|(_, call)| call.outcome.is_the_candidates_own()) {
            let key = self.seed.draw(lesson.id, Purpose::Keep, place);
            let time = time_of(lesson.started_at, self.doubled);
            let (of_time, of_range) = (self.times.entry((call.offer, time)).or_default(), self.ranges.entry(call.offer).or_default());
            self.kept += usize::from(of_time.offer(key, &call.outcome, self.most));
            self.kept += usize::from(of_range.offer(key, &call.outcome, self.most));
            if !self.models.get(&lesson.model).is_some_and(|known| known.contains(&call.offer)) {
                self.models.entry(Arc::clone(&lesson.model)).or_default().insert(call.offer);
            }
            while self.kept > MOST_KEPT && self.make_room() {}
        }
    }

    /// Keeps less; gives whether there was a way to.
    fn make_room(&mut self) -> bool {
        if self.most > FEWEST {
            self.most /= 2;
        } else if self.doubled < WIDEST {
            self.doubled += 1;
            let mut wider: HashMap<(PlatformModelId, i64), Sample<Outcome>> = HashMap::new();
            for ((offer, time), sample) in self.times.drain() {
                wider.entry((offer, time.div_euclid(2))).or_default().merge(sample, self.most);
            }
            self.times = wider;
        } else if self.most > 1 {
            // More candidates than anybody has: a few outcomes of each.
            self.most /= 2;
        } else {
            return false;
        }
        let most = self.most;
        let samples = self.times.values_mut().chain(self.ranges.values_mut());
        self.kept = samples
            .map(|sample| {
                sample.shrink(most);
                sample.len()
            })
            .sum();
        true
    }

    pub(super) fn settle(self) -> Outcomes {
        Outcomes {
            times: self.times.into_iter().map(|(key, sample)| (key, Kept::of(sample))).collect(),
            ranges: self.ranges.into_iter().map(|(key, sample)| (key, Kept::of(sample))).collect(),
            models: self.models,
            doubled: self.doubled,
        }
    }

    #[cfg(test)]
    pub(super) const fn kept(&self) -> usize {
        self.kept
    }
}

impl Outcomes {
    /// An outcome of `offer` at a time of `model`'s tasks, by `ticket`; none if nothing is known of any of the model's candidates.
    pub(super) fn draw(&self, offer: PlatformModelId, model: &str, at: Timestamp, ticket: u64) -> Option<(Arc<Outcome>, Known)> {
        let time = time_of(at, self.doubled);
        let own = |kept: Option<&Kept>, known| kept.and_then(|kept| pick(&kept.outcomes, ticket)).map(|outcome| (outcome, known));
        own(self.times.get(&(offer, time)), Known::Time).or_else(|| own(self.ranges.get(&offer), Known::Range)).or_else(|| {
            let others = self.models.get(model)?;
            let of_time: Vec<_> =
                others.iter().filter_map(|other| self.times.get(&(*other, time))).flat_map(|kept| &kept.outcomes).collect();
            let of_range = || others.iter().filter_map(|other| self.ranges.get(other)).flat_map(|kept| &kept.outcomes).collect();
            let outcomes: Vec<_> = if of_time.is_empty() { of_range() } else { of_time };
            pick(&outcomes, ticket).map(|outcome| (Arc::clone(outcome), Known::Others))
        })
    }

    /// The usual time to the first useful delta at that time, if anybody knows.
    pub(super) fn first_delta(&self, offer: PlatformModelId, at: Timestamp) -> Option<Duration> {
        let of_time = self.times.get(&(offer, time_of(at, self.doubled))).and_then(|kept| kept.first_delta);
        of_time.or_else(|| self.ranges.get(&offer).and_then(|kept| kept.first_delta))
    }
}

impl Kept {
    fn of(sample: Sample<Outcome>) -> Self {
        let outcomes = sample.into_items();
        let mut first_deltas: Vec<Duration> = outcomes.iter().filter_map(|outcome| outcome.first_delta()).collect();
        first_deltas.sort_unstable();
        Self { first_delta: first_deltas.get(first_deltas.len() / 2).copied(), outcomes }
    }
}

impl Outcome {
    fn first_delta(&self) -> Option<Duration> {
        match self {
            Self::Answered(answer) => Some(answer.first_delta),
            Self::Failed { .. } | Self::CutOff => None,
        }
    }

    /// Our own limits and mistakes say nothing about a candidate, and neither does a caller that left.
    fn is_the_candidates_own(&self) -> bool {
        match self {
            Self::Answered(_) => true,
            Self::CutOff => false,
            Self::Failed { failure: Failure { category, .. }, .. } => match category {
                Category::LocalRateLimit | Category::Cancelled | Category::Internal => false,
                Category::Network
                | Category::Timeout
                | Category::RateLimit
                | Category::Overloaded
                | Category::ServerError
                | Category::Auth
                | Category::QuotaExhausted
                | Category::ModelUnavailable
                | Category::BadRequest
                | Category::ContentFilter
                | Category::ContextLength
                | Category::BadResponse => true,
            },
        }
    }
}

/// The number of the time in which something happened.
const fn time_of(at: Timestamp, doubled: u32) -> i64 {
    at.micros().div_euclid(HOUR_MICROS) >> doubled
}

fn pick<T: Clone>(from: &[T], ticket: u64) -> Option<T> {
    let place = ticket.checked_rem(from.len() as u64)?;
    usize::try_from(place).ok().and_then(|place| from.get(place)).cloned()
}

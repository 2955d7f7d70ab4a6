//! The two passes over a history: first what candidates did is learned, then every task is replayed.

use super::chance::Seed;
use super::compare;
use super::course::{Course, Ending, Paid};
use super::difference::Difference;
use super::order::{Arranger, Rebuilt};
use super::outcomes::{Gathering, Outcomes};
use super::past::{Lesson, Past, TaskRecord};
use super::play::{Rules, play};
use super::report::{EndingCount, Report, Tally, TaskDifference};
use super::totals::Totals;
use super::world::World;
use crate::reason::StopReason;

/// The first pass.
#[derive(Debug)]
pub struct Lessons {
    seed: Seed,
    gathering: Gathering,
}

/// The second pass.
#[derive(Debug)]
pub struct Replay {
    seed: Seed,
    world: World,
    outcomes: Outcomes,
    tasks: Tally,
    then: Totals,
    draft: Totals,
    /// Differences that are shown.
    most_shown: usize,
    shown: Vec<TaskDifference>,
}

impl Lessons {
    /// Nothing is known yet.
    #[must_use]
    pub fn new(seed: Seed) -> Self {
        Self { seed, gathering: Gathering::new(seed) }
    }

    /// Takes in what came of a task's calls. In any order.
    pub fn learn(&mut self, record: &TaskRecord) {
        if let Some(lesson) = Lesson::of(record) {
            self.gathering.learn(&lesson);
        }
    }
}

impl Replay {
    /// Begins the second pass; at most `most_shown` differing tasks are shown.
    #[must_use]
    pub fn new(world: World, lessons: Lessons, most_shown: usize) -> Self {
        Self {
            seed: lessons.seed,
            world,
            outcomes: lessons.gathering.settle(),
            tasks: Tally::default(),
            then: Totals::default(),
            draft: Totals::default(),
            most_shown,
            shown: Vec::new(),
        }
    }

    /// Whether it has asked what candidates did: then it is right only if that was learned before.
    #[must_use]
    pub const fn has_guessed(&self) -> bool {
        self.tasks.with_guesses > 0
    }

    /// Replays a task.
    pub fn take(&mut self, record: &TaskRecord) {
        self.tasks.read += 1;
        match Past::of(record) {
            Ok(past) => self.replay(&past),
            Err(skip) => *self.tasks.skipped.entry(skip).or_default() += 1,
        }
    }

    fn replay(&mut self, past: &Past) {
        let then = Course::recorded(past);
        let (draft, has_stubs) = self.course(past);
        self.tasks.replayed += 1;
        self.tasks.with_missing_candidates += u64::from(has_stubs);
        self.tasks.with_guesses += u64::from(!draft.guesses.is_empty());
        for guess in &draft.guesses {
            *self.tasks.guesses.entry(guess.known).or_default() += 1;
        }
        let differs_in = compare::differences(&then, &draft);
        if !differs_in.is_empty() {
            self.tasks.differing += 1;
            for what in &differs_in {
                *self.tasks.differing_in.entry(*what).or_default() += 1;
            }
            if self.shown.len() < self.most_shown {
                self.shown.push(TaskDifference::of(past, differs_in, &then, &draft));
            }
        }
        self.then.add(&then);
        self.draft.add(&draft);
    }

    /// How it would go, and whether some candidates are known by name alone.
    fn course(&self, past: &Past) -> (Course, bool) {
        let (world, outcomes, seed) = (&self.world, &self.outcomes, self.seed);
        let Rebuilt { selection, has_stubs } = Arranger { world, outcomes, seed }.rebuild(past);
        let course = match selection {
            Some(selection) => play(past, selection, Rules { world, outcomes, seed }),
            None => nobody(),
        };
        (course, has_stubs)
    }

    /// What was found.
    #[must_use]
    pub fn report(self) -> Report {
        let (then, draft) = (&self.then.endings, &self.draft.endings);
        let known = [Ending::Succeeded, Ending::Left, Ending::NoCandidate].map(Ending::as_str);
        let all = known.into_iter().chain(StopReason::ALL.iter().map(|reason| reason.as_str()).filter(|word| !known.contains(word)));
        let count = |ending| {
            let of = |side: &std::collections::BTreeMap<&str, u64>| side.get(ending).copied().unwrap_or(0);
            EndingCount { ending, then: of(then), draft: of(draft) }
        };
        Report {
            seed: self.seed.0,
            endings: all.map(count).filter(|count| count.then + count.draft > 0).collect(),
            difference: Difference::between(&self.then.figures(), &self.draft.figures()),
            then: self.then.figures(),
            draft: self.draft.figures(),
            tasks: self.tasks,
            differences: self.shown,
        }
    }
}

/// A task that the draft leaves nobody for.
fn nobody() -> Course {
    Course {
        ending: Ending::NoCandidate,
        decisions: Vec::new(),
        attempts: 0,
        served_by: None,
        first_delta: None,
        took: std::time::Duration::ZERO,
        paid: Paid::Nothing,
        guesses: Vec::new(),
    }
}

//! Plays a task through the machine: calls come to what was recorded of them, or what is drawn.

use std::sync::Arc;
use std::time::Duration;

use super::chance::{Purpose, Seed};
use super::compare;
use super::course::{Course, Ending, Guess, Known, Paid, Server};
use super::outcomes::Outcomes;
use super::paid::{Origin, paid};
use super::past::{Answer, AnswerEnd, Call, Outcome, Past};
use super::world::World;
use crate::candidates::Selection;
use crate::failure::{Category, Failure, Sent};
use crate::reason::Reason;
use crate::run::{Dice, Opening, Step, Stop};
use crate::trace::{Action, PolicySource, RemedyKind, TraceEntry};

/// Far above what any policy allows (99 attempts at each of some candidates): a replay that gets here stops.
const MOST_ATTEMPTS: u32 = 10_000;

/// What a replay goes by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules<'a> {
    pub(super) world: &'a World,
    pub(super) outcomes: &'a Outcomes,
    pub(super) seed: Seed,
}

/// Plays `past` among `selection`.
pub(super) fn play(past: &Past, selection: Selection, rules: Rules<'_>) -> Course {
    let deadline = past.trace.deadline_ms.map(Duration::from_millis);
    let (run, step) = Opening::start(selection, Arc::clone(rules.world.policy()), past.model_type, deadline);
    let player = Player {
        past,
        rules,
        deadline,
        run,
        now: Duration::ZERO,
        way: Way::Recorded,
        used: vec![false; past.calls.len()],
        attempts: 0,
        decisions: Vec::new(),
        guesses: Vec::new(),
    };
    player.play(step)
}

/// Whether everything has gone as it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Yes: the recorded times are the clock.
    Recorded,
    /// No: time is the sum of what calls take and waits last.
    Left,
}

struct Player<'a> {
    past: &'a Past,
    rules: Rules<'a>,
    deadline: Option<Duration>,
    run: Opening,
    /// From the start of the run.
    now: Duration,
    way: Way,
    /// Which recorded calls have been made again.
    used: Vec<bool>,
    attempts: u32,
    decisions: Vec<TraceEntry>,
    guesses: Vec<Guess>,
}

/// What a call comes to.
struct Coming {
    outcome: Arc<Outcome>,
    origin: Origin,
}

impl Player<'_> {
    fn play(mut self, mut step: Step) -> Course {
        loop {
            step = match step {
                Step::Attempt { number, .. } => {
                    self.attempts = number.get();
                    let Coming { outcome, origin } = self.coming();
                    match &*outcome {
                        Outcome::Failed { failure, took } => match self.failed(failure, *took) {
                            Some(step) => step,
                            None => return self.left(),
                        },
                        Outcome::Answered(answer) => match self.beyond(answer) {
                            Beyond::InTime => return self.answered(answer, origin),
                            Beyond::Deadline(failure) => self.decide(&failure),
                            Beyond::Patience => return self.left(),
                        },
                        Outcome::CutOff => return self.left(),
                    }
                }
                Step::Wait { delay } => match self.wait(delay) {
                    Some(step) => step,
                    None => return self.left(),
                },
                Step::Stop(stop) => return self.stopped(stop),
            };
            if self.attempts >= MOST_ATTEMPTS {
                return self.end(Ending::Failed(Reason::NoNextPlatform), None);
            }
        }
    }

    /// What the call that is due comes to: what it came to then, what another call of this candidate came to in this task, or a draw.
    fn coming(&mut self) -> Coming {
        let due = self.attempts as usize - 1;
        if self.way == Way::Recorded && self.past.calls.get(due).is_some_and(|call| self.is_made_by(call)) {
            return self.recorded(due);
        }
        self.way = Way::Left;
        let calls = self.past.calls.iter().zip(&self.used).enumerate();
        let unused = calls.filter(|(_, (call, used))| !**used && !matches!(*call.outcome, Outcome::CutOff));
        let found = unused.filter(|(_, (call, _))| self.is_made_by(call)).map(|(place, _)| place).next();
        match found {
            Some(place) => self.recorded(place),
            None => self.drawn(),
        }
    }

    /// Whether the candidate whose turn it is made this call.
    fn is_made_by(&self, call: &Call) -> bool {
        let credential = || self.run.credential().is_some_and(|credential| Some(&*credential.name) == call.credential.as_deref());
        call.offer == self.run.candidate().offer.id && (call.credential.is_none() || credential())
    }

    fn recorded(&mut self, place: usize) -> Coming {
        if let Some(used) = self.used.get_mut(place) {
            *used = true;
        }
        let outcome = self.past.calls.get(place).map_or_else(|| Arc::new(Outcome::CutOff), |call| Arc::clone(&call.outcome));
        Coming { outcome, origin: Origin::Recorded }
    }

    fn drawn(&mut self) -> Coming {
        let (Rules { outcomes, seed, .. }, past) = (self.rules, self.past);
        let ticket = seed.draw(past.id, Purpose::Outcome, self.attempts.into());
        let drawn = outcomes.draw(self.run.candidate().offer.id, &past.model, past.started_at, ticket);
        let (outcome, known) = drawn.unwrap_or_else(|| (Arc::new(nothing_known()), Known::Others));
        self.guesses.push(Guess { attempt: self.attempts, known });
        Coming { outcome, origin: Origin::Drawn }
    }

    /// What was decided then about the attempt that is due, as long as all goes as it went.
    fn then(&self) -> Option<&TraceEntry> {
        (self.way == Way::Recorded).then(|| self.past.decision(self.attempts)).flatten()
    }

    /// The call failed; none if the caller is gone by then.
    fn failed(&mut self, failure: &Failure, took: Duration) -> Option<Step> {
        self.now = match self.then() {
            Some(then) => Duration::from_millis(then.at_ms),
            None => self.now.saturating_add(took),
        };
        if self.way == Way::Left {
            if self.past.patience.is_some_and(|patience| self.now >= patience) {
                return None;
            }
            // It was called with what was left of the caller's time.
            if let Some(deadline) = self.deadline.filter(|deadline| self.now > *deadline) {
                self.now = deadline;
                return Some(self.decide(&too_late()));
            }
        }
        Some(self.decide(failure))
    }

    fn decide(&mut self, failure: &Failure) -> Step {
        let then = self.then().cloned();
        let recorded = then.as_ref().or_else(|| self.past.decision(self.attempts));
        let dice = recorded.and_then(|entry| entry.dice);
        let drawn = || Dice(self.rules.seed.draw(self.past.id, Purpose::Wait, self.attempts.into()));
        // Its policy set took the candidate out then: it would have again.
        let out = then.iter().flat_map(|entry| &entry.remedies).filter(|note| note.source == PolicySource::PolicySet);
        if let Some(note) = out.into_iter().find(|note| matches!(note.remedy, RemedyKind::OpenCircuit | RemedyKind::Disable)) {
            self.run.taken_out(note.remedy);
        }
        let mut verdict = self.run.failed(failure, self.now, dice.unwrap_or_else(drawn));
        if let Some(then) = &then {
            // Of before dice were recorded: the wait is as it was.
            if verdict.entry.action == Action::RetrySameClient && then.action == Action::RetrySameClient && then.dice.is_none() {
                verdict.entry.wait_ms = then.wait_ms;
            }
            if !compare::does_the_same(then, &verdict.entry) {
                self.way = Way::Left;
            }
        }
        self.decisions.push(verdict.entry);
        verdict.step
    }

    /// A wait; none if the caller goes away in it.
    fn wait(&mut self, delay: Duration) -> Option<Step> {
        // What was decided then at the end of the wait, if it was not another attempt.
        let ended = (self.way == Way::Recorded).then(|| self.past.trace.decisions.get(self.decisions.len())).flatten();
        match ended.filter(|entry| entry.attempt == self.attempts) {
            Some(entry) if entry.reason == Reason::ClientCancelled => return None,
            Some(entry) => self.now = Duration::from_millis(entry.at_ms),
            None => self.now = self.now.saturating_add(delay),
        }
        if self.way == Way::Left && self.past.patience.is_some_and(|patience| self.now >= patience) {
            return None;
        }
        Some(self.run.waited(self.now))
    }

    /// Whether the answer begins too late.
    fn beyond(&mut self, answer: &Answer) -> Beyond {
        if self.way == Way::Recorded {
            return Beyond::InTime;
        }
        let begins = self.now.saturating_add(answer.first_delta);
        match (self.past.patience, self.deadline) {
            (Some(patience), _) if begins >= patience => Beyond::Patience,
            (_, Some(deadline)) if begins > deadline => {
                self.now = deadline;
                Beyond::Deadline(too_late())
            }
            (_, _) => Beyond::InTime,
        }
    }

    fn answered(mut self, answer: &Answer, origin: Origin) -> Course {
        let began = match self.past.calls.get(self.attempts as usize - 1).filter(|_| self.way == Way::Recorded) {
            Some(call) => call.begins,
            None => self.now,
        };
        let first_delta = Some(began.saturating_add(answer.first_delta));
        self.now = match self.then() {
            Some(then) => Duration::from_millis(then.at_ms),
            None => began.saturating_add(answer.took),
        };
        let offer = Arc::clone(&self.run.candidate().offer);
        let paid = paid(self.past, self.rules.world, &offer, answer, origin);
        let server = Server { platform_model: offer.id, platform: Arc::clone(&offer.platform.name), attempt: self.attempts };
        let (run, now) = (self.run, self.now);
        let delivery = run.deliver();
        let ending = match &answer.end {
            AnswerEnd::Whole => Ending::Succeeded,
            AnswerEnd::BrokeOff(failure) => {
                let entry = delivery.failed(failure, now);
                let reason = entry.reason;
                self.decisions.push(entry);
                Ending::Failed(reason)
            }
            AnswerEnd::Left => {
                self.decisions.push(delivery.cancelled(now));
                Ending::Left
            }
        };
        let took = if self.way == Way::Recorded { self.past.took } else { now };
        Course {
            ending,
            decisions: self.decisions,
            attempts: self.attempts,
            served_by: Some(server),
            first_delta,
            took,
            paid,
            guesses: self.guesses,
        }
    }

    /// The caller went away before anything was delivered.
    fn left(mut self) -> Course {
        if let Some(patience) = self.past.patience {
            self.now = patience;
        }
        let stop = self.run.cancelled(self.now);
        self.end(Ending::Left, Some(stop))
    }

    fn stopped(self, stop: Stop) -> Course {
        self.end(Ending::stopped(stop.reason), Some(stop))
    }

    fn end(mut self, ending: Ending, stop: Option<Stop>) -> Course {
        self.decisions.extend(stop.and_then(|stop| stop.entry).map(|entry| *entry));
        Course {
            ending,
            decisions: self.decisions,
            attempts: self.attempts,
            served_by: None,
            first_delta: None,
            took: if self.way == Way::Recorded { self.past.took } else { self.now },
            paid: Paid::Nothing,
            guesses: self.guesses,
        }
    }
}

/// Whether an answer begins before nobody waits for it any more.
enum Beyond {
    InTime,
    /// The caller's own deadline passed first.
    Deadline(Failure),
    /// The caller was gone first.
    Patience,
}

fn too_late() -> Failure {
    Failure::new(Category::Timeout, Sent::Maybe, "the caller's deadline passed")
}

/// Of a model nobody of which was ever called: no answer is promised.
fn nothing_known() -> Outcome {
    let failure = Failure::new(Category::Internal, Sent::Nothing, "nothing was recorded of any candidate of this model");
    Outcome::Failed { failure, took: Duration::ZERO }
}

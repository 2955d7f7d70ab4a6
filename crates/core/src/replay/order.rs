//! Who could have served a recorded task with the draft, and in which order.
//!
//! Candidates that the draft does not touch keep the order of the time. Those it moves are put in their new place: by priority, then by
//! the model's strategy, as in `candidates::order`.

use std::sync::Arc;

use super::chance::{Purpose, Seed};
use super::outcomes::Outcomes;
use super::past::Past;
use super::stub;
use super::world::{Offer, Part, World, priority};
use crate::candidates::{Candidate, Candidates, Chance, LeftOutReason, Selection};
use crate::catalog::Strategy;
use crate::money::Money;
use crate::pricing;
use crate::run_trace::{CandidateNote, EstimateNote};

/// The candidates of a recorded task.
pub(super) struct Rebuilt {
    /// None if nobody is left.
    pub(super) selection: Option<Selection>,
    /// Whether some are known by name alone.
    pub(super) has_stubs: bool,
}

/// One in its place.
struct Placed {
    candidate: Candidate,
    /// Its place among those of equal priority is to be found anew.
    loose: bool,
}

/// Where candidates are put.
pub(super) struct Arranger<'a> {
    pub(super) world: &'a World,
    pub(super) outcomes: &'a Outcomes,
    pub(super) seed: Seed,
}

impl Arranger<'_> {
    /// The candidates of `past`.
    pub(super) fn rebuild(&self, past: &Past) -> Rebuilt {
        let mut has_stubs = false;
        let mut placed: Vec<Placed> = Vec::with_capacity(past.trace.candidates.len());
        for note in &past.trace.candidates {
            match self.world.offer(note.platform_model) {
                Some(offer) if offer.part == Part::GoesOut => {}
                Some(offer) => placed.push(self.placed(past, note, offer)),
                None => {
                    has_stubs = true;
                    placed.push(Placed { candidate: stub::candidate(past, note, self.world), loose: false });
                }
            }
        }
        let sticky = sticky(past, &placed);
        placed.extend(self.comers(past));
        let mut candidates = Vec::with_capacity(placed.len());
        for segment in segments(&past.model, placed) {
            candidates.extend(self.arranged(past, segment));
        }
        if let Some(place) = candidates.iter().position(|candidate| Some(candidate.offer.id) == sticky) {
            candidates[..=place].rotate_right(1);
        }
        let mut rest = candidates.into_iter();
        let selection = rest.next().map(|first| Selection {
            model: self.world.model(&past.model).map_or_else(|| stub::model(&past.model), Arc::clone),
            candidates: Candidates::new(first, rest.collect()),
            left_out: Vec::new(),
        });
        Rebuilt { selection, has_stubs }
    }

    fn placed(&self, past: &Past, note: &CandidateNote, offer: &Offer) -> Placed {
        let chance = match (note.last_resort, note.probe) {
            (true, _) => Chance::LastResort,
            (false, true) => Chance::Probe,
            (false, false) => Chance::Usual,
        };
        let priority = if offer.moved { priority(&offer.draft).saturating_add(note.demotion) } else { note.priority };
        let credentials = stub::credentials(past, note, &offer.draft.platform);
        let fallback = note.fallback_model.is_some();
        let candidate = Candidate { fallback, credentials, ..Candidate::new(&offer.draft, priority, chance) };
        Placed { loose: self.is_loose(offer), candidate }
    }

    fn is_loose(&self, offer: &Offer) -> bool {
        let model = &offer.draft.model;
        let by_cost = self.world.strategy(model) == Strategy::LowestCost;
        offer.moved || offer.reweighted || self.world.is_rearranged(model) || (by_cost && offer.repriced)
    }

    /// Those who were switched off then, and whom the draft switches on.
    fn comers(&self, past: &Past) -> Vec<Placed> {
        let switched_off = |reason| match reason {
            LeftOutReason::PlatformDisabled | LeftOutReason::Disabled | LeftOutReason::NoPrice => true,
            LeftOutReason::WrongModelType
            | LeftOutReason::AutoDisabled
            | LeftOutReason::CoolingDown
            | LeftOutReason::CircuitOpen
            | LeftOutReason::CircuitHalfOpen
            | LeftOutReason::LacksCapability
            | LeftOutReason::ContextTooSmall => false,
        };
        let notes = past.trace.left_out.iter().filter(|note| switched_off(note.reason));
        let comers = notes.filter_map(|note| self.world.offer(note.platform_model)).filter(|offer| offer.part == Part::ComesIn);
        let placed = comers.map(|offer| {
            let mut candidate = Candidate::new(&offer.draft, priority(&offer.draft), Chance::Usual);
            candidate.fallback = offer.draft.model != past.model;
            if candidate.several_credentials() {
                candidate.credentials.clone_from(&offer.draft.platform.credentials);
            }
            Placed { candidate, loose: true }
        });
        placed.collect()
    }

    fn arranged(&self, past: &Past, mut segment: Vec<Placed>) -> Vec<Candidate> {
        if segment.iter().any(|placed| placed.loose) {
            segment.sort_by_key(|placed| placed.candidate.priority);
            for equal in segment.chunk_by_mut(|one, other| one.candidate.priority == other.candidate.priority) {
                if equal.iter().any(|placed| placed.loose) {
                    self.arrange(past, equal);
                }
            }
        }
        segment.into_iter().map(|placed| placed.candidate).collect()
    }

    /// Puts candidates of equal priority in order.
    fn arrange(&self, past: &Past, equal: &mut [Placed]) {
        self.draw(past, equal);
        let Some(first) = equal.first() else { return };
        match self.world.strategy(&first.candidate.offer.model) {
            // How busy they were is not known: by weight, as it is in the long run.
            Strategy::Priority | Strategy::Weighted | Strategy::LeastBusy => {}
            Strategy::LowestLatency => {
                equal.sort_by_cached_key(|placed| self.outcomes.first_delta(placed.candidate.offer.id, past.started_at));
            }
            Strategy::LowestCost => equal.sort_by_cached_key(|placed| cost(&placed.candidate, past.trace.estimate.as_ref())),
        }
    }

    /// Draws by weight. A place among those that are not loose is drawn already: theirs was the same draw.
    fn draw(&self, past: &Past, equal: &mut [Placed]) {
        for place in 0..equal.len() {
            let rest = &mut equal[place..];
            let weight = |placed: &Placed| u64::from(placed.candidate.offer.weight.get());
            let total: u64 = rest.iter().map(weight).sum();
            let mut ticket = self.seed.draw(past.id, Purpose::Order, place as u64) % total.max(1);
            let drawn = rest.iter().position(|placed| {
                let wins = ticket < weight(placed);
                ticket = ticket.saturating_sub(weight(placed));
                wins
            });
            // Whoever of the others is drawn, the first of them comes.
            let first_of_others = rest.iter().position(|placed| !placed.loose);
            let comes = drawn.map(|drawn| if rest[drawn].loose { drawn } else { first_of_others.unwrap_or(drawn) });
            rest[..=comes.unwrap_or(0)].rotate_right(1);
        }
    }
}

/// What a call costs the operator; what can't be computed comes last.
fn cost(candidate: &Candidate, estimate: Option<&EstimateNote>) -> Money {
    const LAST: Money = Money::from_nanos(i64::MAX);
    let (Some(version), Some(estimate)) = (&candidate.offer.price, estimate) else { return LAST };
    pricing::cost_estimate(version, &estimate.usage()).unwrap_or(LAST)
}

/// A model's candidates that are well, then its last resorts; then the same of each fallback. Nobody leaves theirs.
fn segments(asked: &Arc<str>, placed: Vec<Placed>) -> Vec<Vec<Placed>> {
    let mut models = vec![Arc::clone(asked)];
    let mut segments: Vec<((usize, bool), Vec<Placed>)> = Vec::new();
    for one in placed {
        let model = &one.candidate.offer.model;
        let place = models.iter().position(|known| known == model).unwrap_or_else(|| {
            models.push(Arc::clone(model));
            models.len() - 1
        });
        let key = (place, one.candidate.chance == Chance::LastResort);
        match segments.iter_mut().find(|(other, _)| *other == key) {
            Some((_, segment)) => segment.push(one),
            None => segments.push((key, vec![one])),
        }
    }
    segments.sort_by_key(|(key, _)| *key);
    segments.into_iter().map(|(_, segment)| segment).collect()
}

/// The one that was put before all others because it had served the same prompt before: it shows by a place that its priority does not
/// explain.
fn sticky(past: &Past, placed: &[Placed]) -> Option<crate::id::PlatformModelId> {
    let [first, second, ..] = past.trace.candidates.as_slice() else { return None };
    let sticks = first.priority > second.priority && !first.last_resort && !second.last_resort && second.fallback_model.is_none();
    let still = placed.iter().any(|placed| placed.candidate.offer.id == first.platform_model);
    (sticks && still).then_some(first.platform_model)
}

//! What the policies did, in the order of time: from the traces what they did to candidates, from the watcher what got better.

use std::time::Duration;

use easyai_core::trace::{RemedyNote, TraceEntry, millis};

use super::Event;
use crate::lab::gather::Told;
use crate::lab::play::{Played, START};
use crate::lab::watch::{Better, Change};

/// Words for what is no remedy.
const LAST_RESORT: &str = "last_resort";
const PROBE: &str = "circuit_half_open";

/// Everything, what comes several times in a row in one.
pub fn timeline(played: &Played) -> Vec<Event> {
    let mut all: Vec<Event> = played.told.iter().flat_map(of_task).chain(played.changes.iter().map(of_change)).collect();
    all.sort_by(|one, other| (one.at_ms, &one.whom, one.what).cmp(&(other.at_ms, &other.whom, other.what)));
    let mut folded: Vec<Event> = Vec::new();
    for event in all {
        // What alternates with something else to somebody else is in a row all the same.
        let last = folded.iter_mut().rev().find(|last| last.whom == event.whom);
        match last.filter(|last| last.sentence == event.sentence) {
            Some(last) => {
                last.times += 1;
                last.last_at_ms = event.at_ms;
            }
            None => folded.push(event),
        }
    }
    folded
}

fn of_task(told: &Told) -> Vec<Event> {
    let Some(trace) = &told.trace else { return Vec::new() };
    let begun = told.task.started_at.since(START);
    // Only who was called served so.
    let called =
        trace.candidates.iter().filter(|candidate| told.attempts.iter().any(|attempt| attempt.platform_model == candidate.platform_model));
    let chances = called.filter_map(|candidate| {
        let (what, sentence) = match (candidate.last_resort, candidate.probe) {
            (true, _) => (LAST_RESORT, "serves as a last resort: too few others are left"),
            (false, true) => (PROBE, "its circuit breaker is half-open: this call is its probe"),
            (false, false) => return None,
        };
        Some(event(begun, candidate.platform.to_string(), what, sentence.to_owned()))
    });
    let remedies = trace.decisions.iter().flat_map(|entry| entry.remedies.iter().map(move |remedy| of_remedy(begun, entry, remedy)));
    chances.chain(remedies).collect()
}

fn of_remedy(begun: Duration, entry: &TraceEntry, remedy: &RemedyNote) -> Event {
    let whom = match &entry.credential {
        Some(credential) => format!("{} ({credential})", entry.platform),
        None => entry.platform.clone(),
    };
    let rule = remedy.rule.map(|rule| format!(" rule {rule}")).unwrap_or_default();
    let status = entry.failure.status.map(|status| format!(" (HTTP {status})")).unwrap_or_default();
    let sentence = format!("{} by {}{rule}, after {}{status}", remedy.sentence(), remedy.source, entry.failure.category);
    event(begun + Duration::from_millis(entry.at_ms), whom, remedy.remedy.as_str(), sentence)
}

fn of_change(change: &Change) -> Event {
    let sentence = match change.what {
        Better::Closed => "its circuit breaker closes: a call went well".to_owned(),
        Better::Healed if change.steps == 0 => "its demotion is healed by a success".to_owned(),
        Better::Healed => format!("its demotion is healed to {} by a success", change.steps),
    };
    event(change.at, change.whom.clone(), change.what.as_str(), sentence)
}

fn event(at: Duration, whom: String, what: &'static str, sentence: String) -> Event {
    let at_ms = millis(at);
    Event { at_ms, last_at_ms: at_ms, times: 1, whom, what, sentence }
}

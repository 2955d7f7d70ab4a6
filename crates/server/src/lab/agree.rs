//! Whether *explain*, asked right before a call, says what the call's trace says afterwards.

use std::collections::{BTreeMap, BTreeSet};

use easyai_core::explain::Explanation;
use easyai_core::id::TaskId;
use serde::Serialize;

use super::caller::Outcome;
use super::gather::Told;

/// Differences that are told; what differs often differs for one reason.
const SHOWN: usize = 20;

/// What was compared, and where it differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Agreement {
    /// Calls that were explained and whose task is known.
    pub compared: u64,
    /// What differs, each a sentence for a person.
    pub differences: Vec<String>,
}

/// Compares all that was explained; none if nothing was.
pub fn agreement(outcomes: &[Outcome], told: &[Told]) -> Option<Agreement> {
    let explained: Vec<_> = outcomes.iter().filter_map(|outcome| Some((outcome.explained.as_deref()?, outcome.task))).collect();
    if explained.is_empty() {
        return None;
    }
    let by_task: BTreeMap<TaskId, &Told> = told.iter().map(|told| (told.task.id, told)).collect();
    // Whoever went away before an answer was not told its task.
    let pairs: Vec<_> = explained.into_iter().filter_map(|(explained, task)| Some((explained, *by_task.get(&task?)?))).collect();
    let differences = pairs.iter().flat_map(|(explained, told)| differences(explained, told)).take(SHOWN);
    Some(Agreement { compared: pairs.len() as u64, differences: differences.collect() })
}

fn differences(explained: &Explanation, told: &Told) -> Vec<String> {
    let mut found = Vec::new();
    let mut compare = |what: &str, said: String, done: String| {
        if said != done {
            found.push(format!("{}: {what}: it was said {said}, the trace says {done}", told.task.id));
        }
    };
    if let Some(trace) = &told.trace {
        compare("left out", format!("{:?}", explained.left_out), format!("{:?}", trace.left_out));
        let said = explained.candidates.iter().map(|candidate| (&*candidate.platform, candidate.priority, candidate.last_resort));
        let done = trace.candidates.iter().map(|candidate| (&*candidate.platform, candidate.priority, candidate.last_resort));
        // In no order: among equals it is drawn.
        compare("candidates", format!("{:?}", said.collect::<BTreeSet<_>>()), format!("{:?}", done.collect::<BTreeSet<_>>()));
    }
    // What is refused before anything is tried.
    if let (true, Some(code)) = (told.attempts.is_empty(), told.task.code) {
        let said = explained.refused.as_ref().map(|refused| format!("{}: {}", refused.code, refused.message)).unwrap_or_default();
        compare("refusal", said, format!("{code}: {}", told.task.message.as_deref().unwrap_or_default()));
    }
    found
}

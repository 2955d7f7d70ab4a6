//! What differs between how a task went and how it would go.

use super::course::Course;
use crate::trace::{Action, PolicySource, RemedyKind, RemedyNote, TraceEntry};

crate::words! {
    /// What differs.
    pub enum What as "difference" {
        /// What was done after a failure.
        Decisions = "decisions",
        /// How it ended.
        Ending = "ending",
        /// Who answered.
        ServedBy = "served_by",
        /// What the account pays.
        Charge = "charge",
        /// What the platform charges the operator.
        Cost = "cost",
    }
}

/// What differs; nothing if it went the same way. Times alone are no difference: they follow from decisions and chance.
pub(super) fn differences(then: &Course, now: &Course) -> Vec<What> {
    let decisions = then.decisions.len() != now.decisions.len()
        || then.decisions.iter().zip(&now.decisions).any(|(then, now)| !does_the_same(then, now) || !orders_the_same(then, now));
    let paid = |course: &Course| (course.paid.charge(), course.paid.cost());
    let ((charge_then, cost_then), (charge_now, cost_now)) = (paid(then), paid(now));
    let all = [
        (What::Decisions, decisions),
        (What::Ending, then.ending != now.ending),
        (What::ServedBy, then.served_by.as_ref().map(|by| by.platform_model) != now.served_by.as_ref().map(|by| by.platform_model)),
        (What::Charge, charge_then != charge_now),
        (What::Cost, cost_then != cost_now),
    ];
    all.into_iter().filter_map(|(what, differs)| differs.then_some(what)).collect()
}

/// Whether the same is done. By which rule is not asked: a rule that says what the table says changes nothing.
pub(super) fn does_the_same(then: &TraceEntry, now: &TraceEntry) -> bool {
    let done = |entry: &TraceEntry| (entry.attempt, entry.platform_model, entry.action, entry.wait_ms);
    let stops_alike = then.action != Action::Stop || then.reason == now.reason;
    done(then) == done(now) && then.credential == now.credential && stops_alike
}

/// Whether the same is ordered for the candidate. What live health adds of its own when it counts failures is no decision of the run:
/// demotions by the runner policy's demotion rules, circuit breakers, auto-disable rules.
fn orders_the_same(then: &TraceEntry, now: &TraceEntry) -> bool {
    let done = |remedy: &RemedyNote| (remedy.remedy, remedy.scope, remedy.lasting_ms, remedy.steps);
    match now.remedies.first() {
        Some(ordered) => then.remedies.iter().any(|remedy| done(remedy) == done(ordered)),
        None => !then.remedies.iter().any(is_ordered),
    }
}

fn is_ordered(remedy: &RemedyNote) -> bool {
    match remedy.remedy {
        RemedyKind::CoolDown => true,
        RemedyKind::Disable => remedy.source != PolicySource::PolicySet,
        // By a failover rule or a demotion rule: it can't be told.
        RemedyKind::Demote | RemedyKind::OpenCircuit => false,
    }
}

//! Counts of a report.

use std::collections::BTreeMap;
use std::time::Duration;

use easyai_core::money::Money;
use easyai_core::task::{AttemptStatus, TaskStatus};
use easyai_core::trace::{Action, millis};
use easyai_store::verify;

use super::{Callers, Example, FaultView, LedgerView, MoneyView, PlatformView, Reasoned, Spread};
use crate::lab::caller::{Ending, Outcome};
use crate::lab::faults::Seen;
use crate::lab::gather::Told;
use crate::lab::play::Played;
use crate::lab::scenario::{Fault, Load, Scenario};
use crate::lab::world::CURRENCY;

/// A load in a line.
pub fn load(load: &Load) -> String {
    let mut line = format!(
        "{} requests a second for {} from {} s to {} s",
        load.requests_per_second,
        load.model,
        load.from.as_secs(),
        load.until.as_secs()
    );
    let mut add = |text: String| line.extend([", ", &text]);
    if load.streamed_percent > 0 {
        add(format!("{} % streamed", load.streamed_percent));
    }
    if let Some(most) = load.max_tokens {
        add(format!("max_tokens {most}"));
    }
    if let Some(ms) = load.timeout_ms {
        add(format!("a deadline of {ms} ms"));
    }
    if let Some(ms) = load.queue_timeout_ms {
        add(format!("willing to wait {ms} ms for a limit"));
    }
    if let Some(ms) = load.leaves_after_ms {
        add(format!("going away after {ms} ms"));
    }
    if !load.needs.is_empty() {
        add(format!("in need of {}", load.needs.iter().map(|need| need.as_str()).collect::<Vec<_>>().join(", ")));
    }
    line
}

/// Each fault, and whom it met.
pub fn faults(faults: &[Fault], seen: &[Seen]) -> Vec<FaultView> {
    let view = |(place, fault): (usize, &Fault)| {
        let met: Vec<u64> = seen.iter().filter(|seen| seen.fault == Some(place)).map(|seen| millis(seen.at)).collect();
        FaultView { what: describe(fault), met: met.len() as u64, first_at_ms: met.first().copied(), last_at_ms: met.last().copied() }
    };
    faults.iter().enumerate().map(view).collect()
}

fn describe(fault: &Fault) -> String {
    let table = &fault.table;
    let mut whom = table.platform.get_ref().clone();
    if let Some(credential) = &table.credential {
        whom.push_str(&format!(" with {}", credential.get_ref()));
    }
    if let Some(model) = &table.model {
        whom.push_str(&format!(" for {}", model.get_ref()));
    }
    let mut what = Vec::new();
    what.extend(table.category.map(|category| category.to_string()));
    what.extend(table.position.as_ref().map(|position| format!("{} ({} deltas)", position.get_ref(), table.deltas)));
    what.extend(table.retry_after_seconds.map(|seconds| format!("Retry-After {seconds} s")));
    what.extend(table.latency_ms.map(|ms| format!("{ms} ms before it answers")));
    what.extend(table.chunk_delay_ms.map(|ms| format!("{ms} ms between deltas")));
    let (share, from, until) = (fault.share_percent, fault.from.as_secs(), fault.until.as_secs());
    format!("{whom}: {} for {share} % of its calls from {from} s to {until} s", what.join(", "))
}

/// What callers got.
pub fn callers(outcomes: &[Outcome]) -> Callers {
    let count = |ending| outcomes.iter().filter(|outcome| outcome.ending == ending).count() as u64;
    let mut failed = BTreeMap::new();
    for outcome in outcomes {
        if let Ending::Refused(code) = outcome.ending {
            *failed.entry(code.as_str()).or_default() += 1;
        }
    }
    let answered = || outcomes.iter().filter(|outcome| outcome.ending == Ending::Answered);
    Callers {
        asked: outcomes.len() as u64,
        succeeded: count(Ending::Answered),
        failed,
        broken_off: count(Ending::BrokenOff),
        went_away: count(Ending::WentAway),
        first_delta_ms: spread(answered().filter_map(|outcome| outcome.first_delta)),
        total_ms: spread(answered().map(|outcome| outcome.total)),
    }
}

fn spread(times: impl Iterator<Item = Duration>) -> Option<Spread> {
    let mut times: Vec<u64> = times.map(millis).collect();
    times.sort_unstable();
    // Nearest rank: a time that somebody really waited.
    let rank = |percent: usize| times.get((times.len() * percent).div_ceil(100).saturating_sub(1)).copied();
    Some(Spread { p50: rank(50)?, p95: rank(95)?, p99: rank(99)?, max: rank(100)? })
}

/// How many tasks had how many attempts.
pub fn attempts_per_task(told: &[Told]) -> BTreeMap<u32, u64> {
    told.iter().fold(BTreeMap::new(), |mut counts, told| {
        *counts.entry(told.task.attempts).or_default() += 1;
        counts
    })
}

/// Each platform, the first to be tried first.
pub fn platforms(scenario: &Scenario, played: &Played) -> Vec<PlatformView> {
    let mut names: Vec<(u32, &String)> = scenario.catalog.platforms.iter().map(|(name, spec)| (spec.priority, name)).collect();
    names.sort();
    let attempts = || played.told.iter().flat_map(|told| &told.attempts);
    let served = |name: Option<&str>| {
        let by = |attempt: &&easyai_store::journal::AttemptRow| name.is_none_or(|name| *attempt.platform == *name);
        attempts().filter(by).filter(|attempt| attempt.status == AttemptStatus::Succeeded).count() as u64
    };
    let all = served(None).max(1);
    let view = |(_, name): (u32, &String)| {
        let mut failed = BTreeMap::new();
        for failure in attempts().filter(|attempt| *attempt.platform == **name).filter_map(|attempt| attempt.failure.as_ref()) {
            *failed.entry(failure.category.as_str()).or_default() += 1;
        }
        let calls = played.seen.iter().filter(|seen| seen.platform == *name).count() as u64;
        let served = served(Some(name));
        PlatformView { name: name.clone(), calls, served, share_basis_points: served * 10_000 / all, failed }
    };
    names.into_iter().map(view).collect()
}

/// All reasons of decisions, and of leaving candidates out.
pub fn reasons(told: &[Told]) -> (Vec<Reasoned>, Vec<Reasoned>) {
    let (mut decisions, mut left_out) = (BTreeMap::new(), BTreeMap::new());
    for (told, number) in told.iter().zip(1..) {
        let Some(trace) = &told.trace else { continue };
        for entry in &trace.decisions {
            let key = (rank(entry.action), entry.action.as_str(), entry.reason.as_str());
            add(&mut decisions, key, || entry.sentence(), number);
        }
        for left in &trace.left_out {
            add(&mut left_out, (0, "", left.reason.as_str()), || left.message.clone(), number);
        }
    }
    (decisions.into_values().collect(), left_out.into_values().collect())
}

type Reasons = BTreeMap<(u8, &'static str, &'static str), Reasoned>;

fn add(all: &mut Reasons, key: (u8, &'static str, &'static str), example: impl FnOnce() -> String, task: usize) {
    let action = (!key.1.is_empty()).then_some(key.1);
    let new = || Reasoned { action, reason: key.2, times: 0, example: example(), task };
    all.entry(key).or_insert_with(new).times += 1;
}

const fn rank(action: Action) -> u8 {
    match action {
        Action::RetrySameClient => 0,
        Action::NextCredential => 1,
        Action::NextPlatform => 2,
        Action::Stop => 3,
    }
}

/// What it cost.
pub fn money(told: &[Told]) -> MoneyView {
    let sum = |amounts: &mut dyn Iterator<Item = Money>| Money::from_nanos(amounts.map(Money::nanos).fold(0, i64::saturating_add));
    let broken = || told.iter().filter(|told| told.task.status != TaskStatus::Succeeded);
    // A cost is only owed where something was delivered.
    let cost = |told: &Told| told.task.bill.as_ref().and_then(|bill| bill.cost).or(told.task.cost).unwrap_or_default();
    let charged = sum(&mut told.iter().map(|told| told.task.charge.unwrap_or_default()));
    let all_cost = sum(&mut told.iter().map(cost));
    let failed = || told.iter().flat_map(|told| &told.attempts).filter(|attempt| attempt.status == AttemptStatus::Failed);
    MoneyView {
        currency: CURRENCY,
        charged,
        cost: all_cost,
        margin: Money::from_nanos(charged.nanos().saturating_sub(all_cost.nanos())),
        charged_for_broken: sum(&mut broken().map(|told| told.task.charge.unwrap_or_default())),
        cost_of_broken: sum(&mut broken().map(cost)),
        failed_attempts: failed().count() as u64,
        waited_for_failed_ms: failed().filter_map(|attempt| attempt.duration_ms).sum(),
    }
}

/// Whether the books are right.
pub fn ledger(books: &verify::Report) -> LedgerView {
    LedgerView { clean: books.is_clean(), entries: books.entries, tasks: books.tasks, findings: books.findings.clone() }
}

/// Whether a task is of a sort.
type IsOne<'a> = &'a dyn Fn(&Told) -> bool;

/// The first task of each sort that is worth a look.
pub fn examples(told: &[Told]) -> Vec<Example> {
    let trace = |told: &Told, holds: fn(&easyai_core::run_trace::RunTrace) -> bool| told.trace.as_ref().is_some_and(holds);
    let sorts: [(&'static str, IsOne<'_>); 6] = [
        ("took more than one attempt", &|told| told.task.status == TaskStatus::Succeeded && told.task.attempts > 1),
        ("failed", &|told| told.task.status == TaskStatus::Failed && told.task.attempts > 0),
        ("refused before any attempt", &|told| told.task.status == TaskStatus::Failed && told.task.attempts == 0),
        ("cancelled", &|told| told.task.status == TaskStatus::Cancelled),
        ("had a last resort", &|told| trace(told, |trace| trace.candidates.iter().any(|candidate| candidate.last_resort))),
        ("was a probe", &|told| trace(told, |trace| trace.candidates.iter().any(|candidate| candidate.probe))),
    ];
    let example = |(why, is): (&'static str, IsOne<'_>)| {
        let (told, number) = told.iter().zip(1..).find(|(told, _)| is(told))?;
        Some(Example { number, task: told.task.id.to_string(), why })
    };
    sorts.into_iter().filter_map(example).collect()
}

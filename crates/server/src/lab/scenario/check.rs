//! What types can't check of a scenario: references, bounds, times that fit.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::time::Duration;

use easyai_core::catalog::FaultPosition;
use easyai_core::failure::Category;
use easyai_core::kind::Provider;
use easyai_store::catalog::Declared;
use toml::Spanned;

use super::wire::{FaultTable, File, LoadTable, ScenarioTable};
use super::{Fault, Load, Scenario};
use crate::nearest;
use crate::problem::Problem;

/// A day and more would be as well played in an hour.
const DURATION: RangeInclusive<u32> = 1..=86_400;

/// What one core plays in a time that somebody waits for.
const MOST_REQUESTS: u64 = 1_000_000;

const PERCENT: RangeInclusive<u32> = 0..=100;
const RATE: RangeInclusive<u32> = 1..=10_000;
const WORDS: RangeInclusive<u32> = 1..=200_000;
const COUNT: RangeInclusive<u32> = 1..=1_000_000;

/// The words of a prompt if a load says nothing: some 50 tokens.
const USUAL_WORDS: u32 = 40;

/// The scenario of these tables; what is wrong goes to `problems`.
pub fn checked(file: File, catalog: Option<Declared>, problems: &mut Vec<Problem>) -> Option<Scenario> {
    let Some(head) = file.scenario else {
        if problems.is_empty() {
            problems
                .push(Problem { span: None, message: "there is no [scenario]: write at least its name and duration_seconds".to_owned() });
        }
        return None;
    };
    let span = head.span();
    let ScenarioTable { name, about, seed, duration_seconds, balance } = head.into_inner();
    let end = within("scenario", "duration_seconds", &duration_seconds, DURATION, problems);
    let catalog = catalog?;
    if file.loads.is_empty() {
        problems.push(Problem::new(span.clone(), "nobody calls: write at least one [[load]] with model and requests_per_second"));
    }
    let simulated = catalog.platforms.iter().filter(|(_, spec)| spec.provider != Provider::Simulation);
    for (name, spec) in simulated {
        let why = "the lab calls nobody outside: write provider = \"simulation\"";
        problems.push(Problem::new(span.clone(), format!("platform \"{name}\" has the provider {}: {why}", spec.provider)));
    }
    let loads: Vec<Load> = file.loads.into_iter().map(|table| load(table, end, &catalog, problems)).collect();
    let requests: u64 = loads.iter().map(|load| u64::from(load.requests_per_second) * load.until.saturating_sub(load.from).as_secs()).sum();
    if requests > MOST_REQUESTS {
        problems.push(Problem::new(span, format!("{requests} requests are more than the lab plays: at most {MOST_REQUESTS}")));
    }
    let faults = file.faults.into_iter().map(|table| fault(table, end, &catalog, problems)).collect();
    Some(Scenario { name, about, seed, duration: seconds(end), balance, catalog, loads, faults })
}

fn load(table: Spanned<LoadTable>, end: u32, catalog: &Declared, problems: &mut Vec<Problem>) -> Load {
    let table = table.into_inner();
    known("load", "model", &table.model, catalog.models.keys(), problems);
    let mut number = |field, given: &Option<Spanned<u32>>, range| given.as_ref().map(|given| within("load", field, given, range, problems));
    let streamed_percent = number("streamed_percent", &table.streamed_percent, PERCENT).unwrap_or(0);
    let prompt_words = number("prompt_words", &table.prompt_words, WORDS).unwrap_or(USUAL_WORDS);
    let timeout_ms = number("timeout_ms", &table.timeout_ms, 1..=86_400_000);
    let conversations = number("conversations", &table.conversations, COUNT);
    let requests_per_second = within("load", "requests_per_second", &table.requests_per_second, RATE, problems);
    Load {
        requests_per_second,
        from: seconds(table.from_seconds),
        until: until("load", table.from_seconds, table.until_seconds.as_ref(), end, &table.model, problems),
        streamed_percent,
        max_tokens: table.max_tokens,
        prompt_words,
        timeout_ms,
        queue_timeout_ms: table.queue_timeout_ms,
        leaves_after_ms: table.leaves_after_ms,
        needs: table.needs,
        conversations,
        model: table.model.into_inner(),
    }
}

fn fault(table: Spanned<FaultTable>, end: u32, catalog: &Declared, problems: &mut Vec<Problem>) -> Fault {
    let span = table.span();
    let table = table.into_inner();
    let platform = table.platform.get_ref();
    known("fault", "platform", &table.platform, catalog.platforms.keys(), problems);
    if let Some(model) = &table.model {
        let offered = catalog.platform_models.keys().filter(|(at, _)| at == platform).map(|(_, model)| model);
        known(&format!("fault of \"{platform}\""), "model", model, offered, problems);
    }
    if let (Some(given), Some(spec)) = (&table.credential, catalog.platforms.get(platform)) {
        let names: BTreeSet<String> = spec
            .credentials
            .iter()
            .zip(1..)
            .map(|(credential, place)| credential.name.clone().unwrap_or_else(|| format!("credential {place}")))
            .collect();
        known(&format!("fault of \"{platform}\""), "credential", given, names.iter(), problems);
    }
    let share_percent = table.share_percent.as_ref().map_or(100, |given| within("fault", "share_percent", given, 1..=100, problems));
    let does_nothing = table.category.is_none() && table.latency_ms.is_none() && table.chunk_delay_ms.is_none();
    match table.position.as_ref().map(|position| (position.span(), *position.get_ref())) {
        Some((at, FaultPosition::AfterDeltas)) if table.category.is_none() => {
            problems.push(Problem::new(at, "fault: after_deltas needs a `category`: what the platform says then"));
        }
        None | Some((_, FaultPosition::BeforeAnswer)) if does_nothing => {
            problems.push(Problem::new(span, "fault: it does nothing: write a `category`, a `position`, `latency_ms` or `chunk_delay_ms`"));
        }
        Some((at, FaultPosition::Cut | FaultPosition::Stall))
            if table.category.is_some_and(|category| category != Category::BadResponse) =>
        {
            problems.push(Problem::new(at, "fault: a cut or a stall has no `category`: take it out"));
        }
        None | Some(_) => {}
    }
    let until = until("fault", table.from_seconds, table.until_seconds.as_ref(), end, &table.platform, problems);
    Fault { from: seconds(table.from_seconds), until, share_percent, table }
}

fn seconds(count: u32) -> Duration {
    Duration::from_secs(count.into())
}

/// The end of a load or fault; `at` is where it is told if it never begins.
fn until(what: &str, from: u32, given: Option<&Spanned<u32>>, end: u32, at: &Spanned<String>, problems: &mut Vec<Problem>) -> Duration {
    let until = given.map_or(end, |given| *given.get_ref());
    if from >= until {
        let span = given.map_or_else(|| at.span(), Spanned::span);
        problems.push(Problem::new(span, format!("{what}: it ends at {until} s, before it begins at {from} s")));
    }
    seconds(until)
}

fn within(what: &str, field: &str, given: &Spanned<u32>, range: RangeInclusive<u32>, problems: &mut Vec<Problem>) -> u32 {
    let value = *given.get_ref();
    if !range.contains(&value) {
        let message = format!("{what}: `{field}` is {value}: write a number from {} to {}", range.start(), range.end());
        problems.push(Problem::new(given.span(), message));
    }
    value
}

fn known<'a>(what: &str, noun: &str, given: &Spanned<String>, names: impl Iterator<Item = &'a String>, problems: &mut Vec<Problem>) {
    let names: Vec<&str> = names.map(String::as_str).collect();
    if !names.contains(&given.get_ref().as_str()) {
        let hint = nearest::hint(given.get_ref(), names);
        problems.push(Problem::new(given.span(), format!("{what}: there is no {noun} `{}` in this file{hint}", given.get_ref())));
    }
}

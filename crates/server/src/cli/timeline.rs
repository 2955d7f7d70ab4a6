//! One task as a person reads it: who could serve and who could not, what was tried, what was decided by which rule, what it cost.

use easyai_core::media::seconds;
use easyai_core::pricing::{Component, Line};
use easyai_core::response_cache::CacheNote;
use easyai_core::run_trace::RunTrace;
use easyai_core::task::{AttemptStatus, TaskStatus};
use easyai_core::time::Timestamp;
use easyai_core::trace::{Action, TraceEntry};
use easyai_store::journal::AttemptRow;

use super::paint::Paint;
use super::task::Story;

/// The whole story of a task.
#[must_use]
pub fn render(story: &Story, currency: &str, paint: Paint) -> String {
    let mut sections = vec![head(story, currency, paint)];
    if let Some(trace) = &story.trace {
        sections.push(match &trace.cache {
            Some(note) => cached(note, paint),
            None => candidates(trace, currency, paint),
        });
    }
    sections.push(timeline(story, paint));
    sections.push(events(story, paint));
    sections.push(charge(story, currency, paint));
    sections.retain(|section| !section.is_empty());
    sections.join("\n\n")
}

fn head(story: &Story, currency: &str, paint: Paint) -> String {
    let task = &story.task;
    let status = match task.status {
        TaskStatus::Succeeded => paint.green("succeeded"),
        TaskStatus::Failed | TaskStatus::Cancelled => paint.red(task.status.as_str()),
        TaskStatus::Queued | TaskStatus::Running => paint.yellow(task.status.as_str()),
    };
    let took = task.finished_at.map(|end| format!(" in {} ms", end.since(task.started_at).as_millis())).unwrap_or_default();
    let mode = if task.simulated { ", simulated" } else { "" };
    let stream = if task.stream { ", streamed" } else { "" };
    let mut lines = vec![
        paint.bold(&task.id.to_string()),
        format!("  {} {} for account \"{}\"{stream}{mode}", task.kind, task.model, story.account),
        format!("  {status}{took}, begun {}", task.started_at),
    ];
    if let Some(code) = task.code {
        lines.push(format!("  {code}: {}", task.message.as_deref().unwrap_or_default()));
    }
    if !task.status.is_terminal() {
        lines.push(format!("  {} {currency} set aside", task.hold));
    }
    if let Some(id) = &task.upstream_request_id {
        lines.push(format!("  upstream request {id}"));
    }
    lines.join("\n")
}

/// Nobody was asked who could serve.
fn cached(note: &CacheNote, paint: Paint) -> String {
    format!("{}\n  {}", paint.bold("Response cache"), note.message)
}

fn candidates(trace: &RunTrace, currency: &str, paint: Paint) -> String {
    let mut lines = vec![paint.bold("Candidates")];
    for (index, candidate) in trace.candidates.iter().enumerate() {
        let number = index + 1;
        let last = if candidate.last_resort { ", as a last resort" } else { "" };
        let probe = if candidate.probe { ", as the probe of its circuit breaker" } else { "" };
        let fallback = candidate.fallback_model.as_ref().map(|model| format!(", for the fallback model {model}")).unwrap_or_default();
        lines.push(format!(
            "  {number}. {} ({}), priority {}, weight {}{last}{probe}{fallback}",
            candidate.platform, candidate.upstream_name, candidate.priority, candidate.weight
        ));
    }
    lines.extend(trace.left_out.iter().map(|left| paint.yellow(&format!("  -  left out: {} [{}]", left.message, left.reason))));
    if trace.candidates.is_empty() && trace.left_out.is_empty() {
        lines.push("  nobody offers this model".to_owned());
    }
    if let Some(estimate) = &trace.estimate {
        let (input, output, hold) = (estimate.input_tokens, estimate.output_tokens, estimate.hold);
        let media = estimate.media.map(|media| format!(", {media}")).unwrap_or_default();
        lines.push(format!("  estimate: {input} tokens in, {output} out{media}: {hold} {currency} held"));
    }
    lines.join("\n")
}

/// Attempts, each with the decision after it.
fn timeline(story: &Story, paint: Paint) -> String {
    let mut lines = vec![paint.bold("Attempts")];
    let decisions = story.trace.as_ref().map_or(&[][..], |trace| &trace.decisions);
    for attempt in &story.attempts {
        lines.push(attempt_line(attempt, story.task.started_at, paint));
        lines.extend(decisions.iter().filter(|decision| decision.attempt == attempt.number).map(|decision| decision_line(decision, paint)));
    }
    // Decisions before any attempt, or of attempts that were not kept.
    let kept = |decision: &&TraceEntry| !story.attempts.iter().any(|attempt| attempt.number == decision.attempt);
    lines.extend(decisions.iter().filter(kept).map(|decision| decision_line(decision, paint)));
    if lines.len() == 1 {
        lines.push(if story.task.status.is_terminal() { "  none" } else { "  under way" }.to_owned());
    }
    lines.join("\n")
}

fn attempt_line(attempt: &AttemptRow, begun: Timestamp, paint: Paint) -> String {
    let at = attempt.started_at.since(begun).as_millis();
    let first = attempt.first_delta_ms.map(|ms| format!(", first delta after {ms} ms")).unwrap_or_default();
    let took = attempt.duration_ms.map(|ms| format!(", took {ms} ms")).unwrap_or_default();
    let status = match attempt.status {
        AttemptStatus::Succeeded => paint.green("succeeded"),
        AttemptStatus::Failed | AttemptStatus::Cancelled => paint.red(attempt.status.as_str()),
        AttemptStatus::Running => paint.yellow("running"),
    };
    let failure = attempt.failure.as_ref().map(|failure| {
        let http = failure.http_status.map(|status| format!(" HTTP {status}")).unwrap_or_default();
        format!("\n      {}{http}: {}", failure.category, failure.message)
    });
    format!("  +{at} ms  #{} {} {status}{first}{took}{}", attempt.number, attempt.platform, failure.unwrap_or_default())
}

fn decision_line(decision: &TraceEntry, paint: Paint) -> String {
    let line = format!("  +{} ms  -> {}", decision.at_ms, decision.sentence());
    match decision.action {
        Action::RetrySameClient | Action::NextCredential | Action::NextPlatform => paint.yellow(&line),
        Action::Stop => paint.red(&line),
    }
}

fn events(story: &Story, paint: Paint) -> String {
    let mut lines = vec![paint.bold("Events")];
    lines.extend(story.events.iter().map(|event| {
        let at = event.at.since(story.task.started_at).as_millis();
        format!(
            "  {:>3}. +{at} ms  {} ({}, {} %)  {}",
            event.seq,
            event.event_type,
            event.phase,
            event.progress.hundredths(),
            event.message
        )
    }));
    lines.join("\n")
}

/// How much of it, for a person.
fn quantity(line: &Line) -> String {
    match line.component {
        Component::Second | Component::Minute => format!("{} s", seconds(line.quantity)),
        Component::Input
        | Component::CachedInput
        | Component::CacheWrite
        | Component::Output
        | Component::Reasoning
        | Component::Image
        | Component::VideoTokens
        | Component::Character
        | Component::Request => line.quantity.to_string(),
    }
}

fn charge(story: &Story, currency: &str, paint: Paint) -> String {
    let task = &story.task;
    let mut lines = vec![paint.bold("Charge")];
    if let Some(usage) = &task.usage {
        let (input, cached, output, source) = (usage.input_tokens, usage.cached_input_tokens, usage.output_tokens, usage.source);
        let media = usage.media.map(|media| format!(", {media}")).unwrap_or_default();
        lines.push(format!(
            "  usage: {input} tokens in ({cached} cached), {output} out ({} reasoning){media}, by {source}",
            usage.reasoning_tokens
        ));
    }
    if let Some(bill) = &task.bill {
        lines.extend(bill.lines.iter().map(|line| {
            format!(
                "  {:<14} {:>10} at {:>10} = {} {currency}",
                line.component.as_str(),
                quantity(line),
                line.unit_price.to_string(),
                line.amount
            )
        }));
        if bill.multiplier != easyai_core::price::Multiplier::ONE {
            let cached = story.trace.as_ref().is_some_and(|trace| trace.cache.is_some());
            let what = if cached { "the group's multiplier and the response cache's share" } else { "the group's multiplier" };
            lines.push(format!("  times {} ({what}, in the lines)", bill.multiplier));
        }
    }
    let charged = match (task.charge, task.simulated) {
        (Some(_), true) => "  charged nothing: simulated".to_owned(),
        (Some(charge), false) => format!("  charged {charge} {currency}"),
        (None, _) => "  not settled yet".to_owned(),
    };
    lines.push(paint.bold(&charged));
    if let Some(cost) = task.cost {
        lines.push(format!("  cost {cost} {currency} at the platform"));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use easyai_core::money::Money;

    use super::*;

    #[test]
    fn milliseconds_are_shown_as_seconds_and_all_else_as_it_is() {
        let shown = |component, quantity| quantity_of(component, quantity);
        assert_eq!((shown(Component::Second, 4_500), shown(Component::Minute, 90_000)), ("4.5 s".into(), "90 s".into()));
        assert_eq!((shown(Component::Image, 3), shown(Component::VideoTokens, 108_900)), ("3".into(), "108900".into()));
    }

    fn quantity_of(component: Component, quantity: u64) -> String {
        super::quantity(&Line { component, quantity, unit_price: Money::ZERO, amount: Money::ZERO })
    }
}

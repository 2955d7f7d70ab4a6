//! What a replay found, for a person.

use std::fmt::Display;

use easyai_core::money::Money;
use easyai_core::replay::{Report, Side, Tally, TaskDifference};

use crate::cli::out::table;
use crate::cli::paint::Paint;
use crate::replay::Outcome;

/// The whole report.
#[must_use]
pub fn render(outcome: &Outcome, currency: &str, paint: Paint) -> String {
    let report = &outcome.report;
    if report.tasks.replayed == 0 {
        return tally(&report.tasks, report.seed);
    }
    let mut sections = vec![tally(&report.tasks, report.seed), figures(report, currency), endings(report)];
    sections.extend(report.differences.iter().map(|difference| told(difference, currency, paint)));
    let (shown, all) = (report.differences.len() as u64, report.tasks.differing);
    if shown < all {
        sections.push(format!("and {} more: --differences shows them", all - shown));
    }
    sections.join("\n\n")
}

fn tally(tasks: &Tally, seed: u64) -> String {
    let mut lines = vec![format!("{} tasks read, {} replayed", tasks.read, tasks.replayed)];
    if !tasks.skipped.is_empty() {
        lines.push(format!("not replayed: {}", counts(&tasks.skipped)));
    }
    lines.push(match tasks.differing {
        0 => "no task would go another way".to_owned(),
        differing => format!("{differing} tasks would go another way, in: {}", counts(&tasks.differing_in)),
    });
    if tasks.with_guesses > 0 {
        lines.push(format!(
            "{} tasks have outcomes that nobody knows, taken by seed {seed} from what was recorded: {}",
            tasks.with_guesses,
            counts(&tasks.guesses)
        ));
    }
    if tasks.with_missing_candidates > 0 {
        lines.push(format!(
            "{} tasks have candidates that are no longer in the catalogue: those were given default policies and no price",
            tasks.with_missing_candidates
        ));
    }
    lines.join("\n")
}

fn counts<K: Display>(of: &std::collections::BTreeMap<K, u64>) -> String {
    of.iter().map(|(what, count)| format!("{what} {count}")).collect::<Vec<_>>().join(", ")
}

fn figures(report: &Report, currency: &str) -> String {
    let Report { then, draft, difference, .. } = report;
    let percent = |rate: f64| format!("{:.2} %", rate * 100.0);
    let times = |p50: Option<u64>, p95: Option<u64>, p99: Option<u64>| [p50, p95, p99].map(or_dash).join(" / ");
    let changes = |p50: Option<i64>, p95: Option<i64>, p99: Option<i64>| {
        [p50, p95, p99].map(|ms| ms.map_or_else(|| "-".to_owned(), |ms| format!("{ms:+}"))).join(" / ")
    };
    let mut rows = vec![
        [
            "success rate".to_owned(),
            percent(then.success_rate),
            percent(draft.success_rate),
            format!("{:+.2} points", difference.success_rate * 100.0),
        ],
        [
            "attempts a task".to_owned(),
            format!("{:.3}", then.attempts_per_task),
            format!("{:.3}", draft.attempts_per_task),
            format!("{:+.3}", difference.attempts_per_task),
        ],
    ];
    let latencies = [
        ("first delta p50 / p95 / p99 ms", then.first_delta_ms, draft.first_delta_ms, difference.first_delta_ms),
        ("total p50 / p95 / p99 ms", then.total_ms, draft.total_ms, difference.total_ms),
    ];
    rows.extend(latencies.map(|(what, then, draft, difference)| {
        let change = changes(difference.p50, difference.p95, difference.p99);
        [what.to_owned(), times(then.p50, then.p95, then.p99), times(draft.p50, draft.p95, draft.p99), change]
    }));
    let money = [
        ("charge", then.charge, draft.charge, difference.charge),
        ("cost", then.cost, draft.cost, difference.cost),
        ("margin", then.margin, draft.margin, difference.margin),
    ];
    rows.extend(
        money.map(|(what, then, draft, change)| [format!("{what} {currency}"), then.to_string(), draft.to_string(), signed(change)]),
    );
    let counted = [("cost not known", then.cost_unknown, draft.cost_unknown), ("charge not known", then.unpriced, draft.unpriced)];
    let some = counted.into_iter().filter(|(_, then, draft)| then + draft > 0);
    rows.extend(some.map(|(what, then, draft)| [what.to_owned(), tasks(then), tasks(draft), String::new()]));
    table(["", "then", "with the draft", "difference"], rows, "")
}

fn endings(report: &Report) -> String {
    let change = |then: u64, draft: u64| if then == draft { String::new() } else { format!("{:+}", i128::from(draft) - i128::from(then)) };
    let rows = report.endings.iter();
    let rows =
        rows.map(|count| [count.ending.to_owned(), count.then.to_string(), count.draft.to_string(), change(count.then, count.draft)]);
    table(["ended with", "then", "with the draft", "difference"], rows, "")
}

fn told(difference: &TaskDifference, currency: &str, paint: Paint) -> String {
    let what: Vec<&str> = difference.differs_in.iter().map(|what| what.as_str()).collect();
    let mut lines = vec![
        paint.bold(&difference.task.to_string()),
        format!("  {} at {}, differs in {}", difference.model, difference.started_at, what.join(", ")),
    ];
    lines.extend(side("then", &difference.then, currency));
    lines.extend(side("draft", &difference.draft, currency).into_iter().map(|line| paint.yellow(&line)));
    lines.join("\n")
}

fn side(name: &str, side: &Side, currency: &str) -> Vec<String> {
    let charge = side.charge.map_or_else(|| "charge not known".to_owned(), |charge| format!("charge {charge} {currency}"));
    let cost = side.cost.map_or_else(|| "cost not known".to_owned(), |cost| format!("cost {cost}"));
    let mut lines = vec![format!("  {name}: {} after {} attempts in {} ms, {charge}, {cost}", side.ending, side.attempts, side.total_ms)];
    lines.extend(side.decisions.iter().map(|decision| format!("    {decision}")));
    lines
}

fn signed(money: Money) -> String {
    if money.is_positive() { format!("+{money}") } else { money.to_string() }
}

fn tasks(count: u64) -> String {
    format!("{count} tasks")
}

fn or_dash(ms: Option<u64>) -> String {
    ms.map_or_else(|| "-".to_owned(), |ms| ms.to_string())
}

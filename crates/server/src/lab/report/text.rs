//! The report as a person reads it. Its text is compared letter by letter by tests: it holds nothing but what was played.

use std::collections::BTreeMap;

use super::{Agreement, Callers, Event, FaultView, LedgerView, MoneyView, PlatformView, Reasoned, Report, Spread};

/// Lines of the time line; what comes after them is only counted.
const MOST_EVENTS: usize = 40;

/// The whole report.
#[must_use]
pub fn render(report: &Report) -> String {
    let sections = [
        head(report),
        callers(&report.callers, &report.attempts_per_task),
        platforms(&report.platforms),
        timeline(&report.timeline),
        reasons("Decisions", &report.decisions, "  nothing failed"),
        reasons("Left out", &report.left_out, "  nobody"),
        money(&report.money),
        ledger(&report.ledger),
        report.explained.as_ref().map(explained).unwrap_or_default(),
        examples(report),
    ];
    sections.into_iter().filter(|section| !section.is_empty()).collect::<Vec<_>>().join("\n\n") + "\n"
}

fn head(report: &Report) -> String {
    let mut lines = vec![format!("Scenario {}", report.scenario)];
    lines.extend(report.about.lines().map(|line| format!("  {}", line.trim())));
    lines.push(format!("  {} s, seed {}", report.duration_seconds, report.seed));
    lines.extend(report.loads.iter().map(|load| format!("  load   {load}")));
    lines.extend(report.faults.iter().map(fault));
    lines.join("\n")
}

fn fault(fault: &FaultView) -> String {
    let met = match (fault.first_at_ms, fault.last_at_ms) {
        (Some(first), Some(last)) => format!("met {}, from {} to {}", counted(fault.met, "call"), at(first), at(last)),
        _ => "met nobody".to_owned(),
    };
    format!("  fault  {}; {met}", fault.what)
}

fn callers(callers: &Callers, per_task: &BTreeMap<u32, u64>) -> String {
    let failed: u64 = callers.failed.values().sum();
    let mut lines = vec![
        "Callers".to_owned(),
        format!(
            "  {} asked, {} succeeded ({}), {failed} failed, {} broken off, {} went away",
            callers.asked,
            callers.succeeded,
            percent(callers.succeeded, callers.asked),
            callers.broken_off,
            callers.went_away
        ),
    ];
    lines.extend(callers.failed.iter().map(|(code, times)| format!("    {code}: {times}")));
    lines.push(format!("  first delta  {}", spread(callers.first_delta_ms.as_ref())));
    lines.push(format!("  whole answer {}", spread(callers.total_ms.as_ref())));
    let attempts: Vec<String> = per_task.iter().map(|(attempts, tasks)| format!("{attempts}: {}", counted(*tasks, "task"))).collect();
    lines.push(format!("  attempts     {}", attempts.join(", ")));
    lines.join("\n")
}

fn spread(times: Option<&Spread>) -> String {
    times.map_or_else(
        || "none".to_owned(),
        |times| format!("p50 {} ms, p95 {} ms, p99 {} ms, longest {} ms", times.p50, times.p95, times.p99, times.max),
    )
}

fn platforms(platforms: &[PlatformView]) -> String {
    let mut lines = vec!["Platforms".to_owned()];
    lines.extend(platforms.iter().map(|platform| {
        let failed: Vec<String> = platform.failed.iter().map(|(category, times)| format!("{category} {times}")).collect();
        let failed = if failed.is_empty() { "nothing failed".to_owned() } else { format!("failed: {}", failed.join(", ")) };
        let (calls, served) = (counted(platform.calls, "call"), platform.served);
        format!("  {}: {calls}, {served} served ({} of all); {failed}", platform.name, hundredths(platform.share_basis_points))
    }));
    lines.join("\n")
}

fn timeline(events: &[Event]) -> String {
    let mut lines = vec!["What the policies did".to_owned()];
    lines.extend(events.iter().take(MOST_EVENTS).map(|event| {
        let again = if event.times > 1 { format!("  (×{}, until {})", event.times, at(event.last_at_ms)) } else { String::new() };
        format!("  {:>11}  {}: {}{again}", at(event.at_ms), event.whom, event.sentence)
    }));
    match events.len() {
        0 => lines.push("  nothing".to_owned()),
        many if many > MOST_EVENTS => lines.push(format!("  and {} more", many - MOST_EVENTS)),
        _ => {}
    }
    lines.join("\n")
}

fn reasons(title: &str, reasons: &[Reasoned], none: &str) -> String {
    let mut lines = vec![title.to_owned()];
    lines.extend(reasons.iter().map(|reasoned| {
        let action = reasoned.action.map(|action| format!("{action}, ")).unwrap_or_default();
        format!(
            "  {action}{}: {}, such as task {}:\n    {}",
            reasoned.reason,
            counted(reasoned.times, "time"),
            reasoned.task,
            reasoned.example
        )
    }));
    if reasons.is_empty() {
        lines.push(none.to_owned());
    }
    lines.join("\n")
}

fn money(money: &MoneyView) -> String {
    let currency = money.currency;
    let mut lines = vec![
        "Money".to_owned(),
        format!("  charged {} {currency}, cost {} {currency}, margin {} {currency}", money.charged, money.cost, money.margin),
        format!(
            "  {} kept callers waiting for {} in all and cost them nothing",
            counted(money.failed_attempts, "failed attempt"),
            at(money.waited_for_failed_ms)
        ),
    ];
    if money.charged_for_broken.is_positive() || money.cost_of_broken.is_positive() {
        let (charged, cost) = (money.charged_for_broken, money.cost_of_broken);
        lines.push(format!("  answers that broke off: charged {charged} {currency} for what was delivered, cost {cost} {currency}"));
    }
    lines.join("\n")
}

fn ledger(ledger: &LedgerView) -> String {
    let verdict = if ledger.clean { "clean" } else { "WRONG" };
    let findings: String = ledger.findings.iter().map(|finding| format!("\n  - {finding}")).collect();
    format!("Ledger\n  {verdict}: {} entries, {} tasks{findings}", ledger.entries, ledger.tasks)
}

fn explained(explained: &Agreement) -> String {
    let counted = counted(explained.compared, "call");
    if explained.differences.is_empty() {
        return format!("Explain\n  {counted} were explained right before: each as its trace says");
    }
    let differences: String = explained.differences.iter().map(|difference| format!("\n  - {difference}")).collect();
    format!("Explain\n  {counted} were explained right before, and NOT each as its trace says:{differences}")
}

fn examples(report: &Report) -> String {
    let mut lines = vec!["Worth a look (--task N)".to_owned()];
    lines.extend(report.examples.iter().map(|example| format!("  {}: {}, {}", example.number, example.why, example.task)));
    if report.examples.is_empty() { String::new() } else { lines.join("\n") }
}

/// Milliseconds as seconds: `12.345 s`.
fn at(ms: u64) -> String {
    format!("{}.{:03} s", ms / 1000, ms % 1000)
}

fn counted(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

fn percent(part: u64, whole: u64) -> String {
    hundredths((part * 10_000).checked_div(whole).unwrap_or(0))
}

fn hundredths(basis_points: u64) -> String {
    format!("{}.{:02} %", basis_points / 100, basis_points % 100)
}

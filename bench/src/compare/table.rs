//! The comparison as a person reads it.

use super::summary::Summary;

/// A line for each target of each scenario.
pub(super) fn render(summaries: &[Summary]) -> String {
    let mut lines = vec![format!(
        "\n{:<33} {:<8} {:>9} {:>9} {:>9} {:>11} {:>10} {:>8} {:>9} {:>9} {:>9} {:>8} {:>7}",
        "scenario",
        "target",
        "per s",
        "p50 ms",
        "p99 ms",
        "1st delta",
        "CPU µs/req",
        "× nginx",
        "db µs/req",
        "+p50 ms",
        "+p99 ms",
        "RSS MB",
        "failed"
    )];
    lines.extend(summaries.iter().map(line));
    lines.join("\n")
}

fn line(summary: &Summary) -> String {
    let milliseconds = |us: f64| format!("{:.3}", us / 1e3);
    let or_dash = |number: Option<f64>, digits: usize| number.map_or("-".to_owned(), |number| format!("{number:.digits$}"));
    format!(
        "{:<33} {:<8} {:>9.0} {:>9} {:>9} {:>11} {:>10} {:>8} {:>9} {:>9} {:>9} {:>8} {:>7}",
        summary.scenario,
        summary.target,
        summary.throughput,
        milliseconds(summary.p50_us),
        milliseconds(summary.p99_us),
        summary.first_delta_p50_us.map_or("-".to_owned(), milliseconds),
        or_dash(summary.cpu_us_per_request, 1),
        or_dash(summary.cpu_times_nginx, 2),
        or_dash(summary.database_cpu_us_per_request, 1),
        milliseconds(summary.added_p50_us),
        milliseconds(summary.added_p99_us),
        or_dash(summary.resident_bytes.map(|bytes| bytes as f64 / 1e6), 1),
        summary.failed,
    )
}

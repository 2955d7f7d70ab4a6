//! Medians of the rounds, and what they are beside nginx.

use std::fmt;

use easyai_bench::load::Report;
use serde::Serialize;

use super::{Run, scenario::Scenario};

/// Who is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Target {
    /// The mock itself.
    Direct,
    /// nginx in front of it.
    Nginx,
    /// The gateway in front of it.
    Gateway,
}

/// One target in one scenario. Each number is the median of its own.
#[derive(Debug, Serialize)]
pub(super) struct Summary {
    pub(super) scenario: Scenario,
    pub(super) target: Target,
    pub(super) throughput: f64,
    pub(super) p50_us: f64,
    pub(super) p99_us: f64,
    pub(super) first_delta_p50_us: Option<f64>,
    pub(super) cpu_us_per_request: Option<f64>,
    pub(super) database_cpu_us_per_request: Option<f64>,
    /// CPU of the target as a multiple of nginx's.
    pub(super) cpu_times_nginx: Option<f64>,
    /// The most of all rounds.
    pub(super) resident_bytes: Option<u64>,
    /// Of all rounds.
    pub(super) failed: u64,
    /// Latency that the target adds to the mock's own.
    pub(super) added_p50_us: f64,
    /// The same at the 99th percentile.
    pub(super) added_p99_us: f64,
}

/// A line for each target of each scenario, in the order of the runs.
pub(super) fn medians(runs: &[Run]) -> Vec<Summary> {
    let mut summaries: Vec<Summary> = Vec::new();
    for run in runs {
        if !summaries.iter().any(|summary| (summary.scenario, summary.target) == (run.scenario, run.target)) {
            summaries.push(summarize(runs, run.scenario, run.target));
        }
    }
    summaries
}

fn summarize(runs: &[Run], scenario: Scenario, target: Target) -> Summary {
    let median_of = |target: Target, number: &dyn Fn(&Report) -> Option<f64>| {
        let reports = runs.iter().filter(|run| (run.scenario, run.target) == (scenario, target)).map(|run| &run.report);
        median(reports.filter_map(number).collect())
    };
    let own = |number: &dyn Fn(&Report) -> Option<f64>| median_of(target, number);
    let number = |number: &dyn Fn(&Report) -> f64| own(&|report| Some(number(report))).unwrap_or_default();
    let direct = |number: &dyn Fn(&Report) -> f64| median_of(Target::Direct, &|report| Some(number(report))).unwrap_or_default();

    let cpu_us_per_request = own(&|report| report.cpu_us_per_request);
    let nginx = median_of(Target::Nginx, &|report| report.cpu_us_per_request);
    let (p50_us, p99_us) = (number(&|report| report.latency.p50_us), number(&|report| report.latency.p99_us));
    let reports = || runs.iter().filter(|run| (run.scenario, run.target) == (scenario, target)).map(|run| &run.report);
    Summary {
        scenario,
        target,
        throughput: number(&|report| report.throughput),
        p50_us,
        p99_us,
        first_delta_p50_us: own(&|report| report.first_delta.map(|spread| spread.p50_us)),
        cpu_us_per_request,
        database_cpu_us_per_request: own(&|report| report.database_cpu_us_per_request),
        cpu_times_nginx: cpu_us_per_request.zip(nginx).map(|(own, nginx)| own / nginx),
        resident_bytes: reports().filter_map(|report| report.memory.map(|memory| memory.resident_bytes)).max(),
        failed: reports().map(Report::failed).sum(),
        added_p50_us: p50_us - direct(&|report| report.latency.p50_us),
        added_p99_us: p99_us - direct(&|report| report.latency.p99_us),
    }
}

/// The middle one; of an even number, the mean of the two in the middle.
fn median(mut numbers: Vec<f64>) -> Option<f64> {
    numbers.sort_by(f64::total_cmp);
    let upper = numbers.get(numbers.len() / 2)?;
    let lower = numbers.get((numbers.len() - 1) / 2)?;
    Some((lower + upper) / 2.0)
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Direct => "direct",
            Self::Nginx => "nginx",
            Self::Gateway => "gateway",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_are_in_the_middle() {
        for (numbers, expected) in [(vec![3.0, 1.0, 2.0], Some(2.0)), (vec![4.0, 1.0], Some(2.5)), (vec![7.0], Some(7.0)), (vec![], None)] {
            assert_eq!(median(numbers.clone()), expected, "{numbers:?}");
        }
    }
}

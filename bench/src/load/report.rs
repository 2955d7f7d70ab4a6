//! What a load has shown.

use std::{collections::BTreeMap, fmt, time::Duration};

use serde::{Deserialize, Serialize};

use super::Tally;
use crate::process::Memory;

/// The outcome of one load. Latencies are those of good answers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Report {
    /// Requests sent.
    pub requests: u64,
    /// Those without a good answer, by sort.
    pub errors: BTreeMap<String, u64>,
    /// One of the errors in full.
    pub error_example: Option<String>,
    /// How long it took.
    pub seconds: f64,
    /// Good answers a second.
    pub throughput: f64,
    /// From before the request was written to the last byte of its answer.
    pub latency: Spread,
    /// The same up to the first delta with text, in streams.
    pub first_delta: Option<Spread>,
    /// CPU time of the measured process.
    pub cpu_us_per_request: Option<f64>,
    /// CPU time of the database.
    pub database_cpu_us_per_request: Option<f64>,
    /// Memory of the measured process at the end.
    pub memory: Option<Memory>,
}

/// How long things took.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Spread {
    /// The median.
    pub p50_us: f64,
    /// All but one in a hundred were faster.
    pub p99_us: f64,
    /// The slowest.
    pub max_us: f64,
}

impl Report {
    pub(super) fn new(tally: Tally, elapsed: Duration) -> Self {
        let seconds = elapsed.as_secs_f64();
        let good = tally.requests - tally.errors.values().sum::<u64>();
        Self {
            requests: tally.requests,
            errors: tally.errors,
            error_example: tally.example,
            seconds,
            throughput: good as f64 / seconds,
            latency: Spread::of(tally.latencies).unwrap_or_default(),
            first_delta: Spread::of(tally.first_deltas),
            cpu_us_per_request: None,
            database_cpu_us_per_request: None,
            memory: None,
        }
    }

    /// Requests that had no good answer.
    pub fn failed(&self) -> u64 {
        self.errors.values().sum()
    }

    pub(super) fn per_request(&self, time: Duration) -> Option<f64> {
        (self.requests > 0).then(|| time.as_secs_f64() * 1e6 / self.requests as f64)
    }
}

impl Spread {
    /// Percentiles by the nearest rank; none of nothing.
    fn of(mut samples: Vec<Duration>) -> Option<Self> {
        samples.sort_unstable();
        let at = |percent: usize| {
            let rank = (samples.len() * percent).div_ceil(100).max(1);
            samples.get(rank - 1).map(|sample| sample.as_secs_f64() * 1e6)
        };
        Some(Self { p50_us: at(50)?, p99_us: at(99)?, max_us: at(100)? })
    }
}

/// One readable line.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { requests, seconds, throughput, latency, .. } = self;
        write!(f, "{requests} requests in {seconds:.2} s, {} failed, {throughput:.0}/s, latency {latency}", self.failed())?;
        if let Some(first_delta) = &self.first_delta {
            write!(f, ", first delta {first_delta}")?;
        }
        if let Some(cpu) = self.cpu_us_per_request {
            write!(f, ", CPU {cpu:.1} µs a request")?;
        }
        if let Some(cpu) = self.database_cpu_us_per_request {
            write!(f, ", database {cpu:.1} µs a request")?;
        }
        if let Some(memory) = &self.memory {
            let [resident, peak] = [memory.resident_bytes, memory.peak_bytes].map(|bytes| bytes as f64 / 1e6);
            write!(f, ", memory {resident:.1} MB (peak {peak:.1} MB)")?;
        }
        for (sort, count) in &self.errors {
            write!(f, "; {count} × {sort}")?;
        }
        match &self.error_example {
            Some(example) => write!(f, "; the first: {example}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [p50, p99, max] = [self.p50_us, self.p99_us, self.max_us].map(|us| us / 1e3);
        write!(f, "p50 {p50:.3} p99 {p99:.3} max {max:.3} ms")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_ranks() {
        let spread = Spread::of((1..=200).rev().map(Duration::from_micros).collect()).unwrap();
        assert_eq!([spread.p50_us, spread.p99_us, spread.max_us].map(f64::round), [100.0, 198.0, 200.0]);
        assert!(Spread::of(Vec::new()).is_none());
    }
}

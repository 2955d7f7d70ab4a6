//! A load client: some connections, each sending its next request when the last was answered, every answer checked.
//!
//! It never averages a wrong answer in: what isn't exactly as expected is an error, counted by its sort, and has no latency.

mod check;
mod check_stream;
mod connection;
mod report;
mod target;

use std::{
    collections::BTreeMap,
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

use self::connection::Connection;
pub use self::{
    check::{Checker, Expectation, ExpectedUsage, Progress, Shape, Wrong},
    report::{Report, Spread},
    target::{BadUrl, Target},
};
use crate::process::{CpuSnapshot, Memory};

/// Latencies kept for each connection (80 MB in all at 64 connections); later ones are counted but not in the percentiles.
const MAX_SAMPLES: usize = 150_000;

/// What to send, how often, and what to expect.
#[derive(Debug, Clone)]
pub struct Load {
    /// Where to.
    pub target: Target,
    /// The key, sent as a bearer token.
    pub key: String,
    /// The model asked for.
    pub model: String,
    /// Connections, each with one request at a time; at least one.
    pub connections: usize,
    /// When it is over.
    pub stop: Stop,
    /// Requests before measuring begins.
    pub warmup: u64,
    /// The size that request bodies are filled up to, by prompt text.
    pub body_bytes: usize,
    /// What every answer must be.
    pub expectation: Expectation,
    /// The longest wait for one answer.
    pub timeout: Duration,
    /// The process whose CPU time and memory are reported.
    pub pid: Option<u32>,
    /// A PostgreSQL postmaster, whose CPU time with that of its children is reported apart.
    pub database_pid: Option<u32>,
}

/// When a load is over.
#[derive(Debug, Clone, Copy)]
pub enum Stop {
    /// After so many requests.
    After(u64),
    /// After so much time; requests under way are still answered.
    For(Duration),
}

/// Runs a load on the current runtime.
///
/// # Errors
/// When a process to be measured can't be read. Failed requests are in the report.
pub async fn run(load: Load) -> io::Result<Report> {
    let request = load.target.request(&load.key, &load.model, load.expectation.shape, load.body_bytes);
    let expectation = Arc::new(load.expectation);
    let mut connections: Vec<Connection> = (0..load.connections.max(1))
        .map(|_| Connection::new(load.target.addr, request.clone(), Arc::clone(&expectation), load.timeout))
        .collect();

    (connections, _) = phase(connections, Stop::After(load.warmup)).await;
    let cpu = load.pid.map(CpuSnapshot::of).transpose()?;
    let database_cpu = load.database_pid.map(CpuSnapshot::of_family).transpose()?;
    let start = Instant::now();
    let (_connections, tally) = phase(connections, load.stop).await;
    let elapsed = start.elapsed();

    let mut report = Report::new(tally, elapsed);
    if let (Some(pid), Some(before)) = (load.pid, cpu) {
        report.cpu_us_per_request = report.per_request(CpuSnapshot::of(pid)?.since(&before));
        report.memory = Some(Memory::of(pid)?);
    }
    if let (Some(pid), Some(before)) = (load.database_pid, database_cpu) {
        report.database_cpu_us_per_request = report.per_request(CpuSnapshot::of_family(pid)?.since(&before));
    }
    Ok(report)
}

/// What some connections have seen.
#[derive(Debug, Default)]
struct Tally {
    requests: u64,
    latencies: Vec<Duration>,
    first_deltas: Vec<Duration>,
    errors: BTreeMap<String, u64>,
    /// The first error in full.
    example: Option<String>,
}

impl Tally {
    fn merge(&mut self, other: Self) {
        self.requests += other.requests;
        self.latencies.extend(other.latencies);
        self.first_deltas.extend(other.first_deltas);
        for (sort, count) in other.errors {
            *self.errors.entry(sort).or_default() += count;
        }
        self.example = self.example.take().or(other.example);
    }
}

async fn phase(connections: Vec<Connection>, stop: Stop) -> (Vec<Connection>, Tally) {
    let budget = Arc::new(Budget::new(stop));
    let mut running = JoinSet::new();
    for connection in connections {
        running.spawn(drive(connection, Arc::clone(&budget)));
    }
    let (mut connections, mut total) = (Vec::new(), Tally::default());
    while let Some(joined) = running.join_next().await {
        // A connection's task doesn't panic; if it did, its connection and count would be missing, not wrong.
        if let Ok((connection, tally)) = joined {
            connections.push(connection);
            total.merge(tally);
        }
    }
    (connections, total)
}

async fn drive(mut connection: Connection, budget: Arc<Budget>) -> (Connection, Tally) {
    let mut tally = Tally::default();
    while budget.take() {
        tally.requests += 1;
        match connection.call().await {
            Ok(timing) if tally.latencies.len() < MAX_SAMPLES => {
                tally.latencies.push(timing.total);
                tally.first_deltas.extend(timing.first_delta);
            }
            Ok(_) => {}
            Err(error) => {
                *tally.errors.entry(error.sort()).or_default() += 1;
                tally.example.get_or_insert_with(|| error.to_string());
            }
        }
    }
    (connection, tally)
}

/// Requests that may still be sent.
enum Budget {
    Requests(AtomicU64),
    Until(Instant),
}

impl Budget {
    fn new(stop: Stop) -> Self {
        match stop {
            Stop::After(requests) => Self::Requests(AtomicU64::new(requests)),
            Stop::For(time) => Self::Until(Instant::now() + time),
        }
    }

    fn take(&self) -> bool {
        match self {
            Self::Requests(left) => left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok(),
            Self::Until(end) => Instant::now() < *end,
        }
    }
}

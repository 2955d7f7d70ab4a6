//! Logs and metrics of the process.

use std::io::IsTerminal;
use std::sync::atomic::Ordering;
use std::time::Duration;

use easyai_runner::Runner;
use easyai_store::assets::AssetCounts;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use tracing_subscriber::EnvFilter;

use crate::config::LogFormat;

/// Upper bounds of request times in seconds, from a cached answer to a long stream.
const SECONDS: [f64; 12] = [0.002, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 2.5, 10.0, 30.0, 120.0, 600.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answer {
    endpoint: &'static str,
    status: u16,
}

/// The process's metrics.
#[derive(Debug)]
pub struct Telemetry {
    registry: Registry,
    requests: Family<Answer, Counter>,
    head_seconds: Histogram,
    in_flight: Gauge,
    journal_waiting: Gauge,
    limits_waiting: Gauge,
    shadow_refusals: Gauge,
    jobs_polled: Gauge,
    response_cache_bytes: Gauge,
    assets: Assets,
}

/// What became of generated media, counted by the store.
#[derive(Debug, Default)]
struct Assets {
    stored: Counter,
    stored_bytes: Counter,
    deleted: Counter,
    failures: Counter,
}

impl Assets {
    fn register(registry: &mut Registry) -> Self {
        let assets = Self::default();
        registry.register("easyai_assets_stored", "Assets that were stored", assets.stored.clone());
        registry.register("easyai_assets_stored_bytes", "Their bytes", assets.stored_bytes.clone());
        registry.register("easyai_assets_deleted", "Assets whose bytes were deleted", assets.deleted.clone());
        registry.register("easyai_assets_storage_failures", "Calls of the storage of assets that failed", assets.failures.clone());
        assets
    }

    fn set(&self, counts: AssetCounts) {
        let AssetCounts { stored, stored_bytes, deleted, failures } = counts;
        for (counter, count) in
            [(&self.stored, stored), (&self.stored_bytes, stored_bytes), (&self.deleted, deleted), (&self.failures, failures)]
        {
            counter.inner().store(count, Ordering::Relaxed);
        }
    }
}

impl Telemetry {
    /// Registers everything that is counted.
    #[must_use]
    pub fn new(runner: &Runner) -> Self {
        let mut registry = Registry::default();
        runner.metrics.register(&mut registry);
        let requests = Family::<Answer, Counter>::default();
        let head_seconds = Histogram::new(SECONDS);
        let in_flight = Gauge::default();
        let journal_waiting = Gauge::default();
        let limits_waiting = Gauge::default();
        let shadow_refusals = Gauge::default();
        let response_cache_bytes = Gauge::default();
        let jobs_polled = Gauge::default();
        registry.register("easyai_requests", "Answers to callers, by endpoint and HTTP status", requests.clone());
        registry.register("easyai_head_seconds", "From a call to the head of its answer", head_seconds.clone());
        registry.register("easyai_in_flight", "Calls under way", in_flight.clone());
        registry.register("easyai_journal_waiting", "Writes that wait for the journal", journal_waiting.clone());
        registry.register("easyai_limits_waiting", "Calls that wait for a limit", limits_waiting.clone());
        registry.register(
            "easyai_shadow_refusals",
            "Calls that a limit in shadow mode would have refused, since the start",
            shadow_refusals.clone(),
        );
        registry.register("easyai_response_cache_bytes", "What the response cache keeps", response_cache_bytes.clone());
        registry.register("easyai_jobs_polled", "Jobs at providers that this process asks about", jobs_polled.clone());
        let assets = Assets::register(&mut registry);
        Self {
            registry,
            requests,
            head_seconds,
            in_flight,
            journal_waiting,
            limits_waiting,
            shadow_refusals,
            jobs_polled,
            response_cache_bytes,
            assets,
        }
    }

    /// A call got the head of its answer.
    pub fn answered(&self, endpoint: &'static str, status: u16, took: Duration) {
        self.requests.get_or_create(&Answer { endpoint, status }).inc();
        self.head_seconds.observe(took.as_secs_f64());
    }

    /// Everything, in the text form that Prometheus reads.
    ///
    /// # Errors
    /// Only if memory can't be had.
    pub fn text(&self, runner: &Runner, assets: AssetCounts) -> Result<String, std::fmt::Error> {
        self.assets.set(assets);
        self.in_flight.set(i64::from(runner.in_flight()));
        self.journal_waiting.set(i64::try_from(runner.journal_waiting()).unwrap_or(i64::MAX));
        self.limits_waiting.set(i64::try_from(runner.queued()).unwrap_or(i64::MAX));
        self.shadow_refusals.set(i64::try_from(runner.shadow_refusals()).unwrap_or(i64::MAX));
        self.jobs_polled.set(i64::try_from(runner.polling()).unwrap_or(i64::MAX));
        self.response_cache_bytes.set(i64::try_from(runner.response_cache_bytes()).unwrap_or(i64::MAX));
        let mut text = String::new();
        text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

/// Begins to log to standard error. `level` is a filter such as `info` or `info,easyai_runner=debug`.
///
/// # Errors
/// If `level` can't be read.
pub fn init_logs(level: &str, format: LogFormat) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(level)
        .map_err(|error| anyhow::anyhow!("log_level `{level}` can't be read: {error}: write info, debug, warn or error"))?;
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    // A log on a full disk: telling that a line could not be written would fail the same way, and that one panics.
    let logs = logs.log_internal_errors(false);
    // A second call (tests in one process) keeps the first one's logs.
    match format {
        LogFormat::Text => drop(logs.try_init()),
        LogFormat::Json => drop(logs.json().try_init()),
    }
    Ok(())
}

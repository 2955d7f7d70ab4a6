//! What the runner counts. The names are public and written once, here.

use easyai_core::catalog::PlatformModel;
use easyai_core::delivery::Verdict;
use easyai_core::failure::Category;
use easyai_core::job::JobState;
use easyai_core::money::Money;
use easyai_core::task::TaskStatus;
use easyai_core::usage::Usage;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// Labels of an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Attempt {
    provider: &'static str,
    outcome: &'static str,
}

/// Labels of an active probe.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Probe {
    outcome: &'static str,
}

/// Labels of an ended task.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    status: &'static str,
}

/// Labels of tokens.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Tokens {
    sort: &'static str,
}

/// Labels of an event that was sent to a receiver.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Sent {
    outcome: &'static str,
}

/// Labels of jobs that are not over.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Open {
    state: &'static str,
}

/// The runner's counters.
#[derive(Debug, Default)]
pub struct Metrics {
    attempts: Family<Attempt, Counter>,
    probes: Family<Probe, Counter>,
    tasks: Family<Ended, Counter>,
    tokens: Family<Tokens, Counter>,
    charged_nanos: Counter,
    cost_nanos: Counter,
    cache_hits: Counter,
    cache_misses: Counter,
    callbacks: Family<Sent, Counter>,
    callbacks_waiting: Gauge,
    jobs: Family<Open, Gauge>,
}

impl Metrics {
    /// Makes the counters visible.
    pub fn register(&self, registry: &mut Registry) {
        registry.register("easyai_attempts", "Calls of candidates, by provider and outcome", self.attempts.clone());
        registry.register("easyai_probes", "Active probes of those who are out, by outcome", self.probes.clone());
        registry.register("easyai_tasks", "Tasks that ended, by status", self.tasks.clone());
        registry.register("easyai_tokens", "Tokens of booked answers", self.tokens.clone());
        registry.register("easyai_charged_nanos", "Charged to accounts, in 10^-9 of the currency", self.charged_nanos.clone());
        registry.register(
            "easyai_cost_nanos",
            "Cost of booked answers at the platforms, in 10^-9 of the currency",
            self.cost_nanos.clone(),
        );
        registry.register("easyai_response_cache_hits", "Calls that were answered from the response cache", self.cache_hits.clone());
        registry.register(
            "easyai_response_cache_misses",
            "Calls that ran, though the response cache is on for them",
            self.cache_misses.clone(),
        );
        registry.register("easyai_callbacks", "Events sent to receivers: delivered, failed (sent again), dead", self.callbacks.clone());
        registry.register(
            "easyai_callbacks_waiting",
            "Callbacks with an event to be sent, now or later, in the whole database",
            self.callbacks_waiting.clone(),
        );
        registry.register(
            "easyai_jobs",
            "Tasks that go on without their callers, by the state of their job, in the whole database",
            self.jobs.clone(),
        );
    }

    pub(crate) fn attempted(&self, offer: &PlatformModel, failed: Option<Category>) {
        let outcome = failed.map_or("succeeded", Category::as_str);
        self.attempts.get_or_create(&Attempt { provider: offer.platform.provider.as_str(), outcome }).inc();
    }

    pub(crate) fn probed(&self, failed: Option<Category>) {
        self.probes.get_or_create(&Probe { outcome: failed.map_or("succeeded", Category::as_str) }).inc();
    }

    pub(crate) fn ended(&self, status: TaskStatus) {
        self.tasks.get_or_create(&Ended { status: status.as_str() }).inc();
    }

    pub(crate) fn answered_from_cache(&self, charged: Money) {
        self.cache_hits.inc();
        self.charged_nanos.inc_by(u64::try_from(charged.nanos()).unwrap_or(0));
    }

    pub(crate) fn missed_cache(&self) {
        self.cache_misses.inc();
    }

    pub(crate) fn called_back(&self, verdict: Verdict) {
        let outcome = match verdict {
            Verdict::Delivered => "delivered",
            Verdict::Again { .. } => "failed",
            Verdict::Dead | Verdict::Gone => "dead",
        };
        self.callbacks.get_or_create(&Sent { outcome }).inc();
    }

    pub(crate) fn callbacks_wait(&self, waiting: u64) {
        self.callbacks_waiting.set(i64::try_from(waiting).unwrap_or(i64::MAX));
    }

    pub(crate) fn jobs_open(&self, open: &[(JobState, i64)]) {
        for state in JobState::ALL.iter().filter(|state| **state != JobState::Ended) {
            let count = open.iter().find(|(of, _)| of == state).map_or(0, |(_, count)| *count);
            self.jobs.get_or_create(&Open { state: state.as_str() }).set(count);
        }
    }

    pub(crate) fn booked(&self, charged: Money, cost: Option<Money>, usage: &Usage) {
        self.tokens.get_or_create(&Tokens { sort: "input" }).inc_by(usage.input_tokens);
        self.tokens.get_or_create(&Tokens { sort: "output" }).inc_by(usage.output_tokens);
        self.charged_nanos.inc_by(u64::try_from(charged.nanos()).unwrap_or(0));
        self.cost_nanos.inc_by(u64::try_from(cost.unwrap_or_default().nanos()).unwrap_or(0));
    }
}

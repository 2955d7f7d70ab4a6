//! The tables of the catalogue file as they are written. Names that refer to one another, and what is checked later, keep their spans.

use std::num::{NonZeroU32, NonZeroU64};

use easyai_core::catalog::{CandidateOverrides, Capability, ResponseCache, Simulation, Stickiness, Strategy, Timeouts};
use easyai_core::kind::{Api, ModelType, Provider, RerankApi};
use easyai_core::money::Money;
use easyai_core::policy::{
    AutoDisablePolicy, Availability, BreakerPolicy, CooldownPolicy, DemotionPolicy, FailoverPolicy, ProbePolicy, RetryPolicy,
};
use easyai_core::price::{Multiplier, Price};
use serde::Deserialize;
use toml::Spanned;

/// All tables, each with its place.
#[derive(Debug, Default)]
pub struct File {
    pub platforms: Vec<Spanned<PlatformTable>>,
    pub models: Vec<Spanned<ModelTable>>,
    pub platform_models: Vec<Spanned<PlatformModelTable>>,
    pub policy_sets: Vec<Spanned<PolicySetTable>>,
    pub groups: Vec<Spanned<GroupTable>>,
    pub runner_policy: Option<Spanned<RunnerPolicyTable>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlatformTable {
    pub name: Spanned<String>,
    pub provider: Provider,
    pub base_url: Option<Spanned<String>>,
    #[serde(default)]
    pub priority: u32,
    #[serde(default)]
    pub credentials: Vec<Spanned<CredentialTable>>,
    pub proxy: Option<Spanned<String>>,
    #[serde(default)]
    pub test_mode: bool,
    #[serde(default)]
    pub timeouts: Timeouts,
    #[serde(default)]
    pub options: OptionsTable,
    pub simulation: Option<Simulation>,
    #[serde(default)]
    pub limits: LimitsTable,
    pub enabled: Option<bool>,
}

/// Limits of anything. Who may have a budget is checked later.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsTable {
    pub requests_per_minute: Option<NonZeroU64>,
    pub tokens_per_minute: Option<NonZeroU64>,
    pub requests_per_day: Option<NonZeroU64>,
    pub tokens_per_day: Option<NonZeroU64>,
    pub concurrent: Option<NonZeroU32>,
    pub daily_budget: Option<Spanned<Money>>,
    pub monthly_budget: Option<Spanned<Money>>,
    pub queue_timeout_ms: Option<u32>,
    pub shadow: bool,
}

/// Options of a platform's client.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OptionsTable {
    pub stream_options: bool,
    pub api: Option<Api>,
    pub rerank: Option<RerankApi>,
}

impl Default for OptionsTable {
    fn default() -> Self {
        Self { stream_options: easyai_core::catalog::PlatformOptions::default().stream_options, api: None, rerank: None }
    }
}

/// One of `secret`, `env` and `file`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CredentialTable {
    pub secret: Option<String>,
    pub env: Option<String>,
    pub file: Option<String>,
    pub name: Option<Spanned<String>>,
    #[serde(default = "one")]
    pub weight: NonZeroU32,
    #[serde(default)]
    pub limits: LimitsTable,
}

const fn one() -> NonZeroU32 {
    NonZeroU32::MIN
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelTable {
    pub name: Spanned<String>,
    #[serde(default = "by_priority")]
    pub strategy: Strategy,
    #[serde(default)]
    pub fallbacks: Vec<Spanned<String>>,
    pub stickiness: Option<Stickiness>,
    pub response_cache: Option<ResponseCache>,
}

const fn by_priority() -> Strategy {
    Strategy::Priority
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlatformModelTable {
    pub platform: Spanned<String>,
    pub model: Spanned<String>,
    pub upstream_name: Option<Spanned<String>>,
    pub model_types: Option<Spanned<Vec<ModelType>>>,
    pub policy_set: Option<Spanned<String>>,
    pub price: Option<Price>,
    pub cost: Option<Spanned<Price>>,
    #[serde(default = "one")]
    pub weight: NonZeroU32,
    pub priority: Option<u32>,
    pub context_tokens: Option<NonZeroU32>,
    pub max_output_tokens: Option<NonZeroU32>,
    #[serde(default)]
    pub overrides: CandidateOverrides,
    pub capabilities: Option<Vec<Capability>>,
    pub api: Option<Api>,
    #[serde(default)]
    pub limits: LimitsTable,
    pub enabled: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicySetTable {
    pub name: Spanned<String>,
    #[serde(default)]
    pub retry: RetryPolicy,
    #[serde(default)]
    pub cooldown: CooldownPolicy,
    pub breaker: Option<BreakerPolicy>,
    #[serde(default)]
    pub auto_disable: AutoDisablePolicy,
    pub probe: Option<ProbePolicy>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunnerPolicyTable {
    #[serde(default)]
    pub failover: FailoverPolicy,
    #[serde(default)]
    pub demotion: DemotionPolicy,
    #[serde(default)]
    pub availability: Availability,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupTable {
    pub name: Spanned<String>,
    #[serde(default = "times_one")]
    pub price_multiplier: Multiplier,
    pub models: Option<Spanned<Vec<String>>>,
    #[serde(default)]
    pub limits: LimitsTable,
}

const fn times_one() -> Multiplier {
    Multiplier::ONE
}

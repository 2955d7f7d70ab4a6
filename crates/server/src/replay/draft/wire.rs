//! The tables of a draft as they are written: those of a catalogue file, with what can be replayed and nothing else.

use std::num::NonZeroU32;

use easyai_core::catalog::{CandidateOverrides, Strategy};
use easyai_core::policy::{
    AutoDisablePolicy, Availability, BreakerPolicy, CooldownPolicy, DemotionPolicy, FailoverPolicy, ProbePolicy, RetryPolicy,
};
use easyai_core::price::Price;
use serde::Deserialize;
use toml::Spanned;

/// All tables, each with its place.
#[derive(Debug, Default)]
pub struct File {
    pub platforms: Vec<Spanned<PlatformTable>>,
    pub models: Vec<Spanned<ModelTable>>,
    pub offers: Vec<Spanned<OfferTable>>,
    pub policy_sets: Vec<Spanned<PolicySetTable>>,
    pub runner_policy: Option<Spanned<RunnerPolicyTable>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlatformTable {
    pub name: Spanned<String>,
    pub priority: Option<u32>,
    pub enabled: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelTable {
    pub name: Spanned<String>,
    pub strategy: Strategy,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfferTable {
    pub platform: Spanned<String>,
    pub model: Spanned<String>,
    pub priority: Option<u32>,
    pub weight: Option<NonZeroU32>,
    pub price: Option<Price>,
    pub cost: Option<Price>,
    pub policy_set: Option<Spanned<String>>,
    pub overrides: Option<CandidateOverrides>,
    pub enabled: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicySetTable {
    pub name: Spanned<String>,
    pub retry: Option<RetryPolicy>,
    pub cooldown: Option<CooldownPolicy>,
    pub breaker: Option<BreakerPolicy>,
    pub auto_disable: Option<AutoDisablePolicy>,
    pub probe: Option<ProbePolicy>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunnerPolicyTable {
    pub failover: Option<FailoverPolicy>,
    pub demotion: Option<DemotionPolicy>,
    pub availability: Option<Availability>,
}

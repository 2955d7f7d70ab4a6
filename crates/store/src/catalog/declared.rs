//! What a catalogue file says, as typed values: checked before it comes here. Secrets are resolved, and never shown.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;

use easyai_core::catalog::{
    CandidateOverrides, Capability, Enabled, ModelSettings, PlatformModelOptions, PlatformOptions, Strategy, Timeouts,
};
use easyai_core::kind::{ModelType, Provider};
use easyai_core::limit::LimitSet;
use easyai_core::policy::{
    AutoDisablePolicy, Availability, BreakerPolicy, CooldownPolicy, DemotionPolicy, FailoverPolicy, ProbePolicy, RetryPolicy,
};
use easyai_core::price::{Multiplier, Price};
use secrecy::SecretString;

/// Everything that is wanted, by name.
#[derive(Debug, Clone, Default)]
pub struct Declared {
    /// Platforms.
    pub platforms: BTreeMap<String, PlatformSpec>,
    /// Public models.
    pub models: BTreeMap<String, ModelSpec>,
    /// Who offers what, by platform and model.
    pub platform_models: BTreeMap<(String, String), PlatformModelSpec>,
    /// Policy sets.
    pub policy_sets: BTreeMap<String, PolicySetSpec>,
    /// The runner policy; none is the default one.
    pub runner_policy: Option<RunnerPolicySpec>,
    /// Groups of accounts.
    pub groups: BTreeMap<String, GroupSpec>,
}

/// A platform.
#[derive(Debug, Clone)]
pub struct PlatformSpec {
    /// Whose protocol it speaks.
    pub provider: Provider,
    /// Where it is, without a trailing slash; empty for the simulation.
    pub base_url: String,
    /// 0 is tried first.
    pub priority: u32,
    /// Its secrets, in the order of the file.
    pub credentials: Vec<CredentialSpec>,
    /// Its own outbound proxy.
    pub proxy: Option<ProxySpec>,
    /// Time limits of calls.
    pub timeouts: Timeouts,
    /// Options of its client.
    pub options: PlatformOptions,
    /// Its tasks are simulated.
    pub test_mode: bool,
    /// What may be asked of it.
    pub limits: LimitSet,
    /// Whether it is in use; none leaves it as it is (a new one is in use).
    pub enabled: Option<Enabled>,
}

/// One secret of a platform.
#[derive(Debug, Clone)]
pub struct CredentialSpec {
    /// Where it came from, such as `env:OPENAI_API_KEY`, `file:/run/secrets/openai` or `secret`.
    pub origin: String,
    /// What people call it, if they call it anything.
    pub name: Option<String>,
    /// Its share of the calls.
    pub weight: NonZeroU32,
    /// What may be asked with it.
    pub limits: LimitSet,
    /// What is sent.
    pub secret: SecretString,
}

/// How a platform's calls leave.
#[derive(Debug, Clone)]
pub enum ProxySpec {
    /// Through no proxy at all.
    Direct,
    /// Through this one; it may carry a password.
    Url(SecretString),
}

/// A public model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelSpec {
    /// How its candidates are ordered.
    pub strategy: Strategy,
    /// Fallbacks, stickiness and response cache.
    pub settings: ModelSettings,
}

/// A model as one platform offers it.
#[derive(Debug, Clone)]
pub struct PlatformModelSpec {
    /// What the platform calls it.
    pub upstream_name: String,
    /// What it can do.
    pub model_types: Vec<ModelType>,
    /// The policy set by name.
    pub policy_set: Option<String>,
    /// What accounts pay; none serves nobody.
    pub price: Option<Price>,
    /// What the platform charges the operator.
    pub cost: Option<Price>,
    /// Its share among candidates of equal priority.
    pub weight: NonZeroU32,
    /// Its priority if it differs from the platform's.
    pub priority: Option<u32>,
    /// Tokens of input and output together.
    pub context_tokens: Option<NonZeroU32>,
    /// The most tokens of one answer.
    pub max_output_tokens: Option<NonZeroU32>,
    /// What differs from its policies here.
    pub overrides: CandidateOverrides,
    /// What it can do beside plain text; none if nobody says.
    pub capabilities: Option<Vec<Capability>>,
    /// Options of its provider's client.
    pub options: PlatformModelOptions,
    /// What may be asked of it.
    pub limits: LimitSet,
    /// Whether it is in use; none leaves it as it is (a new one is in use).
    pub enabled: Option<Enabled>,
}

/// A class of accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupSpec {
    /// Times every price.
    pub price_multiplier: Multiplier,
    /// Which models its accounts may use.
    pub models: BTreeSet<String>,
    /// What its accounts may use together.
    pub limits: LimitSet,
}

impl Default for GroupSpec {
    /// Every model, times one: the group `default` of a file that does not name it.
    fn default() -> Self {
        Self { price_multiplier: Multiplier::ONE, models: BTreeSet::from(["*".to_owned()]), limits: LimitSet::default() }
    }
}

/// A policy set. Its JSON is what the database keeps.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PolicySetSpec {
    /// When the same client is called again.
    pub retry: RetryPolicy,
    /// How long which failures keep whom alone.
    #[serde(skip_serializing_if = "is_default")]
    pub cooldown: CooldownPolicy,
    /// When its platform models are let alone before they fail again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub breaker: Option<BreakerPolicy>,
    /// Which failures switch something off.
    #[serde(skip_serializing_if = "is_default")]
    pub auto_disable: AutoDisablePolicy,
    /// When what is out is asked whether it is well again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probe: Option<ProbePolicy>,
}

/// The runner policy. Its JSON is what the database keeps.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RunnerPolicySpec {
    /// When and how the next platform is tried.
    pub failover: FailoverPolicy,
    /// Which failures lower a candidate's priority.
    pub demotion: DemotionPolicy,
    /// How many of a model's candidates may be out at once.
    pub availability: Availability,
}

/// Whether it says nothing that would not hold without it.
pub(super) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

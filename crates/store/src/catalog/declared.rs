//! What a catalogue file declares: objects by name, checked, with their secrets resolved.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use easyai_core::catalog::{AllowedModels, CandidateOverrides, Enabled, PlatformOptions, ProxySetting, Strategy, Timeouts};
use easyai_core::kind::{ModelType, Provider};
use easyai_core::policy::{FailoverPolicy, RetryPolicy};
use easyai_core::price::{Multiplier, Price};
use secrecy::SecretString;

/// All that a file declares. References are by name and point at objects declared here.
#[derive(Debug, Clone, Default)]
pub struct Declared {
    /// Groups by name.
    pub groups: BTreeMap<String, DeclaredGroup>,
    /// Policy sets by name.
    pub policy_sets: BTreeMap<String, DeclaredPolicySet>,
    /// Models by public name.
    pub models: BTreeMap<String, DeclaredModel>,
    /// Platforms by name.
    pub platforms: BTreeMap<String, DeclaredPlatform>,
    /// Platform models by platform and model.
    pub platform_models: BTreeMap<OfferName, DeclaredPlatformModel>,
    /// The runner policy, if the file has one.
    pub runner_policy: Option<FailoverPolicy>,
}

/// The names of a platform model: platform and model.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OfferName {
    /// The platform that offers it.
    pub platform: String,
    /// The public model.
    pub model: String,
}

impl std::fmt::Display for OfferName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} at {}", self.model, self.platform)
    }
}

/// A class of accounts.
#[derive(Debug, Clone)]
pub struct DeclaredGroup {
    /// Times every price.
    pub price_multiplier: Multiplier,
    /// What its accounts may use.
    pub models: AllowedModels,
}

/// Retry rules under a name.
#[derive(Debug, Clone)]
pub struct DeclaredPolicySet {
    /// When the same client is called again.
    pub retry: RetryPolicy,
}

/// A public model.
#[derive(Debug, Clone)]
pub struct DeclaredModel {
    /// How its candidates are ordered.
    pub strategy: Strategy,
}

/// One account at one provider.
#[derive(Debug, Clone)]
pub struct DeclaredPlatform {
    /// Whose protocol it speaks.
    pub provider: Provider,
    /// Where it is, without a trailing slash; empty for the simulation.
    pub base_url: String,
    /// 0 is tried first.
    pub priority: u32,
    /// Its secrets, in the file's order.
    pub credentials: Vec<DeclaredCredential>,
    /// Its own outbound proxy.
    pub proxy: Option<ProxySetting>,
    /// Time limits of calls.
    pub timeouts: Timeouts,
    /// Simulated, and charged nothing.
    pub test_mode: bool,
    /// Options of its client.
    pub options: PlatformOptions,
    /// Whether it is in use.
    pub enabled: Enabled,
}

/// A secret of a platform.
#[derive(Debug, Clone)]
pub struct DeclaredCredential {
    /// What is sent.
    pub secret: SecretString,
    /// Its share of the calls.
    pub weight: NonZeroU32,
    /// Where the secret came from, for people: `env:NAME`, `file:PATH` or `secret`.
    pub origin: String,
}

/// A model as one platform offers it.
#[derive(Debug, Clone)]
pub struct DeclaredPlatformModel {
    /// What the platform calls it.
    pub upstream_name: String,
    /// What it can do.
    pub model_types: Vec<ModelType>,
    /// The policy set, by name; none for the default one.
    pub policy_set: Option<String>,
    /// What the account pays; without it the model serves nobody.
    pub price: Option<Price>,
    /// What the platform charges; only beside a price.
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
    /// Whether it is in use.
    pub enabled: Enabled,
}

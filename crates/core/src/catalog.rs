//! The catalogue: one immutable snapshot of everything that rarely changes. Rebuilt from rows when their revision moves; nothing on
//! the hot path reads the database for what is here.

use std::collections::{HashMap, HashSet};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

use crate::id::{AccountId, CredentialId, GroupId, KeyId, ModelId, PlatformId, PlatformModelId, PolicySetId};
use crate::kind::{Api, ModelType, Provider, RerankApi, RunMode};
use crate::limit::LimitSet;
use crate::policy::{PolicySet, RetryOverride, RunnerPolicy};
use crate::price::{Multiplier, PriceVersion};
pub use crate::response_cache::ResponseCache;
use crate::time::Timestamp;

/// The keyed hash of an API key, as stored.
pub type KeyHash = [u8; 32];

/// Everything that rarely changes, at one revision.
#[derive(Debug, Clone)]
pub struct Catalog {
    /// Moves with every change.
    pub revision: i64,
    /// Groups by id.
    pub groups: HashMap<GroupId, Arc<Group>>,
    /// Accounts by id.
    pub accounts: HashMap<AccountId, Arc<Account>>,
    /// Keys by their hash; expired and revoked ones too, so that the log can say why.
    pub keys: HashMap<KeyHash, Arc<ApiKey>>,
    /// Models by public name.
    pub models: HashMap<Arc<str>, Arc<Model>>,
    /// The one active runner policy.
    pub runner_policy: Arc<RunnerPolicy>,
}

/// Which of an object's states it is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enabled {
    /// In use.
    Yes,
    /// Switched off by a person or by a policy.
    No,
}

/// A class of accounts.
#[derive(Debug, Clone)]
pub struct Group {
    /// Its id.
    pub id: GroupId,
    /// Its unique name.
    pub name: Arc<str>,
    /// Times every price.
    pub price_multiplier: Multiplier,
    /// Which models its accounts may use.
    pub models: AllowedModels,
    /// What its accounts may use together.
    pub limits: Arc<LimitSet>,
}

/// A set of public model names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AllowedModels {
    /// All of them (`["*"]` in the catalogue file).
    All,
    /// Those named; a name that ends in `*` allows every model that begins so.
    Named(HashSet<String>),
}

impl AllowedModels {
    /// Whether `model` is in the set.
    #[must_use]
    pub fn allows(&self, model: &str) -> bool {
        match self {
            Self::All => true,
            Self::Named(names) => {
                names.contains(model) || names.iter().any(|name| name.strip_suffix('*').is_some_and(|prefix| model.starts_with(prefix)))
            }
        }
    }

    /// The set that a list of names means: `*` alone is all.
    #[must_use]
    pub fn from_names(names: impl IntoIterator<Item = String>) -> Self {
        let names: HashSet<String> = names.into_iter().collect();
        if names.contains("*") { Self::All } else { Self::Named(names) }
    }
}

/// Who pays.
#[derive(Debug, Clone)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Its unique name.
    pub name: Arc<str>,
    /// Its group.
    pub group: GroupId,
    /// Whether it may make calls.
    pub enabled: Enabled,
    /// What it may use.
    pub limits: Arc<LimitSet>,
}

/// What a caller sends, without the secret itself.
#[derive(Debug, Clone)]
pub struct ApiKey {
    /// Its id.
    pub id: KeyId,
    /// Who pays.
    pub account: AccountId,
    /// A name for people.
    pub name: Arc<str>,
    /// Which models it may use, within what its group may.
    pub models: AllowedModels,
    /// From when it is refused.
    pub expires_at: Option<Timestamp>,
    /// Since when it is refused, for good.
    pub revoked_at: Option<Timestamp>,
    /// Whether its tasks are simulated.
    pub run_mode: RunMode,
    /// What it may use.
    pub limits: Arc<LimitSet>,
    /// Whether its calls may be answered from the response cache of a model that has one.
    pub response_cache: bool,
}

crate::words! {
    /// How candidates of equal priority are ordered.
    pub enum Strategy as "strategy" {
        /// By priority; ties are spread by weight.
        Priority = "priority",
        /// By weight, within equal priority: the same as `priority`, for those who look for the word.
        Weighted = "weighted",
        /// By calls under way for each unit of weight, within equal priority.
        LeastBusy = "least_busy",
        /// By the time to the first useful delta, within equal priority; now and then another one, to notice that it got better.
        LowestLatency = "lowest_latency",
        /// By what the platform charges for such a call (its price where the cost is not known), within equal priority.
        LowestCost = "lowest_cost",
    }
}

crate::words! {
    /// What a request may need that not every model can do.
    pub enum Capability as "capability" {
        /// Calling tools.
        Tools = "tools",
        /// Looking at images.
        Vision = "vision",
        /// Hearing, or speaking.
        Audio = "audio",
        /// Answering by a JSON schema.
        JsonSchema = "json_schema",
    }
}

/// What of a model is no list of offers. Its JSON is what the database keeps.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ModelSettings {
    /// Models to try, in order, when all candidates of this one have failed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fallbacks: Vec<Arc<str>>,
    /// Whether calls that share a prompt prefer who served them before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stickiness: Option<Stickiness>,
    /// Whether the same request gets the same answer again, if its key allows it too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_cache: Option<ResponseCache>,
}

/// Calls with the same `prompt_cache_key`, `user`, session header or beginning of the prompt prefer the candidate that served them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Stickiness {
    /// How long after the last call it is remembered.
    pub seconds: NonZeroU32,
}

impl Default for Stickiness {
    /// Ten minutes: prompt caches of the large providers live for five to ten.
    fn default() -> Self {
        Self { seconds: ms(600) }
    }
}

/// A public name a caller asks for, with all who offer it.
#[derive(Debug, Clone)]
pub struct Model {
    /// Its id.
    pub id: ModelId,
    /// The public name.
    pub name: Arc<str>,
    /// How its candidates are ordered.
    pub strategy: Strategy,
    /// Fallbacks, stickiness and response cache.
    pub settings: ModelSettings,
    /// When it came to the catalogue.
    pub created_at: Timestamp,
    /// All platform models of this model, in no particular order.
    pub offers: Vec<Arc<PlatformModel>>,
}

/// A model as one platform offers it.
#[derive(Debug, Clone)]
pub struct PlatformModel {
    /// Its id.
    pub id: PlatformModelId,
    /// The platform that offers it.
    pub platform: Arc<Platform>,
    /// The public name of the model.
    pub model: Arc<str>,
    /// What the platform calls it.
    pub upstream_name: Arc<str>,
    /// What it can do.
    pub model_types: Vec<ModelType>,
    /// Price and cost; a platform model without a price serves nobody.
    pub price: Option<Arc<PriceVersion>>,
    /// Its share among candidates of equal priority.
    pub weight: NonZeroU32,
    /// Its priority if it differs from the platform's; 0 is tried first.
    pub priority: Option<u32>,
    /// Tokens of input and output together, if known.
    pub context_tokens: Option<NonZeroU32>,
    /// The most tokens one answer may have, if known: bounds the estimate.
    pub max_output_tokens: Option<NonZeroU32>,
    /// Retry, cooldown and auto-disable rules.
    pub policy_set: Arc<PolicySet>,
    /// What differs from the policy set and the runner policy here.
    pub overrides: CandidateOverrides,
    /// What it can do beside plain text; none if nobody said: then it is asked for anything.
    pub capabilities: Option<Vec<Capability>>,
    /// Options of its provider's client.
    pub options: PlatformModelOptions,
    /// What may be asked of it.
    pub limits: Arc<LimitSet>,
    /// Whether it is in use.
    pub enabled: Enabled,
}

/// Values of a candidate that differ from its policies.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CandidateOverrides {
    /// Replaces values of the retry policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<RetryOverride>,
    /// Can only lower the runner policy's `max_platforms`.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "crate::policy::some_max_platforms")]
    pub max_platforms: Option<NonZeroU32>,
    /// Can only lower the runner policy's `max_duration_seconds`.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "crate::policy::some_max_duration_seconds")]
    pub max_duration_seconds: Option<NonZeroU32>,
}

/// One account at one provider.
#[derive(Debug, Clone)]
pub struct Platform {
    /// Its id.
    pub id: PlatformId,
    /// Its unique name.
    pub name: Arc<str>,
    /// Whose protocol it speaks.
    pub provider: Provider,
    /// Where it is, without a trailing slash.
    pub base_url: Arc<str>,
    /// 0 is tried first.
    pub priority: u32,
    /// Secrets, the heaviest weight first; none for platforms that need none.
    pub credentials: Vec<Arc<Credential>>,
    /// The outbound proxy, if it has its own: `http://`, `https://`, `socks5://` or `socks5h://`.
    pub proxy: Option<ProxySetting>,
    /// Time limits of calls.
    pub timeouts: Timeouts,
    /// Its tasks are simulated and charged nothing.
    pub test_mode: bool,
    /// Options of its provider's client.
    pub options: PlatformOptions,
    /// What may be asked of it.
    pub limits: Arc<LimitSet>,
    /// Whether it is in use.
    pub enabled: Enabled,
}

/// How a platform's calls leave.
#[derive(Debug, Clone)]
pub enum ProxySetting {
    /// Not through the global proxy either (`proxy = "none"`).
    Direct,
    /// Through this one. A secret: it may carry a password.
    Url(SecretString),
}

/// A secret of a platform.
#[derive(Debug, Clone)]
pub struct Credential {
    /// Its id.
    pub id: CredentialId,
    /// What people call it: its own name, or its place such as `credential 1`. No part of the secret.
    pub name: Arc<str>,
    /// Its share of the calls.
    pub weight: NonZeroU32,
    /// What may be asked with it.
    pub limits: Arc<LimitSet>,
    /// What is sent.
    pub secret: SecretString,
}

/// Limits of time of one call. They are apart: a long answer is not a late one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Timeouts {
    /// Until the connection stands, TLS and proxy included.
    pub connect_ms: NonZeroU32,
    /// From the call to the first useful delta of a stream, or to the head of a plain answer.
    pub first_delta_ms: NonZeroU32,
    /// Between two reads.
    pub idle_ms: NonZeroU32,
    /// The whole call.
    pub total_ms: NonZeroU32,
}

const fn ms(value: u32) -> NonZeroU32 {
    match NonZeroU32::new(value) {
        Some(value) => value,
        None => NonZeroU32::MIN,
    }
}

impl Default for Timeouts {
    /// 5 s, 60 s, 60 s, 10 min.
    fn default() -> Self {
        Self { connect_ms: ms(5_000), first_delta_ms: ms(60_000), idle_ms: ms(60_000), total_ms: ms(600_000) }
    }
}

impl Timeouts {
    /// `connect_ms`.
    #[must_use]
    pub fn connect(&self) -> Duration {
        Duration::from_millis(self.connect_ms.get().into())
    }

    /// `first_delta_ms`.
    #[must_use]
    pub fn first_delta(&self) -> Duration {
        Duration::from_millis(self.first_delta_ms.get().into())
    }

    /// `idle_ms`.
    #[must_use]
    pub fn idle(&self) -> Duration {
        Duration::from_millis(self.idle_ms.get().into())
    }

    /// `total_ms`.
    #[must_use]
    pub fn total(&self) -> Duration {
        Duration::from_millis(self.total_ms.get().into())
    }
}

/// Options of a platform's client. The JSON form is what the catalogue file and the database hold.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PlatformOptions {
    /// Whether the platform takes `stream_options`; some old compatibles refuse it with 400.
    pub stream_options: bool,
    /// Which of OpenAI's two text APIs the platform is asked by; the caller's own where it has both, if nobody said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api: Option<Api>,
    /// How the platform is asked to rerank; by the name of its host if nobody said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rerank: Option<RerankApi>,
    /// What the simulation client does; only for `provider = "simulation"` and simulated tasks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub simulation: Option<Simulation>,
}

impl Default for PlatformOptions {
    fn default() -> Self {
        Self { stream_options: true, api: None, rerank: None, simulation: None }
    }
}

/// Options of a client that differ from model to model. The JSON form is what the catalogue file and the database hold.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PlatformModelOptions {
    /// Which of OpenAI's two text APIs it is asked by; as the platform says if nobody said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api: Option<Api>,
}

impl PlatformModel {
    /// Which of OpenAI's two text APIs this model is asked by, if anybody said.
    #[must_use]
    pub fn api(&self) -> Option<Api> {
        self.options.api.or(self.platform.options.api)
    }
}

/// What the simulation client does. Also read from the request header `x-easyai-simulation` of simulated tasks.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Simulation {
    /// Wait before the answer.
    pub latency_ms: u32,
    /// Number of content deltas of a stream; by the text's words if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chunks: Option<NonZeroU32>,
    /// Wait between deltas.
    pub chunk_delay_ms: u32,
    /// How long a job takes; 3 s if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_seconds: Option<u32>,
    /// Faults by call: the first call of a task to this platform meets the first, and so on; after the last, all is well.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub script: Vec<SimulatedFault>,
}

/// One scripted fault.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SimulatedFault {
    /// The category of the failure, or none: then this call is well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<crate::failure::Category>,
    /// Where it happens.
    #[serde(default)]
    pub position: FaultPosition,
    /// Deltas that are delivered before it; only for `after_deltas`, `cut` and `stall`.
    #[serde(default)]
    pub deltas: u32,
    /// What the simulated upstream asks us to wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u32>,
}

crate::words! {
    /// Where a simulated fault happens.
    #[derive(Default)]
    pub enum FaultPosition as "fault position" {
        /// Instead of an answer.
        #[default]
        BeforeAnswer = "before_answer",
        /// As an error after some deltas.
        AfterDeltas = "after_deltas",
        /// The stream ends without its end after some deltas.
        Cut = "cut",
        /// Nothing more comes after some deltas, until a time-out.
        Stall = "stall",
    }
}

/// The policy set of a platform model that names none.
#[must_use]
pub fn default_policy_set() -> PolicySet {
    PolicySet::new(PolicySetId::from_uuid(uuid::Uuid::nil()), "default".into(), crate::policy::RetryPolicy::default())
}

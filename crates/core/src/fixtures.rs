//! Small catalogues for tests.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use uuid::Uuid;

use crate::candidates::{Candidate, Candidates, Chance, Selection};
use crate::catalog::{
    AllowedModels, ApiKey, CandidateOverrides, Catalog, Credential, Enabled, Group, Model, ModelSettings, Platform, PlatformModel,
    PlatformOptions, Strategy, Timeouts,
};
use crate::id::{AccountId, CredentialId, GroupId, KeyId, ModelId, PlatformId, PlatformModelId, PolicySetId, PriceId, RunnerPolicyId};
use crate::kind::{ModelType, Provider, RunMode};
use crate::policy::{FailoverPolicy, PolicySet, RetryPolicy, RunnerPolicy};
use crate::price::{Multiplier, PriceVersion};
use crate::time::Timestamp;

/// The id of a thing in a test follows from its name.
pub fn uuid_of(name: &str) -> Uuid {
    Uuid::from_u128(name.bytes().fold(1, |bits: u128, byte| bits.wrapping_mul(257).wrapping_add(byte.into())))
}

pub fn platform(name: &str) -> Platform {
    Platform {
        id: PlatformId::from_uuid(uuid_of(name)),
        name: name.into(),
        provider: Provider::Simulation,
        base_url: "".into(),
        priority: 0,
        credentials: Vec::new(),
        proxy: None,
        timeouts: Timeouts::default(),
        test_mode: false,
        options: PlatformOptions::default(),
        limits: Arc::default(),
        enabled: Enabled::Yes,
    }
}

pub fn credential(name: &str) -> Arc<Credential> {
    let id = CredentialId::from_uuid(uuid_of(name));
    Arc::new(Credential { id, name: name.into(), weight: NonZeroU32::MIN, limits: Arc::default(), secret: String::new().into() })
}

/// What `platform` offers of model `m`, with a price and the policy set `standard`.
pub fn offer(platform: Platform) -> PlatformModel {
    let price = serde_json::from_str(r#"{"input_per_million":"1","output_per_million":"2"}"#).unwrap();
    PlatformModel {
        id: PlatformModelId::from_uuid(platform.id.uuid()),
        platform: Arc::new(platform),
        model: "m".into(),
        upstream_name: "m".into(),
        model_types: ModelType::ALL.to_vec(),
        price: Some(Arc::new(PriceVersion { id: PriceId::from_uuid(Uuid::nil()), price, cost: None })),
        weight: NonZeroU32::MIN,
        priority: None,
        context_tokens: None,
        max_output_tokens: None,
        policy_set: policy_set(RetryPolicy::default()),
        overrides: CandidateOverrides::default(),
        capabilities: None,
        options: Default::default(),
        limits: Arc::default(),
        enabled: Enabled::Yes,
    }
}

pub fn policy_set(retry: RetryPolicy) -> Arc<PolicySet> {
    Arc::new(PolicySet::new(PolicySetId::from_uuid(Uuid::nil()), "standard".into(), retry))
}

pub fn runner_policy(failover: FailoverPolicy) -> Arc<RunnerPolicy> {
    Arc::new(RunnerPolicy::new(RunnerPolicyId::from_uuid(Uuid::nil()), failover))
}

pub fn model(offers: Vec<PlatformModel>) -> Model {
    Model {
        id: ModelId::from_uuid(Uuid::nil()),
        name: "m".into(),
        strategy: Strategy::Priority,
        settings: ModelSettings::default(),
        created_at: Timestamp::from_micros(0),
        offers: offers.into_iter().map(Arc::new).collect(),
    }
}

pub fn selection(offers: Vec<PlatformModel>) -> Selection {
    let model = Arc::new(model(offers));
    let mut candidates = model.offers.iter().map(|offer| {
        let mut candidate = Candidate::new(offer, 0, Chance::Usual);
        if offer.platform.credentials.len() > 1 {
            candidate.credentials.clone_from(&offer.platform.credentials);
        }
        candidate
    });
    let candidates = Candidates::new(candidates.next().unwrap(), candidates.collect());
    Selection { model, candidates, left_out: Vec::new() }
}

pub fn catalog(model: Model) -> Catalog {
    Catalog {
        revision: 1,
        groups: HashMap::new(),
        accounts: HashMap::new(),
        keys: HashMap::new(),
        models: HashMap::from([(Arc::clone(&model.name), Arc::new(model))]),
        runner_policy: runner_policy(FailoverPolicy::default()),
    }
}

pub fn group(models: AllowedModels) -> Group {
    Group { id: GroupId::from_uuid(Uuid::nil()), name: "default".into(), price_multiplier: Multiplier::ONE, models, limits: Arc::default() }
}

pub fn key(models: AllowedModels) -> ApiKey {
    ApiKey {
        id: KeyId::from_uuid(Uuid::nil()),
        account: AccountId::from_uuid(Uuid::nil()),
        name: "key".into(),
        models,
        expires_at: None,
        revoked_at: None,
        run_mode: RunMode::Live,
        limits: Arc::default(),
        response_cache: false,
    }
}

/// A seeded generator: a property that fails can be run again.
pub struct Seeded(pub u64);

impl Seeded {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub fn one_in(&mut self, chances: u64) -> bool {
        self.below(chances) == 0
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[usize::try_from(self.below(from.len() as u64)).unwrap()]
    }
}

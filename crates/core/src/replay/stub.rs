//! Stand-ins for what is no longer in the catalogue: known by name alone, so that the history still replays.

use std::num::NonZeroU32;
use std::sync::Arc;

use uuid::Uuid;

use super::past::Past;
use super::world::World;
use crate::candidates::{Candidate, Chance};
use crate::catalog::{
    CandidateOverrides, Credential, Enabled, Model, ModelSettings, Platform, PlatformModel, PlatformOptions, Strategy, Timeouts,
    default_policy_set,
};
use crate::id::{CredentialId, ModelId, PlatformId};
use crate::kind::Provider;
use crate::run_trace::CandidateNote;
use crate::time::Timestamp;

/// A candidate that is no longer in the catalogue: without a price, and with the policies of one that names none.
pub(super) fn candidate(past: &Past, note: &CandidateNote, world: &World) -> Candidate {
    let platform = world.platform(&note.platform).map_or_else(|| platform(note), Arc::clone);
    let credentials = credentials(past, note, &platform);
    let offer = Arc::new(PlatformModel {
        id: note.platform_model,
        platform,
        model: note.fallback_model.as_ref().map_or_else(|| Arc::clone(&past.model), Arc::clone),
        upstream_name: Arc::clone(&note.upstream_name),
        model_types: vec![past.model_type],
        price: None,
        weight: NonZeroU32::new(note.weight).unwrap_or(NonZeroU32::MIN),
        priority: Some(note.priority.saturating_sub(note.demotion)),
        context_tokens: None,
        max_output_tokens: None,
        policy_set: Arc::new(default_policy_set()),
        overrides: CandidateOverrides::default(),
        capabilities: None,
        options: Default::default(),
        limits: Arc::default(),
        enabled: Enabled::Yes,
    });
    let chance = if note.last_resort { Chance::LastResort } else { Chance::Usual };
    Candidate { fallback: note.fallback_model.is_some(), credentials, ..Candidate::new(&offer, note.priority, chance) }
}

fn platform(note: &CandidateNote) -> Arc<Platform> {
    Arc::new(Platform {
        // The same for all its models: what leaves a whole platform alone goes by it.
        id: PlatformId::from_uuid(id_of(&note.platform)),
        name: Arc::clone(&note.platform),
        provider: Provider::Openai,
        base_url: "".into(),
        priority: note.priority,
        credentials: note.credentials.iter().map(credential).collect(),
        proxy: None,
        timeouts: Timeouts::default(),
        test_mode: false,
        options: PlatformOptions::default(),
        limits: Arc::default(),
        enabled: Enabled::Yes,
    })
}

/// The credentials of a candidate in the order of the time; empty where there was no choice.
pub(super) fn credentials(past: &Past, note: &CandidateNote, platform: &Platform) -> Vec<Arc<Credential>> {
    let known = |name: &Arc<str>| platform.credentials.iter().find(|credential| credential.name == *name).cloned();
    let of = |name: &Arc<str>| known(name).unwrap_or_else(|| credential(name));
    if !note.credentials.is_empty() {
        return note.credentials.iter().map(of).collect();
    }
    // Tasks of before the order was recorded: as far as it shows.
    let mut used: Vec<Arc<str>> = Vec::new();
    for entry in past.trace.decisions.iter().filter(|entry| entry.platform_model == note.platform_model) {
        if let Some(name) = entry.credential.as_deref().filter(|name| !used.iter().any(|other| **other == **name)) {
            used.push(name.into());
        }
    }
    used.iter().map(of).collect()
}

fn credential(name: &Arc<str>) -> Arc<Credential> {
    let id = CredentialId::from_uuid(id_of(name));
    Arc::new(Credential { id, name: Arc::clone(name), weight: NonZeroU32::MIN, limits: Arc::default(), secret: String::new().into() })
}

/// A model that is no longer in the catalogue.
pub(super) fn model(name: &Arc<str>) -> Arc<Model> {
    Arc::new(Model {
        id: ModelId::from_uuid(id_of(name)),
        name: Arc::clone(name),
        strategy: Strategy::Priority,
        settings: ModelSettings::default(),
        created_at: Timestamp::from_micros(0),
        offers: Vec::new(),
    })
}

/// An id that follows from a name.
fn id_of(name: &str) -> Uuid {
    // FNV-1a, 128 bits: any hash does, as long as it is always the same.
    let hash = name.bytes().fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128, |hash, byte| {
        (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b)
    });
    Uuid::from_u128(hash)
}

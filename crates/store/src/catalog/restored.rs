//! An earlier catalogue again: what its revision kept, with the secrets that are still stored.
//!
//! A secret is found by its fingerprint; if it was replaced since, the one that is stored under the same name is meant, or that from
//! the same variable or file: what applying the old file again would give. One that is gone is named, and nothing is changed.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::sync::Arc;

use easyai_core::catalog::{
    CandidateOverrides, Capability, Enabled, ModelSettings, PlatformModelOptions, PlatformOptions, ResponseCache, Stickiness, Strategy,
    Timeouts,
};
use easyai_core::kind::{ModelType, Provider};
use easyai_core::limit::LimitSet;
use easyai_core::price::{Multiplier, Price};
use secrecy::SecretString;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::credential::CredentialDoc;
use super::declared::{CredentialSpec, Declared, GroupSpec, ModelSpec, PlatformModelSpec, PlatformSpec, ProxySpec};
use super::diff::{Fields, ObjectKind, Objects};
use super::fields::{fingerprint, proxy_text};
use crate::error::StoreError;
use crate::vault::Vault;

/// The origin of a secret that stood in the file itself: it says nothing about which one it is.
const LITERAL: &str = "secret";

#[derive(Deserialize)]
struct PlatformDoc {
    provider: Provider,
    base_url: String,
    priority: u32,
    credentials: Vec<CredentialDoc>,
    timeouts: Timeouts,
    options: PlatformOptions,
    test_mode: bool,
    proxy: Option<String>,
    #[serde(default)]
    limits: LimitSet,
    enabled: Option<bool>,
}

#[derive(Deserialize)]
struct ModelDoc {
    strategy: Strategy,
    #[serde(default)]
    fallbacks: Vec<Arc<str>>,
    stickiness: Option<Stickiness>,
    response_cache: Option<ResponseCache>,
}

#[derive(Deserialize)]
struct PlatformModelDoc {
    upstream_name: String,
    model_types: Vec<ModelType>,
    policy_set: Option<String>,
    price: Option<Price>,
    cost: Option<Price>,
    weight: NonZeroU32,
    priority: Option<u32>,
    context_tokens: Option<NonZeroU32>,
    max_output_tokens: Option<NonZeroU32>,
    #[serde(default)]
    overrides: CandidateOverrides,
    capabilities: Option<Vec<Capability>>,
    #[serde(default)]
    options: PlatformModelOptions,
    #[serde(default)]
    limits: LimitSet,
    enabled: Option<bool>,
}

#[derive(Deserialize)]
struct GroupDoc {
    price_multiplier: Multiplier,
    models: BTreeSet<String>,
    #[serde(default)]
    limits: LimitSet,
}

/// What `objects` declare, with the secrets of `now`.
///
/// # Errors
/// [`StoreError::Setting`] naming each secret that is gone, [`StoreError::Corrupt`] for an object that can't be read.
pub(super) fn declared(objects: &Objects, now: &Declared, vault: &Vault) -> Result<Declared, StoreError> {
    let mut wanted = Declared::default();
    let mut secrets = Secrets { now, vault, gone: Vec::new() };
    for ((kind, name), fields) in objects {
        let object = Object { kind: *kind, name, fields };
        match kind {
            ObjectKind::PolicySet => drop(wanted.policy_sets.insert(name.clone(), object.read()?)),
            ObjectKind::RunnerPolicy => wanted.runner_policy = Some(object.read()?),
            ObjectKind::Group => {
                let GroupDoc { price_multiplier, models, limits } = object.read()?;
                wanted.groups.insert(name.clone(), GroupSpec { price_multiplier, models, limits });
            }
            ObjectKind::Platform => drop(wanted.platforms.insert(name.clone(), secrets.platform(name, object.read()?))),
            ObjectKind::Model => {
                let ModelDoc { strategy, fallbacks, stickiness, response_cache } = object.read()?;
                let settings = ModelSettings { fallbacks, stickiness, response_cache };
                wanted.models.insert(name.clone(), ModelSpec { strategy, settings });
            }
            ObjectKind::PlatformModel => {
                let names = pair(name, objects).ok_or_else(|| object.corrupt("its platform or model is missing"))?;
                wanted.platform_models.insert(names, platform_model(object.read()?));
            }
        }
    }
    if secrets.gone.is_empty() {
        return Ok(wanted);
    }
    Err(StoreError::Setting(format!("{}: apply a file that has it", secrets.gone.join("; "))))
}

/// One object of a document.
struct Object<'a> {
    kind: ObjectKind,
    name: &'a str,
    fields: &'a Fields,
}

impl Object<'_> {
    /// Its fields as one value; a field `a.b` is the field `b` of the field `a`.
    fn read<T: DeserializeOwned>(&self) -> Result<T, StoreError> {
        let mut plain: BTreeMap<&str, Box<RawValue>> = BTreeMap::new();
        let mut nested: BTreeMap<&str, BTreeMap<&str, Box<RawValue>>> = BTreeMap::new();
        for (field, json) in self.fields {
            let value = RawValue::from_string(json.clone()).map_err(|error| self.corrupt(error))?;
            match field.split_once('.') {
                Some((outer, inner)) => drop(nested.entry(outer).or_default().insert(inner, value)),
                None => drop(plain.insert(field, value)),
            }
        }
        for (outer, inner) in nested {
            plain.insert(outer, serde_json::value::to_raw_value(&inner).map_err(|error| self.corrupt(error))?);
        }
        let text = serde_json::to_string(&plain).map_err(|error| self.corrupt(error))?;
        serde_json::from_str(&text).map_err(|error| self.corrupt(error))
    }

    fn corrupt(&self, what: impl std::fmt::Display) -> StoreError {
        StoreError::Corrupt(format!("the catalogue's revision, {} `{}`: {what}", self.kind, self.name))
    }
}

/// The platform and the model of `platform/model`; either name may have a slash.
fn pair(name: &str, objects: &Objects) -> Option<(String, String)> {
    let known = |kind, name: &str| objects.contains_key(&(kind, name.to_owned()));
    let cuts = name.match_indices('/').map(|(at, slash)| (&name[..at], &name[at + slash.len()..]));
    let mut found = cuts.filter(|(platform, model)| known(ObjectKind::Platform, platform) && known(ObjectKind::Model, model));
    found.next().map(|(platform, model)| (platform.to_owned(), model.to_owned()))
}

fn platform_model(document: PlatformModelDoc) -> PlatformModelSpec {
    let PlatformModelDoc { upstream_name, model_types, policy_set, price, cost, weight, priority, .. } = document;
    let PlatformModelDoc { context_tokens, max_output_tokens, overrides, capabilities, limits, options, enabled, .. } = document;
    PlatformModelSpec {
        upstream_name,
        model_types,
        policy_set,
        price,
        cost,
        weight,
        priority,
        context_tokens,
        max_output_tokens,
        overrides,
        capabilities,
        options,
        limits,
        enabled: enabled.map(super::load::enabled),
    }
}

/// The secrets that are stored, and those that should be.
struct Secrets<'a> {
    now: &'a Declared,
    vault: &'a Vault,
    gone: Vec<String>,
}

impl Secrets<'_> {
    fn platform(&mut self, name: &str, document: PlatformDoc) -> PlatformSpec {
        let PlatformDoc { provider, base_url, priority, credentials, timeouts, options, test_mode, proxy, limits, enabled } = document;
        let credentials = (1..).zip(credentials).filter_map(|(place, document)| self.credential(name, place, document)).collect();
        let proxy = proxy.and_then(|text| self.proxy(name, &text));
        let enabled: Option<Enabled> = enabled.map(super::load::enabled);
        PlatformSpec { provider, base_url, priority, credentials, proxy, timeouts, options, test_mode, limits, enabled }
    }

    fn credential(&mut self, platform: &str, place: usize, document: CredentialDoc) -> Option<CredentialSpec> {
        let Some(secret) = self.secret(platform, &document) else {
            let called = document.name.as_ref().map_or_else(|| format!("credential {place}"), |name| format!("credential `{name}`"));
            self.gone.push(format!("the secret of {called} ({}) of platform `{platform}` is not stored any more", document.origin));
            return None;
        };
        let CredentialDoc { origin, name, weight, limits, .. } = document;
        Some(CredentialSpec { origin, name, weight, limits, secret })
    }

    fn secret(&self, platform: &str, wanted: &CredentialDoc) -> Option<SecretString> {
        let stored = &self.now.platforms.get(platform)?.credentials;
        let same = stored.iter().find(|stored| fingerprint(&stored.secret, self.vault) == wanted.fingerprint);
        let named = || stored.iter().find(|stored| wanted.name.is_some() && stored.name == wanted.name);
        let from_there = || stored.iter().find(|stored| wanted.origin != LITERAL && stored.origin == wanted.origin);
        same.or_else(named).or_else(from_there).map(|stored| stored.secret.clone())
    }

    fn proxy(&mut self, platform: &str, text: &str) -> Option<ProxySpec> {
        if text == proxy_text(&ProxySpec::Direct, self.vault) {
            return Some(ProxySpec::Direct);
        }
        let stored = self.now.platforms.get(platform).and_then(|platform| platform.proxy.as_ref());
        let found = stored.filter(|stored| proxy_text(stored, self.vault) == text);
        if found.is_none() {
            self.gone.push(format!("the proxy of platform `{platform}` is not stored any more"));
        }
        found.cloned()
    }
}

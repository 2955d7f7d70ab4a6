//! Objects as lists of fields in JSON: what a plan compares and shows, and what a revision keeps. Secrets are fingerprints here.

use easyai_core::catalog::{Enabled, ModelSettings};
use easyai_core::limit::LimitSet;
use secrecy::{ExposeSecret, SecretString};

use super::credential::CredentialDoc;
use super::declared::{
    CredentialSpec, Declared, GroupSpec, ModelSpec, PlatformModelSpec, PlatformSpec, PolicySetSpec, ProxySpec, RunnerPolicySpec, is_default,
};
use super::diff::{Fields, ObjectKind, Objects};
use crate::vault::Vault;

/// What is shown of a keyed hash: enough to see that a secret changed, useless for finding it.
const FINGERPRINT_BYTES: usize = 6;

/// The name of the one runner policy, as an object.
pub(super) const RUNNER_POLICY: &str = "active";

/// All objects of `declared` by kind and name.
pub(super) fn objects(declared: &Declared, vault: &Vault) -> Objects {
    let mut objects = Objects::new();
    for (name, spec) in &declared.policy_sets {
        objects.insert((ObjectKind::PolicySet, name.clone()), policy_set(spec));
    }
    if let Some(policy) = &declared.runner_policy {
        objects.insert((ObjectKind::RunnerPolicy, RUNNER_POLICY.to_owned()), runner_policy(policy));
    }
    for (name, group) in &declared.groups {
        objects.insert((ObjectKind::Group, name.clone()), group_fields(group));
    }
    for (name, spec) in &declared.platforms {
        objects.insert((ObjectKind::Platform, name.clone()), platform(spec, vault));
    }
    for (name, spec) in &declared.models {
        objects.insert((ObjectKind::Model, name.clone()), model(spec));
    }
    for ((platform, model), spec) in &declared.platform_models {
        objects.insert((ObjectKind::PlatformModel, format!("{platform}/{model}")), platform_model(spec));
    }
    objects
}

fn platform(spec: &PlatformSpec, vault: &Vault) -> Fields {
    let PlatformSpec { provider, base_url, priority, credentials, proxy, timeouts, options, test_mode, limits, enabled } = spec;
    let mut fields = fields([
        ("provider", json(provider)),
        ("base_url", json(base_url)),
        ("priority", json(priority)),
        ("credentials", json(&credentials.iter().map(|credential| document(credential, vault)).collect::<Vec<_>>())),
        ("timeouts", json(timeouts)),
        ("options", json(options)),
        ("test_mode", json(test_mode)),
    ]);
    add_some(&mut fields, [("proxy", proxy.as_ref().map(|proxy| json(&proxy_text(proxy, vault)))), limit_field(limits)]);
    switch(&mut fields, *enabled);
    fields
}

fn model(spec: &ModelSpec) -> Fields {
    let ModelSpec { strategy, settings: ModelSettings { fallbacks, stickiness, response_cache } } = spec;
    let mut fields = fields([("strategy", json(strategy))]);
    let some = [
        ("fallbacks", (!fallbacks.is_empty()).then(|| json(fallbacks))),
        ("stickiness", stickiness.as_ref().map(json)),
        ("response_cache", response_cache.as_ref().map(json)),
    ];
    add_some(&mut fields, some);
    fields
}

fn platform_model(spec: &PlatformModelSpec) -> Fields {
    let PlatformModelSpec { upstream_name, model_types, policy_set, price, cost, weight, priority, .. } = spec;
    let PlatformModelSpec { context_tokens, max_output_tokens, overrides, capabilities, limits, options, enabled, .. } = spec;
    let mut fields = fields([("upstream_name", json(upstream_name)), ("model_types", json(model_types)), ("weight", json(weight))]);
    let some = [
        ("policy_set", policy_set.as_ref().map(json)),
        ("price", price.as_ref().map(json)),
        ("cost", cost.as_ref().map(json)),
        ("priority", priority.as_ref().map(json)),
        ("context_tokens", context_tokens.as_ref().map(json)),
        ("max_output_tokens", max_output_tokens.as_ref().map(json)),
        ("overrides", (!is_default(overrides)).then(|| json(overrides))),
        ("capabilities", capabilities.as_ref().map(json)),
        ("options", (!is_default(options)).then(|| json(options))),
        limit_field(limits),
    ];
    add_some(&mut fields, some);
    switch(&mut fields, *enabled);
    fields
}

fn policy_set(spec: &PolicySetSpec) -> Fields {
    let PolicySetSpec { retry, cooldown, breaker, auto_disable, probe } = spec;
    let mut fields = fields([("retry", json(retry))]);
    let some = [
        ("cooldown", (!is_default(cooldown)).then(|| json(cooldown))),
        ("breaker", breaker.as_ref().map(json)),
        ("auto_disable", (!is_default(auto_disable)).then(|| json(auto_disable))),
        ("probe", probe.as_ref().map(json)),
    ];
    add_some(&mut fields, some);
    fields
}

fn runner_policy(policy: &RunnerPolicySpec) -> Fields {
    let RunnerPolicySpec { failover, demotion, availability } = policy;
    let mut fields = fields([
        ("failover.max_platforms", json(&failover.max_platforms)),
        ("failover.max_duration_seconds", json(&failover.max_duration_seconds)),
        ("failover.rules", json(&failover.rules)),
    ]);
    let some = [
        ("demotion", (!is_default(demotion)).then(|| json(demotion))),
        ("availability", (!is_default(availability)).then(|| json(availability))),
    ];
    add_some(&mut fields, some);
    fields
}

fn group_fields(group: &GroupSpec) -> Fields {
    let GroupSpec { price_multiplier, models, limits } = group;
    let mut fields = fields([("price_multiplier", json(price_multiplier)), ("models", json(models))]);
    add_some(&mut fields, [limit_field(limits)]);
    fields
}

fn limit_field(limits: &LimitSet) -> (&'static str, Option<String>) {
    ("limits", (!is_default(limits)).then(|| json(limits)))
}

fn fields<const N: usize>(all: [(&'static str, String); N]) -> Fields {
    all.into_iter().map(|(name, value)| (name.into(), value)).collect()
}

fn add_some<const N: usize>(fields: &mut Fields, some: [(&'static str, Option<String>); N]) {
    fields.extend(some.into_iter().filter_map(|(name, value)| value.map(|value| (name.into(), value))));
}

fn switch(fields: &mut Fields, enabled: Option<Enabled>) {
    if let Some(enabled) = enabled {
        fields.push(("enabled".into(), json(&(enabled == Enabled::Yes))));
    }
}

fn document(credential: &CredentialSpec, vault: &Vault) -> CredentialDoc {
    let CredentialSpec { origin, name, weight, limits, secret } = credential;
    let fingerprint = fingerprint(secret, vault);
    CredentialDoc { origin: origin.clone(), name: name.clone(), weight: *weight, limits: limits.clone(), fingerprint }
}

pub(super) fn proxy_text(proxy: &ProxySpec, vault: &Vault) -> String {
    match proxy {
        ProxySpec::Direct => "none".to_owned(),
        ProxySpec::Url(url) => format!("fingerprint={}", fingerprint(url, vault)),
    }
}

/// What is shown of a secret: the same for the same secret, under the same master key.
pub(super) fn fingerprint(secret: &SecretString, vault: &Vault) -> String {
    // Another purpose than API keys: the same text hashes differently.
    let hash = vault.hash_key(&format!("fingerprint of a secret: {}", secret.expose_secret()));
    hash.iter().take(FINGERPRINT_BYTES).map(|byte| format!("{byte:02x}")).collect()
}

fn json<T: serde::Serialize + ?Sized>(value: &T) -> String {
    // These types are plain data: nothing in them can fail to be written.
    serde_json::to_string(value).unwrap_or_else(|error| format!("\"{error}\""))
}

//! Objects as lists of fields in JSON: what a plan compares and shows, and what a revision keeps. Secrets are fingerprints here.

use easyai_core::catalog::{Enabled, Strategy};
use easyai_core::policy::{FailoverPolicy, RetryPolicy};
use secrecy::{ExposeSecret, SecretString};

use super::declared::{CredentialSpec, Declared, GroupSpec, PlatformModelSpec, PlatformSpec, ProxySpec};
use super::diff::{Fields, ObjectKind, Objects};
use crate::vault::Vault;

/// What is shown of a keyed hash: enough to see that a secret changed, useless for finding it.
const FINGERPRINT_BYTES: usize = 6;

/// All objects of `declared` by kind and name.
pub(super) fn objects(declared: &Declared, vault: &Vault) -> Objects {
    let mut objects = Objects::new();
    for (name, retry) in &declared.policy_sets {
        objects.insert((ObjectKind::PolicySet, name.clone()), policy_set(retry));
    }
    if let Some(policy) = &declared.runner_policy {
        objects.insert((ObjectKind::RunnerPolicy, "failover".to_owned()), failover(policy));
    }
    for (name, group) in &declared.groups {
        objects.insert((ObjectKind::Group, name.clone()), group_fields(group));
    }
    for (name, spec) in &declared.platforms {
        objects.insert((ObjectKind::Platform, name.clone()), platform(spec, vault));
    }
    for (name, strategy) in &declared.models {
        objects.insert((ObjectKind::Model, name.clone()), model(*strategy));
    }
    for ((platform, model), spec) in &declared.platform_models {
        objects.insert((ObjectKind::PlatformModel, format!("{platform}/{model}")), platform_model(spec));
    }
    objects
}

fn platform(spec: &PlatformSpec, vault: &Vault) -> Fields {
    let PlatformSpec { provider, base_url, priority, credentials, proxy, timeouts, options, test_mode, enabled } = spec;
    let mut fields = vec![
        ("provider", json(provider)),
        ("base_url", json(base_url)),
        ("priority", json(priority)),
        ("credentials", json(&credentials.iter().map(|credential| credential_text(credential, vault)).collect::<Vec<_>>())),
        ("timeouts", json(timeouts)),
        ("options", json(options)),
        ("test_mode", json(test_mode)),
    ];
    if let Some(proxy) = proxy {
        fields.push(("proxy", json(&proxy_text(proxy, vault))));
    }
    switch(&mut fields, *enabled);
    fields
}

fn model(strategy: Strategy) -> Fields {
    vec![("strategy", json(&strategy))]
}

fn platform_model(spec: &PlatformModelSpec) -> Fields {
    let PlatformModelSpec { upstream_name, model_types, policy_set, price, cost, .. } = spec;
    let PlatformModelSpec { weight, priority, context_tokens, max_output_tokens, overrides, enabled, .. } = spec;
    let mut fields = vec![("upstream_name", json(upstream_name)), ("model_types", json(model_types)), ("weight", json(weight))];
    let some = [
        ("policy_set", policy_set.as_ref().map(json)),
        ("price", price.as_ref().map(json)),
        ("cost", cost.as_ref().map(json)),
        ("priority", priority.as_ref().map(json)),
        ("context_tokens", context_tokens.as_ref().map(json)),
        ("max_output_tokens", max_output_tokens.as_ref().map(json)),
        ("overrides", (*overrides != Default::default()).then(|| json(overrides))),
    ];
    fields.extend(some.into_iter().filter_map(|(name, value)| value.map(|value| (name, value))));
    switch(&mut fields, *enabled);
    fields
}

fn policy_set(retry: &RetryPolicy) -> Fields {
    vec![("retry", json(retry))]
}

fn failover(policy: &FailoverPolicy) -> Fields {
    vec![
        ("max_platforms", json(&policy.max_platforms)),
        ("max_duration_seconds", json(&policy.max_duration_seconds)),
        ("rules", json(&policy.rules)),
    ]
}

fn group_fields(group: &GroupSpec) -> Fields {
    vec![("price_multiplier", json(&group.price_multiplier)), ("models", json(&group.models))]
}

fn switch(fields: &mut Fields, enabled: Option<Enabled>) {
    if let Some(enabled) = enabled {
        fields.push(("enabled", json(&(enabled == Enabled::Yes))));
    }
}

fn credential_text(credential: &CredentialSpec, vault: &Vault) -> String {
    format!("{} weight={} fingerprint={}", credential.origin, credential.weight, fingerprint(&credential.secret, vault))
}

fn proxy_text(proxy: &ProxySpec, vault: &Vault) -> String {
    match proxy {
        ProxySpec::Direct => "none".to_owned(),
        ProxySpec::Url(url) => format!("fingerprint={}", fingerprint(url, vault)),
    }
}

fn fingerprint(secret: &SecretString, vault: &Vault) -> String {
    // Another purpose than API keys: the same text hashes differently.
    let hash = vault.hash_key(&format!("fingerprint of a secret: {}", secret.expose_secret()));
    hash.iter().take(FINGERPRINT_BYTES).map(|byte| format!("{byte:02x}")).collect()
}

fn json<T: serde::Serialize + ?Sized>(value: &T) -> String {
    // These types are plain data: nothing in them can fail to be written.
    serde_json::to_string(value).unwrap_or_else(|error| format!("\"{error}\""))
}

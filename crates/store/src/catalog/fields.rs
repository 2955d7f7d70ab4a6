//! Objects as lists of fields, for comparing and showing. What is absent or empty has no field, so a list is complete: two objects with
//! equal lists are equal. Secrets appear as fingerprints, hashed with this gateway's own key.

use easyai_core::catalog::{AllowedModels, Enabled, ProxySetting};
use easyai_core::policy::FailoverPolicy;
use secrecy::{ExposeSecret, SecretString};

use super::declared::{DeclaredGroup, DeclaredModel, DeclaredPlatform, DeclaredPlatformModel, DeclaredPolicySet};
use super::plan::Field;
use crate::vault::Vault;

/// Bytes of a fingerprint: enough that a change shows, too few to guess from.
const FINGERPRINT_BYTES: usize = 4;

/// A list under construction.
#[derive(Default)]
struct Fields(Vec<Field>);

impl Fields {
    fn show(&mut self, field: impl Into<String>, value: impl std::fmt::Display) {
        self.0.push(Field { field: field.into(), value: value.to_string() });
    }

    fn some(&mut self, field: &str, value: Option<impl std::fmt::Display>) {
        if let Some(value) = value {
            self.show(field, value);
        }
    }

    /// A value by its JSON, which is its contract; for those whose JSON can't fail to be written.
    fn json(&mut self, field: &str, value: &impl serde::Serialize) {
        self.show(field, serde_json::to_string(value).unwrap_or_else(|error| format!("({error})")));
    }

    fn some_json(&mut self, field: &str, value: Option<&impl serde::Serialize>) {
        if let Some(value) = value {
            self.json(field, value);
        }
    }
}

/// What is shown of a secret.
fn fingerprint(vault: &Vault, secret: &SecretString) -> String {
    // Prefixed: what is hashed here is never an API key's hash.
    let hash = vault.hash_key(&format!("fingerprint\0{}", secret.expose_secret()));
    hash.iter().take(FINGERPRINT_BYTES).map(|byte| format!("{byte:02x}")).collect()
}

const fn yes(enabled: Enabled) -> bool {
    match enabled {
        Enabled::Yes => true,
        Enabled::No => false,
    }
}

/// The names of a set, as the file writes them.
pub(super) fn names(models: &AllowedModels) -> Vec<String> {
    match models {
        AllowedModels::All => vec!["*".to_owned()],
        AllowedModels::Named(names) => {
            let mut names: Vec<String> = names.iter().cloned().collect();
            names.sort();
            names
        }
    }
}

pub(super) fn group(group: &DeclaredGroup) -> Vec<Field> {
    let mut fields = Fields::default();
    fields.show("price_multiplier", group.price_multiplier);
    fields.json("models", &names(&group.models));
    fields.0
}

pub(super) fn policy_set(set: &DeclaredPolicySet) -> Vec<Field> {
    let mut fields = Fields::default();
    fields.show("retry.enabled", set.retry.enabled);
    fields.show("retry.max_attempts", set.retry.max_attempts);
    fields.json("retry.backoff", &set.retry.backoff);
    if !set.retry.rules.is_empty() {
        fields.json("retry.rules", &set.retry.rules);
    }
    fields.0
}

pub(super) fn model(model: &DeclaredModel) -> Vec<Field> {
    let mut fields = Fields::default();
    fields.show("strategy", model.strategy);
    fields.0
}

pub(super) fn platform(platform: &DeclaredPlatform, vault: &Vault) -> Vec<Field> {
    let mut fields = Fields::default();
    fields.show("provider", platform.provider);
    if !platform.base_url.is_empty() {
        fields.show("base_url", &platform.base_url);
    }
    fields.show("priority", platform.priority);
    for (index, credential) in platform.credentials.iter().enumerate() {
        let (print, weight) = (fingerprint(vault, &credential.secret), credential.weight);
        fields.show(format!("credential #{}", index + 1), format_args!("{} (fingerprint {print}, weight {weight})", credential.origin));
    }
    match &platform.proxy {
        Some(ProxySetting::Direct) => fields.show("proxy", "none"),
        Some(ProxySetting::Url(url)) => fields.show("proxy", format_args!("(fingerprint {})", fingerprint(vault, url))),
        None => {}
    }
    fields.show("timeouts.connect_ms", platform.timeouts.connect_ms);
    fields.show("timeouts.first_delta_ms", platform.timeouts.first_delta_ms);
    fields.show("timeouts.idle_ms", platform.timeouts.idle_ms);
    fields.show("timeouts.total_ms", platform.timeouts.total_ms);
    fields.show("test_mode", platform.test_mode);
    fields.show("options.stream_options", platform.options.stream_options);
    fields.some_json("simulation", platform.options.simulation.as_ref());
    fields.show("enabled", yes(platform.enabled));
    fields.0
}

pub(super) fn platform_model(offer: &DeclaredPlatformModel) -> Vec<Field> {
    let mut fields = Fields::default();
    fields.show("upstream_name", &offer.upstream_name);
    fields.json("model_types", &offer.model_types);
    fields.some("policy_set", offer.policy_set.as_ref());
    fields.some_json("price", offer.price.as_ref());
    fields.some_json("cost", offer.cost.as_ref());
    fields.show("weight", offer.weight);
    fields.some("priority", offer.priority);
    fields.some("context_tokens", offer.context_tokens);
    fields.some("max_output_tokens", offer.max_output_tokens);
    fields.some_json("overrides.retry", offer.overrides.retry.as_ref());
    fields.some("overrides.max_platforms", offer.overrides.max_platforms);
    fields.some("overrides.max_duration_seconds", offer.overrides.max_duration_seconds);
    fields.show("enabled", yes(offer.enabled));
    fields.0
}

pub(super) fn runner_policy(policy: &FailoverPolicy) -> Vec<Field> {
    let mut fields = Fields::default();
    fields.show("failover.max_platforms", policy.max_platforms);
    fields.show("failover.max_duration_seconds", policy.max_duration_seconds);
    if !policy.rules.is_empty() {
        fields.json("failover.rules", &policy.rules);
    }
    fields.0
}

//! The statements that change the catalogue: one row each.

use easyai_core::catalog::{Enabled, ProxySetting};
use easyai_core::policy::FailoverPolicy;
use secrecy::SecretString;
use uuid::Uuid;

use super::declared::{DeclaredCredential, DeclaredGroup, DeclaredModel, DeclaredPlatform, DeclaredPlatformModel, DeclaredPolicySet};
use super::fields::names;
use super::read::DIRECT;
use super::stored::Source;
use crate::db::Tx;
use crate::error::StoreError;
use crate::vault::Vault;
use crate::{now, sql};

/// The ids that a platform model refers to.
#[derive(Clone, Copy)]
pub(super) struct Refers {
    pub(super) platform: Uuid,
    pub(super) model: Uuid,
    pub(super) policy_set: Option<Uuid>,
    pub(super) price: Option<Uuid>,
}

pub(super) fn json<T: serde::Serialize + ?Sized>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Statement(format!("a value has no JSON form: {error}")))
}

fn yes(enabled: Enabled) -> bool {
    enabled == Enabled::Yes
}

pub(super) async fn create_group(tx: &mut Tx, id: Uuid, name: &str, group: &DeclaredGroup, source: Source) -> Result<(), StoreError> {
    let insert = "INSERT INTO groups (id, name, price_multiplier, models, source, created_at) VALUES ($1, $2, $3, $4, $5, $6)";
    let (multiplier, models) = (i64::from(group.price_multiplier.millionths()), json(&names(&group.models))?);
    sql!(tx, execute insert, id, name, multiplier, &models, source.as_str(), now().micros()).map(drop)
}

pub(super) async fn update_group(tx: &mut Tx, id: Uuid, group: &DeclaredGroup, source: Source) -> Result<(), StoreError> {
    let update = "UPDATE groups SET price_multiplier = $2, models = $3, source = $4 WHERE id = $1";
    let (multiplier, models) = (i64::from(group.price_multiplier.millionths()), json(&names(&group.models))?);
    sql!(tx, execute update, id, multiplier, &models, source.as_str()).map(drop)
}

pub(super) async fn put_policy_set(tx: &mut Tx, id: Uuid, name: &str, set: &DeclaredPolicySet) -> Result<(), StoreError> {
    let put = "INSERT INTO policy_sets (id, name, policy, source, created_at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (id) DO UPDATE SET policy = excluded.policy, source = excluded.source";
    sql!(tx, execute put, id, name, &json(&set.retry)?, Source::File.as_str(), now().micros()).map(drop)
}

pub(super) async fn put_model(tx: &mut Tx, id: Uuid, name: &str, model: &DeclaredModel) -> Result<(), StoreError> {
    let put = "INSERT INTO models (id, name, strategy, source, enabled, created_at) VALUES ($1, $2, $3, $4, TRUE, $5)
        ON CONFLICT (id) DO UPDATE SET strategy = excluded.strategy, source = excluded.source";
    sql!(tx, execute put, id, name, model.strategy.as_str(), Source::File.as_str(), now().micros()).map(drop)
}

pub(super) async fn put_platform(tx: &mut Tx, vault: &Vault, id: Uuid, name: &str, platform: &DeclaredPlatform) -> Result<(), StoreError> {
    let put =
        "INSERT INTO platforms (id, name, provider, base_url, priority, proxy, timeouts, options, test_mode, source, enabled, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
        ON CONFLICT (id) DO UPDATE SET provider = excluded.provider, base_url = excluded.base_url, priority = excluded.priority,
            proxy = excluded.proxy, timeouts = excluded.timeouts, options = excluded.options, test_mode = excluded.test_mode,
            source = excluded.source, enabled = excluded.enabled";
    let proxy = match &platform.proxy {
        None => None,
        Some(ProxySetting::Direct) => Some(DIRECT.to_vec()),
        Some(ProxySetting::Url(url)) => Some(vault.seal(id, url)?),
    };
    let (timeouts, options, source) = (json(&platform.timeouts)?, json(&platform.options)?, Source::File.as_str());
    sql!(
        tx, execute put, id, name, platform.provider.as_str(), &platform.base_url, i64::from(platform.priority), proxy.clone(), &timeouts,
        &options, platform.test_mode, source, yes(platform.enabled), now().micros()
    )?;
    sql!(tx, execute "DELETE FROM credentials WHERE platform_id = $1", id)?;
    for (position, credential) in (0_i64..).zip(&platform.credentials) {
        create_credential(tx, vault, id, position, credential).await?;
    }
    Ok(())
}

async fn create_credential(
    tx: &mut Tx,
    vault: &Vault,
    platform: Uuid,
    position: i64,
    credential: &DeclaredCredential,
) -> Result<(), StoreError> {
    let insert =
        "INSERT INTO credentials (id, platform_id, position, weight, origin, secret, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let id = Uuid::now_v7();
    let sealed = vault.seal(id, &SecretString::clone(&credential.secret))?;
    let weight = i64::from(credential.weight.get());
    sql!(tx, execute insert, id, platform, position, weight, &credential.origin, sealed.clone(), now().micros()).map(drop)
}

pub(super) async fn put_platform_model(tx: &mut Tx, id: Uuid, refers: Refers, offer: &DeclaredPlatformModel) -> Result<(), StoreError> {
    let put = "INSERT INTO platform_models (id, platform_id, model_id, upstream_name, model_types, price_id, weight, priority,
            context_tokens, max_output_tokens, policy_set_id, overrides, source, enabled, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
        ON CONFLICT (id) DO UPDATE SET upstream_name = excluded.upstream_name, model_types = excluded.model_types,
            price_id = excluded.price_id, weight = excluded.weight, priority = excluded.priority,
            context_tokens = excluded.context_tokens, max_output_tokens = excluded.max_output_tokens,
            policy_set_id = excluded.policy_set_id, overrides = excluded.overrides, source = excluded.source, enabled = excluded.enabled";
    let (types, overrides) = (json(&offer.model_types)?, json(&offer.overrides)?);
    let (weight, priority) = (i64::from(offer.weight.get()), offer.priority.map(i64::from));
    let context = offer.context_tokens.map(|tokens| i64::from(tokens.get()));
    let output = offer.max_output_tokens.map(|tokens| i64::from(tokens.get()));
    sql!(
        tx, execute put, id, refers.platform, refers.model, &offer.upstream_name, &types, refers.price, weight, priority, context, output,
        refers.policy_set, &overrides, Source::File.as_str(), yes(offer.enabled), now().micros()
    )
    .map(drop)
}

/// A new version of a price. Older ones stay: charges name them.
pub(super) async fn create_price(tx: &mut Tx, offer_id: Uuid, offer: &DeclaredPlatformModel) -> Result<Option<Uuid>, StoreError> {
    let Some(price) = &offer.price else { return Ok(None) };
    let insert = "INSERT INTO prices (id, platform_model_id, price, cost, source, created_at) VALUES ($1, $2, $3, $4, $5, $6)";
    let (id, price) = (Uuid::now_v7(), json(price)?);
    let cost = offer.cost.as_ref().map(json).transpose()?;
    sql!(tx, execute insert, id, offer_id, &price, cost.as_deref(), Source::File.as_str(), now().micros())?;
    Ok(Some(id))
}

/// A new version of the runner policy, active from now on.
pub(super) async fn create_runner_policy(tx: &mut Tx, policy: &FailoverPolicy, source: Source) -> Result<(), StoreError> {
    sql!(tx, execute "UPDATE runner_policies SET active = FALSE WHERE active")?;
    let insert = "INSERT INTO runner_policies (id, policy, active, source, created_at) VALUES ($1, $2, TRUE, $3, $4)";
    sql!(tx, execute insert, Uuid::now_v7(), &json(policy)?, source.as_str(), now().micros()).map(drop)
}

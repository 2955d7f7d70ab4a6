//! The stored catalogue as the snapshot that serves, with accounts and keys.

use std::collections::HashMap;
use std::sync::Arc;

use easyai_core::catalog::{Account, ApiKey, Catalog, Credential, Group, KeyHash, Model, Platform, PlatformModel, default_policy_set};
use easyai_core::id::{AccountId, GroupId, KeyId, RunnerPolicyId};
use easyai_core::policy::{PolicySet, RunnerPolicy};
use easyai_core::price::PriceVersion;
use easyai_core::time::Timestamp;
use uuid::Uuid;

use super::read::{self, Place, enabled};
use super::stored::Stored;
use crate::db::Tx;
use crate::error::StoreError;
use crate::vault::Vault;
use crate::{rows, sql};

rows! {
    struct AccountRow { id: Uuid, name: String, group_id: Uuid, enabled: bool, }
}
rows! {
    struct KeyRow {
        id: Uuid, account_id: Uuid, name: String, hash: Vec<u8>, models: String, run_mode: String, expires_at: Option<i64>,
        revoked_at: Option<i64>,
    }
}

pub(super) async fn load(tx: &mut Tx, vault: &Vault) -> Result<Catalog, StoreError> {
    let stored = read::read(tx, vault).await?;
    Ok(Catalog {
        revision: stored.revision,
        groups: groups(&stored),
        accounts: accounts(tx).await?,
        keys: keys(tx).await?,
        models: models(&stored)?,
        runner_policy: Arc::new(runner_policy(&stored)),
    })
}

fn groups(stored: &Stored) -> HashMap<GroupId, Arc<Group>> {
    let group = |(name, row): (&String, &super::Owned<GroupId, super::DeclaredGroup>)| {
        let (price_multiplier, models) = (row.value.price_multiplier, row.value.models.clone());
        (row.id, Arc::new(Group { id: row.id, name: name.as_str().into(), price_multiplier, models }))
    };
    stored.groups.iter().map(group).collect()
}

async fn accounts(tx: &mut Tx) -> Result<HashMap<AccountId, Arc<Account>>, StoreError> {
    let rows = sql!(tx, all AccountRow, "SELECT id, name, group_id, enabled FROM accounts")?;
    let account = |row: AccountRow| {
        let (id, group) = (AccountId::from_uuid(row.id), GroupId::from_uuid(row.group_id));
        (id, Arc::new(Account { id, name: row.name.into(), group, enabled: enabled(row.enabled) }))
    };
    Ok(rows.into_iter().map(account).collect())
}

async fn keys(tx: &mut Tx) -> Result<HashMap<KeyHash, Arc<ApiKey>>, StoreError> {
    let select = "SELECT id, account_id, name, hash, models, run_mode, expires_at, revoked_at FROM api_keys";
    sql!(tx, all KeyRow, select)?.into_iter().map(key).collect()
}

fn key(row: KeyRow) -> Result<(KeyHash, Arc<ApiKey>), StoreError> {
    let id = KeyId::from_uuid(row.id);
    let shown = id.to_string();
    let place = Place { table: "api_keys", row: &shown };
    let hash = KeyHash::try_from(row.hash).map_err(|_| place.bad("hash", "it is not 32 bytes"))?;
    let key = ApiKey {
        id,
        account: AccountId::from_uuid(row.account_id),
        name: row.name.into(),
        models: place.models(&row.models)?,
        expires_at: row.expires_at.map(Timestamp::from_micros),
        revoked_at: row.revoked_at.map(Timestamp::from_micros),
        run_mode: place.word("run_mode", &row.run_mode)?,
    };
    Ok((hash, Arc::new(key)))
}

fn models(stored: &Stored) -> Result<HashMap<Arc<str>, Arc<Model>>, StoreError> {
    let (platforms, policy_sets) = (platforms(stored), policy_sets(stored));
    let default_set = Arc::new(default_policy_set());
    let mut offers: HashMap<&str, Vec<Arc<PlatformModel>>> = HashMap::new();
    for (name, row) in &stored.platform_models {
        let shown = name.to_string();
        let place = Place { table: "platform_models", row: &shown };
        let (offer, id) = (&row.value, row.id);
        let platform = platforms.get(name.platform.as_str()).ok_or_else(|| place.bad("platform_id", "there is no such platform"))?;
        let policy_set = match &offer.policy_set {
            None => &default_set,
            Some(set) => policy_sets.get(set.as_str()).ok_or_else(|| place.bad("policy_set_id", "there is no such policy set"))?,
        };
        let version = |price_id, price| Arc::new(PriceVersion { id: price_id, price, cost: offer.cost.clone() });
        let offer = PlatformModel {
            id,
            platform: Arc::clone(platform),
            model: name.model.as_str().into(),
            upstream_name: offer.upstream_name.as_str().into(),
            model_types: offer.model_types.clone(),
            price: stored.prices.get(&id).copied().zip(offer.price.clone()).map(|(id, price)| version(id, price)),
            weight: offer.weight,
            priority: offer.priority,
            context_tokens: offer.context_tokens,
            max_output_tokens: offer.max_output_tokens,
            policy_set: Arc::clone(policy_set),
            overrides: offer.overrides.clone(),
            enabled: offer.enabled,
        };
        offers.entry(name.model.as_str()).or_default().push(Arc::new(offer));
    }
    let model = |(name, row): (&String, &super::Owned<_, super::DeclaredModel>)| {
        let shared: Arc<str> = name.as_str().into();
        let offers = offers.remove(name.as_str()).unwrap_or_default();
        let model = Model { id: row.id, name: Arc::clone(&shared), strategy: row.value.strategy, created_at: row.created_at, offers };
        (shared, Arc::new(model))
    };
    Ok(stored.models.iter().map(model).collect())
}

fn platforms(stored: &Stored) -> HashMap<&str, Arc<Platform>> {
    stored.platforms.iter().map(|(name, row)| (name.as_str(), Arc::new(platform(stored, name, row)))).collect()
}

fn platform(stored: &Stored, name: &str, row: &super::Owned<easyai_core::id::PlatformId, super::DeclaredPlatform>) -> Platform {
    let declared = &row.value;
    let ids = stored.credentials.get(&row.id).into_iter().flatten();
    let mut credentials: Vec<Arc<Credential>> = ids
        .zip(&declared.credentials)
        .map(|(id, credential)| Arc::new(Credential { id: *id, weight: credential.weight, secret: credential.secret.clone() }))
        .collect();
    // The heaviest first; equals stay in the file's order.
    credentials.sort_by_key(|credential| std::cmp::Reverse(credential.weight));
    Platform {
        id: row.id,
        name: name.into(),
        provider: declared.provider,
        base_url: declared.base_url.as_str().into(),
        priority: declared.priority,
        credentials,
        proxy: declared.proxy.clone(),
        timeouts: declared.timeouts,
        test_mode: declared.test_mode,
        options: declared.options.clone(),
        enabled: declared.enabled,
    }
}

fn policy_sets(stored: &Stored) -> HashMap<&str, Arc<PolicySet>> {
    let set = |name: &str, id, retry| Arc::new(PolicySet { id, name: name.into(), retry });
    stored.policy_sets.iter().map(|(name, row)| (name.as_str(), set(name, row.id, row.value.retry.clone()))).collect()
}

/// The active policy; the default one, under the nil id, on a gateway that was given none.
fn runner_policy(stored: &Stored) -> RunnerPolicy {
    match &stored.runner_policy {
        Some(row) => RunnerPolicy { id: row.id, failover: row.value.clone() },
        None => RunnerPolicy { id: RunnerPolicyId::from_uuid(Uuid::nil()), failover: Default::default() },
    }
}

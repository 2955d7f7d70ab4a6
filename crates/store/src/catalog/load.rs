//! Rows to the one snapshot that a node keeps in memory.

use std::collections::HashMap;
use std::sync::Arc;

use easyai_core::catalog::{
    Account, AllowedModels, ApiKey, Catalog, Credential, Enabled, Group, KeyHash, Model, Platform, PlatformModel, ProxySetting,
    default_policy_set,
};
use easyai_core::id::{
    AccountId, CredentialId, GroupId, KeyId, ModelId, PlatformId, PlatformModelId, PolicySetId, PriceId, RunnerPolicyId,
};
use easyai_core::policy::{FailoverPolicy, PolicySet, RunnerPolicy};
use easyai_core::price::{Multiplier, PriceVersion};
use easyai_core::time::Timestamp;
use secrecy::SecretString;
use uuid::Uuid;

use super::current::{PROXY_NONE, RunnerPolicyRow};
use super::declared::{PolicySetSpec, RunnerPolicySpec};
use super::{Cell, REMOVED, in_table};
use crate::column::One;
use crate::db::{Db, Tx};
use crate::error::StoreError;
use crate::vault::Vault;
use crate::{rows, sql};

rows! { struct GroupRow { id: GroupId, name: Arc<str>, price_multiplier: i64, models: String, limits: String, } }
rows! { struct AccountRow { id: AccountId, name: Arc<str>, group_id: GroupId, enabled: bool, limits: String, } }
rows! {
    struct KeyRow {
        id: KeyId, account_id: AccountId, name: Arc<str>, hash: Vec<u8>, models: String, run_mode: String,
        expires_at: Option<Timestamp>, revoked_at: Option<Timestamp>, limits: String, response_cache: bool,
    }
}
rows! {
    struct PlatformRow {
        id: PlatformId, name: Arc<str>, provider: String, base_url: Arc<str>, priority: i64, proxy: Option<Vec<u8>>,
        timeouts: String, options: String, test_mode: bool, limits: String, enabled: bool,
    }
}
rows! {
    struct CredentialRow {
        id: CredentialId, platform_id: PlatformId, position: i64, name: Option<Arc<str>>, weight: i64, limits: String, secret: Vec<u8>,
    }
}
rows! { struct ModelRow { id: ModelId, name: Arc<str>, strategy: String, settings: String, created_at: Timestamp, } }
rows! { struct PolicySetRow { id: PolicySetId, name: Arc<str>, policy: String, } }
rows! {
    struct PlatformModelRow {
        id: PlatformModelId, platform_id: PlatformId, model_id: ModelId, upstream_name: Arc<str>, model_types: String,
        price_id: Option<PriceId>, price: Option<String>, cost: Option<String>, weight: i64, priority: Option<i64>,
        context_tokens: Option<i64>, max_output_tokens: Option<i64>, policy_set_id: Option<PolicySetId>, overrides: String,
        capabilities: Option<String>, limits: String, options: String, enabled: bool,
    }
}

/// Reads the whole catalogue as it is at one moment.
///
/// # Errors
/// [`StoreError::Corrupt`] with table, row and field of a value that can't be read, [`StoreError::Setting`] if the secrets were sealed
/// with another master key.
pub async fn load(db: &Db, vault: &Vault) -> Result<Catalog, StoreError> {
    let mut tx = db.snapshot().await?;
    let (revision,) = sql!(tx, one One<i64>, "SELECT revision FROM catalog_state WHERE id = 1")?;
    let platforms = platforms(&mut tx, vault).await?;
    let policy_sets = policy_sets(&mut tx).await?;
    Ok(Catalog {
        revision,
        groups: groups(&mut tx).await?,
        accounts: accounts(&mut tx).await?,
        keys: keys(&mut tx).await?,
        models: models(&mut tx, &platforms, &policy_sets).await?,
        runner_policy: runner_policy(&mut tx).await?,
    })
}

pub(super) const fn enabled(on: bool) -> Enabled {
    if on { Enabled::Yes } else { Enabled::No }
}

async fn groups(tx: &mut Tx) -> Result<HashMap<GroupId, Arc<Group>>, StoreError> {
    let select = "SELECT id, name, price_multiplier, models, limits FROM groups WHERE source <> $1";
    let rows = in_table("groups", sql!(tx, all GroupRow, select, REMOVED))?;
    let group = |row: GroupRow| {
        let cell = Cell::of("groups", &row.name);
        let price_multiplier = Multiplier::from_millionths(cell.count("price_multiplier", row.price_multiplier)?);
        let models = AllowedModels::from_names(cell.json::<Vec<String>>("models", &row.models)?);
        let limits = cell.json("limits", &row.limits)?;
        Ok((row.id, Arc::new(Group { id: row.id, price_multiplier, models, limits, name: row.name })))
    };
    rows.into_iter().map(group).collect()
}

async fn accounts(tx: &mut Tx) -> Result<HashMap<AccountId, Arc<Account>>, StoreError> {
    let rows = in_table("accounts", sql!(tx, all AccountRow, "SELECT id, name, group_id, enabled, limits FROM accounts"))?;
    let account = |row: AccountRow| {
        let AccountRow { id, name, group_id, enabled: on, limits } = row;
        let limits = Cell::of("accounts", &name).json("limits", &limits)?;
        Ok((id, Arc::new(Account { id, name, group: group_id, enabled: enabled(on), limits })))
    };
    rows.into_iter().map(account).collect()
}

async fn keys(tx: &mut Tx) -> Result<HashMap<KeyHash, Arc<ApiKey>>, StoreError> {
    let select = "SELECT id, account_id, name, hash, models, run_mode, expires_at, revoked_at, limits, response_cache FROM api_keys";
    let rows = in_table("api_keys", sql!(tx, all KeyRow, select))?;
    let key = |row: KeyRow| {
        let id = row.id.to_string();
        let cell = Cell::of("api_keys", &id);
        let hash = KeyHash::try_from(row.hash).map_err(|_| cell.corrupt("hash", "it is not 32 bytes"))?;
        let key = ApiKey {
            id: row.id,
            account: row.account_id,
            models: AllowedModels::from_names(cell.json::<Vec<String>>("models", &row.models)?),
            run_mode: cell.parse("run_mode", &row.run_mode)?,
            limits: cell.json("limits", &row.limits)?,
            name: row.name,
            expires_at: row.expires_at,
            revoked_at: row.revoked_at,
            response_cache: row.response_cache,
        };
        Ok((hash, Arc::new(key)))
    };
    rows.into_iter().map(key).collect()
}

async fn platforms(tx: &mut Tx, vault: &Vault) -> Result<HashMap<PlatformId, Arc<Platform>>, StoreError> {
    let mut credentials = credentials(tx, vault).await?;
    let select = "SELECT id, name, provider, base_url, priority, proxy, timeouts, options, test_mode, limits, enabled
        FROM platforms WHERE source <> $1";
    let rows = in_table("platforms", sql!(tx, all PlatformRow, select, REMOVED))?;
    let platform = |row: PlatformRow| {
        let cell = Cell::of("platforms", &row.name);
        let platform = Platform {
            id: row.id,
            provider: cell.parse("provider", &row.provider)?,
            base_url: row.base_url,
            priority: cell.count("priority", row.priority)?,
            credentials: credentials.remove(&row.id).unwrap_or_default(),
            proxy: proxy(vault, row.id.uuid(), row.proxy.as_deref())?,
            timeouts: cell.json("timeouts", &row.timeouts)?,
            options: cell.json("options", &row.options)?,
            test_mode: row.test_mode,
            limits: cell.json("limits", &row.limits)?,
            enabled: enabled(row.enabled),
            name: row.name,
        };
        Ok((platform.id, Arc::new(platform)))
    };
    rows.into_iter().map(platform).collect()
}

/// How a platform's calls leave, from how it is kept.
pub(super) fn proxy(vault: &Vault, id: Uuid, stored: Option<&[u8]>) -> Result<Option<ProxySetting>, StoreError> {
    match stored {
        None => Ok(None),
        Some(PROXY_NONE) => Ok(Some(ProxySetting::Direct)),
        Some(sealed) => Ok(Some(ProxySetting::Url(vault.unseal(id, sealed)?))),
    }
}

async fn credentials(tx: &mut Tx, vault: &Vault) -> Result<HashMap<PlatformId, Vec<Arc<Credential>>>, StoreError> {
    let select = "SELECT id, platform_id, position, name, weight, limits, secret FROM credentials
        ORDER BY platform_id, weight DESC, position";
    let mut of: HashMap<PlatformId, Vec<Arc<Credential>>> = HashMap::new();
    for row in in_table("credentials", sql!(tx, all CredentialRow, select))? {
        let id = row.id.to_string();
        let cell = Cell::of("credentials", &id);
        let secret: SecretString = vault.unseal(row.id.uuid(), &row.secret)?;
        of.entry(row.platform_id).or_default().push(Arc::new(Credential {
            id: row.id,
            name: row.name.unwrap_or_else(|| by_place(row.position)),
            weight: cell.at_least_one("weight", row.weight)?,
            limits: cell.json("limits", &row.limits)?,
            secret,
        }));
    }
    Ok(of)
}

/// What a credential without a name is called: people count from 1.
fn by_place(position: i64) -> Arc<str> {
    format!("credential {}", position.saturating_add(1)).into()
}

async fn policy_sets(tx: &mut Tx) -> Result<HashMap<PolicySetId, Arc<PolicySet>>, StoreError> {
    let select = "SELECT id, name, policy FROM policy_sets WHERE source <> $1";
    let rows = in_table("policy_sets", sql!(tx, all PolicySetRow, select, REMOVED))?;
    let set = |row: PolicySetRow| {
        let spec = Cell::of("policy_sets", &row.name).json("policy", &row.policy)?;
        let PolicySetSpec { retry, cooldown, breaker, auto_disable, probe } = spec;
        Ok((row.id, Arc::new(PolicySet { id: row.id, name: row.name, retry, cooldown, breaker, auto_disable, probe })))
    };
    rows.into_iter().map(set).collect()
}

async fn models(
    tx: &mut Tx,
    platforms: &HashMap<PlatformId, Arc<Platform>>,
    policy_sets: &HashMap<PolicySetId, Arc<PolicySet>>,
) -> Result<HashMap<Arc<str>, Arc<Model>>, StoreError> {
    let select = "SELECT id, name, strategy, settings, created_at FROM models WHERE source <> $1 AND enabled";
    let mut models = HashMap::new();
    for row in in_table("models", sql!(tx, all ModelRow, select, REMOVED))? {
        let cell = Cell::of("models", &row.name);
        let (strategy, settings) = (cell.parse("strategy", &row.strategy)?, cell.json("settings", &row.settings)?);
        let model = Model { id: row.id, strategy, settings, created_at: row.created_at, offers: Vec::new(), name: row.name };
        models.insert(row.id, model);
    }
    let select =
        "SELECT m.id, m.platform_id, m.model_id, m.upstream_name, m.model_types, m.price_id, p.price, p.cost, m.weight, m.priority,
            m.context_tokens, m.max_output_tokens, m.policy_set_id, m.overrides, m.capabilities, m.limits, m.options, m.enabled
        FROM platform_models m LEFT JOIN prices p ON p.id = m.price_id WHERE m.source <> $1 ORDER BY m.id";
    let default = Arc::new(default_policy_set());
    for row in in_table("platform_models", sql!(tx, all PlatformModelRow, select, REMOVED))? {
        // Offers of what was removed or is switched off as a whole are no part of the catalogue.
        if let (Some(platform), Some(model)) = (platforms.get(&row.platform_id), models.get_mut(&row.model_id)) {
            let offer = offer(row, platform, &model.name, policy_sets, &default)?;
            model.offers.push(Arc::new(offer));
        }
    }
    Ok(models.into_values().map(|model| (Arc::clone(&model.name), Arc::new(model))).collect())
}

fn offer(
    row: PlatformModelRow,
    platform: &Arc<Platform>,
    model: &Arc<str>,
    policy_sets: &HashMap<PolicySetId, Arc<PolicySet>>,
    default: &Arc<PolicySet>,
) -> Result<PlatformModel, StoreError> {
    let name = format!("{model} at {}", platform.name);
    let cell = Cell::of("platform_models", &name);
    let policy_set = match row.policy_set_id {
        None => default,
        Some(id) => policy_sets.get(&id).ok_or_else(|| cell.corrupt("policy_set_id", format_args!("{id} does not exist")))?,
    };
    let price = match (row.price_id, row.price) {
        (None, _) => None,
        (Some(id), None) => return Err(cell.corrupt("price_id", format_args!("{id} does not exist"))),
        (Some(id), Some(price)) => {
            let (price, cost) = (cell.json("price", &price)?, row.cost.map(|cost| cell.json("cost", &cost)).transpose()?);
            Some(Arc::new(PriceVersion { id, price, cost }))
        }
    };
    Ok(PlatformModel {
        id: row.id,
        platform: Arc::clone(platform),
        model: Arc::clone(model),
        upstream_name: row.upstream_name,
        model_types: cell.json("model_types", &row.model_types)?,
        price,
        weight: cell.at_least_one("weight", row.weight)?,
        priority: row.priority.map(|priority| cell.count("priority", priority)).transpose()?,
        context_tokens: cell.some_at_least_one("context_tokens", row.context_tokens)?,
        max_output_tokens: cell.some_at_least_one("max_output_tokens", row.max_output_tokens)?,
        policy_set: Arc::clone(policy_set),
        overrides: cell.json("overrides", &row.overrides)?,
        capabilities: row.capabilities.map(|listed| cell.json("capabilities", &listed)).transpose()?,
        options: cell.json("options", &row.options)?,
        limits: cell.json("limits", &row.limits)?,
        enabled: enabled(row.enabled),
    })
}

async fn runner_policy(tx: &mut Tx) -> Result<Arc<RunnerPolicy>, StoreError> {
    let row =
        in_table("runner_policies", sql!(tx, optional RunnerPolicyRow, "SELECT id, policy, source FROM runner_policies WHERE active"))?;
    let Some(row) = row else {
        let id = RunnerPolicyId::from_uuid(Uuid::nil());
        return Ok(Arc::new(RunnerPolicy::new(id, FailoverPolicy::default())));
    };
    let RunnerPolicySpec { failover, demotion, availability } =
        Cell::of("runner_policies", &row.id.to_string()).json("policy", &row.policy)?;
    Ok(Arc::new(RunnerPolicy { id: row.id, failover, demotion, availability }))
}

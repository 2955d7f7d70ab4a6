//! What the database holds now, in the shape of what a file declares, so that the two can be compared.

use easyai_core::catalog::ProxySetting;
use easyai_core::id::RunnerPolicyId;
use easyai_core::price::Multiplier;
use uuid::Uuid;

use super::declared::{CredentialSpec, Declared, GroupSpec, ModelSpec, PlatformModelSpec, PlatformSpec, ProxySpec};
use super::diff::{Found, ObjectKind};
use super::fields::RUNNER_POLICY;
use super::{Cell, FILE, REMOVED, fields, in_table, load};
use crate::column::One;
use crate::db::Tx;
use crate::error::StoreError;
use crate::vault::Vault;
use crate::{rows, sql};

/// What stands in `platforms.proxy` for a platform that goes through no proxy at all: not sealed, and no sealed value looks so.
pub(super) const PROXY_NONE: &[u8] = b"none";

rows! { pub(super) struct RunnerPolicyRow { pub id: RunnerPolicyId, pub policy: String, pub source: String, } }
rows! { struct GroupRow { name: String, price_multiplier: i64, models: String, limits: String, source: String, } }
rows! { struct PolicySetRow { name: String, policy: String, source: String, } }
rows! { struct ModelRow { name: String, strategy: String, settings: String, source: String, } }
rows! {
    struct PlatformRow {
        id: Uuid, name: String, provider: String, base_url: String, priority: i64, proxy: Option<Vec<u8>>, timeouts: String,
        options: String, test_mode: bool, limits: String, enabled: bool, source: String,
    }
}
rows! {
    struct CredentialRow {
        id: Uuid, platform: String, origin: String, name: Option<String>, weight: i64, limits: String, secret: Vec<u8>,
    }
}
rows! {
    struct PlatformModelRow {
        platform: String, model: String, upstream_name: String, model_types: String, policy_set: Option<String>, price: Option<String>,
        cost: Option<String>, weight: i64, priority: Option<i64>, context_tokens: Option<i64>, max_output_tokens: Option<i64>,
        overrides: String, capabilities: Option<String>, limits: String, options: String, enabled: bool, source: String,
    }
}

/// Everything the database holds, with its owners.
#[derive(Default)]
pub(super) struct Current {
    /// What files made, with its secrets.
    pub ours: Declared,
    /// The same and the rest, as a plan looks at it.
    pub found: Found,
}

impl Current {
    /// Whether files own it; if somebody else does, that is noted.
    fn is_ours(&mut self, kind: ObjectKind, name: &str, source: String) -> bool {
        let ours = source == FILE;
        if !ours {
            self.found.others.insert((kind, name.to_owned()), source);
        }
        ours
    }
}

/// What the database holds now, within the transaction that may change it.
pub(super) async fn read(tx: &mut Tx, vault: &Vault) -> Result<Current, StoreError> {
    let mut reading = Current::default();
    policies(tx, &mut reading).await?;
    groups(tx, &mut reading).await?;
    platforms(tx, vault, &mut reading).await?;
    models(tx, &mut reading).await?;
    platform_models(tx, &mut reading).await?;
    reading.found.ours = fields::objects(&reading.ours, vault);
    Ok(reading)
}

async fn policies(tx: &mut Tx, reading: &mut Current) -> Result<(), StoreError> {
    let select = "SELECT name, policy, source FROM policy_sets WHERE source <> $1";
    for row in in_table("policy_sets", sql!(tx, all PolicySetRow, select, REMOVED))? {
        if reading.is_ours(ObjectKind::PolicySet, &row.name, row.source) {
            let spec = Cell::of("policy_sets", &row.name).json("policy", &row.policy)?;
            reading.ours.policy_sets.insert(row.name, spec);
        }
    }
    let row = sql!(tx, optional RunnerPolicyRow, "SELECT id, policy, source FROM runner_policies WHERE active")?;
    if let Some(row) = row
        && reading.is_ours(ObjectKind::RunnerPolicy, RUNNER_POLICY, row.source)
    {
        reading.ours.runner_policy = Some(Cell::of("runner_policies", &row.id.to_string()).json("policy", &row.policy)?);
    }
    Ok(())
}

async fn groups(tx: &mut Tx, reading: &mut Current) -> Result<(), StoreError> {
    let select = "SELECT name, price_multiplier, models, limits, source FROM groups WHERE source <> $1";
    for row in in_table("groups", sql!(tx, all GroupRow, select, REMOVED))? {
        if reading.is_ours(ObjectKind::Group, &row.name, row.source) {
            let cell = Cell::of("groups", &row.name);
            let price_multiplier = Multiplier::from_millionths(cell.count("price_multiplier", row.price_multiplier)?);
            let (models, limits) = (cell.json("models", &row.models)?, cell.json("limits", &row.limits)?);
            reading.ours.groups.insert(row.name, GroupSpec { price_multiplier, models, limits });
        }
    }
    let select = "SELECT DISTINCT g.name FROM groups g JOIN accounts a ON a.group_id = g.id";
    reading.found.groups_in_use = sql!(tx, all One<String>, select)?.into_iter().map(|(name,)| name).collect();
    Ok(())
}

async fn platforms(tx: &mut Tx, vault: &Vault, reading: &mut Current) -> Result<(), StoreError> {
    let select = "SELECT id, name, provider, base_url, priority, proxy, timeouts, options, test_mode, limits, enabled, source
        FROM platforms WHERE source <> $1";
    for row in in_table("platforms", sql!(tx, all PlatformRow, select, REMOVED))? {
        if reading.is_ours(ObjectKind::Platform, &row.name, row.source) {
            let cell = Cell::of("platforms", &row.name);
            let proxy = load::proxy(vault, row.id, row.proxy.as_deref())?.map(|proxy| match proxy {
                ProxySetting::Direct => ProxySpec::Direct,
                ProxySetting::Url(url) => ProxySpec::Url(url),
            });
            let spec = PlatformSpec {
                provider: cell.parse("provider", &row.provider)?,
                base_url: row.base_url,
                priority: cell.count("priority", row.priority)?,
                credentials: Vec::new(),
                proxy,
                timeouts: cell.json("timeouts", &row.timeouts)?,
                options: cell.json("options", &row.options)?,
                test_mode: row.test_mode,
                limits: cell.json("limits", &row.limits)?,
                enabled: Some(load::enabled(row.enabled)),
            };
            reading.ours.platforms.insert(row.name, spec);
        }
    }
    credentials(tx, vault, reading).await
}

async fn credentials(tx: &mut Tx, vault: &Vault, reading: &mut Current) -> Result<(), StoreError> {
    let select = "SELECT c.id, p.name AS platform, c.origin, c.name, c.weight, c.limits, c.secret
        FROM credentials c JOIN platforms p ON p.id = c.platform_id ORDER BY c.platform_id, c.position";
    for row in in_table("credentials", sql!(tx, all CredentialRow, select))? {
        if let Some(platform) = reading.ours.platforms.get_mut(&row.platform) {
            let id = row.id.to_string();
            let cell = Cell::of("credentials", &id);
            platform.credentials.push(CredentialSpec {
                origin: row.origin,
                name: row.name,
                weight: cell.at_least_one("weight", row.weight)?,
                limits: cell.json("limits", &row.limits)?,
                secret: vault.unseal(row.id, &row.secret)?,
            });
        }
    }
    Ok(())
}

async fn models(tx: &mut Tx, reading: &mut Current) -> Result<(), StoreError> {
    let select = "SELECT name, strategy, settings, source FROM models WHERE source <> $1";
    for row in in_table("models", sql!(tx, all ModelRow, select, REMOVED))? {
        if reading.is_ours(ObjectKind::Model, &row.name, row.source) {
            let cell = Cell::of("models", &row.name);
            let (strategy, settings) = (cell.parse("strategy", &row.strategy)?, cell.json("settings", &row.settings)?);
            reading.ours.models.insert(row.name, ModelSpec { strategy, settings });
        }
    }
    Ok(())
}

async fn platform_models(tx: &mut Tx, reading: &mut Current) -> Result<(), StoreError> {
    let select = "SELECT p.name AS platform, m.name AS model, o.upstream_name, o.model_types, s.name AS policy_set, v.price, v.cost,
            o.weight, o.priority, o.context_tokens, o.max_output_tokens, o.overrides, o.capabilities, o.limits, o.options, o.enabled,
            o.source
        FROM platform_models o JOIN platforms p ON p.id = o.platform_id JOIN models m ON m.id = o.model_id
        LEFT JOIN policy_sets s ON s.id = o.policy_set_id LEFT JOIN prices v ON v.id = o.price_id
        WHERE o.source <> $1";
    for row in in_table("platform_models", sql!(tx, all PlatformModelRow, select, REMOVED))? {
        let name = format!("{}/{}", row.platform, row.model);
        if !reading.is_ours(ObjectKind::PlatformModel, &name, row.source) {
            continue;
        }
        let cell = Cell::of("platform_models", &name);
        let spec = PlatformModelSpec {
            upstream_name: row.upstream_name,
            model_types: cell.json("model_types", &row.model_types)?,
            policy_set: row.policy_set,
            price: row.price.map(|price| cell.json("price", &price)).transpose()?,
            cost: row.cost.map(|cost| cell.json("cost", &cost)).transpose()?,
            weight: cell.at_least_one("weight", row.weight)?,
            priority: row.priority.map(|priority| cell.count("priority", priority)).transpose()?,
            context_tokens: cell.some_at_least_one("context_tokens", row.context_tokens)?,
            max_output_tokens: cell.some_at_least_one("max_output_tokens", row.max_output_tokens)?,
            overrides: cell.json("overrides", &row.overrides)?,
            capabilities: row.capabilities.map(|listed| cell.json("capabilities", &listed)).transpose()?,
            limits: cell.json("limits", &row.limits)?,
            options: cell.json("options", &row.options)?,
            enabled: Some(load::enabled(row.enabled)),
        };
        reading.ours.platform_models.insert((row.platform, row.model), spec);
    }
    Ok(())
}

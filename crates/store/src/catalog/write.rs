//! Writes one object of a plan. What was removed comes back under its old id, so that its history is one.

use easyai_core::catalog::Enabled;
use secrecy::ExposeSecret;
use uuid::Uuid;

use super::credential::{Stored, kept};
use super::current::PROXY_NONE;
use super::declared::{CredentialSpec, Declared, PlatformModelSpec, PlatformSpec, ProxySpec};
use super::diff::{Change, ObjectKind};
use super::fields::RUNNER_POLICY;
use super::{FILE, REMOVED};
use crate::column::One;
use crate::db::Tx;
use crate::error::StoreError;
use crate::vault::Vault;
use crate::{now, rows, sql};

rows! { struct SealedRow { id: Uuid, name: Option<String>, secret: Vec<u8>, } }

/// Writes within one transaction.
pub(super) struct Writer<'a> {
    pub tx: &'a mut Tx,
    pub vault: &'a Vault,
    pub declared: &'a Declared,
}

/// A row that must be there, since the plan says so.
fn missing(kind: ObjectKind, name: &str) -> StoreError {
    StoreError::NotFound(format!("{kind} `{name}`"))
}

fn json<T: serde::Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Statement(error.to_string()))
}

impl Writer<'_> {
    /// Makes an object, or makes it what it should be.
    pub async fn put(&mut self, change: &Change) -> Result<(), StoreError> {
        let (declared, name) = (self.declared, change.name.as_str());
        let missing = || missing(change.kind, name);
        match change.kind {
            ObjectKind::PolicySet => self.put_policy_set(name).await,
            ObjectKind::RunnerPolicy => self.put_runner_policy().await,
            ObjectKind::Group => self.put_group(name).await,
            ObjectKind::Platform => {
                let recredentialed = change.fields.iter().any(|field| field.name == "credentials");
                self.put_platform(name, declared.platforms.get(name).ok_or_else(missing)?, recredentialed).await
            }
            ObjectKind::Model => self.put_model(name).await,
            ObjectKind::PlatformModel => {
                let mut all = declared.platform_models.iter();
                let found = all.find(|((platform, model), _)| {
                    name.strip_prefix(platform.as_str()).and_then(|rest| rest.strip_prefix('/')) == Some(model)
                });
                let ((platform, model), spec) = found.ok_or_else(missing)?;
                // The price has a version of its own: only one that changed makes a new one.
                let repriced = change.fields.iter().any(|field| field.name == "price" || field.name == "cost");
                self.put_platform_model(platform, model, spec, repriced).await
            }
        }
    }

    /// Takes an object out of use. Rows stay, since tasks and charges name them; secrets go.
    pub async fn remove(&mut self, change: &Change) -> Result<(), StoreError> {
        let (tx, name) = (&mut *self.tx, change.name.as_str());
        match change.kind {
            ObjectKind::PolicySet => sql!(tx, execute "UPDATE policy_sets SET source = $2 WHERE name = $1", name, REMOVED)?,
            ObjectKind::RunnerPolicy => sql!(tx, execute "UPDATE runner_policies SET active = FALSE WHERE active")?,
            ObjectKind::Group => sql!(tx, execute "UPDATE groups SET source = $2 WHERE name = $1", name, REMOVED)?,
            ObjectKind::Model => sql!(tx, execute "UPDATE models SET source = $2 WHERE name = $1", name, REMOVED)?,
            ObjectKind::PlatformModel => {
                let update = "UPDATE platform_models SET source = $2, price_id = NULL WHERE id IN (SELECT o.id FROM platform_models o
                    JOIN platforms p ON p.id = o.platform_id JOIN models m ON m.id = o.model_id WHERE p.name || '/' || m.name = $1)";
                sql!(tx, execute update, name, REMOVED)?
            }
            ObjectKind::Platform => {
                let secrets = "DELETE FROM credentials WHERE platform_id IN (SELECT id FROM platforms WHERE name = $1)";
                sql!(tx, execute secrets, name)?;
                sql!(tx, execute "UPDATE platforms SET source = $2, proxy = NULL WHERE name = $1", name, REMOVED)?
            }
        };
        Ok(())
    }

    async fn put_policy_set(&mut self, name: &str) -> Result<(), StoreError> {
        let spec = self.declared.policy_sets.get(name).ok_or_else(|| missing(ObjectKind::PolicySet, name))?;
        let upsert = "INSERT INTO policy_sets (id, name, policy, source, created_at) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (name) DO UPDATE SET policy = excluded.policy, source = excluded.source";
        let tx = &mut *self.tx;
        sql!(tx, execute upsert, crate::new_id(), name, json(spec)?, FILE, now().micros()).map(drop)
    }

    /// A version of its own: runs keep the one they began with.
    async fn put_runner_policy(&mut self) -> Result<(), StoreError> {
        let policy = self.declared.runner_policy.as_ref().ok_or_else(|| missing(ObjectKind::RunnerPolicy, RUNNER_POLICY))?;
        let tx = &mut *self.tx;
        sql!(tx, execute "UPDATE runner_policies SET active = FALSE WHERE active")?;
        let insert = "INSERT INTO runner_policies (id, policy, active, source, created_at) VALUES ($1, $2, TRUE, $3, $4)";
        sql!(tx, execute insert, crate::new_id(), json(policy)?, FILE, now().micros()).map(drop)
    }

    async fn put_group(&mut self, name: &str) -> Result<(), StoreError> {
        let group = self.declared.groups.get(name).ok_or_else(|| missing(ObjectKind::Group, name))?;
        let upsert =
            "INSERT INTO groups (id, name, price_multiplier, models, limits, source, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
            ON CONFLICT (name) DO UPDATE SET price_multiplier = excluded.price_multiplier, models = excluded.models,
                limits = excluded.limits, source = excluded.source";
        let multiplier = i64::from(group.price_multiplier.millionths());
        let tx = &mut *self.tx;
        let (models, limits) = (json(&group.models)?, json(&group.limits)?);
        sql!(tx, execute upsert, crate::new_id(), name, multiplier, models.as_str(), limits.as_str(), FILE, now().micros()).map(drop)
    }

    async fn put_model(&mut self, name: &str) -> Result<(), StoreError> {
        let spec = self.declared.models.get(name).ok_or_else(|| missing(ObjectKind::Model, name))?;
        let upsert = "INSERT INTO models (id, name, strategy, settings, source, enabled, created_at) VALUES ($1, $2, $3, $4, $5, TRUE, $6)
            ON CONFLICT (name) DO UPDATE SET strategy = excluded.strategy, settings = excluded.settings, source = excluded.source";
        let settings = json(&spec.settings)?;
        let tx = &mut *self.tx;
        sql!(tx, execute upsert, crate::new_id(), name, spec.strategy.as_str(), settings.as_str(), FILE, now().micros()).map(drop)
    }

    async fn put_platform(&mut self, name: &str, spec: &PlatformSpec, recredentialed: bool) -> Result<(), StoreError> {
        // First the id: the proxy is sealed for it.
        let tx = &mut *self.tx;
        let known = sql!(tx, optional One<Uuid>, "SELECT id FROM platforms WHERE name = $1", name)?;
        let id = known.map_or_else(crate::new_id, |(id,)| id);
        let proxy = match &spec.proxy {
            None => None,
            Some(ProxySpec::Direct) => Some(PROXY_NONE.to_vec()),
            Some(ProxySpec::Url(url)) => Some(self.vault.seal(id, url)?),
        };
        let upsert = "INSERT INTO platforms (id, name, provider, base_url, priority, proxy, timeouts, options, test_mode, source, enabled,
                limits, created_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, COALESCE($11, TRUE), $12, $13)
            ON CONFLICT (name) DO UPDATE SET provider = excluded.provider, base_url = excluded.base_url, priority = excluded.priority,
                proxy = excluded.proxy, timeouts = excluded.timeouts, options = excluded.options, test_mode = excluded.test_mode,
                limits = excluded.limits, source = excluded.source, enabled = COALESCE($11, platforms.enabled)";
        let enabled = spec.enabled.map(|enabled| enabled == Enabled::Yes);
        sql!(tx, execute upsert, id, name, spec.provider.as_str(), spec.base_url.as_str(), i64::from(spec.priority), proxy,
            json(&spec.timeouts)?, json(&spec.options)?, spec.test_mode, FILE, enabled, json(&spec.limits)?, now().micros())?;
        if recredentialed { self.put_credentials(id, &spec.credentials).await } else { Ok(()) }
    }

    /// A credential's id stands for one secret, which others remember as good or bad, and count calls of: it stays while the secret does.
    async fn put_credentials(&mut self, platform: Uuid, specs: &[CredentialSpec]) -> Result<(), StoreError> {
        let stored = self.stored_credentials(platform).await?;
        let kept = kept(&stored, specs);
        let tx = &mut *self.tx;
        for gone in stored.iter().filter(|credential| !kept.contains(&Some(credential.id))) {
            sql!(tx, execute "DELETE FROM credentials WHERE id = $1", gone.id)?;
        }
        // Out of the way first: two that change places would meet on one.
        sql!(tx, execute "UPDATE credentials SET position = -1 - position WHERE platform_id = $1", platform)?;
        let upsert = "INSERT INTO credentials (id, platform_id, position, weight, origin, secret, name, limits, created_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            ON CONFLICT (id) DO UPDATE SET position = excluded.position, weight = excluded.weight, origin = excluded.origin,
                name = excluded.name, limits = excluded.limits";
        for ((position, spec), kept) in (0_i64..).zip(specs).zip(kept) {
            let id = kept.unwrap_or_else(crate::new_id);
            let (sealed, weight, limits) = (self.vault.seal(id, &spec.secret)?, i64::from(spec.weight.get()), json(&spec.limits)?);
            sql!(tx, execute upsert, id, platform, position, weight, spec.origin.as_str(), sealed.as_slice(), spec.name.as_deref(),
                limits.as_str(), now().micros())?;
        }
        Ok(())
    }

    async fn stored_credentials(&mut self, platform: Uuid) -> Result<Vec<Stored>, StoreError> {
        let tx = &mut *self.tx;
        let select = "SELECT id, name, secret FROM credentials WHERE platform_id = $1 ORDER BY position";
        let rows = sql!(tx, all SealedRow, select, platform)?;
        let open = |row: SealedRow| {
            let secret = self.vault.unseal(row.id, &row.secret)?;
            Ok(Stored { id: row.id, name: row.name, secret: secret.expose_secret().into() })
        };
        rows.into_iter().map(open).collect()
    }

    async fn put_platform_model(
        &mut self,
        platform: &str,
        model: &str,
        spec: &PlatformModelSpec,
        repriced: bool,
    ) -> Result<(), StoreError> {
        let platform_id = self.id_of("SELECT id FROM platforms WHERE name = $1", ObjectKind::Platform, platform).await?;
        let model_id = self.id_of("SELECT id FROM models WHERE name = $1", ObjectKind::Model, model).await?;
        let policy_set = match &spec.policy_set {
            Some(name) => Some(self.id_of("SELECT id FROM policy_sets WHERE name = $1", ObjectKind::PolicySet, name).await?),
            None => None,
        };
        let tx = &mut *self.tx;
        let upsert = "INSERT INTO platform_models (id, platform_id, model_id, upstream_name, model_types, weight, priority, context_tokens,
                max_output_tokens, policy_set_id, overrides, source, enabled, capabilities, limits, options, created_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, COALESCE($13, TRUE), $14, $15, $16, $17)
            ON CONFLICT (platform_id, model_id) DO UPDATE SET upstream_name = excluded.upstream_name, model_types = excluded.model_types,
                weight = excluded.weight, priority = excluded.priority, context_tokens = excluded.context_tokens,
                max_output_tokens = excluded.max_output_tokens, policy_set_id = excluded.policy_set_id, overrides = excluded.overrides,
                capabilities = excluded.capabilities, limits = excluded.limits, options = excluded.options, source = excluded.source,
                enabled = COALESCE($13, platform_models.enabled)";
        let capabilities = spec.capabilities.as_ref().map(json).transpose()?;
        let enabled = spec.enabled.map(|enabled| enabled == Enabled::Yes);
        sql!(tx, execute upsert, crate::new_id(), platform_id, model_id, spec.upstream_name.as_str(), json(&spec.model_types)?,
            i64::from(spec.weight.get()), spec.priority.map(i64::from), spec.context_tokens.map(|tokens| i64::from(tokens.get())),
            spec.max_output_tokens.map(|tokens| i64::from(tokens.get())), policy_set, json(&spec.overrides)?, FILE, enabled,
            capabilities, json(&spec.limits)?, json(&spec.options)?, now().micros())?;
        if repriced { self.put_price(platform_id, model_id, spec).await } else { Ok(()) }
    }

    /// A new version of price and cost: charges name the one they were computed by, so none is ever changed.
    async fn put_price(&mut self, platform: Uuid, model: Uuid, spec: &PlatformModelSpec) -> Result<(), StoreError> {
        let tx = &mut *self.tx;
        let (offer,) = sql!(tx, one One<Uuid>, "SELECT id FROM platform_models WHERE platform_id = $1 AND model_id = $2", platform, model)?;
        let version = match &spec.price {
            None => None,
            Some(price) => {
                let (id, cost) = (crate::new_id(), spec.cost.as_ref().map(json).transpose()?);
                let insert = "INSERT INTO prices (id, platform_model_id, price, cost, source, created_at) VALUES ($1, $2, $3, $4, $5, $6)";
                sql!(tx, execute insert, id, offer, json(price)?, cost, FILE, now().micros())?;
                Some(id)
            }
        };
        sql!(tx, execute "UPDATE platform_models SET price_id = $2 WHERE id = $1", offer, version).map(drop)
    }

    async fn id_of(&mut self, select: &'static str, kind: ObjectKind, name: &str) -> Result<Uuid, StoreError> {
        let tx = &mut *self.tx;
        sql!(tx, optional One<Uuid>, select, name)?.map(|(id,)| id).ok_or_else(|| missing(kind, name))
    }
}

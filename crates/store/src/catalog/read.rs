//! Rows into values. Each value is checked here; one that can't be read is told with its table, row and field.

use std::collections::HashMap;
use std::fmt::Display;

use easyai_core::catalog::{AllowedModels, Enabled, ProxySetting};
use easyai_core::id::{CredentialId, GroupId, ModelId, PlatformId, PlatformModelId, PolicySetId, PriceId, RunnerPolicyId};
use easyai_core::policy::{FailoverPolicy, RetryPolicy};
use easyai_core::price::{Multiplier, Price};
use easyai_core::time::Timestamp;
use secrecy::SecretString;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::declared::{
    DeclaredCredential, DeclaredGroup, DeclaredModel, DeclaredPlatform, DeclaredPlatformModel, DeclaredPolicySet, OfferName,
};
use super::stored::{Owned, Stored};
use crate::column::One;
use crate::db::Tx;
use crate::error::StoreError;
use crate::vault::Vault;
use crate::{rows, sql};

rows! {
    struct GroupRow { id: Uuid, name: String, price_multiplier: i64, models: String, source: String, created_at: i64, }
}
rows! {
    struct PolicySetRow { id: Uuid, name: String, policy: String, source: String, created_at: i64, }
}
rows! {
    struct ModelRow { id: Uuid, name: String, strategy: String, source: String, created_at: i64, }
}
rows! {
    struct PlatformRow {
        id: Uuid, name: String, provider: String, base_url: String, priority: i64, proxy: Option<Vec<u8>>, timeouts: String, options: String,
        test_mode: bool, source: String, enabled: bool, created_at: i64,
    }
}
rows! {
    struct CredentialRow { id: Uuid, platform_id: Uuid, weight: i64, origin: String, secret: Vec<u8>, }
}
rows! {
    struct OfferRow {
        id: Uuid, platform: String, model: String, upstream_name: String, model_types: String, price_id: Option<Uuid>, weight: i64,
        priority: Option<i64>, context_tokens: Option<i64>, max_output_tokens: Option<i64>, policy_set: Option<String>, overrides: String,
        source: String, enabled: bool, created_at: i64, price: Option<String>, cost: Option<String>,
    }
}
rows! {
    struct RunnerPolicyRow { id: Uuid, policy: String, source: String, created_at: i64, }
}

/// The stored form of a platform's `proxy = "none"`; every other value is sealed.
pub(super) const DIRECT: &[u8] = b"none";

/// Where a value stands, for the error that it can't be read.
pub(super) struct Place<'a> {
    pub(super) table: &'static str,
    pub(super) row: &'a str,
}

impl Place<'_> {
    pub(super) fn bad(&self, field: &str, why: impl Display) -> StoreError {
        StoreError::Corrupt(format!("table {}, row `{}`, field {field}: {why}", self.table, self.row))
    }

    fn json<T: DeserializeOwned>(&self, field: &str, text: &str) -> Result<T, StoreError> {
        serde_json::from_str(text).map_err(|error| self.bad(field, error))
    }

    pub(super) fn word<T: std::str::FromStr<Err: Display>>(&self, field: &str, text: &str) -> Result<T, StoreError> {
        text.parse().map_err(|error| self.bad(field, error))
    }

    /// A number that fits its type: never negative, never zero where that makes no sense.
    fn number<T: TryFrom<u32, Error: Display>>(&self, field: &str, number: i64) -> Result<T, StoreError> {
        let small = u32::try_from(number).map_err(|_| self.bad(field, format_args!("{number} is out of range")))?;
        T::try_from(small).map_err(|_| self.bad(field, format_args!("{number} is out of range")))
    }

    pub(super) fn models(&self, text: &str) -> Result<AllowedModels, StoreError> {
        Ok(AllowedModels::from_names(self.json::<Vec<String>>("models", text)?))
    }

    fn owned<I, T>(&self, id: I, source: &str, created_at: i64, value: T) -> Result<Owned<I, T>, StoreError> {
        Ok(Owned { id, source: self.word("source", source)?, created_at: Timestamp::from_micros(created_at), value })
    }
}

pub(super) const fn enabled(stored: bool) -> Enabled {
    if stored { Enabled::Yes } else { Enabled::No }
}

/// All rows of the catalogue.
pub(super) async fn read(tx: &mut Tx, vault: &Vault) -> Result<Stored, StoreError> {
    let revision = sql!(tx, one One<i64>, "SELECT revision FROM catalog_state WHERE id = 1")?.0;
    let mut stored = Stored { revision, ..Stored::default() };
    groups(tx, &mut stored).await?;
    policy_sets(tx, &mut stored).await?;
    models(tx, &mut stored).await?;
    platforms(tx, vault, &mut stored).await?;
    platform_models(tx, &mut stored).await?;
    runner_policy(tx, &mut stored).await?;
    Ok(stored)
}

async fn groups(tx: &mut Tx, stored: &mut Stored) -> Result<(), StoreError> {
    for row in sql!(tx, all GroupRow, "SELECT id, name, price_multiplier, models, source, created_at FROM groups")? {
        let place = Place { table: "groups", row: &row.name };
        let price_multiplier = Multiplier::from_millionths(place.number("price_multiplier", row.price_multiplier)?);
        let value = DeclaredGroup { price_multiplier, models: place.models(&row.models)? };
        let owned = place.owned(GroupId::from_uuid(row.id), &row.source, row.created_at, value)?;
        stored.groups.insert(row.name, owned);
    }
    let used = sql!(tx, all One<Uuid>, "SELECT DISTINCT group_id FROM accounts")?;
    stored.groups_in_use = used.into_iter().map(|(id,)| GroupId::from_uuid(id)).collect();
    Ok(())
}

async fn policy_sets(tx: &mut Tx, stored: &mut Stored) -> Result<(), StoreError> {
    for row in sql!(tx, all PolicySetRow, "SELECT id, name, policy, source, created_at FROM policy_sets")? {
        let place = Place { table: "policy_sets", row: &row.name };
        let retry: RetryPolicy = place.json("policy", &row.policy)?;
        let owned = place.owned(PolicySetId::from_uuid(row.id), &row.source, row.created_at, DeclaredPolicySet { retry })?;
        stored.policy_sets.insert(row.name, owned);
    }
    Ok(())
}

async fn models(tx: &mut Tx, stored: &mut Stored) -> Result<(), StoreError> {
    for row in sql!(tx, all ModelRow, "SELECT id, name, strategy, source, created_at FROM models")? {
        let place = Place { table: "models", row: &row.name };
        let value = DeclaredModel { strategy: place.word("strategy", &row.strategy)? };
        let owned = place.owned(ModelId::from_uuid(row.id), &row.source, row.created_at, value)?;
        stored.models.insert(row.name, owned);
    }
    Ok(())
}

async fn platforms(tx: &mut Tx, vault: &Vault, stored: &mut Stored) -> Result<(), StoreError> {
    let mut credentials = credentials(tx).await?;
    let select =
        "SELECT id, name, provider, base_url, priority, proxy, timeouts, options, test_mode, source, enabled, created_at FROM platforms";
    for row in sql!(tx, all PlatformRow, select)? {
        let place = Place { table: "platforms", row: &row.name };
        let id = PlatformId::from_uuid(row.id);
        let rows = credentials.remove(&row.id).unwrap_or_default();
        stored.credentials.insert(id, rows.iter().map(|row| CredentialId::from_uuid(row.id)).collect());
        let value = DeclaredPlatform {
            provider: place.word("provider", &row.provider)?,
            base_url: row.base_url,
            priority: place.number("priority", row.priority)?,
            credentials: rows.into_iter().map(|row| credential(row, vault)).collect::<Result<_, _>>()?,
            proxy: row.proxy.map(|sealed| proxy(&place, row.id, &sealed, vault)).transpose()?,
            timeouts: place.json("timeouts", &row.timeouts)?,
            test_mode: row.test_mode,
            options: place.json("options", &row.options)?,
            enabled: enabled(row.enabled),
        };
        let owned = place.owned(id, &row.source, row.created_at, value)?;
        stored.platforms.insert(row.name, owned);
    }
    Ok(())
}

async fn credentials(tx: &mut Tx) -> Result<HashMap<Uuid, Vec<CredentialRow>>, StoreError> {
    let mut by_platform: HashMap<Uuid, Vec<CredentialRow>> = HashMap::new();
    for row in
        sql!(tx, all CredentialRow, "SELECT id, platform_id, weight, origin, secret FROM credentials ORDER BY platform_id, position")?
    {
        by_platform.entry(row.platform_id).or_default().push(row);
    }
    Ok(by_platform)
}

fn credential(row: CredentialRow, vault: &Vault) -> Result<DeclaredCredential, StoreError> {
    let id = CredentialId::from_uuid(row.id).to_string();
    let place = Place { table: "credentials", row: &id };
    let secret = unsealed(&place, "secret", row.id, &row.secret, vault)?;
    Ok(DeclaredCredential { secret, weight: place.number("weight", row.weight)?, origin: row.origin })
}

fn proxy(place: &Place<'_>, id: Uuid, sealed: &[u8], vault: &Vault) -> Result<ProxySetting, StoreError> {
    if sealed == DIRECT {
        return Ok(ProxySetting::Direct);
    }
    unsealed(place, "proxy", id, sealed, vault).map(ProxySetting::Url)
}

fn unsealed(place: &Place<'_>, field: &str, id: Uuid, sealed: &[u8], vault: &Vault) -> Result<SecretString, StoreError> {
    vault
        .unseal(id, sealed)
        .map_err(|error| StoreError::Setting(format!("table {}, row `{}`, field {field}: {error}", place.table, place.row)))
}

async fn platform_models(tx: &mut Tx, stored: &mut Stored) -> Result<(), StoreError> {
    let select = "SELECT o.id, p.name AS platform, m.name AS model, o.upstream_name, o.model_types, o.price_id, o.weight, o.priority,
            o.context_tokens, o.max_output_tokens, s.name AS policy_set, o.overrides, o.source, o.enabled, o.created_at, v.price, v.cost
        FROM platform_models o JOIN platforms p ON p.id = o.platform_id JOIN models m ON m.id = o.model_id
        LEFT JOIN policy_sets s ON s.id = o.policy_set_id LEFT JOIN prices v ON v.id = o.price_id";
    for row in sql!(tx, all OfferRow, select)? {
        let id = PlatformModelId::from_uuid(row.id);
        if let Some(price) = row.price_id {
            stored.prices.insert(id, PriceId::from_uuid(price));
        }
        let name = OfferName { platform: row.platform.clone(), model: row.model.clone() };
        let shown = name.to_string();
        let place = Place { table: "platform_models", row: &shown };
        let (source, created_at) = (row.source.clone(), row.created_at);
        let owned = place.owned(id, &source, created_at, offer(&place, row)?)?;
        stored.platform_models.insert(name, owned);
    }
    Ok(())
}

fn offer(place: &Place<'_>, row: OfferRow) -> Result<DeclaredPlatformModel, StoreError> {
    if let (Some(id), None) = (row.price_id, &row.price) {
        return Err(place.bad("price_id", format_args!("there is no price {}", PriceId::from_uuid(id))));
    }
    let price = |text: Option<String>, field| text.map(|text| place.json::<Price>(field, &text)).transpose();
    Ok(DeclaredPlatformModel {
        upstream_name: row.upstream_name,
        model_types: place.json("model_types", &row.model_types)?,
        policy_set: row.policy_set,
        price: price(row.price, "price")?,
        cost: price(row.cost, "cost")?,
        weight: place.number("weight", row.weight)?,
        priority: row.priority.map(|number| place.number("priority", number)).transpose()?,
        context_tokens: row.context_tokens.map(|number| place.number("context_tokens", number)).transpose()?,
        max_output_tokens: row.max_output_tokens.map(|number| place.number("max_output_tokens", number)).transpose()?,
        overrides: place.json("overrides", &row.overrides)?,
        enabled: enabled(row.enabled),
    })
}

async fn runner_policy(tx: &mut Tx, stored: &mut Stored) -> Result<(), StoreError> {
    let select = "SELECT id, policy, source, created_at FROM runner_policies WHERE active ORDER BY id DESC LIMIT 1";
    let Some(row) = sql!(tx, optional RunnerPolicyRow, select)? else { return Ok(()) };
    let id = RunnerPolicyId::from_uuid(row.id);
    let shown = id.to_string();
    let place = Place { table: "runner_policies", row: &shown };
    let policy: FailoverPolicy = place.json("policy", &row.policy)?;
    stored.runner_policy = Some(place.owned(id, &row.source, row.created_at, policy)?);
    Ok(())
}

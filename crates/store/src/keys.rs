//! API keys: made, listed, revoked. A key is told once, when it is made; what is kept is its keyed hash and its first characters.

use std::sync::Arc;

use easyai_core::catalog::Enabled;
use easyai_core::id::{AccountId, KeyId};
use easyai_core::kind::RunMode;
use easyai_core::limit::LimitSet;
use easyai_core::time::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use crate::accounts::{CLI, check_name};
use crate::catalog::{Audit, Cell, bump, in_table, record, record_change};
use crate::column::One;
use crate::db::Db;
use crate::error::StoreError;
use crate::limit_edit::{LimitEdit, edited, stored};
use crate::vault::{Vault, new_api_key};
use crate::{now, rows, sql};

/// Characters of a key that are kept for people to recognise it: `sk-` and four of 32.
const HINT_CHARS: usize = 7;

/// What is said of a key when it is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKey {
    /// A name for people.
    pub name: String,
    /// The models it may use, within what its group may: names, `name*`, or `*` alone for all.
    pub models: Vec<String>,
    /// From when it is refused.
    pub expires_at: Option<Timestamp>,
    /// Whether its tasks are simulated.
    pub run_mode: RunMode,
    /// What it may use.
    pub limits: LimitSet,
    /// Whether its calls may be answered from the response cache.
    pub response_cache: Enabled,
}

rows! {
    /// A key, without what it takes to use it.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct KeyRow {
        /// Its id.
        pub id: KeyId,
        /// Who pays.
        pub account_id: AccountId,
        /// The account's name.
        pub account: Arc<str>,
        /// A name for people.
        pub name: Arc<str>,
        /// Its first characters.
        pub hint: String,
        /// The models it may use: a JSON array of names.
        pub models: String,
        /// Whether its tasks are simulated.
        pub run_mode: RunMode,
        /// From when it is refused.
        pub expires_at: Option<Timestamp>,
        /// Since when it is refused, for good.
        pub revoked_at: Option<Timestamp>,
        /// What it may use.
        pub limits: LimitSet,
        /// Whether its calls may be answered from the response cache.
        pub response_cache: bool,
        /// Since when it exists.
        pub created_at: Timestamp,
    }
}

/// Makes a key; gives it with its id, for the only time.
///
/// # Errors
/// [`StoreError::Setting`] for a bad name or no models.
pub async fn create(db: &Db, vault: &Vault, account: AccountId, new: &NewKey) -> Result<(KeyId, SecretString), StoreError> {
    check_name("a key", &new.name)?;
    if new.models.is_empty() || new.models.iter().any(|model| model.trim().is_empty()) {
        return Err(StoreError::Setting("a key needs the names of models, or `*` for all".to_owned()));
    }
    let (id, key) = (KeyId::from_uuid(crate::new_id()), new_api_key()?);
    let hint: String = key.expose_secret().chars().take(HINT_CHARS).collect();
    let models = serde_json::to_string(&new.models).map_err(|error| StoreError::Statement(error.to_string()))?;
    let hash = vault.hash_key(key.expose_secret()).to_vec();
    let insert = "INSERT INTO api_keys (id, account_id, name, hash, hint, models, run_mode, expires_at, limits, revoked_at, created_at,
            response_cache)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, NULL, $10, $11)";
    let limits = stored(&new.limits)?;
    let expires = new.expires_at.map(Timestamp::micros);
    let mut tx = db.write().await?;
    sql!(
        tx, execute insert, id.uuid(), account.uuid(), &new.name, hash.clone(), &hint, &models, new.run_mode.as_str(), expires,
        limits.as_str(), now().micros(), new.response_cache == Enabled::Yes
    )?;
    let after = (new.limits != LimitSet::default()).then_some(limits);
    record(&mut tx, &Audit { actor: CLI, action: "key.create", object: &id.to_string(), after }).await?;
    bump(&mut tx).await?;
    tx.commit().await?;
    Ok((id, key))
}

/// All keys, or those of one account; the latest first.
///
/// # Errors
/// [`StoreError`] if they can't be read.
pub async fn list(db: &Db, account: Option<AccountId>) -> Result<Vec<KeyRow>, StoreError> {
    let select = "SELECT k.id, k.account_id, a.name AS account, k.name, k.hint, k.models, k.run_mode, k.expires_at, k.revoked_at, k.limits,
            k.response_cache, k.created_at
        FROM api_keys k JOIN accounts a ON a.id = k.account_id WHERE ($1 IS NULL OR k.account_id = $1) ORDER BY k.id DESC";
    let mut conn = db.read().await?;
    in_table("api_keys", sql!(conn, all KeyRow, select, account.map(AccountId::uuid)))
}

/// Changes the limits of a key; gives those it has now.
///
/// # Errors
/// [`StoreError::NotFound`] if there is no such key.
pub async fn set_limits(db: &Db, key: KeyId, edits: &[LimitEdit]) -> Result<LimitSet, StoreError> {
    let mut tx = db.write().await?;
    // Nobody else changes it between reading and writing.
    bump(&mut tx).await?;
    let found = in_table("api_keys", sql!(tx, optional One<String>, "SELECT limits FROM api_keys WHERE id = $1", key.uuid()))?;
    let (before,) = found.ok_or_else(|| StoreError::NotFound(format!("the key {key}")))?;
    let object = key.to_string();
    let limits = Cell::of("api_keys", &object).json("limits", &before)?;
    let wanted = edited(&limits, edits);
    if wanted == limits {
        // Without a commit the revision has not moved.
        return Ok(wanted);
    }
    let after = stored(&wanted)?;
    sql!(tx, execute "UPDATE api_keys SET limits = $2 WHERE id = $1", key.uuid(), after.as_str())?;
    record_change(&mut tx, &Audit { actor: CLI, action: "key.set", object: &object, after: Some(after) }, Some(&before)).await?;
    tx.commit().await?;
    Ok(wanted)
}

/// Lets a key's calls be answered from the response cache of models that have one, or no longer.
///
/// # Errors
/// [`StoreError::NotFound`] if there is no such key.
pub async fn set_response_cache(db: &Db, key: KeyId, wanted: Enabled) -> Result<(), StoreError> {
    let mut tx = db.write().await?;
    bump(&mut tx).await?;
    let found = sql!(tx, optional One<bool>, "SELECT response_cache FROM api_keys WHERE id = $1", key.uuid())?;
    let (before,) = found.ok_or_else(|| StoreError::NotFound(format!("the key {key}")))?;
    let wanted = wanted == Enabled::Yes;
    if wanted == before {
        // Without a commit the revision has not moved.
        return Ok(());
    }
    sql!(tx, execute "UPDATE api_keys SET response_cache = $2 WHERE id = $1", key.uuid(), wanted)?;
    let told = |on: bool| format!("{{\"response_cache\":{on}}}");
    let audit = Audit { actor: CLI, action: "key.set", object: &key.to_string(), after: Some(told(wanted)) };
    record_change(&mut tx, &audit, Some(&told(before))).await?;
    tx.commit().await
}

/// Refuses a key from now on, for good; once more changes nothing. Gives since when it is refused.
///
/// # Errors
/// [`StoreError::NotFound`] if there is no such key.
pub async fn revoke(db: &Db, key: KeyId) -> Result<Timestamp, StoreError> {
    let mut tx = db.write().await?;
    let update = "UPDATE api_keys SET revoked_at = COALESCE(revoked_at, $2) WHERE id = $1 RETURNING revoked_at";
    let at = now().micros();
    let row = sql!(tx, optional One<i64>, update, key.uuid(), at)?;
    let Some((revoked_at,)) = row else { return Err(StoreError::NotFound(format!("the key {key}"))) };
    record(&mut tx, &Audit { actor: CLI, action: "key.revoke", object: &key.to_string(), after: None }).await?;
    bump(&mut tx).await?;
    tx.commit().await?;
    Ok(Timestamp::from_micros(revoked_at))
}

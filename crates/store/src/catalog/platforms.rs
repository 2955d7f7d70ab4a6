//! Platforms for the command line: lists of them, their models and credentials, and the switches.

use std::sync::Arc;

use easyai_core::catalog::Enabled;
use easyai_core::id::{CredentialId, PlatformId, PlatformModelId};
use uuid::Uuid;

use super::{Audit, REMOVED, bump, in_table, record};
use crate::candidate_state;
use crate::column::One;
use crate::db::Db;
use crate::error::StoreError;
use crate::{rows, sql};

rows! {
    /// A platform as a list shows it.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct PlatformRow {
        /// Its id.
        pub id: PlatformId,
        /// Its unique name.
        pub name: Arc<str>,
        /// Whose protocol it speaks.
        pub provider: String,
        /// Where it is.
        pub base_url: String,
        /// 0 is tried first.
        pub priority: i64,
        /// Its tasks are simulated.
        pub test_mode: bool,
        /// Whether a person has it switched on.
        pub enabled: bool,
        /// Who owns it: `file` or `admin`.
        pub source: String,
        /// How many models it offers.
        pub models: i64,
    }
}

rows! {
    /// A platform model as a list shows it.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct PlatformModelRow {
        /// Its id.
        pub id: PlatformModelId,
        /// Its platform.
        pub platform_id: PlatformId,
        /// The public name of its model.
        pub model: Arc<str>,
        /// Whether a person has it switched on.
        pub enabled: bool,
    }
}

rows! {
    /// A credential as a list shows it.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct CredentialRow {
        /// Its id.
        pub id: CredentialId,
        /// Its platform.
        pub platform_id: PlatformId,
        /// What people call it.
        pub name: Arc<str>,
    }
}

/// All platforms, the first to be tried first.
///
/// # Errors
/// [`StoreError`] if they can't be read.
pub async fn list_platforms(db: &Db) -> Result<Vec<PlatformRow>, StoreError> {
    let select = "SELECT p.id, p.name, p.provider, p.base_url, p.priority, p.test_mode, p.enabled, p.source,
            (SELECT COUNT(*) FROM platform_models m WHERE m.platform_id = p.id AND m.source <> $1) AS models
        FROM platforms p WHERE p.source <> $1 ORDER BY p.priority, p.name";
    let mut conn = db.read().await?;
    in_table("platforms", sql!(conn, all PlatformRow, select, REMOVED))
}

/// All platform models, by model.
///
/// # Errors
/// [`StoreError`] if they can't be read.
pub async fn list_platform_models(db: &Db) -> Result<Vec<PlatformModelRow>, StoreError> {
    let select = "SELECT o.id, o.platform_id, m.name AS model, o.enabled FROM platform_models o JOIN models m ON m.id = o.model_id
        WHERE o.source <> $1 AND m.source <> $1 ORDER BY m.name";
    let mut conn = db.read().await?;
    in_table("platform_models", sql!(conn, all PlatformModelRow, select, REMOVED))
}

/// All credentials, each platform's in their order.
///
/// # Errors
/// [`StoreError`] if they can't be read.
pub async fn list_credentials(db: &Db) -> Result<Vec<CredentialRow>, StoreError> {
    let select = "SELECT id, platform_id, COALESCE(name, 'credential ' || (position + 1)) AS name FROM credentials
        ORDER BY platform_id, position";
    let mut conn = db.read().await?;
    in_table("credentials", sql!(conn, all CredentialRow, select))
}

/// Switches a platform on or off; on also clears what policies switched off on it. Gives whether anything changed.
///
/// # Errors
/// [`StoreError::NotFound`] if there is no such platform.
pub async fn set_platform_enabled(db: &Db, name: &str, enabled: Enabled, actor: &str) -> Result<bool, StoreError> {
    let mut tx = db.write().await?;
    let found = sql!(tx, optional One<Uuid>, "SELECT id FROM platforms WHERE name = $1 AND source <> $2", name, REMOVED)?;
    let (id,) = found.ok_or_else(|| StoreError::NotFound(format!("the platform `{name}`")))?;
    let on = enabled == Enabled::Yes;
    let mut changed = sql!(tx, execute "UPDATE platforms SET enabled = $2 WHERE id = $1 AND enabled <> $2", id, on)?;
    if on {
        changed += candidate_state::enable_all_of(&mut tx, PlatformId::from_uuid(id)).await?;
    }
    if changed == 0 {
        return Ok(false);
    }
    let action = if on { "platform.enable" } else { "platform.disable" };
    record(&mut tx, &Audit { actor, action, object: name, after: None }).await?;
    bump(&mut tx).await?;
    tx.commit().await?;
    Ok(true)
}

/// Switches one model of a platform on or off; on also clears what policies did to it. Gives whether anything changed.
///
/// # Errors
/// [`StoreError::NotFound`] if there is no such platform, or it does not offer the model.
pub async fn set_platform_model_enabled(db: &Db, platform: &str, model: &str, enabled: Enabled, actor: &str) -> Result<bool, StoreError> {
    let mut tx = db.write().await?;
    let found = sql!(tx, optional One<Uuid>, "SELECT id FROM platforms WHERE name = $1 AND source <> $2", platform, REMOVED)?;
    let (platform_id,) = found.ok_or_else(|| StoreError::NotFound(format!("the platform `{platform}`")))?;
    let select = "SELECT o.id FROM platform_models o JOIN models m ON m.id = o.model_id
        WHERE o.platform_id = $1 AND m.name = $2 AND o.source <> $3";
    let found = sql!(tx, optional One<Uuid>, select, platform_id, model, REMOVED)?;
    let (id,) = found.ok_or_else(|| StoreError::NotFound(format!("the model `{model}` at the platform `{platform}`")))?;
    let on = enabled == Enabled::Yes;
    let mut changed = sql!(tx, execute "UPDATE platform_models SET enabled = $2 WHERE id = $1 AND enabled <> $2", id, on)?;
    if on {
        changed += sql!(tx, execute "DELETE FROM candidate_state WHERE subject_id = $1", id)?;
    }
    if changed == 0 {
        return Ok(false);
    }
    let (action, object) = (if on { "platform_model.enable" } else { "platform_model.disable" }, format!("{platform}/{model}"));
    record(&mut tx, &Audit { actor, action, object: &object, after: None }).await?;
    bump(&mut tx).await?;
    tx.commit().await?;
    Ok(true)
}

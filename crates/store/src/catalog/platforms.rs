//! Platforms for the command line: a list, and the switch.

use std::sync::Arc;

use easyai_core::catalog::Enabled;
use easyai_core::id::PlatformId;
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

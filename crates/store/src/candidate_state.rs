//! Who is switched off by a policy until a person enables it. A row, so that a restart keeps it and every node sees it.
//!
//! Each change is one transaction: the row, its entry in the audit log, the moved revision. Doing the same again changes nothing.

use std::sync::Arc;

use easyai_core::id::{PlatformId, PlatformModelId};
use easyai_core::policy::Scope;
use easyai_core::time::Timestamp;
use uuid::Uuid;

use crate::catalog::{self, Audit, Cell};
use crate::column::One;
use crate::db::{Db, Tx};
use crate::error::StoreError;
use crate::{now, rows, sql};

/// All that is switched off, each with the reason.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Disabled {
    /// Platforms.
    pub platforms: Vec<(PlatformId, Arc<str>)>,
    /// Platform models.
    pub platform_models: Vec<(PlatformModelId, Arc<str>)>,
}

/// The state as the database keeps it.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    disabled: Off,
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Off {
    reason: String,
    actor: String,
    at: Timestamp,
}

rows! {
    struct StateRow { subject_id: Uuid, scope: String, state: String, }
}

/// All that is switched off.
///
/// # Errors
/// [`StoreError`] if it can't be read.
pub async fn disabled(db: &Db) -> Result<Disabled, StoreError> {
    let mut conn = db.read().await?;
    let found = sql!(conn, all StateRow, "SELECT subject_id, scope, state FROM candidate_state ORDER BY subject_id")?;
    let mut disabled = Disabled::default();
    for row in found {
        let name = row.subject_id.to_string();
        let cell = Cell::of("candidate_state", &name);
        let reason = Arc::from(cell.json::<State>("state", &row.state)?.disabled.reason);
        match cell.parse::<Scope>("scope", &row.scope)? {
            Scope::Platform => disabled.platforms.push((PlatformId::from_uuid(row.subject_id), reason)),
            Scope::PlatformModel => disabled.platform_models.push((PlatformModelId::from_uuid(row.subject_id), reason)),
        }
    }
    Ok(disabled)
}

/// Switches a platform or one of its models off. What is off already stays so for its first reason.
///
/// # Errors
/// [`StoreError`] if it can't be written; then nothing has changed.
pub async fn disable(
    db: &Db,
    scope: Scope,
    platform: PlatformId,
    platform_model: PlatformModelId,
    reason: &str,
    actor: &str,
) -> Result<(), StoreError> {
    let at = now();
    let state = State { disabled: Off { reason: reason.to_owned(), actor: actor.to_owned(), at } };
    let state = serde_json::to_string(&state).map_err(|error| StoreError::Statement(error.to_string()))?;
    let insert = "INSERT INTO candidate_state (subject_id, scope, state, updated_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (subject_id) DO NOTHING";
    let mut tx = db.write().await?;
    if sql!(tx, execute insert, subject(scope, platform, platform_model), scope.as_str(), state.as_str(), at.micros())? == 0 {
        return Ok(());
    }
    let object = object(scope, platform, platform_model);
    catalog::record(&mut tx, &Audit { actor, action: "candidate.disable", object: &object, after: Some(state) }).await?;
    catalog::bump(&mut tx).await?;
    tx.commit().await
}

/// Lets a platform or one of its models serve again; gives whether it was off.
///
/// # Errors
/// [`StoreError`] if it can't be written; then nothing has changed.
pub async fn enable(db: &Db, scope: Scope, platform: PlatformId, platform_model: PlatformModelId, actor: &str) -> Result<bool, StoreError> {
    let mut tx = db.write().await?;
    let subject = subject(scope, platform, platform_model);
    if sql!(tx, execute "DELETE FROM candidate_state WHERE subject_id = $1", subject)? == 0 {
        return Ok(false);
    }
    let object = object(scope, platform, platform_model);
    catalog::record(&mut tx, &Audit { actor, action: "candidate.enable", object: &object, after: None }).await?;
    catalog::bump(&mut tx).await?;
    tx.commit().await?;
    Ok(true)
}

/// Lets a platform and all its models serve again, within the caller's transaction; gives how many of them were off.
pub(crate) async fn enable_all_of(tx: &mut Tx, platform: PlatformId) -> Result<u64, StoreError> {
    let (off,) = sql!(tx, one One<i64>,
        "SELECT COUNT(*) FROM candidate_state WHERE subject_id = $1 OR subject_id IN (SELECT id FROM platform_models WHERE platform_id = $1)",
        platform.uuid())?;
    if off > 0 {
        sql!(tx, execute
            "DELETE FROM candidate_state WHERE subject_id = $1 OR subject_id IN (SELECT id FROM platform_models WHERE platform_id = $1)",
            platform.uuid())?;
    }
    Ok(u64::try_from(off).unwrap_or(0))
}

const fn subject(scope: Scope, platform: PlatformId, platform_model: PlatformModelId) -> Uuid {
    match scope {
        Scope::Platform => platform.uuid(),
        Scope::PlatformModel => platform_model.uuid(),
    }
}

fn object(scope: Scope, platform: PlatformId, platform_model: PlatformModelId) -> String {
    match scope {
        Scope::Platform => platform.to_string(),
        Scope::PlatformModel => platform_model.to_string(),
    }
}

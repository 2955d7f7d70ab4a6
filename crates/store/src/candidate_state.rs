//! How candidates are, kept over restarts: a row for each platform, credential and platform model that is not well.
//!
//! What is switched off is the database's word: a person may have enabled it meanwhile, so a node that writes a cooldown down never
//! switches anything off by it. Switching off and on moves the revision and is in the audit log.

use easyai_core::health::{Condition, Disabled, Subject};
use easyai_core::id::PlatformId;
use easyai_core::policy::Scope;
use easyai_core::time::Timestamp;
use uuid::Uuid;

use crate::catalog::{self, Audit, Cell};
use crate::column::One;
use crate::db::{Db, Tx};
use crate::error::StoreError;
use crate::{now, rows, sql};

rows! {
    struct StateRow { subject_id: Uuid, scope: String, state: String, }
}

/// Who brings back what a policy took out, if no person does.
const PROBE: &str = "probe";

/// Why something is well again, in the audit log.
#[derive(serde::Serialize)]
struct Healed<'a> {
    reason: &'a str,
}

/// How a subject is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What it is about.
    pub subject: Subject,
    /// How it is.
    pub condition: Condition,
    /// Whether it was switched off just now, rather than before.
    pub switched_off: bool,
}

/// All who are not well.
///
/// # Errors
/// [`StoreError`] if it can't be read.
pub async fn load(db: &Db) -> Result<Vec<(Subject, Condition)>, StoreError> {
    let mut conn = db.read().await?;
    let found = sql!(conn, all StateRow, "SELECT subject_id, scope, state FROM candidate_state ORDER BY subject_id")?;
    found.iter().map(read).collect()
}

fn read(row: &StateRow) -> Result<(Subject, Condition), StoreError> {
    let name = row.subject_id.to_string();
    let cell = Cell::of("candidate_state", &name);
    let scope = cell.parse::<Scope>("scope", &row.scope)?;
    Ok((Subject::of_row(scope, row.subject_id), cell.json("state", &row.state)?))
}

/// Writes how these are: one transaction. Doing the same again changes nothing.
///
/// # Errors
/// [`StoreError`] if it can't be written; then nothing has changed.
pub async fn save(db: &Db, changes: &[Change]) -> Result<(), StoreError> {
    let mut tx = db.write().await?;
    for change in changes {
        save_one(&mut tx, change).await?;
    }
    tx.commit().await
}

async fn save_one(tx: &mut Tx, change: &Change) -> Result<(), StoreError> {
    let Change { subject, condition, switched_off } = change;
    let select = "SELECT subject_id, scope, state FROM candidate_state WHERE subject_id = $1";
    let stored = sql!(tx, optional StateRow, select, subject.uuid())?.as_ref().map(read).transpose()?;
    let off_before = stored.and_then(|(_, stored)| stored.disabled);
    let newly = *switched_off && off_before.is_none();
    // The first reason is the one a person needs.
    let disabled = if newly { condition.disabled.clone() } else { off_before };
    let wanted = Condition { disabled, ..condition.clone() };
    put(tx, *subject, &wanted).await?;
    if let (true, Some(Disabled { actor, .. })) = (newly, &wanted.disabled) {
        let (object, after) = (subject.to_string(), json(&wanted)?);
        catalog::record(tx, &Audit { actor, action: "candidate.disable", object: &object, after: Some(after) }).await?;
        catalog::bump(tx).await?;
    }
    Ok(())
}

async fn put(tx: &mut Tx, subject: Subject, condition: &Condition) -> Result<(), StoreError> {
    if condition.is_well(now()) {
        return sql!(tx, execute "DELETE FROM candidate_state WHERE subject_id = $1", subject.uuid()).map(drop);
    }
    let upsert = "INSERT INTO candidate_state (subject_id, scope, state, updated_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (subject_id) DO UPDATE SET state = excluded.state, updated_at = excluded.updated_at";
    let state = json(condition)?;
    sql!(tx, execute upsert, subject.uuid(), subject.scope().as_str(), state.as_str(), now().micros()).map(drop)
}

fn json(condition: &Condition) -> Result<String, StoreError> {
    serde_json::to_string(condition).map_err(|error| StoreError::Statement(error.to_string()))
}

/// Switches a subject off until a person enables it. What is off already stays so for its first reason.
///
/// # Errors
/// [`StoreError`] if it can't be written; then nothing has changed.
pub async fn disable(db: &Db, subject: Subject, reason: &str, actor: &str) -> Result<(), StoreError> {
    let mut tx = db.write().await?;
    let select = "SELECT subject_id, scope, state FROM candidate_state WHERE subject_id = $1";
    let stored = sql!(tx, optional StateRow, select, subject.uuid())?.as_ref().map(read).transpose()?;
    let mut condition = stored.map(|(_, condition)| condition).unwrap_or_default();
    condition.disabled.get_or_insert_with(|| Disabled { reason: reason.into(), actor: actor.into(), at: now() });
    save_one(&mut tx, &Change { subject, condition, switched_off: true }).await?;
    tx.commit().await
}

/// Lets a subject serve again, whatever was the matter with it; gives whether anything was.
///
/// # Errors
/// [`StoreError`] if it can't be written; then nothing has changed.
pub async fn enable(db: &Db, subject: Subject, actor: &str) -> Result<bool, StoreError> {
    let mut tx = db.write().await?;
    if sql!(tx, execute "DELETE FROM candidate_state WHERE subject_id = $1", subject.uuid())? == 0 {
        return Ok(false);
    }
    let object = subject.to_string();
    catalog::record(&mut tx, &Audit { actor, action: "candidate.enable", object: &object, after: None }).await?;
    catalog::bump(&mut tx).await?;
    tx.commit().await?;
    Ok(true)
}

/// A probe of a subject went well, which was as `seen` when it began: what has not changed since then is over. Says
/// whether that switched it on.
///
/// # Errors
/// [`StoreError`] if it can't be written; then nothing has changed.
pub async fn heal(db: &Db, subject: Subject, seen: &Condition, reason: &str) -> Result<bool, StoreError> {
    let mut tx = db.write().await?;
    let select = "SELECT subject_id, scope, state FROM candidate_state WHERE subject_id = $1";
    let stored = sql!(tx, optional StateRow, select, subject.uuid())?.as_ref().map(read).transpose()?;
    let before = stored.map(|(_, condition)| condition).unwrap_or_default();
    let mut after = before.clone();
    after.heal(seen);
    put(&mut tx, subject, &after).await?;
    let enabled = before.disabled.is_some() && after.disabled.is_none();
    let action = if enabled { "candidate.enable" } else { "candidate.heal" };
    let (object, was) = (subject.to_string(), json(seen)?);
    let healed = serde_json::to_string(&Healed { reason }).map_err(|error| StoreError::Statement(error.to_string()))?;
    catalog::record_change(&mut tx, &Audit { actor: PROBE, action, object: &object, after: Some(healed) }, Some(&was)).await?;
    if enabled {
        catalog::bump(&mut tx).await?;
    }
    tx.commit().await?;
    Ok(enabled)
}

/// Lets a platform, its credentials and all its models serve again, within the caller's transaction; gives how many of them were not well.
pub(crate) async fn enable_all_of(tx: &mut Tx, platform: PlatformId) -> Result<u64, StoreError> {
    let (out,) = sql!(tx, one One<i64>,
        "SELECT COUNT(*) FROM candidate_state WHERE subject_id = $1
            OR subject_id IN (SELECT id FROM platform_models WHERE platform_id = $1)
            OR subject_id IN (SELECT id FROM credentials WHERE platform_id = $1)",
        platform.uuid())?;
    if out > 0 {
        sql!(tx, execute
            "DELETE FROM candidate_state WHERE subject_id = $1
                OR subject_id IN (SELECT id FROM platform_models WHERE platform_id = $1)
                OR subject_id IN (SELECT id FROM credentials WHERE platform_id = $1)",
            platform.uuid())?;
    }
    Ok(u64::try_from(out).unwrap_or(0))
}

/// Deletes the rows of all who are well again at `at`; gives how many.
///
/// # Errors
/// [`StoreError`] if it can't be written.
pub async fn forget_well(db: &Db, at: Timestamp) -> Result<usize, StoreError> {
    let well: Vec<Subject> =
        load(db).await?.into_iter().filter(|(_, condition)| condition.is_well(at)).map(|(subject, _)| subject).collect();
    let mut tx = db.write().await?;
    for subject in &well {
        sql!(tx, execute "DELETE FROM candidate_state WHERE subject_id = $1", subject.uuid())?;
    }
    tx.commit().await?;
    Ok(well.len())
}

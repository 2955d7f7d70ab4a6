//! Makes the database what a file says, or what it was: read what is, compare, write the difference; one transaction, one revision.
//!
//! Whoever applies holds the row of the revision from the start, so two that apply at once do it one after the other, each against
//! what the other left.

use easyai_core::policy::Scope;

use super::current::Current;
use super::declared::Declared;
use super::diff::{Changed, Found, Objects, Plan, diff};
use super::write::Writer;
use super::{Audit, DEFAULT_GROUP, FILE, REMOVED, RESTORE, bump, current, document, fields, record, restored, revisions};
use crate::db::{Db, Tx};
use crate::error::StoreError;
use crate::vault::Vault;
use crate::{now, sql};

/// What [`apply`] would do.
///
/// # Errors
/// [`StoreError`] if the database can't be read.
pub async fn plan(db: &Db, vault: &Vault, declared: &Declared) -> Result<Plan, StoreError> {
    let mut tx = db.snapshot().await?;
    let Current { found, .. } = current::read(&mut tx, vault).await?;
    Ok(diff(&found, &fields::objects(&completed(declared), vault)))
}

/// Makes the database what `declared` says. A plan with conflicts is given back and nothing is changed; one without changes likewise.
///
/// # Errors
/// [`StoreError`]; then nothing has changed.
pub async fn apply(db: &Db, vault: &Vault, declared: &Declared, actor: &str) -> Result<Plan, StoreError> {
    let mut tx = db.write().await?;
    let revision = bump(&mut tx).await?;
    let Current { found, .. } = current::read(&mut tx, vault).await?;
    let change = Applying { revision, found, actor, source: FILE, action: "catalog.apply", after: None };
    carry_out(tx, vault, &completed(declared), change).await
}

/// What [`restore`] would do.
///
/// # Errors
/// As [`restore`].
pub async fn plan_restore(db: &Db, vault: &Vault, wanted: i64) -> Result<Plan, StoreError> {
    let objects = revisions::objects(db, wanted).await?;
    let mut tx = db.snapshot().await?;
    let Current { ours, found } = current::read(&mut tx, vault).await?;
    Ok(diff(&found, &fields::objects(&completed(&restored::declared(&objects, &ours, vault)?), vault)))
}

/// Makes the database what the revision `wanted` was, as [`apply`] does.
///
/// # Errors
/// [`StoreError::NotFound`] if there is no such revision, [`StoreError::Setting`] naming the secrets that are gone; then nothing has
/// changed.
pub async fn restore(db: &Db, vault: &Vault, wanted: i64, actor: &str) -> Result<Plan, StoreError> {
    let objects = revisions::objects(db, wanted).await?;
    let mut tx = db.write().await?;
    let revision = bump(&mut tx).await?;
    let Current { ours, found } = current::read(&mut tx, vault).await?;
    let declared = completed(&restored::declared(&objects, &ours, vault)?);
    let after = Some(format!("{{\"restored\":{wanted}}}"));
    let change = Applying { revision, found, actor, source: RESTORE, action: "catalog.restore", after };
    carry_out(tx, vault, &declared, change).await
}

/// A change of the catalogue, within its transaction.
struct Applying<'a> {
    revision: i64,
    found: Found,
    actor: &'a str,
    source: &'a str,
    action: &'a str,
    after: Option<String>,
}

async fn carry_out(mut tx: Tx, vault: &Vault, declared: &Declared, change: Applying<'_>) -> Result<Plan, StoreError> {
    let Applying { revision, found, actor, source, action, after } = change;
    let wanted = fields::objects(declared, vault);
    let plan = diff(&found, &wanted);
    if plan.is_empty() || !plan.conflicts.is_empty() {
        // Without a commit the revision has not moved.
        return Ok(plan);
    }
    let mut writer = Writer { tx: &mut tx, vault, declared };
    for change in &plan.changes {
        match change.change {
            Changed::Create | Changed::Update => writer.put(change).await?,
            Changed::Remove => writer.remove(change).await?,
        }
    }
    forget_removed(&mut tx).await?;
    note(&mut tx, revision, source, actor, &wanted).await?;
    let object = format!("revision {revision}");
    record(&mut tx, &Audit { actor, action, object: &object, after }).await?;
    tx.commit().await?;
    Ok(plan)
}

/// With what every catalogue has: the group that accounts are in by default.
fn completed(declared: &Declared) -> Declared {
    let mut declared = declared.clone();
    declared.groups.entry(DEFAULT_GROUP.to_owned()).or_default();
    declared
}

/// How something was that is gone: should it come back, it begins anew.
async fn forget_removed(tx: &mut Tx) -> Result<(), StoreError> {
    let delete = "DELETE FROM candidate_state WHERE subject_id IN (SELECT id FROM platforms WHERE source = $1)
        OR subject_id IN (SELECT id FROM platform_models WHERE source = $1)
        OR (scope = $2 AND subject_id NOT IN (SELECT id FROM credentials))";
    sql!(tx, execute delete, REMOVED, Scope::Credential.as_str()).map(drop)
}

/// Keeps what was applied, without secrets.
async fn note(tx: &mut Tx, revision: i64, source: &str, actor: &str, wanted: &Objects) -> Result<(), StoreError> {
    let insert = "INSERT INTO catalog_revisions (revision, source, actor, document, created_at) VALUES ($1, $2, $3, $4, $5)";
    sql!(tx, execute insert, revision, source, actor, document::write(wanted)?, now().micros()).map(drop)
}

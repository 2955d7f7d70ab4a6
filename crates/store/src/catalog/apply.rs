//! Makes the database what a file says: read what is, compare, write the difference; one transaction, one revision.
//!
//! Whoever applies holds the row of the revision from the start, so two that apply at once do it one after the other, each against
//! what the other left.

use std::collections::BTreeMap;

use easyai_core::policy::Scope;
use serde_json::value::RawValue;

use super::declared::Declared;
use super::diff::{Changed, Objects, Plan, diff};
use super::write::Writer;
use super::{Audit, DEFAULT_GROUP, FILE, REMOVED, bump, current, fields, record};
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
    let found = current::found(&mut tx, vault).await?;
    Ok(diff(&found, &fields::objects(&completed(declared), vault)))
}

/// Makes the database what `declared` says. A plan with conflicts is given back and nothing is changed; one without changes likewise.
///
/// # Errors
/// [`StoreError`]; then nothing has changed.
pub async fn apply(db: &Db, vault: &Vault, declared: &Declared, actor: &str) -> Result<Plan, StoreError> {
    let declared = completed(declared);
    let mut tx = db.write().await?;
    let revision = bump(&mut tx).await?;
    let found = current::found(&mut tx, vault).await?;
    let wanted = fields::objects(&declared, vault);
    let plan = diff(&found, &wanted);
    if plan.is_empty() || !plan.conflicts.is_empty() {
        // Without a commit the revision has not moved.
        return Ok(plan);
    }
    let mut writer = Writer { tx: &mut tx, vault, declared: &declared };
    for change in &plan.changes {
        match change.change {
            Changed::Create | Changed::Update => writer.put(change).await?,
            Changed::Remove => writer.remove(change).await?,
        }
    }
    forget_removed(&mut tx).await?;
    note(&mut tx, revision, actor, &wanted).await?;
    let object = format!("revision {revision}");
    record(&mut tx, &Audit { actor, action: "catalog.apply", object: &object, after: None }).await?;
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
async fn note(tx: &mut Tx, revision: i64, actor: &str, wanted: &Objects) -> Result<(), StoreError> {
    let mut document: BTreeMap<&str, BTreeMap<&str, BTreeMap<&str, Box<RawValue>>>> = BTreeMap::new();
    for ((kind, name), fields) in wanted {
        let object = document.entry(kind.as_str()).or_default().entry(name).or_default();
        for (field, json) in fields {
            object.insert(field, RawValue::from_string(json.clone()).map_err(|error| StoreError::Statement(error.to_string()))?);
        }
    }
    let document = serde_json::to_string(&document).map_err(|error| StoreError::Statement(error.to_string()))?;
    let insert = "INSERT INTO catalog_revisions (revision, source, actor, document, created_at) VALUES ($1, $2, $3, $4, $5)";
    sql!(tx, execute insert, revision, FILE, actor, document.as_str(), now().micros()).map(drop)
}

//! The catalogue in the database: read as one snapshot, changed as one transaction.
//!
//! Every change of what a node keeps in memory moves the revision in the same transaction, and nodes look at it twice a second. A row
//! that can't be read gives [`StoreError::Corrupt`] with its table, name and field; the last good snapshot serves on then.

mod apply;
mod audit;
mod cell;
mod credential;
mod current;
mod declared;
mod diff;
mod document;
mod fields;
mod load;
mod platforms;
mod restored;
mod revisions;
mod write;

pub use self::apply::{apply, plan, plan_restore, restore};
pub use self::declared::{
    CredentialSpec, Declared, GroupSpec, ModelSpec, PlatformModelSpec, PlatformSpec, PolicySetSpec, ProxySpec, RunnerPolicySpec,
};
pub use self::diff::{Change, Changed, Field, ObjectKind, Plan};
pub use self::load::load;
pub use self::platforms::{
    CredentialRow, PlatformModelRow, PlatformRow, list_credentials, list_platform_models, list_platforms, set_platform_enabled,
    set_platform_model_enabled,
};
pub use self::revisions::{Document, Revision, difference, revision_document, revisions};

pub(crate) use self::audit::{Audit, record, record_change};
pub(crate) use self::cell::{Cell, in_table};

use crate::column::One;
use crate::db::{Db, Tx};
use crate::error::StoreError;
use crate::{now, sql};

/// The owner of what the catalogue file says.
pub const FILE: &str = "file";
/// What a revision came from that is an earlier one again.
pub const RESTORE: &str = "restore";
/// The owner of what a person made by the command line or the admin API.
pub const ADMIN: &str = "admin";
/// The mark of what was removed: kept, since tasks and charges name it, but no part of the catalogue.
pub(crate) const REMOVED: &str = "removed";
/// The group that accounts are in if nothing else was said.
pub const DEFAULT_GROUP: &str = "default";

/// The revision of what nodes keep in memory: catalogue, accounts, keys, and who is switched off.
///
/// # Errors
/// [`StoreError`] if it can't be read.
pub async fn revision(db: &Db) -> Result<i64, StoreError> {
    let mut conn = db.read().await?;
    let (revision,) = sql!(conn, one One<i64>, "SELECT revision FROM catalog_state WHERE id = 1")?;
    Ok(revision)
}

/// Moves the revision; gives the new one. Whoever moves it holds its row until the commit, so that changes come one after another.
pub(crate) async fn bump(tx: &mut Tx) -> Result<i64, StoreError> {
    sql!(tx, execute "UPDATE catalog_state SET revision = revision + 1 WHERE id = 1")?;
    let (revision,) = sql!(tx, one One<i64>, "SELECT revision FROM catalog_state WHERE id = 1")?;
    Ok(revision)
}

/// Makes the group `default` (every model, times one) if there is none, so that a first account has one.
///
/// # Errors
/// [`StoreError`] if it can't be written.
pub async fn seed(db: &Db) -> Result<(), StoreError> {
    // Looked for first: a command that only reads must not wait for the lock of those who write.
    let mut conn = db.read().await?;
    let known = sql!(conn, optional One<i64>, "SELECT created_at FROM groups WHERE name = $1", DEFAULT_GROUP)?;
    drop(conn);
    if known.is_some() {
        return Ok(());
    }
    let mut tx = db.write().await?;
    if seed_in(&mut tx).await? {
        bump(&mut tx).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// The same within a transaction; whether it was made.
pub(crate) async fn seed_in(tx: &mut Tx) -> Result<bool, StoreError> {
    let insert = "INSERT INTO groups (id, name, price_multiplier, models, source, created_at)
        VALUES ($1, $2, 1000000, '[\"*\"]', $3, $4) ON CONFLICT (name) DO NOTHING";
    Ok(sql!(tx, execute insert, crate::new_id(), DEFAULT_GROUP, FILE, now().micros())? > 0)
}

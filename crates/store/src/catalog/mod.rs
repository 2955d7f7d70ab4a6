//! The catalogue's rows: read into the snapshot that serves ([`load`]), compared with what a file declares ([`plan`]) and changed to it
//! ([`apply`]). Every change of catalogue, accounts or keys moves one revision number in its own transaction, so a node that sees the
//! number sees the change.
//!
//! # What can be wrong
//! A row that can't be read gives [`StoreError::Corrupt`] with its table, row and field: nothing is loaded then, and a node serves on
//! with the snapshot it has.

mod apply;
mod declared;
mod defaults;
mod diff;
mod fields;
mod plan;
mod read;
mod snapshot;
mod stored;
mod write;

use easyai_core::catalog::Catalog;

use crate::column::One;
use crate::db::{Db, Tx};
use crate::error::StoreError;
use crate::sql;
use crate::vault::Vault;

pub use apply::{Applied, apply};
pub use declared::{
    Declared, DeclaredCredential, DeclaredGroup, DeclaredModel, DeclaredPlatform, DeclaredPlatformModel, DeclaredPolicySet, OfferName,
};
pub use defaults::{DEFAULT_GROUP, ensure_defaults};
pub use diff::diff;
pub use plan::{Change, Field, FieldChange, Noun, Plan, Step};
pub use stored::{Owned, Source, Stored};

/// The whole catalogue, as at one moment.
///
/// # Errors
/// [`StoreError::Corrupt`] names what can't be read; [`StoreError::Setting`] if a secret was sealed with another master key.
pub async fn load(db: &Db, vault: &Vault) -> Result<Catalog, StoreError> {
    let mut tx = db.snapshot().await?;
    snapshot::load(&mut tx, vault).await
}

/// The number that moves with every change of catalogue, accounts or keys.
///
/// # Errors
/// [`StoreError`] if it can't be read.
pub async fn revision(db: &Db) -> Result<i64, StoreError> {
    let mut conn = db.read().await?;
    Ok(sql!(conn, one One<i64>, "SELECT revision FROM catalog_state WHERE id = 1")?.0)
}

/// What [`apply`] would change.
///
/// # Errors
/// [`StoreError`] if the rows can't be read.
pub async fn plan(db: &Db, vault: &Vault, desired: &Declared) -> Result<Plan, StoreError> {
    let mut tx = db.snapshot().await?;
    let stored = read::read(&mut tx, vault).await?;
    Ok(diff(&stored, desired, vault))
}

/// Moves the revision; gives the new one. On PostgreSQL it also makes writers of the catalogue take turns, until the commit.
pub(crate) async fn bump(tx: &mut Tx) -> Result<i64, StoreError> {
    let update = "UPDATE catalog_state SET revision = revision + 1 WHERE id = 1 RETURNING revision";
    Ok(sql!(tx, one One<i64>, update)?.0)
}

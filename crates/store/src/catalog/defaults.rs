//! What is there from the start, so that a stranger's first command works: the group `default`. It allows everything at list price, and
//! belongs to nobody until a file names it.

use easyai_core::catalog::AllowedModels;
use easyai_core::price::Multiplier;
use uuid::Uuid;

use super::declared::DeclaredGroup;
use super::stored::Source;
use super::{bump, write};
use crate::column::One;
use crate::db::Db;
use crate::error::StoreError;
use crate::sql;

/// The group of accounts that name none.
pub const DEFAULT_GROUP: &str = "default";

/// The default group as it is on a new gateway.
pub(super) fn default_group() -> DeclaredGroup {
    DeclaredGroup { price_multiplier: Multiplier::ONE, models: AllowedModels::All }
}

/// Makes the group `default` if it is not there.
///
/// # Errors
/// [`StoreError`] if it can't be read or written.
pub async fn ensure_defaults(db: &Db) -> Result<(), StoreError> {
    let select = "SELECT created_at FROM groups WHERE name = $1";
    let mut conn = db.read().await?;
    if sql!(conn, optional One<i64>, select, DEFAULT_GROUP)?.is_some() {
        return Ok(());
    }
    drop(conn);
    let mut tx = db.write().await?;
    // First the revision: it makes those who do this at once take turns.
    bump(&mut tx).await?;
    if sql!(tx, optional One<i64>, select, DEFAULT_GROUP)?.is_some() {
        return Ok(());
    }
    write::create_group(&mut tx, Uuid::now_v7(), DEFAULT_GROUP, &default_group(), Source::Builtin).await?;
    tx.commit().await
}

//! Opens the database and the vault for a command.
//!
//! A database that does not exist yet is made, schema and all, so that a stranger's first command works. One with an older schema is
//! left alone: changing it is a decision of its own, `easyai migrate`, before which one may want a backup.

use anyhow::Context;
use easyai_store::vault::Vault;
use easyai_store::{Db, SchemaState, StoreError, catalog};

use crate::config::Config;

/// The database with the current schema, and the vault.
///
/// # Errors
/// If either can't be had; the message says what to do.
pub async fn open(config: &Config) -> anyhow::Result<(Db, Vault)> {
    let db = database(config).await?;
    match db.schema_state().await.with_context(|| place(config))? {
        SchemaState::Missing => drop(db.migrate().await.with_context(|| place(config))?),
        SchemaState::Current => {}
        state @ (SchemaState::Behind | SchemaState::Newer) => return Err(StoreError::Schema(state)).with_context(|| place(config)),
    }
    catalog::seed(&db).await.with_context(|| place(config))?;
    let vault = Vault::open(&config.data_dir, config.master_key.as_ref())?;
    Ok((db, vault))
}

/// The database as it is.
///
/// # Errors
/// If it can't be opened.
pub async fn database(config: &Config) -> anyhow::Result<Db> {
    Db::open(&config.database).await.with_context(|| place(config))
}

fn place(config: &Config) -> String {
    format!("database {}", config.database.describe())
}

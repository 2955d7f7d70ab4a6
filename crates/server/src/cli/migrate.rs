//! `easyai migrate`: the database's schema up to this program's.

use anyhow::Context;
use easyai_store::catalog;
use serde::Serialize;

use super::open::database;
use super::out::Out;
use super::verdict::Verdict;
use crate::config::Config;

#[derive(Serialize)]
struct Migrated {
    steps: Vec<&'static str>,
}

/// Takes the steps that are missing.
///
/// # Errors
/// If a step fails; the schema is then at the last complete one.
pub async fn migrate(config: &Config, out: &Out) -> anyhow::Result<Verdict> {
    let db = database(config).await?;
    let steps = db.migrate().await.with_context(|| format!("database {}", config.database.describe()))?;
    catalog::seed(&db).await?;
    out.show(&Migrated { steps }, |migrated| match migrated.steps.as_slice() {
        [] => "nothing to do: the schema is current".to_owned(),
        steps => format!("migrated: {}", steps.join(", ")),
    })?;
    Ok(Verdict::Good)
}

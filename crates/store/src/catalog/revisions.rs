//! The history of the catalogue: what was applied when, by whom, and what changed by it.

use easyai_core::time::Timestamp;
use serde_json::value::RawValue;

use super::diff::{Found, Objects, Plan, diff};
use super::{document, in_table};
use crate::db::Db;
use crate::error::StoreError;
use crate::{rows, sql};

rows! {
    struct Row { revision: i64, source: String, actor: String, document: String, created_at: Timestamp, }
}

/// One catalogue that was applied.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Revision {
    /// Its number. Others are missing in between: accounts, keys and switches move it too.
    pub revision: i64,
    /// When it was applied.
    pub created_at: Timestamp,
    /// By whom.
    pub actor: String,
    /// What it was: a `file`, or a `restore`d revision.
    pub source: String,
}

/// What a revision holds, without secrets.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Document {
    /// Which one.
    #[serde(flatten)]
    pub revision: Revision,
    /// Its objects by kind and name, each a JSON object of its fields.
    pub objects: Box<RawValue>,
    /// All of them as if they were made: for people.
    #[serde(skip)]
    pub made: Plan,
}

impl Row {
    fn objects(&self) -> Result<Objects, StoreError> {
        document::read(self.revision, &self.document)
    }

    fn revision(self) -> Revision {
        let Self { revision, source, actor, created_at, .. } = self;
        Revision { revision, created_at, actor, source }
    }
}

/// The latest `limit` catalogues, the latest first, each with what it changed of the one before.
///
/// # Errors
/// [`StoreError`] if they can't be read.
pub async fn revisions(db: &Db, limit: u32) -> Result<Vec<(Revision, Plan)>, StoreError> {
    let select = "SELECT revision, source, actor, document, created_at FROM catalog_revisions ORDER BY revision DESC LIMIT $1";
    let mut conn = db.read().await?;
    // One more, for what the last of them changed.
    let rows = in_table("catalog_revisions", sql!(conn, all Row, select, i64::from(limit) + 1))?;
    drop(conn);
    let objects = rows.iter().map(Row::objects).collect::<Result<Vec<_>, _>>()?;
    let before = objects.iter().skip(1).map(Some).chain([None]);
    let plans: Vec<Plan> =
        objects.iter().zip(before).map(|(objects, before)| between(before.cloned().unwrap_or_default(), objects)).collect();
    Ok(rows.into_iter().map(Row::revision).zip(plans).take(usize::try_from(limit).unwrap_or(usize::MAX)).collect())
}

/// What changed from the catalogue of one revision to that of another.
///
/// # Errors
/// [`StoreError::NotFound`] if there is no such revision.
pub async fn difference(db: &Db, before: i64, after: i64) -> Result<Plan, StoreError> {
    Ok(between(row(db, Some(before)).await?.objects()?, &row(db, Some(after)).await?.objects()?))
}

/// What a revision holds; the latest if none is named.
///
/// # Errors
/// [`StoreError::NotFound`] if there is no such revision.
pub async fn revision_document(db: &Db, revision: Option<i64>) -> Result<Document, StoreError> {
    let row = row(db, revision).await?;
    let objects = row.objects()?;
    let text = document::write(&objects)?;
    let made = between(Objects::new(), &objects);
    let objects = RawValue::from_string(text).map_err(|error| StoreError::Statement(error.to_string()))?;
    Ok(Document { revision: row.revision(), objects, made })
}

/// The objects of a revision.
pub(super) async fn objects(db: &Db, revision: i64) -> Result<Objects, StoreError> {
    row(db, Some(revision)).await?.objects()
}

async fn row(db: &Db, revision: Option<i64>) -> Result<Row, StoreError> {
    let select = "SELECT revision, source, actor, document, created_at FROM catalog_revisions
        WHERE revision = COALESCE($1, (SELECT MAX(revision) FROM catalog_revisions))";
    let mut conn = db.read().await?;
    let found = in_table("catalog_revisions", sql!(conn, optional Row, select, revision))?;
    found.ok_or_else(|| match revision {
        Some(revision) => StoreError::NotFound(format!("the catalogue of revision {revision} (`easyai catalog revisions` lists them)")),
        None => StoreError::NotFound("a catalogue (`easyai apply -f catalog.toml` brings one)".to_owned()),
    })
}

fn between(before: Objects, after: &Objects) -> Plan {
    diff(&Found { ours: before, ..Found::default() }, after)
}

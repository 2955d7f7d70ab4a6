//! The rows of assets.
//!
//! A row's id is a function of its task, role and position, and is the table's only unique key: whoever stores the same asset again, on
//! whichever node, writes the same row.

use easyai_core::id::{AccountId, AssetId, TaskId};
use easyai_core::time::Timestamp;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::AssetRole;
use crate::column::One;
use crate::db::{Db, Tx};
use crate::error::StoreError;
use crate::{rows, sql};

rows! {
    /// An asset that is stored, or was.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct StoredAsset {
        /// Its id.
        pub id: AssetId,
        /// The task that made it or used it.
        pub task_id: TaskId,
        /// Whose it is.
        pub account_id: AccountId,
        /// What it is to its task.
        pub role: AssetRole,
        /// Among those of its task and role, from 0.
        pub position: u32,
        /// The checksum of its bytes.
        pub sha256: [u8; 32],
        /// Its bytes.
        pub size_bytes: u64,
        /// What its bytes are.
        pub media_type: String,
        /// Pixels from left to right, of images and videos.
        pub width: Option<u32>,
        /// Pixels from top to bottom.
        pub height: Option<u32>,
        /// How long it plays, where that could be read.
        pub duration_ms: Option<u64>,
        /// Where its bytes are.
        pub object_key: String,
        /// When it was stored.
        pub created_at: Timestamp,
        /// When it goes; none: never by itself.
        pub expires_at: Option<Timestamp>,
        /// When its bytes were deleted.
        pub deleted_at: Option<Timestamp>,
    }
}

impl StoredAsset {
    /// Whether it can be given out.
    #[must_use]
    pub fn is_there(&self, now: Timestamp) -> bool {
        self.deleted_at.is_none() && self.expires_at.is_none_or(|expires| now < expires)
    }
}

/// Rows that are read at once.
pub(super) const BATCH: i64 = 100;

/// The id of a task's asset: its first bytes are the task's own, so that ids sort by time, the rest is a hash. A UUIDv8.
#[must_use]
pub fn asset_id(task: TaskId, role: AssetRole, position: u32) -> AssetId {
    let hash = Sha256::new()
        .chain_update(b"easyai asset 1")
        .chain_update(task.uuid().as_bytes())
        .chain_update(position.to_be_bytes())
        .chain_update(role.as_str())
        .finalize();
    let mut bytes = *task.uuid().as_bytes();
    bytes[6..].copy_from_slice(&hash[..10]);
    AssetId::from_uuid(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}

/// An asset, deleted ones too.
///
/// # Errors
/// [`StoreError`] if it can't be read.
pub async fn get(db: &Db, id: AssetId) -> Result<Option<StoredAsset>, StoreError> {
    let mut conn = db.read().await?;
    sql!(conn, optional StoredAsset, "SELECT * FROM assets WHERE id = $1", id.uuid())
}

/// A task's assets, deleted ones too, by role and position.
///
/// # Errors
/// [`StoreError`] if they can't be read.
pub async fn by_task(db: &Db, task: TaskId) -> Result<Vec<StoredAsset>, StoreError> {
    let mut conn = db.read().await?;
    sql!(conn, all StoredAsset, "SELECT * FROM assets WHERE task_id = $1 ORDER BY role, position", task.uuid())
}

/// Writes a row, in place of the one that this asset may have had. Gives the key of the object it had then, if that is another.
pub(super) async fn put(db: &Db, asset: &StoredAsset) -> Result<Option<String>, StoreError> {
    let mut tx = db.write().await?;
    let before = sql!(tx, optional One<String>, "SELECT object_key FROM assets WHERE id = $1", asset.id.uuid())?;
    insert(&mut tx, asset).await?;
    tx.commit().await?;
    Ok(before.map(|(key,)| key).filter(|key| *key != asset.object_key))
}

async fn insert(tx: &mut Tx, asset: &StoredAsset) -> Result<(), StoreError> {
    let upsert = "INSERT INTO assets (id, task_id, account_id, role, position, sha256, size_bytes, media_type, width, height,
            duration_ms, object_key, created_at, expires_at, deleted_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, NULL)
        ON CONFLICT (id) DO UPDATE SET sha256 = excluded.sha256, size_bytes = excluded.size_bytes, media_type = excluded.media_type,
            width = excluded.width, height = excluded.height, duration_ms = excluded.duration_ms, object_key = excluded.object_key,
            created_at = excluded.created_at, expires_at = excluded.expires_at, deleted_at = NULL";
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    sql!(tx, execute upsert,
        asset.id.uuid(), asset.task_id.uuid(), asset.account_id.uuid(), asset.role.as_str(), i64::from(asset.position),
        asset.sha256.as_slice(), number(asset.size_bytes), asset.media_type.as_str(), asset.width.map(i64::from),
        asset.height.map(i64::from), asset.duration_ms.map(number), asset.object_key.as_str(), asset.created_at.micros(),
        asset.expires_at.map(Timestamp::micros))
    .map(drop)
}

/// Those whose time is over and whose bytes are still there: at most [`BATCH`], in order, after `after`.
pub(super) async fn due(db: &Db, now: Timestamp, after: Option<(Timestamp, AssetId)>) -> Result<Vec<StoredAsset>, StoreError> {
    let mut conn = db.read().await?;
    let (since, id) = after.map_or((i64::MIN, Uuid::nil()), |(since, id)| (since.micros(), id.uuid()));
    let select = "SELECT * FROM assets WHERE deleted_at IS NULL AND expires_at <= $1 AND (expires_at, id) > ($2, $3)
        ORDER BY expires_at, id LIMIT $4";
    sql!(conn, all StoredAsset, select, now.micros(), since, id, BATCH)
}

/// Ends an asset's time now, if it has not ended. From here on it is not given out, and its bytes go with the next sweep at the latest.
pub(super) async fn expire(db: &Db, id: AssetId, now: Timestamp) -> Result<(), StoreError> {
    let mut tx = db.write().await?;
    let update = "UPDATE assets SET expires_at = $2 WHERE id = $1 AND (expires_at IS NULL OR expires_at > $2)";
    sql!(tx, execute update, id.uuid(), now.micros())?;
    tx.commit().await
}

/// Notes that an asset's bytes are gone, unless it was stored again meanwhile.
pub(super) async fn mark_deleted(db: &Db, asset: &StoredAsset, now: Timestamp) -> Result<(), StoreError> {
    let mut tx = db.write().await?;
    let update = "UPDATE assets SET deleted_at = $2 WHERE id = $1 AND deleted_at IS NULL AND created_at = $3";
    sql!(tx, execute update, asset.id.uuid(), now.micros(), asset.created_at.micros())?;
    tx.commit().await
}

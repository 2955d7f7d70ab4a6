//! Assets go: those whose time is over, in batches, and those that their owner deletes.
//!
//! First the row says that the asset's time is over, then the bytes are deleted, then the row says so. Killed anywhere in between, the
//! next sweep goes on; deleting twice is the same as once, so several nodes may sweep at a time.

use std::sync::atomic::Ordering;
use std::time::Duration;

use easyai_core::time::Timestamp;
use object_store::ObjectStoreExt;
use object_store::path::Path;

use super::{AssetError, AssetRole, AssetStore, StoredAsset, asset_id, rows};

/// How often assets are looked for whose time is over.
pub const SWEEP_EVERY: Duration = Duration::from_secs(300);

/// After so many failures in a row the storage counts as gone until the next sweep.
const MAX_FAILURES: u32 = 5;

/// What a sweep did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// Assets whose bytes are gone.
    pub deleted: u64,
    /// Assets whose bytes could not be deleted; they are due again.
    pub failed: u64,
}

impl AssetStore {
    /// Deletes the bytes of all whose time is over, and clears away what killed processes left. Dropped anywhere, it goes on the next
    /// time.
    ///
    /// # Errors
    /// [`AssetError::Store`] if rows can't be read or written. Failures of the storage are counted in the answer instead.
    pub async fn sweep(&self, now: Timestamp) -> Result<Swept, AssetError> {
        self.clear().await;
        let (mut swept, mut failures, mut after) = (Swept::default(), 0, None);
        loop {
            let batch = rows::due(&self.db, now, after).await?;
            let Some(last) = batch.last() else { return Ok(swept) };
            after = last.expires_at.map(|at| (at, last.id));
            for asset in &batch {
                match self.erase(asset, now).await {
                    Ok(()) => (swept.deleted, failures) = (swept.deleted + 1, 0),
                    Err(error @ AssetError::Store(_)) => return Err(error),
                    Err(error) => {
                        tracing::debug!(asset.id = %asset.id, %error, "An asset could not be deleted");
                        (swept.failed, failures) = (swept.failed + 1, failures + 1);
                    }
                }
                if failures >= MAX_FAILURES {
                    return Ok(swept);
                }
            }
        }
    }

    /// Deletes an asset, with the thumbnail it may have: once this returns well it is never given out again. Its bytes go now, or with a
    /// sweep if the storage is gone.
    ///
    /// # Errors
    /// [`AssetError::Store`] if a row can't be written; then it is to be deleted again.
    pub async fn delete(&self, asset: &StoredAsset, now: Timestamp) -> Result<(), AssetError> {
        self.delete_one(asset, now).await?;
        let thumbnail = match asset.role {
            AssetRole::Result => rows::get(&self.db, asset_id(asset.task_id, AssetRole::Thumbnail, asset.position)).await?,
            AssetRole::Thumbnail | AssetRole::Input => None,
        };
        match thumbnail {
            Some(thumbnail) if thumbnail.deleted_at.is_none() => self.delete_one(&thumbnail, now).await,
            Some(_) | None => Ok(()),
        }
    }

    async fn delete_one(&self, asset: &StoredAsset, now: Timestamp) -> Result<(), AssetError> {
        rows::expire(&self.db, asset.id, now).await?;
        if let Err(error) = self.erase(asset, now).await {
            tracing::warn!(asset.id = %asset.id, %error, "A deleted asset's bytes are still there: the next sweep deletes them");
        }
        Ok(())
    }

    async fn erase(&self, asset: &StoredAsset, now: Timestamp) -> Result<(), AssetError> {
        match self.objects.delete(&Path::from(asset.object_key.as_str())).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(self.failed(error)),
        }
        rows::mark_deleted(&self.db, asset, now).await?;
        self.counts.deleted.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Deletes an object that no row names any more. If that fails, it stays: it costs space and nothing else.
    pub(super) async fn discard(&self, key: &str) {
        if let Err(error) = self.objects.delete(&Path::from(key)).await {
            tracing::warn!(key, %error, "The bytes that an asset had before could not be deleted");
        }
    }
}

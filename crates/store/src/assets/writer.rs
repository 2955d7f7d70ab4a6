//! Storing an asset, piece by piece as it comes.
//!
//! ```text
//! begin ──▶ write … write ──▶ finish ──▶ the object under its name ──▶ the row
//!             └── dropped, or an error: the upload is given up, there is no object and no row
//! ```
//! Killed between the last two, the object is there without a row; storing it again writes the same object and then the row.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use easyai_core::id::{AccountId, AssetId, TaskId};
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStoreExt, PutPayload};
use sha2::{Digest, Sha256};

use super::probe::{MediaClass, Probe};
use super::{AssetError, AssetRole, AssetStore, StoredAsset, asset_id, rows};

/// What is to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAsset {
    /// Whose it is.
    pub account: AccountId,
    /// The task that made it or uses it.
    pub task: TaskId,
    /// What it is to its task.
    pub role: AssetRole,
    /// Among those of its task and role, from 0.
    pub position: u32,
    /// What it must be; anything else is refused as soon as its first bytes are there. None: whatever it is.
    pub expected: Option<MediaClass>,
    /// What its server says it is. Believed only of sound without a header, which no bytes tell from noise.
    pub declared: Option<String>,
}

/// An asset on its way into the storage. Dropped before [`AssetWriter::finish`], nothing is left of it.
#[derive(Debug)]
#[must_use = "an asset that is not finished is not stored"]
pub struct AssetWriter {
    store: Arc<AssetStore>,
    asset: NewAsset,
    id: AssetId,
    to: Path,
    /// Begun with the first whole part: what is smaller goes in one call.
    upload: Option<Box<dyn MultipartUpload>>,
    waiting: Waiting,
    hash: Sha256,
    probe: Probe,
    size: u64,
    /// Whether a write is under way: if it fails, or is given up, that is what it stays.
    torn: bool,
}

impl AssetStore {
    /// Begins to store an asset. Nothing is called yet.
    pub fn begin(self: &Arc<Self>, asset: NewAsset) -> AssetWriter {
        let id = asset_id(asset.task, asset.role, asset.position);
        AssetWriter {
            store: Arc::clone(self),
            id,
            to: self.naming.upload(id),
            upload: None,
            waiting: Waiting::default(),
            hash: Sha256::new(),
            probe: Probe::new(asset.declared.as_deref()),
            size: 0,
            torn: false,
            asset,
        }
    }
}

impl AssetWriter {
    /// Takes the next piece. Returns when there is room for another: at most one part waits in memory.
    ///
    /// # Errors
    /// [`AssetError::TooLarge`], [`AssetError::WrongType`], or [`AssetError::Storage`]; then nothing more can be written, and the whole
    /// of it is to be begun again.
    pub async fn write(&mut self, piece: Bytes) -> Result<(), AssetError> {
        if self.torn {
            return Err(AssetError::Broken);
        }
        self.torn = true;
        self.size += piece.len() as u64;
        if self.size > self.store.max_bytes {
            return Err(AssetError::TooLarge(self.store.max_bytes));
        }
        self.hash.update(&piece);
        if self.probe.push(&piece) {
            self.check_type()?;
        }
        self.waiting.push(piece);
        while let Some(part) = self.waiting.take(self.store.naming.part_bytes()) {
            self.send(part).await?;
        }
        self.torn = false;
        Ok(())
    }

    /// Stores what was written: the object is whole and durable, then its row.
    ///
    /// # Errors
    /// [`AssetError::Empty`], [`AssetError::WrongType`], [`AssetError::Storage`], [`AssetError::Store`]; then it is not stored.
    pub async fn finish(mut self) -> Result<StoredAsset, AssetError> {
        if self.torn {
            return Err(AssetError::Broken);
        }
        if self.size == 0 {
            return Err(AssetError::Empty);
        }
        self.check_type()?;
        let sha256: [u8; 32] = std::mem::take(&mut self.hash).finalize().into();
        self.complete().await?;
        let key = self.settle(&sha256).await?;
        let row = self.row(sha256, &key);
        let store = Arc::clone(&self.store);
        if let Some(replaced) = rows::put(&store.db, &row).await? {
            store.discard(&replaced).await;
        }
        store.counts.stored.fetch_add(1, Ordering::Relaxed);
        store.counts.stored_bytes.fetch_add(row.size_bytes, Ordering::Relaxed);
        tracing::debug!(asset.id = %row.id, task.id = %row.task_id, bytes = row.size_bytes, kind = %row.media_type, "Stored an asset");
        Ok(row)
    }

    fn check_type(&self) -> Result<(), AssetError> {
        let found = self.probe.media_type();
        match self.asset.expected {
            Some(expected) if MediaClass::of(found) != Some(expected) => Err(AssetError::WrongType { expected, found: found.to_owned() }),
            Some(_) | None => Ok(()),
        }
    }

    async fn send(&mut self, part: PutPayload) -> Result<(), AssetError> {
        let upload = match &mut self.upload {
            Some(upload) => upload,
            none @ None => none.insert(self.store.objects.put_multipart(&self.to).await.map_err(|error| self.store.failed(error))?),
        };
        upload.put_part(part).await.map_err(|error| self.store.failed(error))
    }

    async fn complete(&mut self) -> Result<(), AssetError> {
        let rest = self.waiting.take_all();
        if self.upload.is_none() {
            return self.store.objects.put(&self.to, rest).await.map(drop).map_err(|error| self.store.failed(error));
        }
        if rest.content_length() > 0 {
            self.send(rest).await?;
        }
        let Some(upload) = &mut self.upload else { return Ok(()) };
        upload.complete().await.map_err(|error| self.store.failed(error))?;
        // Nothing is left to be given up.
        self.upload = None;
        Ok(())
    }

    /// Gives the object its name. Not by a shared reference: an upload may be sent to another thread, and not be used by two.
    async fn settle(&mut self, sha256: &[u8; 32]) -> Result<Path, AssetError> {
        let Some(name) = self.store.naming.final_name(self.id, sha256) else { return Ok(self.to.clone()) };
        self.store.objects.rename(&self.to, &name).await.map_err(|error| self.store.failed(error))?;
        Ok(name)
    }

    fn row(&mut self, sha256: [u8; 32], key: &Path) -> StoredAsset {
        let now = crate::now();
        let NewAsset { account, task, role, position, .. } = self.asset;
        let facts = self.probe.facts(self.size);
        StoredAsset {
            id: self.id,
            task_id: task,
            account_id: account,
            role,
            position,
            sha256,
            size_bytes: self.size,
            media_type: facts.media_type.to_owned(),
            width: facts.width,
            height: facts.height,
            duration_ms: facts.duration_ms,
            object_key: key.to_string(),
            created_at: now,
            expires_at: self.store.keep.map(|keep| now.plus(keep)),
            deleted_at: None,
        }
    }
}

impl Drop for AssetWriter {
    /// An upload that was begun is given up. If that fails, or the process ends before it, the folder is cleared later (`place.rs`), and
    /// the bucket's own rules end it.
    fn drop(&mut self) {
        let Some(mut upload) = self.upload.take() else { return };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                if let Err(error) = upload.abort().await {
                    tracing::debug!(%error, "An unfinished asset could not be given up");
                }
            });
        }
    }
}

/// Pieces that are not a whole part yet.
#[derive(Debug, Default)]
struct Waiting {
    pieces: VecDeque<Bytes>,
    bytes: usize,
}

impl Waiting {
    fn push(&mut self, piece: Bytes) {
        self.bytes += piece.len();
        self.pieces.push_back(piece);
    }

    /// Exactly `bytes`, if there are as many.
    fn take(&mut self, bytes: usize) -> Option<PutPayload> {
        if self.bytes < bytes {
            return None;
        }
        let (mut part, mut missing) = (Vec::new(), bytes);
        while missing > 0 {
            let mut piece = self.pieces.pop_front()?;
            if piece.len() > missing {
                self.pieces.push_front(piece.split_off(missing));
            }
            missing -= piece.len();
            part.push(piece);
        }
        self.bytes -= bytes;
        Some(PutPayload::from_iter(part))
    }

    fn take_all(&mut self) -> PutPayload {
        self.bytes = 0;
        PutPayload::from_iter(self.pieces.drain(..))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_have_one_size_however_the_pieces_come() {
        let mut waiting = Waiting::default();
        for piece in ["ab", "cdefg", "", "h"] {
            waiting.push(Bytes::from_static(piece.as_bytes()));
        }
        let text = |part: PutPayload| String::from_utf8(Bytes::from(part).to_vec()).unwrap();
        assert_eq!(waiting.take(3).map(text).as_deref(), Some("abc"));
        assert_eq!(waiting.take(3).map(text).as_deref(), Some("def"));
        assert!(waiting.take(3).is_none());
        assert_eq!((text(waiting.take_all()).as_str(), waiting.bytes), ("gh", 0));
    }
}

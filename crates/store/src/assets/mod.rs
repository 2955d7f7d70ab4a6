//! Generated media and what it was made from: bytes in a folder or an S3-compatible bucket, a row in the database for each.
//!
//! - Bytes are streamed in and out; an upload holds one part in memory ([`place`] says how large), a download one piece.
//! - What is stored is whole: an object appears under its key at the end of its upload, its row after that. A writer that is dropped
//!   leaves nothing; what a killed process leaves is in the folder `tmp` and cleared away, or an unfinished upload of a bucket, which is
//!   not visible there (let the bucket's lifecycle rules abort those).
//! - Storing is idempotent: an asset's id is a function of its task, role and position ([`rows::asset_id`]), so that storing it again
//!   after a crash gives the same row and, for the same bytes, the same object.
//! - Every asset has an object of its own, also where two have the same bytes: then deleting one can't harm another, on any number of
//!   nodes, without counting. In a folder an object's name begins with its checksum, so that it can be checked by itself; in a bucket,
//!   where giving another name means another copy, it is the asset's id, and the checksum stands in the row.
//!
//! # When the storage is gone
//! Everything here gives an [`AssetError`] that is temporary, in bounded time for a bucket ([`door`] and [`bucket`] have the times), and
//! changes nothing. Rows can be read and links made all the while. A folder on a disk that hangs, hangs.

mod bucket;
mod door;
mod error;
mod link;
mod place;
mod probe;
mod reader;
mod rows;
mod sweep;
mod thumbnail;
mod writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use object_store::ObjectStore;
use tokio::sync::Semaphore;

pub use self::bucket::{Addressing, Bucket};
pub use self::error::AssetError;
pub use self::link::{LinkTerms, is_link_good, signed_url};
pub use self::place::AssetPlace;
pub use self::probe::MediaClass;
pub use self::reader::AssetBytes;
pub use self::rows::{StoredAsset, asset_id, by_task, get};
pub use self::sweep::{SWEEP_EVERY, Swept};
pub use self::writer::{AssetWriter, NewAsset};

use self::place::Naming;
use crate::db::Db;

easyai_core::words! {
    /// What an asset is to its task.
    pub enum AssetRole as "role of an asset" {
        /// It was generated.
        Result = "result",
        /// A small picture of a result: of an image our own, of a video its platform's.
        Thumbnail = "thumbnail",
        /// The caller gave it.
        Input = "input",
    }
}

/// How assets are kept.
#[derive(Debug, Clone)]
pub struct AssetSettings {
    /// Where.
    pub place: AssetPlace,
    /// The largest one.
    pub max_bytes: u64,
    /// How long, from when it is stored; none for ever.
    pub keep: Option<Duration>,
}

/// The storage with its rows. Shared; it has no state of its own but counters, and who makes a thumbnail.
#[derive(Debug)]
pub struct AssetStore {
    db: Db,
    objects: Arc<dyn ObjectStore>,
    naming: Naming,
    max_bytes: u64,
    keep: Option<Duration>,
    counts: Counts,
    /// Whose turn it is to make a thumbnail, and who may wait for it.
    thumbnails: Semaphore,
    waiting_for_thumbnails: Semaphore,
}

#[derive(Debug, Default)]
struct Counts {
    stored: AtomicU64,
    stored_bytes: AtomicU64,
    deleted: AtomicU64,
    failures: AtomicU64,
}

/// What this process did since its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AssetCounts {
    /// Assets that were stored.
    pub stored: u64,
    /// Their bytes.
    pub stored_bytes: u64,
    /// Assets whose bytes were deleted.
    pub deleted: u64,
    /// Calls of the storage that failed.
    pub failures: u64,
}

impl AssetStore {
    /// Opens the storage: makes the folder, and clears away what a killed process left in it. A bucket is not called.
    ///
    /// # Errors
    /// [`AssetError::Setting`] if the place makes no sense or the folder can't be made.
    pub async fn open(db: &Db, settings: &AssetSettings) -> Result<Self, AssetError> {
        let (objects, naming) = settings.place.open()?;
        let store = Self::over(db, objects, naming, settings);
        store.clear().await;
        Ok(store)
    }

    fn over(db: &Db, objects: Arc<dyn ObjectStore>, naming: Naming, settings: &AssetSettings) -> Self {
        let AssetSettings { place: _, max_bytes, keep } = *settings;
        let (thumbnails, waiting_for_thumbnails) = (Semaphore::new(1), Semaphore::new(thumbnail::MAX_WAITING));
        Self { db: db.clone(), objects, naming, max_bytes, keep, counts: Counts::default(), thumbnails, waiting_for_thumbnails }
    }

    /// The largest asset that is taken.
    #[must_use]
    pub const fn max_bytes(&self) -> u64 {
        self.max_bytes
    }

    /// What was done since the start.
    #[must_use]
    pub fn counts(&self) -> AssetCounts {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let Counts { stored, stored_bytes, deleted, failures } = &self.counts;
        AssetCounts { stored: read(stored), stored_bytes: read(stored_bytes), deleted: read(deleted), failures: read(failures) }
    }

    /// The storage's own failure as ours, counted.
    fn failed(&self, error: object_store::Error) -> AssetError {
        let error = AssetError::from(error);
        if error.is_temporary() {
            self.counts.failures.fetch_add(1, Ordering::Relaxed);
        }
        error
    }
}

//! Where objects are, and what they are called there.

use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use easyai_core::id::AssetId;
use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use object_store::path::Path;

use super::bucket::Bucket;
use super::{AssetError, AssetStore};

/// What a bucket takes in one call: 5 MiB at least and 10,000 parts at most (S3), all of one size (R2). 80 GB in all.
const BUCKET_PART: usize = 8 << 20;

/// What a folder takes in one call: enough that calls don't count.
const FOLDER_PART: usize = 1 << 20;

/// Where uploads lie while they are not complete, under the folder.
const TEMPORARY: &str = "tmp";

/// An upload of which nothing was written for so long belongs to nobody: time-outs of downloads are minutes. Younger ones may be another
/// node's.
const ABANDONED: Duration = Duration::from_secs(3_600);

/// Where assets are kept.
#[derive(Debug, Clone)]
pub enum AssetPlace {
    /// A folder. Several nodes may share one.
    Folder(PathBuf),
    /// A bucket that speaks S3.
    Bucket(Bucket),
}

/// What objects are called, and how they come there.
#[derive(Debug, Clone)]
pub(super) enum Naming {
    /// Written under `tmp`, then renamed: `ab/abcd…-asset_…`, by checksum.
    Folder(PathBuf),
    /// Written where they stay, `PREFIX/asset_…`.
    Bucket { prefix: String },
}

impl AssetPlace {
    pub(super) fn open(&self) -> Result<(Arc<dyn ObjectStore>, Naming), AssetError> {
        match self {
            Self::Folder(folder) => {
                let failed = |what: String| AssetError::Setting(format!("the folder of assets {} can't be used: {what}", folder.display()));
                std::fs::DirBuilder::new()
                    .recursive(true)
                    .mode(0o700)
                    .create(folder.join(TEMPORARY))
                    .map_err(|error| failed(error.to_string()))?;
                let files = LocalFileSystem::new_with_prefix(folder).map_err(|error| failed(error.to_string()))?.with_fsync(true);
                Ok((Arc::new(files), Naming::Folder(folder.clone())))
            }
            Self::Bucket(bucket) => Ok((bucket.open()?, Naming::Bucket { prefix: bucket.prefix.clone() })),
        }
    }
}

impl Naming {
    /// Bytes that are sent at once, and held in memory for it.
    pub(super) const fn part_bytes(&self) -> usize {
        match self {
            Self::Folder(_) => FOLDER_PART,
            Self::Bucket { .. } => BUCKET_PART,
        }
    }

    /// Where an asset is written.
    pub(super) fn upload(&self, id: AssetId) -> Path {
        match self {
            Self::Folder(_) => Path::from(format!("{TEMPORARY}/{}", crate::new_id().simple())),
            Self::Bucket { prefix } => Path::from(format!("{prefix}/{id}")),
        }
    }

    /// Where an asset stays, if that is elsewhere.
    pub(super) fn final_name(&self, id: AssetId, sha256: &[u8; 32]) -> Option<Path> {
        match self {
            Self::Folder(_) => {
                let sum: String = sha256.iter().map(|byte| format!("{byte:02x}")).collect();
                Some(Path::from(format!("{}/{sum}-{id}", &sum[..2])))
            }
            Self::Bucket { .. } => None,
        }
    }
}

impl AssetStore {
    /// Clears away what killed processes left. What can't be cleared away stays: it costs space and nothing else.
    pub(super) async fn clear(&self) {
        let Naming::Folder(folder) = &self.naming else { return };
        let folder = folder.join(TEMPORARY);
        let cleared = tokio::task::spawn_blocking(move || clear(&folder, SystemTime::now())).await;
        match cleared {
            Ok(0) => {}
            Ok(files) => tracing::info!(files, "Cleared away {files} unfinished assets of an earlier run"),
            Err(error) => tracing::warn!(%error, "Unfinished assets could not be cleared away"),
        }
    }
}

fn clear(folder: &std::path::Path, now: SystemTime) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let abandoned = |entry: &std::fs::DirEntry| {
        let changed = entry.metadata().and_then(|file| file.modified());
        changed.is_ok_and(|at| now.duration_since(at).is_ok_and(|since| since >= ABANDONED))
    };
    entries.flatten().filter(abandoned).filter(|entry| std::fs::remove_file(entry.path()).is_ok()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_writes_any_more_is_cleared_away() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("one#1"), b"x").unwrap();
        let now = SystemTime::now();
        assert_eq!(clear(folder.path(), now), 0, "it may be another node's");
        assert_eq!(clear(folder.path(), now + ABANDONED + Duration::from_secs(1)), 1);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn an_object_in_a_folder_is_called_by_its_checksum_and_one_in_a_bucket_by_its_id() {
        let id = AssetId::from_uuid(uuid::Uuid::from_u128(1));
        let folder = Naming::Folder(PathBuf::new());
        assert!(folder.upload(id).as_ref().starts_with("tmp/") && folder.upload(id) != folder.upload(id));
        let expected = format!("ab/{}-{id}", "ab".repeat(32));
        assert_eq!(folder.final_name(id, &[0xab; 32]).unwrap().as_ref(), expected);
        for (prefix, expected) in [("a/b", format!("a/b/{id}")), ("", id.to_string())] {
            let bucket = Naming::Bucket { prefix: prefix.to_owned() };
            assert_eq!((bucket.upload(id).as_ref(), bucket.final_name(id, &[0; 32])), (expected.as_str(), None));
        }
    }
}

//! Assets in a folder, with their rows.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use easyai_core::id::{AccountId, TaskId};
use easyai_store::assets::{
    AssetError, AssetPlace, AssetRole, AssetSettings, AssetStore, MediaClass, NewAsset, StoredAsset, Swept, asset_id, by_task, get,
};
use easyai_store::testing::TestDb;
use easyai_store::testing::TestEngine::{self, Postgres, Sqlite};
use futures_util::TryStreamExt;
use rstest::rstest;
use uuid::Uuid;

const DAY: Duration = Duration::from_secs(86_400);

struct Kept {
    test: TestDb,
    store: Arc<AssetStore>,
    folder: PathBuf,
}

impl Kept {
    async fn new(engine: TestEngine, max_bytes: u64, keep: Option<Duration>) -> Self {
        let test = TestDb::new(engine).await;
        let folder = test.folder.path().join("assets");
        let settings = AssetSettings { place: AssetPlace::Folder(folder.clone()), max_bytes, keep };
        let store = Arc::new(AssetStore::open(&test.db, &settings).await.unwrap());
        Self { test, store, folder }
    }

    async fn row(&self, asset: &StoredAsset) -> StoredAsset {
        get(&self.test.db, asset.id).await.unwrap().unwrap()
    }

    /// The names of all files, without the folders they are in.
    fn files(&self) -> Vec<String> {
        files(&self.folder)
    }
}

fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap().flatten();
    entries
        .flat_map(|entry| if entry.path().is_dir() { files(&entry.path()) } else { vec![entry.file_name().into_string().unwrap()] })
        .collect()
}

pub fn picture(position: u32) -> NewAsset {
    NewAsset {
        account: AccountId::from_uuid(Uuid::from_u128(1)),
        task: TaskId::from_uuid(Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0001)),
        role: AssetRole::Result,
        position,
        expected: Some(MediaClass::Image),
        declared: Some("image/jpeg".to_owned()),
    }
}

/// A PNG of 640 × 480 by its head, `bytes` long.
pub fn png(bytes: usize, filler: u8) -> Vec<u8> {
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x02\x80\0\0\x01\xe0\x08\x02\0\0\0".to_vec();
    png.resize(bytes, filler);
    png
}

pub async fn store(store: &Arc<AssetStore>, asset: NewAsset, bytes: &[u8]) -> Result<StoredAsset, AssetError> {
    let mut writer = store.begin(asset);
    for piece in bytes.chunks(70_000) {
        writer.write(Bytes::copy_from_slice(piece)).await?;
    }
    writer.finish().await
}

pub async fn read(store: &Arc<AssetStore>, asset: &StoredAsset, range: std::ops::Range<u64>) -> Result<Vec<u8>, AssetError> {
    let pieces: Vec<Bytes> = store.read(asset, range).await?.try_collect().await?;
    Ok(pieces.concat())
}

#[rstest]
#[tokio::test]
async fn what_is_stored_is_read_back_whole_and_in_part_with_what_it_is(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let kept = Kept::new(engine, 1 << 30, Some(DAY)).await;
    for bytes in [40, 1 << 20, 3_000_000] {
        let body = png(bytes, 7);
        let asset = store(&kept.store, picture(0), &body).await.unwrap();
        assert_eq!((asset.size_bytes, asset.media_type.as_str()), (bytes as u64, "image/png"), "its bytes say so");
        assert_eq!((asset.width, asset.height, asset.duration_ms), (Some(640), Some(480), None));
        assert_eq!(asset.expires_at, Some(asset.created_at.plus(DAY)));
        assert_eq!(asset, kept.row(&asset).await);
        assert_eq!(by_task(&kept.test.db, asset.task_id).await.unwrap(), std::slice::from_ref(&asset));
        let end = body.len() as u64;
        for range in [0..end, 0..1, 5..20, end - 3..end] {
            let expected = &body[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()];
            assert!(read(&kept.store, &asset, range.clone()).await.unwrap() == expected, "{range:?} of {bytes}");
        }
        // Its name begins with its checksum; what the same asset was before is gone.
        let sum: String = asset.sha256.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(kept.files(), [format!("{sum}-{}", asset.id)]);
    }
    let counts = kept.store.counts();
    assert_eq!((counts.stored, counts.stored_bytes, counts.failures), (3, 40 + (1 << 20) + 3_000_000, 0));
}

#[rstest]
#[tokio::test]
async fn storing_the_same_again_is_the_same_asset(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let kept = Kept::new(engine, 1 << 30, None).await;
    let first = store(&kept.store, picture(0), &png(100, 1)).await.unwrap();
    let bytes = png(100, 1);
    let (again, beside) = tokio::join!(store(&kept.store, picture(0), &bytes), store(&kept.store, picture(1), &bytes));
    let (again, beside) = (again.unwrap(), beside.unwrap());
    assert_eq!((again.id, &again.object_key), (first.id, &first.object_key));
    assert_eq!(again.expires_at, None);
    assert!(beside.id != first.id && beside.object_key != first.object_key && beside.sha256 == first.sha256);
    assert_eq!(by_task(&kept.test.db, first.task_id).await.unwrap(), [again, beside]);
    assert_eq!(kept.files().len(), 2);
    let ids = [AssetRole::Result, AssetRole::Input].map(|role| asset_id(first.task_id, role, 0));
    assert_eq!(ids[0], first.id);
    assert_ne!(ids[1], first.id);
    assert_eq!(first.id.uuid().as_bytes()[..6], first.task_id.uuid().as_bytes()[..6]);
}

#[tokio::test]
async fn what_is_not_finished_leaves_nothing() {
    let kept = Kept::new(Sqlite, 2_000_000, None).await;
    let mut writer = kept.store.begin(picture(0));
    writer.write(Bytes::from(png(1_500_000, 0))).await.unwrap();
    assert_eq!(kept.files().len(), 1);
    drop(writer);
    let nothing_is_left = async {
        while !kept.files().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), nothing_is_left).await.unwrap();
    assert_eq!(by_task(&kept.test.db, picture(0).task).await.unwrap(), []);
}

#[tokio::test]
async fn what_may_not_be_stored_is_refused_as_soon_as_it_shows() {
    let kept = Kept::new(Sqlite, 10_000, None).await;
    let mut writer = kept.store.begin(picture(0));
    assert_eq!(writer.write(Bytes::from(png(10_001, 0))).await, Err(AssetError::TooLarge(10_000)));
    assert_eq!(writer.write(Bytes::new()).await, Err(AssetError::Broken), "what follows would be stored with a hole in it");
    assert_eq!(writer.finish().await, Err(AssetError::Broken));
    assert!(store(&kept.store, picture(0), &png(10_000, 0)).await.is_ok());

    let wrong = |found: &str| AssetError::WrongType { expected: MediaClass::Image, found: found.to_owned() };
    let mut writer = kept.store.begin(picture(1));
    let page = Bytes::from("<html>expired</html>".repeat(300));
    assert_eq!(writer.write(page).await, Err(wrong("application/octet-stream")));
    assert_eq!(store(&kept.store, picture(1), b"<html>").await, Err(wrong("application/octet-stream")));
    assert_eq!(store(&kept.store, picture(1), b"RIFF\x24\0\0\0WAVEfmt ").await, Err(wrong("audio/wav")));
    assert_eq!(kept.store.begin(picture(1)).finish().await, Err(AssetError::Empty));
    let whatever = NewAsset { expected: None, ..picture(1) };
    assert_eq!(store(&kept.store, whatever, b"<html>").await.unwrap().media_type, "application/octet-stream");
}

#[rstest]
#[tokio::test]
async fn assets_go_when_their_time_is_over(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let kept = Kept::new(engine, 1 << 30, Some(DAY)).await;
    let mut assets = Vec::new();
    // More than one batch.
    for position in 0..103 {
        assets.push(store(&kept.store, picture(position), &png(50, 1)).await.unwrap());
    }
    let created = easyai_store::now();
    assert_eq!(kept.store.sweep(created).await, Ok(Swept::default()));
    assert!(assets[0].is_there(created) && !assets[0].is_there(created.plus(DAY)));
    std::fs::remove_file(kept.folder.join(&assets[7].object_key)).unwrap();
    let later = created.plus(DAY);
    assert_eq!(kept.store.sweep(later).await, Ok(Swept { deleted: 103, failed: 0 }));
    assert_eq!(kept.files(), Vec::<String>::new());
    assert_eq!(kept.row(&assets[0]).await.deleted_at, Some(later));
    assert_eq!(kept.store.sweep(later).await, Ok(Swept::default()));
    // Stored again it is there again, and is not taken for the one that went.
    let again = store(&kept.store, picture(0), &png(50, 1)).await.unwrap();
    assert_eq!(kept.row(&again).await.deleted_at, None);
    assert!(read(&kept.store, &again, 0..50).await.is_ok());
}

#[rstest]
#[tokio::test]
async fn a_deleted_asset_is_gone_at_once(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let kept = Kept::new(engine, 1 << 30, None).await;
    let asset = store(&kept.store, picture(0), &png(50, 1)).await.unwrap();
    let now = easyai_store::now();
    for _ in 0..2 {
        kept.store.delete(&asset, now).await.unwrap();
        let row = kept.row(&asset).await;
        assert_eq!((row.deleted_at, row.is_there(now)), (Some(now), false));
    }
    assert_eq!(kept.files(), Vec::<String>::new());
    assert_eq!(read(&kept.store, &asset, 0..50).await, Err(AssetError::Missing));
    assert_eq!(kept.store.counts().failures, 0);
}

/// A red PNG.
fn red(width: u32, height: u32) -> Vec<u8> {
    let mut file = std::io::Cursor::new(Vec::new());
    image::RgbImage::from_pixel(width, height, image::Rgb([200, 0, 0])).write_to(&mut file, image::ImageFormat::Png).unwrap();
    file.into_inner()
}

#[rstest]
#[tokio::test]
async fn an_image_has_a_thumbnail_that_goes_with_it(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let kept = Kept::new(engine, 1 << 30, None).await;
    let image = store(&kept.store, picture(2), &red(1200, 600)).await.unwrap();
    for _ in 0..2 {
        let small = kept.store.add_thumbnail(&image).await.unwrap().unwrap();
        assert_eq!((small.role, small.position, small.account_id), (AssetRole::Thumbnail, 2, image.account_id));
        assert_eq!((small.media_type.as_str(), small.width, small.height), ("image/jpeg", Some(512), Some(256)));
        assert_eq!(by_task(&kept.test.db, image.task_id).await.unwrap(), [image.clone(), small]);
    }
    let broken = store(&kept.store, picture(3), &png(500, 7)).await.unwrap();
    assert_eq!(kept.store.add_thumbnail(&broken).await, Ok(None));
    let now = easyai_store::now();
    kept.store.delete(&image, now).await.unwrap();
    kept.store.delete(&broken, now).await.unwrap();
    assert_eq!(kept.files(), Vec::<String>::new());
    assert_eq!(kept.store.add_thumbnail(&image).await, Err(AssetError::Missing));
}

#[tokio::test]
async fn a_file_that_somebody_changed_is_not_given_out() {
    let kept = Kept::new(Sqlite, 1 << 30, None).await;
    let asset = store(&kept.store, picture(0), &png(50, 1)).await.unwrap();
    std::fs::write(kept.folder.join(&asset.object_key), b"short").unwrap();
    assert_eq!(read(&kept.store, &asset, 0..5).await, Err(AssetError::Damaged { expected: 50, found: 5 }));
}

#[tokio::test]
async fn a_folder_that_is_gone_is_used_again_when_it_is_back() {
    use std::os::unix::fs::MetadataExt;
    let kept = Kept::new(Sqlite, 1 << 30, None).await;
    assert_eq!(kept.folder.metadata().unwrap().mode() & 0o777, 0o700);
    let first = store(&kept.store, picture(0), &png(50, 1)).await.unwrap();
    let away = kept.folder.with_extension("away");
    std::fs::rename(&kept.folder, &away).unwrap();
    // A file in its place, so that it can't be made again.
    std::fs::write(&kept.folder, b"").unwrap();
    let error = store(&kept.store, picture(1), &png(50, 1)).await.unwrap_err();
    assert!(error.is_temporary(), "{error}");
    kept.store.delete(&first, easyai_store::now()).await.unwrap();
    let row = kept.row(&first).await;
    assert!(!row.is_there(easyai_store::now()) && row.deleted_at.is_none(), "its bytes are still somewhere");
    assert!(kept.store.counts().failures > 0);
    std::fs::remove_file(&kept.folder).unwrap();
    std::fs::rename(&away, &kept.folder).unwrap();
    store(&kept.store, picture(1), &png(50, 1)).await.unwrap();
    assert_eq!(kept.store.sweep(easyai_store::now()).await, Ok(Swept { deleted: 1, failed: 0 }));
    assert_eq!(kept.files().len(), 1);
}

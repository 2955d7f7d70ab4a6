//! Assets as callers get them: by key, by link, whole and in parts, and by nobody else.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use easyai_core::id::{AccountId, TaskId};
use easyai_core::time::Timestamp;
use easyai_store::assets::{AssetPlace, AssetRole, AssetSettings, AssetStore, NewAsset, StoredAsset, signed_url};
use easyai_store::testing::TestEngine::{self, Postgres, Sqlite};
use easyai_store::vault::Vault;
use easyai_store::{Db, accounts};
use rstest::rstest;
use serde_json::Value;

use crate::app::{Catalog, Setup, TestApp};
use crate::http::{Answer, Exchange};
use crate::patience::within;

/// A gateway with a store of its own beside it, which writes what jobs will.
struct Story {
    app: TestApp,
    db: Db,
    store: Arc<AssetStore>,
    account: AccountId,
    task: TaskId,
}

impl Story {
    async fn start(engine: TestEngine) -> Self {
        Self::with(Setup::new(Catalog::default().simulation("offline", "").offer("offline", "demo")).on(engine)).await
    }

    async fn with(setup: Setup) -> Self {
        let app = setup.start().await;
        let db = app.program.db().await;
        let store = beside(&app, &db, None).await;
        let account = accounts::find(&db, "demo").await.unwrap().id;
        let task = app.caller.chat("hello").answer().await.ok().task().parse().unwrap();
        Self { app, db, store, account, task }
    }

    async fn store(&self, position: u32, pieces: impl IntoIterator<Item = Bytes>) -> StoredAsset {
        let (account, task) = (self.account, self.task);
        let asset = NewAsset { account, task, role: AssetRole::Result, position, expected: None, declared: None };
        let mut writer = self.store.begin(asset);
        for piece in pieces {
            writer.write(piece).await.unwrap();
        }
        writer.finish().await.unwrap()
    }

    async fn picture(&self) -> (StoredAsset, Vec<u8>) {
        let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x02\x80\0\0\x01\xe0\x08\x02\0\0\0".to_vec();
        png.extend((0..600_000_u32).map(|byte| byte as u8));
        (self.store(0, png.chunks(100_000).map(Bytes::copy_from_slice)).await, png)
    }

    async fn listed(&self) -> Vec<Value> {
        let list = self.app.caller.get(&format!("/api/v1/tasks/{}/assets", self.task)).await.ok().json();
        list["data"].as_array().unwrap().clone()
    }

    /// Without a key.
    async fn open(&self, path: &str) -> Answer {
        let request = format!("GET {path} HTTP/1.1\r\nhost: gateway\r\nconnection: close\r\n\r\n");
        Exchange::begin(self.app.gateway.addr, request.as_bytes()).await.unwrap().rest().await
    }

    fn link(&self, asset: &StoredAsset, given_at: Timestamp) -> String {
        let vault = Vault::open(self.app.program.file("").as_path(), None).unwrap();
        signed_url(&vault, "", asset.id, given_at, Duration::from_secs(3_600))
    }
}

/// What stores where the gateway of `app` does.
async fn beside(app: &TestApp, db: &Db, keep: Option<Duration>) -> Arc<AssetStore> {
    let place = AssetPlace::Folder(app.program.file("assets"));
    Arc::new(AssetStore::open(db, &AssetSettings { place, max_bytes: u64::MAX, keep }).await.unwrap())
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_asset_is_given_to_its_owner_and_to_whoever_has_a_link(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let story = Story::start(engine).await;
    let (asset, png) = story.picture().await;
    let listed = story.listed().await.remove(0);
    let told = |field: &str| listed[field].clone();
    assert_eq!(
        [told("id"), told("role"), told("media_type"), told("size_bytes"), told("width"), told("height"), told("duration_ms")],
        [asset.id.to_string().into(), "result".into(), "image/png".into(), png.len().into(), 640.into(), 480.into(), Value::Null]
    );
    let url = told("url").as_str().unwrap().to_owned();
    let path = url.strip_prefix("http://gateway").unwrap_or_else(|| panic!("where the call came in: {url}"));
    for answer in [story.open(path).await, story.app.caller.get(&format!("/api/v1/assets/{}", asset.id)).await] {
        assert_eq!((answer.status, answer.whole), (200, true), "{answer}");
        assert!(answer.body == png);
        let header = |name: &str| answer.header(name).unwrap_or_default().to_owned();
        assert_eq!(header("content-type"), "image/png");
        assert_eq!(header("content-length"), png.len().to_string());
        assert_eq!(header("etag"), format!("\"{}\"", told("sha256").as_str().unwrap()));
        assert_eq!([header("x-content-type-options"), header("cache-control"), header("accept-ranges")], ["nosniff", "private", "bytes"]);
        assert_eq!(header("content-disposition"), format!("inline; filename=\"{}.png\"", asset.id));
    }
    story.db.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_is_given_and_what_the_caller_has_is_not() {
    let story = Story::start(Sqlite).await;
    let (asset, png) = story.picture().await;
    let path = format!("/api/v1/assets/{}", asset.id);
    let ask = async |headers: &[(&str, &str)]| story.app.caller.get_with(&path, headers).await;
    for (range, start, end) in [("bytes=0-9", 0, 10), ("bytes=300000-", 300_000, png.len()), ("bytes=-5", png.len() - 5, png.len())] {
        let part = ask(&[("range", range)]).await;
        assert_eq!((part.status, part.whole), (206, true), "{range}");
        assert_eq!(part.header("content-range"), Some(format!("bytes {start}-{}/{}", end - 1, png.len()).as_str()));
        assert!(part.body == png[start..end], "{range}");
    }
    let beyond = ask(&[("range", "bytes=9999999-")]).await;
    assert_eq!((beyond.status, beyond.header("content-range")), (416, Some(format!("bytes */{}", png.len()).as_str())));
    let etag = ask(&[]).await.header("etag").unwrap().to_owned();
    let known = ask(&[("if-none-match", &etag)]).await;
    assert_eq!((known.status, known.body.len(), known.header("etag")), (304, 0, Some(etag.as_str())));
    assert_eq!(ask(&[("range", "bytes=0-9"), ("if-range", &etag)]).await.status, 206);
    assert_eq!(ask(&[("range", "bytes=0-9"), ("if-range", "\"other\"")]).await.status, 200);
    assert_eq!(ask(&[("range", "bytes=0-9,20-29")]).await.body.len(), png.len(), "several are answered as a whole");
    let head = story.app.caller.request("HEAD", &path, &[], b"");
    let mut told = Exchange::begin(story.app.gateway.addr, &head).await.unwrap();
    assert_eq!((told.status(), told.header("content-length").map(str::to_owned)), (200, Some(png.len().to_string())));
    assert_eq!(told.frame().await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_else_gets_it() {
    let story = Story::start(Sqlite).await;
    let (asset, _) = story.picture().await;
    let path = format!("/api/v1/assets/{}", asset.id);
    let stranger = story.app.stranger().await;
    stranger.get(&path).await.refused(404, "asset_not_found");
    stranger.get(&format!("/api/v1/tasks/{}/assets", story.task)).await.refused(404, "task_not_found");
    stranger.send("DELETE", &path, &[], b"").await.unwrap().rest().await.refused(404, "asset_not_found");
    story.open(&path).await.refused(401, "invalid_api_key");
    story.app.caller.get("/api/v1/assets/asset_01h455vb4pex5vsknk084sn02q").await.refused(404, "asset_not_found");
    story.app.caller.get("/api/v1/assets/..%2f..%2fmaster.key").await.refused(404, "asset_not_found");

    let now = easyai_store::now();
    let good = story.link(&asset, now);
    assert_eq!(story.open(&good).await.status, 200);
    let expired = story.link(&asset, Timestamp::from_micros(now.micros() - 3_601_000_000));
    let other = good.replace(&asset.id.to_string(), "asset_01h455vb4pex5vsknk084sn02q");
    let longer = good.replace("expires=1", "expires=2");
    let bare = format!("/assets/{}", asset.id);
    for bad in [&expired, &other, &longer, &bare, &good[..good.len() - 1].to_owned()] {
        story.open(bad).await.refused(403, "permission_denied");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_asset_and_its_links_are_gone() {
    let story = Story::start(Sqlite).await;
    let (asset, _) = story.picture().await;
    let (path, link) = (format!("/api/v1/assets/{}", asset.id), story.link(&asset, easyai_store::now()));
    let deleted = story.app.caller.send("DELETE", &path, &[], b"").await.unwrap().rest().await;
    assert_eq!((deleted.status, deleted.body.len()), (204, 0));
    story.app.caller.get(&path).await.refused(404, "asset_not_found");
    story.open(&link).await.refused(404, "asset_not_found");
    story.app.caller.send("DELETE", &path, &[], b"").await.unwrap().rest().await.refused(404, "asset_not_found");
    assert_eq!(story.listed().await, Vec::<Value>::new());
    assert!(!story.app.program.file("assets").join(&asset.object_key).exists());
    let metrics = story.app.caller.get("/metrics").await.body_text();
    assert!(metrics.contains("easyai_assets_deleted_total 1\n"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_medium_is_saved_and_never_shown() {
    let story = Story::start(Sqlite).await;
    let asset = story.store(1, [Bytes::from_static(b"<html><script>alert(1)</script>")]).await;
    let answer = story.app.caller.get(&format!("/api/v1/assets/{}", asset.id)).await;
    assert_eq!(answer.header("content-type"), Some("application/octet-stream"));
    assert_eq!(answer.header("content-disposition"), Some(format!("attachment; filename=\"{}.bin\"", asset.id).as_str()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn assets_whose_time_is_over_go_by_themselves() {
    let mut story = Story::start(Sqlite).await;
    story.store = beside(&story.app, &story.db, Some(Duration::from_micros(1))).await;
    let (asset, _) = story.picture().await;
    let file = story.app.program.file("assets").join(&asset.object_key);
    story.app.caller.get(&format!("/api/v1/assets/{}", asset.id)).await.refused(404, "asset_not_found");
    story.db.close().await;
    // It sweeps when it starts, and every few minutes.
    story.app.gateway.kill();
    story.app.restart().await;
    within(Duration::from_secs(10), "the file is gone", async || !file.exists()).await;
}

/// The most memory a process had, in bytes.
fn peak(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() * 1024
}

/// Mebibytes: enough to show on a memory that is not bounded. 2048 was seen to pass too.
const LARGE: usize = 192;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_asset_passes_through_in_little_memory() {
    let story = Story::with(Setup::new(Catalog::default().simulation("offline", "").offer("offline", "demo"))).await;
    let (pid, ours) = (story.app.gateway.pid(), std::process::id());
    let piece = Bytes::from(vec![7; 1 << 20]);
    let before = [peak(pid), peak(ours)];
    let asset = story.store(0, std::iter::repeat_n(piece, LARGE)).await;
    assert_eq!(asset.size_bytes, (LARGE as u64) << 20);
    let request = story.app.caller.request("GET", &format!("/api/v1/assets/{}", asset.id), &[], b"");
    // Read past without being kept, so that only the gateway's memory grows.
    let mut socket = tokio::net::TcpStream::connect(story.app.gateway.addr).await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut socket, &request).await.unwrap();
    let read = tokio::io::copy(&mut socket, &mut tokio::io::sink()).await.unwrap();
    assert!(read > (LARGE as u64) << 20, "{read}");
    for (before, now) in before.into_iter().zip([peak(pid), peak(ours)]) {
        // The kernel sums these numbers up roughly: the peak may be told a little lower than before.
        let grown = now.saturating_sub(before);
        assert!(grown < 64 << 20, "grew by {} MiB", grown >> 20);
    }
}

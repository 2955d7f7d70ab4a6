//! The database gone, the disk full: 503 in bounded time, nothing answered that is not booked, recovery by itself.

use std::process::Command;
use std::time::{Duration, Instant};

use easyai_bench::mock::{Answer as Said, Behaviour, MockUpstream};

use crate::app::gateway::readiness;
use crate::app::{Catalog, Setup, TestApp};
use crate::cluster::Cluster;
use crate::http::Answer;
use crate::patience::within;

/// What "bounded" means: a refusal is not worth a longer wait.
const BOUND: Duration = Duration::from_secs(10);

/// After it is back.
const RECOVERY: Duration = Duration::from_secs(20);

/// How long an answer waits for its booking here.
const FINISH_PATIENCE_MS: &str = "2000";

async fn upstream() -> MockUpstream {
    let said = Said { chunk_delay: Duration::from_millis(50), ..Said::of_deltas(20) };
    MockUpstream::start(Behaviour::always(said).with_latency(Duration::from_millis(500))).await.unwrap()
}

/// A plain call and a stream under way while `strike` happens; neither may end as if it had been booked.
async fn struck(app: &TestApp, upstream: &MockUpstream, strike: impl FnOnce()) -> [Answer; 2] {
    let before = upstream.calls();
    let [plain, stream] = [app.caller.chat("hello"), app.caller.chat("hello").streamed()];
    let calls = [tokio::spawn(async move { plain.answer().await }), tokio::spawn(async move { stream.answer().await })];
    upstream.wait_for(|stats| stats.calls == before + 2, Duration::from_secs(10)).await.unwrap();
    tokio::task::block_in_place(strike);
    let [plain, stream] = calls;
    [plain.await.unwrap(), stream.await.unwrap()]
}

async fn refuses_in_bounded_time(app: &TestApp, upstream: &MockUpstream) {
    let before = upstream.calls();
    for chat in [app.caller.chat("hello"), app.caller.chat("hello").streamed()] {
        let began = Instant::now();
        chat.answer().await.refused(503, "store_unavailable");
        assert!(began.elapsed() < BOUND, "{:?}", began.elapsed());
    }
    assert_eq!(upstream.calls(), before, "nothing is sent that is not on record");
}

async fn recovers(app: &TestApp) {
    let addr = app.gateway.addr;
    within(RECOVERY, "it is ready again", async || readiness(addr).await == Some(200)).await;
    let chat = app.caller.chat("hello");
    within(RECOVERY, "it serves again", async || chat.answer().await.is_complete()).await;
    within(RECOVERY, "nothing is held", async || app.caller.wallet().await.1.nanos() == 0).await;
    app.everything_is_settled("1000").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_gone_is_survived() {
    let cluster = Cluster::start();
    let upstream = upstream().await;
    let setup = Setup::new(Catalog::demo(&upstream.base_url())).at(cluster.url()).with("EASYAI_FINISH_PATIENCE_MS", FINISH_PATIENCE_MS);
    let app = setup.start().await;
    let booked = app.caller.chat("hello").answer().await.ok().task();

    let [plain, stream] = struck(&app, &upstream, || cluster.stop_at_once()).await;
    let plain = plain.refused(503, "store_unavailable").task();
    assert!(!stream.is_complete() && stream.error_code().is_some(), "{stream}");
    refuses_in_bounded_time(&app, &upstream).await;
    assert_eq!(readiness(app.gateway.addr).await, Some(503));
    let answer = app.caller.get("/api/v1/wallet").await;
    assert_eq!(answer.status, 503, "{answer}");

    tokio::task::block_in_place(|| cluster.start_again());
    recovers(&app).await;
    assert_eq!(app.caller.task(&booked).await["status"], "succeeded");
    // It was not delivered, so it is not charged.
    assert_eq!(app.caller.task(&plain).await["charge"], "0");
    drop(app);
}

/// Bytes that a file may have while the disk is "full": less than one page, so that nothing can be written anywhere, the log included.
const FULL: &str = "4096:unlimited";
const ROOM: &str = "unlimited:unlimited";

fn limit_files(pid: u32, limit: &str) {
    let status = Command::new("prlimit").args(["--pid", &pid.to_string(), &format!("--fsize={limit}")]).status();
    assert!(status.expect("this test needs prlimit (Debian: apt-get install util-linux)").success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_survived() {
    let upstream = upstream().await;
    // A limit on the size of files is a disk that is full for this process alone; the signal it comes with is ignored.
    let setup =
        Setup::new(Catalog::demo(&upstream.base_url())).wrapped("trap '' XFSZ;").with("EASYAI_FINISH_PATIENCE_MS", FINISH_PATIENCE_MS);
    let app = setup.start().await;
    let pid = app.gateway.pid();
    app.caller.chat("hello").answer().await.ok();

    let [plain, stream] = struck(&app, &upstream, || limit_files(pid, FULL)).await;
    let plain = plain.refused(503, "store_unavailable").task();
    assert!(!stream.is_complete() && stream.error_code().is_some(), "{stream}");
    refuses_in_bounded_time(&app, &upstream).await;
    // What is written can still be read.
    assert_eq!(app.caller.get("/api/v1/tasks").await.status, 200);

    limit_files(pid, ROOM);
    recovers(&app).await;
    assert_eq!(app.caller.task(&plain).await["charge"], "0");
}

//! A database that fails and comes back.

use std::sync::Arc;

use easyai_core::id::TaskId;
use easyai_core::task::TaskStatus;
use easyai_store::journal::{Begun, Finished};
use easyai_store::testing::TestEngine::{self, Postgres, Sqlite};
use easyai_store::{Db, Journal, StoreError, tasks};
use rstest::rstest;
use tokio::task::JoinSet;

use crate::fixture::{Fixture, money};
use crate::proxy::{LazyProxy, Mode};

/// Ends every session of this database but the one that asks.
const KILL_ALL: &str =
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";

async fn finished_at_last(fixture: &Fixture, task: TaskId, charge: i64) {
    let end = fixture.succeed(task, charge);
    loop {
        match fixture.journal.finish(end.clone()).await {
            Ok(finished) => return assert_eq!(finished, Finished::Done { charged: money(charge) }),
            Err(error) => assert!(error.is_temporary(), "{error}"),
        }
    }
}

#[tokio::test]
async fn an_idle_session_that_was_killed_is_not_noticed() {
    let fixture = Fixture::new(Postgres, 1000).await;
    let task = fixture.begun(10).await;
    fixture.test.raw(&[KILL_ALL]).await;
    fixture.done(fixture.succeed(task, 5), 5).await;
    fixture.begun(10).await;
    fixture.assert_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_killed_under_load_lose_and_double_nothing() {
    let fixture = Arc::new(Fixture::new(Postgres, 1_000_000).await);
    let mut callers = JoinSet::new();
    for _ in 0..16 {
        let fixture = Arc::clone(&fixture);
        callers.spawn(async move {
            let mut charged = 0;
            for _ in 0..25 {
                let begin = fixture.begin(10);
                let task = begin.task;
                match fixture.journal.begin(begin).await {
                    Ok(begun) => assert_eq!(begun, Begun::Begun),
                    Err(error) => {
                        assert!(error.is_temporary(), "{error}");
                        continue;
                    }
                }
                finished_at_last(&fixture, task, 7).await;
                charged += 7;
            }
            charged
        });
    }
    for _ in 0..20 {
        fixture.test.raw(&[KILL_ALL]).await;
        fixture.journal.flush().await.ok();
    }
    let charged: i64 = callers.join_all().await.into_iter().sum();
    // Orphans of begins whose commit got no answer end with the next batches.
    fixture.begun(0).await;
    fixture.journal.flush().await.unwrap();
    assert_eq!(fixture.wallet().await, (1_000_000 - charged, 0));
    fixture.assert_clean().await;
}

#[tokio::test]
async fn a_server_that_hangs_is_an_error_in_bounded_time_and_used_again_when_it_answers() {
    let mut fixture = Fixture::new(Postgres, 1000).await;
    let lazy = LazyProxy::to(&fixture.test.url_text()).await;
    let db = Db::open(&lazy.url.parse().unwrap()).await.unwrap();
    fixture.journal = Journal::start(&db).unwrap();
    let task = fixture.begun(10).await;
    lazy.mode.send_replace(Mode::Frozen);
    // From here on nothing happens but time-outs, and the paused clock jumps from one to the next.
    tokio::time::pause();
    let start = tokio::time::Instant::now();
    for refused in
        [fixture.journal.begin(fixture.begin(1)).await.map(drop), fixture.journal.finish(fixture.succeed(task, 5)).await.map(drop)]
    {
        assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    }
    assert!(matches!(tasks::get(&db, task).await, Err(StoreError::Unavailable(_))));
    assert!(start.elapsed() < std::time::Duration::from_secs(10), "{:?}", start.elapsed());
    tokio::time::resume();
    lazy.mode.send_replace(Mode::Passing);
    finished_at_last(&fixture, task, 5).await;
    fixture.begun(10).await;
    assert!(tasks::get(&db, task).await.is_ok());
    fixture.assert_clean().await;
}

#[tokio::test]
async fn a_commit_whose_answer_got_lost_is_looked_up() {
    let mut fixture = Fixture::new(Postgres, 1000).await;
    let lazy = LazyProxy::to(&fixture.test.url_text()).await;
    let db = Db::open(&lazy.url.parse().unwrap()).await.unwrap();
    fixture.journal = Journal::start(&db).unwrap();
    for round in 1..=3 {
        lazy.mode.send_replace(Mode::CutAtCommit);
        let task = fixture.begun(10).await;
        assert_eq!(*lazy.mode.borrow(), Mode::Passing, "the connection was cut");
        assert_eq!(fixture.wallet().await, (1000 - 5 * (round - 1), 10));
        lazy.mode.send_replace(Mode::CutAtCommit);
        fixture.done(fixture.succeed(task, 5), 5).await;
        assert_eq!(*lazy.mode.borrow(), Mode::Passing, "the connection was cut");
        assert_eq!(fixture.wallet().await, (1000 - 5 * round, 0));
    }
    fixture.assert_clean().await;
}

#[rstest]
#[tokio::test]
async fn one_bad_piece_of_work_does_not_spoil_the_batch(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Fixture::new(engine, 1000).await;
    let task = fixture.begun(10).await;
    // The same task id again: a mistake of the caller, refused by the primary key.
    let mut twice = fixture.begin(10);
    twice.task = task;
    let (refused, good) = tokio::join!(fixture.journal.begin(twice), fixture.journal.begin(fixture.begin(20)));
    assert!(matches!(refused, Err(StoreError::Conflict(_) | StoreError::Statement(_))), "{refused:?}");
    assert_eq!(good, Ok(Begun::Begun));
    assert_eq!(fixture.wallet().await, (1000, 30));
    fixture.assert_clean().await;
}

#[tokio::test]
async fn a_file_that_can_not_be_written_is_used_again_when_it_can() {
    let fixture = Fixture::new(Sqlite, 1000).await;
    let task = fixture.begun(10).await;
    // A table that is gone stands for a disk that fails: root may write to what is read-only.
    fixture.test.raw(&["ALTER TABLE tasks RENAME TO hidden"]).await;
    assert!(fixture.journal.begin(fixture.begin(1)).await.is_err());
    assert!(fixture.journal.finish(fixture.succeed(task, 5)).await.is_err());
    fixture.test.raw(&["ALTER TABLE hidden RENAME TO tasks"]).await;
    fixture.done(fixture.succeed(task, 5), 5).await;
    fixture.begun(10).await;
    fixture.assert_clean().await;
}

#[tokio::test]
async fn a_full_disk_refuses_and_recovers() {
    let mut fixture = Fixture::new(Sqlite, 1000).await;
    let task = fixture.begun(10).await;
    let easyai_store::Db::Sqlite(db) = &fixture.test.db else { panic!("this test is for files") };
    fixture.journal = Journal::start_on_full_disk(db).unwrap();
    let refused = fixture.journal.finish(big(&fixture, task)).await;
    assert!(matches!(refused, Err(StoreError::Unwritable(_))), "{refused:?}");
    assert_eq!(tasks::get(&fixture.test.db, task).await.unwrap().unwrap().status, TaskStatus::Running);
    assert_eq!(fixture.wallet().await, (1000, 10));
    // The connection that failed was dropped; on the next one there is room.
    fixture.done(big(&fixture, task), 5).await;
    fixture.assert_clean().await;
}

fn big(fixture: &Fixture, task: TaskId) -> easyai_store::journal::Finish {
    let mut end = fixture.succeed(task, 5);
    end.trace_json = format!("\"{}\"", "x".repeat(1 << 20));
    end
}

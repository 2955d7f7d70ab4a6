//! What begins, and what does not.

use std::sync::Arc;

use easyai_core::task::TaskStatus;
use easyai_store::StoreError;
use easyai_store::journal::{Begun, Idempotency};
use easyai_store::testing::TestEngine::{self, Postgres, Sqlite};
use rstest::rstest;
use tokio::task::JoinSet;

use crate::fixture::{Fixture, begin, money};

fn idempotent(key: &str, body: u8) -> Option<Idempotency> {
    Some(Idempotency { key: key.to_owned(), body_hash: [body; 32] })
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_64_at_once_exactly_those_begin_that_the_wallet_covers(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Arc::new(Fixture::new(engine, 100).await);
    let mut tasks = JoinSet::new();
    for _ in 0..64 {
        let fixture = Arc::clone(&fixture);
        tasks.spawn(async move {
            let begin = fixture.begin(10);
            let task = begin.task;
            let begun = fixture.journal.begin(begin).await.unwrap();
            if begun == Begun::Begun {
                fixture.done(fixture.succeed(task, 10), 10).await;
            }
            begun
        });
    }
    let begun = tasks.join_all().await;
    assert_eq!(begun.iter().filter(|begun| **begun == Begun::Begun).count(), 10);
    assert!(begun.iter().all(|begun| matches!(begun, Begun::Begun | Begun::Insufficient { .. })));
    assert_eq!(fixture.wallet().await, (0, 0));
    fixture.assert_clean().await;
}

#[rstest]
#[tokio::test]
async fn what_is_held_is_not_available(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Fixture::new(engine, 100).await;
    fixture.begun(60).await;
    assert_eq!(fixture.journal.begin(fixture.begin(41)).await, Ok(Begun::Insufficient { available: money(40) }));
    assert_eq!(fixture.wallet().await, (100, 60));
    fixture.assert_clean().await;
}

#[rstest]
#[tokio::test]
async fn an_account_without_a_wallet_begins_nothing(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Fixture::new(engine, 100).await;
    let stranger = easyai_core::id::AccountId::from_uuid(uuid::Uuid::now_v7());
    let refused = fixture.journal.begin(begin(stranger, fixture.node, 0)).await;
    assert!(matches!(refused, Err(StoreError::NotFound(_))), "{refused:?}");
    // It did not spoil the next one.
    fixture.begun(1).await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_50_with_one_idempotency_key_one_begins(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Arc::new(Fixture::new(engine, 1000).await);
    let mut tasks = JoinSet::new();
    for _ in 0..50 {
        let fixture = Arc::clone(&fixture);
        tasks.spawn(async move {
            let mut begin = fixture.begin(10);
            begin.idempotency = idempotent("once", 1);
            (begin.task, fixture.journal.begin(begin).await.unwrap())
        });
    }
    let begun = tasks.join_all().await;
    let first: Vec<_> = begun.iter().filter(|(_, begun)| *begun == Begun::Begun).collect();
    assert_eq!(first.len(), 1);
    let repeated = Begun::Repeated { task: first[0].0, status: TaskStatus::Running, same_body: true };
    assert_eq!(begun.iter().filter(|(_, begun)| *begun == repeated).count(), 49);
    assert_eq!(fixture.wallet().await, (1000, 10));
}

#[rstest]
#[tokio::test]
async fn an_idempotency_key_is_one_accounts_and_one_bodys(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Fixture::new(engine, 1000).await;
    let other = crate::fixture::account(&fixture.test, "other", 1000).await;
    let mut first = fixture.begin(10);
    first.idempotency = idempotent("once", 1);
    let task = first.task;
    assert_eq!(fixture.journal.begin(first).await, Ok(Begun::Begun));
    fixture.done(fixture.succeed(task, 7), 7).await;

    let mut changed = fixture.begin(10);
    changed.idempotency = idempotent("once", 2);
    let refused = Begun::Repeated { task, status: TaskStatus::Succeeded, same_body: false };
    assert_eq!(fixture.journal.begin(changed).await, Ok(refused));

    let mut others = begin(other, fixture.node, 10);
    others.idempotency = idempotent("once", 1);
    assert_eq!(fixture.journal.begin(others).await, Ok(Begun::Begun));
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_do_not_spend_the_same_money_or_key(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Arc::new(Fixture::new(engine, 100).await);
    let second = easyai_store::Journal::start(&fixture.test.db).unwrap();
    let mut tasks = JoinSet::new();
    for number in 0..60_u8 {
        let journal = if number % 2 == 0 { fixture.journal.clone() } else { second.clone() };
        let mut begin = fixture.begin(10);
        // Pairs share a key, one of each on either node.
        begin.idempotency = idempotent(&format!("key {}", number / 2), 1);
        tasks.spawn(async move { journal.begin(begin).await.unwrap() });
    }
    let begun = tasks.join_all().await;
    assert_eq!(begun.iter().filter(|begun| **begun == Begun::Begun).count(), 10);
    assert_eq!(fixture.wallet().await, (100, 100));
    fixture.assert_clean().await;
}

/// When a caller goes away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gone {
    BeforeItBegan,
    BeforeItHeardOfIt,
}

#[rstest]
#[tokio::test]
async fn a_task_whose_caller_went_away_while_it_began_is_ended(
    #[values(Sqlite, Postgres)] engine: TestEngine,
    #[values(Gone::BeforeItBegan, Gone::BeforeItHeardOfIt)] gone: Gone,
) {
    let fixture = Fixture::new(engine, 100).await;
    let mut abandoned = fixture.begin(10);
    abandoned.idempotency = idempotent("once", 1);
    let mut again = abandoned.clone();
    let task = abandoned.task;
    {
        let mut begin = std::pin::pin!(fixture.journal.begin(abandoned));
        // Polled once, so that it is queued; then dropped.
        std::future::poll_fn(|context| {
            assert!(begin.as_mut().poll(context).is_pending());
            std::task::Poll::Ready(())
        })
        .await;
        if gone == Gone::BeforeItHeardOfIt {
            // What was asked later is answered later: the answer to the begin lies ready.
            fixture.journal.flush().await.unwrap();
        }
    }
    // The end follows the begin: two more turns of the journal are after it.
    fixture.journal.flush().await.unwrap();
    fixture.journal.flush().await.unwrap();
    let ended = easyai_store::tasks::get(&fixture.test.db, task).await.unwrap().unwrap();
    assert_eq!(ended.status, TaskStatus::Failed);
    assert_eq!(fixture.wallet().await, (100, 0));
    // It is as if the key had never been used.
    again.task = fixture.begin(0).task;
    assert_eq!(fixture.journal.begin(again).await, Ok(Begun::Begun));
    fixture.assert_clean().await;
}

#[rstest]
#[tokio::test]
async fn a_full_queue_refuses_at_once(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Fixture::new(engine, 1_000_000).await;
    // On one thread nothing is answered while this loop runs without waiting: the futures are only queued.
    let mut waiting: Vec<_> = (0..5000).map(|_| Box::pin(fixture.journal.begin(fixture.begin(1)))).collect();
    let mut refused = 0;
    std::future::poll_fn(|context| {
        for begin in &mut waiting {
            if let std::task::Poll::Ready(Err(StoreError::Busy)) = begin.as_mut().poll(context) {
                refused += 1;
            }
        }
        std::task::Poll::Ready(())
    })
    .await;
    assert!(refused > 0 || engine == Sqlite, "SQLite's thread takes from the queue meanwhile");
}

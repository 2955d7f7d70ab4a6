//! Dead nodes and what they leave behind.

use std::sync::Arc;

use easyai_core::error::ErrorCode;
use easyai_core::event::EventType;
use easyai_core::task::{AttemptStatus, TaskStatus};
use easyai_core::usage::Usage;
use easyai_store::column::One;
use easyai_store::journal::{Begin, Checkpoint, Finished, Note};
use easyai_store::nodes::Node;
use easyai_store::sweep::sweep;
use easyai_store::testing::TestEngine::{self, Postgres, Sqlite};
use easyai_store::{StoreError, tasks};
use rstest::rstest;

use crate::fixture::{Fixture, attempt, bill, event, money};

async fn join(fixture: &Fixture) -> Result<Node, StoreError> {
    Node::join(&fixture.test.db, "here", "0.1.0").await
}

#[rstest]
#[tokio::test]
async fn what_a_dead_node_left_is_ended_and_charged_by_its_checkpoint(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let mut fixture = Fixture::new(engine, 1000).await;
    let dead = join(&fixture).await.unwrap();
    fixture.node = dead.id();
    let nothing_sent = fixture.begun(10).await;
    let half_way = fixture.begun(10).await;
    fixture.journal.note(Note { task: half_way, attempts: vec![attempt(1, AttemptStatus::Running)], events: vec![event(3)] });
    fixture.journal.checkpoint(&Checkpoint { task: half_way, usage: Usage::counted(12, 5), bill: bill(7) });
    let done = fixture.begun(10).await;
    fixture.done(fixture.succeed(done, 3), 3).await;
    fixture.journal.flush().await.unwrap();
    drop(dead);

    let node = join_when_free(&fixture).await;
    let swept = sweep(&fixture.test.db, &fixture.journal, &node, &Arc::from("USD")).await.unwrap();
    assert_eq!((swept.nodes, swept.tasks, swept.charged), (1, 2, money(7)));
    assert_eq!(fixture.wallet().await, (990, 0));
    fixture.assert_clean().await;

    let db = &fixture.test.db;
    for (task, charge, events) in [(nothing_sent, 0, 3), (half_way, 7, 5)] {
        let row = tasks::get(db, task).await.unwrap().unwrap();
        assert_eq!((row.status, row.code, row.charge), (TaskStatus::Failed, Some(ErrorCode::Interrupted), Some(money(charge))));
        let told = tasks::events(db, task, 1, &"USD".into()).await.unwrap();
        assert_eq!(told.iter().map(|event| event.seq).collect::<Vec<_>>(), (1..=events).collect::<Vec<_>>());
        assert_eq!(told.last().unwrap().event_type, EventType::Failed);
        let attempts = tasks::attempts(db, task).await.unwrap();
        assert_eq!((attempts.len(), attempts[0].status), (1, AttemptStatus::Failed));
    }
    // Once is enough.
    let again = sweep(db, &fixture.journal, &node, &Arc::from("USD")).await.unwrap();
    assert_eq!((again.nodes, again.tasks), (0, 0));
    // The dead node's own finish, come late, changes nothing.
    assert_eq!(fixture.journal.finish(fixture.succeed(half_way, 9)).await, Ok(Finished::AlreadyOver));
}

#[rstest]
#[tokio::test]
async fn a_task_that_called_nobody_has_no_attempt_however_it_ends(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let mut fixture = Fixture::new(engine, 1000).await;
    let dead = join(&fixture).await.unwrap();
    fixture.node = dead.id();
    // As the response cache begins one.
    let begin = Begin { platform: "".into(), ..fixture.begin(10) };
    let task = begin.task;
    fixture.journal.begin(begin).await.unwrap();
    let db = &fixture.test.db;
    let told = async || {
        let events = tasks::events(db, task, 1, &"USD".into()).await.unwrap();
        events.into_iter().map(|event| (event.seq, event.event_type)).collect::<Vec<_>>()
    };
    assert_eq!(told().await, [(1, EventType::Progress)]);
    drop(dead);

    let node = join_when_free(&fixture).await;
    sweep(db, &fixture.journal, &node, &Arc::from("USD")).await.unwrap();
    assert_eq!(told().await, [(1, EventType::Progress), (2, EventType::Failed)]);
    assert_eq!(tasks::get(db, task).await.unwrap().unwrap().attempts, 0);
    assert!(tasks::attempts(db, task).await.unwrap().is_empty());
    assert_eq!(fixture.wallet().await, (1000, 0));
    fixture.assert_clean().await;
}

/// A session's lock is free when the server has seen that the session is gone.
pub async fn join_when_free(fixture: &Fixture) -> Node {
    for _ in 0..1000 {
        let node = join(fixture).await.unwrap();
        let free = "SELECT id FROM nodes WHERE stopped_at IS NULL AND id <> $1";
        let mut conn = fixture.test.db.write().await.unwrap();
        let others = easyai_store::sql!(conn, all One<uuid::Uuid>, free, node.id().uuid()).unwrap();
        let mut all_free = true;
        if let easyai_store::Db::Postgres(_) = fixture.test.db {
            for (other,) in others {
                let number = other.as_u64_pair().1.cast_signed();
                let (taken,) = easyai_store::sql!(conn, one One<bool>, "SELECT pg_try_advisory_xact_lock($1)", number).unwrap();
                all_free &= taken;
            }
        }
        // Told to end, not dropped: a dropped transaction is rolled back at some later time, and keeps the lock until then.
        conn.commit().await.unwrap();
        if all_free {
            return node;
        }
        node.leave(&fixture.test.db).await.unwrap();
        tokio::task::yield_now().await;
    }
    panic!("the lock of the dead node is never free");
}

#[rstest]
#[tokio::test]
async fn a_node_that_left_in_order_leaves_nothing_to_sweep(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Fixture::new(engine, 1000).await;
    let first = join(&fixture).await.unwrap();
    first.leave(&fixture.test.db).await.unwrap();
    let second = join(&fixture).await.unwrap();
    let swept = sweep(&fixture.test.db, &fixture.journal, &second, &Arc::from("USD")).await.unwrap();
    assert_eq!(swept.nodes, 0);
}

#[tokio::test]
async fn one_file_is_served_by_one_process() {
    let fixture = Fixture::new(Sqlite, 0).await;
    let first = join(&fixture).await.unwrap();
    let refused = join(&fixture).await.unwrap_err();
    assert!(refused.to_string().contains("another gateway serves this database"), "{refused}");
    drop(first);
    join(&fixture).await.unwrap();
}

#[tokio::test]
async fn a_living_node_is_not_swept() {
    let mut fixture = Fixture::new(Postgres, 1000).await;
    let living = join(&fixture).await.unwrap();
    fixture.node = living.id();
    let task = fixture.begun(10).await;
    let other = join(&fixture).await.unwrap();
    let swept = sweep(&fixture.test.db, &fixture.journal, &other, &Arc::from("USD")).await.unwrap();
    assert_eq!((swept.nodes, swept.tasks), (0, 0));
    fixture.done(fixture.succeed(task, 1), 1).await;
}

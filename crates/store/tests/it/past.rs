//! The past, page by page.

use easyai_core::id::TaskId;
use easyai_core::replay::TaskRecord;
use easyai_core::task::{AttemptStatus, TaskStatus};
use easyai_store::history::{History, PAGE, Span};
use easyai_store::sql;
use easyai_store::testing::TestEngine::{self, Postgres, Sqlite};
use rstest::rstest;
use uuid::Uuid;

use crate::fixture::{Fixture, account, attempt, begin};

async fn all(fixture: &Fixture, span: &Span) -> Vec<TaskRecord> {
    let (mut history, mut found) = (History::new(&fixture.test.db, span), Vec::new());
    loop {
        let page = history.next().await.unwrap();
        if page.is_empty() {
            return found;
        }
        assert!(page.len() <= PAGE);
        found.extend(page);
    }
}

fn ids(records: &[TaskRecord]) -> Vec<TaskId> {
    records.iter().map(|record| record.id).collect()
}

#[rstest]
#[tokio::test]
async fn a_task_comes_with_its_attempts_and_its_trace(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Fixture::new(engine, 100).await;
    let (done, running) = (fixture.begun(10).await, fixture.begun(10).await);
    let mut finish = fixture.succeed(done, 7);
    finish.attempts = vec![attempt(1, AttemptStatus::Failed), attempt(2, AttemptStatus::Succeeded)];
    fixture.done(finish, 7).await;

    let found = all(&fixture, &Span::default()).await;
    assert_eq!(ids(&found), [done, running]);
    let (first, second) = (&found[0], &found[1]);
    assert_eq!(
        (first.status, first.charge.map(|charge| charge.nanos()), first.trace.as_deref()),
        (TaskStatus::Succeeded, Some(7), Some("{\"candidates\": []}"))
    );
    let numbers: Vec<_> = first.attempts.iter().map(|attempt| (attempt.number, attempt.status)).collect();
    assert_eq!(numbers, [(1, AttemptStatus::Failed), (2, AttemptStatus::Succeeded)]);
    assert_eq!((first.attempts[0].first_delta_ms, first.attempts[0].duration_ms), (Some(5), Some(9)));
    assert_eq!((second.status, second.attempts.len(), second.finished_at), (TaskStatus::Running, 0, None));
}

#[rstest]
#[tokio::test]
async fn a_span_leaves_out_what_was_not_asked_for(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Fixture::new(engine, 100).await;
    let other = account(&fixture.test, "other", 10).await;
    let first = fixture.begun(1).await;
    fixture.done(fixture.succeed(first, 1), 1).await;
    let mut foreign = begin(other, fixture.node, 1);
    foreign.model = "other-model".into();
    let (second, at) = (foreign.task, foreign.started_at);
    fixture.journal.begin(foreign).await.unwrap();

    let of = async |span: Span| ids(&all(&fixture, &span).await);
    assert_eq!(of(Span { account: Some(fixture.account), ..Span::default() }).await, [first]);
    assert_eq!(of(Span { model: Some("other-model".to_owned()), ..Span::default() }).await, [second]);
    assert_eq!(of(Span { since: Some(at), ..Span::default() }).await, [second]);
    assert_eq!(of(Span { until: Some(at), ..Span::default() }).await, [first]);
    assert_eq!(all(&fixture, &Span { account: Some(fixture.account), ..Span::default() }).await[0].attempts.len(), 1);
    let nothing = Span { since: Some(at), until: Some(at), ..Span::default() };
    assert_eq!(of(nothing).await, []);
}

#[rstest]
#[tokio::test]
async fn pages_follow_one_another_without_gap_or_repetition(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Fixture::new(engine, 1_000).await;
    let task = fixture.begun(1).await;
    fixture.done(fixture.succeed(task, 1), 1).await;
    let mut tx = fixture.test.db.write().await.unwrap();
    let mut expected = vec![task];
    for _ in 0..2 * PAGE {
        let id = TaskId::from_uuid(Uuid::now_v7());
        // As the first, under another id.
        let tasks = "INSERT INTO tasks (id, account_id, key_id, node_id, kind, model, model_type, stream, simulated, status,
                platform_model_id, platform, hold, input_tokens, expected_output_tokens, price_id, catalog_revision, runner_policy_id,
                started_at, attempts)
            SELECT $1, account_id, key_id, node_id, kind, model, model_type, stream, simulated, status, platform_model_id, platform, hold,
                input_tokens, expected_output_tokens, price_id, catalog_revision, runner_policy_id, started_at, attempts
            FROM tasks WHERE id = $2";
        let attempts = "INSERT INTO attempts (task_id, number, id, platform_model_id, platform, status, started_at)
            SELECT $1, number, id, platform_model_id, platform, status, started_at FROM attempts WHERE task_id = $2";
        sql!(tx, execute tasks, id.uuid(), task.uuid()).unwrap();
        sql!(tx, execute attempts, id.uuid(), task.uuid()).unwrap();
        expected.push(id);
    }
    tx.commit().await.unwrap();
    let found = all(&fixture, &Span::default()).await;
    assert_eq!(ids(&found), expected);
    assert!(found.iter().all(|record| record.attempts.len() == 1));
}

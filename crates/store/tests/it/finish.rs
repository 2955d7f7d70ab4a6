//! How tasks end: once, exactly, together with everything that says so.

use easyai_core::error::ErrorCode;
use easyai_core::kind::RunMode;
use easyai_core::task::{AttemptStatus, TaskStatus};
use easyai_core::usage::Usage;
use easyai_store::journal::{AttemptFailure, Begun, Checkpoint, Finished, Journal, Note, Raised, RecordedAnswer};
use easyai_store::tasks;
use easyai_store::testing::TestEngine::{self, Postgres, Sqlite};
use rstest::rstest;

use crate::fixture::{Fixture, attempt, bill, event, finish, money, now};

#[rstest]
#[tokio::test]
async fn a_task_is_charged_once_and_its_hold_is_free_again(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Fixture::new(engine, 100).await;
    let task = fixture.begun(60).await;
    let finish = fixture.succeed(task, 42);
    fixture.done(finish.clone(), 42).await;
    assert_eq!(fixture.wallet().await, (58, 0));
    // The same again: it is done, and nothing changes.
    fixture.done(finish, 42).await;
    // Another end: too late.
    let mut other = fixture.succeed(task, 1);
    other.finished_at = other.finished_at.plus(std::time::Duration::from_secs(1));
    assert_eq!(fixture.journal.finish(other).await, Ok(Finished::AlreadyOver));
    assert_eq!(fixture.wallet().await, (58, 0));
    fixture.assert_clean().await;
}

#[rstest]
#[tokio::test]
async fn a_charge_may_exceed_its_hold_and_is_booked_in_full(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Fixture::new(engine, 10).await;
    let task = fixture.begun(10).await;
    fixture.done(fixture.succeed(task, 15), 15).await;
    assert_eq!(fixture.wallet().await, (-5, 0));
    assert_eq!(fixture.journal.begin(fixture.begin(1)).await, Ok(Begun::Insufficient { available: money(-5) }));
    fixture.assert_clean().await;
}

#[rstest]
#[tokio::test]
async fn a_simulated_task_is_billed_but_not_charged(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Fixture::new(engine, 10).await;
    let mut begin = fixture.begin(0);
    begin.run_mode = RunMode::Simulation;
    let task = begin.task;
    assert_eq!(fixture.journal.begin(begin).await, Ok(Begun::Begun));
    fixture.done(fixture.succeed(task, 7), 0).await;
    let row = tasks::get(&fixture.test.db, task).await.unwrap().unwrap();
    assert_eq!((row.charge, row.bill), (Some(money(0)), Some(bill(7))));
    assert_eq!(fixture.wallet().await, (10, 0));
    fixture.assert_clean().await;
}

#[rstest]
#[tokio::test]
async fn a_failed_task_gives_its_hold_back(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Fixture::new(engine, 10).await;
    let task = fixture.begun(10).await;
    let mut failed = finish(fixture.account, task, TaskStatus::Failed, 0);
    failed.bill = None;
    failed.usage = None;
    failed.code = Some(ErrorCode::UpstreamError);
    failed.message = Some("all platforms failed".to_owned());
    fixture.done(failed, 0).await;
    let row = tasks::get(&fixture.test.db, task).await.unwrap().unwrap();
    assert_eq!((row.status, row.code, row.charge), (TaskStatus::Failed, Some(ErrorCode::UpstreamError), Some(money(0))));
    assert_eq!(fixture.wallet().await, (10, 0));
    fixture.assert_clean().await;
}

#[rstest]
#[tokio::test]
async fn a_task_that_somebody_else_ended_is_not_charged_again(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Fixture::new(engine, 100).await;
    let (task, mine) = (fixture.begun(10).await, fixture.begun(10).await);
    let other = Journal::start(&fixture.test.db).unwrap();
    assert_eq!(other.finish(fixture.succeed(task, 5)).await, Ok(Finished::Done { charged: money(5) }));
    // Both in one commit, if it comes so: what is late must not take the other with it.
    let (late, own) = tokio::join!(fixture.journal.finish(fixture.succeed(task, 7)), fixture.journal.finish(fixture.succeed(mine, 3)));
    assert_eq!((late, own), (Ok(Finished::AlreadyOver), Ok(Finished::Done { charged: money(3) })));
    assert_eq!(fixture.wallet().await, (92, 0));
    fixture.assert_clean().await;
}

#[rstest]
#[tokio::test]
async fn the_hold_of_a_task_that_somebody_else_ended_does_not_grow(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Fixture::new(engine, 100).await;
    let task = fixture.begun(10).await;
    let other = Journal::start(&fixture.test.db).unwrap();
    assert_eq!(other.finish(fixture.succeed(task, 5)).await, Ok(Finished::Done { charged: money(5) }));
    assert_eq!(fixture.journal.raise_hold(task, fixture.account, money(60)).await, Ok(Raised::AlreadyOver));
    assert_eq!(fixture.wallet().await, (95, 0));
    fixture.assert_clean().await;
}

#[rstest]
#[tokio::test]
async fn a_task_that_never_began_can_not_end(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Fixture::new(engine, 10).await;
    let task = fixture.begin(1).task;
    assert_eq!(fixture.journal.finish(fixture.succeed(task, 5)).await, Ok(Finished::AlreadyOver));
    assert_eq!(fixture.wallet().await, (10, 0));
    let running = fixture.begun(1).await;
    let unfinished = finish(fixture.account, running, TaskStatus::Running, 5);
    assert!(fixture.journal.finish(unfinished).await.is_err());
    fixture.assert_clean().await;
}

#[rstest]
#[tokio::test]
async fn a_hold_grows_only_by_what_is_available(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Fixture::new(engine, 100).await;
    let task = fixture.begun(10).await;
    let raise = |to| fixture.journal.raise_hold(task, fixture.account, money(to));
    assert_eq!(raise(60).await, Ok(Raised::Raised));
    assert_eq!(raise(50).await, Ok(Raised::Raised));
    assert_eq!(fixture.wallet().await, (100, 60));
    assert_eq!(raise(101).await, Ok(Raised::Insufficient { available: money(40) }));
    assert_eq!(fixture.wallet().await, (100, 60));
    fixture.assert_clean().await;
    fixture.done(fixture.succeed(task, 1), 1).await;
    assert_eq!(raise(60).await, Ok(Raised::AlreadyOver));
    assert_eq!(fixture.wallet().await, (99, 0));
    fixture.assert_clean().await;
}

#[rstest]
#[tokio::test]
async fn everything_said_at_the_end_can_be_read(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Fixture::new(engine, 100).await;
    let task = fixture.begun(60).await;
    let mut end = fixture.succeed(task, 42);
    let mut failed = attempt(1, AttemptStatus::Failed);
    let failure = AttemptFailure {
        category: easyai_core::failure::Category::Overloaded,
        code: Some("busy".to_owned()),
        http_status: Some(503),
        message: "busy".to_owned(),
    };
    failed.failure = Some(failure.clone());
    failed.trace_json = Some("{\"reason\": \"x\"}".to_owned());
    end.attempts = vec![failed, attempt(2, AttemptStatus::Succeeded)];
    let body = bytes::Bytes::from("{\"id\": \"chatcmpl\"}".repeat(100));
    end.answer = Some(RecordedAnswer { status: 200, content_type: "application/json".to_owned(), body, response: None });
    fixture.done(end.clone(), 42).await;

    let db = &fixture.test.db;
    let row = tasks::get(db, task).await.unwrap().unwrap();
    assert_eq!((row.status, row.charge, row.cost, row.attempts), (TaskStatus::Succeeded, Some(money(42)), Some(money(21)), 2));
    assert_eq!((row.usage, row.bill), (end.usage, end.bill));
    assert_eq!((row.finished_at, row.served_by, row.upstream_request_id), (Some(end.finished_at), end.served_by, end.upstream_request_id));
    assert_eq!(tasks::trace(db, task).await.unwrap().as_deref(), Some("{\"candidates\": []}"));
    assert_eq!(tasks::answer(db, task).await.unwrap(), end.answer);
    assert_eq!(tasks::events(db, task, 1, &"USD".into()).await.unwrap(), end.events);
    assert_eq!(tasks::events(db, task, 4, &"USD".into()).await.unwrap().len(), 1);
    let attempts = tasks::attempts(db, task).await.unwrap();
    assert_eq!(attempts.iter().map(|attempt| attempt.number).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(attempts[0].failure, Some(failure));
    assert_eq!(attempts[0].trace_json.as_deref(), Some("{\"reason\": \"x\"}"));
}

#[rstest]
#[tokio::test]
async fn a_running_task_can_be_watched(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Fixture::new(engine, 100).await;
    let mut committed = fixture.journal.subscribe();
    let task = fixture.begun(60).await;
    assert_eq!(committed.recv().await, Ok(task));
    let db = &fixture.test.db;
    let implied = tasks::events(db, task, 1, &"USD".into()).await.unwrap();
    assert_eq!(implied.iter().map(|event| event.seq).collect::<Vec<_>>(), [1, 2]);

    let events = vec![event(3), event(4)];
    fixture.journal.note(Note { task, attempts: vec![attempt(1, AttemptStatus::Running)], events });
    fixture.journal.note(Note { task, attempts: vec![attempt(1, AttemptStatus::Failed)], events: vec![event(5)] });
    fixture.journal.checkpoint(&Checkpoint { task, usage: Usage::counted(12, 5), bill: bill(5) });
    fixture.journal.checkpoint(&Checkpoint { task, usage: Usage::counted(12, 6), bill: bill(6) });
    fixture.journal.flush().await.unwrap();
    assert_eq!(committed.recv().await, Ok(task));
    let noted = tasks::events(db, task, 1, &"USD".into()).await.unwrap();
    assert_eq!(noted.iter().map(|event| event.seq).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    assert_eq!(noted[..2], implied);
    assert_eq!(tasks::attempts(db, task).await.unwrap()[0].status, AttemptStatus::Failed);
    let row = tasks::get(db, task).await.unwrap().unwrap();
    assert_eq!((row.usage, row.bill, row.charge), (Some(Usage::counted(12, 6)), Some(bill(6)), None));
    fixture.assert_clean().await;

    let mut end = fixture.succeed(task, 9);
    end.events = (1..=7).map(event).collect();
    fixture.done(end, 9).await;
    // Too late for a checkpoint.
    fixture.journal.checkpoint(&Checkpoint { task, usage: Usage::counted(1, 1), bill: bill(1) });
    fixture.journal.flush().await.unwrap();
    assert_eq!(tasks::get(db, task).await.unwrap().unwrap().bill, Some(bill(9)));
    assert_eq!(tasks::events(db, task, 1, &"USD".into()).await.unwrap().len(), 7);
    assert!(now() >= row.started_at);
}

#[rstest]
#[tokio::test]
async fn the_events_of_a_task_that_went_well_at_once_follow_from_its_row(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Fixture::new(engine, 100).await;
    let task = fixture.begun(60).await;
    let mut end = fixture.succeed(task, 42);
    end.events = Vec::new();
    end.attempts = vec![attempt(1, AttemptStatus::Succeeded)];
    fixture.done(end.clone(), 42).await;
    let events = tasks::events(&fixture.test.db, task, 1, &"USD".into()).await.unwrap();
    let names: Vec<_> = events.iter().map(|event| (event.seq, event.event_type.as_str())).collect();
    assert_eq!(names, [(1, "task.progress"), (2, "task.attempt.started"), (3, "task.billing.settled"), (4, "task.completed")]);
    let json = serde_json::to_string(&events[3]).unwrap();
    assert!(json.contains("\"charge\":\"0.000000042\"") && events[3].at == end.finished_at, "{json}");
}

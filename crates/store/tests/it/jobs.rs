//! Jobs as rows: claimed once, in turn between accounts, taken over from the dead, and never written by who has lost them.

use std::sync::Arc;

use bytes::Bytes;
use easyai_core::id::{AccountId, PlatformModelId, TaskId};
use easyai_core::job::JobState;
use easyai_core::kind::{Kind, RunMode};
use easyai_core::media::MediaUsage;
use easyai_core::task::TaskStatus;
use easyai_core::time::Timestamp;
use easyai_core::usage::Usage;
use easyai_store::jobs::{self, Accepted, NewJob, RequestHead, SavedRequest, Submission, Written};
use easyai_store::journal::{Begin, Begun, Finish};
use easyai_store::nodes::Node;
use easyai_store::sweep::sweep;
use easyai_store::tasks;
use easyai_store::testing::TestEngine::{self, Postgres, Sqlite};
use rstest::rstest;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::fixture::{Fixture, account, begin, now};

async fn queued_for(fixture: &Fixture, account: AccountId, priority: i64) -> TaskId {
    let begin = Begin { platform: "".into(), job: Some(NewJob { priority, deadline: None }), ..begin(account, fixture.node, 10) };
    let task = begin.task;
    assert_eq!(fixture.journal.begin(begin).await, Ok(Begun::Begun));
    task
}

async fn queued(fixture: &Fixture) -> TaskId {
    queued_for(fixture, fixture.account, 0).await
}

fn soon() -> Timestamp {
    now().plus(std::time::Duration::from_secs(1))
}

fn accepted(id: &str) -> Accepted {
    let asked = Some(Usage::of_media(MediaUsage::Video { millis: 5_000, resolution: None, audio: false, video_input: false }));
    Accepted { upstream_job_id: id.to_owned(), asked, trace: "{}".to_owned(), next_at: now() }
}

fn submission() -> Submission {
    Submission { attempt: 1, platform_model: PlatformModelId::from_uuid(Uuid::now_v7()), credential: None, at: now() }
}

#[rstest]
#[tokio::test]
async fn a_queued_task_is_claimed_once_and_runs_from_then_on(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Fixture::new(engine, 1_000).await;
    let task = queued(&fixture).await;
    let db = &fixture.test.db;
    assert_eq!(tasks::get(db, task).await.unwrap().unwrap().status, TaskStatus::Queued);
    let claimed = jobs::claim(db, fixture.node, soon(), 10).await.unwrap();
    assert_eq!(claimed.iter().map(|job| (job.task_id, job.state, job.fence)).collect::<Vec<_>>(), [(task, JobState::Running, 1)]);
    assert_eq!(tasks::get(db, task).await.unwrap().unwrap().status, TaskStatus::Running);
    assert!(jobs::claim(db, fixture.node, soon(), 10).await.unwrap().is_empty());
    fixture.assert_clean().await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_that_claim_at_once_never_claim_the_same(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Arc::new(Fixture::new(engine, 1_000).await);
    for _ in 0..40 {
        queued(&fixture).await;
    }
    let mut claiming = JoinSet::new();
    for _ in 0..8 {
        let fixture = Arc::clone(&fixture);
        claiming.spawn(async move {
            let mut mine = Vec::new();
            loop {
                let claimed = jobs::claim(&fixture.test.db, fixture.node, soon(), 3).await.unwrap();
                // On PostgreSQL others may hold what is left.
                if claimed.is_empty()
                    && jobs::count_open(&fixture.test.db).await.unwrap().iter().all(|(state, _)| *state != JobState::Queued)
                {
                    return mine;
                }
                mine.extend(claimed.into_iter().map(|job| job.task_id));
            }
        });
    }
    let mut all: Vec<TaskId> = claiming.join_all().await.into_iter().flatten().collect();
    assert_eq!(all.len(), 40);
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 40);
}

#[rstest]
#[tokio::test]
async fn accounts_take_turns_and_the_greater_priority_goes_first(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Fixture::new(engine, 1_000).await;
    let other = account(&fixture.test, "second", 1_000).await;
    let mut flood = Vec::new();
    for _ in 0..5 {
        flood.push(queued(&fixture).await);
    }
    let single = queued_for(&fixture, other, 0).await;
    let urgent = queued_for(&fixture, fixture.account, 5).await;
    let order = jobs::claim(&fixture.test.db, fixture.node, soon(), 4).await.unwrap();
    let mut order: Vec<TaskId> = order.into_iter().map(|job| job.task_id).collect();
    order.sort_by_key(|task| [urgent, flood[0], single, flood[1]].iter().position(|expected| expected == task));
    assert_eq!(order, [urgent, flood[0], single, flood[1]]);
    let job = jobs::get(&fixture.test.db, flood[4]).await.unwrap().unwrap();
    assert_eq!(jobs::place(&fixture.test.db, &job).await.unwrap(), (2, 3));
}

#[rstest]
#[tokio::test]
async fn who_has_lost_a_job_can_not_write_it(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Fixture::new(engine, 1_000).await;
    let task = queued(&fixture).await;
    let db = &fixture.test.db;
    let first = jobs::claim(db, fixture.node, soon(), 1).await.unwrap().remove(0);
    assert_eq!(jobs::requeue(db, &first, now()).await.unwrap(), Written::Yes);
    assert_eq!(tasks::get(db, task).await.unwrap().unwrap().status, TaskStatus::Queued);
    let second = jobs::claim(db, fixture.node, soon(), 1).await.unwrap().remove(0);
    assert!(second.fence > first.fence);
    assert_eq!(jobs::submitting(db, task, first.fence, submission()).await.unwrap(), Written::Lost);
    assert_eq!(jobs::submitting(db, task, second.fence, submission()).await.unwrap(), Written::Yes);
    assert_eq!(jobs::accepted(db, task, first.fence, &accepted("old")).await.unwrap(), Written::Lost);
    assert_eq!(jobs::accepted(db, task, second.fence, &accepted("new")).await.unwrap(), Written::Yes);
    let job = jobs::get(db, task).await.unwrap().unwrap();
    assert_eq!((job.state, job.upstream_job_id.as_deref(), job.attempt), (JobState::Polling, Some("new"), 1));
    assert_eq!(job.asked, accepted("new").asked);
}

#[rstest]
#[tokio::test]
async fn what_a_dead_node_had_is_taken_over_and_not_swept(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let mut fixture = Fixture::new(engine, 1_000).await;
    let dead = Node::join(&fixture.test.db, "here", "0.1.0").await.unwrap();
    fixture.node = dead.id();
    let (waiting, polled) = (queued(&fixture).await, queued_for(&fixture, fixture.account, 1).await);
    let db = &fixture.test.db;
    let claimed = jobs::claim(db, fixture.node, soon(), 1).await.unwrap().remove(0);
    assert_eq!(claimed.task_id, polled);
    assert_eq!(jobs::accepted(db, polled, claimed.fence, &accepted("job-1")).await.unwrap(), Written::Yes);
    // A living node keeps what is its own.
    let other = easyai_core::id::NodeId::from_uuid(Uuid::now_v7());
    if engine == Postgres {
        assert!(jobs::take_over(db, other).await.unwrap().is_empty());
    }
    drop(dead);
    let node = crate::nodes::join_when_free(&fixture).await;
    let swept = sweep(db, &fixture.journal, &node, &Arc::from("USD")).await.unwrap();
    assert_eq!(swept.tasks, 0, "jobs go on");
    let taken = jobs::take_over(db, node.id()).await.unwrap();
    assert_eq!(
        taken.iter().map(|job| (job.task_id, job.state, job.upstream_job_id.as_deref())).collect::<Vec<_>>(),
        [(polled, JobState::Polling, Some("job-1"))]
    );
    assert!(taken[0].fence > claimed.fence);
    assert_eq!(jobs::claim(db, node.id(), soon(), 5).await.unwrap()[0].task_id, waiting);
    fixture.assert_clean().await;
}

#[rstest]
#[tokio::test]
async fn a_job_ends_with_its_task(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Fixture::new(engine, 1_000).await;
    let task = queued(&fixture).await;
    let db = &fixture.test.db;
    jobs::claim(db, fixture.node, soon(), 1).await.unwrap();
    fixture.done(Finish { ends_job: true, ..fixture.succeed(task, 7) }, 7).await;
    let job = jobs::get(db, task).await.unwrap().unwrap();
    assert_eq!(job.state, JobState::Ended);
    assert_eq!(jobs::request_cancel(db, task, now()).await.unwrap(), Written::Lost);
    assert!(jobs::count_open(db).await.unwrap().is_empty());
    fixture.assert_clean().await;
}

#[rstest]
#[tokio::test]
async fn what_nobody_has_begun_is_withdrawn_and_what_somebody_has_is_asked_to_end(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Fixture::new(engine, 1_000).await;
    let (first, second) = (queued_for(&fixture, fixture.account, 1).await, queued(&fixture).await);
    let db = &fixture.test.db;
    jobs::claim(db, fixture.node, soon(), 1).await.unwrap();
    assert_eq!(jobs::withdraw(db, first).await.unwrap(), Written::Lost);
    assert_eq!(jobs::withdraw(db, second).await.unwrap(), Written::Yes);
    assert_eq!(jobs::request_cancel(db, first, now()).await.unwrap(), Written::Yes);
    assert_eq!(jobs::cancelled_of(db, fixture.node).await.unwrap(), [first]);
    assert!(jobs::claim(db, fixture.node, soon(), 5).await.unwrap().is_empty());
}

#[rstest]
#[tokio::test]
async fn what_is_claimed_and_not_sent_goes_back_at_the_end(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Fixture::new(engine, 1_000).await;
    let (first, second) = (queued_for(&fixture, fixture.account, 1).await, queued(&fixture).await);
    let db = &fixture.test.db;
    let claimed = jobs::claim(db, fixture.node, soon(), 2).await.unwrap();
    assert_eq!(claimed.len(), 2);
    let fence = claimed.iter().find(|job| job.task_id == first).unwrap().fence;
    assert_eq!(jobs::submitting(db, first, fence, submission()).await.unwrap(), Written::Yes);
    jobs::release_of(db, fixture.node).await.unwrap();
    let state = async |task| jobs::get(db, task).await.unwrap().unwrap().state;
    assert_eq!((state(first).await, state(second).await), (JobState::Submitting, JobState::Queued));
}

#[rstest]
#[tokio::test]
async fn a_request_is_kept_as_it_came_until_it_is_forgotten(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Fixture::new(engine, 1_000).await;
    let task = queued(&fixture).await;
    let db = &fixture.test.db;
    let head = RequestHead {
        kind: Kind::VideosGenerations,
        model: None,
        run_mode: RunMode::Live,
        simulation: None,
        session: Some("s".to_owned()),
        base_url: Some("http://here".to_owned()),
        remix_of: None,
    };
    let body = Bytes::from(vec![7_u8; 100_000]);
    let saved = SavedRequest { head, content_type: "multipart/form-data; boundary=x".to_owned(), body };
    jobs::save_request(db, task, &saved).await.unwrap();
    assert_eq!(jobs::request(db, task).await.unwrap(), Some(saved));
    jobs::hide(db, task, now()).await.unwrap();
    assert_eq!(jobs::request(db, task).await.unwrap(), None);
    assert!(tasks::get(db, task).await.unwrap().unwrap().deleted_at.is_some());
}

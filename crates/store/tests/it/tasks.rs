//! Lists of tasks.

use easyai_core::id::TaskId;
use easyai_core::task::TaskStatus;
use easyai_store::tasks::{self, Filter};
use easyai_store::testing::TestEngine::{self, Postgres, Sqlite};
use rstest::rstest;

use crate::fixture::{Fixture, account, begin};

#[rstest]
#[tokio::test]
async fn pages_follow_one_another_without_gap_or_repetition(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Fixture::new(engine, 100).await;
    let mut begun = Vec::new();
    for _ in 0..7 {
        begun.push(fixture.begun(1).await);
    }
    begun.reverse();
    let mut seen: Vec<TaskId> = Vec::new();
    let mut after = None;
    loop {
        let page = tasks::list(&fixture.test.db, &Filter::default(), after, 3).await.unwrap();
        seen.extend(page.tasks.iter().map(|task| task.id));
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    assert_eq!(seen, begun);
}

#[rstest]
#[tokio::test]
async fn filters_leave_out_what_was_not_asked_for(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Fixture::new(engine, 100).await;
    let other = account(&fixture.test, "other", 10).await;
    let done = fixture.begun(1).await;
    fixture.done(fixture.succeed(done, 1), 1).await;
    let running = fixture.begun(1).await;
    let mut named = begin(other, fixture.node, 1);
    named.model = "other-model".into();
    let foreign = named.task;
    let at = named.started_at;
    fixture.journal.begin(named).await.unwrap();

    let list = async |filter: Filter| {
        let page = tasks::list(&fixture.test.db, &filter, None, 10).await.unwrap();
        page.tasks.into_iter().map(|task| task.id).collect::<Vec<_>>()
    };
    let all = Filter::default();
    assert_eq!(list(all.clone()).await, [foreign, running, done]);
    assert_eq!(list(Filter { account: Some(fixture.account), ..all.clone() }).await, [running, done]);
    assert_eq!(list(Filter { status: Some(TaskStatus::Running), ..all.clone() }).await, [foreign, running]);
    assert_eq!(list(Filter { model: Some("other-model".to_owned()), ..all.clone() }).await, [foreign]);
    assert_eq!(list(Filter { since: Some(at), ..all.clone() }).await, [foreign]);
    assert_eq!(
        list(Filter { until: Some(at), kind: Some(easyai_core::kind::Kind::ChatCompletions), ..all.clone() }).await,
        [running, done]
    );
    let both = Filter { account: Some(fixture.account), status: Some(TaskStatus::Succeeded), ..all };
    assert_eq!(list(both).await, [done]);
}

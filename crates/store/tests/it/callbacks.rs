//! Callbacks: who is told, how far that is, who sends, and what was given up.

use std::sync::Arc;
use std::time::Duration;

use easyai_core::delivery::{CallbackState, CallbackTarget, EventNames, Receiver};
use easyai_core::id::{AccountId, NodeId, TaskId};
use easyai_core::time::Timestamp;
use easyai_store::callbacks::{self, Callback, DeadEvent, Filter, Mark, Next, Secret, Which};
use easyai_store::journal::{Begin, Note};
use easyai_store::nodes::Node;
use easyai_store::testing::TestEngine::{self, Postgres, Sqlite};
use easyai_store::vault::Vault;
use rstest::rstest;
use secrecy::ExposeSecret;
use uuid::Uuid;

use crate::fixture::{Fixture, account, event, now};

const LEASE: Duration = Duration::from_secs(60);

fn target(receiver: Receiver, host: &str) -> Arc<CallbackTarget> {
    let events = EventNames::read(["task.completed", "task.failed"].into_iter()).unwrap();
    Arc::new(CallbackTarget { receiver, url: format!("https://{host}/hook").into(), host: host.into(), events })
}

/// A begun task that is told to the caller at `host`.
async fn told(fixture: &Fixture, host: &str) -> TaskId {
    let begin = Begin { callbacks: vec![target(Receiver::Caller, host)], ..fixture.begin(1) };
    let task = begin.task;
    fixture.journal.begin(begin).await.unwrap();
    task
}

async fn all(fixture: &Fixture, filter: Filter) -> Vec<Callback> {
    callbacks::list(&fixture.test.db, &filter, None, 100).await.unwrap().callbacks
}

async fn due(fixture: &Fixture, at: Timestamp, except: &str) -> Vec<Callback> {
    let mut tx = fixture.test.db.write().await.unwrap();
    callbacks::due(&mut tx, at, except, 100).await.unwrap()
}

async fn claim(fixture: &Fixture, callback: &Callback, node: NodeId, at: Timestamp) -> bool {
    let mut tx = fixture.test.db.write().await.unwrap();
    let claimed = callbacks::claim(&mut tx, callback, node, at, at.plus(LEASE)).await.unwrap();
    tx.commit().await.unwrap();
    claimed
}

async fn mark(fixture: &Fixture, mark: &Mark, node: NodeId) -> bool {
    let mut tx = fixture.test.db.write().await.unwrap();
    let marked = callbacks::mark(&mut tx, mark, node, now()).await.unwrap();
    tx.commit().await.unwrap();
    marked
}

fn marked(callback: &Callback, next_seq: u32, next: Next) -> Mark {
    Mark { id: callback.id, next_seq, failures: 0, next, error: None, dead: Vec::new() }
}

#[rstest]
#[tokio::test]
async fn a_task_has_a_cursor_for_each_receiver_and_none_without(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Fixture::new(engine, 100).await;
    fixture.begun(1).await;
    assert_eq!(all(&fixture, Filter::default()).await, []);
    let mut hint = fixture.journal.subscribe_callbacks();
    let both = vec![target(Receiver::Caller, "a.example:443"), target(Receiver::Gateway, "b.example:8443")];
    let begin = Begin { callbacks: both, ..fixture.begin(1) };
    let task = begin.task;
    fixture.journal.begin(begin).await.unwrap();
    assert_eq!(hint.try_recv(), Ok(task));
    assert!(hint.try_recv().is_err(), "tasks without callbacks are not announced");
    let found = all(&fixture, Filter { task: Some(task), ..Filter::default() }).await;
    assert_eq!(found.len(), 2);
    let caller = found.iter().find(|callback| callback.receiver == Receiver::Caller).unwrap();
    assert_eq!((&*caller.url, &*caller.host, caller.next_seq, caller.only_seq), ("https://a.example:443/hook", "a.example:443", 1, 0));
    assert_eq!((caller.state, caller.account_id, caller.failures), (CallbackState::Open, fixture.account, 0));
    assert_eq!(caller.events, target(Receiver::Caller, "a").events);
    assert_eq!(all(&fixture, Filter { receiver: Some(Receiver::Gateway), ..Filter::default() }).await.len(), 1);
    assert_eq!(due(&fixture, now(), "[]").await.len(), 2, "due at once: whoever dies now has told nobody");
}

#[rstest]
#[tokio::test]
async fn only_one_node_has_a_callback_until_its_lease_ends(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Fixture::new(engine, 100).await;
    let (one, other) = (fixture.node, NodeId::from_uuid(Uuid::now_v7()));
    told(&fixture, "a.example:443").await;
    let at = now();
    let callback = due(&fixture, at, "[]").await.remove(0);
    assert!(claim(&fixture, &callback, one, at).await);
    assert!(!claim(&fixture, &callback, other, at).await);
    assert_eq!(due(&fixture, at, "[]").await, []);
    let later = at.plus(LEASE);
    let expired = due(&fixture, later, "[]").await.remove(0);
    assert!(claim(&fixture, &expired, other, later).await);
    assert!(!mark(&fixture, &marked(&callback, 3, Next::Done), one).await, "whoever lost its lease changes nothing");
    assert!(mark(&fixture, &marked(&callback, 2, Next::Idle), other).await);
    let idle = all(&fixture, Filter::default()).await.remove(0);
    assert_eq!((idle.next_seq, idle.due_at, idle.state), (2, None, CallbackState::Open));
    assert!(!claim(&fixture, &callback, one, later).await, "what was read before somebody else's mark is old");
}

#[rstest]
#[tokio::test]
async fn full_receivers_are_left_out(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Fixture::new(engine, 100).await;
    for host in ["a.example:443", "b.example:443", "c\"'.example:443"] {
        told(&fixture, host).await;
    }
    let hosts = async |except: &str| {
        let found = due(&fixture, now(), except).await;
        found.into_iter().map(|callback| callback.host.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(hosts("[]").await.len(), 3);
    assert_eq!(hosts(r#"["a.example:443","c\"'.example:443"]"#).await, ["b.example:443"]);
}

#[rstest]
#[tokio::test]
async fn an_idle_callback_is_found_when_its_task_has_more_to_tell(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Fixture::new(engine, 100).await;
    let (quiet, noted, over) = (told(&fixture, "a:1").await, told(&fixture, "a:1").await, told(&fixture, "a:1").await);
    let at = now();
    for callback in due(&fixture, at, "[]").await {
        assert!(claim(&fixture, &callback, fixture.node, at).await);
        mark(&fixture, &marked(&callback, 3, Next::Idle), fixture.node).await;
    }
    fixture.journal.note(Note { task: noted, attempts: Vec::new(), events: vec![event(3), event(4)] });
    fixture.done(fixture.succeed(over, 1), 1).await;
    let mut ready = Vec::new();
    let mut after = None;
    // Page by page.
    loop {
        let page = callbacks::idle(&fixture.test.db, after, 2).await.unwrap();
        ready.extend(page.iter().map(|idle| (idle.task_id, idle.ready)));
        match page.last() {
            Some(last) => after = Some(last.id),
            None => break,
        }
    }
    ready.sort_unstable();
    let mut expected = [(quiet, false), (noted, true), (over, true)];
    expected.sort_unstable();
    assert_eq!(ready, expected);
    let mut tx = fixture.test.db.write().await.unwrap();
    assert_eq!(callbacks::of_task(&mut tx, noted, now()).await.unwrap().len(), 1, "an idle one may be taken at once");
}

#[rstest]
#[tokio::test]
async fn an_event_that_is_given_up_can_be_sent_again_and_the_others_go_on(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Fixture::new(engine, 100).await;
    let task = told(&fixture, "a.example:443").await;
    let at = now();
    let callback = due(&fixture, at, "[]").await.remove(0);
    claim(&fixture, &callback, fixture.node, at).await;
    let dead = vec![DeadEvent { seq: 2, failures: 11, error: "HTTP 500".to_owned() }];
    let next = Mark { failures: 11, dead, error: Some("HTTP 500".to_owned()), ..marked(&callback, 3, Next::Idle) };
    assert!(mark(&fixture, &next, fixture.node).await);
    let dead = all(&fixture, Filter { state: Some(CallbackState::Dead), ..Filter::default() }).await.remove(0);
    assert_eq!((dead.task_id, dead.only_seq, dead.next_seq, dead.failures, dead.due_at), (task, 2, 2, 11, None));
    assert_eq!((&*dead.url, dead.error.as_deref()), (&*callback.url, Some("HTTP 500")));

    let refused = callbacks::resend(&fixture.test.db, Which::One(callback.id), now()).await.unwrap_err();
    assert!(refused.to_string().contains("is open"), "{refused}");
    let unknown = TaskId::from_uuid(Uuid::nil());
    assert!(callbacks::resend(&fixture.test.db, Which::Task(unknown), now()).await.is_err());
    assert_eq!(callbacks::resend(&fixture.test.db, Which::Task(task), now()).await, Ok(1));
    assert_eq!(callbacks::resend(&fixture.test.db, Which::Task(task), now()).await, Ok(0));
    assert_eq!(callbacks::resend(&fixture.test.db, Which::AllDead, now()).await, Ok(0));
    let again = due(&fixture, now(), "[]").await.remove(0);
    assert_eq!((again.id, again.only_seq, again.failures, again.state), (dead.id, 2, 0, CallbackState::Open));
    claim(&fixture, &again, fixture.node, now()).await;
    mark(&fixture, &marked(&again, 3, Next::Dead), fixture.node).await;
    assert_eq!(callbacks::resend(&fixture.test.db, Which::One(dead.id), now()).await, Ok(1));
    assert_eq!(callbacks::waiting(&fixture.test.db).await, Ok(1));
    let due_at = due(&fixture, now(), "[]").await[0].due_at;
    assert_eq!(callbacks::next_due(&fixture.test.db, Timestamp::from_micros(0)).await, Ok(due_at));
    assert_eq!(callbacks::next_due(&fixture.test.db, due_at.unwrap()).await, Ok(None));
}

#[rstest]
#[tokio::test]
async fn what_a_dead_node_had_taken_is_due_at_once(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Fixture::new(engine, 100).await;
    let node = Node::join(&fixture.test.db, "here", "1").await.unwrap();
    told(&fixture, "a.example:443").await;
    let at = now();
    let callback = due(&fixture, at, "[]").await.remove(0);
    claim(&fixture, &callback, node.id(), at).await;
    let release = async || {
        let mut tx = fixture.test.db.write().await.unwrap();
        let released = callbacks::release_dead_nodes(&mut tx, now()).await.unwrap();
        tx.commit().await.unwrap();
        released
    };
    assert_eq!(release().await, 0);
    node.leave(&fixture.test.db).await.unwrap();
    assert_eq!(release().await, 1);
    assert_eq!(due(&fixture, now(), "[]").await.len(), 1);
}

#[rstest]
#[tokio::test]
async fn lists_are_of_one_account_and_come_page_by_page(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Fixture::new(engine, 100).await;
    let other = account(&fixture.test, "other", 10).await;
    for _ in 0..3 {
        told(&fixture, "a:1").await;
    }
    let foreign = Begin { callbacks: vec![target(Receiver::Caller, "b:1")], account: other, ..fixture.begin(1) };
    fixture.journal.begin(foreign.clone()).await.unwrap();
    let mine = Filter { account: Some(fixture.account), ..Filter::default() };
    let first = callbacks::list(&fixture.test.db, &mine, None, 2).await.unwrap();
    let second = callbacks::list(&fixture.test.db, &mine, first.next, 2).await.unwrap();
    assert_eq!((first.callbacks.len(), second.callbacks.len(), second.next), (2, 1, None));
    assert!(first.callbacks[1].id > second.callbacks[0].id, "the latest first");
    let both = Filter { task: Some(foreign.task), ..mine };
    assert_eq!(all(&fixture, both).await, [], "a task of another account");
}

fn texts(secrets: &[Secret]) -> Vec<&str> {
    secrets.iter().map(|secret| secret.secret.expose_secret()).collect()
}

#[rstest]
#[tokio::test]
async fn a_secret_stays_until_it_is_replaced_and_signs_along_for_a_day(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Fixture::new(engine, 0).await;
    let (db, vault) = (&fixture.test.db, Vault::open(fixture.test.folder.path(), None).unwrap());
    let signing = async |owner: AccountId, at| callbacks::signing(db, &vault, owner, at).await.unwrap();
    let at = now();
    let first = signing(fixture.account, at).await;
    assert!(first.len() == 1 && texts(&first)[0].starts_with("whsec_"));
    assert_eq!(texts(&signing(fixture.account, at).await), texts(&first));
    assert_ne!(texts(&signing(callbacks::GATEWAY, at).await), texts(&first));

    let rotated = callbacks::rotate(db, &vault, fixture.account, "first", at).await.unwrap();
    assert_eq!((rotated.len(), texts(&rotated)[1]), (2, texts(&first)[0]), "the new one first");
    assert_eq!(rotated[1].expires_at, Some(at.plus(callbacks::OVERLAP)));
    let tomorrow = at.plus(callbacks::OVERLAP);
    assert_eq!(texts(&signing(fixture.account, tomorrow).await), [texts(&rotated)[0]]);
    callbacks::rotate(db, &vault, fixture.account, "first", tomorrow).await.unwrap();
    // Sealed: of no use with another master key.
    let elsewhere = tempfile::tempdir().unwrap();
    let other = Vault::open(elsewhere.path(), None).unwrap();
    assert!(callbacks::signing(db, &other, fixture.account, tomorrow).await.is_err());
}

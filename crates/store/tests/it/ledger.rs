//! The ledger is only added to.

use easyai_core::id::AccountId;
use easyai_core::ledger::EntryKind;
use easyai_store::testing::TestEngine::{self, Postgres, Sqlite};
use easyai_store::{StoreError, ledger};
use rstest::rstest;

use crate::fixture::{Fixture, money};

#[rstest]
#[tokio::test]
async fn entries_can_not_be_changed_or_removed(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Fixture::new(engine, 100).await;
    for statement in ["UPDATE ledger_entries SET amount = 1", "DELETE FROM ledger_entries"] {
        let refused = fixture.test.try_raw(statement).await;
        assert!(refused.as_ref().is_err_and(|error| error.to_string().contains("only added")), "{statement}: {refused:?}");
    }
    fixture.assert_clean().await;
}

#[rstest]
#[tokio::test]
async fn top_ups_and_charges_are_listed_the_latest_first(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Fixture::new(engine, 100).await;
    let task = fixture.begun(60).await;
    fixture.done(fixture.succeed(task, 42), 42).await;
    let wallet = ledger::top_up(&fixture.test.db, fixture.account, money(5), Some("a gift")).await.unwrap();
    assert_eq!(wallet.balance, money(63));
    let entries = ledger::entries(&fixture.test.db, fixture.account, None, 10).await.unwrap();
    let seen: Vec<_> = entries.iter().map(|entry| (entry.kind, entry.amount.nanos(), entry.note.as_deref())).collect();
    assert_eq!(seen, [(EntryKind::TopUp, 5, Some("a gift")), (EntryKind::Charge, -42, None), (EntryKind::TopUp, 100, None)]);
    assert_eq!(entries[1].task_id, Some(task));
    let older = ledger::entries(&fixture.test.db, fixture.account, Some(entries[1].id), 10).await.unwrap();
    assert_eq!(older, entries[2..]);
}

#[rstest]
#[tokio::test]
async fn a_top_up_that_makes_no_sense_is_refused(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Fixture::new(engine, 100).await;
    let db = &fixture.test.db;
    for amount in [0, -1, i64::MAX] {
        assert!(matches!(ledger::top_up(db, fixture.account, money(amount), None).await, Err(StoreError::Setting(_))), "{amount}");
    }
    let stranger = AccountId::from_uuid(uuid::Uuid::now_v7());
    assert!(matches!(ledger::top_up(db, stranger, money(1), None).await, Err(StoreError::NotFound(_))));
    assert_eq!(ledger::wallet(db, stranger).await, Ok(None));
    assert_eq!(fixture.wallet().await, (100, 0));
    fixture.assert_clean().await;
}

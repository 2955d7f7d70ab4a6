//! What was corrupted by hand is found, and said in words.

use easyai_store::testing::TestEngine::{self, Postgres, Sqlite};
use easyai_store::verify;
use rstest::rstest;

use crate::fixture::Fixture;

/// A wallet of 58 with a finished task of 42, a running one with a hold of 8 and a simulated one.
async fn busy(engine: TestEngine) -> Fixture {
    let fixture = Fixture::new(engine, 100).await;
    let task = fixture.begun(60).await;
    fixture.done(fixture.succeed(task, 42), 42).await;
    fixture.begun(8).await;
    fixture.assert_clean().await;
    fixture
}

#[rstest]
#[case("UPDATE wallets SET balance = balance + 1", &["the balance is 0.000000059, but its entries add up to 0.000000058"])]
#[case("UPDATE wallets SET held = 0", &["0 is held, but the holds of unfinished tasks add up to 0.000000008"])]
#[case("UPDATE tasks SET hold = 9 WHERE status = 'running'", &["0.000000008 is held, but the holds of unfinished tasks add up to 0.000000009"])]
#[case("UPDATE tasks SET charge = 43 WHERE charge = 42", &["is succeeded with a charge of 0.000000043, but 0.000000042 is booked for it"])]
#[case("UPDATE tasks SET charge = NULL", &["is succeeded without a charge, but 0.000000042 is booked for it"])]
#[case("UPDATE tasks SET charge = 1 WHERE status = 'running'", &["is running with a charge of 0.000000001, but nothing is booked for it"])]
#[case("UPDATE tasks SET simulated = TRUE WHERE charge = 42", &["simulated task_"])]
#[case("DELETE FROM tasks WHERE status = 'succeeded'", &["a charge of 0.000000042 from wallet to revenue"])]
#[case("UPDATE tasks SET status = 'failed' WHERE status = 'running'", &["0.000000008 is held, but", "is failed, but it is not said what it was charged"])]
#[case("DELETE FROM wallets", &["has entries of 0.000000058 but no wallet", "has holds of 0.000000008 but no wallet"])]
#[tokio::test]
async fn a_corrupted_row_is_found(#[values(Sqlite, Postgres)] engine: TestEngine, #[case] statement: &str, #[case] expected: &[&str]) {
    let fixture = busy(engine).await;
    fixture.test.raw(&[statement]).await;
    let findings = fixture.findings().await;
    for expected in expected {
        assert!(findings.iter().any(|finding| finding.contains(expected)), "{statement}: {findings:?}");
    }
}

#[rstest]
#[tokio::test]
async fn an_entry_that_was_slipped_in_is_found(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = busy(engine).await;
    let insert = "INSERT INTO ledger_entries (id, account_id, kind, debit, credit, amount, created_at)
        SELECT account_id, account_id, 'charge', 'revenue', 'wallet', 5, 0 FROM wallets";
    fixture.test.raw(&[insert, "UPDATE wallets SET balance = balance + 5"]).await;
    let findings = fixture.findings().await;
    assert!(findings.len() == 1 && findings[0].contains("a charge of 0.000000005 from revenue to wallet for no task"), "{findings:?}");
}

#[rstest]
#[tokio::test]
async fn a_second_charge_of_a_task_is_refused_and_would_be_found(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = busy(engine).await;
    let again = "INSERT INTO ledger_entries (id, account_id, kind, debit, credit, amount, task_id, created_at)
        SELECT account_id, account_id, kind, debit, credit, amount, task_id, 0 FROM ledger_entries WHERE kind = 'charge'";
    assert!(fixture.test.try_raw(again).await.is_err());
    fixture.test.raw(&["DROP INDEX ledger_entries_once", again, "UPDATE wallets SET balance = balance - 42"]).await;
    let findings = fixture.findings().await;
    assert!(findings.len() == 1 && findings[0].contains("has 2 entries of kind charge"), "{findings:?}");
}

#[rstest]
#[tokio::test]
async fn a_report_says_what_was_looked_at(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = busy(engine).await;
    let report = verify::verify(&fixture.test.db).await.unwrap();
    assert_eq!((report.wallets, report.entries, report.tasks, report.is_clean()), (1, 2, 2, true));
}

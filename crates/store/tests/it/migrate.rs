//! The schema, and which one is served.

use easyai_core::policy::{BreakerPolicy, DemotionPolicy};
use easyai_store::testing::TestDb;
use easyai_store::testing::TestEngine::{self, Postgres, Sqlite};
use easyai_store::vault::Vault;
use easyai_store::{Db, SchemaState, StoreError, catalog};
use rstest::rstest;

#[rstest]
#[tokio::test]
async fn a_schema_is_made_once(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let test = TestDb::empty(engine).await;
    assert_eq!(test.db.schema_state().await, Ok(SchemaState::Missing));
    assert!(matches!(test.db.require_current_schema().await, Err(StoreError::Schema(SchemaState::Missing))));
    assert!(!test.db.migrate().await.unwrap().is_empty());
    assert_eq!(test.db.schema_state().await, Ok(SchemaState::Current));
    assert!(test.db.migrate().await.unwrap().is_empty());
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_that_migrate_at_once_do_it_once(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let test = TestDb::empty(engine).await;
    let other = Db::open(&test.url).await.unwrap();
    let (mine, theirs) = tokio::join!(test.db.migrate(), other.migrate());
    let mut taken = [mine.unwrap(), theirs.unwrap()].concat();
    taken.sort_unstable();
    assert_eq!(
        taken,
        ["0001_initial", "0002_limits", "0003_text", "0004_jobs", "0005_assets", "0006_callbacks", "0007_clustered", "0008_response_items"]
    );
    other.close().await;
}

#[rstest]
#[tokio::test]
async fn a_newer_schema_is_left_alone(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let test = TestDb::new(engine).await;
    test.raw(&["INSERT INTO schema_migrations (version, name, applied_at) VALUES (999, 'later', 0)"]).await;
    assert_eq!(test.db.schema_state().await, Ok(SchemaState::Newer));
    assert!(matches!(test.db.migrate().await, Err(StoreError::Schema(SchemaState::Newer))));
}

#[rstest]
#[tokio::test]
async fn what_the_first_schema_held_is_read_by_this_one(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let test = TestDb::at_version(engine, 1).await;
    let id = match engine {
        Sqlite => |n: u8| format!("x'{}{n:02x}'", "00".repeat(15)),
        Postgres => |n: u8| format!("'00000000-0000-0000-0000-0000000000{n:02x}'"),
    };
    let vault = Vault::open(test.folder.path(), None).unwrap();
    test.raw(&[
        &format!("INSERT INTO groups VALUES ({}, 'g', 1000000, '[\"*\"]', 'file', 0)", id(1)),
        &format!("INSERT INTO accounts VALUES ({}, 'a', {}, 'admin', TRUE, 0)", id(2), id(1)),
        &format!("INSERT INTO platforms VALUES ({}, 'p', 'simulation', '', 0, NULL, '{{}}', '{{}}', FALSE, 'file', TRUE, 0)", id(3)),
        &format!("INSERT INTO models VALUES ({}, 'm', 'priority', 'file', TRUE, 0)", id(4)),
        &format!("INSERT INTO policy_sets VALUES ({}, 's', '{{\"max_attempts\": 4}}', 'file', 0)", id(5)),
        &format!(
            "INSERT INTO platform_models VALUES ({}, {}, {}, 'up', '[]', NULL, 1, NULL, NULL, NULL, {}, '{{}}', 'file', TRUE, 0)",
            id(6),
            id(3),
            id(4),
            id(5)
        ),
        &format!(
            "INSERT INTO attempts (task_id, number, id, platform_model_id, platform, status, message, started_at)
             VALUES ({}, 1, {}, {}, 'p', 'succeeded', 'kept', 0)",
            id(8),
            id(9),
            id(6)
        ),
        &format!("INSERT INTO ledger_entries VALUES ({}, {}, 'top_up', 'external', 'wallet', 5, NULL, NULL, 'kept', 0)", id(10), id(2)),
        &format!("INSERT INTO runner_policies VALUES ({}, '{{\"max_platforms\": 7}}', TRUE, 'file', 0)", id(7)),
    ])
    .await;
    assert_eq!(test.db.schema_state().await, Ok(SchemaState::Behind));
    assert_eq!(
        test.db.migrate().await.unwrap(),
        ["0002_limits", "0003_text", "0004_jobs", "0005_assets", "0006_callbacks", "0007_clustered", "0008_response_items"]
    );

    assert_eq!(test.try_raw("UPDATE attempts SET number = 2 WHERE message = 'kept'").await, Ok(1));
    // The row is there, and may not be touched.
    assert!(test.try_raw("UPDATE ledger_entries SET amount = 6 WHERE note = 'kept'").await.is_err());
    assert!(test.try_raw("DELETE FROM ledger_entries WHERE note = 'kept'").await.is_err());

    let loaded = catalog::load(&test.db, &vault).await.unwrap();
    let offer = &loaded.models["m"].offers[0];
    assert_eq!((&*offer.policy_set.name, offer.policy_set.retry.max_attempts.get()), ("s", 4));
    assert_eq!((offer.policy_set.breaker.clone(), offer.capabilities.clone()), (None::<BreakerPolicy>, None));
    assert_eq!((loaded.runner_policy.failover.max_platforms.get(), &loaded.runner_policy.demotion), (7, &DemotionPolicy::default()));
    assert!(offer.limits.is_empty() && offer.platform.limits.is_empty());
    assert!(loaded.accounts.values().all(|account| account.limits.is_empty()));
    assert_eq!(loaded.models["m"].settings, easyai_core::catalog::ModelSettings::default());
}

#[tokio::test]
async fn a_new_file_is_its_owners_alone() {
    use std::os::unix::fs::MetadataExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data").join("easyai.db");
    let db = Db::open(&path.to_str().unwrap().parse().unwrap()).await.unwrap();
    db.migrate().await.unwrap();
    assert_eq!(path.parent().unwrap().metadata().unwrap().mode() & 0o777, 0o700);
    for file in std::fs::read_dir(path.parent().unwrap()).unwrap().flatten() {
        assert_eq!(file.metadata().unwrap().mode() & 0o777, 0o600, "{file:?}");
    }
}

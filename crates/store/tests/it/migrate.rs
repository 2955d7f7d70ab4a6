//! The schema, and which one is served.

use easyai_store::testing::TestDb;
use easyai_store::testing::TestEngine::{self, Postgres, Sqlite};
use easyai_store::{Db, SchemaState, StoreError};
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
    let (mine, theirs) = (mine.unwrap(), theirs.unwrap());
    assert_eq!(mine.len() + theirs.len(), mine.len().max(theirs.len()));
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

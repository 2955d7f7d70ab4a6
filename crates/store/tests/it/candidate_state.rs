//! What policies switch off, and people switch on again.

use easyai_core::catalog::Enabled;
use easyai_core::policy::Scope;
use easyai_store::testing::TestEngine::{self, Postgres, Sqlite};
use easyai_store::{StoreError, candidate_state, catalog};
use rstest::rstest;

use crate::catalog::{Fixture, declared, offer};

#[rstest]
#[tokio::test]
async fn what_is_switched_off_stays_so_for_its_first_reason(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Fixture::new(engine).await;
    fixture.apply(&declared()).await;
    let loaded = fixture.load().await;
    let (platform, model) = (offer(&loaded).platform.id, offer(&loaded).id);
    let db = &fixture.test.db;
    candidate_state::disable(db, Scope::Platform, platform, model, "key revoked", "policy").await.unwrap();
    candidate_state::disable(db, Scope::Platform, platform, model, "again", "policy").await.unwrap();
    candidate_state::disable(db, Scope::PlatformModel, platform, model, "gone", "policy").await.unwrap();
    let disabled = candidate_state::disabled(db).await.unwrap();
    assert_eq!(disabled.platforms, [(platform, "key revoked".into())]);
    assert_eq!(disabled.platform_models, [(model, "gone".into())]);
    assert_eq!(fixture.revision().await, 3);
    assert_eq!(fixture.count("SELECT COUNT(*) FROM audit_log WHERE action = 'candidate.disable'").await, 2);

    assert!(candidate_state::enable(db, Scope::Platform, platform, model, "me").await.unwrap());
    assert!(!candidate_state::enable(db, Scope::Platform, platform, model, "me").await.unwrap());
    assert_eq!(candidate_state::disabled(db).await.unwrap().platforms, []);
}

#[rstest]
#[tokio::test]
async fn a_person_switches_a_platform_with_all_on_it(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Fixture::new(engine).await;
    fixture.apply(&declared()).await;
    let loaded = fixture.load().await;
    let db = &fixture.test.db;
    candidate_state::disable(db, Scope::PlatformModel, offer(&loaded).platform.id, offer(&loaded).id, "gone", "policy").await.unwrap();
    assert!(catalog::set_platform_enabled(db, "primary", Enabled::No, "me").await.unwrap());
    assert!(!catalog::set_platform_enabled(db, "primary", Enabled::No, "me").await.unwrap());
    assert_eq!(offer(&fixture.load().await).platform.enabled, Enabled::No);
    // A file that does not speak of the switch leaves it alone.
    assert!(fixture.apply(&declared()).await.is_empty());
    assert!(catalog::set_platform_enabled(db, "primary", Enabled::Yes, "me").await.unwrap());
    assert_eq!(candidate_state::disabled(db).await.unwrap(), candidate_state::Disabled::default());
    let rows = catalog::list_platforms(db).await.unwrap();
    assert_eq!((rows.len(), rows[0].models, rows[0].enabled), (1, 1, true));
    let unknown = catalog::set_platform_enabled(db, "nobody", Enabled::No, "me").await;
    assert!(matches!(unknown, Err(StoreError::NotFound(_))));
}

#[rstest]
#[tokio::test]
async fn a_bad_state_is_named(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Fixture::new(engine).await;
    fixture.apply(&declared()).await;
    fixture.test.raw(&["INSERT INTO candidate_state SELECT id, 'platform', '{}', 0 FROM platforms"]).await;
    let Err(StoreError::Corrupt(told)) = candidate_state::disabled(&fixture.test.db).await else { panic!("it was read") };
    assert!(told.starts_with("table candidate_state, row `") && told.contains("field state: missing field `disabled`"), "{told}");
}

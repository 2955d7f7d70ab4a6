//! What policies switch off, and people switch on again.

use easyai_core::catalog::Enabled;
use easyai_core::health::{Condition, Subject};
use easyai_store::candidate_state::Change;
use easyai_store::testing::TestEngine::{self, Postgres, Sqlite};
use easyai_store::{Db, StoreError, candidate_state, catalog};
use rstest::rstest;

use crate::catalog::{Fixture, declared, offer};

#[rstest]
#[tokio::test]
async fn what_is_switched_off_stays_so_for_its_first_reason(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Fixture::new(engine).await;
    fixture.apply(&declared()).await;
    let loaded = fixture.load().await;
    let (platform, model) = (Subject::Platform(offer(&loaded).platform.id), Subject::PlatformModel(offer(&loaded).id));
    let db = &fixture.test.db;
    candidate_state::disable(db, platform, "key revoked", "policy").await.unwrap();
    candidate_state::disable(db, platform, "again", "policy").await.unwrap();
    candidate_state::disable(db, model, "gone", "policy").await.unwrap();
    let mut told = reasons(db).await;
    told.sort();
    let mut expected = [(platform, "key revoked".to_owned()), (model, "gone".to_owned())];
    expected.sort();
    assert_eq!(told, expected);
    assert_eq!(fixture.revision().await, 3);
    assert_eq!(fixture.count("SELECT COUNT(*) FROM audit_log WHERE action = 'candidate.disable'").await, 2);

    assert!(candidate_state::enable(db, platform, "me").await.unwrap());
    assert!(!candidate_state::enable(db, platform, "me").await.unwrap());
    assert_eq!(reasons(db).await, [(model, "gone".to_owned())]);
}

#[rstest]
#[tokio::test]
async fn a_person_switches_a_platform_with_all_on_it(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Fixture::new(engine).await;
    fixture.apply(&declared()).await;
    let loaded = fixture.load().await;
    let db = &fixture.test.db;
    candidate_state::disable(db, Subject::PlatformModel(offer(&loaded).id), "gone", "policy").await.unwrap();
    assert!(catalog::set_platform_enabled(db, "primary", Enabled::No, "me").await.unwrap());
    assert!(!catalog::set_platform_enabled(db, "primary", Enabled::No, "me").await.unwrap());
    assert_eq!(offer(&fixture.load().await).platform.enabled, Enabled::No);
    // A file that does not speak of the switch leaves it alone.
    assert!(fixture.apply(&declared()).await.is_empty());
    assert!(catalog::set_platform_enabled(db, "primary", Enabled::Yes, "me").await.unwrap());
    assert_eq!(candidate_state::load(db).await.unwrap(), []);
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
    fixture.test.raw(&[r#"INSERT INTO candidate_state SELECT id, 'platform', '{"disabled": {}}', 0 FROM platforms"#]).await;
    let Err(StoreError::Corrupt(told)) = candidate_state::load(&fixture.test.db).await else { panic!("it was read") };
    assert!(told.starts_with("table candidate_state, row `") && told.contains("field state: missing field `reason`"), "{told}");
}

async fn reasons(db: &Db) -> Vec<(Subject, String)> {
    let off = |(subject, condition): (Subject, Condition)| Some((subject, condition.disabled?.reason.to_string()));
    candidate_state::load(db).await.unwrap().into_iter().filter_map(off).collect()
}

#[rstest]
#[tokio::test]
async fn how_a_candidate_is_is_kept_but_only_what_was_switched_off_just_now_is_switched_off(
    #[values(Sqlite, Postgres)] engine: TestEngine,
) {
    let fixture = Fixture::new(engine).await;
    fixture.apply(&declared()).await;
    let loaded = fixture.load().await;
    let (db, subject) = (&fixture.test.db, Subject::PlatformModel(offer(&loaded).id));
    let json = r#"{"cooling": {"until": "2199-01-01T00:00:00Z", "reason": "slow down"}, "disabled": {"reason": "r", "actor": "policy", "at": "2026-01-01T00:00:00Z"}}"#;
    let condition: Condition = serde_json::from_str(json).unwrap();
    let change = Change { subject, condition: condition.clone(), switched_off: false };
    candidate_state::save(db, std::slice::from_ref(&change)).await.unwrap();
    let kept = Condition { disabled: None, ..condition.clone() };
    assert_eq!(candidate_state::load(db).await.unwrap(), [(subject, kept)], "a person may have enabled it meanwhile");
    assert_eq!(fixture.revision().await, 1);
    candidate_state::save(db, &[Change { switched_off: true, ..change }]).await.unwrap();
    assert_eq!(candidate_state::load(db).await.unwrap(), [(subject, condition)]);
    assert_eq!(fixture.revision().await, 2);
    candidate_state::save(db, &[Change { subject, condition: Condition::default(), switched_off: false }]).await.unwrap();
    assert_eq!(reasons(db).await, [(subject, "r".to_owned())], "what is off stays off");
    assert!(candidate_state::enable(db, subject, "me").await.unwrap());
    assert_eq!(candidate_state::load(db).await.unwrap(), []);
}

#[rstest]
#[tokio::test]
async fn a_probe_heals_what_has_not_changed_since_it_began_with_an_audit_entry(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Fixture::new(engine).await;
    fixture.apply(&declared()).await;
    let loaded = fixture.load().await;
    let (db, subject) = (&fixture.test.db, Subject::Platform(offer(&loaded).platform.id));
    candidate_state::disable(db, subject, "key revoked", "policy").await.unwrap();
    let seen = candidate_state::load(db).await.unwrap().remove(0).1;
    assert!(candidate_state::heal(db, subject, &seen, "it answered").await.unwrap());
    assert_eq!((candidate_state::load(db).await.unwrap(), fixture.revision().await), (vec![], 3));
    let audit =
        "SELECT COUNT(*) FROM audit_log WHERE actor = 'probe' AND action = 'candidate.enable' AND after = '{\"reason\":\"it answered\"}'
        AND before LIKE '%key revoked%'";
    assert_eq!(fixture.count(audit).await, 1);
    // Switched off anew since the probe began, and by a person.
    for actor in ["policy", "me"] {
        candidate_state::disable(db, subject, "later", actor).await.unwrap();
        assert!(!candidate_state::heal(db, subject, &seen, "it answered").await.unwrap());
        assert_eq!(reasons(db).await, [(subject, "later".to_owned())]);
        assert!(candidate_state::enable(db, subject, "me").await.unwrap());
    }
    candidate_state::disable(db, subject, "moving", "me").await.unwrap();
    let by_person = candidate_state::load(db).await.unwrap().remove(0).1;
    assert!(!candidate_state::heal(db, subject, &by_person, "it answered").await.unwrap());
}

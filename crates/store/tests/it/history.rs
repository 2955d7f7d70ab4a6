//! The catalogue's history: what was applied, what changed, and an earlier one again.

use easyai_core::catalog::Enabled;
use easyai_core::health::Subject;
use easyai_store::catalog::{Change, Changed, Plan};
use easyai_store::column::One;
use easyai_store::testing::TestEngine::{self, Postgres, Sqlite};
use easyai_store::{StoreError, candidate_state, catalog, sql};
use rstest::rstest;
use secrecy::SecretString;

use crate::catalog::{Fixture, declared, full, offer};

/// `create platform primary`, and of a change its fields.
fn told(plan: &Plan) -> Vec<String> {
    let one = |change: &Change| {
        let fields = if change.change == Changed::Update {
            format!(": {}", change.fields.iter().map(|field| &*field.name).collect::<Vec<_>>().join(", "))
        } else {
            String::new()
        };
        format!("{} {} {}{fields}", change.change, change.kind, change.name)
    };
    plan.changes.iter().map(one).collect()
}

impl Fixture {
    async fn restore(&self, revision: i64) -> Result<Plan, StoreError> {
        let planned = catalog::plan_restore(&self.test.db, &self.vault, revision).await;
        let done = catalog::restore(&self.test.db, &self.vault, revision, "test").await;
        assert_eq!(planned, done);
        done
    }
}

#[rstest]
#[tokio::test]
async fn revisions_say_what_each_changed(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Fixture::new(engine).await;
    let db = &fixture.test.db;
    assert_eq!(catalog::revisions(db, 10).await, Ok(Vec::new()));
    let missing = catalog::revision_document(db, None).await.unwrap_err();
    assert!(missing.to_string().contains("easyai apply"), "{missing}");
    fixture.apply(&declared()).await;
    let mut changed = declared();
    changed.platforms.get_mut("primary").unwrap().priority = 7;
    changed.groups.clear();
    fixture.apply(&changed).await;

    let all = catalog::revisions(db, 10).await.unwrap();
    assert_eq!(
        all.iter().map(|(revision, _)| (revision.revision, &*revision.actor, &*revision.source)).collect::<Vec<_>>(),
        [(2, "test", "file"), (1, "test", "file")]
    );
    let expected = ["update platform primary: priority", "remove group vip"];
    assert_eq!(told(&all[0].1), expected);
    assert_eq!(told(&all[1].1).len(), 7);
    let latest = catalog::revisions(db, 1).await.unwrap();
    assert_eq!((latest.len(), told(&latest[0].1)), (1, expected.map(str::to_owned).to_vec()));
    assert_eq!(told(&catalog::difference(db, 1, 2).await.unwrap()), expected);
    assert_eq!(told(&catalog::difference(db, 2, 1).await.unwrap()), ["create group vip", "update platform primary: priority"]);
    assert!(catalog::difference(db, 2, 2).await.unwrap().is_empty());
    let none = "the catalogue of revision 9 (`easyai catalog revisions` lists them)".to_owned();
    assert_eq!(catalog::difference(db, 1, 9).await, Err(StoreError::NotFound(none)));

    let document = catalog::revision_document(db, None).await.unwrap();
    assert_eq!((document.revision.revision, document.made.changes.len()), (2, 6));
    assert!(document.objects.get().contains("\"fingerprint\"") && !document.objects.get().contains("upstream-HEAVY"));
}

#[rstest]
#[tokio::test]
async fn an_earlier_catalogue_is_restored_with_all_it_had(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Fixture::new(engine).await;
    fixture.apply(&full()).await;
    let before = fixture.load().await;
    let first = catalog::revision_document(&fixture.test.db, Some(1)).await.unwrap();
    fixture.apply(&declared()).await;
    let plan = fixture.restore(1).await.unwrap();
    assert_eq!(plan.changes.len(), 6);
    let restored = catalog::revision_document(&fixture.test.db, None).await.unwrap();
    assert_eq!(restored.objects.get(), first.objects.get());
    assert_eq!((restored.revision.revision, &*restored.revision.source), (3, "restore"));
    let after = fixture.load().await;
    assert_eq!(format!("{:?}", offer(&before)), format!("{:?}", offer(&after)));
    assert!(fixture.restore(1).await.unwrap().is_empty());
    assert!(fixture.apply(&full()).await.is_empty());
    let mut conn = fixture.test.db.read().await.unwrap();
    let select = "SELECT object || ' ' || after FROM audit_log WHERE action = 'catalog.restore'";
    assert_eq!(sql!(conn, all One<String>, select).unwrap(), [("revision 3 {\"restored\":1}".to_owned(),)]);
}

#[rstest]
#[tokio::test]
async fn a_replaced_secret_is_found_by_name_or_origin_and_one_that_is_gone_is_named(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Fixture::new(engine).await;
    fixture.apply(&full()).await;
    let mut changed = full();
    let platform = changed.platforms.get_mut("primary").unwrap();
    // `main` comes from elsewhere now, the other one is another secret of the same variable.
    platform.credentials[0].origin = "secret".into();
    platform.credentials[0].secret = SecretString::from("upstream-NEW");
    platform.credentials[1].secret = SecretString::from("upstream-ROTATED");
    platform.priority = 9;
    fixture.apply(&changed).await;
    fixture.restore(1).await.unwrap();
    let mut secrets: Vec<String> = Vec::new();
    for credential in &offer(&fixture.load().await).platform.credentials {
        secrets.push(secrecy::ExposeSecret::expose_secret(&credential.secret).to_owned());
    }
    assert_eq!(secrets, ["upstream-ROTATED", "upstream-NEW"]);

    let mut fewer = full();
    let platform = fewer.platforms.get_mut("primary").unwrap();
    platform.credentials.clear();
    platform.proxy = None;
    fixture.apply(&fewer).await;
    let revision = fixture.revision().await;
    let told = "the secret of credential `main` (env:LIGHT) of platform `primary` is not stored any more; the secret of credential 2 \
                (env:HEAVY) of platform `primary` is not stored any more; the proxy of platform `primary` is not stored any more: apply \
                a file that has it";
    assert_eq!(fixture.restore(1).await, Err(StoreError::Setting(told.to_owned())));
    assert_eq!(fixture.revision().await, revision);
}

#[rstest]
#[tokio::test]
async fn what_the_first_version_applied_is_restored(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Fixture::new(engine).await;
    fixture.apply(&declared()).await;
    let mut conn = fixture.test.db.read().await.unwrap();
    let select = "SELECT document FROM catalog_revisions WHERE revision = 1";
    let (document,) = sql!(conn, one One<String>, select).unwrap();
    drop(conn);
    // Its form: credentials as lines, the runner policy's fields without their part's name.
    let mut old: serde_json::Value = serde_json::from_str(&document).unwrap();
    let credentials = &mut old["platform"]["primary"]["credentials"];
    let line = |one: &serde_json::Value| {
        format!("{} weight={} fingerprint={}", one["origin"].as_str().unwrap(), one["weight"], one["fingerprint"].as_str().unwrap())
    };
    *credentials = credentials.as_array().unwrap().iter().map(line).collect();
    old["runner_policy"] = serde_json::json!({"failover": {"max_platforms": 3, "max_duration_seconds": 600, "rules": []}});
    fixture.test.raw(&[&format!("UPDATE catalog_revisions SET document = '{old}'")]).await;
    assert!(fixture.restore(1).await.unwrap().is_empty());
    let mut other = declared();
    other.platforms.get_mut("primary").unwrap().priority = 7;
    other.runner_policy = None;
    fixture.apply(&other).await;
    assert_eq!(told(&fixture.restore(1).await.unwrap()), ["create runner_policy active", "update platform primary: priority"]);
    assert!(fixture.apply(&declared()).await.is_empty());
}

#[rstest]
#[tokio::test]
async fn one_model_of_a_platform_is_switched_by_a_person(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Fixture::new(engine).await;
    fixture.apply(&declared()).await;
    let (db, loaded) = (&fixture.test.db, fixture.load().await);
    let set = |enabled| catalog::set_platform_model_enabled(db, "primary", "gpt", enabled, "me");
    assert_eq!((set(Enabled::No).await, set(Enabled::No).await), (Ok(true), Ok(false)));
    assert_eq!((offer(&fixture.load().await).enabled, offer(&fixture.load().await).platform.enabled), (Enabled::No, Enabled::Yes));
    assert!(fixture.apply(&declared()).await.is_empty(), "the file does not speak of the switch");
    candidate_state::disable(db, Subject::PlatformModel(offer(&loaded).id), "gone", "policy").await.unwrap();
    assert_eq!((set(Enabled::Yes).await, set(Enabled::Yes).await), (Ok(true), Ok(false)));
    assert_eq!(candidate_state::load(db).await, Ok(Vec::new()));
    let models = catalog::list_platform_models(db).await.unwrap();
    assert_eq!((models.len(), models[0].id, &*models[0].model, models[0].enabled), (1, offer(&loaded).id, "gpt", true));
    let credentials = catalog::list_credentials(db).await.unwrap();
    assert_eq!(credentials.iter().map(|credential| &*credential.name).collect::<Vec<_>>(), ["credential 1", "credential 2"]);
    for (platform, model, missing) in [("x", "gpt", "the platform `x`"), ("primary", "x", "the model `x` at the platform `primary`")] {
        let told = catalog::set_platform_model_enabled(db, platform, model, Enabled::No, "me").await;
        assert_eq!(told, Err(StoreError::NotFound(missing.to_owned())));
    }
    assert_eq!(fixture.count("SELECT COUNT(*) FROM audit_log WHERE action LIKE 'platform_model.%'").await, 2);
}

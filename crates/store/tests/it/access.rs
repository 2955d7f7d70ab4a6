//! Accounts and keys: who may call, and who pays.

use easyai_core::catalog::{AllowedModels, Enabled};
use easyai_core::id::KeyId;
use easyai_core::kind::RunMode;
use easyai_core::limit::LimitSet;
use easyai_core::money::Money;
use easyai_store::accounts::AccountChange;
use easyai_store::column::One;
use easyai_store::keys::NewKey;
use easyai_store::limit_edit::LimitEdit;
use easyai_store::testing::TestEngine::{self, Postgres, Sqlite};
use easyai_store::{StoreError, accounts, catalog, keys, ledger, sql};
use rstest::rstest;
use secrecy::ExposeSecret;

use crate::catalog::{Fixture, declared};

fn new_key(models: &[&str]) -> NewKey {
    let models = models.iter().map(|model| (*model).to_owned()).collect();
    NewKey {
        name: "laptop".into(),
        models,
        expires_at: None,
        run_mode: RunMode::Simulation,
        limits: LimitSet::default(),
        response_cache: Enabled::No,
    }
}

#[rstest]
#[tokio::test]
async fn an_account_has_a_group_and_a_wallet_at_once(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Fixture::new(engine).await;
    let db = &fixture.test.db;
    let id = accounts::create(db, "demo", "default").await.unwrap();
    assert_eq!(fixture.revision().await, 1);
    assert!(ledger::wallet(db, id).await.unwrap().is_some());
    let found = accounts::find(db, "demo").await.unwrap();
    assert_eq!((found.id, &*found.group_name, found.enabled), (id, "default", true));
    assert_eq!(accounts::list(db).await.unwrap(), [found]);
    assert_eq!(fixture.load().await.accounts[&id].name, "demo".into());
    assert_eq!(accounts::create(db, "demo", "default").await, Err(StoreError::Conflict("the account `demo`".into())));
    assert_eq!(accounts::create(db, "other", "vip").await, Err(StoreError::NotFound("the group `vip`".into())));
    for bad in ["", " x", "a\nb", &"x".repeat(101)] {
        assert!(matches!(accounts::create(db, bad, "default").await, Err(StoreError::Setting(_))), "{bad:?}");
    }
    assert_eq!(fixture.revision().await, 1);
}

#[rstest]
#[tokio::test]
async fn the_default_group_is_made_once(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Fixture::new(engine).await;
    catalog::seed(&fixture.test.db).await.unwrap();
    catalog::seed(&fixture.test.db).await.unwrap();
    assert_eq!((fixture.revision().await, fixture.load().await.groups.len()), (1, 1));
}

#[rstest]
#[tokio::test]
async fn a_key_is_found_by_its_hash_until_it_is_revoked(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Fixture::new(engine).await;
    let db = &fixture.test.db;
    let (account, other) =
        (accounts::create(db, "demo", "default").await.unwrap(), accounts::create(db, "other", "default").await.unwrap());
    let (id, secret) = keys::create(db, &fixture.vault, account, &new_key(&["gpt-*"])).await.unwrap();
    let hash = fixture.vault.hash_key(secret.expose_secret());
    let loaded = fixture.load().await;
    let key = &loaded.keys[&hash];
    assert_eq!((key.id, key.account, key.run_mode, key.revoked_at), (id, account, RunMode::Simulation, None));
    assert_eq!(key.models, AllowedModels::from_names(["gpt-*".to_owned()]));

    let listed = keys::list(db, Some(account)).await.unwrap();
    assert_eq!((listed.len(), &*listed[0].account, listed[0].hint.len()), (1, "demo", 7));
    assert!(secret.expose_secret().starts_with(&listed[0].hint));
    assert_eq!(keys::list(db, Some(other)).await.unwrap(), []);
    assert_eq!(keys::list(db, None).await.unwrap(), listed);

    let revoked = keys::revoke(db, id).await.unwrap();
    assert_eq!(keys::revoke(db, id).await, Ok(revoked));
    assert_eq!(fixture.load().await.keys[&hash].revoked_at, Some(revoked));
    assert!(matches!(keys::create(db, &fixture.vault, account, &new_key(&[])).await, Err(StoreError::Setting(_))));
    assert!(catalog::revision(db).await.unwrap() >= 4);
}

#[rstest]
#[tokio::test]
async fn every_change_is_in_the_audit_log_without_the_secret(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Fixture::new(engine).await;
    let db = &fixture.test.db;
    let account = accounts::create(db, "demo", "default").await.unwrap();
    let (id, _) = keys::create(db, &fixture.vault, account, &new_key(&["*"])).await.unwrap();
    keys::revoke(db, id).await.unwrap();
    assert_eq!(fixture.count("SELECT COUNT(*) FROM audit_log WHERE after IS NULL").await, 3);
}

#[rstest]
#[tokio::test]
async fn an_accounts_group_and_limits_are_changed_and_told(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Fixture::new(engine).await;
    let db = &fixture.test.db;
    fixture.apply(&declared()).await;
    let id = accounts::create(db, "demo", "default").await.unwrap();
    let before = fixture.revision().await;
    let edits = [LimitEdit::DailyBudget(Some(Money::from_nanos(5_000_000_000))), LimitEdit::Shadow(true)];
    let change = AccountChange { group: Some("vip"), limits: &edits };
    assert_eq!(accounts::set(db, "demo", &change).await, Ok(true));
    assert_eq!(accounts::set(db, "demo", &change).await, Ok(false));
    assert_eq!(fixture.revision().await, before + 1);
    let loaded = fixture.load().await;
    let account = &loaded.accounts[&id];
    assert_eq!((&*loaded.groups[&account.group].name, account.limits.shadow), ("vip", true));
    assert_eq!(*account.limits, accounts::find(db, "demo").await.unwrap().limits);
    accounts::set(db, "demo", &AccountChange { group: None, limits: &[LimitEdit::DailyBudget(None)] }).await.unwrap();
    assert_eq!(
        (&*accounts::find(db, "demo").await.unwrap().group_name, fixture.load().await.accounts[&id].limits.daily_budget),
        ("vip", None)
    );
    let unknown = AccountChange { group: Some("gold"), limits: &[] };
    assert_eq!(accounts::set(db, "demo", &unknown).await, Err(StoreError::NotFound("the group `gold`".into())));
    assert_eq!(accounts::set(db, "nobody", &change).await, Err(StoreError::NotFound("the account `nobody`".into())));
    let mut conn = db.read().await.unwrap();
    let select = "SELECT before || ' -> ' || after FROM audit_log WHERE action = 'account.set' ORDER BY id";
    let told = sql!(conn, all One<String>, select).unwrap();
    assert_eq!(told.len(), 2);
    assert_eq!(told[0].0, r#"{"group":"default","limits":{}} -> {"group":"vip","limits":{"daily_budget":"5","shadow":true}}"#);
}

#[rstest]
#[tokio::test]
async fn a_keys_limits_are_set_and_lifted(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Fixture::new(engine).await;
    let db = &fixture.test.db;
    let account = accounts::create(db, "demo", "default").await.unwrap();
    let limits = serde_json::from_str::<LimitSet>(r#"{"requests_per_minute": 100}"#).unwrap();
    let (id, _) = keys::create(db, &fixture.vault, account, &NewKey { limits: limits.clone(), ..new_key(&["*"]) }).await.unwrap();
    assert_eq!(*fixture.load().await.keys.values().next().unwrap().limits, limits);
    let before = fixture.revision().await;
    let edits = [LimitEdit::RequestsPerMinute(None), LimitEdit::Concurrent(std::num::NonZeroU32::new(8))];
    let now = keys::set_limits(db, id, &edits).await.unwrap();
    assert_eq!(serde_json::to_string(&now).unwrap(), r#"{"concurrent":8}"#);
    assert_eq!(keys::set_limits(db, id, &edits).await, Ok(now.clone()));
    assert_eq!(fixture.revision().await, before + 1);
    assert_eq!(keys::list(db, None).await.unwrap()[0].limits, now);
    assert_eq!(*fixture.load().await.keys.values().next().unwrap().limits, now);
    assert_eq!(fixture.count("SELECT COUNT(*) FROM audit_log WHERE action = 'key.set' AND before <> after").await, 1);
    let nobody = KeyId::from_uuid(uuid::Uuid::nil());
    assert_eq!(keys::set_limits(db, nobody, &edits).await, Err(StoreError::NotFound(format!("the key {nobody}"))));
}

#[rstest]
#[tokio::test]
async fn a_key_may_use_the_response_cache_only_if_somebody_said_so(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Fixture::new(engine).await;
    let db = &fixture.test.db;
    let account = accounts::create(db, "demo", "default").await.unwrap();
    let allowed =
        async || (fixture.load().await.keys.values().next().unwrap().response_cache, keys::list(db, None).await.unwrap()[0].response_cache);
    let (id, _) = keys::create(db, &fixture.vault, account, &new_key(&["*"])).await.unwrap();
    assert_eq!(allowed().await, (false, false));
    let before = fixture.revision().await;
    for (wanted, moved) in [(Enabled::No, 0), (Enabled::Yes, 1), (Enabled::Yes, 1), (Enabled::No, 2)] {
        assert_eq!(keys::set_response_cache(db, id, wanted).await, Ok(()));
        let on = wanted == Enabled::Yes;
        assert_eq!((allowed().await, fixture.revision().await), ((on, on), before + moved));
    }
    let told = r#"SELECT COUNT(*) FROM audit_log WHERE before = '{"response_cache":false}' AND after = '{"response_cache":true}'"#;
    assert_eq!(fixture.count(told).await, 1);
    let nobody = KeyId::from_uuid(uuid::Uuid::nil());
    assert_eq!(keys::set_response_cache(db, nobody, Enabled::Yes).await, Err(StoreError::NotFound(format!("the key {nobody}"))));
    let (other, _) = keys::create(db, &fixture.vault, account, &NewKey { response_cache: Enabled::Yes, ..new_key(&["*"]) }).await.unwrap();
    assert!(keys::list(db, None).await.unwrap().iter().any(|key| key.id == other && key.response_cache));
}

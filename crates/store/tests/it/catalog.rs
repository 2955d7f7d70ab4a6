//! The catalogue: applied from what a file declares, loaded as what a node serves.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use easyai_core::catalog::{
    CandidateOverrides, Capability, Catalog, Enabled, ModelSettings, PlatformModel, PlatformOptions, ProxySetting, Strategy, Timeouts,
};
use easyai_core::health::Subject;
use easyai_core::kind::{ModelType, Provider};
use easyai_core::limit::LimitSet;
use easyai_core::policy::{FailoverPolicy, RetryPolicy};
use easyai_store::catalog::{
    self, Changed, CredentialSpec, Declared, GroupSpec, ModelSpec, ObjectKind, Plan, PlatformModelSpec, PlatformSpec, PolicySetSpec,
    ProxySpec, RunnerPolicySpec,
};
use easyai_store::column::One;
use easyai_store::sql;
use easyai_store::testing::TestDb;
use easyai_store::testing::TestEngine::{self, Postgres, Sqlite};
use easyai_store::vault::Vault;
use easyai_store::{StoreError, candidate_state};
use rstest::rstest;
use secrecy::{ExposeSecret, SecretString};

pub struct Fixture {
    pub test: TestDb,
    pub vault: Vault,
}

impl Fixture {
    pub async fn new(engine: TestEngine) -> Self {
        let test = TestDb::new(engine).await;
        let vault = Vault::open(test.folder.path(), None).unwrap();
        Self { test, vault }
    }

    pub async fn apply(&self, declared: &Declared) -> Plan {
        catalog::apply(&self.test.db, &self.vault, declared, "test").await.unwrap()
    }

    pub async fn load(&self) -> Catalog {
        catalog::load(&self.test.db, &self.vault).await.unwrap()
    }

    pub async fn revision(&self) -> i64 {
        catalog::revision(&self.test.db).await.unwrap()
    }

    pub async fn count(&self, select: &'static str) -> i64 {
        let mut conn = self.test.db.read().await.unwrap();
        sql!(conn, one One<i64>, select).unwrap().0
    }
}

pub fn offer(catalog: &Catalog) -> &Arc<PlatformModel> {
    &catalog.models["gpt"].offers[0]
}

fn platform() -> PlatformSpec {
    let secret = |name: &str, weight| CredentialSpec {
        origin: format!("env:{name}"),
        name: None,
        limits: LimitSet::default(),
        weight: NonZeroU32::new(weight).unwrap(),
        secret: SecretString::from(format!("upstream-{name}")),
    };
    PlatformSpec {
        provider: Provider::Openai,
        base_url: "https://up.example/v1".into(),
        priority: 2,
        credentials: vec![secret("LIGHT", 1), secret("HEAVY", 3)],
        proxy: Some(ProxySpec::Url(SecretString::from("http://user:proxypass@proxy:1"))),
        timeouts: Timeouts::default(),
        options: PlatformOptions::default(),
        test_mode: false,
        limits: LimitSet::default(),
        enabled: None,
    }
}

fn platform_model() -> PlatformModelSpec {
    PlatformModelSpec {
        upstream_name: "gpt-upstream".into(),
        model_types: vec![ModelType::TextGenerate],
        policy_set: Some("standard".into()),
        price: Some(serde_json::from_str(r#"{"input_per_million":"1","output_per_million":"2"}"#).unwrap()),
        cost: None,
        weight: NonZeroU32::MIN,
        priority: None,
        context_tokens: NonZeroU32::new(1000),
        max_output_tokens: None,
        overrides: CandidateOverrides { max_platforms: NonZeroU32::new(2), ..CandidateOverrides::default() },
        capabilities: None,
        options: Default::default(),
        limits: LimitSet::default(),
        enabled: None,
    }
}

pub fn declared() -> Declared {
    let retry = RetryPolicy { max_attempts: NonZeroU32::new(2).unwrap(), ..Default::default() };
    let failover = FailoverPolicy { max_platforms: NonZeroU32::new(3).unwrap(), ..Default::default() };
    Declared {
        platforms: BTreeMap::from([("primary".into(), platform())]),
        models: BTreeMap::from([("gpt".into(), ModelSpec { strategy: Strategy::Weighted, settings: ModelSettings::default() })]),
        platform_models: BTreeMap::from([(("primary".into(), "gpt".into()), platform_model())]),
        policy_sets: BTreeMap::from([("standard".into(), PolicySetSpec { retry, ..Default::default() })]),
        runner_policy: Some(RunnerPolicySpec { failover, ..Default::default() }),
        groups: BTreeMap::from([("vip".into(), GroupSpec::default())]),
    }
}

#[rstest]
#[tokio::test]
async fn what_is_declared_is_what_is_loaded(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Fixture::new(engine).await;
    assert!(fixture.load().await.models.is_empty());
    let plan = fixture.apply(&declared()).await;
    assert!(plan.changes.iter().all(|change| change.change == Changed::Create) && plan.conflicts.is_empty());

    let loaded = fixture.load().await;
    assert_eq!(loaded.revision, 1);
    let offer = offer(&loaded);
    assert_eq!((&*offer.upstream_name, &*offer.platform.name, &*offer.policy_set.name), ("gpt-upstream", "primary", "standard"));
    assert_eq!((offer.platform.priority, offer.enabled, offer.platform.enabled), (2, Enabled::Yes, Enabled::Yes));
    assert_eq!((offer.policy_set.retry.max_attempts.get(), offer.overrides.max_platforms.unwrap().get()), (2, 2));
    let secrets: Vec<_> = offer.platform.credentials.iter().map(|credential| credential.secret.expose_secret()).collect();
    assert_eq!(secrets, ["upstream-HEAVY", "upstream-LIGHT"]);
    assert!(matches!(&offer.platform.proxy, Some(ProxySetting::Url(url)) if url.expose_secret().contains("proxypass")));
    assert_eq!(loaded.runner_policy.failover.max_platforms.get(), 3);
    let mut groups: Vec<_> = loaded.groups.values().map(|group| &*group.name).collect();
    groups.sort_unstable();
    assert_eq!(groups, ["default", "vip"]);
}

/// With every field that has a use.
pub fn full() -> Declared {
    let mut declared = declared();
    let limits = |text: &str| serde_json::from_str::<LimitSet>(text).unwrap();
    let platform = declared.platforms.get_mut("primary").unwrap();
    platform.limits = limits(r#"{"requests_per_minute": 100, "concurrent": 8, "queue_timeout_ms": 30000}"#);
    platform.credentials[0].name = Some("main".into());
    platform.credentials[0].limits = limits(r#"{"tokens_per_minute": 20000, "shadow": true}"#);
    let offer = declared.platform_models.values_mut().next().unwrap();
    offer.limits = limits(r#"{"requests_per_day": 5}"#);
    offer.capabilities = Some(vec![Capability::Tools, Capability::Vision]);
    declared.groups.get_mut("vip").unwrap().limits = limits(r#"{"daily_budget": "5.00", "monthly_budget": "100"}"#);
    declared.models.get_mut("gpt").unwrap().settings = serde_json::from_str(
        r#"{"fallbacks": ["other"], "stickiness": {"seconds": 60}, "response_cache": {"seconds": 5, "charge_percent": 10}}"#,
    )
    .unwrap();
    declared.policy_sets.insert(
        "standard".into(),
        serde_json::from_str(
            r#"{"retry": {"max_attempts": 2}, "cooldown": {"rules": [{"seconds": 7}]}, "breaker": {"failures": 3},
                "auto_disable": {"rules": [{"match": {"categories": ["auth"]}}]}, "probe": {"interval_seconds": 5}}"#,
        )
        .unwrap(),
    );
    declared.runner_policy = Some(
        serde_json::from_str(
            r#"{"failover": {"max_platforms": 3}, "demotion": {"heal_steps": 2}, "availability": {"last_resort": "rests"}}"#,
        )
        .unwrap(),
    );
    declared
}

#[rstest]
#[tokio::test]
async fn limits_settings_and_policies_are_loaded_as_they_were_declared(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Fixture::new(engine).await;
    let (mut wanted, plain) = (full(), declared());
    fixture.apply(&plain).await;
    let plan = fixture.apply(&wanted).await;
    let mut changed: Vec<String> =
        plan.changes.iter().flat_map(|change| change.fields.iter().map(move |field| format!("{} {}", change.kind, field.name))).collect();
    changed.sort();
    assert_eq!(
        changed,
        [
            "group limits",
            "model fallbacks",
            "model response_cache",
            "model stickiness",
            "platform credentials",
            "platform limits",
            "platform_model capabilities",
            "platform_model limits",
            "policy_set auto_disable",
            "policy_set breaker",
            "policy_set cooldown",
            "policy_set probe",
            "runner_policy availability",
            "runner_policy demotion",
        ]
    );
    assert!(fixture.apply(&wanted).await.is_empty());

    let loaded = fixture.load().await;
    let offer = offer(&loaded);
    let model = &loaded.models["gpt"];
    assert_eq!(model.settings, wanted.models["gpt"].settings);
    let spec = wanted.platform_models.remove(&("primary".to_owned(), "gpt".to_owned())).unwrap();
    assert_eq!((&*offer.limits, &offer.capabilities), (&spec.limits, &spec.capabilities));
    assert_eq!(*offer.platform.limits, wanted.platforms["primary"].limits);
    let set = &offer.policy_set;
    let loaded_set = PolicySetSpec {
        retry: set.retry.clone(),
        cooldown: set.cooldown.clone(),
        breaker: set.breaker.clone(),
        auto_disable: set.auto_disable.clone(),
        probe: set.probe.clone(),
    };
    assert_eq!(loaded_set, wanted.policy_sets["standard"]);
    let runner = &loaded.runner_policy;
    let loaded_runner =
        RunnerPolicySpec { failover: runner.failover.clone(), demotion: runner.demotion.clone(), availability: runner.availability };
    assert_eq!(Some(loaded_runner), wanted.runner_policy);
    let vip = loaded.groups.values().find(|group| &*group.name == "vip").unwrap();
    assert_eq!(*vip.limits, wanted.groups["vip"].limits);
    let credentials: Vec<_> = offer.platform.credentials.iter().map(|it| (&*it.name, it.limits.shadow)).collect();
    assert_eq!(credentials, [("credential 2", false), ("main", true)]);
    // And all of it can go again.
    assert_eq!(fixture.apply(&plain).await.changes.len(), 6);
    assert!(fixture.apply(&plain).await.is_empty());
    assert!(fixture.load().await.models["gpt"].offers[0].limits.is_empty());
}

#[rstest]
#[tokio::test]
async fn a_credential_keeps_its_id_while_its_secret_stays(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Fixture::new(engine).await;
    fixture.apply(&declared()).await;
    let ids = |catalog: &Catalog| {
        let all = offer(catalog).platform.credentials.iter();
        all.map(|credential| (credential.secret.expose_secret().to_owned(), credential.id)).collect::<BTreeMap<_, _>>()
    };
    let first = ids(&fixture.load().await);
    let unwell = Subject::Credential(first["upstream-LIGHT"]);
    candidate_state::disable(&fixture.test.db, unwell, "revoked", "policy").await.unwrap();

    let mut changed = declared();
    let credentials = &mut changed.platforms.get_mut("primary").unwrap().credentials;
    credentials.swap(0, 1);
    credentials[1].weight = NonZeroU32::new(9).unwrap();
    credentials[1].name = Some("light".into());
    credentials[0].secret = SecretString::from("upstream-ROTATED");
    fixture.apply(&changed).await;
    let loaded = fixture.load().await;
    let second = ids(&loaded);
    assert_eq!(second["upstream-LIGHT"], first["upstream-LIGHT"]);
    assert!(!first.values().any(|id| *id == second["upstream-ROTATED"]));
    let names: Vec<_> = offer(&loaded).platform.credentials.iter().map(|it| (&*it.name, it.weight.get())).collect();
    assert_eq!(names, [("light", 9), ("credential 1", 3)]);
    assert_eq!(candidate_state::load(&fixture.test.db).await.unwrap().len(), 1, "how it is stays known");

    changed.platforms.get_mut("primary").unwrap().credentials.pop();
    fixture.apply(&changed).await;
    assert_eq!(candidate_state::load(&fixture.test.db).await.unwrap(), [], "of who is gone nothing stays");
}

#[rstest]
#[tokio::test]
async fn the_same_again_changes_nothing(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Fixture::new(engine).await;
    fixture.apply(&declared()).await;
    assert_eq!(catalog::plan(&fixture.test.db, &fixture.vault, &declared()).await.unwrap().changes, []);
    assert!(fixture.apply(&declared()).await.is_empty());
    assert_eq!(fixture.revision().await, 1);
    assert_eq!(fixture.count("SELECT COUNT(*) FROM catalog_revisions").await, 1);
}

#[rstest]
#[tokio::test]
async fn a_plan_alone_writes_nothing(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Fixture::new(engine).await;
    let planned = catalog::plan(&fixture.test.db, &fixture.vault, &declared()).await.unwrap();
    assert_eq!(fixture.revision().await, 0);
    assert_eq!(planned, fixture.apply(&declared()).await);
}

#[rstest]
#[tokio::test]
async fn a_changed_price_is_a_new_version(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Fixture::new(engine).await;
    fixture.apply(&declared()).await;
    let first = fixture.load().await;
    let mut dearer = declared();
    let spec = dearer.platform_models.values_mut().next().unwrap();
    spec.cost = spec.price.clone();
    spec.price = Some(serde_json::from_str(r#"{"input_per_million":"3","output_per_million":"4"}"#).unwrap());
    let plan = fixture.apply(&dearer).await;
    let fields: Vec<_> = plan.changes[0].fields.iter().map(|field| &*field.name).collect();
    assert_eq!((plan.changes.len(), fields), (1, vec!["price", "cost"]));
    let second = fixture.load().await;
    assert_ne!(offer(&first).price.as_ref().unwrap().id, offer(&second).price.as_ref().unwrap().id);
    assert!(offer(&second).price.as_ref().unwrap().cost.is_some());
    assert_eq!(fixture.count("SELECT COUNT(*) FROM prices").await, 2);
    // Another field leaves the version in force.
    dearer.platform_models.values_mut().next().unwrap().priority = Some(0);
    fixture.apply(&dearer).await;
    assert_eq!(offer(&fixture.load().await).price, offer(&second).price);
}

#[rstest]
#[tokio::test]
async fn what_was_removed_comes_back_as_itself(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Fixture::new(engine).await;
    fixture.apply(&declared()).await;
    let before = fixture.load().await;
    let plan = fixture.apply(&Declared::default()).await;
    let order: Vec<_> = plan.changes.iter().map(|change| (change.kind, change.change)).collect();
    assert_eq!(order.first(), Some(&(ObjectKind::PlatformModel, Changed::Remove)));
    let empty = fixture.load().await;
    assert!(empty.models.is_empty() && empty.groups.len() == 1);
    assert_eq!(empty.runner_policy.failover, FailoverPolicy::default());
    assert_eq!(fixture.count("SELECT COUNT(*) FROM credentials").await, 0);
    assert!(fixture.apply(&Declared::default()).await.is_empty());

    fixture.apply(&declared()).await;
    let after = fixture.load().await;
    assert_eq!((offer(&before).id, offer(&before).platform.id), (offer(&after).id, offer(&after).platform.id));
    assert_ne!(offer(&before).price.as_ref().unwrap().id, offer(&after).price.as_ref().unwrap().id);
    // Without a price it comes back without the one it had.
    fixture.apply(&Declared::default()).await;
    let mut unpriced = declared();
    unpriced.platform_models.values_mut().next().unwrap().price = None;
    fixture.apply(&unpriced).await;
    assert_eq!(offer(&fixture.load().await).price, None);
    assert!(fixture.apply(&unpriced).await.is_empty());
}

#[rstest]
#[tokio::test]
async fn secrets_are_seen_as_fingerprints_only(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Fixture::new(engine).await;
    let first = fixture.apply(&declared()).await;
    let kept = offer(&fixture.load().await).platform.credentials[0].id;
    let mut changed = declared();
    changed.platforms.get_mut("primary").unwrap().priority = 5;
    fixture.apply(&changed).await;
    assert_eq!(offer(&fixture.load().await).platform.credentials[0].id, kept);
    changed.platforms.get_mut("primary").unwrap().credentials[0].secret = SecretString::from("upstream-NEW");
    let second = fixture.apply(&changed).await;
    assert_eq!((second.changes.len(), second.changes[0].fields.len(), &*second.changes[0].fields[0].name), (1, 1, "credentials"));
    let mut conn = fixture.test.db.read().await.unwrap();
    let documents = sql!(conn, all One<String>, "SELECT document FROM catalog_revisions").unwrap();
    let shown = format!("{first:?}{second:?}{documents:?}");
    assert!(shown.contains("env:HEAVY") && !shown.contains("upstream-HEAVY") && !shown.contains("upstream-NEW"));
    assert!(!shown.contains("proxypass"));
}

#[rstest]
#[tokio::test]
async fn what_others_own_is_left_alone(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Fixture::new(engine).await;
    fixture.apply(&declared()).await;
    fixture.test.raw(&["UPDATE platforms SET source = 'admin'"]).await;
    let mut changed = declared();
    changed.models.clear();
    let plan = fixture.apply(&changed).await;
    assert_eq!(plan.conflicts, ["platform `primary` belongs to `admin`: rename it in the file, or remove it there"]);
    assert_eq!((fixture.revision().await, fixture.load().await.models.len()), (1, 1));
}

#[rstest]
#[case("UPDATE platforms SET provider = 'closedai'", "table platforms, row `primary`, field provider: `closedai` is not a provider")]
#[case("UPDATE platforms SET timeouts = '{'", "table platforms, row `primary`, field timeouts: ")]
#[case("UPDATE platform_models SET weight = 0", "table platform_models, row `gpt at primary`, field weight: it must be at least 1")]
#[case("UPDATE platform_models SET overrides = '[1]'", "table platform_models, row `gpt at primary`, field overrides: ")]
#[case("UPDATE models SET strategy = 'luck'", "table models, row `gpt`, field strategy: `luck` is not a strategy")]
#[case("UPDATE policy_sets SET policy = '{\"x\": 1}'", "table policy_sets, row `standard`, field policy: unknown field `x`")]
#[case(
    "UPDATE policy_sets SET policy = '{\"breaker\": {\"failures\": 0}}'",
    "table policy_sets, row `standard`, field policy: `failures` is 0"
)]
#[case("UPDATE runner_policies SET policy = '{\"rules\": []}'", "table runner_policies, row `rpol_")]
#[case("UPDATE models SET settings = '{\"x\": 1}'", "table models, row `gpt`, field settings: unknown field `x`")]
#[case("UPDATE platforms SET limits = '{\"rpm\": 1}'", "table platforms, row `primary`, field limits: unknown field `rpm`")]
#[case("UPDATE platform_models SET limits = ''", "table platform_models, row `gpt at primary`, field limits: ")]
#[case(
    "UPDATE platform_models SET capabilities = '[\"x\"]'",
    "table platform_models, row `gpt at primary`, field capabilities: `x` is not a capability"
)]
#[case("UPDATE groups SET limits = '5' WHERE name = 'vip'", "table groups, row `vip`, field limits: ")]
#[case("UPDATE credentials SET limits = '{\"concurrent\": 0}'", "table credentials, row `")]
#[case("UPDATE groups SET price_multiplier = -1 WHERE name = 'vip'", "table groups, row `vip`, field price_multiplier: -1")]
#[tokio::test]
async fn a_bad_row_is_named(#[values(Sqlite, Postgres)] engine: TestEngine, #[case] breaking: &str, #[case] expected: &str) {
    let fixture = Fixture::new(engine).await;
    fixture.apply(&declared()).await;
    fixture.test.raw(&[breaking]).await;
    let Err(StoreError::Corrupt(told)) = catalog::load(&fixture.test.db, &fixture.vault).await else { panic!("{breaking} was loaded") };
    assert!(told.starts_with(expected), "{told}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_that_apply_at_once_come_one_after_the_other(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let fixture = Fixture::new(engine).await;
    let declared = declared();
    let (one, other) = tokio::join!(fixture.apply(&declared), fixture.apply(&declared));
    assert!(one.is_empty() != other.is_empty());
    assert_eq!(fixture.revision().await, 1);
}

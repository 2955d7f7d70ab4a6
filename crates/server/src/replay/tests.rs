//! What is said of drafts, to the letter; and how much is read.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use easyai_core::catalog::{
    CandidateOverrides, Catalog, Enabled, Model, ModelSettings, Platform, PlatformModel, PlatformOptions, Strategy, Timeouts,
    default_policy_set,
};
use easyai_core::kind::{ModelType, Provider};
use easyai_core::policy::{FailoverPolicy, PolicySet, RunnerPolicy};
use easyai_core::replay::{Draft, OfferDraft, Seed};
use easyai_core::time::Timestamp;
use easyai_store::history::Span;
use easyai_store::testing::{TestDb, TestEngine};

use super::{Plan, Progress, read_draft, run};

/// `demo`, offered by `primary` by the policy set `standard`, and by `backup` by none; neither has a price.
fn catalog() -> Catalog {
    let set = |name: &str, id: &str| Arc::new(PolicySet { name: name.into(), id: id.parse().unwrap(), ..default_policy_set() });
    let offers = [("primary", set("standard", "pset_00000000000000000000000001")), ("backup", Arc::new(default_policy_set()))];
    let offers = offers.into_iter().map(|(platform, set)| Arc::new(offer(platform, set)));
    let model = Model {
        id: "model_00000000000000000000000001".parse().unwrap(),
        name: "demo".into(),
        strategy: Strategy::Priority,
        settings: ModelSettings::default(),
        created_at: Timestamp::from_micros(0),
        offers: offers.collect(),
    };
    Catalog {
        revision: 1,
        groups: HashMap::new(),
        accounts: HashMap::new(),
        keys: HashMap::new(),
        models: [("demo".into(), Arc::new(model))].into(),
        runner_policy: Arc::new(RunnerPolicy::new("rpol_00000000000000000000000001".parse().unwrap(), FailoverPolicy::default())),
    }
}

fn offer(platform: &str, policy_set: Arc<PolicySet>) -> PlatformModel {
    let platform = Platform {
        id: "plat_00000000000000000000000001".parse().unwrap(),
        name: platform.into(),
        provider: Provider::Simulation,
        base_url: "".into(),
        priority: 0,
        credentials: Vec::new(),
        proxy: None,
        timeouts: Timeouts::default(),
        test_mode: false,
        options: PlatformOptions::default(),
        limits: Arc::default(),
        enabled: Enabled::Yes,
    };
    PlatformModel {
        id: "pm_00000000000000000000000001".parse().unwrap(),
        platform: Arc::new(platform),
        model: "demo".into(),
        upstream_name: "demo".into(),
        model_types: vec![ModelType::TextGenerate],
        price: None,
        weight: NonZeroU32::MIN,
        priority: None,
        context_tokens: None,
        max_output_tokens: None,
        policy_set,
        overrides: CandidateOverrides::default(),
        capabilities: None,
        options: Default::default(),
        limits: Arc::default(),
        enabled: Enabled::Yes,
    }
}

fn parse(text: &str) -> Result<Draft, String> {
    read_draft("d.toml", text, &catalog())
}

#[track_caller]
fn check(text: &str, expected: &str) {
    assert_eq!(parse(text).map(|_| ()).unwrap_err(), expected);
}

#[test]
fn a_draft_is_what_it_names_and_nothing_else() {
    assert!(parse("").unwrap().is_empty());
    let draft = parse(concat!(
        "[runner_policy.failover]\nmax_platforms = 2\n",
        "[[policy_set]]\nname = \"standard\"\n[policy_set.retry]\nmax_attempts = 3\n",
        "[[platform]]\nname = \"primary\"\nenabled = false\n",
        "[[model]]\nname = \"demo\"\nstrategy = \"lowest_cost\"\n",
        "[[platform_model]]\nplatform = \"backup\"\nmodel = \"demo\"\npolicy_set = \"standard\"\nweight = 3\n",
    ))
    .unwrap();
    assert_eq!(draft.failover.map(|failover| failover.max_platforms.get()), Some(2));
    assert_eq!((draft.demotion, draft.availability), (None, None));
    assert_eq!(draft.policy_sets["standard"].retry.as_ref().map(|retry| retry.max_attempts.get()), Some(3));
    assert_eq!(draft.policy_sets["standard"].cooldown, None);
    assert_eq!((draft.platforms["primary"].enabled, draft.platforms["primary"].priority), (Some(Enabled::No), None));
    assert_eq!(draft.models["demo"], Strategy::LowestCost);
    let offer = &draft.offers[&("backup".to_owned(), "demo".to_owned())];
    let expected = OfferDraft { policy_set: Some("standard".to_owned()), weight: NonZeroU32::new(3), ..OfferDraft::default() };
    assert_eq!(*offer, expected);
}

#[test]
fn what_a_draft_cant_change_is_refused_with_its_place_and_the_nearest_name() {
    check(
        "[[group]]\nname = \"g\"\n",
        "d.toml:1:3: `group` is nothing that a draft can change: use one of `platform`, `model`, `platform_model`, `policy_set`, `runner_policy`",
    );
    check("[[platfrom]]\nname = \"primary\"\n", "d.toml:1:3: `platfrom` is nothing that a draft can change: did you mean `platform`?");
    check(
        "[[platform]]\nname = \"primary\"\nbase_url = \"https://a\"\npriorty = 1\n",
        concat!(
            "d.toml:3:1: platform \"primary\": unknown field `base_url`: use one of `name`, `priority`, `enabled`\n",
            "d.toml:4:1: platform \"primary\": unknown field `priorty`: did you mean `priority`?"
        ),
    );
    check(
        "[runner_policy.failover]\nmax_platfroms = 2\n",
        "d.toml:2:1: runner_policy: unknown field `max_platfroms`: did you mean `max_platforms`?",
    );
    check("[[model]]\nname = m\n", "d.toml:2:8: string values must be quoted, expected literal string");
}

#[test]
fn names_are_those_of_the_catalogue() {
    check("[[platform]]\nname = \"primry\"\n", "d.toml:2:8: there is no platform `primry` in the catalogue: did you mean `primary`?");
    check(
        "[[platform_model]]\nplatform = \"primary\"\nmodel = \"dmo\"\npolicy_set = \"standrd\"\n",
        concat!(
            "d.toml:3:9: there is no model `dmo` in the catalogue: did you mean `demo`?\n",
            "d.toml:4:14: there is no policy_set `standrd` in the catalogue: did you mean `standard`?"
        ),
    );
    check(
        "[[policy_set]]\nname = \"standrd\"\n",
        "d.toml:2:8: policy_set \"standrd\" is named by no platform model, neither in use nor here: did you mean `standard`?",
    );
    // The set of those that name none has no name of its own.
    assert!(parse("[[policy_set]]\nname = \"default\"\n").is_err());
    assert!(
        parse("[[policy_set]]\nname = \"new\"\n[[platform_model]]\nplatform = \"backup\"\nmodel = \"demo\"\npolicy_set = \"new\"\n")
            .is_ok()
    );
    check(
        "[[model]]\nname = \"demo\"\nstrategy = \"priority\"\n[[model]]\nname = \"demo\"\nstrategy = \"priority\"\n",
        "d.toml:5:8: model \"demo\" is drafted twice",
    );
    check(
        "[[platform_model]]\nplatform = \"backup\"\nmodel = \"demo\"\ncost = { input_per_million = \"1\", output_per_million = \"1\" }\n",
        "d.toml:1:1: platform_model \"demo\" at \"backup\": `cost` without `price`: what has no price serves nobody",
    );
}

#[tokio::test]
async fn no_more_is_read_than_allowed_and_that_is_told() {
    let test = TestDb::new(TestEngine::Sqlite).await;
    let insert = "INSERT INTO tasks (id, account_id, key_id, node_id, kind, model, model_type, stream, simulated, status, platform_model_id,
            platform, hold, input_tokens, expected_output_tokens, price_id, catalog_revision, runner_policy_id, started_at, attempts)
        WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
        SELECT CAST(zeroblob(12) || printf('%04d', i) AS BLOB), zeroblob(16), zeroblob(16), zeroblob(16), 'chat.completions', 'demo', 'text_generate', FALSE,
            FALSE, 'running', zeroblob(16), 'primary', 0, 1, 1, zeroblob(16), 1, zeroblob(16), i, 0 FROM n";
    test.raw(&[insert]).await;
    let check = async |most_tasks, expected: (u64, bool)| {
        let plan = Plan { span: Span::default(), draft: Draft::default(), seed: Seed(0), differences: 1, most_tasks };
        let mut told = Vec::new();
        let outcome = run(&test.db, &catalog(), &plan, |progress| told.push(progress)).await.unwrap();
        assert_eq!((outcome.report.tasks.read, outcome.complete), expected);
        let micros = i64::try_from(expected.0).unwrap();
        assert_eq!(outcome.last_task_at, (micros > 0).then(|| Timestamp::from_micros(micros)));
        assert!(told.is_sorted_by_key(|progress: &Progress| progress.thousandths));
        assert_eq!(told.last().map(|progress| (progress.tasks, progress.thousandths)), Some((expected.0, 1_000)));
    };
    check(None, (500, true)).await;
    check(Some(500), (500, true)).await;
    check(Some(499), (499, false)).await;
    check(Some(0), (0, false)).await;
}

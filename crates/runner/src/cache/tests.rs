//! Which calls are equal, and who leads whom.

use std::collections::HashMap;

use easyai_core::catalog::{
    Account, AllowedModels, ApiKey, Catalog, Enabled, Group, Model, ModelSettings, Platform, PlatformModel, PlatformOptions,
    ResponseCache as Setting, Strategy, Timeouts, default_policy_set,
};
use easyai_core::id::{AccountId, GroupId, KeyId, ModelId, PlatformId, PlatformModelId, PriceId, RunnerPolicyId, TaskId};
use easyai_core::kind::{ModelType, Provider, RunMode};
use easyai_core::policy::{FailoverPolicy, RunnerPolicy};
use easyai_core::price::Multiplier;
use easyai_core::time::Timestamp;
use easyai_protocols::openai::scan::scan;
use easyai_store::journal::Idempotency;
use http::HeaderMap;
use uuid::Uuid;

use super::*;
use crate::caller::Caller;
use crate::kept::Keep;
use crate::prepare::TextAsk;

const BODY: &str = r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#;

fn model(name: &str, settings: &str) -> (Arc<str>, Arc<Model>) {
    let model = Model {
        id: ModelId::from_uuid(Uuid::nil()),
        name: name.into(),
        strategy: Strategy::Priority,
        settings: serde_json::from_str::<ModelSettings>(settings).unwrap(),
        created_at: Timestamp::from_micros(0),
        offers: Vec::new(),
    };
    (Arc::clone(&model.name), Arc::new(model))
}

/// A key that may use the cache of the model `m`, with the fallback `other`; the model `plain` has none.
fn ask(body: &str) -> TextAsk {
    let group = Group {
        id: GroupId::from_uuid(Uuid::nil()),
        name: "default".into(),
        price_multiplier: Multiplier::ONE,
        models: AllowedModels::All,
        limits: Arc::default(),
    };
    let account = Account {
        id: AccountId::from_uuid(Uuid::nil()),
        name: "demo".into(),
        group: group.id,
        enabled: Enabled::Yes,
        limits: Arc::default(),
    };
    let key = ApiKey {
        id: KeyId::from_uuid(Uuid::nil()),
        account: account.id,
        name: "key".into(),
        models: AllowedModels::All,
        expires_at: None,
        revoked_at: None,
        run_mode: RunMode::Live,
        limits: Arc::default(),
        response_cache: true,
    };
    let cached = r#"{"fallbacks":["other"],"response_cache":{"seconds":60}}"#;
    let catalog = Catalog {
        revision: 1,
        groups: HashMap::new(),
        accounts: HashMap::new(),
        keys: HashMap::new(),
        models: HashMap::from([model("m", cached), model("m2", cached), model("plain", "{}"), model("other", "{}")]),
        runner_policy: Arc::new(RunnerPolicy::new(RunnerPolicyId::from_uuid(Uuid::nil()), FailoverPolicy::default())),
    };
    let caller = Caller { catalog: Arc::new(catalog), key: Arc::new(key), account: Arc::new(account), group: Arc::new(group) };
    TextAsk {
        callback: None,
        caller,
        request: scan(Bytes::copy_from_slice(body.as_bytes())).unwrap(),
        run_mode: RunMode::Live,
        simulation: None,
        deadline: None,
        queue_timeout: None,
        session: None,
        keep: Keep::Nothing,
        detached: false,
        idempotency: None,
        job: None,
        base_url: None,
        headers: HeaderMap::new(),
    }
}

fn changed(change: impl FnOnce(&mut TextAsk)) -> TextAsk {
    let mut ask = ask(BODY);
    change(&mut ask);
    ask
}

/// What goes on from a response and, with its turns, has the same body as every other.
fn ask_after(previous: &str, original: &'static str) -> TextAsk {
    let ask = ask(BODY);
    TextAsk { request: ask.request.in_place_of(Bytes::from_static(original.as_bytes()), Some(previous)), ..ask }
}

fn with_key(change: impl FnOnce(&mut ApiKey)) -> TextAsk {
    changed(|ask| change(Arc::make_mut(&mut ask.caller.key)))
}

fn with_header(name: &'static str, value: &'static str) -> TextAsk {
    changed(|ask| assert!(!ask.headers.append(name, HeaderValue::from_static(value))))
}

fn wish() -> Wish {
    Wish::of(&ask(BODY)).unwrap()
}

#[test]
fn only_calls_that_may_use_it_wish_anything() {
    assert!(Wish::of(&ask(BODY)).is_some_and(|wish| wish.settings.seconds.get() == 60));
    for off in [
        with_key(|key| key.response_cache = false),
        with_key(|key| key.run_mode = RunMode::Simulation),
        with_key(|key| key.models = AllowedModels::from_names(["other".to_owned()])),
        changed(|ask| ask.run_mode = RunMode::Simulation),
        changed(|ask| ask.keep = Keep::Answer),
        changed(|ask| ask.idempotency = Some(Idempotency { key: "k".to_owned(), body_hash: [0; 32] })),
        ask(&BODY.replace("\"m\"", "\"plain\"")),
        ask(&BODY.replace("\"m\"", "\"unknown\"")),
        with_header("cache-control", "max-age=0, No-Store"),
    ] {
        assert!(Wish::of(&off).is_none(), "{off:?}");
    }
    let freshness = |ask: TextAsk| Wish::of(&ask).unwrap().freshness;
    assert_eq!(freshness(with_header("cache-control", "max-age=0")), Freshness::Any);
    assert_eq!(freshness(with_header("cache-control", "max-age=0, no-cache")), Freshness::New);
}

#[test]
fn equal_calls_have_one_key_and_others_another() {
    let key = |ask: TextAsk| Wish::of(&ask).unwrap().key;
    let first = wish().key;
    for same in [
        ask(BODY),
        with_header("user-agent", "another SDK"),
        with_header("cache-control", "no-cache"),
        changed(|ask| ask.deadline = Some(Duration::from_secs(1))),
        with_key(|key| key.id = KeyId::from_uuid(Uuid::max())),
    ] {
        assert_eq!(key(same), first);
    }
    let others = [
        changed(|ask| Arc::make_mut(&mut ask.caller.account).id = AccountId::from_uuid(Uuid::max())),
        ask(&BODY.replace("hi", "ho")),
        ask(&BODY.replace("hi", "hi ")),
        ask(&BODY.replace(",\"", ", \"")),
        // Gemini names model, stream and framing elsewhere than in the body.
        changed(|ask| ask.request.scan.model = "m2".into()),
        changed(|ask| ask.request.scan.stream = true),
        changed(|ask| ask.request.scan.include_usage = true),
        changed(|ask| ask.request.framing = easyai_protocols::request::Framing::Array),
        changed(|ask| ask.request.protocol = easyai_protocols::wire::Protocol::Completions),
        // The turns before may make the same body of it.
        ask_after("resp_1", BODY),
        ask_after("resp_2", BODY),
        ask_after("resp_1", "{}"),
        with_header("openai-beta", "assistants=v2"),
        with_header("anthropic-beta", "context-1m"),
        // Its answers may not be those of the fallback.
        with_key(|key| key.models = AllowedModels::from_names(["m".to_owned()])),
    ];
    let mut keys: Vec<_> = others.into_iter().map(key).chain([first]).collect();
    let count = keys.len();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), count);
}

fn offer(test_mode: bool) -> PlatformModel {
    let platform = Platform {
        id: PlatformId::from_uuid(Uuid::nil()),
        name: "p".into(),
        provider: Provider::Simulation,
        base_url: "".into(),
        priority: 0,
        credentials: Vec::new(),
        proxy: None,
        timeouts: Timeouts::default(),
        test_mode,
        options: PlatformOptions::default(),
        limits: Arc::default(),
        enabled: Enabled::Yes,
    };
    let price = serde_json::from_str(r#"{"input_per_million":"1","output_per_million":"2"}"#).unwrap();
    PlatformModel {
        id: PlatformModelId::from_uuid(Uuid::nil()),
        platform: Arc::new(platform),
        model: "m".into(),
        upstream_name: "up-m".into(),
        model_types: ModelType::ALL.to_vec(),
        price: Some(Arc::new(PriceVersion { id: PriceId::from_uuid(Uuid::nil()), price, cost: None })),
        weight: std::num::NonZeroU32::MIN,
        priority: None,
        context_tokens: None,
        max_output_tokens: None,
        policy_set: Arc::new(default_policy_set()),
        overrides: Default::default(),
        capabilities: None,
        options: Default::default(),
        limits: Arc::default(),
        enabled: Enabled::Yes,
    }
}

fn keep(keeper: Keeper, offer: &PlatformModel, body: &[u8]) {
    let served = Served {
        task: TaskId::from_uuid(Uuid::nil()),
        attempts: 1,
        platform: "p".into(),
        fallback: None,
        charged: None,
        conversions: String::new(),
        cache: None,
    };
    keeper.keep(offer, served, Usage::counted(1, 1), HeaderValue::from_static("application/json"), body);
}

#[track_caller]
fn leads(cache: &ResponseCache, wish: &Wish) -> Keeper {
    match cache.look(wish) {
        Looked::Leads(keeper) => keeper,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn follows(cache: &ResponseCache, wish: &Wish) -> Following {
    match cache.look(wish) {
        Looked::Follows(following) => following,
        other => panic!("{other:?}"),
    }
}

fn answered(cache: &ResponseCache, wish: &Wish) -> Option<Bytes> {
    match cache.look(wish) {
        Looked::Answered(answer) => Some(answer.body.clone()),
        Looked::Leads(_) | Looked::Follows(_) => None,
    }
}

#[tokio::test]
async fn the_first_of_equal_calls_leads_and_the_others_have_its_answer() {
    let (cache, wish) = (ResponseCache::default(), wish());
    let keeper = leads(&cache, &wish);
    let (mut one, mut two) = (follows(&cache, &wish), follows(&cache, &wish));
    keep(keeper, &offer(false), b"{}");
    for following in [&mut one, &mut two] {
        assert_eq!(following.answer().await.unwrap().body, "{}");
    }
    assert_eq!(answered(&cache, &wish).as_deref(), Some(&b"{}"[..]));
    assert_eq!(cache.bytes(), 2 + OVERHEAD as u64);
    assert!(cache.0.leads().is_empty());
}

#[tokio::test]
async fn a_lead_that_comes_to_nothing_goes_to_one_of_those_who_wait() {
    let (cache, wish) = (ResponseCache::default(), wish());
    for (offer, body) in [(offer(true), vec![]), (offer(false), vec![0; MAX_ANSWER_BYTES + 1])] {
        let keeper = leads(&cache, &wish);
        let mut waits = follows(&cache, &wish);
        keep(keeper, &offer, &body);
        assert!(waits.answer().await.is_none());
    }
    let keeper = leads(&cache, &wish);
    let (mut one, mut two) = (follows(&cache, &wish), follows(&cache, &wish));
    drop(keeper);
    assert!(one.answer().await.is_none() && two.answer().await.is_none());
    let next = leads(&cache, &wish);
    let mut two = follows(&cache, &wish);
    keep(next, &offer(false), b"late");
    assert_eq!(two.answer().await.unwrap().body, "late");
}

#[tokio::test]
async fn a_caller_that_wants_a_new_answer_waits_for_nobody_and_renews_it() {
    let (cache, wish) = (ResponseCache::default(), wish());
    let new = Wish { freshness: Freshness::New, ..wish };
    keep(leads(&cache, &wish), &offer(false), b"old");
    // Who comes meanwhile is content with the old one.
    let renews = leads(&cache, &new);
    assert_eq!(answered(&cache, &wish).as_deref(), Some(&b"old"[..]));
    let beside = leads(&cache, &new);
    keep(beside, &offer(false), b"beside");
    assert_eq!(answered(&cache, &wish).as_deref(), Some(&b"beside"[..]));
    keep(renews, &offer(false), b"new");
    assert_eq!(answered(&cache, &wish).as_deref(), Some(&b"new"[..]));
    assert!(cache.0.leads().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_answer_lives_as_long_as_its_model_says_then_and_now() {
    let (cache, wish) = (ResponseCache::default(), wish());
    keep(leads(&cache, &wish), &offer(false), b"{}");
    tokio::time::advance(Duration::from_millis(59_999)).await;
    assert!(answered(&cache, &wish).is_some());
    let shorter = Setting { seconds: std::num::NonZeroU32::MIN, ..wish.settings };
    assert!(answered(&cache, &Wish { settings: shorter, ..wish }).is_none());
    tokio::time::advance(Duration::from_millis(1)).await;
    assert!(answered(&cache, &wish).is_none());
}

#[test]
fn much_is_forgotten_before_it_is_too_much() {
    let cache = ResponseCache::default();
    for index in 0..40_u8 {
        let wish = Wish { key: [index; 32], ..wish() };
        keep(leads(&cache, &wish), &offer(false), &vec![0; MAX_ANSWER_BYTES]);
    }
    assert!((1..=MAX_BYTES).contains(&cache.bytes()), "{}", cache.bytes());
}

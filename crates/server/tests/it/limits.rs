//! Limits: never over one, at any scope, whoever fails or vanishes; fair between accounts; kept over restarts; shown by *explain*.

use std::time::Duration;

use easyai_bench::mock::{Answer as Said, Behaviour, Fault, MockUpstream, Place, Reply};
use rstest::rstest;
use serde_json::Value;
use tokio::task::JoinSet;

use crate::app::{Catalog, TestApp};
use crate::caller::Chat;
use crate::limited::{Scope, explained, limited};
use crate::patience::within;

/// One caller of a crowd: some leave in the middle, some are impatient, the rest read on.
async fn one_of_a_crowd(chat: Chat, index: usize) {
    match index % 4 {
        0 => {
            let mut exchange = chat.streamed().begin().await;
            exchange.frame().await;
        }
        1 => drop(tokio::time::timeout(Duration::from_millis(120), chat.answer()).await),
        2 => drop(chat.streamed().answer().await),
        _ => drop(chat.answer().await),
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_more_calls_are_under_way_than_allowed_whoever_fails_or_vanishes(
    #[values(Scope::Key, Scope::Account, Scope::Group, Scope::Platform, Scope::Credential, Scope::PlatformModel)] scope: Scope,
) {
    let answer = Said { chunk_delay: Duration::from_millis(20), ..Said::of_deltas(4) };
    let upstream = MockUpstream::start(Behaviour::always(answer.clone()).with_latency(Duration::from_millis(30))).await.unwrap();
    let app = limited(scope, &[("concurrent", 4)], &upstream).await;
    let odd = [Reply::status(500), Reply::status(429), Reply::from(answer.clone().broken(Place::Deltas(2), Fault::Cut))];
    upstream.script((0..30).map(|index| if index % 2 == 0 { odd[index / 2 % 3].clone() } else { Reply::from(answer.clone()) }).collect());
    let mut crowd = JoinSet::new();
    for index in 0..80 {
        crowd.spawn(one_of_a_crowd(app.caller.chat("hello").field("max_tokens", 4), index));
    }
    crowd.join_all().await;
    let stats = upstream.stats();
    assert!(stats.peak <= 4, "{scope:?}: {stats:?}");
    assert!(stats.calls >= 40, "{scope:?}: {stats:?}");
    within(Duration::from_secs(10), "nothing is left taken", async || {
        let told = explained(&app.caller).await;
        let all = told["limits"].as_array().unwrap().iter().chain(told["candidates"][0]["limits"].as_array().unwrap());
        all.clone().all(|limit| limit["used"] == 0) && all.count() == 1
    })
    .await;
    // The ends of those who left are written by themselves.
    within(Duration::from_secs(10), "all have ended", async || app.caller.tasks("&status=running").await.is_empty()).await;
    app.everything_is_settled("1000").await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_more_requests_in_a_minute_than_allowed_and_the_refusal_names_the_limit(
    #[values(Scope::Key, Scope::Account, Scope::Group, Scope::Platform, Scope::Credential, Scope::PlatformModel)] scope: Scope,
) {
    let upstream = MockUpstream::start(Behaviour::default()).await.unwrap();
    let app = limited(scope, &[("requests_per_minute", 10)], &upstream).await;
    let impatient = app.caller.chat("hello").header("x-easyai-queue-timeout-ms", "0");
    let mut served = 0;
    for _ in 0..15 {
        let answer = impatient.answer().await;
        if answer.status == 200 {
            served += 1;
            if scope.is_the_callers() {
                let left = answer.header("x-ratelimit-remaining-requests").map(str::to_owned);
                assert_eq!((answer.header("x-ratelimit-limit-requests"), left), (Some("10"), Some((10 - served).to_string())), "{answer}");
            }
        } else {
            let answer = answer.refused(429, "rate_limit");
            let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
            assert!((1..=62).contains(&wait), "{answer}");
            assert!(answer.to_string().contains("limit of 10 requests_per_minute"), "{answer}");
        }
    }
    assert_eq!((served, upstream.calls()), (10, 10));
    app.everything_is_settled("1000").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_are_taken_as_estimated_and_corrected_to_what_was_used() {
    let upstream = MockUpstream::start(Behaviour::default()).await.unwrap();
    let app = limited(Scope::Key, &[("tokens_per_minute", 130)], &upstream).await;
    let chat = app.caller.chat("hello").header("x-easyai-queue-timeout-ms", "0");
    // 13 tokens are used by each; 90 are asked for at first.
    let answer = chat.clone().field("max_tokens", 90).answer().await.ok();
    assert_eq!(answer.header("x-ratelimit-remaining-tokens"), Some("117"), "{answer}");
    let mut served = 1;
    while chat.clone().field("max_tokens", 4).answer().await.status == 200 {
        served += 1;
    }
    assert!((8..=10).contains(&served), "{served}");
    let never = chat.field("max_tokens", 5_000).answer().await.refused(429, "rate_limit");
    assert!(never.to_string().contains("this request alone may need"), "{never}");
    app.everything_is_settled("1000").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_budget_is_the_end_of_a_key_and_survives_a_kill() {
    let upstream = MockUpstream::start(Behaviour::default()).await.unwrap();
    let mut app = TestApp::start(Catalog::demo(&upstream.base_url())).await;
    app.program.good(&["key", "set", &app.key_id, "--budget", "daily=0.06"]);
    within(Duration::from_secs(5), "the budget is known", async || !explained(&app.caller).await["limits"].as_array().unwrap().is_empty())
        .await;
    let chat = app.caller.chat("hello").field("max_tokens", 4);
    for _ in 0..2 {
        chat.answer().await.ok();
    }
    app.gateway.kill();
    app.restart().await;
    // Two of 0.017 are spent; a third fits, a fourth does not.
    chat.answer().await.ok();
    let refused = chat.answer().await.refused(402, "budget_exceeded");
    assert!(refused.to_string().contains("this key has used up its daily_budget of 0.06"), "{refused}");
    assert_eq!(upstream.calls(), 3);
    app.everything_is_settled("1000").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_budget_that_comes_later_begins_with_what_was_spent() {
    let upstream = MockUpstream::start(Behaviour::default()).await.unwrap();
    let mut app = TestApp::start(Catalog::demo(&upstream.base_url())).await;
    let chat = app.caller.chat("hello").field("max_tokens", 4);
    for _ in 0..3 {
        chat.answer().await.ok();
    }
    // Three of 0.017 are spent.
    app.program.good(&["account", "set", "demo", "--budget", "monthly=0.06"]);
    let known = async || !explained(&app.caller).await["limits"].as_array().unwrap().is_empty();
    within(Duration::from_secs(5), "the budget is known", known).await;
    let refused = chat.answer().await.refused(402, "budget_exceeded");
    assert!(refused.to_string().contains("this account has used up its monthly_budget of 0.06"), "{refused}");
    // The same for one that comes while no process runs.
    app.program.good(&["account", "set", "demo", "--budget", "monthly=none"]);
    app.gateway.terminate();
    assert!(app.gateway.ended(Duration::from_secs(20)).await.success());
    app.program.good(&["key", "set", &app.key_id, "--budget", "daily=0.06"]);
    app.restart().await;
    chat.answer().await.refused(402, "budget_exceeded");
    assert_eq!(upstream.calls(), 3);
    let told = app.program.good(&["account", "create", "limited", "--limit", "concurrent=2", "--budget", "daily=5"]);
    assert!(told.contains("with the limits: 2 concurrent, 5 daily_budget"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counters_survive_a_clean_restart() {
    let upstream = MockUpstream::start(Behaviour::default()).await.unwrap();
    let mut app = limited(Scope::Platform, &[("requests_per_minute", 3)], &upstream).await;
    let chat = app.caller.chat("hello").header("x-easyai-queue-timeout-ms", "0");
    for _ in 0..3 {
        chat.answer().await.ok();
    }
    app.gateway.terminate();
    assert!(app.gateway.ended(Duration::from_secs(20)).await.success());
    app.restart().await;
    chat.answer().await.refused(429, "rate_limit");
    assert_eq!(upstream.calls(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_that_floods_does_not_starve_another() {
    let latency = Duration::from_millis(200);
    let upstream = MockUpstream::start(Behaviour::default().with_latency(latency)).await.unwrap();
    let app = limited(Scope::Platform, &[("concurrent", 4)], &upstream).await;
    let other = app.stranger().await;
    let mut flood = JoinSet::new();
    for _ in 0..60 {
        let chat = app.caller.chat("hello");
        flood.spawn(async move { chat.answer().await.ok() });
    }
    within(Duration::from_secs(10), "the flood waits, and its latest task says so", async || {
        let latest = app.caller.tasks("&status=running").await.first().map(|task| task["id"].as_str().unwrap().to_owned());
        let Some(latest) = latest else { return false };
        app.caller.task(&latest).await["queue"]["waiting"].as_u64().is_some_and(|waiting| waiting > 20)
    })
    .await;
    let before = upstream.calls();
    other.chat("me too").answer().await.ok();
    // It waited for the calls under way and one more, not for the flood; with room for a slow machine.
    assert!(upstream.calls() - before <= 12, "{}", upstream.calls() - before);
    flood.join_all().await;
    assert_eq!(upstream.stats().peak, 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_own_limits_cool_nobody_down_and_the_next_platform_serves() {
    let (narrow, wide) =
        (MockUpstream::start(Behaviour::default()).await.unwrap(), MockUpstream::start(Behaviour::default()).await.unwrap());
    let limits = "limits = { requests_per_minute = 2 }";
    let catalog = Catalog::default().platform("narrow", &narrow.base_url(), limits).platform("wide", &wide.base_url(), "");
    let app = TestApp::start(catalog.offer("narrow", "demo").offer("wide", "demo")).await;
    let mut last = None;
    for _ in 0..5 {
        last = Some(app.caller.chat("hello").answer().await.ok());
    }
    assert_eq!((narrow.calls(), wide.calls()), (2, 3));
    let told = app.caller.trace(&last.unwrap().task()).await;
    assert_eq!(told["left_out"], Value::Null, "nobody cools down: {told}");
    assert_eq!(told["decisions"][0]["failure"]["category"], "local_rate_limit");
    let message = told["decisions"][0]["failure"]["message"].as_str().unwrap();
    assert!(message.starts_with("the platform is at its limit of 2 requests_per_minute"), "{message}");
    app.everything_is_settled("1000").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_in_shadow_mode_is_only_measured() {
    let upstream = MockUpstream::start(Behaviour::default()).await.unwrap();
    let catalog = Catalog::default().platform("only", &upstream.base_url(), "limits = { requests_per_minute = 2, shadow = true }");
    let app = TestApp::start(catalog.offer("only", "demo")).await;
    for _ in 0..4 {
        app.caller.chat("hello").answer().await.ok();
    }
    let limit = explained(&app.caller).await["candidates"][0]["limits"][0].clone();
    assert_eq!((&limit["used"], &limit["shadow"], &limit["full"]), (&4.into(), &true.into(), &true.into()), "{limit}");
    let metrics = app.caller.get("/metrics").await.ok().to_string();
    assert!(metrics.contains("easyai_shadow_refusals 2"), "{metrics}");
}

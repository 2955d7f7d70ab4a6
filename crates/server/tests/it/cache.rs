//! The exact response cache: off unless key and model have it on; the same request, the same answer, nothing or a share of its charge.

use std::time::Duration;

use easyai_bench::mock::{Answer as Said, Behaviour, Fault, MockUpstream, Place, Reply};
use easyai_store::testing::TestEngine::{self, Postgres, Sqlite};
use rstest::rstest;
use serde_json::Value;
use tokio::task::JoinSet;

use crate::app::catalog::{DEFAULT_CHARGE, PRICE};
use crate::app::{Catalog, Setup, TestApp};
use crate::caller::{Caller, Chat, money};
use crate::http::Answer;
use crate::patience::within;

const PATIENCE: Duration = Duration::from_secs(10);

/// One platform, and the model `demo` with this response cache.
fn catalog(upstream: &MockUpstream, setting: &str, price: &str) -> Catalog {
    Catalog::default().platform("only", &upstream.base_url(), "").and(&format!(
        "[[model]]\nname = \"demo\"\nresponse_cache = {setting}\n[[model]]\nname = \"plain\"\n\
         [[platform_model]]\nplatform = \"only\"\nmodel = \"demo\"\nprice = {price}\n\
         [[platform_model]]\nplatform = \"only\"\nmodel = \"plain\"\nprice = {price}"
    ))
}

async fn upstream() -> MockUpstream {
    MockUpstream::start(Behaviour::default()).await.unwrap()
}

/// Answers that can be told from one another.
async fn counting_upstream() -> MockUpstream {
    let upstream = upstream().await;
    upstream.script(["one", "two", "three", "four"].map(|word| Reply::from(Said::saying(&[word, " of", " them"]))).into());
    upstream
}

impl TestApp {
    /// The same account with a key that may use the response cache, as soon as the gateway knows it.
    async fn cached(&self) -> Caller {
        self.cached_of("demo").await
    }

    async fn cached_of(&self, account: &str) -> Caller {
        let created = self.program.good(&["key", "create", "--account", account, "--response-cache", "--json"]);
        let key = serde_json::from_str::<Value>(&created).unwrap()["key"].as_str().unwrap().to_owned();
        let caller = Caller { key, ..self.caller.clone() };
        within(PATIENCE, "the key is known", async || caller.get("/v1/models").await.status == 200).await;
        caller
    }

    /// Waits until so many calls are under way, those that wait for another one included.
    async fn under_way(&self, calls: usize) {
        let told = format!("easyai_in_flight {calls}\n");
        let shown = async || String::from_utf8_lossy(&self.caller.get("/metrics").await.body).contains(&told);
        within(PATIENCE, "the calls are under way", shown).await;
    }
}

async fn start(upstream: &MockUpstream, setting: &str) -> (TestApp, Caller) {
    let app = TestApp::start(catalog(upstream, setting, PRICE)).await;
    let caller = app.cached().await;
    (app, caller)
}

/// All at once.
async fn all(chats: impl IntoIterator<Item = Chat>) -> Vec<Answer> {
    let asking: JoinSet<Answer> = chats.into_iter().map(|chat| async move { chat.answer().await }).collect();
    asking.join_all().await
}

fn of(answers: &[Answer], cache: &str) -> usize {
    answers.iter().filter(|answer| answer.header("x-easyai-cache") == Some(cache)).count()
}

impl Answer {
    #[track_caller]
    fn is(self, cache: &str) -> Self {
        let answer = self.ok();
        assert_eq!(answer.header("x-easyai-cache"), Some(cache), "{answer}");
        assert_eq!(answer.header("age").is_some(), cache == "hit", "{answer}");
        answer
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_off_unless_key_and_model_have_it_on() {
    let upstream = upstream().await;
    let (app, cached) = start(&upstream, "{ seconds = 600 }").await;
    for chat in [app.caller.chat("hello"), cached.chat("hello").model("plain")] {
        for _ in 0..2 {
            let answer = chat.answer().await.ok();
            assert_eq!((answer.header("x-easyai-cache"), answer.header("age")), (None, None), "{answer}");
        }
    }
    let others = [("x-easyai-run-mode", "simulation"), ("idempotency-key", "k"), ("cache-control", "no-store")];
    for (name, value) in others {
        let answer = cached.chat("hello").header(name, value).answer().await.ok();
        assert_eq!(answer.header("x-easyai-cache"), None, "{name}: {answer}");
    }
    assert_eq!(upstream.calls(), 6);
    cached.chat("hello").answer().await.is("miss");
    app.everything_is_settled("1000").await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_request_has_the_same_answer_for_nothing(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let upstream = counting_upstream().await;
    let app = Setup::new(catalog(&upstream, "{ seconds = 600 }", PRICE)).on(engine).with("EASYAI_EXPOSE_PLATFORM", "true").start().await;
    let cached = app.cached().await;
    let first = cached.chat("hello").answer().await.is("miss");
    let again = cached.chat("hello").answer().await.is("hit");
    assert_eq!(first.body, again.body);
    for same in ["content-type", "x-easyai-platform"] {
        assert_eq!(first.header(same), again.header(same), "{again}");
    }
    assert_eq!((again.header("x-easyai-charge"), again.header("x-easyai-attempts")), (Some("0"), Some("0")), "{again}");
    assert_ne!(first.task(), again.task());
    assert_eq!(upstream.calls(), 1);

    let (then, task) = (cached.task(&first.task()).await, cached.task(&again.task()).await);
    assert_eq!((&task["status"], &task["attempts"], &task["charge"]), (&"succeeded".into(), &0.into(), &"0".into()), "{task}");
    assert_eq!((&task["usage"], &task["model"], &task["kind"]), (&then["usage"], &then["model"], &then["kind"]));
    let trace = cached.trace(&again.task()).await;
    assert_eq!((&trace["cache"]["of"], &trace["cache"]["charge_percent"]), (&first.task().into(), &0.into()), "{trace}");
    let told = format!("answered from the response cache: the answer of {} ", first.task());
    assert!(trace["cache"]["message"].as_str().unwrap().starts_with(&told), "{trace}");
    let shown = app.task_show(&again.task());
    assert!(shown.contains(&told) && shown.contains("Attempts\n  none"), "{shown}");
    assert_eq!(cached.trace(&first.task()).await["cache"], Value::Null);

    let events = cached.get(&format!("/api/v1/tasks/{}/events", again.task())).await.ok().json();
    let told: Vec<_> = events["data"].as_array().unwrap().iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(told, ["task.progress", "task.completed"]);
    assert_eq!((&events["data"][1]["seq"], &events["data"][1]["progress"]), (&2.into(), &1.into()), "{events}");
    assert_eq!(events["data"][1]["payload"]["usage"]["output_tokens"], then["usage"]["output_tokens"], "{events}");
    let metrics = app.caller.get("/metrics").await;
    let metrics = String::from_utf8_lossy(&metrics.body);
    assert!(
        metrics.contains("easyai_response_cache_hits_total 1\n") && metrics.contains("easyai_response_cache_misses_total 1\n"),
        "{metrics}"
    );
    app.everything_is_settled("1000").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_set_share_is_charged_and_in_the_ledger() {
    let upstream = upstream().await;
    let (app, cached) = start(&upstream, "{ seconds = 600, charge_percent = 10 }").await;
    let first = cached.chat("hello").answer().await.is("miss");
    let again = cached.chat("hello").answer().await.is("hit");
    assert_eq!((first.header("x-easyai-charge"), again.header("x-easyai-charge")), (Some(DEFAULT_CHARGE), Some("0.0017")));
    let streamed = cached.chat("hello").streamed();
    streamed.answer().await.is("miss");
    let task = streamed.answer().await.is("hit").task();
    assert_eq!(money(&cached.task(&task).await["charge"]), "0.0017".parse().unwrap());
    let shown = app.task_show(&task);
    assert!(shown.contains("charged 10 %") && shown.contains("charged 0.0017 USD") && shown.contains("cost 0 USD"), "{shown}");
    assert!(shown.contains("times 0.1 (the group's multiplier and the response cache's share, in the lines)"), "{shown}");
    let events = cached.get(&format!("/api/v1/tasks/{task}/events")).await.ok().json();
    assert_eq!(events["data"][1]["type"], "task.billing.settled", "{events}");
    app.everything_is_settled("1000").await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_cant_pay_the_share_is_refused(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let upstream = upstream().await;
    let price = r#"{ input_per_million = "0", output_per_million = "0", per_request = "1" }"#;
    let catalog = catalog(&upstream, "{ charge_percent = 100 }", price);
    let app = Setup::new(catalog).on(engine).with_balance("2.5").start().await;
    let cached = app.cached().await;
    cached.chat("hello").answer().await.is("miss");
    cached.chat("hello").answer().await.is("hit");
    let refused = cached.chat("hello").answer().await.refused(402, "insufficient_balance");
    let task = cached.task(&refused.task()).await;
    assert_eq!((&task["status"], &task["error"]["code"]), (&"failed".into(), &"insufficient_balance".into()), "{task}");
    assert_eq!((upstream.calls(), cached.wallet().await.0), (1, "0.5".parse().unwrap()));
    app.everything_is_settled("2.5").await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_twins_are_one_call_of_the_upstream(#[values(false, true)] streamed: bool) {
    let upstream = MockUpstream::start(Behaviour::default().with_latency(Duration::from_millis(500))).await.unwrap();
    let (app, cached) = start(&upstream, "{ seconds = 600 }").await;
    let chat = if streamed { cached.chat("hello").streamed() } else { cached.chat("hello") };
    let answers = all(vec![chat; 20]).await;
    assert_eq!((of(&answers, "miss"), of(&answers, "hit"), upstream.calls()), (1, 19, 1));
    assert!(answers.iter().all(|answer| answer.is_complete() && answer.body == answers[0].body));
    app.everything_is_settled("1000").await;
    assert_eq!(cached.wallet().await.0, "999.983".parse().unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn if_the_leader_fails_one_of_those_who_wait_leads() {
    let upstream = MockUpstream::start(Behaviour::default().with_latency(Duration::from_millis(300))).await.unwrap();
    let (app, cached) = start(&upstream, "{ seconds = 600 }").await;
    upstream.script(vec![Reply::status(400)]);
    let answers = all(vec![cached.chat("hello"); 5]).await;
    let refused: Vec<_> = answers.iter().filter(|answer| answer.status == 400).collect();
    assert_eq!((refused.len(), of(&answers, "miss"), of(&answers, "hit"), upstream.calls()), (1, 1, 3, 2));

    // A stream that breaks off is nobody else's, nor kept.
    upstream.script(vec![Reply::from(Said::default().broken(Place::Deltas(2), Fault::Cut))]);
    let answers = all(vec![cached.chat("broken").streamed(); 5]).await;
    let whole = answers.iter().filter(|answer| answer.is_complete()).count();
    assert_eq!((whole, of(&answers, "miss"), of(&answers, "hit"), upstream.calls()), (4, 2, 3, 4));
    app.everything_is_settled("1000").await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn if_the_leaders_caller_goes_away_one_of_those_who_wait_leads(#[values(false, true)] streamed: bool) {
    let upstream = upstream().await;
    let (app, cached) = start(&upstream, "{ seconds = 600 }").await;
    upstream.script(vec![Reply::Hang]);
    let chat = if streamed { cached.chat("hello").streamed() } else { cached.chat("hello") };
    let leader = tokio::spawn({
        let chat = chat.clone();
        async move { chat.answer().await }
    });
    upstream.wait_for(|stats| stats.calls == 1, PATIENCE).await.unwrap();
    let waiting = tokio::spawn(all(vec![chat; 3]));
    app.under_way(4).await;
    assert_eq!(upstream.calls(), 1);
    leader.abort();
    let answers = waiting.await.unwrap();
    assert_eq!((of(&answers, "miss"), of(&answers, "hit"), upstream.calls()), (1, 2, 2));
    assert!(answers.iter().all(Answer::is_complete));
    app.everything_is_settled("1000").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_waits_no_longer_for_another_than_its_deadline() {
    let upstream = MockUpstream::start(Behaviour::always(Reply::Hang)).await.unwrap();
    let (app, cached) = start(&upstream, "{ seconds = 600 }").await;
    let leader = tokio::spawn({
        let chat = cached.chat("hello");
        async move { chat.answer().await }
    });
    upstream.wait_for(|stats| stats.calls == 1, PATIENCE).await.unwrap();
    let late = cached.chat("hello").header("x-easyai-timeout-ms", "200").answer().await.refused(504, "upstream_timeout");
    let task = cached.task(&late.task()).await;
    assert_eq!((&task["status"], &task["attempts"]), (&"failed".into(), &0.into()), "{task}");
    assert!(task["error"]["message"].as_str().unwrap().contains("another call with the same request"), "{task}");
    assert_eq!(upstream.calls(), 1);
    leader.abort();
    within(PATIENCE, "the leader has ended", async || cached.tasks("&status=running").await.is_empty()).await;
    app.everything_is_settled("1000").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn comments_keep_the_connection_of_those_who_wait_for_a_stream() {
    let upstream = MockUpstream::start(Behaviour::default().with_latency(Duration::from_millis(450))).await.unwrap();
    let app = Setup::new(catalog(&upstream, "{}", PRICE)).with("EASYAI_KEEP_ALIVE_MS", "100").start().await;
    let cached = app.cached().await;
    let answers = all(vec![cached.chat("hello").streamed(); 3]).await;
    for answer in &answers {
        assert!(answer.body.starts_with(b": keep-alive\n\n") && answer.is_complete(), "{answer}");
        assert_eq!(answer.frames(), answers[0].frames());
    }
    assert_eq!(upstream.calls(), 1);
    app.everything_is_settled("1000").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_comes_again_byte_for_byte() {
    let upstream = counting_upstream().await;
    let (app, cached) = start(&upstream, "{ seconds = 600 }").await;
    let streamed = cached.chat("hello").streamed();
    let first = streamed.answer().await.is("miss");
    let again = streamed.answer().await.is("hit");
    assert_eq!(String::from_utf8_lossy(&first.body), String::from_utf8_lossy(&again.body));
    for same in ["content-type", "cache-control", "x-accel-buffering"] {
        assert_eq!(first.header(same), again.header(same), "{again}");
    }
    // Whole, or with its usage, it is another answer.
    assert!(cached.chat("hello").answer().await.is("miss").text().starts_with("two"));
    let usage = streamed.field("stream_options", serde_json::json!({"include_usage": true}));
    assert!(usage.answer().await.is("miss").text().starts_with("three"));
    app.everything_is_settled("1000").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_account_never_has_the_answer() {
    let upstream = counting_upstream().await;
    let (app, cached) = start(&upstream, "{ seconds = 600 }").await;
    app.program.account("stranger", "1000");
    let stranger = app.cached_of("stranger").await;
    cached.chat("hello").answer().await.is("miss");
    assert!(stranger.chat("hello").answer().await.is("miss").text().starts_with("two"));
    assert!(stranger.chat("hello").answer().await.is("hit").text().starts_with("two"));
    // Another key of the same account has it, if it may ask for the model.
    assert!(app.cached().await.chat("hello").answer().await.is("hit").text().starts_with("one"));
    let created = app.program.good(&["key", "create", "--account", "demo", "--response-cache", "--models", "plain", "--json"]);
    let key = serde_json::from_str::<Value>(&created).unwrap()["key"].as_str().unwrap().to_owned();
    let bounded = Caller { key, ..cached };
    within(PATIENCE, "the key is known", async || bounded.get("/v1/models").await.status == 200).await;
    bounded.chat("hello").answer().await.refused(403, "model_not_allowed");
    app.ledger_is_clean();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_is_given_as_long_as_its_model_says() {
    let upstream = counting_upstream().await;
    let (app, cached) = start(&upstream, "{ seconds = 1 }").await;
    cached.chat("hello").answer().await.is("miss");
    let gone = async || cached.chat("hello").answer().await.ok().header("x-easyai-cache") == Some("miss");
    let took = within(PATIENCE, "the answer is too old", gone).await;
    assert!(took > Duration::from_millis(500), "{took:?}");
    assert_eq!(upstream.calls(), 2);
    app.everything_is_settled("1000").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_can_have_a_new_answer_or_leave_no_trace() {
    let upstream = counting_upstream().await;
    let (app, cached) = start(&upstream, "{ seconds = 600 }").await;
    let chat = cached.chat("hello");
    let no_store = chat.clone().header("cache-control", "no-store");
    assert!(no_store.answer().await.ok().text().starts_with("one"));
    assert!(chat.answer().await.is("miss").text().starts_with("two"));
    assert!(chat.clone().header("cache-control", "no-cache").answer().await.is("miss").text().starts_with("three"));
    assert!(chat.answer().await.is("hit").text().starts_with("three"));
    assert!(no_store.answer().await.ok().text().starts_with("four"));
    assert!(chat.answer().await.is("hit").text().starts_with("three"));
    app.everything_is_settled("1000").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_from_the_cache_is_a_request_of_its_caller() {
    let upstream = upstream().await;
    let (app, _) = start(&upstream, "{ seconds = 600 }").await;
    app.program.good(&["account", "set", "demo", "--limit", "requests_per_minute=3"]);
    let cached = app.cached().await;
    let chat = cached.chat("hello").header("x-easyai-queue-timeout-ms", "0");
    let mut left = vec![chat.answer().await.is("miss")];
    for _ in 0..2 {
        left.push(chat.answer().await.is("hit"));
    }
    let left: Vec<_> = left.iter().map(|answer| answer.header("x-ratelimit-remaining-requests").unwrap()).collect();
    assert_eq!(left, ["2", "1", "0"]);
    let refused = chat.answer().await.refused(429, "rate_limit");
    assert!(refused.to_string().contains("limit of 3 requests_per_minute"), "{refused}");
    assert_eq!(upstream.calls(), 1);
    app.everything_is_settled("1000").await;
}

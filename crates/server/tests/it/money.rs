//! Money under a crowd: nothing is spent twice, nothing is charged twice, nothing is left held.

use std::time::Duration;

use easyai_bench::mock::{Answer as Said, Behaviour, MockUpstream, Reply};
use easyai_store::testing::TestEngine::{self, Postgres, Sqlite};
use rstest::rstest;
use tokio::task::JoinSet;

use crate::app::catalog::DEFAULT_CHARGE;
use crate::app::{Catalog, Setup, TestApp};
use crate::caller::Chat;
use crate::http::Answer;
use crate::patience::within;

const CROWD: usize = 64;

/// All at once.
async fn crowd(size: usize, chat: &Chat) -> Vec<Answer> {
    let mut asking = JoinSet::new();
    for _ in 0..size {
        let chat = chat.clone();
        asking.spawn(async move { chat.answer().await });
    }
    asking.join_all().await
}

#[track_caller]
fn those_who_were_served(answers: &[Answer]) -> usize {
    let (served, refused): (Vec<_>, Vec<_>) = answers.iter().cloned().partition(|answer| answer.status == 200);
    for answer in refused {
        answer.refused(402, "insufficient_balance");
    }
    served.len()
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wallet_for_ten_serves_exactly_ten_of_a_crowd(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let upstream = MockUpstream::start(Behaviour::default().with_latency(Duration::from_millis(200))).await.unwrap();
    let catalog = Catalog::default().platform("only", &upstream.base_url(), "").offer_at("only", "demo", r#"{ per_request = "1" }"#);
    let app = Setup::new(catalog).on(engine).with_balance("10.5").start().await;
    let answers = crowd(CROWD, &app.caller.chat("hello")).await;
    assert_eq!((those_who_were_served(&answers), upstream.calls()), (10, 10));
    assert_eq!(app.caller.wallet().await.0, "0.5".parse().unwrap());
    app.caller.chat("hello").streamed().answer().await.refused(402, "insufficient_balance");
    app.everything_is_settled("10.5").await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_balance_is_negative_only_by_what_answers_exceeded_their_holds(#[values(Sqlite, Postgres)] engine: TestEngine) {
    // A hold for two tokens, an answer of four.
    let upstream = MockUpstream::start(Behaviour::default().with_latency(Duration::from_millis(300))).await.unwrap();
    let price = r#"{ input_per_million = "0", output_per_million = "1000000" }"#;
    let catalog = Catalog::default().platform("only", &upstream.base_url(), "").offer_at("only", "demo", price);
    let app = Setup::new(catalog).on(engine).with_balance("20").start().await;
    let answers = crowd(CROWD, &app.caller.chat("hello").field("max_tokens", 2)).await;
    let served = those_who_were_served(&answers) as i64;
    assert!((5..=10).contains(&served), "{served}");
    let (balance, held) = app.caller.wallet().await;
    assert_eq!((balance.nanos(), held.nanos()), ((20 - 4 * served) * 1_000_000_000, 0));
    app.everything_is_settled("20").await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_idempotency_key_fifty_times_at_once_is_one_call_one_charge_one_answer(
    #[values(Sqlite, Postgres)] engine: TestEngine,
    #[values(false, true)] streamed: bool,
) {
    let slow = Said { chunk_delay: Duration::from_millis(20), ..Said::default() };
    let upstream = MockUpstream::start(Behaviour::always(slow).with_latency(Duration::from_millis(200))).await.unwrap();
    let app = Setup::new(Catalog::demo(&upstream.base_url())).on(engine).start().await;
    let answers = crowd(50, &once(app.caller.chat("hello"), streamed)).await;
    let first = answers[0].clone().ok();
    for answer in &answers {
        assert_eq!((answer.status, answer.whole, answer.task()), (200, true, first.task()), "{answer}");
        assert_eq!((answer.text(), answer.is_stream()), ("The answer is 42.".to_owned(), streamed), "{answer}");
    }
    let replayed: Vec<_> = answers.iter().filter(|answer| answer.header("x-easyai-idempotent-replayed") == Some("true")).collect();
    assert_eq!((replayed.len(), upstream.calls(), app.caller.tasks("").await.len()), (49, 1, 1));
    assert!(answers.iter().all(|answer| answer.body == first.body), "the answers differ");
    once(app.caller.chat("another"), streamed).answer().await.refused(409, "idempotency_conflict");
    assert_eq!(app.caller.task(&first.task()).await["charge"], DEFAULT_CHARGE);
    app.everything_is_settled("1000").await;
}

fn once(chat: Chat, streamed: bool) -> Chat {
    let chat = chat.header("idempotency-key", "once");
    if streamed { chat.streamed() } else { chat }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idempotency_key_is_its_accounts_own() {
    let upstream = MockUpstream::start(Behaviour::default()).await.unwrap();
    let app = TestApp::start(Catalog::demo(&upstream.base_url())).await;
    let mine = once(app.caller.chat("hello"), false).answer().await.ok();
    let theirs = once(app.stranger().await.chat("hello"), false).answer().await.ok();
    assert_ne!(mine.task(), theirs.task());
    assert_eq!(upstream.calls(), 2);
    app.everything_is_settled("1000").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_failed_is_not_charged() {
    let upstream = MockUpstream::start(Behaviour::always(Reply::status(500))).await.unwrap();
    let app = TestApp::start(Catalog::demo(&upstream.base_url())).await;
    for answer in crowd(20, &app.caller.chat("hello")).await {
        answer.refused(502, "upstream_error");
    }
    assert_eq!(app.caller.wallet().await.0, "1000".parse().unwrap());
    app.everything_is_settled("1000").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_is_told_again_under_its_idempotency_key_but_a_call_that_was_given_up_may_be_made_again() {
    let upstream = MockUpstream::start(Behaviour::default()).await.unwrap();
    let app = TestApp::start(Catalog::demo(&upstream.base_url())).await;
    upstream.script(vec![Reply::status(500), Reply::Hang]);
    for _ in 0..3 {
        once(app.caller.chat("hello"), false).answer().await.refused(502, "upstream_error");
    }
    assert_eq!(upstream.calls(), 1);

    let chat = app.caller.chat("hello").header("idempotency-key", "given-up");
    let given_up = tokio::spawn({
        let chat = chat.clone();
        async move { chat.answer().await }
    });
    upstream.wait_for(|stats| stats.calls == 2, Duration::from_secs(10)).await.unwrap();
    given_up.abort();
    within(Duration::from_secs(5), "it is given up", async || app.caller.tasks("&status=cancelled").await.len() == 1).await;
    let answer = chat.answer().await.ok();
    assert_eq!((chat.answer().await.ok().task(), upstream.calls()), (answer.task(), 3));
    app.everything_is_settled("1000").await;
}

//! Limits under two hundred callers over HTTP, in real minutes: 100 requests a minute, 20,000 tokens a minute and 8 calls at once, at each
//! scope, with calls that fail, are cut and stall, and callers that vanish and lose patience. By hand, since it takes two minutes:
//!
//! ```sh
//! cargo test -p easyai-server --test minutes            # two scopes
//! cargo test -p easyai-server --test minutes -- all     # all of them, for requests and for tokens
//! ```
//!
//! What must hold is asserted, the numbers are printed: the upstream saw no more than the limits in any sixty seconds and more than 95 %
//! of them, and at the end nothing is left taken. `easyai-limits` has the same on a turned clock, over ten minutes.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "it fails as loudly as a test, and its report is what it prints"
)]

use std::time::{Duration, Instant};

use easyai_bench::mock::{Answer, Behaviour, Fault, MockUpstream, Place, RecordedRequest, Reply, Usage};
use futures_util::future::join_all;
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

#[expect(dead_code, reason = "stories use more of it")]
mod app;
#[expect(dead_code, reason = "stories use more of it")]
mod caller;
#[expect(dead_code, reason = "stories use more of it")]
mod http;
#[expect(dead_code, reason = "stories use more of it")]
mod limited;
mod patience;

use app::TestApp;
use caller::Caller;
use limited::{Scope, explained, limited};
use patience::within;

const REQUESTS: u32 = 100;
const TOKENS: u32 = 20_000;
const SLOTS: u32 = 8;
const CALLERS: usize = 200;
const MINUTES: u32 = 2;
const MINUTE: Duration = Duration::from_secs(60);
/// Tokens of the prompt, as the mock counts them.
const PROMPT_TOKENS: u64 = 9;
/// The prompt of those who don't wait for the end of their answer.
const VANISHING: &str = "gone";

/// Which of the limits is to be used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bound {
    Requests,
    Tokens,
}

impl Bound {
    /// What an answer may have of output, and has if it is whole.
    const fn output_tokens(self) -> u64 {
        match self {
            Self::Requests => 60,
            Self::Tokens => 490,
        }
    }
}

fn main() {
    let all = std::env::args().any(|word| word == "all");
    let scopes = [Scope::Key, Scope::Account, Scope::Group, Scope::Platform, Scope::Credential, Scope::PlatformModel];
    let scenes = scopes.into_iter().flat_map(|scope| [(scope, Bound::Requests), (scope, Bound::Tokens)]);
    let few = [(Scope::Key, Bound::Tokens), (Scope::Platform, Bound::Requests)];
    let scenes: Vec<_> = if all { scenes.collect() } else { few.to_vec() };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let told = runtime.block_on(async {
        let mut playing = Vec::new();
        for (scope, bound) in scenes {
            let (upstream, app) = opened(scope, bound, &upstreams()).await;
            playing.push(flood(scope, bound, upstream, app));
        }
        let mut told = Vec::new();
        // Checking the books keeps this thread: one after the other, when all is over.
        for (line, app) in join_all(playing).await {
            app.everything_is_settled("1000").await;
            told.push(line);
        }
        told
    });
    told.iter().for_each(|line| println!("{line}"));
    assert!(told.iter().all(|line| line.ends_with("good")));
}

/// Where mocks live: on one thread, so that their records are in the order of their script.
fn upstreams() -> Handle {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let handle = runtime.handle().clone();
    std::thread::spawn(move || runtime.block_on(std::future::pending::<()>()));
    handle
}

/// Of ten calls one fails, one is refused, one is cut, and one stalls until its time is over.
fn script(answer: &Answer) -> Vec<Reply> {
    let odd = |index: usize| match index % 10 {
        2 => Reply::status(500),
        4 => Reply::status(429),
        6 => Reply::from(answer.clone().broken(Place::Deltas(1), Fault::Cut)),
        8 => Reply::from(answer.clone().broken(Place::Headers, Fault::Stall)),
        _ => Reply::from(answer.clone()),
    };
    (0..10_000).map(odd).collect()
}

fn is_whole(index: usize) -> bool {
    index % 2 == 1 || index.is_multiple_of(10)
}

async fn opened(scope: Scope, bound: Bound, upstreams: &Handle) -> (MockUpstream, TestApp) {
    let usage = Usage { prompt_tokens: PROMPT_TOKENS, completion_tokens: bound.output_tokens(), cached_tokens: 0 };
    let answer = Answer { usage, chunk_delay: Duration::from_millis(60), ..Answer::of_deltas(4) };
    let behaviour = Behaviour::always(answer.clone()).with_latency(Duration::from_millis(100));
    let upstream = upstreams.spawn(MockUpstream::start(behaviour)).await.unwrap().unwrap();
    let app = limited(scope, &[("requests_per_minute", REQUESTS), ("tokens_per_minute", TOKENS), ("concurrent", SLOTS)], &upstream).await;
    upstream.script(script(&answer));
    (upstream, app)
}

/// Asks again and again, each time with another fate.
async fn call_on(caller: Caller, bound: Bound, number: usize, until: Instant) {
    let chat = |prompt| caller.chat(prompt).field("max_tokens", bound.output_tokens());
    for round in number.. {
        if Instant::now() >= until {
            return;
        }
        match round % 10 {
            0 => {
                if let Ok(mut exchange) = chat(VANISHING).streamed().try_begin().await {
                    exchange.frame().await;
                }
            }
            1 => drop(timeout(Duration::from_millis(700), chat(VANISHING).answer()).await),
            2 => drop(chat("hello").header("x-easyai-queue-timeout-ms", "500").answer().await),
            3..=6 => drop(chat("hello").streamed().answer().await),
            _ => drop(chat("hello").answer().await),
        }
        sleep(Duration::from_millis(50)).await;
    }
}

async fn flood(scope: Scope, bound: Bound, upstream: MockUpstream, app: TestApp) -> (String, TestApp) {
    let until = Instant::now() + MINUTE * MINUTES;
    let mut callers = JoinSet::new();
    for number in 0..CALLERS {
        callers.spawn(call_on(app.caller.clone(), bound, number, until));
    }
    sleep(until.saturating_duration_since(Instant::now())).await;
    let seen = upstream.requests();
    // All that are left vanish at once, wherever they are.
    callers.shutdown().await;
    within(Duration::from_secs(20), "nothing is left taken", async || {
        let told = explained(&app.caller).await;
        let all = told["limits"].as_array().unwrap().iter().chain(told["candidates"][0]["limits"].as_array().unwrap());
        all.filter(|limit| limit["limit"] == "concurrent").all(|limit| limit["used"] == 0)
    })
    .await;
    within(Duration::from_secs(20), "all have ended", async || app.caller.tasks("&status=running").await.is_empty()).await;
    let booked = app.caller.tasks("").await.iter().filter_map(|task| task["usage"]["total_tokens"].as_u64()).sum();
    (told(scope, bound, &seen, upstream.peak(), booked), app)
}

/// The most requests and tokens in any minute, and the share of the whole time's limit. Of those who vanish only the books know what they
/// used: in a minute they count for nothing, in the whole they do.
fn told(scope: Scope, bound: Bound, seen: &[RecordedRequest], peak: u64, booked: u64) -> String {
    let used = |(index, request): (usize, &RecordedRequest)| {
        let whole = is_whole(index) && !request.body.windows(VANISHING.len()).any(|part| part == VANISHING.as_bytes());
        if whole { PROMPT_TOKENS + bound.output_tokens() } else { 0 }
    };
    let calls: Vec<(Instant, u64)> = seen.iter().enumerate().map(|call| (call.1.at, used(call))).collect();
    let minutes = calls.iter().enumerate().map(|(index, (start, _))| {
        let minute = || calls[index..].iter().take_while(|(at, _)| *at <= *start + MINUTE);
        (minute().count() as u64, minute().map(|(_, tokens)| tokens).sum::<u64>())
    });
    let (requests, tokens) = minutes.fold((0, 0), |most, minute| (most.0.max(minute.0), most.1.max(minute.1)));
    let share = match bound {
        Bound::Requests => calls.len() as u64 * 100 / u64::from(REQUESTS * MINUTES),
        Bound::Tokens => booked * 100 / u64::from(TOKENS * MINUTES),
    };
    let kept = requests <= REQUESTS.into() && tokens <= TOKENS.into() && peak == u64::from(SLOTS) && share > 95;
    let verdict = if kept { "good" } else { "BAD" };
    format!(
        "{scope:?}: at most {requests} requests and {tokens} tokens in a minute, {peak} calls at once; {share} % of the {bound:?}: {verdict}"
    )
}

//! Callbacks as receivers see them: every event, in order, signed; whatever a receiver does, nobody else is delayed.

mod receiver;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use easyai_bench::mock::{Behaviour, MockUpstream};
use easyai_store::testing::TestEngine::{self, Postgres, Sqlite};
use rstest::rstest;
use serde_json::Value;

use self::receiver::{Receiver, Say};
use crate::app::{Catalog, Setup, TestApp};
use crate::caller::Chat;
use crate::killed::{Dice, number};
use crate::patience::within;

/// Longer than the first pause of the schedule, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(40);

const URL: &str = "x-easyai-callback-url";
const EVENTS: &str = "x-easyai-callback-events";

/// The events of a call that goes well at once.
const WELL: [&str; 4] = ["task.progress", "task.attempt.started", "task.billing.settled", "task.completed"];

struct Story {
    app: TestApp,
    _upstream: MockUpstream,
}

impl Story {
    /// A gateway that may call the receivers of this machine.
    async fn new(change: impl FnOnce(Setup) -> Setup) -> Self {
        let upstream = MockUpstream::start(Behaviour::default()).await.unwrap();
        let setup = Setup::new(Catalog::demo(&upstream.base_url())).with("EASYAI_EGRESS_ALLOW_PRIVATE", "true");
        Self { app: change(setup).start().await, _upstream: upstream }
    }

    fn chat(&self, receiver: &Receiver) -> Chat {
        self.app.caller.chat("hello").header(URL, &receiver.url())
    }

    /// The secret of the account `demo`.
    fn secret(&self) -> String {
        self.cli(&["callback", "secret", "show", "--account", "demo"])["secret"].as_str().unwrap().to_owned()
    }

    fn cli(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.app.program.good(&[arguments, &["--json"]].concat())).unwrap()
    }

    async fn callbacks(&self, query: &str) -> Vec<Value> {
        self.app.caller.get(&format!("/api/v1/callbacks?limit=500{query}")).await.ok().json()["data"].as_array().unwrap().clone()
    }
}

async fn heard(receiver: &Receiver, count: usize) {
    within(PATIENCE, &format!("{count} deliveries"), async || receiver.heard().len() >= count).await;
}

fn ids(task: &str, seqs: impl Iterator<Item = u32>) -> Vec<String> {
    seqs.map(|seq| format!("{task}_{seq}")).collect()
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_event_is_told_once_in_order_and_signed(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let story = Story::new(|setup| setup.on(engine)).await;
    let receiver = Receiver::always(Say::Status(204)).await;
    let task = story.chat(&receiver).answer().await.ok().task();
    story.app.caller.chat("hello").answer().await.ok();
    heard(&receiver, 4).await;
    assert_eq!((receiver.types(), receiver.ids()), (WELL.map(str::to_owned).to_vec(), ids(&task, 1..=4)));
    let events = story.app.caller.get(&format!("/api/v1/tasks/{task}/events")).await.ok().json();
    let secret = story.secret();
    for (delivery, event) in receiver.heard().iter().zip(events["data"].as_array().unwrap()) {
        assert_eq!(delivery.first_line, "POST /hook?of=us HTTP/1.1");
        assert_eq!(delivery.header("content-type"), "application/json");
        assert_eq!(delivery.signatures_by(&secret), 1, "{delivery:?}");
        let body = delivery.json();
        assert_eq!((&body["type"], &body["timestamp"], body["data"]["task_id"].as_str()), (&event["type"], &event["at"], Some(&*task)));
        for (name, value) in event.as_object().unwrap() {
            assert_eq!(&body["data"][name], value, "{name}");
        }
    }
    within(PATIENCE, "it is done", async || story.callbacks("&state=done").await.len() == 1).await;
    let callback = story.callbacks(&format!("&task={task}")).await.remove(0);
    assert_eq!((callback["receiver"].as_str(), callback["failures"].as_u64()), (Some("caller"), Some(0)), "{callback}");
    assert_eq!(receiver.heard().len(), 4, "the other call named nobody");
    let stranger = story.app.stranger().await;
    assert_eq!(stranger.get("/api/v1/callbacks").await.ok().json()["data"], serde_json::json!([]));
    let metrics = story.app.caller.get("/metrics").await.ok();
    assert!(String::from_utf8_lossy(&metrics.body).contains("easyai_callbacks_total{outcome=\"delivered\"} 4"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_events_that_were_named_are_told() {
    let story = Story::new(|setup| setup).await;
    let receiver = Receiver::always(Say::Status(200)).await;
    let streamed = story.chat(&receiver).header(EVENTS, "task.completed, task.failed").streamed().answer().await;
    heard(&receiver, 1).await;
    assert_eq!(receiver.types(), ["task.completed"]);
    let refused = story.chat(&receiver).header(EVENTS, "task.failed").model("no-such").answer().await.refused(404, "model_not_found");
    heard(&receiver, 2).await;
    assert_eq!(receiver.types(), ["task.completed", "task.failed"]);
    assert_eq!(receiver.ids(), [format!("{}_4", streamed.task()), format!("{}_2", refused.task())]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_fails_half_of_the_time_gets_everything_in_order() {
    let story = Story::new(|setup| setup).await;
    let receiver = Receiver::new(|n| Say::Status(if n.is_multiple_of(2) { 500 } else { 200 })).await;
    let task = story.chat(&receiver).header(EVENTS, "task.billing.settled,task.completed").answer().await.ok().task();
    heard(&receiver, 1).await;
    let failing = |callback: &Value| callback["failures"] == 1 && callback["error"] == "HTTP 500";
    within(PATIENCE, "the failure is seen", async || story.callbacks("").await.iter().any(failing)).await;
    heard(&receiver, 4).await;
    assert_eq!(receiver.ids(), ids(&task, 3..=4));
    let told: Vec<_> = receiver.heard().iter().map(|delivery| delivery.header("webhook-id").to_owned()).collect();
    assert_eq!(told, [3, 3, 4, 4].map(|seq| format!("{task}_{seq}")), "the same event under the same id, and none before the last");
    let secret = story.secret();
    assert!(receiver.heard().iter().all(|delivery| delivery.signatures_by(&secret) == 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silent_and_dead_receivers_delay_neither_tasks_nor_others() {
    let story = Story::new(|setup| setup).await;
    let (silent, good) = (Receiver::always(Say::Nothing).await, Receiver::always(Say::Status(200)).await);
    // Nobody listens there.
    let dead = "http://127.0.0.1:1/";
    for _ in 0..15 {
        story.chat(&silent).answer().await.ok();
        story.app.caller.chat("hello").header(URL, dead).answer().await.ok();
    }
    let mut tasks = Vec::new();
    for _ in 0..5 {
        tasks.push(story.chat(&good).answer().await.ok().task());
    }
    let took = within(PATIENCE, "the good one has all", async || good.heard().len() >= 20).await;
    // It waits for no time-out of the others.
    assert!(took < Duration::from_secs(8), "{took:?}");
    for task in tasks {
        let of_task: Vec<_> = good.ids().into_iter().filter(|id| id.starts_with(&task)).collect();
        assert_eq!(of_task, ids(&task, 1..=4));
    }
    let stuck = silent.heard().len();
    assert!((1..=8).contains(&stuck), "{stuck} at once to one receiver");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_is_gone_is_left_alone_until_a_person_sends_again() {
    let story = Story::new(|setup| setup).await;
    let receiver = Receiver::always(Say::Status(410)).await;
    let task = story.chat(&receiver).answer().await.ok().task();
    within(PATIENCE, "it is given up", async || story.callbacks("&state=dead").await.len() == 1).await;
    let dead = story.cli(&["callback", "list", "--dead"])["data"][0].clone();
    assert_eq!((dead["task_id"].as_str(), dead["next_event"].as_u64(), dead["error"].as_str()), (Some(&*task), Some(1), Some("HTTP 410")));
    assert_eq!(receiver.heard().len(), 1);
    assert_eq!(story.cli(&["callback", "list", "--account", "demo"])["data"].as_array().unwrap().len(), 1);

    receiver.now_says(Say::Status(200));
    assert_eq!(story.cli(&["callback", "resend", dead["id"].as_str().unwrap()])["callbacks"], 1);
    heard(&receiver, 5).await;
    assert_eq!(receiver.ids(), ids(&task, 1..=4));
    let again = story.app.program.run(&["callback", "resend", dead["id"].as_str().unwrap()]);
    assert!(!again.status.success());
    assert_eq!(story.cli(&["callback", "resend", "--all-dead"])["callbacks"], 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redirect_is_a_failure_and_leads_nowhere() {
    let story = Story::new(|setup| setup).await;
    let inside = Receiver::always(Say::Status(200)).await;
    let receiver = Receiver::always(Say::With(307, format!("location: {}", inside.url()))).await;
    story.chat(&receiver).answer().await.ok();
    let failed = |callback: &Value| callback["error"] == "HTTP 307" && callback["state"] == "open";
    within(PATIENCE, "it failed", async || story.callbacks("").await.iter().any(failed)).await;
    assert_eq!(inside.heard().len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_address_is_refused_and_names_its_field() {
    let story = Story::new(|setup| setup.with("EASYAI_EGRESS_ALLOW_PRIVATE", "false")).await;
    let receiver = Receiver::always(Say::Status(200)).await;
    let chat = |url: &str| story.app.caller.chat("hello").header(URL, url);
    for url in [&*receiver.url(), "http://169.254.169.254/latest", "http://[::1]/", "http://localhost:99/", "ftp://example.com", "hook"] {
        let refused = chat(url).answer().await.refused(400, "bad_request");
        assert_eq!(refused.json()["error"]["param"], URL, "{url}: {refused}");
    }
    let refused = chat("https://example.com/").header(EVENTS, "task.done").answer().await.refused(400, "bad_request");
    assert_eq!(refused.json()["error"]["param"], EVENTS, "{refused}");
    assert!(refused.json()["error"]["message"].as_str().unwrap().contains("task.completed"), "{refused}");
    let alone = story.app.caller.chat("hello").header(EVENTS, "task.completed").answer().await.refused(400, "bad_request");
    assert_eq!(alone.json()["error"]["param"], EVENTS, "{alone}");
    assert_eq!(story.callbacks("").await, Vec::<Value>::new());
    assert_eq!(receiver.heard().len(), 0);
    assert_eq!(story.app.caller.tasks("&status=succeeded").await, Vec::<Value>::new(), "refused before any cost");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_operators_own_receiver_hears_of_all_tasks_wherever_it_is() {
    let own = Receiver::always(Say::Status(200)).await;
    let url = own.url();
    let guarded = |setup: Setup| setup.with("EASYAI_EGRESS_ALLOW_PRIVATE", "false").with("EASYAI_CALLBACK_URL", &url);
    let story = Story::new(|setup| guarded(setup).with("EASYAI_CALLBACK_EVENTS", "task.completed,task.failed")).await;
    let good = story.app.caller.chat("hello").answer().await.ok().task();
    let refused = story.app.caller.chat("hello").model("no-such").answer().await.refused(404, "model_not_found").task();
    let unread = story.app.caller.post(b"{\"model\": 5}").await.refused(400, "bad_request").task();
    heard(&own, 3).await;
    let mut told = own.ids();
    told.sort();
    let mut expected = vec![format!("{good}_4"), format!("{refused}_2"), format!("{unread}_2")];
    expected.sort();
    assert_eq!(told, expected);
    let secret = story.cli(&["callback", "secret", "show", "--gateway"])["secret"].as_str().unwrap().to_owned();
    assert!(own.heard().iter().all(|delivery| delivery.signatures_by(&secret) == 1));
    assert_eq!(story.callbacks("").await, Vec::<Value>::new(), "callers don't see it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replaced_secret_signs_along() {
    let story = Story::new(|setup| setup).await;
    let receiver = Receiver::always(Say::Status(200)).await;
    let old = story.secret();
    let rotated = story.cli(&["callback", "secret", "rotate", "--account", "demo"]);
    let new = rotated["secret"].as_str().unwrap();
    assert!(rotated["previous_until"].is_string() && new != old && story.secret() == new);
    story.chat(&receiver).answer().await.ok();
    heard(&receiver, 4).await;
    for delivery in receiver.heard() {
        assert_eq!((delivery.signatures_by(&old), delivery.signatures_by(new)), (1, 1));
        assert_eq!(delivery.header("webhook-signature").split(' ').count(), 2);
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_was_not_delivered_before_a_kill_is_delivered_after_it(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let mut story = Story::new(|setup| setup.on(engine)).await;
    let receiver = Receiver::new(|n| if n < 6 { Say::Status(200) } else { Say::Nothing }).await;
    let mut tasks = Vec::new();
    for _ in 0..4 {
        tasks.push(story.chat(&receiver).answer().await.ok().task());
    }
    // Some on their way, some told, some not.
    heard(&receiver, 7).await;
    story.app.gateway.kill();
    receiver.now_says(Say::Status(200));
    story.app.restart().await;
    within(PATIENCE, "all is delivered", async || receiver.ids().len() == 16).await;
    for task in &tasks {
        let of_task: Vec<_> = receiver.ids().into_iter().filter(|id| id.starts_with(task.as_str())).collect();
        assert_eq!(of_task, ids(task, 1..=4), "in order");
    }
    within(PATIENCE, "all is done", async || story.callbacks("&state=done").await.len() == 4).await;
    story.app.ledger_is_clean();
}

/// `EASYAI_KILLS` sets the number of kills for each engine, `EASYAI_KILL_SEED` repeats a run's instants.
#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_instant_everything_is_told_in_order(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let mut story = Story::new(|setup| setup.on(engine)).await;
    let receiver = Receiver::always(Say::Status(200)).await;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
    let seed = number("EASYAI_KILL_SEED").unwrap_or(now as u64);
    println!("EASYAI_KILL_SEED={seed}");
    let mut dice = Dice(seed);
    for _ in 0..number("EASYAI_KILLS").unwrap_or(3) {
        let chat = story.chat(&receiver);
        let calls = (0..8).map(|_| {
            let chat = chat.clone();
            tokio::spawn(async move { while chat.try_begin().await.is_ok_and(|exchange| exchange.status() == 200) {} })
        });
        let calls: Vec<_> = calls.collect();
        // The instant of the kill is the subject: nothing is waited for.
        tokio::time::sleep(Duration::from_millis(dice.between(20, 600))).await;
        story.app.gateway.kill();
        for call in calls {
            call.await.unwrap();
        }
        story.app.restart().await;
    }
    let tasks = story.app.caller.tasks("").await;
    println!("{} tasks, {} deliveries", tasks.len(), receiver.heard().len());
    within(PATIENCE, "nothing is open", async || story.callbacks("&state=open").await.is_empty()).await;
    let told = receiver.ids();
    for task in tasks {
        let task = task["id"].as_str().unwrap();
        let events = story.app.caller.get(&format!("/api/v1/tasks/{task}/events")).await.ok().json();
        let of_task: Vec<_> = told.iter().filter(|id| id.starts_with(task)).cloned().collect();
        assert_eq!(of_task, ids(task, 1..=u32::try_from(events["data"].as_array().unwrap().len()).unwrap()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_ends_in_order_leaves_nothing_behind() {
    let mut story = Story::new(|setup| setup).await;
    let receiver = Receiver::always(Say::Status(200)).await;
    let task = story.chat(&receiver).answer().await.ok().task();
    story.app.gateway.terminate();
    assert!(story.app.gateway.ended(PATIENCE).await.success());
    story.app.restart().await;
    within(PATIENCE, "all is delivered", async || receiver.ids().len() == 4).await;
    assert_eq!(receiver.ids(), ids(&task, 1..=4));
}

//! Replay: real tasks run again find no difference, and a draft changes what it should.

use std::io::Read;
use std::process::{Command, Stdio};
use std::time::Duration;

use easyai_bench::mock::{Answer, Behaviour, Fault, MockUpstream, Place, Reply};
use easyai_core::money::Money;
use easyai_store::testing::TestDb;
use easyai_store::testing::TestEngine::{self, Postgres, Sqlite};
use rstest::rstest;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::app::catalog::DEFAULT_CHARGE;
use crate::app::{Catalog, Setup, TestApp};
use crate::caller::{Caller, money};
use crate::patience::within;

const TOKEN: &str = "an-admin-token-of-a-test";

/// Two attempts at `bad`, then `good`.
fn catalog(bad: &MockUpstream, good: &MockUpstream) -> Catalog {
    let price = r#"{ input_per_million = "1000", output_per_million = "2000" }
cost = { input_per_million = "500", output_per_million = "1000" }"#;
    Catalog::default()
        .platform("bad", &bad.base_url(), "")
        .platform("good", &good.base_url(), "")
        .offer_at("bad", "demo", price)
        .and("policy_set = \"patient\"")
        .offer_at("good", "demo", price)
        .and("[[policy_set]]\nname = \"patient\"\n[policy_set.retry]\nmax_attempts = 2\nbackoff = { initial_ms = 40, max_ms = 100 }")
}

/// What a story replays: tasks of many fates. Three are served by `good`.
async fn history(app: &TestApp, bad: &MockUpstream) {
    let caller = &app.caller;
    bad.script(vec![Reply::status(500), Answer::default().into()]);
    caller.chat("a retry helps").answer().await.ok();
    bad.script(vec![Reply::status(500), Reply::status(500)]);
    caller.chat("only the next platform helps").answer().await.ok();
    bad.script(vec![Answer::default().broken(Place::Deltas(2), Fault::Cut).into()]);
    caller.chat("breaks off").streamed().answer().await;
    bad.script(vec![Reply::status(400)]);
    caller.chat("is wrong").answer().await.refused(400, "bad_request");
    caller.chat("goes well").streamed().answer().await.ok();
    bad.script(vec![Reply::Hang]);
    caller.chat("is in a hurry").header("x-easyai-timeout-ms", "300").answer().await.refused(504, "upstream_timeout");
    caller.chat("names nothing").model("absent").answer().await.refused(404, "model_not_found");
    bad.script(vec![Reply::rate_limited_for("60")]);
    caller.chat("is limited").answer().await.ok();
    caller.chat("comes while bad cools down").answer().await.ok();
    within(Duration::from_secs(10), "all tasks are over", async || caller.tasks("&status=running").await.is_empty()).await;
}

impl TestApp {
    #[track_caller]
    fn replay(&self, draft: &str) -> Value {
        let file = self.program.file("draft.toml");
        std::fs::write(&file, draft).unwrap();
        serde_json::from_str(&self.program.good(&["replay", "--policy", &file.to_string_lossy(), "--json"])).unwrap()
    }

    fn admin(&self, token: &str) -> Caller {
        Caller { key: token.to_owned(), ..self.caller.clone() }
    }
}

async fn ask(caller: &Caller, body: &Value) -> crate::http::Answer {
    caller.send("POST", "/api/admin/v1/replay", &[], body.to_string().as_bytes()).await.unwrap().rest().await
}

fn more(report: &Value, what: &str) -> Money {
    money(&report["difference"][what])
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_draft_changes_what_it_should_and_nothing_else(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let (bad, good) = (MockUpstream::start(Behaviour::default()).await.unwrap(), MockUpstream::start(Behaviour::default()).await.unwrap());
    let app = Setup::new(catalog(&bad, &good)).on(engine).with("EASYAI_ADMIN_TOKEN", TOKEN).start().await;
    history(&app, &bad).await;
    let charge: Money = DEFAULT_CHARGE.parse().unwrap();

    let same = app.replay("");
    assert_eq!(same["tasks"]["differing"], 0, "{same:#}");
    assert_eq!((&same["tasks"]["replayed"], &same["tasks"]["skipped"]), (&8.into(), &json!({"refused": 1})), "{same:#}");
    assert_eq!((&same["then"], &same["complete"]), (&same["draft"], &true.into()), "{same:#}");
    let spent = app.caller.tasks("").await;
    assert_eq!(money(&same["then"]["charge"]), crate::caller::charged(&spent));

    // The second task is left without an answer, whose charge is lost.
    let stops = app.replay("[runner_policy.failover]\nrules = [{ match = { categories = [\"server_error\"] }, action = \"stop\" }]");
    assert_eq!(
        (&stops["tasks"]["differing"], &stops["difference"]["succeeded"], &stops["difference"]["attempts"]),
        (&1.into(), &(-1).into(), &(-1).into()),
        "{stops:#}"
    );
    assert_eq!((more(&stops, "charge"), more(&stops, "margin").nanos() * 2), (charge.negated(), charge.negated().nanos()), "{stops:#}");
    let told = &stops["differences"][0];
    assert_eq!((&told["then"]["ending"], &told["draft"]["ending"]), (&"succeeded".into(), &"rule_matched".into()), "{told:#}");
    let decisions =
        |side: &str| told[side]["decisions"].as_array().unwrap().iter().map(|line| line.as_str().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(decisions("then").last().unwrap(), "attempt 3 at good answered");
    assert!(decisions("draft").last().unwrap().contains("stopped (rule_matched) because runner_policy `draft` rule 1"), "{told:#}");

    // One attempt at bad: the first task goes on to good, whose answer to it nobody knows; the second has one attempt less.
    let hasty = app.replay("[[policy_set]]\nname = \"patient\"\n[policy_set.retry]\nmax_attempts = 1");
    assert_eq!(
        (&hasty["tasks"]["differing"], &hasty["difference"]["succeeded"], &hasty["difference"]["attempts"]),
        (&2.into(), &0.into(), &(-1).into()),
        "{hasty:#}"
    );
    assert_eq!(hasty["tasks"]["guesses"], json!({"drawn": 1}), "{hasty:#}");

    let dearer = app.replay("[[platform_model]]\nplatform = \"good\"\nmodel = \"demo\"\nprice = { input_per_million = \"2000\", output_per_million = \"4000\" }");
    assert_eq!((&dearer["tasks"]["differing"], &dearer["tasks"]["differing_in"]), (&3.into(), &json!({"charge": 3})), "{dearer:#}");
    assert_eq!(
        (more(&dearer, "charge").nanos(), more(&dearer, "cost"), more(&dearer, "margin").nanos()),
        (charge.nanos() * 3, Money::ZERO, charge.nanos() * 3)
    );

    let turned = "[[platform]]\nname = \"good\"\npriority = 0";
    let (report, again) = (app.replay(turned), app.replay(turned));
    assert_eq!(report, again);
    // Those that good served later are served at once, and most others by what is known of it.
    assert!(report["differences"].as_array().unwrap().iter().all(|task| task["draft"]["served_by"] == "good"), "{report:#}");
    // The same over HTTP, by whoever has the token.
    let answer = ask(&app.admin(TOKEN), &json!({"policy": turned})).await.ok();
    assert_eq!(answer.json(), report);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_person_reads_names_both_ways() {
    let (bad, good) = (MockUpstream::start(Behaviour::default()).await.unwrap(), MockUpstream::start(Behaviour::default()).await.unwrap());
    let app = TestApp::start(catalog(&bad, &good)).await;
    assert!(app.program.good(&["replay"]).contains("0 tasks read, 0 replayed"));
    history(&app, &bad).await;
    let text = app.program.good(&["replay", "--since", "2020-01-01", "--model", "demo", "--account", "demo"]);
    assert!(text.starts_with("8 tasks read, 8 replayed\nno task would go another way\n"), "{text}");
    let nothing = app.program.good(&["replay", "--until", "2020-01-01"]);
    assert!(nothing.starts_with("0 tasks read"), "{nothing}");

    let draft = app.program.file("draft.toml");
    std::fs::write(&draft, "[runner_policy.failover]\nmax_platforms = 1\n").unwrap();
    let text = app.program.good(&["replay", "--policy", &draft.to_string_lossy(), "--differences", "1"]);
    for told in [
        "9 tasks read, 8 replayed",
        "not replayed: refused 1",
        "2 tasks would go another way, in: decisions 2, ending 2, served_by 2, charge 2, cost 2",
        "success rate",
        "max_platforms_reached",
        "  then: succeeded after 3 attempts",
        "    attempt 3 at good answered",
        "  draft: max_platforms_reached after 2 attempts",
        "and 1 more: --differences shows them",
    ] {
        assert!(text.contains(told), "{told} is not in\n{text}");
    }
    std::fs::write(&draft, "[[platform]]\nname = \"goood\"\n").unwrap();
    let output = app.program.run(&["replay", "--policy", &draft.to_string_lossy()]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(told.ends_with("draft.toml:2:8: there is no platform `goood` in the catalogue: did you mean `good`?\n"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_an_operator_replays_over_http() {
    let upstream = MockUpstream::start(Behaviour::default()).await.unwrap();
    let closed = TestApp::start(Catalog::demo(&upstream.base_url())).await;
    let answer = ask(&closed.admin(TOKEN), &json!({})).await.refused(403, "permission_denied");
    assert!(answer.json()["error"]["message"].as_str().unwrap().contains("EASYAI_ADMIN_TOKEN"), "{answer}");

    let app = Setup::new(Catalog::demo(&upstream.base_url())).with("EASYAI_ADMIN_TOKEN", TOKEN).start().await;
    ask(&app.admin("an-admin-token-of-a-tess"), &json!({})).await.refused(401, "invalid_api_key");
    ask(&app.caller, &json!({})).await.refused(401, "invalid_api_key");
    let operator = app.admin(TOKEN);
    assert_eq!(ask(&operator, &json!({})).await.ok().json()["tasks"]["read"], 0);
    for (body, told) in [
        (json!({"polcy": ""}), "unknown field `polcy`"),
        (json!({"policy": "[[platfrm]]"}), "policy:1:3: `platfrm` is nothing that a draft can change: did you mean `platform`?"),
        (json!({"account": "nobody"}), "the account `nobody` does not exist"),
        (json!({"differences": 1001}), "write at most 1000"),
        (json!({"since": "yesterday"}), "`yesterday` is not a time"),
    ] {
        let answer = ask(&operator, &body).await.refused(400, "bad_request");
        assert!(answer.json()["error"]["message"].as_str().unwrap().contains(told), "{told}: {answer}");
    }
    let document = app.caller.get("/openapi.json").await.ok().json();
    assert_eq!(document["paths"]["/api/admin/v1/replay"]["post"]["security"], json!([{"admin": []}]));
}

/// Copies of real tasks: so many of each.
async fn multiply(test: &TestDb, times: u32) {
    let tasks = "id, account_id, key_id, node_id, kind, model, model_type, stream, simulated, status, platform_model_id, platform, hold,
        input_tokens, expected_output_tokens, price_id, catalog_revision, runner_policy_id, started_at, finished_at, code, message, usage,
        bill, charge, cost, attempts, served_by, upstream_request_id, trace";
    let attempts = "task_id, number, id, platform_model_id, platform, status, category, code, http_status, message, sent,
        upstream_request_id, started_at, first_delta_ms, duration_ms, trace";
    // The same time, another number.
    let copies = format!(
        "CREATE TABLE copies AS WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {times})
        SELECT t.id AS source, CAST(substr(t.id, 1, 6) || randomblob(10) AS BLOB) AS copy FROM tasks t, n"
    );
    let copy = |table: &str, columns: &str, id: &str| {
        let of = columns.split(',').map(str::trim).map(|column| if column == id { "copy".to_owned() } else { format!("o.{column}") });
        let of = of.collect::<Vec<_>>().join(", ");
        format!("INSERT INTO {table} ({columns}) SELECT {of} FROM {table} o JOIN copies ON source = o.{id}")
    };
    let (tasks, attempts) = (copy("tasks", tasks, "id"), copy("attempts", attempts, "task_id"));
    test.raw(&[&copies, &tasks, &attempts, "DROP TABLE copies"]).await;
}

/// Runs a command; gives its output, and the most memory that it was seen to have in KiB.
fn watched(mut command: Command) -> (String, u64) {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut output = child.stdout.take().unwrap();
    let read = std::thread::spawn(move || {
        let mut text = String::new();
        output.read_to_string(&mut text).unwrap();
        text
    });
    let status = format!("/proc/{}/status", child.id());
    let mut most = 0;
    while child.try_wait().unwrap().is_none() {
        let status = std::fs::read_to_string(&status).unwrap_or_default();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
        most = most.max(peak.unwrap_or(0));
        std::thread::sleep(Duration::from_millis(20));
    }
    (read.join().unwrap(), most)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_tasks_differ_in_nothing_and_fit_into_little_memory() {
    let (bad, good) = (MockUpstream::start(Behaviour::default()).await.unwrap(), MockUpstream::start(Behaviour::default()).await.unwrap());
    let test = TestDb::empty(Sqlite).await;
    let app = Setup::new(catalog(&bad, &good)).at(test.url_text()).with("EASYAI_ADMIN_TOKEN", TOKEN).start().await;
    history(&app, &bad).await;
    multiply(&test, 12_500).await;

    let mut command = app.program.command();
    command.args(["replay", "--json", "--model", "demo"]);
    let (text, most_kib) = tokio::task::spawn_blocking(|| watched(command)).await.unwrap();
    let report: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&report["tasks"]["read"], &report["tasks"]["replayed"]), (&100_008.into(), &100_008.into()), "{report:#}");
    assert_eq!((&report["tasks"]["differing"], &report["tasks"]["with_guesses"]), (&0.into(), &0.into()), "{report:#}");
    assert_eq!(report["then"], report["draft"]);
    assert!((1..200 * 1_024).contains(&most_kib), "{most_kib} KiB");

    // Over HTTP: one at a time, and not for a caller that is gone.
    let operator = app.admin(TOKEN);
    let request = operator.request("POST", "/api/admin/v1/replay", &[], b"{}");
    let short = json!({"until": "2020-01-01"});
    // The short one may come first, and then it is the long one that is refused. All are kept: one of them has the turn in the end.
    let mut long = Vec::new();
    let refused = async || {
        let mut stream = TcpStream::connect(operator.addr).await.unwrap();
        stream.write_all(&request).await.unwrap();
        long.push(stream);
        ask(&operator, &short).await.status == 429
    };
    within(Duration::from_secs(10), "another one is refused", refused).await;
    ask(&operator, &json!({})).await.refused(429, "rate_limit");
    drop(long);
    within(Duration::from_secs(10), "the turn is given back", async || ask(&operator, &short).await.status == 200).await;
}

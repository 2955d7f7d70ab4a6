//! The command line as a stranger meets it: the binary, its output and its exit codes.

mod apply;
mod history;
mod lab;
mod policy;
mod serve;
mod shell;

use easyai_store::testing::TestEngine::{self, Postgres, Sqlite};
use rstest::rstest;

use shell::Shell;

/// The catalogue that everybody starts from.
const EXAMPLE: &str = include_str!("../../../../catalog.example.toml");

#[rstest]
#[tokio::test]
async fn a_strangers_first_command_works(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let shell = Shell::new(engine).await;
    assert!(shell.good(&["account", "create", "demo"]).starts_with("created account \"demo\" (acct_"));
    assert_eq!(shell.good(&["account", "top-up", "demo", "12.50", "--note", "a gift"]), "added 12.5 USD: \"demo\" has 12.5 USD");
    let shown = shell.json(&["account", "show", "demo"]);
    assert_eq!((shown["balance"].as_str(), shown["group"].as_str()), (Some("12.5"), Some("default")));
    assert_eq!(shown["entries"][0]["note"], "a gift");
    assert_eq!(shell.json(&["account", "list"])["data"][0]["name"], "demo");
}

#[rstest]
#[tokio::test]
async fn a_key_is_shown_once_and_revoked_for_good(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let shell = Shell::new(engine).await;
    shell.good(&["account", "create", "demo"]);
    let created =
        shell.json(&["key", "create", "--account", "demo", "--models", "a,b*", "--expires", "2999-01-01", "--run-mode", "simulation"]);
    let (id, key) = (created["id"].as_str().unwrap(), created["key"].as_str().unwrap());
    assert!(id.starts_with("key_") && key.starts_with("sk-"), "{created}");
    let listed = &shell.json(&["key", "list", "--account", "demo"])["data"][0];
    assert_eq!(listed["models"], serde_json::json!(["a", "b*"]));
    assert_eq!((listed["status"].as_str(), listed["run_mode"].as_str()), (Some("active"), Some("simulation")));
    assert!(!shell.good(&["key", "list"]).contains(key) && key.starts_with(listed["hint"].as_str().unwrap()));
    let revoked = shell.json(&["key", "revoke", id]);
    assert_eq!(shell.json(&["key", "revoke", id]), revoked);
    assert_eq!(shell.json(&["key", "list"])["data"][0]["status"], "revoked");
}

#[rstest]
#[tokio::test]
async fn limits_of_keys_and_accounts_are_set_shown_and_lifted(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let shell = Shell::new(engine).await;
    shell.good(&["account", "create", "demo"]);
    let limits = ["--limit", "requests_per_minute=100,tokens_per_minute=20000", "--limit", "concurrent=8", "--budget", "daily=5.00"];
    let created = shell.json(&[&["key", "create", "--account", "demo", "--budget", "monthly=50"], &limits[..]].concat());
    let id = created["id"].as_str().unwrap();
    let listed = &shell.json(&["key", "list"])["data"][0]["limits"];
    let all = serde_json::json!({"requests_per_minute": 100, "tokens_per_minute": 20000, "concurrent": 8, "daily_budget": "5", "monthly_budget": "50"});
    assert_eq!(*listed, all);
    assert!(shell.good(&["key", "list"]).contains("8 concurrent"));
    let fewer = "requests_per_minute=none,tokens_per_minute=none";
    assert_eq!(
        shell.good(&["key", "set", id, "--limit", fewer, "--budget", "monthly=none", "--shadow"]),
        format!("{id} has the limits: 8 concurrent, 5 daily_budget, shadow")
    );
    assert_eq!(shell.json(&["key", "set", id, "--shadow=false"])["limits"], serde_json::json!({"concurrent": 8, "daily_budget": "5"}));

    shell.write("c.toml", "[[group]]\nname = \"vip\"\n");
    shell.good(&["apply", "-f", "c.toml"]);
    assert_eq!(
        shell.good(&["account", "set", "demo", "--group", "vip", "--limit", "requests_per_day=7", "--budget", "monthly=100", "--shadow"]),
        "account \"demo\" is in group \"vip\" and has the limits: 7 requests_per_day, 100 monthly_budget, shadow"
    );
    let shown = shell.json(&["account", "show", "demo"]);
    assert_eq!((&shown["group"], &shown["limits"]["monthly_budget"]), (&"vip".into(), &"100".into()));
    assert_eq!(shell.json(&["account", "list"])["data"][0]["limits"], shown["limits"]);
    assert!(shell.good(&["account", "show", "demo"]).contains("7 requests_per_day"));
    shell.good(&["account", "set", "demo", "--limit", "requests_per_day=none", "--budget", "monthly=none", "--shadow=false"]);
    assert_eq!(shell.json(&["account", "show", "demo"])["limits"], serde_json::json!({}));
}

#[tokio::test]
async fn the_response_cache_of_a_key_is_switched_and_shown() {
    let shell = Shell::new(Sqlite).await;
    shell.good(&["account", "create", "demo"]);
    let listed = || shell.json(&["key", "list"])["data"][0]["response_cache"].clone();
    let created = shell.json(&["key", "create", "--account", "demo"]);
    assert_eq!(listed(), false);
    let id = created["id"].as_str().unwrap();
    assert_eq!(shell.good(&["key", "set", id, "--response-cache", "on"]), format!("{id} has the response cache on"));
    assert_eq!(listed(), true);
    let both = shell.json(&["key", "set", id, "--response-cache", "off", "--limit", "concurrent=8"]);
    assert_eq!(both, serde_json::json!({"id": id, "limits": {"concurrent": 8}, "response_cache": false}));
    assert_eq!(shell.json(&["key", "set", id, "--limit", "concurrent=none"]), serde_json::json!({"id": id, "limits": {}}));
    shell.good(&["key", "create", "--account", "demo", "--response-cache"]);
    assert_eq!(listed(), true);
    assert!(shell.good(&["key", "list"]).contains("response cache"));
    assert_eq!(shell.run(&["key", "set", id, "--response-cache", "maybe"]).status.code(), Some(2));
}

#[tokio::test]
async fn a_limit_that_cant_be_is_told_with_its_flag_and_the_nearest_name() {
    let shell = Shell::new(Sqlite).await;
    shell.good(&["account", "create", "demo"]);
    for (flags, told) in [
        (
            ["--limit", "request_per_minute=5"],
            "error: invalid value 'request_per_minute=5' for '--limit <FIELD=N>': `request_per_minute` is not a limit: did you mean `requests_per_minute`?",
        ),
        (
            ["--limit", "concurrent=1,tokens_per_day=0"],
            "error: invalid value 'tokens_per_day=0' for '--limit <FIELD=N>': `tokens_per_day` is `0`: write a whole number from 1 on, or none",
        ),
        (
            ["--limit", "daily_budget=5"],
            "error: invalid value 'daily_budget=5' for '--limit <FIELD=N>': write a budget like --budget daily=5.00",
        ),
        (
            ["--budget", "weekly=5"],
            "error: invalid value 'weekly=5' for '--budget <PERIOD=AMOUNT>': `weekly` is not a budget: use one of `daily`, `monthly`",
        ),
    ] {
        let output = shell.run(&[&["account", "set", "demo"], &flags[..]].concat());
        assert_eq!(output.status.code(), Some(2), "{flags:?}");
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(error.lines().next(), Some(told));
    }
}

#[tokio::test]
async fn what_cant_be_done_is_one_line_and_one() {
    let shell = Shell::new(Sqlite).await;
    shell.good(&["account", "create", "demo"]);
    for (arguments, told) in [
        (&["account", "create", "demo"][..], "easyai: the account `demo` exists already"),
        (
            &["account", "create", " demo"],
            "easyai: ` demo` is not a name for an account: 1 to 100 characters, no control characters, no spaces at the ends",
        ),
        (&["account", "create", "x", "--group", "gold"], "easyai: the group `gold` does not exist"),
        (&["account", "show", "nobody"], "easyai: the account `nobody` does not exist"),
        (&["account", "top-up", "demo", "-5"], "easyai: a top-up adds money: -5 is not above zero"),
        (&["key", "create", "--account", "nobody"], "easyai: the account `nobody` does not exist"),
        (
            &["key", "create", "--account", "demo", "--expires", "2001-01-01"],
            "easyai: --expires is in the past: the key would never be accepted",
        ),
        (&["key", "revoke", "key_01h2xcejqtf2nbrexx3vqjhp41"], "easyai: the key key_01h2xcejqtf2nbrexx3vqjhp41 does not exist"),
        (&["key", "set", "key_01h2xcejqtf2nbrexx3vqjhp41"], "easyai: nothing to set: give --limit, --budget, --shadow or --response-cache"),
        (&["key", "set", "key_01h2xcejqtf2nbrexx3vqjhp41", "--shadow"], "easyai: the key key_01h2xcejqtf2nbrexx3vqjhp41 does not exist"),
        (&["account", "set", "demo"], "easyai: nothing to set: give --group, --limit, --budget or --shadow"),
        (&["account", "set", "demo", "--group", "gold"], "easyai: the group `gold` does not exist"),
        (&["account", "set", "nobody", "--shadow"], "easyai: the account `nobody` does not exist"),
        (&["task", "show", "task_01h2xcejqtf2nbrexx3vqjhp41"], "easyai: the task task_01h2xcejqtf2nbrexx3vqjhp41 does not exist"),
        (&["apply", "-f", "absent.toml"], "easyai: absent.toml can't be read: No such file or directory (os error 2)"),
        (&["serve", "--listen", "nowhere"], "easyai: listen (from --listen) can't be `nowhere`: write an address such as 127.0.0.1:8080"),
    ] {
        assert_eq!(shell.bad(arguments), told);
    }
}

#[tokio::test]
async fn a_command_line_that_cant_be_read_is_two() {
    let shell = Shell::new(Sqlite).await;
    for arguments in
        [&["frob"][..], &["account"], &["account", "top-up", "demo", "1e5"], &["task", "list", "--status", "odd"], &["key", "revoke", "1"]]
    {
        assert_eq!(shell.run(arguments).status.code(), Some(2), "{arguments:?}");
    }
}

#[rstest]
#[tokio::test]
async fn a_ledger_that_is_wrong_is_told_and_ends_with_one(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let shell = Shell::new(engine).await;
    shell.good(&["account", "create", "demo"]);
    shell.good(&["account", "top-up", "demo", "1"]);
    assert_eq!(shell.good(&["ledger", "verify"]), "the ledger is clean: 1 wallets, 1 entries, 0 tasks");
    shell.test.raw(&["UPDATE wallets SET balance = balance + 1"]).await;
    let output = shell.run(&["ledger", "verify", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((report["clean"].as_bool(), report["findings"].as_array().unwrap().len()), (Some(false), 1));
}

#[rstest]
#[tokio::test]
async fn a_schema_of_a_later_version_is_left_alone(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let shell = Shell::new(engine).await;
    assert!(shell.good(&["migrate"]).starts_with("migrated: 0001_initial"));
    assert_eq!(shell.good(&["migrate"]), "nothing to do: the schema is current");
    shell.test.raw(&["INSERT INTO schema_migrations (version, name, applied_at) VALUES (999, 'later', 0)"]).await;
    assert!(
        shell.bad(&["account", "list"]).ends_with("newer than this program: use the version of easyai that migrated it, or a later one")
    );
}

#[rstest]
#[tokio::test]
async fn an_older_schema_asks_for_migrate(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let shell = Shell::new(engine).await;
    shell.good(&["migrate"]);
    shell.test.raw(&["UPDATE schema_migrations SET version = -version"]).await;
    assert!(shell.bad(&["account", "list"]).ends_with("older than this program: run `easyai migrate`"));
}

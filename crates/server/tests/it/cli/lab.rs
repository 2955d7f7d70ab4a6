//! `easyai lab`: what a person sees of it.

use easyai_store::testing::TestEngine::Sqlite;

use super::shell::Shell;

/// One platform that refuses every call of the first two seconds, and one that doesn't.
const SCENARIO: &str = r#"
[scenario]
name = "small"
duration_seconds = 4
[[load]]
model = "chat"
requests_per_second = 2
[[fault]]
platform = "a"
category = "auth"
until_seconds = 2
[[platform]]
name = "a"
provider = "simulation"
[[platform]]
name = "b"
provider = "simulation"
priority = 1
[[model]]
name = "chat"
[[platform_model]]
platform = "a"
model = "chat"
price = { input_per_million = "1", output_per_million = "2" }
[[platform_model]]
platform = "b"
model = "chat"
price = { input_per_million = "1", output_per_million = "2" }
"#;

#[tokio::test]
async fn a_scenario_is_played_reported_and_kept() {
    let shell = Shell::new(Sqlite).await;
    shell.write("small.toml", SCENARIO);
    let report = shell.json(&["lab", "run", "small.toml", "--keep", "kept", "--task", "1", "--explain"]);
    assert_eq!((report["callers"]["asked"].as_u64(), report["callers"]["succeeded"].as_u64()), (Some(8), Some(8)));
    assert_eq!(report["timeline"][0]["what"], "disable");
    assert_eq!((&report["ledger"]["clean"], &report["explained"]["compared"]), (&true.into(), &8.into()));
    let (id, told) = (report["examples"][0]["task"].as_str().unwrap(), report["tasks"][0].as_str().unwrap());
    // What is kept is a gateway's database like any other.
    let mut show = shell.command();
    show.env_remove("EASYAI_DATABASE_URL").args(["--data", "kept", "task", "show", id]);
    assert_eq!(String::from_utf8(show.output().unwrap().stdout).unwrap().trim_end(), told);
    assert!(shell.bad(&["lab", "run", "small.toml", "--keep", "kept"]).contains("choose an empty folder"));
    assert!(
        shell
            .good(&["lab", "run", "small.toml"])
            .contains("the platform is disabled until a person enables it by default_table, after auth (HTTP 401)")
    );
}

#[tokio::test]
async fn a_scenario_that_can_not_be_played_says_why() {
    let shell = Shell::new(Sqlite).await;
    shell.write("small.toml", &SCENARIO.replace("until_seconds", "till_seconds"));
    assert_eq!(
        shell.bad(&["lab", "run", "small.toml"]),
        "easyai: small.toml:11:1: fault: unknown field `till_seconds`: did you mean `until_seconds`?"
    );
    assert_eq!(
        shell.bad(&["lab", "run", "brownout"]),
        "easyai: there is neither a scenario nor a file `brownout`: did you mean `brown-out`?"
    );
    let listed = shell.json(&["lab", "list"]);
    assert_eq!(listed["data"].as_array().map(Vec::len), Some(5));
}

//! `easyai apply`: the diff, done once, told exactly.

use easyai_store::testing::TestEngine::{self, Postgres, Sqlite};
use rstest::rstest;

use super::EXAMPLE;
use super::shell::Shell;

#[rstest]
#[tokio::test]
async fn a_file_is_applied_once_and_changes_are_shown_field_by_field(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let shell = Shell::new(engine).await;
    shell.write("c.toml", EXAMPLE);
    let dry = shell.good(&["apply", "-f", "c.toml", "--dry-run"]);
    assert!(dry.ends_with("dry run: 14 to create, 1 to change, 0 to remove, 0 unchanged; nothing was changed"), "{dry}");
    assert!(shell.good(&["platform", "list"]).starts_with("no platforms yet"));
    let applied = shell.good(&["apply", "-f", "c.toml"]);
    assert!(applied.contains(": 14 to create, 1 to change, 0 to remove, 0 unchanged"), "{applied}");
    assert_eq!(shell.good(&["apply", "-f", "c.toml"]), "no changes (15 objects are as the file says)");

    shell.write("c.toml", &EXAMPLE.replace("\"1.25\"", "\"1.5\"").replace("priority = 10", "priority = 3"));
    let changed = shell.good(&["apply", "-f", "c.toml"]);
    assert!(changed.contains("~ platform \"offline\"\n    ~ priority: 10 -> 3"), "{changed}");
    assert!(changed.contains("\"input_per_million\":\"1.25\"") && changed.contains("-> {\"input_per_million\":\"1.5\""), "{changed}");

    shell.write(
        "c.toml",
        &EXAMPLE
            .replace("\"1.25\"", "\"1.5\"")
            .replace("priority = 10", "priority = 3")
            .replace("name = \"demo\"", "name = \"other\"")
            .replace("model = \"demo\"", "model = \"other\""),
    );
    let renamed = shell.json(&["apply", "-f", "c.toml"]);
    let steps = |change: &str| renamed["changes"].as_array().unwrap().iter().filter(|step| step["change"] == change).count();
    assert_eq!((steps("create"), steps("update"), steps("remove")), (2, 0, 2), "{renamed}");
}

#[rstest]
#[tokio::test]
async fn a_secret_is_never_shown(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let shell = Shell::new(engine).await;
    shell.write("c.toml", EXAMPLE);
    let first = shell.good(&["apply", "-f", "c.toml"]);
    let output = shell.command().args(["apply", "-f", "c.toml"]).env("OPENAI_API_KEY", "sk-hunter3").output().unwrap();
    let second = String::from_utf8(output.stdout).unwrap();
    assert!(second.contains("~ platform \"primary\"\n    ~ credentials:"), "{second}");
    assert!(!first.contains("hunter") && !second.contains("hunter"));
}

#[tokio::test]
async fn a_wrong_file_changes_nothing_and_tells_everything() {
    let shell = Shell::new(Sqlite).await;
    shell.write("c.toml", &EXAMPLE.replace("upstream_name", "upsteam_name").replace("max_attempts = 2 ", "max_atempts = 2 "));
    let told = shell.bad(&["apply", "-f", "c.toml"]);
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines.len(), 2, "{told}");
    assert!(
        lines[0].ends_with("platform_model \"gpt-5.4\" at \"primary\": unknown field `upsteam_name`: did you mean `upstream_name`?"),
        "{told}"
    );
    assert!(lines[1].starts_with("c.toml:") && lines[1].ends_with("unknown field `max_atempts`: did you mean `max_attempts`?"), "{told}");
    assert!(shell.good(&["platform", "list"]).starts_with("no platforms yet"));
}

#[tokio::test]
async fn a_platform_is_switched_by_a_person_and_stays_so() {
    let shell = Shell::new(Sqlite).await;
    shell.write("c.toml", EXAMPLE);
    shell.good(&["apply", "-f", "c.toml"]);
    assert_eq!(shell.good(&["platform", "disable", "offline"]), "platform \"offline\" is disabled");
    assert_eq!(shell.good(&["apply", "-f", "c.toml"]), "no changes (15 objects are as the file says)");
    assert_eq!(shell.json(&["platform", "list"])["data"][1]["enabled"], false);
    assert_eq!(shell.good(&["platform", "enable", "offline"]), "platform \"offline\" is enabled");
}

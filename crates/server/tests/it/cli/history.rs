//! `easyai catalog`: what was applied, what changed, and an earlier catalogue again.

use easyai_store::testing::TestEngine::{self, Postgres, Sqlite};
use rstest::rstest;

use super::EXAMPLE;
use super::shell::Shell;

#[rstest]
#[tokio::test]
async fn a_catalogue_that_was_changed_comes_back(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let shell = Shell::new(engine).await;
    assert!(shell.good(&["catalog", "revisions"]).starts_with("no catalogue was applied yet"));
    shell.write("c.toml", EXAMPLE);
    shell.good(&["apply", "-f", "c.toml"]);
    shell.write("c.toml", &EXAMPLE.replace("\"1.25\"", "\"1.5\"").replace("priority = 10", "priority = 3"));
    shell.good(&["apply", "-f", "c.toml"]);

    let listed = shell.json(&["catalog", "revisions"]);
    let (second, first) = (&listed["data"][0], &listed["data"][1]);
    assert_eq!((second["changed"].as_u64(), second["actor"].as_str()), (Some(2), Some("easyai apply")));
    assert_eq!(second["objects"], serde_json::json!(["platform offline", "platform_model primary/gpt-5.4"]));
    let (one, two) = (first["revision"].to_string(), second["revision"].to_string());
    let table = shell.good(&["catalog", "revisions"]);
    assert!(table.contains("+0 ~2 -0: platform offline, platform_model primary/gpt-5.4"), "{table}");
    assert!(table.contains("and 11 more"), "{table}");

    let difference = shell.good(&["catalog", "diff", &one, &two]);
    assert!(difference.starts_with("~ platform \"offline\"\n    ~ priority: 10 -> 3\n"), "{difference}");
    assert_eq!(shell.good(&["catalog", "diff", &two, &two]), "no difference (15 objects are the same)");
    let shown = shell.good(&["catalog", "show"]);
    assert!(shown.starts_with(&format!("revision {two}, ")) && shown.contains("platform \"offline\"\n"), "{shown}");
    assert!(shown.contains("    priority: 3\n") && !shown.contains("hunter"), "{shown}");
    assert_eq!(shell.json(&["catalog", "show", &one])["objects"]["platform"]["offline"]["priority"], 10);

    let dry = shell.good(&["catalog", "restore", &one, "--dry-run"]);
    assert!(dry.ends_with("dry run: 0 to create, 2 to change, 0 to remove, 13 unchanged; nothing was changed"), "{dry}");
    let restored = shell.good(&["catalog", "restore", &one]);
    assert!(restored.contains("~ priority: 3 -> 10") && restored.contains(": 0 to create, 2 to change"), "{restored}");
    assert_eq!(shell.good(&["catalog", "restore", &one]), format!("no changes (15 objects are as revision {one} says)"));
    shell.write("c.toml", EXAMPLE);
    assert_eq!(shell.good(&["apply", "-f", "c.toml"]), "no changes (15 objects are as the file says)");
    let latest = &shell.json(&["catalog", "revisions", "--limit", "1"])["data"][0];
    assert_eq!((latest["source"].as_str(), latest["actor"].as_str()), (Some("restore"), Some(&*format!("easyai catalog restore {one}"))));
}

#[rstest]
#[tokio::test]
async fn a_catalogue_whose_secret_is_gone_stays_in_the_past(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let shell = Shell::new(engine).await;
    shell.write("c.toml", EXAMPLE);
    shell.good(&["apply", "-f", "c.toml"]);
    let one = shell.json(&["catalog", "revisions"])["data"][0]["revision"].to_string();
    shell.write("c.toml", "[[group]]\nname = \"vip\"\n");
    shell.good(&["apply", "-f", "c.toml"]);
    let before = shell.good(&["catalog", "revisions"]);
    assert_eq!(
        shell.bad(&["catalog", "restore", &one]),
        "easyai: the secret of credential `main` (env:OPENAI_API_KEY) of platform `primary` is not stored any more: apply a file that has it"
    );
    assert_eq!(shell.good(&["catalog", "revisions"]), before);
    assert_eq!(
        shell.bad(&["catalog", "show", "99"]),
        "easyai: the catalogue of revision 99 (`easyai catalog revisions` lists them) does not exist"
    );
}

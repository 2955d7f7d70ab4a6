//! `easyai policy` and `easyai platform`: what is in force, and who is not well.

use easyai_store::testing::TestEngine::{self, Postgres, Sqlite};
use rstest::rstest;

use super::EXAMPLE;
use super::shell::Shell;

#[rstest]
#[tokio::test]
async fn each_value_of_a_policy_is_shown_with_where_it_comes_from(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let shell = Shell::new(engine).await;
    let overrides = "overrides = { retry = { max_attempts = 3 }, max_platforms = 2 }\n[[policy_set]]";
    shell.write(
        "c.toml",
        &EXAMPLE
            .replace("[[policy_set]]\n", &format!("{overrides}\n"))
            .replace("per_request = \"0.0001\" }\n", "per_request = \"0.0001\" }\npolicy_set = \"standard\"\n"),
    );
    shell.good(&["apply", "-f", "c.toml"]);
    let shown = shell.json(&["policy", "show", "demo"]);
    let candidate = &shown["candidates"][0];
    assert_eq!((candidate["platform"].as_str(), candidate["policy_set"].as_str()), (Some("offline"), Some("standard")));
    for (field, value, source) in [
        ("/retry/max_attempts", "3", "platform_model"),
        ("/retry/enabled", "true", "default"),
        ("/failover/max_platforms", "2", "platform_model"),
        ("/failover/max_duration_seconds", "120", "runner_policy"),
        ("/demotion/heal_steps", "1", "default"),
        ("/availability/last_resort", "\"serves\"", "default"),
    ] {
        let found = candidate.pointer(field).unwrap();
        assert_eq!((found["value"].to_string().as_str(), found["source"].as_str()), (value, Some(source)), "{field}");
    }
    assert_eq!((&candidate["retry"]["rules"]["source"], &candidate["breaker"]["source"]), (&"policy_set".into(), &"policy_set".into()));
    assert_eq!(shown["default_table"].as_array().unwrap().len(), 15);

    let text = shell.good(&["policy", "show", "gpt-5.4", "--platform", "primary"]);
    for told in [
        "gpt-5.4 at primary (policy set \"standard\")",
        "retry rule 1",
        "status_codes=[5xx], message_contains=[try again]: again",
        "categories=[rate_limit]: credential left alone as long as the default table says",
        "1 failure of error_codes=[account_deactivated]: platform switched off",
        "categories=[auth]: next",
        "categories=[timeout]: platform_model 1 steps down for 300 s, at most 10",
        "runner policy",
        "cooldown_and_next 600 s, platform",
    ] {
        assert!(text.split_whitespace().collect::<Vec<_>>().join(" ").contains(told), "{told} is not in\n{text}");
    }
    assert_eq!(shell.bad(&["policy", "show", "gpt-5.5"]), "easyai: there is no model `gpt-5.5`: did you mean `gpt-5.4`?");
    assert_eq!(
        shell.bad(&["policy", "show", "demo", "--platform", "ofline"]),
        "easyai: no platform `ofline` offers `demo`: did you mean `offline`?"
    );
}

#[rstest]
#[tokio::test]
async fn who_is_not_well_is_listed_and_one_model_is_switched(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let shell = Shell::new(engine).await;
    shell.write("c.toml", EXAMPLE);
    shell.good(&["apply", "-f", "c.toml"]);
    let condition = |subject: &str, scope: &str, state: &str| {
        format!("INSERT INTO candidate_state (subject_id, scope, state, updated_at) SELECT id, '{scope}', '{state}', 0 FROM {subject}")
    };
    let demoted = r#"{"demoted": {"until": "2199-01-01T00:00:00Z", "steps": 3}}"#;
    let open = r#"{"breaker": {"open": {"until": "2199-01-01T00:00:00Z", "opens": 1, "reason": "too often"}}}"#;
    let cooling = r#"{"cooling": {"until": "2199-01-01T00:00:00Z", "reason": "slow down"}}"#;
    shell
        .test
        .raw(&[
            &condition("platforms WHERE name = 'offline'", "platform", demoted),
            &condition("platform_models WHERE upstream_name = 'demo'", "platform_model", open),
            &condition("credentials", "credential", cooling),
        ])
        .await;
    let listed = shell.json(&["platform", "list"]);
    let unwell = |platform: usize| {
        let found = listed["data"][platform]["unwell"].as_array().unwrap().iter();
        found.map(|one| format!("{} {} {}", one["name"], one["state"].as_str().unwrap(), one["reason"])).collect::<Vec<_>>()
    };
    assert_eq!(unwell(0), ["\"main\" cooling_down \"slow down\""]);
    assert_eq!(unwell(1), ["null demoted \"3 steps down\"", "\"demo\" circuit_open \"too often\""]);
    let text = shell.good(&["platform", "list"]);
    assert!(["model demo", "circuit_open", "2199-01-01T00:00:00", "3 steps down"].iter().all(|told| text.contains(told)), "{text}");

    let switch = |to: &str| shell.good(&["platform", to, "offline", "--model", "demo"]);
    assert_eq!(switch("enable"), "model \"demo\" at platform \"offline\" is enabled");
    assert_eq!(switch("disable"), "model \"demo\" at platform \"offline\" is disabled");
    assert_eq!(switch("disable"), "model \"demo\" at platform \"offline\" is disabled already");
    assert_eq!(shell.json(&["platform", "list"])["data"][1]["unwell"][1]["state"], "disabled");
    assert_eq!(shell.good(&["apply", "-f", "c.toml"]), "no changes (15 objects are as the file says)");
    assert_eq!(
        shell.bad(&["platform", "disable", "offline", "--model", "gpt-5.4"]),
        "easyai: the model `gpt-5.4` at the platform `offline` does not exist"
    );
}

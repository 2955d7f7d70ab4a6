//! Where settings come from, and what is said of wrong ones.

use std::time::Duration;

use super::source::{Flags, Given};
use super::{Config, LogFormat};

const EXAMPLE: &str = include_str!("../../../../easyai.example.toml");

fn config(environment: &[(&str, &str)], file: &str, flags: Flags) -> Result<Config, String> {
    let environment = environment.iter().map(|(name, value)| ((*name).into(), (*value).into()));
    let mut given = Given::gather(flags, environment).map_err(|error| error.to_string())?;
    given.take_text("e.toml", file)?;
    Config::read(given).map_err(|error| error.to_string())
}

#[test]
fn a_flag_goes_before_the_environment_and_that_before_the_file() {
    let file = "listen = \"0.0.0.0:1\"\ndrain_seconds = 5\nlog_format = \"json\"\nmax_body_bytes = 1_048_576\n";
    let environment = [("EASYAI_LISTEN", "0.0.0.0:2"), ("EASYAI_DRAIN_SECONDS", "7"), ("EASYAI_DATA", "")];
    let config = config(&environment, file, Flags { listen: Some("0.0.0.0:3".to_owned()), ..Flags::default() }).unwrap();
    assert_eq!(config.listen.port(), 3);
    assert_eq!(config.drain, Duration::from_secs(7));
    assert_eq!(config.log_format, LogFormat::Json);
    assert_eq!(config.max_body_bytes, 1_048_576);
    assert_eq!(config.database.describe(), "sqlite:data/easyai.db");
}

#[test]
fn the_example_file_holds_the_defaults() {
    let (defaults, example) = (config(&[], "", Flags::default()).unwrap(), config(&[], EXAMPLE, Flags::default()).unwrap());
    assert_eq!(format!("{example:?}"), format!("{defaults:?}"));
    // What is set there, and what is only shown, are settings.
    let shown = EXAMPLE.lines().filter_map(|line| line.strip_prefix("# ")).filter(|line| line.contains(" = ") && !line.contains(": "));
    let shown = shown.collect::<Vec<_>>().join("\n");
    config(&[], &shown, Flags::default()).unwrap();
}

#[test]
fn a_wrong_setting_is_told_with_its_source_and_what_to_write() {
    let check = |environment: &[(&str, &str)], file: &str, expected: &str| {
        assert_eq!(config(environment, file, Flags::default()).map(|_| ()).unwrap_err(), expected);
    };
    check(&[], "lisen = \"x\"", "e.toml:1:1: unknown setting `lisen`: did you mean `listen`?");
    check(&[], "\nlisten = \"x\"", "listen (from e.toml:2) can't be `x`: write an address such as 127.0.0.1:8080");
    check(&[("EASYAI_MAX_IN_FLIGHT", "0")], "", "max_in_flight (from EASYAI_MAX_IN_FLIGHT) can't be `0`: write a number from 1 to 1000000");
    check(&[("EASYAI_LISTN", "0.0.0.0:2")], "", "EASYAI_LISTN is not a setting: did you mean EASYAI_LISTEN?");
    check(&[], "listen = [1]", "e.toml:1:10: `listen` is a single value, this is: array");
    check(
        &[("EASYAI_ADMIN_TOKEN", "hunter2")],
        "",
        "admin_token (from EASYAI_ADMIN_TOKEN) can't be `(not shown)`: write at least 16 letters, digits and signs without spaces, at random",
    );
    check(
        &[("EASYAI_DATABASE_URL", "mysql://u:hunter2@h/d")],
        "",
        "database_url (from EASYAI_DATABASE_URL) can't be `(not shown)`: write sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/NAME",
    );
}

#[test]
fn the_operators_receiver_may_be_anywhere_and_is_told_what_is_listed() {
    let read = |url: &str, events: &str| {
        config(&[("EASYAI_CALLBACK_URL", url), ("EASYAI_CALLBACK_EVENTS", events)], "", Flags::default()).map(|config| config.callback)
    };
    let told = read("http://127.0.0.1:9000/hook", "task.completed, task.failed").unwrap().unwrap();
    assert_eq!((&*told.host, told.events.as_ref().map(|events| events.iter().count())), ("127.0.0.1:9000", Some(2)));
    assert_eq!(read("http://127.0.0.1:9000/hook", "*").unwrap().unwrap().events, None);
    assert_eq!(read("", "task.failed"), Ok(None));
    assert!(read("ftp://h/", "").unwrap_err().starts_with("callback_url (from EASYAI_CALLBACK_URL)"));
    assert!(
        read("https://h/", "done").unwrap_err().starts_with("callback_events (from EASYAI_CALLBACK_EVENTS) can't be `done`: write names")
    );
}

#[test]
fn variables_of_others_are_left_alone() {
    assert!(config(&[("EASYAI_TEST_POSTGRES_URL", "x"), ("EASYAI_KEY", "sk-1"), ("HOME", "/")], "", Flags::default()).is_ok());
}

#[test]
fn secrets_are_not_in_debug_output() {
    let environment = [
        ("EASYAI_DATABASE_URL", "postgres://u:hunter2@h/d"),
        ("EASYAI_PROXY", "http://u:hunter2@h:1"),
        ("EASYAI_MASTER_KEY", "hunter2"),
        ("EASYAI_ADMIN_TOKEN", "hunter2-hunter2-hunter2"),
        ("EASYAI_ASSETS_URL", "s3://box"),
        ("EASYAI_ASSETS_ACCESS_KEY", "key"),
        ("EASYAI_ASSETS_SECRET_KEY", "hunter2"),
    ];
    assert!(!format!("{:?}", config(&environment, "", Flags::default()).unwrap()).contains("hunter2"));
}

#[test]
fn assets_are_in_a_folder_or_in_a_bucket() {
    let place = |environment: &[(&str, &str)]| format!("{:?}", config(environment, "", Flags::default()).unwrap().assets.place);
    assert_eq!(place(&[("EASYAI_DATA", "d")]), "Folder(\"d/assets\")");
    assert_eq!(place(&[("EASYAI_ASSETS_URL", "/srv/media")]), "Folder(\"/srv/media\")");
    assert_eq!(place(&[("EASYAI_ASSETS_URL", "file:/srv/media")]), "Folder(\"/srv/media\")");
    let bucket = place(&[
        ("EASYAI_ASSETS_URL", "s3://box/a/b/"),
        ("EASYAI_ASSETS_ENDPOINT", "http://minio:9000"),
        ("EASYAI_ASSETS_ADDRESSING", "host"),
    ]);
    assert!(
        bucket.contains("name: \"box\", prefix: \"a/b\"") && bucket.contains("minio") && bucket.contains("addressing: Host"),
        "{bucket}"
    );
    let wrong = |environment: &[(&str, &str)]| config(environment, "", Flags::default()).unwrap_err();
    assert_eq!(
        wrong(&[("EASYAI_ASSETS_URL", "gs://box")]),
        "assets_url (from EASYAI_ASSETS_URL) can't be `gs://box`: write a folder, or s3://BUCKET or s3://BUCKET/PREFIX"
    );
    let lonely = wrong(&[("EASYAI_ASSETS_URL", "s3://box"), ("EASYAI_ASSETS_SECRET_KEY", "hunter2")]);
    assert!(lonely.ends_with("write both assets_access_key and assets_secret_key, or neither") && !lonely.contains("hunter2"), "{lonely}");
    assert!(wrong(&[("EASYAI_ASSETS_URL", "s3://box"), ("EASYAI_ASSETS_ENDPOINT", "http://u:hunter2@h")]).contains("(not shown)"));
    assert!(wrong(&[("EASYAI_PUBLIC_URL", "g.example")]).contains("write https://HOST"));
    let kept = |days: &str| config(&[("EASYAI_ASSETS_RETENTION_DAYS", days)], "", Flags::default()).unwrap().assets.keep;
    assert_eq!((kept("0"), kept("1")), (None, Some(Duration::from_secs(86_400))));
}

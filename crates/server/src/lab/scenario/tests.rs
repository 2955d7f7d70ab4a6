//! What is said of scenario files, to the letter.

use super::*;

const GOOD: &str = r#"
[scenario]
name = "good"
duration_seconds = 10

[[load]]
model = "chat"
requests_per_second = 5

[[fault]]
platform = "a"
category = "overloaded"
until_seconds = 5

[[platform]]
name = "a"
provider = "simulation"

[[model]]
name = "chat"

[[platform_model]]
platform = "a"
model = "chat"
price = { input_per_million = "1", output_per_million = "2" }
"#;

fn parse(text: &str) -> Result<Scenario, String> {
    read("s.toml", text, Path::new("/nonexistent"))
}

/// The good scenario with one piece replaced: what is said of it.
#[track_caller]
fn check(piece: &str, by: &str, expected: &str) {
    assert!(GOOD.contains(piece), "{piece}");
    assert_eq!(parse(&GOOD.replacen(piece, by, 1)).map(|_| ()).unwrap_err(), expected);
}

#[test]
fn what_is_not_written_is_as_usual() {
    let scenario = parse(GOOD).unwrap();
    let (load, fault) = (&scenario.loads[0], &scenario.faults[0]);
    assert_eq!((load.from, load.until, load.streamed_percent), (Duration::ZERO, Duration::from_secs(10), 0));
    assert_eq!((fault.share_percent, fault.until), (100, Duration::from_secs(5)));
    assert_eq!((scenario.seed, scenario.catalog.platforms.len()), (1, 1));
}

#[test]
fn a_wrong_name_is_told_with_its_place_and_the_nearest_right_one() {
    check(
        "duration_seconds",
        "duration_secs",
        "s.toml:2:1: scenario \"good\": missing field `duration_seconds`\ns.toml:4:1: scenario \"good\": unknown field `duration_secs`: did you mean `duration_seconds`?",
    );
    check("until_seconds", "untill_seconds", "s.toml:13:1: fault: unknown field `untill_seconds`: did you mean `until_seconds`?");
    check("[[fault]]", "[[faults]]", "s.toml:10:3: unknown table `faults`: did you mean `fault`?");
    check(
        "platform = \"a\"\ncat",
        "platform = \"aa\"\ncat",
        "s.toml:11:12: fault: there is no platform `aa` in this file: did you mean `a`?",
    );
    check(
        "model = \"chat\"\nreq",
        "model = \"chap\"\nreq",
        "s.toml:7:9: load: there is no model `chap` in this file: did you mean `chat`?",
    );
    check(
        "\"overloaded\"",
        "\"overload\"",
        "s.toml:12:12: fault: `category`: `overload` is not a failure category: use one of network, timeout, rate_limit, overloaded, server_error, auth, quota_exhausted, model_unavailable, bad_request, content_filter, context_length, bad_response, local_rate_limit, cancelled, internal; did you mean `overloaded`?",
    );
}

#[test]
fn what_can_not_be_played_is_refused() {
    check("until_seconds = 5", "until_seconds = 0", "s.toml:13:17: fault: it ends at 0 s, before it begins at 0 s");
    check(
        "requests_per_second = 5",
        "requests_per_second = 0",
        "s.toml:8:23: load: `requests_per_second` is 0: write a number from 1 to 10000",
    );
    check(
        "category = \"overloaded\"",
        "deltas = 3",
        "s.toml:10:1: fault: it does nothing: write a `category`, a `position`, `latency_ms` or `chunk_delay_ms`",
    );
    check(
        "category = \"overloaded\"",
        "position = \"after_deltas\"",
        "s.toml:12:12: fault: after_deltas needs a `category`: what the platform says then",
    );
    check(
        "duration_seconds = 10",
        "duration_seconds = 90000",
        "s.toml:4:20: scenario: `duration_seconds` is 90000: write a number from 1 to 86400",
    );
    let openai = "provider = \"openai\"\nbase_url = \"https://a\"";
    check(
        "provider = \"simulation\"",
        openai,
        "s.toml:2:1: platform \"a\" has the provider openai: the lab calls nobody outside: write provider = \"simulation\"",
    );
}

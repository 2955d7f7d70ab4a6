//! The reports of the scenarios that come with the program, letter by letter; and what everything else comes to.

mod everything;
mod stories;

use super::play::Played;
use super::scenario::Scenario;
use super::*;

fn played(scenario: &Scenario) -> (Played, Report) {
    let folder = tempfile::tempdir().unwrap();
    let played = play(scenario, folder.path(), Wanted { stories: &[], explain: Explain::No }).unwrap();
    let report = Report::of(scenario, &played);
    (played, report)
}

/// The report is as it was; after a change that is meant, `UPDATE_LAB_REPORTS=1 cargo test -p easyai-server lab` writes it anew.
fn golden(name: &str, before: &str) -> Report {
    let known = library::ALL.iter().find(|known| known.name == name).unwrap();
    let (_, report) = played(&known.read().unwrap());
    let now = render(&report);
    if std::env::var_os("UPDATE_LAB_REPORTS").is_some() {
        std::fs::write(format!("{}/../../lab/{name}.report.txt", env!("CARGO_MANIFEST_DIR")), now).unwrap();
    } else {
        assert_eq!(now, before, "{name} is told otherwise than before");
    }
    assert!(report.ledger.clean);
    report
}

macro_rules! golden {
    ($name:literal) => {
        golden($name, include_str!(concat!("../../../../lab/", $name, ".report.txt")))
    };
}

#[test]
fn when_one_platform_dies_nobody_notices() {
    let report = golden!("one-platform-dies");
    assert_eq!((report.callers.succeeded, report.callers.asked), (1800, 1800));
}

#[test]
fn in_a_brown_out_only_what_had_begun_breaks() {
    let report = golden!("brown-out");
    assert!(report.callers.failed.is_empty() && report.callers.broken_off < 10, "{:?}", report.callers);
}

/// Issue 3: 200 calls a second, all refused with `Retry-After: 30`: callers lose nothing, and the platform is left in peace.
#[test]
fn a_rate_limit_storm_costs_callers_nothing_and_leaves_the_platform_in_peace() {
    let report = golden!("rate-limit-storm");
    assert_eq!((report.callers.succeeded, report.callers.asked), (8000, 8000));
    let times = report.callers.first_delta_ms.unwrap();
    assert!(times.max - times.p50 < 10, "{times:?}");
    // Two cooldowns begin in this time, each by the one call that is refused: during them there is none.
    let storm = &report.faults[0];
    assert_eq!((storm.met, storm.last_at_ms.unwrap() - storm.first_at_ms.unwrap() >= 30_000), (2, true), "{storm:?}");
}

#[test]
fn a_bad_credential_is_switched_off_and_the_next_one_serves() {
    let report = golden!("bad-credential");
    assert_eq!(report.callers.succeeded, report.callers.asked);
    let told: Vec<(&str, &str)> = report.timeline.iter().map(|event| (event.whom.as_str(), event.what)).collect();
    assert_eq!(told, [("primary (main)", "disable"), ("primary (spare)", "cool_down")]);
}

#[test]
fn slow_tokens_send_callers_elsewhere() {
    let report = golden!("slow-tokens");
    assert_eq!(report.callers.succeeded, report.callers.asked);
}

#[test]
fn the_same_seed_gives_the_same_report_and_another_seed_another() {
    let known = library::ALL.iter().find(|known| known.name == "brown-out").unwrap();
    let mut scenario = known.read().unwrap();
    scenario.duration = std::time::Duration::from_secs(25);
    scenario.loads.iter_mut().for_each(|load| load.until = scenario.duration);
    let told = |scenario: &Scenario| render(&played(scenario).1);
    assert_eq!(told(&scenario), told(&scenario));
    let first = told(&scenario);
    scenario.seed += 1;
    assert_ne!(first, told(&scenario));
}

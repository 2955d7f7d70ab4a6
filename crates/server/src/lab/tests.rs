//! The reports of the scenarios that come with the program, letter by letter.

use super::*;

/// Plays a scenario twice.
fn report(scenario: &scenario::Scenario) -> String {
    let once = || {
        let folder = tempfile::tempdir().unwrap();
        let played = play(scenario, folder.path(), &[]).unwrap();
        render(&Report::of(scenario, &played))
    };
    once()
}

#[test]
fn the_reports_are_as_they_were() {
    for known in library::ALL {
        let told = report(&known.read().unwrap());
        println!("{told}");
    }
}

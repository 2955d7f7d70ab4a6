//! Everything that can be decided is produced, and told in the same words by the trace, by `easyai task show` and by *explain*.

use std::collections::BTreeSet;

use easyai_core::candidates::LeftOutReason;
use easyai_core::catalog::FaultPosition;
use easyai_core::failure::Category;
use easyai_core::policy::Scope;
use easyai_core::reason::Reason;
use easyai_core::run_trace::RunTrace;
use easyai_core::trace::{Action, PolicySource, RemedyKind};
use easyai_store::{DatabaseUrl, Db, tasks};

use super::stories;
use crate::cli::paint::Paint;
use crate::cli::timeline::render as task_show;
use crate::lab::gather::{Told, gather, story};
use crate::lab::play::{Played, Wanted, play};
use crate::lab::scenario::{Scenario, read};
use crate::lab::watch::Better;
use crate::lab::world::CURRENCY;
use crate::lab::{Explain, Report};

/// What can't be produced yet: there are no media jobs (issue 12).
const LATER: &[&str] = &["reason media_may_have_been_sent"];

/// What can't be: a credential has no priority, and only a platform's model has a circuit breaker.
const NEVER: &[&str] = &["remedy demote credential", "remedy open_circuit platform", "remedy open_circuit credential"];

/// All words there are.
fn everything() -> BTreeSet<String> {
    let words = Reason::ALL.iter().map(|word| format!("reason {word}"));
    let words = words.chain(LeftOutReason::ALL.iter().map(|word| format!("left out {word}")));
    let words = words.chain(Action::ALL.iter().map(|word| format!("action {word}")));
    let words = words.chain(PolicySource::ALL.iter().map(|word| format!("source {word}")));
    let words = words.chain(Category::ALL.iter().map(|word| format!("category {word}")));
    let words = words.chain(FaultPosition::ALL.iter().map(|word| format!("position {word}")));
    let words = words.chain(Better::ALL.iter().map(|word| format!("event {word}")));
    let words = words.chain(["last_resort", "circuit_half_open"].map(|word| format!("event {word}")));
    let pairs = RemedyKind::ALL.iter().flat_map(|kind| Scope::ALL.iter().map(move |scope| format!("remedy {kind} {scope}")));
    words.chain(pairs).filter(|word| !LATER.contains(&word.as_str()) && !NEVER.contains(&word.as_str())).collect()
}

/// The words that a story produced.
fn produced(scenario: &Scenario, played: &Played, found: &mut BTreeSet<String>) {
    let traces = || played.told.iter().filter_map(|told| told.trace.as_ref());
    for entry in traces().flat_map(|trace| &trace.decisions) {
        let rulings = [Some(entry.ruling()), entry.same_client.clone()];
        for ruling in rulings.into_iter().flatten() {
            found.extend([format!("reason {}", ruling.reason), format!("source {}", ruling.source)]);
        }
        found.extend([format!("action {}", entry.action), format!("category {}", entry.failure.category)]);
        found.extend(entry.remedies.iter().map(|remedy| format!("remedy {} {}", remedy.remedy, remedy.scope)));
        found.extend(entry.remedies.iter().map(|remedy| format!("source {}", remedy.source)));
    }
    found.extend(traces().flat_map(|trace| &trace.left_out).map(|left| format!("left out {}", left.reason)));
    let report = Report::of(scenario, played);
    found.extend(report.timeline.iter().map(|event| format!("event {}", event.what)));
    for (fault, view) in scenario.faults.iter().zip(&report.faults).filter(|(_, view)| view.met > 0) {
        assert!(view.first_at_ms.is_some());
        let position = fault.table.position.as_ref().map(|position| *position.get_ref()).unwrap_or_default();
        found.insert(format!("position {position}"));
    }
}

/// What the API gives as a task's trace, what `task show` prints and what the report counts are the same words.
async fn told_alike(db: &Db, told: &Told, report: &Report) {
    let shown = task_show(&story(db, told).await.unwrap(), CURRENCY, Paint::Plain);
    // The API gives this text as it is.
    let json = tasks::trace(db, told.task.id).await.unwrap().unwrap();
    let trace: RunTrace = serde_json::from_str(&json).unwrap();
    for entry in &trace.decisions {
        assert!(json.contains(&format!("\"reason\":\"{}\"", entry.reason)), "{json}");
        assert!(shown.contains(&entry.sentence()), "{}\nis not in\n{shown}", entry.sentence());
        assert!(entry.remedies.iter().all(|remedy| entry.sentence().contains(&remedy.sentence())));
        assert!(report.decisions.iter().any(|counted| counted.reason == entry.reason.as_str()));
    }
    for left in &trace.left_out {
        assert!(shown.contains(&left.message) && shown.contains(&format!("[{}]", left.reason)), "{}\n{shown}", left.message);
        assert!(report.left_out.iter().any(|counted| counted.reason == left.reason.as_str()));
    }
}

#[test]
fn everything_that_can_be_decided_is_produced_and_told_alike() {
    let mut found = BTreeSet::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for told in stories::all() {
        let scenario = read("story.toml", &told.text(), std::path::Path::new("")).unwrap_or_else(|wrong| panic!("{}: {wrong}", told.about));
        let folder = tempfile::tempdir().unwrap();
        let played = play(&scenario, folder.path(), Wanted { stories: &[], explain: Explain::First }).unwrap();
        let report = Report::of(&scenario, &played);
        assert!(report.is_right(), "{}: {:?}", told.about, report);
        assert!(report.explained.as_ref().is_some_and(|explained| explained.compared > 0), "{}", told.about);
        produced(&scenario, &played, &mut found);
        runtime.block_on(async {
            let db = Db::open(&DatabaseUrl::Sqlite(folder.path().join("easyai.db"))).await.unwrap();
            for told in gather(&db).await.unwrap() {
                told_alike(&db, &told, &report).await;
            }
            db.close().await;
        });
    }
    let missing: Vec<String> = everything().difference(&found).cloned().collect();
    assert_eq!(missing, Vec::<String>::new(), "write a story that produces them");
    let unexpected: Vec<&&str> = LATER.iter().chain(NEVER).filter(|word| found.contains(**word)).collect();
    assert!(unexpected.is_empty(), "{unexpected:?} is produced: take it off the list");
}

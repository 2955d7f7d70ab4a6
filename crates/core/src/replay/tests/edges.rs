//! Histories that don't fit today's catalogue.

use std::sync::Arc;

use super::drafts::{failover, priority};
use super::history::History;
use crate::fixtures;
use crate::replay::Draft;

#[test]
fn a_candidate_that_is_gone_still_replays_by_name() {
    let mut history = History::of(&["a", "b"]).task("a 503@100 | b ok@20+300").task("a ok@20+300");
    history.catalog = History::of(&["b"]).catalog;
    let report = history.replay(&Draft::default());
    assert_eq!((report.tasks.with_missing_candidates, report.tasks.differing, report.then.charge), (2, 0, report.draft.charge));
    // What it would charge now nobody knows, unless it is the answer that was charged.
    let report = history.replay(&priority("b", 0));
    assert_eq!((report.tasks.with_missing_candidates, report.draft.unpriced), (2, 0));
    let mut history = History::of(&["a", "b"]).failover(r#"{"max_platforms": 1}"#).tasks(5, "a ok@20+300").task("a 500@10");
    let other = History::of(&["b", "a"]).failover(r#"{"max_platforms": 1}"#).task("b 500@1");
    history.records.extend(other.records);
    history.catalog = History::of(&["b"]).catalog;
    let report = history.replay(&failover(r#"{"max_platforms": 2}"#));
    assert!(report.draft.unpriced + report.draft.succeeded > 0, "{report:?}");
}

#[test]
fn all_models_of_a_platform_that_is_gone_are_left_alone_together() {
    // Two offers of one platform; the first is refused for its credential, which shuts both.
    let twice = |offers: &mut Vec<crate::catalog::PlatformModel>| {
        let mut other = offers[0].clone();
        other.id = crate::id::PlatformModelId::from_uuid(fixtures::uuid_of("other"));
        offers.insert(1, other);
    };
    let mut history = History::of(&["a", "b"]).change(twice).task("a 401@1 | b ok@20+300");
    assert_eq!(history.is_as_recorded().then.attempts, 2);
    history.catalog = History::of(&["b"]).catalog;
    let report = history.replay(&Draft::default());
    assert_eq!((report.tasks.with_missing_candidates, report.tasks.differing), (1, 0), "{report:?}");
}

#[test]
fn credentials_are_tried_in_the_order_of_the_time() {
    let three = |offers: &mut Vec<crate::catalog::PlatformModel>| {
        let platform = Arc::make_mut(&mut offers[0].platform);
        platform.credentials = ["one", "two", "three"].map(fixtures::credential).to_vec();
    };
    let history = History::of(&["a", "b"]).change(three).task("a 401@1 429@1 ok@20+300").task("a 401@1 401@1 401@1 | b ok@20+300");
    let report = history.is_as_recorded();
    assert_eq!(report.then.attempts, 7);
    // The same if the platform has them in another order by now, or is gone.
    let mut turned = History::of(&["a", "b"]).with_records(&history.records).change(three).change(|offers| {
        Arc::make_mut(&mut offers[0].platform).credentials.reverse();
    });
    turned.is_as_recorded();
    turned.catalog = History::of(&["b"]).catalog;
    assert_eq!(turned.replay(&Draft::default()).tasks.differing, 0);
}

#[test]
fn tasks_of_before_chance_was_recorded_keep_their_waits() {
    let patient = |offers: &mut Vec<crate::catalog::PlatformModel>| {
        Arc::make_mut(&mut offers[0].policy_set).retry = serde_json::from_str(r#"{"max_attempts": 3}"#).unwrap();
    };
    let history = History::of(&["a"]).change(patient).task("a 500@10 500@10 ok@20+300");
    let history = history.retrace(|trace| trace.decisions.iter_mut().for_each(|entry| entry.dice = None));
    history.is_as_recorded();
}

#[test]
fn the_multiplier_of_the_time_counts() {
    let mut history = History::of(&["a"]).task("a ok@20+300");
    let bill = history.records[0].bill.as_mut().unwrap();
    bill.multiplier = "2".parse().unwrap();
    history.records[0].charge = Some("6".parse().unwrap());
    let price = serde_json::from_str(r#"{"input_per_million":"2","output_per_million":"2"}"#).unwrap();
    let draft = super::drafts::offer("a", crate::replay::OfferDraft { price: Some(price), ..Default::default() });
    let report = history.replay(&draft);
    assert_eq!((report.then.charge.to_string().as_str(), report.draft.charge.to_string().as_str()), ("6", "8"));
}

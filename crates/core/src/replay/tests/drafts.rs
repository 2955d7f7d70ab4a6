//! What a draft changes, on histories where it can be said by hand.

use std::num::NonZeroU32;

use super::history::History;
use crate::catalog::{Enabled, Strategy};
use crate::money::Money;
use crate::policy::{FailoverPolicy, RetryPolicy};
use crate::replay::{Draft, OfferDraft, PlatformDraft, PolicySetDraft, Report, What};

pub fn failover(json: &str) -> Draft {
    Draft { failover: Some(serde_json::from_str::<FailoverPolicy>(json).unwrap()), ..Draft::default() }
}

pub fn retry(json: &str) -> Draft {
    let retry = Some(serde_json::from_str::<RetryPolicy>(json).unwrap());
    let set = PolicySetDraft { retry, ..PolicySetDraft::default() };
    Draft { policy_sets: [("standard".to_owned(), set)].into(), ..Draft::default() }
}

pub fn priority(platform: &str, priority: u32) -> Draft {
    let draft = PlatformDraft { priority: Some(priority), enabled: None };
    Draft { platforms: [(platform.to_owned(), draft)].into(), ..Draft::default() }
}

pub fn offer(platform: &str, offer: OfferDraft) -> Draft {
    Draft { offers: [((platform.to_owned(), "m".to_owned()), offer)].into(), ..Draft::default() }
}

fn units(report: &Report) -> [(i64, i64); 3] {
    let of = |money: Money| money.nanos() / 100_000_000;
    let (then, draft) = (&report.then, &report.draft);
    [(of(then.charge), of(draft.charge)), (of(then.cost), of(draft.cost)), (of(then.margin), of(draft.margin))]
}

#[test]
fn an_unchanged_policy_finds_no_difference() {
    let history = History::of(&["a", "b", "c"])
        .task("a ok@20+300")
        .task("a 503@100 | b 500@5 | c ok@20+300")
        .task("a 400@100")
        .task("a 500@1 | b 500@1 | c 500@1")
        .task("a 500@40 | b delta+500@20+300")
        .task("a left@20+300")
        .task("a 503@10 | b gone@1000");
    let report = history.is_as_recorded();
    assert_eq!((report.then.succeeded, report.then.attempts), (2, 13));
    assert_eq!((report.then.first_delta_ms.p50, report.then.total_ms.p99), (Some(21), Some(1_013)));
    let endings: Vec<_> = report.endings.iter().map(|count| (count.ending, count.then, count.draft)).collect();
    let expected = [
        ("succeeded", 2, 2),
        ("client_cancelled", 2, 2),
        ("no_next_platform", 1, 1),
        ("not_recoverable", 1, 1),
        ("stream_already_started", 1, 1),
    ];
    assert_eq!(endings, expected);
}

#[test]
fn a_rule_that_stops_earlier_costs_successes_and_saves_attempts() {
    let history = History::of(&["a", "b"]).task("a 503@100 | b ok@20+300").task("a 500@100 | b ok@20+300").task("a ok@20+300");
    let report = history.replay(&failover(r#"{"rules": [{"match": {"status_codes": [503]}, "action": "stop"}]}"#));
    assert_eq!((report.then.succeeded, report.draft.succeeded), (3, 2));
    assert_eq!((report.then.attempts, report.draft.attempts), (5, 4));
    assert_eq!(units(&report), [(90, 60), (45, 30), (45, 30)]);
    assert_eq!((report.difference.succeeded, report.difference.attempts, report.difference.margin.to_string().as_str()), (-1, -1, "-1.5"));
    assert_eq!((report.tasks.differing, report.tasks.with_guesses), (1, 0));
    let [difference] = report.differences.as_slice() else { panic!("{report:?}") };
    assert_eq!(difference.differs_in, [What::Decisions, What::Ending, What::ServedBy, What::Charge, What::Cost]);
    assert_eq!((difference.then.ending, difference.draft.ending), ("succeeded", "rule_matched"));
    let (then, draft) = (&difference.then.decisions, &difference.draft.decisions);
    assert!(then[0].starts_with("attempt 1 at a failed with overloaded (HTTP 503): went on to the next platform because"), "{then:?}");
    assert_eq!(then[1], "attempt 2 at b answered");
    assert!(draft[0].contains("stopped (rule_matched) because runner_policy `draft` rule 1 [status_codes=[503]] says so"), "{draft:?}");
    assert_eq!((draft.len(), difference.draft.total_ms), (1, 101));
}

#[test]
fn a_rule_that_says_what_was_done_anyway_changes_nothing() {
    let history = History::of(&["a", "b"]).task("a 500@100 | b ok@20+300");
    let report = history.replay(&failover(r#"{"rules": [{"match": {"categories": ["server_error"]}, "action": "next"}]}"#));
    assert_eq!(report.tasks.differing, 0);
    let report = history.replay(&failover(r#"{"rules": [{"match": {}, "action": "cooldown_and_next", "seconds": 60}]}"#));
    assert_eq!(report.differences[0].differs_in, [What::Decisions]);
    assert!(report.differences[0].draft.decisions[0].ends_with("; this model of the platform cools down for 60 s"), "{report:?}");
}

#[test]
fn another_order_takes_what_each_platform_did() {
    let history = History::of(&["a", "b"]).task("a 503@100 | b ok@20+300");
    let report = history.replay(&priority("a", 7));
    assert_eq!((report.then.attempts, report.draft.attempts, report.tasks.with_guesses), (2, 1, 0));
    assert_eq!((report.then.first_delta_ms.p50, report.draft.first_delta_ms.p50), (Some(122), Some(20)));
    assert_eq!((report.then.total_ms.p50, report.draft.total_ms.p50), (Some(403), Some(300)));
    assert_eq!(report.differences[0].differs_in, [What::Decisions]);
    assert_eq!(report.differences[0].draft.decisions, ["attempt 1 at b answered"]);
}

#[test]
fn a_priority_counts_with_the_demotion_of_the_time() {
    let history = History::of(&["a", "b"]).task("a ok@20+300").retrace(|trace| {
        (trace.candidates[0].priority, trace.candidates[0].demotion) = (1, 1);
    });
    let order = |draft: &Draft| history.replay(draft).tasks.with_guesses;
    assert_eq!(order(&priority("b", 2)), 0);
    // Demoted by one, a is behind b now.
    assert_eq!(order(&priority("b", 0)), 1);
}

#[test]
fn prices_are_computed_anew_from_what_was_used() {
    let history = History::of(&["a", "b"]).task("a ok@20+300").task("a 500@10 | b ok@20+300").task("a 400@1");
    let price = serde_json::from_str(r#"{"input_per_million":"2","output_per_million":"2"}"#).unwrap();
    let report = history.replay(&offer("a", OfferDraft { price: Some(price), ..OfferDraft::default() }));
    assert_eq!(units(&report), [(60, 70), (30, 30), (30, 40)]);
    assert_eq!((report.tasks.differing, &report.differences[0].differs_in[..]), (1, &[What::Charge][..]));
    let cost = serde_json::from_str(r#"{"input_per_million":"0","output_per_million":"0"}"#).unwrap();
    let report = history.replay(&offer("b", OfferDraft { cost: Some(cost), ..OfferDraft::default() }));
    assert_eq!(units(&report), [(60, 60), (30, 15), (30, 45)]);
    assert_eq!(report.differences[0].differs_in, [What::Cost]);
}

#[test]
fn another_backoff_takes_another_time() {
    let history = History::of(&["a"]).change(|offers| {
        let retry = serde_json::from_str(r#"{"max_attempts": 2, "backoff": {"initial_ms": 1000, "jitter": true}}"#).unwrap();
        std::sync::Arc::make_mut(&mut offers[0].policy_set).retry = retry;
    });
    let history = history.tasks(5, "a 500@100 ok@20+300");
    assert_eq!(history.is_as_recorded().then.attempts, 10);
    let report = history.replay(&retry(r#"{"max_attempts": 2, "backoff": {"initial_ms": 100, "jitter": false}}"#));
    assert_eq!((report.draft.total_ms.p50, report.draft.first_delta_ms.p50, report.draft.attempts), (Some(501), Some(221), 10));
    assert_eq!((report.tasks.with_guesses, report.tasks.differing), (0, 5));
}

#[test]
fn who_is_switched_off_serves_nobody() {
    let history = History::of(&["a", "b"]).task("a ok@20+300").task("a 500@10 | b ok@20+300");
    let off = |platform: &str| PlatformDraft { priority: None, enabled: Some(Enabled::No) }.of(platform);
    let report = history.replay(&off("a"));
    assert_eq!((report.draft.succeeded, report.draft.attempts, report.tasks.with_guesses), (2, 2, 1));
    let mut all = off("a");
    all.platforms.extend(off("b").platforms);
    let report = history.replay(&all);
    assert_eq!((report.draft.succeeded, report.draft.attempts, report.draft.charge), (0, 0, Money::ZERO));
    assert_eq!(report.differences[0].draft.decisions, ["nobody is left who could serve it"]);
    assert!(report.endings.iter().any(|count| (count.ending, count.draft) == ("no_candidate", 2)), "{report:?}");
}

impl PlatformDraft {
    fn of(self, name: &str) -> Draft {
        Draft { platforms: [(name.to_owned(), self)].into(), ..Draft::default() }
    }
}

#[test]
fn who_is_switched_on_takes_the_place_of_its_priority() {
    let history = History::of(&["a", "b", "c"]).change(|offers| offers[0].enabled = Enabled::No);
    let history = history.task("b 500@1 | c ok@20+300").left_out("a");
    let on = |priority| offer("a", OfferDraft { enabled: Some(Enabled::Yes), priority, ..OfferDraft::default() });
    assert_eq!(history.is_as_recorded().then.attempts, 2);
    let report = history.replay(&on(None));
    assert_eq!(report.differences[0].draft.guessed_attempts, [1]);
    // Behind the others it changes nothing.
    assert_eq!(history.replay(&on(Some(9))).tasks.differing, 0);
}

#[test]
fn weights_share_the_calls_and_leave_what_was_drawn_between_others() {
    let equal = |offers: &mut Vec<crate::catalog::PlatformModel>| {
        offers.iter_mut().for_each(|offer| offer.priority = Some(0));
    };
    // Then: a always first, b before c.
    let history = History::of(&["a", "b", "c"]).change(equal).tasks(600, "a ok@20+300");
    let three = NonZeroU32::new(3);
    let report = history.replay(&offer("a", OfferDraft { weight: three, ..OfferDraft::default() }));
    // Three of five go to a, the rest to b, which c came after.
    let elsewhere = report.tasks.differing_in[&What::ServedBy];
    assert!((190..290).contains(&elsewhere), "{elsewhere}");
    assert!(report.differences.iter().all(|task| task.draft.served_by.as_deref() == Some("b")), "{report:?}");
}

#[test]
fn strategies_put_equal_candidates_in_their_order() {
    let equal = |offers: &mut Vec<crate::catalog::PlatformModel>| {
        offers.iter_mut().for_each(|offer| offer.priority = Some(0));
        let cheap = serde_json::from_str(r#"{"input_per_million":"0.1","output_per_million":"0.1"}"#).unwrap();
        let price = offers[1].price.take().unwrap();
        let version = crate::price::PriceVersion { cost: Some(cheap), ..crate::price::PriceVersion::clone(&price) };
        offers[1].price = Some(std::sync::Arc::new(version));
    };
    let strategy = |strategy| Draft { models: [("m".to_owned(), strategy)].into(), ..Draft::default() };
    let history = History::of(&["a", "b", "c"]).change(equal).tasks(20, "a 500@9 | b 500@9 | c ok@5+300");
    let first = |draft: &Draft| {
        let report = history.replay(draft);
        report.differences.iter().map(|task| task.draft.decisions[0].split_whitespace().nth(3).unwrap().to_owned()).collect::<Vec<_>>()
    };
    // Another word for the same.
    assert_eq!(history.replay(&strategy(Strategy::Weighted)).tasks.differing, 0);
    assert_eq!(first(&strategy(Strategy::LowestCost)), ["b"; 10]);
    // Whose speed nobody knows comes first, as live: a and b never answered.
    assert!(first(&strategy(Strategy::LowestLatency)).iter().all(|name| name != "c"));
}

#[test]
fn the_one_that_calls_stick_to_stays_in_front() {
    let history = History::of(&["a", "b", "c"]).task("a ok@20+300").retrace(|trace| trace.candidates.rotate_right(1));
    // c was tried first although its priority is 2. The recorded answer is b's place no more.
    let report = history.replay(&priority("b", 0));
    assert_eq!(report.differences[0].draft.guessed_attempts, [1]);
    assert_eq!(report.differences[0].draft.served_by.as_deref(), Some("c"));
}

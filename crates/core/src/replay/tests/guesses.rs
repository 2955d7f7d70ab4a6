//! Outcomes that nobody knows.

use super::drafts::{failover, priority, retry};
use super::history::History;
use crate::replay::outcomes::Gathering;
use crate::replay::past::Lesson;
use crate::replay::{Draft, Known, Seed};

/// Only one platform is tried: what the next would have done is not known.
fn cautious(platforms: &[&str]) -> History {
    History::of(platforms).failover(r#"{"max_platforms": 1}"#)
}

fn bold() -> Draft {
    failover(r#"{"max_platforms": 9}"#)
}

#[test]
fn an_attempt_that_was_not_made_is_drawn_from_its_candidate_at_that_time() {
    // In another hour b fails: it does not count.
    let earlier = cautious(&["b"]).task("b 500@5").an_hour_later().tasks(20, "b ok@20+300");
    let history = cautious(&["a", "b"]).an_hour_later().with_records(&earlier.records).task("a 503@100");
    let report = history.replay(&bold());
    assert_eq!((report.then.succeeded, report.tasks.guesses.get(&Known::Time)), (20, Some(&1)));
    let last = report.differences.iter().find(|task| task.then.ending == "max_platforms_reached").unwrap();
    assert_eq!((last.draft.ending, last.draft.guessed_attempts.as_slice()), ("succeeded", &[2][..]));
    assert_eq!(last.draft.decisions[1], "attempt 2 at b answered (drawn from its outcomes at that time)");
    // What was decided then, what b takes, and what its answer cost.
    assert_eq!((last.draft.first_delta_ms, last.draft.total_ms), (Some(121), 401));
    assert_eq!(
        (last.then.charge.map(|charge| charge.to_string()), last.draft.charge.map(|charge| charge.to_string())),
        (Some("0".into()), Some("3".into()))
    );
}

#[test]
fn without_an_outcome_of_the_time_any_will_do_and_without_any_the_others_stand_in() {
    let earlier = cautious(&["b"]).tasks(5, "b ok@20+300");
    let history = cautious(&["a", "b"]).with_records(&earlier.records).an_hour_later().task("a 503@100");
    let report = history.replay(&bold());
    assert_eq!(report.tasks.guesses, [(Known::Range, 1)].into());
    assert!(report.differences[0].draft.decisions[1].ends_with("answered (drawn from all its outcomes)"), "{report:?}");

    let history = cautious(&["a", "x"]).task("a 503@100").task("a 503@100");
    let report = history.replay(&bold());
    assert_eq!(report.tasks.guesses, [(Known::Others, 2)].into());
    assert!(report.differences[0].draft.decisions[1].contains("(unknown: drawn from the model's other candidates)"), "{report:?}");
    assert_eq!(report.differences[0].draft.ending, "no_next_platform");
}

#[test]
fn more_attempts_come_to_what_such_attempts_came_to() {
    let history = History::of(&["a"]).tasks(300, "a ok@20+300").tasks(100, "a 500@10");
    let report = history.replay(&retry(r#"{"max_attempts": 2, "backoff": {"initial_ms": 1000, "jitter": false}}"#));
    // One in four of a's calls fails, so about three in four of the second attempts go well.
    let saved = report.draft.succeeded - report.then.succeeded;
    assert!((60..90).contains(&saved), "{saved}");
    assert_eq!((report.tasks.with_guesses, report.draft.attempts), (100, 500));
    assert_eq!(report.draft.total_ms.p99, Some(1_311));
    // A task that had no answer is charged what the drawn answer used.
    assert_eq!(report.draft.charge.nanos() - report.then.charge.nanos(), i64::try_from(saved).unwrap() * 3_000_000_000);
}

#[test]
fn the_same_seed_gives_the_same_report() {
    let history = History::of(&["a"]).tasks(30, "a ok@20+300").tasks(30, "a 500@10");
    let draft = retry(r#"{"max_attempts": 3}"#);
    let report = history.replay_with(&draft, 1);
    assert_eq!(history.replay_with(&draft, 1), report);
    assert!((2..20).any(|seed| history.replay_with(&draft, seed).draft != report.draft), "the seed does nothing");
}

#[test]
fn a_caller_that_left_waits_no_longer_for_the_draft() {
    let history = History::of(&["a", "b"]).tasks(9, "a 500@1 | b ok@20+300").task("a gone@500");
    // b would have answered before it left.
    let report = history.replay(&priority("a", 7));
    let last = report.differences.iter().find(|task| task.then.ending == "client_cancelled").unwrap();
    assert_eq!((last.draft.ending, last.draft.first_delta_ms), ("succeeded", Some(20)));
    let slow = History::of(&["a", "b"]).tasks(9, "a 500@1 | b ok@600+900").task("a gone@500");
    let report = slow.replay(&priority("a", 7));
    let gone = report.endings.iter().find(|count| count.ending == "client_cancelled").unwrap();
    assert_eq!((gone.then, gone.draft), (1, 1));
}

#[test]
fn a_draw_that_takes_longer_than_the_callers_deadline_is_too_late() {
    let earlier = cautious(&["b"]).tasks(9, "b ok@600+900");
    let history = cautious(&["a", "b"]).with_records(&earlier.records);
    let history = history.deadline(std::time::Duration::from_millis(500)).task("a 503@100");
    let report = history.replay(&bold());
    let last = report.differences.last().unwrap();
    assert_eq!((last.draft.ending, last.draft.total_ms, last.draft.attempts), ("deadline_exceeded", 500, 2));
}

#[test]
fn what_is_learned_is_bounded_however_long_the_history() {
    let history = History::of(&["a", "b"]);
    let record = history.record("a 503@100 | b ok@20+300");
    let mut gathering = Gathering::new(Seed(0));
    for number in 0..60_000_u64 {
        let id = crate::id::TaskId::from_uuid(uuid::Uuid::from_u128(number.into()));
        // Some years of it.
        let started_at = record.started_at.plus(std::time::Duration::from_secs(number * 3_600));
        gathering.learn(&Lesson { id, started_at, ..Lesson::of(&record).unwrap() });
        assert!(gathering.kept() <= 32_768, "{number}: {}", gathering.kept());
    }
    assert!(gathering.kept() > 1_000);
}

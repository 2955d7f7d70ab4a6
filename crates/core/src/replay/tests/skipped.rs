//! Tasks that are not replayed, and why.

use std::time::Duration;

use super::history::History;
use crate::error::ErrorCode;
use crate::replay::{Draft, Past, Skip, TaskRecord};
use crate::response_cache::CacheNote;
use crate::run_trace::RunTrace;
use crate::task::{AttemptStatus, TaskStatus};

#[track_caller]
fn check(expected: Skip, change: impl FnOnce(&mut TaskRecord)) {
    let mut record = History::of(&["a", "b"]).record("a 503@100 | b ok@20+300");
    change(&mut record);
    assert_eq!(Past::of(&record).map(|_| ()), Err(expected));
}

#[test]
fn what_cant_be_replayed_is_told_by_reason() {
    check(Skip::Unfinished, |record| record.status = TaskStatus::Running);
    check(Skip::Simulated, |record| record.simulated = true);
    check(Skip::Interrupted, |record| (record.status, record.code) = (TaskStatus::Failed, Some(ErrorCode::Interrupted)));
    check(Skip::NoTrace, |record| record.trace = None);
    check(Skip::NoTrace, |record| record.trace = Some(r#"{"of": "another version"}"#.to_owned()));
    check(Skip::Refused, |record| {
        (record.status, record.trace) = (TaskStatus::Failed, None);
        record.attempts.clear();
    });
    check(Skip::Refused, |record| {
        record.status = TaskStatus::Failed;
        record.trace = record.trace.as_ref().map(|trace| trace.split(",\"decisions\"").next().unwrap().to_owned() + "}");
        record.attempts.clear();
    });
    check(Skip::Cached, |record| {
        let note = CacheNote::new(record.id, Duration::from_secs(12), 10);
        let mut trace: RunTrace = serde_json::from_str(record.trace.as_deref().unwrap()).unwrap();
        (trace.cache, trace.decisions) = (Some(note), Vec::new());
        (record.status, record.trace) = (TaskStatus::Succeeded, serde_json::to_string(&trace).ok());
        record.attempts.clear();
    });
    // An answer that could not be booked: it was well, and yet the task failed.
    check(Skip::Unexplained, |record| record.status = TaskStatus::Failed);
    check(Skip::Unexplained, |record| record.attempts[1].status = AttemptStatus::Running);
    check(Skip::Unexplained, |record| drop(record.attempts.remove(0)));
}

#[test]
fn they_are_counted() {
    let mut history = History::of(&["a"]).tasks(3, "a ok@20+300");
    history.records[0].status = TaskStatus::Running;
    history.records[1].simulated = true;
    let tasks = history.replay(&Draft::default()).tasks;
    assert_eq!((tasks.read, tasks.replayed), (3, 1));
    assert_eq!(tasks.skipped, [(Skip::Unfinished, 1), (Skip::Simulated, 1)].into());
}

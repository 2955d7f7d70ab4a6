//! The contract's table of events, and their JSON.

use super::*;
use crate::error::ErrorCode;
use crate::failure::{Category, Failure, Sent};
use crate::id::{PlatformModelId, PriceId};
use crate::kind::ModelType;
use crate::money::Money;
use crate::reason::Reason;
use crate::trace::{Action, FailureNote, PolicySource, TraceEntry};
use crate::usage::Usage;

fn entry(action: Action) -> TraceEntry {
    TraceEntry {
        at_ms: 70,
        attempt: 1,
        platform: "primary".into(),
        credential: None,
        platform_model: PlatformModelId::from_uuid(uuid::Uuid::nil()),
        source: PolicySource::RetryPolicy,
        policy: "standard".into(),
        rule: None,
        value: "max_attempts=2".into(),
        reason: Reason::SameClientMaxAttempts,
        action,
        wait_ms: None,
        dice: None,
        same_client: None,
        remedies: Vec::new(),
        failure: FailureNote::of(&failure()),
    }
}

fn failure() -> Failure {
    Failure { status: Some(500), ..Failure::new(Category::ServerError, Sent::Maybe, "boom") }
}

fn one_of_each() -> Vec<EventPayload> {
    let metrics = Metrics { total_ms: 9, first_delta_ms: None, attempts: 1 };
    vec![
        EventPayload::Normalizing(Normalizing { model_type: ModelType::TextGenerate }),
        EventPayload::AttemptStarted(AttemptStarted { attempt: 1, client: "primary".into() }),
        EventPayload::ClientProgress(ClientProgress {
            phase: Phase::Polling,
            progress: Progress::from_hundredths(35),
            job_id: "job".into(),
            state: "queued".into(),
        }),
        EventPayload::AttemptFailed(AttemptFailed::of(&failure(), &entry(Action::NextPlatform), metrics)),
        EventPayload::after(&entry(Action::RetrySameClient), 600_000),
        EventPayload::after(&entry(Action::NextPlatform), 600_000),
        EventPayload::after(&entry(Action::Stop), 600_000),
        EventPayload::Settled(Settled { status: TaskStatus::Succeeded, amount: Money::from_nanos(42_000), currency: "USD".into() }),
        EventPayload::Completed(Box::new(Completed {
            result: TaskResult { model: "m".into(), resolved_model: "m-2026".into() },
            billings: Vec::new(),
            usage: Usage::counted(1, 2),
            metrics,
            billing_summary: Billings { charge: Money::ZERO, currency: "USD".into(), price: PriceId::from_uuid(uuid::Uuid::nil()) },
            request_id: Some("req".into()),
        })),
        EventPayload::Failed(Failed { code: ErrorCode::UpstreamError, upstream_request_id: None, metrics }),
        EventPayload::Cancelled(Cancelled { by: "caller".into(), charged: Money::ZERO, currency: "USD".into() }),
    ]
}

/// The table of `spec.md` section 3.
#[test]
fn names_phases_and_progress_are_a_contract() {
    let rows: Vec<String> = one_of_each()
        .iter()
        .map(|payload| {
            let row = payload.row();
            format!("{} {} {} {}", row.event_type, row.status, row.phase, serde_json::to_string(&row.progress).unwrap())
        })
        .collect();
    assert_eq!(
        rows,
        [
            "task.progress running normalizing 0.15",
            "task.attempt.started running submitting 0.25",
            "task.progress running polling 0.35",
            "task.attempt.failed running attempt_failed 0.45",
            "task.retrying running retry 0.45",
            "task.retrying running retry 0.55",
            "task.failover.stopped running retry 0.55",
            "task.billing.settled succeeded billing 0.98",
            "task.completed succeeded completed 1",
            "task.failed failed failed 1",
            "task.cancelled cancelled cancelled 1",
        ]
    );
}

#[test]
fn events_are_numbered_and_their_progress_never_goes_back() {
    let mut log = EventLog::new(3, Progress::from_hundredths(50), true);
    one_of_each().into_iter().for_each(|payload| log.add(payload, Timestamp::from_micros(5)));
    let events = log.take();
    assert_eq!(events.iter().map(|event| event.seq).collect::<Vec<_>>(), (3..14).collect::<Vec<_>>());
    assert_eq!(events[0].progress.hundredths(), 50);
    assert!(events.is_sorted_by_key(|event| event.progress) && events.iter().all(|event| event.simulated && !event.message.is_empty()));
    assert_eq!((log.next_seq(), log.progress()), (14, Progress::DONE));
    assert!(log.take().is_empty());
}

#[test]
fn events_read_back_what_they_show() {
    let mut log = EventLog::new(1, Progress::NONE, false);
    one_of_each().into_iter().for_each(|payload| log.add(payload, Timestamp::from_micros(5)));
    for event in log.take() {
        let text = serde_json::to_string(&event).unwrap();
        let mut read: Event = serde_json::from_str(&text).unwrap();
        // A client's own progress may have been lifted to that of the event before.
        if let (EventPayload::ClientProgress(read), EventPayload::ClientProgress(told)) = (&mut read.payload, &event.payload) {
            read.progress = told.progress;
        }
        assert_eq!(read, event, "{text}");
    }
}

#[test]
fn an_event_in_json() {
    let mut log = EventLog::new(1, Progress::NONE, false);
    log.add(EventPayload::AttemptStarted(AttemptStarted { attempt: 1, client: "primary".into() }), Timestamp::from_micros(0));
    assert_eq!(
        serde_json::to_string(&log.take()[0]).unwrap(),
        r#"{"seq":1,"type":"task.attempt.started","status":"running","phase":"submitting","progress":0.25,"message":"attempt 1 at primary","payload":{"attempt":1,"client":"primary"},"simulated":false,"at":"1970-01-01T00:00:00.000000Z"}"#
    );
}

#[test]
fn what_is_no_event_is_refused() {
    let good = r#"{"seq":1,"type":"task.failed","status":"failed","phase":"failed","progress":1,"message":"","payload":{},"simulated":false,"at":"1970-01-01T00:00:00Z"}"#;
    assert!(serde_json::from_str::<Event>(good).is_err(), "its payload lacks a code");
    for share in ["-0.2", "1.2", "\"1\""] {
        assert!(serde_json::from_str::<Progress>(share).is_err(), "{share}");
    }
}

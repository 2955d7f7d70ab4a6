use super::*;
use crate::event::EventType;

fn status(code: u16) -> Answer {
    Answer::Status { code, retry_after: None }
}

#[track_caller]
fn check(answer: Answer, failures: u32, expected: &str) {
    let told = match judge(&answer, failures, 0) {
        Verdict::Delivered => "delivered".to_owned(),
        Verdict::Again { after } => format!("again after {} s", after.as_secs()),
        Verdict::Dead => "dead".to_owned(),
        Verdict::Gone => "gone".to_owned(),
    };
    assert_eq!(told, expected, "{answer} after {failures} failures");
}

#[test]
fn only_success_is_success() {
    for code in [200, 201, 202, 204, 299] {
        check(status(code), 0, "delivered");
        check(status(code), 50, "delivered");
    }
    for code in [100, 301, 302, 307, 400, 401, 404, 408, 422, 500, 502, 504] {
        check(status(code), 0, "again after 5 s");
    }
    check(Answer::Unreachable, 0, "again after 5 s");
    check(Answer::TooSlow, 0, "again after 5 s");
}

#[test]
fn pauses_grow_from_seconds_to_hours_and_end_in_a_dead_letter() {
    let pauses = [5, 30, 120, 600, 1_800, 3_600, 10_800, 21_600, 43_200, 86_400];
    for (failures, seconds) in pauses.into_iter().enumerate() {
        check(status(500), u32::try_from(failures).unwrap(), &format!("again after {seconds} s"));
    }
    check(status(500), 10, "dead");
    // What comes behind a dead letter is tried once.
    check(status(500), 11, "dead");
    check(status(500), u32::MAX, "dead");
}

#[test]
fn a_receiver_that_is_gone_is_believed() {
    check(status(410), 0, "gone");
    check(status(410), 10, "gone");
    check(Answer::NotAllowed, 0, "gone");
}

#[test]
fn a_receiver_that_is_busy_says_when_to_come_again() {
    let busy = |code, seconds| Answer::Status { code, retry_after: Some(Duration::from_secs(seconds)) };
    check(busy(429, 90), 0, "again after 90 s");
    check(busy(503, 90), 0, "again after 90 s");
    // Never earlier than by our own schedule, never later than its longest pause.
    check(busy(503, 1), 3, "again after 600 s");
    check(busy(429, 999_999_999), 0, "again after 86400 s");
    // Nobody else is asked.
    check(busy(500, 90), 0, "again after 5 s");
    check(busy(429, 90), 10, "dead");
}

#[test]
fn a_pause_grows_by_up_to_a_fifth_at_random() {
    for dice in [0, 1, 511, 1_023, 1_024, u64::MAX] {
        let Verdict::Again { after } = judge(&Answer::TooSlow, 9, dice) else { panic!("not again") };
        assert!((86_400.0..103_680.0).contains(&after.as_secs_f64()), "{dice}: {after:?}");
    }
}

#[test]
fn the_id_of_an_event_has_no_full_stop_and_stays() {
    let task = TaskId::from_uuid(uuid::Uuid::from_u128(7));
    assert_eq!(message_id(task, 3), "task_00000000000000000000000007_3");
}

#[test]
fn events_are_named_one_by_one_or_all_at_once() {
    let read = |text: &str| EventNames::read(text.split(','));
    let named = read("task.completed, task.failed,task.completed").unwrap().unwrap();
    assert_eq!(named.iter().collect::<Vec<_>>(), [EventType::Completed, EventType::Failed]);
    assert!(named.contains(EventType::Failed) && !named.contains(EventType::Progress));
    assert_eq!(read("task.completed,*"), Ok(None));
    assert!(read("task.done").unwrap_err().to_string().contains("task.completed"), "it says what there is");
    assert_eq!(EventNames::read([].into_iter()), Err(BadEvents::Empty));
    assert_eq!(serde_json::to_string(&named).unwrap(), r#"["task.completed","task.failed"]"#);
    assert_eq!(serde_json::from_str::<EventNames>(r#"["task.completed","task.failed"]"#).unwrap(), named);
}

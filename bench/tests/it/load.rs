//! The load client counts what is right and refuses what is wrong.

use std::time::Duration;

use easyai_bench::{
    load::{self, Expectation, ExpectedUsage, Load, Report, Shape, Stop, Target},
    mock::{Answer, Fault, Framing, MockUpstream, Place, RefusedAddress, Reply, UsageReport, Writes},
};

use crate::client::mock;

const STREAM: Shape = Shape::Stream(ExpectedUsage::Absent);
const STREAM_WITH_USAGE: Shape = Shape::Stream(ExpectedUsage::Present);

fn load_of(base_url: &str, shape: Shape) -> Load {
    Load {
        target: Target::parse(&format!("{base_url}/chat/completions")).unwrap(),
        key: "sk-test".into(),
        model: "m".into(),
        connections: 4,
        stop: Stop::After(40),
        warmup: 4,
        body_bytes: 300,
        expectation: Expectation { shape, text: Some(Answer::default().text()), deltas: Some(4), tokens: Some((9, 4)) },
        timeout: Duration::from_secs(10),
        pid: Some(std::process::id()),
        database_pid: None,
    }
}

async fn run(mock: &MockUpstream, shape: Shape) -> Report {
    load::run(load_of(&mock.base_url(), shape)).await.unwrap()
}

#[tokio::test]
async fn good_answers_are_counted_and_measured() {
    for shape in [Shape::Plain, STREAM, STREAM_WITH_USAGE] {
        let mock = mock(Answer::default()).await;
        let report = run(&mock, shape).await;
        assert_eq!((report.requests, report.failed(), mock.calls()), (40, 0, 44), "{report}");
        assert!(report.latency.p50_us > 0.0 && report.latency.p99_us <= report.latency.max_us);
        assert_eq!(report.first_delta.is_some(), shape != Shape::Plain);
        assert!(report.cpu_us_per_request.is_some_and(|cpu| cpu > 0.0) && report.memory.is_some());
        let request = &mock.requests()[0];
        assert_eq!((request.body.len(), request.header("authorization")), (300, Some("Bearer sk-test")));
    }
}

#[tokio::test]
async fn framing_does_not_matter() {
    for answer in [
        Answer { writes: Writes::OneByte, ..Answer::default() },
        Answer { writes: Writes::Whole, framing: Framing::CrLf, ..Answer::default() },
    ] {
        let report = run(&mock(answer).await, STREAM).await;
        assert_eq!(report.failed(), 0, "{report}");
    }
}

#[tokio::test]
async fn wrong_answers_are_errors() {
    let default = Answer::default;
    let cases: Vec<(&str, Shape, Reply)> = vec![
        ("wrong answer", Shape::Plain, Answer::saying(&["The answer is ", "43", ".", ""]).into()),
        ("wrong answer", Shape::Plain, Answer { usage_report: UsageReport::Never, ..default() }.into()),
        ("wrong answer", Shape::Plain, Answer { choices: 2, ..default() }.into()),
        ("wrong answer", Shape::Plain, Reply::Garbage),
        ("wrong answer", Shape::Plain, Reply::Empty),
        ("wrong answer", STREAM, Answer::saying(&["The", " answer", " is", " 43."]).into()),
        ("wrong answer", STREAM, Answer::saying(&["The", " answer", " is 42."]).into()),
        ("wrong answer", STREAM, Answer::saying(&["The", " answer", " is", " 42.", " More."]).into()),
        ("wrong answer", STREAM, Answer { usage_report: UsageReport::Always, ..default() }.into()),
        ("wrong answer", STREAM_WITH_USAGE, Answer { usage_report: UsageReport::Never, ..default() }.into()),
        ("wrong answer", STREAM, default().broken(Place::Deltas(4), Fault::End).into()),
        ("wrong answer", STREAM, default().broken(Place::Deltas(2), Fault::Garbage).into()),
        ("wrong answer", STREAM, Reply::named("error@2", &default()).unwrap()),
        ("closed", STREAM, default().broken(Place::Deltas(2), Fault::Cut).into()),
        ("connection", STREAM, default().broken(Place::Deltas(2), Fault::Reset).into()),
        ("status 503", STREAM, Reply::status(503)),
    ];
    for (sort, shape, reply) in cases {
        // A good answer first, so that what was verified is there to be mistaken for the wrong one.
        let case = format!("{shape:?} {reply:?}");
        let mock = mock(Answer::default()).await;
        mock.script(std::iter::once(Reply::default()).chain(vec![reply; 3]).collect());
        let load = Load { connections: 1, warmup: 1, stop: Stop::After(4), ..load_of(&mock.base_url(), shape) };
        let report = load::run(load).await.unwrap();
        assert_eq!((report.errors.get(sort), report.failed()), (Some(&3), 3), "{case}: {report}");
    }
}

#[tokio::test]
async fn something_after_done_is_wrong() {
    use easyai_bench::mock::Raw;
    let body = r#"data: {"choices":[{"delta":{"content":"a"},"finish_reason":null}]}

data: {"choices":[{"delta":{},"finish_reason":"stop"}]}

data: [DONE]

"#;
    for (rest, failed) in [("", 0), ("data: {}\n\n", 4), (": x\n", 4), ("data: [DONE]", 4)] {
        let mock = mock(Raw::event_stream(vec![(body.to_owned() + rest).into()])).await;
        let expectation = Expectation { shape: STREAM, text: None, deltas: None, tokens: None };
        let load = Load { expectation, stop: Stop::After(4), ..load_of(&mock.base_url(), STREAM) };
        let report = load::run(load).await.unwrap();
        assert_eq!(report.failed(), failed, "{rest}: {report}");
    }
}

#[tokio::test]
async fn what_does_not_answer_is_an_error() {
    let mock = mock(Reply::Hang).await;
    let hang = Load { timeout: Duration::from_millis(20), stop: Stop::After(2), warmup: 0, ..load_of(&mock.base_url(), STREAM) };
    assert_eq!(load::run(hang).await.unwrap().errors.get("timeout"), Some(&2));
    let refused = RefusedAddress::take().unwrap();
    let report = load::run(load_of(&refused.base_url(), STREAM)).await.unwrap();
    assert_eq!(report.errors.get("connect"), Some(&40));
}

#[tokio::test]
async fn time_ends_a_load_too() {
    let mock = mock(Answer::default()).await;
    let load = Load { stop: Stop::For(Duration::from_millis(50)), ..load_of(&mock.base_url(), Shape::Plain) };
    let report = load::run(load).await.unwrap();
    assert!(report.requests > 0 && report.seconds >= 0.05 && report.failed() == 0, "{report}");
}

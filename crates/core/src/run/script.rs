//! A tiny language for runs. `"a 503 503 | b ok"` says what each platform answers, in their order; the result of playing it is a line
//! such as `"0ms a | 200ms a | 200ms b | ok"`.
//!
//! An answer is `ok`, `delta+503` (it breaks off after the first delta), a status, or a category, with details after commas:
//! `429,after=2s` (Retry-After), `500,takes=3s`, `timeout,sent=nothing`, `500,should=false` (`x-should-retry`), `400,says=text`.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::{Dice, Opening, Step, Stop};
use crate::catalog::PlatformModel;
use crate::failure::{Category, Failure, Sent};
use crate::fixtures;
use crate::kind::ModelType;
use crate::policy::{FailoverPolicy, Remedy};
use crate::trace::TraceEntry;

/// Policies and circumstances of a run.
pub struct Story {
    retry: String,
    failover: String,
    model_type: ModelType,
    deadline: Option<Duration>,
    change: fn(&mut Vec<PlatformModel>),
}

/// What became of it.
pub struct Played {
    pub line: String,
    pub trace: Vec<TraceEntry>,
    pub remedies: Vec<Remedy>,
}

enum Answer {
    Ok,
    Failure(Failure),
    BrokenOff(Failure),
}

struct Call {
    answer: Answer,
    takes: Duration,
}

impl Story {
    pub fn new() -> Self {
        let retry = r#"{"backoff": {"jitter": false}}"#.into();
        Self { retry, failover: "{}".into(), model_type: ModelType::TextGenerate, deadline: None, change: |_| () }
    }

    /// A retry policy of so many attempts, without jitter.
    pub fn attempts(self, count: u32) -> Self {
        self.retry(&format!(r#"{{"max_attempts": {count}, "backoff": {{"jitter": false}}}}"#))
    }

    pub fn retry(self, json: &str) -> Self {
        Self { retry: json.into(), ..self }
    }

    pub fn failover(self, json: &str) -> Self {
        Self { failover: json.into(), ..self }
    }

    pub fn model_type(self, model_type: ModelType) -> Self {
        Self { model_type, ..self }
    }

    pub fn deadline(self, deadline: Duration) -> Self {
        Self { deadline: Some(deadline), ..self }
    }

    pub fn change(self, change: fn(&mut Vec<PlatformModel>)) -> Self {
        Self { change, ..self }
    }

    pub fn check(&self, script: &str, expected: &str) {
        assert_eq!(self.play(script).line, expected, "{script}");
    }

    pub fn play(&self, script: &str) -> Played {
        let mut answers: Vec<(&str, VecDeque<Call>)> = script.split('|').map(platform).collect();
        let offer = |name: &str| PlatformModel {
            policy_set: fixtures::policy_set(serde_json::from_str(&self.retry).unwrap()),
            ..fixtures::offer(fixtures::platform(name))
        };
        let mut offers = answers.iter().map(|(name, _)| offer(name)).collect();
        (self.change)(&mut offers);
        let policy = fixtures::runner_policy(serde_json::from_str::<FailoverPolicy>(&self.failover).unwrap());
        let (mut run, mut step) = Opening::start(fixtures::selection(offers), Arc::clone(&policy), self.model_type, self.deadline);
        let (mut now, mut played) = (Duration::ZERO, Played { line: String::new(), trace: Vec::new(), remedies: Vec::new() });
        loop {
            step = match step {
                Step::Attempt { candidate, number } => {
                    assert_eq!(number.get() as usize, played.trace.len() + 1, "attempts are numbered in order");
                    played.line += &format!("{}ms {} | ", now.as_millis(), answers[candidate].0);
                    let call = answers[candidate].1.pop_front().unwrap_or_else(|| panic!("{}: a call too many", played.line));
                    now += call.takes;
                    match call.answer {
                        Answer::Ok => return played.end("ok"),
                        Answer::Failure(failure) => {
                            let verdict = run.failed(&failure, now, Dice(7));
                            played.trace.push(verdict.entry);
                            played.remedies.extend(verdict.remedies);
                            verdict.step
                        }
                        Answer::BrokenOff(failure) => {
                            let entry = run.deliver().failed(&failure, now);
                            let reason = entry.reason;
                            played.trace.push(entry);
                            return played.end(&format!("failed {reason}"));
                        }
                    }
                }
                Step::Wait { delay } => {
                    now += delay;
                    run.waited(now)
                }
                Step::Stop(Stop { reason, entry, .. }) => {
                    played.trace.extend(entry.map(|entry| *entry));
                    return played.end(&format!("failed {reason}"));
                }
            }
        }
    }
}

impl Played {
    fn end(mut self, how: &str) -> Self {
        self.line.push_str(how);
        self
    }
}

fn platform(text: &str) -> (&str, VecDeque<Call>) {
    let (name, calls) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
    (name, calls.split_whitespace().map(call).collect())
}

fn call(text: &str) -> Call {
    let mut parts = text.split(',');
    let what = parts.next().unwrap();
    let (broken_off, what) = what.strip_prefix("delta+").map_or((false, what), |what| (true, what));
    let mut failure = failure(what);
    let mut takes = Duration::ZERO;
    for part in parts {
        let (name, value) = part.split_once('=').unwrap();
        match name {
            "after" => failure.retry_after = Some(duration(value)),
            "takes" => takes = duration(value),
            "should" => failure.should_retry = Some(value == "true"),
            "sent" => failure.sent = value.parse().unwrap(),
            "says" => failure.message = value.into(),
            other => panic!("{other}"),
        }
    }
    let answer = match (what, broken_off) {
        ("ok", _) => Answer::Ok,
        (_, true) => Answer::BrokenOff(failure),
        (_, false) => Answer::Failure(failure),
    };
    Call { answer, takes }
}

/// The failure that a status or a category stands for.
pub fn failure(what: &str) -> Failure {
    let status = what.parse::<u16>().ok();
    let category = match status {
        Some(400) => Category::BadRequest,
        Some(401) => Category::Auth,
        Some(402) => Category::QuotaExhausted,
        Some(404) => Category::ModelUnavailable,
        Some(429) => Category::RateLimit,
        Some(503) => Category::Overloaded,
        Some(_) => Category::ServerError,
        None => what.parse().unwrap_or(Category::Internal),
    };
    Failure { status, ..Failure::new(category, Sent::Maybe, "boom") }
}

fn duration(text: &str) -> Duration {
    match text.strip_suffix("ms") {
        Some(number) => Duration::from_millis(number.parse().unwrap()),
        None => Duration::from_secs(text.strip_suffix('s').unwrap().parse().unwrap()),
    }
}

//! Failures that we see ourselves, rather than being told of by the upstream.

use std::time::Duration;

use easyai_core::failure::{Category, Failure, Sent};

/// Which limit of time passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimeOut {
    FirstDelta,
    Idle,
    Total,
    Deadline,
}

pub(crate) fn timed_out(which: TimeOut, limit: Duration) -> Failure {
    let message = match which {
        TimeOut::FirstDelta => format!("nothing useful came within {} ms (first_delta_ms)", limit.as_millis()),
        TimeOut::Idle => format!("nothing more came for {} ms (idle_ms)", limit.as_millis()),
        TimeOut::Total => format!("the call took longer than {} ms (total_ms)", limit.as_millis()),
        TimeOut::Deadline => "the caller's own deadline passed".to_owned(),
    };
    let code = match which {
        TimeOut::FirstDelta => "first_delta",
        TimeOut::Idle => "idle",
        TimeOut::Total => "total",
        TimeOut::Deadline => "deadline",
    };
    Failure { code: Some(code.to_owned()), ..Failure::new(Category::Timeout, Sent::Maybe, message) }
}

pub(crate) fn bad_response(message: impl Into<String>) -> Failure {
    Failure::new(Category::BadResponse, Sent::Maybe, message)
}

pub(crate) fn broken(error: &(dyn std::error::Error + 'static)) -> Failure {
    Failure::new(Category::Network, Sent::Maybe, format!("the connection broke: {}", chain(error)))
}

/// An error in the middle of a body. One that ends too early is an answer we can't use, however that came about.
pub(crate) fn body_broken(error: &hyper::Error) -> Failure {
    if error.is_incomplete_message() || ended_early(error) { bad_response("the answer was cut off") } else { broken(error) }
}

fn ended_early(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::UnexpectedEof) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// An error with its causes, which hold what really happened.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text
}

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
    Failure::new(Category::Timeout, Sent::Maybe, message)
}

pub(crate) fn bad_response(message: impl Into<String>) -> Failure {
    Failure::new(Category::BadResponse, Sent::Maybe, message)
}

pub(crate) fn broken(error: &(dyn std::error::Error + 'static)) -> Failure {
    Failure::new(Category::Network, Sent::Maybe, format!("the connection broke: {}", chain(error)))
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

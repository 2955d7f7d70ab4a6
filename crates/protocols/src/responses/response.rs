//! An upstream's response object: a whole answer, or what a stream's terminal event carries.

use easyai_core::usage::Usage;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::output_item::OutputItem;
use super::tolerant;
use super::usage::WireUsage;
use crate::conversation::{Part, Stop, StopReason};
use crate::openai::error::{WireError, read_error};
use crate::openai::lenient::{Present, Word};

/// A response.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Response<'a> {
    pub(super) id: Word,
    pub(super) model: Word,
    status: Word,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
    #[serde(deserialize_with = "tolerant::maybe")]
    incomplete_details: Option<IncompleteDetails>,
    /// The items, not looked at: that costs only those who want them.
    #[serde(borrow, deserialize_with = "tolerant::maybe")]
    pub(super) output: Option<Vec<&'a RawValue>>,
    #[serde(deserialize_with = "tolerant::maybe")]
    usage: Option<WireUsage>,
    /// Of an error that has no wrapper.
    pub(super) detail: Present,
    pub(super) message: Present,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct IncompleteDetails {
    reason: Word,
}

/// How a response stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    /// It is worked on, or waits.
    Underway,
    /// It is complete, or says nothing else.
    Completed,
    /// It met a bound, or a filter.
    Incomplete,
    /// It failed, or was given up.
    Failed,
    /// It says nothing.
    Unsaid,
}

impl Response<'_> {
    pub(super) fn status(&self) -> Status {
        match self.status.0.as_deref() {
            Some("queued" | "in_progress") => Status::Underway,
            Some("incomplete") => Status::Incomplete,
            Some("failed" | "cancelled") => Status::Failed,
            Some(_) => Status::Completed,
            None => Status::Unsaid,
        }
    }

    /// Why it is no answer, if it failed: that comes with HTTP 200 too (`providers.md` section 5.2).
    pub(super) fn failure(&self) -> Option<WireError> {
        let error = self.error.filter(|error| !matches!(error.get(), "null" | "{}"));
        match (error, self.status()) {
            (Some(error), _) => Some(read_error(format!("{{\"error\":{error}}}").as_bytes())),
            (None, Status::Failed) => {
                let message = format!("the response is {}", self.status.0.as_deref().unwrap_or("failed"));
                Some(WireError { message, ..WireError::default() })
            }
            (None, Status::Underway | Status::Completed | Status::Incomplete | Status::Unsaid) => None,
        }
    }

    pub(super) fn usage(&self) -> Option<Usage> {
        self.usage.and_then(WireUsage::into_usage)
    }

    fn stop_reason(&self, calls: bool) -> StopReason {
        let reason = self.incomplete_details.as_ref().and_then(|details| details.reason.0.as_deref());
        match (self.status(), reason) {
            (Status::Incomplete, Some("content_filter")) => StopReason::ContentFilter,
            (Status::Incomplete, _) => StopReason::Length,
            (_, _) if calls => StopReason::ToolCalls,
            (_, _) => StopReason::Stop,
        }
    }

    /// Why it ended. `calls` says whether it calls tools.
    pub(super) fn stop(&self, calls: bool) -> Stop {
        Stop { reason: self.stop_reason(calls), sequence: None }
    }

    /// What it says, and how many calls are among that.
    pub(super) fn parts(&self) -> (Vec<Part>, usize) {
        let (mut parts, mut calls) = (Vec::new(), 0);
        for raw in self.output.iter().flatten() {
            if let Ok(item) = serde_json::from_str::<OutputItem>(raw.get()) {
                item.append_to(&mut parts, &mut calls);
            }
        }
        (parts, calls)
    }
}

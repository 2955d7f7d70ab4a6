//! The side-reader of a stream of completions: what each chunk means, at the least cost. The bytes themselves pass by.

use bytes::BytesMut;
use easyai_core::error::ErrorCode;

use super::chunk::{Wire, append_text};
use crate::openai::due_usage::{DueUsage, UsageWatch};
use crate::openai::error::error_frame;
use crate::openai::lenient::Present;
use crate::openai::side::{looks_whole, stop_reason, tells_something};
use crate::openai::usage::WireUsage;
use crate::wire::{BadEvent, EventFacts, Reading, SideReader};

/// Looks at chunks that pass by. Each says all by itself, but for where usage is told.
#[derive(Debug, Default)]
pub struct Side {
    usage: UsageWatch,
}

impl SideReader for Side {
    fn event(&mut self, data: &[u8], reading: Reading) -> Result<EventFacts, BadEvent> {
        if data.trim_ascii() == b"[DONE]" {
            return Ok(EventFacts { done: true, ..EventFacts::default() });
        }
        match reading {
            Reading::AfterCommit if looks_whole(data) && !tells_something(data) => Ok(EventFacts::default()),
            Reading::AfterCommit | Reading::Full => parse(data, &mut self.usage),
        }
    }

    fn due_usage(&self) -> Option<DueUsage> {
        self.usage.due()
    }

    fn error(&mut self, code: ErrorCode, message: &str, out: &mut BytesMut) {
        out.extend_from_slice(&error_frame(code, message));
    }
}

fn parse(data: &[u8], watch: &mut UsageWatch) -> Result<EventFacts, BadEvent> {
    let chunk: Wire<Present> = serde_json::from_slice(data).map_err(|error| BadEvent(error.to_string()))?;
    if let Some(error) = chunk.error(data) {
        return Ok(EventFacts { error: Some(error), ..EventFacts::default() });
    }
    let choices = chunk.choices.unwrap_or_default();
    let usage = chunk.usage.and_then(WireUsage::into_usage);
    if usage.is_some() {
        watch.told();
    }
    let finish = choices.iter().find_map(|choice| choice.finish_reason.0.as_deref()).map(stop_reason);
    if finish.is_some() {
        watch.finished(data);
    }
    Ok(EventFacts {
        useful: choices.iter().any(|choice| choice.text.0),
        finish,
        usage_only: choices.is_empty() && chunk.usage.is_some(),
        usage,
        error: None,
        done: false,
    })
}

/// Appends the text that a chunk delivered. A chunk that can't be read delivered none.
pub fn delivered_text(data: &[u8], into: &mut String) {
    append_text(data, into);
}

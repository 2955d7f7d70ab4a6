//! The requests of the journal in the form of their rows: what costs time (JSON, compression) is done by whoever asks, before it
//! queues.

use std::sync::Arc;

use easyai_core::id::TaskId;
use easyai_core::money::Money;

use crate::error::StoreError;
use crate::journal::finish::{Finish, RecordedAnswer};
use crate::journal::note::{AttemptRow, Checkpoint, Note};

/// Fast, and good enough for JSON.
const ZSTD_LEVEL: i32 = 1;

/// The events of one commit.
#[derive(Debug)]
pub(super) struct EventsRow {
    pub(super) first_seq: u64,
    pub(super) json: String,
}

#[derive(Debug)]
pub(super) struct NoteRow {
    pub(super) task: TaskId,
    pub(super) attempts: Vec<AttemptRow>,
    pub(super) events: Option<EventsRow>,
}

#[derive(Debug)]
pub(super) struct CheckpointRow {
    pub(super) task: TaskId,
    pub(super) usage: String,
    pub(super) bill: String,
}

#[derive(Debug)]
pub(super) struct AnswerRow {
    pub(super) status: u16,
    pub(super) content_type: String,
    pub(super) body: Vec<u8>,
    pub(super) size_bytes: usize,
    pub(super) response: Option<ResponseRow>,
}

/// What makes an answer a stored response.
#[derive(Debug)]
pub(super) struct ResponseRow {
    pub(super) id: String,
    pub(super) previous: Option<String>,
    pub(super) input: Vec<u8>,
    pub(super) input_bytes: usize,
    pub(super) items: Vec<String>,
}

#[derive(Debug)]
pub(super) struct FinishRow {
    pub(super) finish: Arc<Finish>,
    pub(super) usage: Option<String>,
    pub(super) bill: Option<String>,
    pub(super) events: Option<EventsRow>,
    pub(super) answer: Option<AnswerRow>,
}

impl NoteRow {
    pub(super) fn new(note: Note) -> Result<Self, StoreError> {
        let events = events_row(&note.events)?;
        Ok(Self { task: note.task, attempts: note.attempts, events })
    }
}

impl CheckpointRow {
    pub(super) fn new(checkpoint: &Checkpoint) -> Result<Self, StoreError> {
        Ok(Self { task: checkpoint.task, usage: json(&checkpoint.usage)?, bill: json(&checkpoint.bill)? })
    }
}

impl FinishRow {
    pub(super) fn new(finish: Arc<Finish>) -> Result<Self, StoreError> {
        if !finish.status.is_terminal() {
            return Err(StoreError::Statement(format!("a task can't finish as {}", finish.status)));
        }
        let usage = finish.usage.as_ref().map(json).transpose()?;
        let bill = finish.bill.as_ref().map(json).transpose()?;
        let events = events_row(&finish.events)?;
        let answer = finish.answer.as_ref().map(AnswerRow::new).transpose()?;
        Ok(Self { finish, usage, bill, events, answer })
    }

    /// The trace as it is kept.
    pub(super) fn trace(&self) -> Option<&str> {
        Some(self.finish.trace_json.as_str()).filter(|trace| !trace.is_empty())
    }

    /// How many attempts there were; 0 if none are known.
    pub(super) fn attempts(&self) -> u32 {
        self.finish.attempts.iter().map(|attempt| attempt.number).max().unwrap_or(0)
    }

    /// What is to be booked, before it is known whether the task is simulated.
    pub(super) fn charge(&self) -> Money {
        self.finish.bill.as_ref().map_or(Money::ZERO, |bill| bill.charge)
    }
}

impl AnswerRow {
    fn new(answer: &RecordedAnswer) -> Result<Self, StoreError> {
        let response = answer.response.as_ref().map(|response| {
            let (id, previous, input_bytes) = (response.id.clone(), response.previous.clone(), response.input.len());
            let items = response.items.clone();
            packed(&response.input).map(|input| ResponseRow { id, previous, input, input_bytes, items })
        });
        let (content_type, size_bytes) = (answer.content_type.clone(), answer.body.len());
        Ok(Self { status: answer.status, content_type, body: packed(&answer.body)?, size_bytes, response: response.transpose()? })
    }
}

fn packed(bytes: &[u8]) -> Result<Vec<u8>, StoreError> {
    zstd::bulk::compress(bytes, ZSTD_LEVEL).map_err(|error| StoreError::Statement(format!("an answer could not be compressed: {error}")))
}

fn events_row(events: &[easyai_core::event::Event]) -> Result<Option<EventsRow>, StoreError> {
    let Some(first) = events.first() else { return Ok(None) };
    Ok(Some(EventsRow { first_seq: first.seq.into(), json: json(&events)? }))
}

fn json<T: serde::Serialize + ?Sized>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Statement(format!("a value has no JSON form: {error}")))
}

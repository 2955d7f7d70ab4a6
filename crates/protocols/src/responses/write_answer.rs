//! A whole answer as a response object.

use bytes::{Bytes, BytesMut};
use easyai_core::usage::Usage;

use super::stream_writer::Writer;
use crate::conversation::{Answer, AnswerEvent};
use crate::wire::{Envelope, StreamWriter};

/// Writes an answer.
#[must_use]
pub fn write_answer(answer: &Answer, usage: &Usage, envelope: &Envelope) -> Bytes {
    let mut writer = Writer::silent(envelope.clone());
    let mut nothing = BytesMut::new();
    for event in answer.clone().into_events() {
        if !matches!(event, AnswerEvent::Stop(_) | AnswerEvent::Usage(_)) {
            writer.event(event, &mut nothing);
        }
    }
    writer.object(&answer.stop, usage)
}

//! A whole response, out of a whole answer: the same object that a stream of it would end with.

use bytes::Bytes;
use easyai_core::usage::Usage;

use super::assembly::Assembly;
use super::event::Silence;
use super::object::{Echo, Object, Standing, written};
use super::stream_writer::last_status;
use crate::conversation::Answer;
use crate::wire::Envelope;

/// Writes an answer as a response object.
#[must_use]
pub fn write_answer(answer: &Answer, usage: &Usage, envelope: &Envelope) -> Bytes {
    let echo = Echo::of(&envelope.request);
    let mut assembly = Assembly::new(envelope.id.clone());
    for step in answer.clone().into_events() {
        assembly.step(step, &mut Silence);
    }
    assembly.close_all(last_status(answer.stop.reason), &mut Silence);
    let model = answer.model.as_deref().unwrap_or(&envelope.model);
    written(&Object::new(envelope, &echo, model, Standing::Ended(answer.stop.reason, usage), assembly.items()))
}

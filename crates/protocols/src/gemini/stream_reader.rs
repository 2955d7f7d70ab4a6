//! An upstream's stream in the inner form.
//!
//! # What a stream does not tell
//! - Its end: there is no terminator, so every event leaves more to come, but an error. The body's end after a [`Stop`] is a good end.
//! - `finishReason` may come more than once, text may follow it: the stop is told again only if it means something else by then.
//! - Calls often have no id: one is made of the answer's own id, or of the event's bytes, so that it is the same on every node and another
//!   one in every answer.
//! - Whether a function stands for a custom tool: calls are told as functions' here.

use super::chunk::{self, Blob, Candidate, Chunk, FunctionCall, Part};
use super::finish::{Delivered, blocked, stop_reason};
use super::usage::WireUsage;
use crate::conversation::{AnswerEvent, Citation, Media, Opaque, OpaqueOwner, Source, Stop, StopReason};
use crate::openai::error::read_error;
use crate::wire::{BadEvent, Progress, StreamReader};

/// An id of an upstream's answer up to this length is part of the ids of its calls: OpenAI's own may have 40 characters.
const MAX_ANSWER_ID: usize = 28;

/// Reads one stream.
#[derive(Debug, Default)]
pub struct Reader {
    begun: bool,
    answer_id: Option<String>,
    /// The hash of the event that is being read, once a call has asked for it: there may be thousands in one event.
    event_hash: Option<u64>,
    usage: WireUsage,
    delivered: Delivered,
    calls: usize,
    /// All text so far: citations point into it by bytes.
    said: String,
    cited: Vec<Citation>,
    stop: Option<StopReason>,
}

impl StreamReader for Reader {
    fn event(&mut self, data: &[u8], out: &mut Vec<AnswerEvent>) -> Result<Progress, BadEvent> {
        let bad = |error: serde_json::Error| BadEvent(error.to_string());
        for object in chunk::objects(data).map_err(bad)? {
            let chunk: Chunk = serde_json::from_slice(object).map_err(bad)?;
            if self.chunk(chunk, object, out) == Progress::Done {
                return Ok(Progress::Done);
            }
        }
        Ok(Progress::More)
    }
}

impl Reader {
    fn chunk(&mut self, chunk: Chunk, data: &[u8], out: &mut Vec<AnswerEvent>) -> Progress {
        if chunk.error.0 {
            out.push(AnswerEvent::Error(read_error(data)));
            return Progress::Done;
        }
        if !self.begun {
            self.begun = true;
            self.answer_id.clone_from(&chunk.response_id.0);
            out.push(AnswerEvent::Begin { id: chunk.response_id.0, model: chunk.model_version.0 });
        }
        self.event_hash = None;
        // Several candidates are never asked for: the inner form has one answer.
        let mut candidate = chunk.candidates.objects().next().unwrap_or_default();
        for part in std::mem::take(&mut candidate.content).0.unwrap_or_default().parts.objects() {
            self.part(part, data, out);
        }
        self.citations(&mut candidate, out);
        let usage = chunk.usage_metadata.0.and_then(|usage| self.usage.merged(usage));
        self.delivered.counted |= usage.is_some_and(|usage| usage.output_tokens > 0);
        let feedback = chunk.prompt_feedback.0.unwrap_or_default();
        let failure = match (feedback.block_reason.0, candidate.finish_reason.0) {
            (Some(reason), _) if !self.delivered.anything => Some(blocked(&reason, feedback.block_reason_message.0.as_deref())),
            (_, Some(word)) => match stop_reason(&word, candidate.finish_message.0.as_deref(), self.delivered) {
                Ok(reason) => {
                    self.stop(reason, out);
                    None
                }
                Err(error) => Some(error),
            },
            (_, None) => None,
        };
        out.extend(usage.map(AnswerEvent::Usage));
        match failure {
            Some(error) => {
                out.push(AnswerEvent::Error(error));
                Progress::Done
            }
            None => Progress::More,
        }
    }

    fn part(&mut self, part: Part, data: &[u8], out: &mut Vec<AnswerEvent>) {
        let opaque = part.thought_signature.0.map(|data| Opaque { owner: OpaqueOwner::Gemini, data });
        if let Some(call) = part.function_call.0 {
            return self.call(call, opaque, data, out);
        }
        if part.thought.0 {
            if let Some(text) = part.text.0 {
                self.delivered.anything = true;
                out.push(AnswerEvent::Reasoning(text));
            }
            // A picture among thoughts is a draft.
            return out.extend(opaque.map(AnswerEvent::ReasoningOpaque));
        }
        if let Some(text) = part.text.0 {
            self.delivered.anything = true;
            self.said.push_str(&text);
            out.push(AnswerEvent::Text(text));
        }
        if let Some(media) = part.inline_data.0.and_then(image) {
            self.delivered.anything = true;
            out.push(AnswerEvent::Image(media));
        }
        out.extend(opaque.map(AnswerEvent::TextOpaque));
    }

    fn call(&mut self, call: FunctionCall, opaque: Option<Opaque>, data: &[u8], out: &mut Vec<AnswerEvent>) {
        let index = self.calls;
        self.calls += 1;
        self.delivered = Delivered { anything: true, call: true, ..self.delivered };
        let id = call.id.0.unwrap_or_else(|| self.mint(index, data));
        let delta = call.args.map_or_else(|| "{}".to_owned(), |args| args.get().to_owned());
        out.push(AnswerEvent::CallBegin { index, id, name: call.name.0.unwrap_or_default(), custom: false });
        out.push(AnswerEvent::CallArguments { index, delta });
        out.extend(opaque.map(|opaque| AnswerEvent::CallOpaque { index, opaque }));
        out.push(AnswerEvent::CallEnd { index });
    }

    /// An id for a call that has none.
    fn mint(&mut self, index: usize, data: &[u8]) -> String {
        match &self.answer_id {
            Some(id) if id.len() <= MAX_ANSWER_ID => {
                let id: String =
                    id.chars().map(|letter| if letter.is_ascii_alphanumeric() || letter == '-' { letter } else { '_' }).collect();
                format!("call_{id}_{index}")
            }
            // The bytes hold the tokens of the prompt, which grows with every turn: the same call again gets another id.
            Some(id) => format!("call_{:016x}_{index}", fnv1a(id.as_bytes())),
            None => format!("call_{:016x}_{index}", self.event_hash.get_or_insert_with(|| fnv1a(data))),
        }
    }

    fn citations(&mut self, candidate: &mut Candidate, out: &mut Vec<AnswerEvent>) {
        let grounding = candidate.grounding_metadata.0.take().map(|grounding| grounding.into_citations(&self.said));
        let recited = candidate.citation_metadata.0.take().map(|recited| recited.into_citations(&self.said));
        for citation in grounding.into_iter().chain(recited).flatten() {
            // Later chunks repeat what earlier ones said.
            if !self.cited.contains(&citation) {
                self.cited.push(citation.clone());
                out.push(AnswerEvent::Citation(citation));
            }
        }
    }

    fn stop(&mut self, reason: StopReason, out: &mut Vec<AnswerEvent>) {
        if self.stop.replace(reason) != Some(reason) {
            out.push(AnswerEvent::Stop(Stop { reason, sequence: None }));
        }
    }
}

/// A picture; no other data has a place in an answer of the inner form.
fn image(blob: Blob) -> Option<Media> {
    let media_type = blob.mime_type.0.filter(|media_type| media_type.starts_with("image/"))?;
    Some(Media { source: Source::Inline { media_type, data: blob.data.0? }, name: None, detail: None })
}

/// FNV-1a, 64 bits: the same on every node and in every version.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests;

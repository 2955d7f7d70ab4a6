//! An upstream's stream of completions, read into the inner form: its first choice, since the inner form has one.

use super::chunk::Wire;
use crate::conversation::{AnswerEvent, Stop};
use crate::openai::lenient::Text;
use crate::openai::side::stop_reason;
use crate::openai::usage::WireUsage;
use crate::wire::{BadEvent, Progress, StreamReader};

/// Reads chunks.
#[derive(Debug, Default)]
pub struct Reader {
    begun: bool,
    stopped: bool,
}

impl StreamReader for Reader {
    fn event(&mut self, data: &[u8], out: &mut Vec<AnswerEvent>) -> Result<Progress, BadEvent> {
        if data.trim_ascii() == b"[DONE]" {
            return Ok(Progress::Done);
        }
        let chunk: Wire<Text> = serde_json::from_slice(data).map_err(|error| BadEvent(error.to_string()))?;
        if let Some(error) = chunk.error(data) {
            out.push(AnswerEvent::Error(error));
            return Ok(Progress::More);
        }
        if !self.begun {
            self.begun = true;
            out.push(AnswerEvent::Begin { id: chunk.id.0, model: chunk.model.0 });
        }
        let mut reason = None;
        for choice in chunk.choices.into_iter().flatten().filter(|choice| choice.index.0 == 0) {
            if !choice.text.0.is_empty() {
                out.push(AnswerEvent::Text(choice.text.0));
            }
            reason = reason.or(choice.finish_reason.0);
        }
        if let Some(reason) = reason
            && !self.stopped
        {
            self.stopped = true;
            out.push(AnswerEvent::Stop(Stop { reason: stop_reason(&reason), sequence: None }));
        }
        out.extend(chunk.usage.and_then(WireUsage::into_usage).map(AnswerEvent::Usage));
        Ok(Progress::More)
    }
}

//! A stream on its way from one protocol to another: an upstream's events in, the caller's frames out.

use bytes::BytesMut;
use easyai_core::error::ErrorCode;
use easyai_core::kind::Provider;
use easyai_core::usage::Usage;

use crate::bridge;
use crate::conversation::custom::CustomCalls;
use crate::conversation::stop_text::StopTexts;
use crate::conversation::{Answer, AnswerEvent, Conversation, Stop};
use crate::gemini::finish::UNUSABLE;
use crate::json::repaired;
use crate::openai::error::WireError;
use crate::tokens::TextSize;
use crate::wire::{BadEvent, Envelope, EventFacts, Progress, Protocol, StreamReader, StreamWriter};

/// The longest answer that is converted, in bytes of what it says: writers keep it all for their last frame. A whole answer has the same bound.
const MAX_SAID: usize = 64 << 20;

/// The same on the wire, where a token may take half a kilobyte: what readers keep until they can tell it is in there.
const MAX_READ: usize = 256 << 20;

/// A stream that changes its protocol.
#[derive(Debug)]
pub struct Converter {
    upstream: Protocol,
    reader: Box<dyn StreamReader>,
    writer: Box<dyn StreamWriter>,
    /// Gives calls of functions back as the custom tools that they stand for, where the caller has such.
    custom: Option<CustomCalls>,
    /// Ends the answer at the caller's stop texts, where the upstream has none.
    stops: Option<StopTexts>,
    provider: Option<Provider>,
    /// What the last event meant; kept for its memory.
    steps: Vec<AnswerEvent>,
    told: Vec<AnswerEvent>,
    stop: Option<Stop>,
    usage: Option<Usage>,
    /// What was written, in case the upstream counts nothing.
    written: TextSize,
    input_tokens: u64,
    /// Bytes of events, and of what they said.
    read: usize,
    said: usize,
}

impl Converter {
    /// From `upstream`'s protocol to `caller`'s.
    #[must_use]
    pub fn new(upstream: Protocol, caller: Protocol, envelope: Envelope) -> Self {
        let input_tokens = envelope.input_tokens;
        Self {
            upstream,
            reader: bridge::stream_reader(upstream),
            writer: bridge::stream_writer(caller, envelope),
            custom: None,
            stops: None,
            provider: None,
            steps: Vec::new(),
            told: Vec::new(),
            stop: None,
            usage: None,
            written: TextSize::NOTHING,
            input_tokens,
            read: 0,
            said: 0,
        }
    }

    /// For answers to `conversation`, whose custom tools the upstream may know as functions, and whose stop texts it may not know.
    #[must_use]
    pub fn answering(self, conversation: &Conversation) -> Self {
        let stops = (self.upstream == Protocol::Responses).then(|| StopTexts::of(conversation)).flatten();
        Self { custom: CustomCalls::of(conversation), stops, ..self }
    }

    /// Of a platform of `provider`.
    #[must_use]
    pub fn of(self, provider: Provider) -> Self {
        Self { provider: Some(provider), ..self }
    }

    /// Takes one event's data and appends the caller's frames for it.
    ///
    /// # Errors
    /// [`BadEvent`] if it is not what the upstream's protocol sends.
    pub fn event(&mut self, data: &[u8], out: &mut BytesMut) -> Result<EventFacts, BadEvent> {
        let mut steps = std::mem::take(&mut self.steps);
        let mut progress = self.reader.event(data, &mut steps);
        if progress.is_err()
            && let Some(data) = repaired(data)
        {
            progress = self.reader.event(&data, &mut steps);
        }
        let mut facts = EventFacts { done: progress == Ok(Progress::Done), ..EventFacts::default() };
        for step in steps.drain(..) {
            self.pass(step, &mut facts, out);
        }
        self.steps = steps;
        facts.usage = self.usage;
        self.read = self.read.saturating_add(data.len());
        if self.said > MAX_SAID || self.read > MAX_READ {
            facts.error = Some(WireError {
                message: format!("the answer is longer than {MAX_SAID} bytes: it can't be converted"),
                kind: Some(UNUSABLE.to_owned()),
                ..WireError::default()
            });
        }
        progress.map(|_| facts)
    }

    /// Writes an answer that came whole.
    pub fn whole(&mut self, answer: Answer, out: &mut BytesMut) {
        let mut facts = EventFacts::default();
        for step in answer.into_events() {
            self.pass(step, &mut facts, out);
        }
    }

    fn pass(&mut self, step: AnswerEvent, facts: &mut EventFacts, out: &mut BytesMut) {
        let step = match (step, self.provider) {
            (AnswerEvent::ReasoningOpaque(opaque), Some(provider)) => AnswerEvent::ReasoningOpaque(opaque.given_by(provider)),
            (step, _) => step,
        };
        let Some(stops) = &mut self.stops else { return self.whole_calls(step, facts, out) };
        let mut told = Vec::new();
        stops.event(step, &mut told);
        for step in told {
            self.whole_calls(step, facts, out);
        }
    }

    fn whole_calls(&mut self, step: AnswerEvent, facts: &mut EventFacts, out: &mut BytesMut) {
        let Some(custom) = &mut self.custom else { return self.step(step, facts, out) };
        let mut told = std::mem::take(&mut self.told);
        custom.event(step, &mut told);
        for step in told.drain(..) {
            self.step(step, facts, out);
        }
        self.told = told;
    }

    fn step(&mut self, step: AnswerEvent, facts: &mut EventFacts, out: &mut BytesMut) {
        facts.useful |= step.is_useful();
        self.said = self.said.saturating_add(step.size());
        match step {
            AnswerEvent::Stop(stop) => {
                facts.finish = Some(stop.reason);
                self.stop = Some(stop);
            }
            AnswerEvent::Usage(usage) => self.usage = Some(usage),
            AnswerEvent::Error(error) => facts.error = Some(error),
            AnswerEvent::Text(_)
            | AnswerEvent::Reasoning(_)
            | AnswerEvent::Refusal(_)
            | AnswerEvent::CallArguments { .. }
            | AnswerEvent::Begin { .. }
            | AnswerEvent::TextOpaque(_)
            | AnswerEvent::Citation(_)
            | AnswerEvent::ReasoningOpaque(_)
            | AnswerEvent::CallBegin { .. }
            | AnswerEvent::CallOpaque { .. }
            | AnswerEvent::CallEnd { .. }
            | AnswerEvent::Image(_) => {
                self.measure(&step);
                self.writer.event(step, out);
            }
        }
    }

    fn measure(&mut self, step: &AnswerEvent) {
        if let AnswerEvent::Text(text)
        | AnswerEvent::Reasoning(text)
        | AnswerEvent::Refusal(text)
        | AnswerEvent::CallArguments { delta: text, .. }
        | AnswerEvent::CallBegin { name: text, .. } = step
        {
            self.written.add(text.as_bytes());
        }
    }

    /// What the upstream counted, if it did.
    #[must_use]
    pub const fn usage(&self) -> Option<Usage> {
        self.usage
    }

    /// Appends the last frames.
    pub fn end(&mut self, out: &mut BytesMut) {
        let usage = self.usage.unwrap_or_else(|| Usage::counted(self.input_tokens, self.written.tokens()));
        let stop = self.stop.take().unwrap_or_default();
        self.writer.end(&stop, &usage, out);
    }

    /// Appends a failure after the first delta.
    pub fn error(&mut self, code: ErrorCode, message: &str, out: &mut BytesMut) {
        self.writer.error(code, message, out);
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn to(caller: Protocol) -> Converter {
        let envelope = Envelope {
            id: "x".to_owned(),
            created_at: 0,
            model: "m".into(),
            include_usage: true,
            input_tokens: 1,
            request: Bytes::from_static(b"{}"),
        };
        Converter::new(Protocol::Chat, caller, envelope)
    }

    #[test]
    fn half_a_character_does_not_break_an_answer_off() {
        let mut out = BytesMut::new();
        let event = br#"{"id":"c","choices":[{"index":0,"delta":{"content":"a\ud83d"}}]}"#;
        assert!(to(Protocol::Messages).event(event, &mut out).unwrap().useful);
        assert!(String::from_utf8_lossy(&out).contains("\"text\":\"a\u{fffd}\""), "{out:?}");
    }

    #[test]
    fn an_answer_without_an_end_is_not_kept_for_ever() {
        let mut converter = to(Protocol::Responses);
        let megabyte = "x".repeat(1 << 20);
        let event = format!(r#"{{"id":"c","choices":[{{"index":0,"delta":{{"content":"{megabyte}"}}}}]}}"#);
        let mut out = BytesMut::new();
        let mut events = 0;
        let error = loop {
            out.clear();
            events += 1;
            if let Some(error) = converter.event(event.as_bytes(), &mut out).unwrap().error {
                break error;
            }
        };
        assert_eq!((events, error.message.contains("67108864 bytes")), (65, true), "{error:?}");
    }
}

//! A whole answer.

use easyai_core::kind::Provider;
use easyai_core::usage::Usage;

use super::{AnswerEvent, Part};

/// A whole answer, in no protocol's terms.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Answer {
    /// The upstream's id of it.
    pub id: Option<String>,
    /// The model that answered, as the upstream calls it.
    pub model: Option<String>,
    /// Reasoning, text, tool calls and refusals, in the order in which they came.
    pub parts: Vec<Part>,
    /// Why it ended.
    pub stop: Stop,
    /// What the upstream counted, if it did.
    pub usage: Option<Usage>,
}

/// Why an answer ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stop {
    /// In the gateway's words.
    pub reason: StopReason,
    /// The stop text that was met, where the upstream names it.
    pub sequence: Option<String>,
}

easyai_core::words! {
    /// Why an answer ended, in OpenAI's words (`providers.md` section 2.7).
    #[derive(Default)]
    pub enum StopReason as "stop reason" {
        /// It was complete.
        #[default]
        Stop = "stop",
        /// It met the bound on tokens, or the context's end.
        Length = "length",
        /// It calls tools.
        ToolCalls = "tool_calls",
        /// It was stopped for its content, or the model refused.
        ContentFilter = "content_filter",
    }
}

impl Answer {
    /// The same as a stream: for callers who asked for one when the upstream answered whole.
    #[must_use]
    pub fn into_events(self) -> Vec<AnswerEvent> {
        let mut events = vec![AnswerEvent::Begin { id: self.id, model: self.model }];
        let mut calls = 0;
        for part in self.parts {
            match part {
                Part::Text(text) => {
                    events.push(AnswerEvent::Text(text.text));
                    events.extend(text.citations.into_iter().map(AnswerEvent::Citation));
                    events.extend(text.opaque.map(AnswerEvent::TextOpaque));
                }
                Part::Reasoning(reasoning) => {
                    if !reasoning.text.is_empty() {
                        events.push(AnswerEvent::Reasoning(reasoning.text));
                    }
                    events.extend(reasoning.opaque.map(AnswerEvent::ReasoningOpaque));
                }
                Part::Refusal(text) => events.push(AnswerEvent::Refusal(text)),
                Part::ToolCall(call) => {
                    let (index, opaque, custom) = (calls, call.opaque, call.custom);
                    calls += 1;
                    events.push(AnswerEvent::CallBegin { index, id: call.id, name: call.name, custom });
                    if !call.arguments.is_empty() {
                        events.push(AnswerEvent::CallArguments { index, delta: call.arguments });
                    }
                    events.extend(opaque.map(|opaque| AnswerEvent::CallOpaque { index, opaque }));
                    events.push(AnswerEvent::CallEnd { index });
                }
                Part::Image(media) => events.push(AnswerEvent::Image(media)),
                // No model answers with these in a text protocol.
                Part::Audio(_) | Part::Video(_) | Part::File(_) | Part::ToolResult(_) => {}
            }
        }
        events.push(AnswerEvent::Stop(self.stop));
        events.extend(self.usage.map(AnswerEvent::Usage));
        events
    }

    /// The same as a platform of `provider` gave it: its opaque state is its own.
    pub fn given_by(&mut self, provider: Provider) {
        for part in &mut self.parts {
            if let Part::Reasoning(reasoning) = part {
                reasoning.opaque = reasoning.opaque.take().map(|opaque| opaque.given_by(provider));
            }
        }
    }

    /// All text that was delivered, for counting what an upstream did not count.
    #[must_use]
    pub fn delivered_text(&self) -> String {
        let mut text = String::new();
        self.parts.iter().for_each(|part| part.append_text(&mut text));
        text
    }
}

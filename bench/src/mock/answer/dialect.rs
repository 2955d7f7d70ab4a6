//! The same answer as other providers stream it, as far as a load needs it: its text, a delta a piece, and its usage.

use bytes::Bytes;
use serde_json::{Value, json};

use super::{Answer, Content};
use crate::mock::Raw;

/// How an upstream speaks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Dialect {
    /// OpenAI's chat completions, plain and streamed, with all faults.
    #[default]
    Chat,
    /// OpenAI's Responses: streams only.
    Responses,
    /// Anthropic's Messages: streams only.
    Messages,
    /// Google's `streamGenerateContent`: streams only.
    GenerateContent,
}

impl Answer {
    /// A stream that says the same in a dialect other than chat; none for chat, and for what is not text.
    pub fn streamed_as(&self, dialect: Dialect) -> Option<Raw> {
        let Content::Text(pieces) = &self.content else { return None };
        let events = match dialect {
            Dialect::Chat => return None,
            Dialect::Responses => self.responses(pieces),
            Dialect::Messages => self.messages(pieces),
            Dialect::GenerateContent => self.generate_content(pieces),
        };
        Some(Raw { writes: self.writes, ..Raw::event_stream(events) })
    }

    fn responses(&self, pieces: &[String]) -> Vec<Bytes> {
        let (text, usage) = (self.text(), self.usage);
        let item = |status: &str, content: Value| json!({ "id": "msg_mock", "type": "message", "status": status, "role": "assistant", "content": content });
        let part = |text: &str| json!({ "type": "output_text", "text": text, "annotations": [], "logprobs": [] });
        let response = |status: &str, output: Value, usage: Value| {
            json!({
                "id": "resp_mock", "object": "response", "created_at": 1_760_000_000, "status": status, "error": null, "incomplete_details": null,
                "model": "mock-2026-01-01", "output": output, "parallel_tool_calls": true, "tool_choice": "auto", "tools": [], "usage": usage,
            })
        };
        let at =
            |kind: &str, more: Value| merged(json!({ "type": kind, "item_id": "msg_mock", "output_index": 0, "content_index": 0 }), more);
        let counted = json!({
            "input_tokens": usage.prompt_tokens, "input_tokens_details": { "cached_tokens": usage.cached_tokens },
            "output_tokens": usage.completion_tokens, "output_tokens_details": { "reasoning_tokens": 0 },
            "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        });
        let begun = response("in_progress", json!([]), Value::Null);
        let mut events = vec![
            json!({ "type": "response.created", "response": begun }),
            json!({ "type": "response.in_progress", "response": begun }),
            json!({ "type": "response.output_item.added", "output_index": 0, "item": item("in_progress", json!([])) }),
            at("response.content_part.added", json!({ "part": part("") })),
        ];
        events.extend(pieces.iter().map(|piece| at("response.output_text.delta", json!({ "delta": piece, "logprobs": [] }))));
        events.extend([
            at("response.output_text.done", json!({ "text": text, "logprobs": [] })),
            at("response.content_part.done", json!({ "part": part(&text) })),
            json!({ "type": "response.output_item.done", "output_index": 0, "item": item("completed", json!([part(&text)])) }),
            json!({ "type": "response.completed", "response": response("completed", json!([item("completed", json!([part(&text)]))]), counted) }),
        ]);
        let numbered = events.into_iter().enumerate().map(|(number, event)| merged(event, json!({ "sequence_number": number })));
        numbered.map(named).collect()
    }

    fn messages(&self, pieces: &[String]) -> Vec<Bytes> {
        let usage = self.usage;
        let message = json!({
            "id": "msg_mock", "type": "message", "role": "assistant", "model": "mock-2026-01-01", "content": [], "stop_reason": null,
            "stop_sequence": null, "usage": { "input_tokens": usage.prompt_tokens, "output_tokens": 1 },
        });
        let mut events = vec![
            json!({ "type": "message_start", "message": message }),
            json!({ "type": "content_block_start", "index": 0, "content_block": { "type": "text", "text": "" } }),
        ];
        let delta = |piece: &String| json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "text_delta", "text": piece } });
        events.extend(pieces.iter().map(delta));
        events.extend([
            json!({ "type": "content_block_stop", "index": 0 }),
            json!({
                "type": "message_delta", "delta": { "stop_reason": "end_turn", "stop_sequence": null },
                "usage": { "output_tokens": usage.completion_tokens },
            }),
            json!({ "type": "message_stop" }),
        ]);
        events.into_iter().map(named).collect()
    }

    fn generate_content(&self, pieces: &[String]) -> Vec<Bytes> {
        let usage = self.usage;
        let chunk = |(at, piece): (usize, &String)| {
            let mut candidate = json!({ "content": { "parts": [{ "text": piece }], "role": "model" }, "index": 0 });
            if at + 1 == pieces.len() {
                candidate["finishReason"] = "STOP".into();
            }
            let so_far = usage.completion_tokens * (at as u64 + 1) / pieces.len() as u64;
            let chunk = json!({
                "candidates": [candidate],
                "usageMetadata": {
                    "promptTokenCount": usage.prompt_tokens, "candidatesTokenCount": so_far, "totalTokenCount": usage.prompt_tokens + so_far,
                },
                "modelVersion": "mock-2026-01-01", "responseId": "mock",
            });
            Bytes::from(format!("data: {chunk}\r\n\r\n"))
        };
        pieces.iter().enumerate().map(chunk).collect()
    }
}

/// An event that is called by its type.
fn named(event: Value) -> Bytes {
    let name = event["type"].as_str().unwrap_or_default();
    format!("event: {name}\ndata: {event}\n\n").into()
}

fn merged(mut event: Value, more: Value) -> Value {
    if let (Value::Object(event), Value::Object(more)) = (&mut event, more) {
        event.extend(more);
    }
    event
}

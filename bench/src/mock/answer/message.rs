//! The JSON of an answer: one `chat.completion`, or its `chat.completion.chunk`s.

use serde_json::{Value, json};

use super::{Answer, Asked, Content, DoneMark, Logprobs, ToolCall, UsageReport};

const ID: &str = "chatcmpl-mock";
const MODEL: &str = "mock-2026-01-01";
const CREATED: u64 = 1_760_000_000;

/// The data of a stream's events, by what they mean to a caller.
pub(super) struct Chunks {
    /// Roles.
    pub(super) preamble: Vec<String>,
    /// Content.
    pub(super) deltas: Vec<String>,
    /// Finish reasons, usage, `[DONE]`.
    pub(super) ending: Vec<String>,
}

impl Content {
    /// Deltas of one choice.
    pub(super) fn pieces(&self) -> usize {
        match self {
            Self::Text(pieces) | Self::Refusal(pieces) => pieces.len(),
            Self::ToolCalls(calls) => calls.iter().map(|call| 1 + call.arguments.len()).sum(),
        }
    }

    fn deltas(&self) -> Vec<Value> {
        match self {
            Self::Text(pieces) => pieces.iter().map(|piece| json!({ "content": piece })).collect(),
            Self::Refusal(pieces) => pieces.iter().map(|piece| json!({ "refusal": piece })).collect(),
            Self::ToolCalls(calls) => calls.iter().enumerate().flat_map(|(index, call)| call_deltas(index, call)).collect(),
        }
    }

    fn message(&self) -> Value {
        let mut message = json!({ "role": "assistant", "content": null, "refusal": null, "annotations": [] });
        match self {
            Self::Text(pieces) => message["content"] = pieces.concat().into(),
            Self::Refusal(pieces) => message["refusal"] = pieces.concat().into(),
            Self::ToolCalls(calls) => message["tool_calls"] = calls.iter().map(call_message).collect(),
        }
        message
    }
}

impl Answer {
    /// The plain answer.
    pub(super) fn completion(&self) -> String {
        let choices: Vec<Value> = (0..self.choices.max(1))
            .map(|index| {
                json!({
                    "index": index,
                    "message": self.content.message(),
                    "logprobs": self.logprobs_of(None),
                    "finish_reason": self.finish(),
                })
            })
            .collect();
        let mut body = json!({
            "id": ID, "object": "chat.completion", "created": CREATED, "model": MODEL, "choices": choices,
        });
        match self.usage_report {
            UsageReport::AsAsked | UsageReport::Always | UsageReport::OnFinishChunk => body["usage"] = self.usage_json(),
            UsageReport::Never => {}
        }
        body["service_tier"] = "default".into();
        body["system_fingerprint"] = "fp_mock".into();
        body.to_string()
    }

    /// The stream's events.
    pub(super) fn chunks(&self, asked: Asked) -> Chunks {
        let own_usage_chunk = match self.usage_report {
            UsageReport::AsAsked => asked == Asked::StreamWithUsage,
            UsageReport::Always => true,
            UsageReport::OnFinishChunk | UsageReport::Never => false,
        };
        let chunk = |choices: Value, usage: Option<Value>| {
            let mut body = json!({
                "id": ID, "object": "chat.completion.chunk", "created": CREATED, "model": MODEL,
                "service_tier": "default", "system_fingerprint": "fp_mock", "choices": choices,
            });
            if let Some(usage) = usage.or(own_usage_chunk.then_some(Value::Null)) {
                body["usage"] = usage;
            }
            body.to_string()
        };
        let choice = |index: usize, delta: &Value, logprobs: Value, finish: Option<&str>| json!([{ "index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish }]);
        let choices = 0..self.choices.max(1);
        let role = json!({ "role": "assistant", "content": "", "refusal": null });
        let on_finish = (self.usage_report == UsageReport::OnFinishChunk).then(|| self.usage_json());

        let preamble = choices.clone().map(|index| chunk(choice(index, &role, Value::Null, None), None)).collect();
        let mut deltas = Vec::new();
        for (piece, delta) in self.content.deltas().iter().enumerate() {
            for index in choices.clone() {
                deltas.push(chunk(choice(index, delta, self.logprobs_of(Some(piece)), None), None));
            }
        }
        let mut ending: Vec<String> =
            choices.map(|index| chunk(choice(index, &json!({}), Value::Null, Some(self.finish())), on_finish.clone())).collect();
        if own_usage_chunk {
            ending.push(chunk(json!([]), Some(self.usage_json())));
        }
        match self.done {
            DoneMark::Sent => ending.push("[DONE]".to_owned()),
            DoneMark::Missing => {}
        }
        Chunks { preamble, deltas, ending }
    }

    fn finish(&self) -> &str {
        match (&self.finish_reason, &self.content) {
            (Some(reason), _) => reason,
            (None, Content::ToolCalls(_)) => "tool_calls",
            (None, Content::Text(_) | Content::Refusal(_)) => "stop",
        }
    }

    fn usage_json(&self) -> Value {
        json!({
            "prompt_tokens": self.usage.prompt_tokens,
            "completion_tokens": self.usage.completion_tokens,
            "total_tokens": self.usage.prompt_tokens + self.usage.completion_tokens,
            "prompt_tokens_details": { "cached_tokens": self.usage.cached_tokens, "audio_tokens": 0 },
            "completion_tokens_details": { "reasoning_tokens": 0, "audio_tokens": 0 },
        })
    }

    /// The logprobs of one piece, or of all.
    fn logprobs_of(&self, piece: Option<usize>) -> Value {
        let pieces = match (&self.content, self.logprobs) {
            (Content::Text(pieces), Logprobs::PerPiece) => pieces,
            (Content::Text(_) | Content::Refusal(_) | Content::ToolCalls(_), _) => return Value::Null,
        };
        let entries: Vec<Value> = pieces
            .iter()
            .enumerate()
            .filter(|(index, _)| piece.is_none_or(|piece| piece == *index))
            .map(|(_, token)| json!({ "token": token, "logprob": -0.25, "bytes": token.as_bytes(), "top_logprobs": [] }))
            .collect();
        json!({ "content": entries, "refusal": null })
    }
}

fn call_message(call: &ToolCall) -> Value {
    json!({ "id": call.id, "type": "function", "function": { "name": call.name, "arguments": call.arguments.concat() } })
}

/// First id and name, then the arguments.
fn call_deltas(index: usize, call: &ToolCall) -> Vec<Value> {
    let first = json!({ "tool_calls": [{
        "index": index, "id": call.id, "type": "function", "function": { "name": call.name, "arguments": "" },
    }] });
    let fragment = |piece: &String| json!({ "tool_calls": [{ "index": index, "function": { "arguments": piece } }] });
    std::iter::once(first).chain(call.arguments.iter().map(fragment)).collect()
}

//! An answer as a chat caller expects it.
//!
//! Source: OpenAI API reference, "The chat completion object"; `providers.md` sections 2.6 to 2.8 and 4.1.

use std::borrow::Cow;

use bytes::Bytes;
use easyai_core::usage::Usage;

use super::signature::ExtraContent;
use super::usage::WrittenUsage;
use super::written::{Annotation, Custom, Function, Picture};
use crate::conversation::{Answer, Part, StopReason, ToolCall};
use crate::wire::Envelope;

/// What our own ids begin with.
pub(super) const ID_PREFIX: &str = "chatcmpl-";

#[derive(serde::Serialize)]
struct Wire<'a> {
    id: Cow<'a, str>,
    object: &'static str,
    created: i64,
    model: &'a str,
    choices: [Choice<'a>; 1],
    usage: WrittenUsage,
}

#[derive(serde::Serialize)]
struct Choice<'a> {
    index: u32,
    message: Message<'a>,
    logprobs: Option<()>,
    finish_reason: StopReason,
}

#[derive(serde::Serialize, Default)]
struct Message<'a> {
    role: &'static str,
    content: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<String>,
    refusal: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    annotations: Vec<Annotation<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    images: Vec<Picture<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Call<'a>>,
}

#[derive(serde::Serialize)]
struct Call<'a> {
    id: &'a str,
    #[serde(flatten)]
    called: Called<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extra_content: Option<ExtraContent<'a>>,
}

#[derive(serde::Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Called<'a> {
    Function { function: Function<'a> },
    Custom { custom: Custom<'a> },
}

/// Writes a whole answer for a chat caller.
#[must_use]
pub fn write_answer(answer: &Answer, usage: &Usage, envelope: &Envelope) -> Bytes {
    let wire = Wire {
        id: answer.id.as_deref().map_or_else(|| Cow::Owned(format!("{ID_PREFIX}{}", envelope.id)), Cow::Borrowed),
        object: "chat.completion",
        created: envelope.created_at,
        model: answer.model.as_deref().unwrap_or(&envelope.model),
        choices: [Choice { index: 0, message: message(&answer.parts), logprobs: None, finish_reason: answer.stop.reason }],
        usage: WrittenUsage::from(usage),
    };
    // Text and numbers alone can't fail to be written.
    Bytes::from(serde_json::to_vec(&wire).unwrap_or_default())
}

fn message(parts: &[Part]) -> Message<'_> {
    let mut message = Message { role: "assistant", ..Message::default() };
    for part in parts {
        match part {
            Part::Text(text) => {
                message.content.get_or_insert_default().push_str(&text.text);
                message.annotations.extend(text.citations.iter().filter_map(Annotation::of));
            }
            Part::Reasoning(reasoning) if !reasoning.text.is_empty() => {
                message.reasoning_content.get_or_insert_default().push_str(&reasoning.text);
            }
            Part::Refusal(text) => message.refusal.get_or_insert_default().push_str(text),
            Part::Image(media) => message.images.extend(Picture::of(media)),
            Part::ToolCall(call) => message.tool_calls.push(Call::of(call)),
            // State alone has no place here; no model answers with the others in a text protocol.
            Part::Reasoning(_) | Part::Audio(_) | Part::Video(_) | Part::File(_) | Part::ToolResult(_) => {}
        }
    }
    // Null beside a tool call or a refusal, else text, even if there is none: callers read it unasked.
    if message.content.is_none() && message.tool_calls.is_empty() && message.refusal.is_none() {
        message.content = Some(String::new());
    }
    message
}

impl<'a> Call<'a> {
    fn of(call: &'a ToolCall) -> Self {
        let called = if call.custom {
            Called::Custom { custom: Custom { name: &call.name, input: &call.arguments } }
        } else {
            // Callers parse this: no arguments are an empty object.
            let arguments = if call.arguments.is_empty() { "{}" } else { &call.arguments };
            Called::Function { function: Function { name: &call.name, arguments } }
        };
        Self { id: &call.id, called, extra_content: call.opaque.as_ref().map(ExtraContent::of) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::conversation::{Citation, Media, Opaque, OpaqueOwner, Reasoning, Source, Stop, Text};
    use crate::openai::read_answer::read_answer;

    fn envelope() -> Envelope {
        let request = Bytes::new();
        Envelope { id: "7".to_owned(), created_at: 3, model: "public".into(), include_usage: false, input_tokens: 0, request }
    }

    fn write(answer: &Answer) -> Value {
        let usage = Usage { cached_input_tokens: 4, reasoning_tokens: 2, ..Usage::counted(9, 3) };
        serde_json::from_slice(&write_answer(answer, &usage, &envelope())).unwrap()
    }

    fn call(custom: bool, arguments: &str, opaque: Option<Opaque>) -> Part {
        Part::ToolCall(ToolCall { id: "c".to_owned(), name: "f".to_owned(), arguments: arguments.to_owned(), custom, opaque })
    }

    fn whole() -> Answer {
        let citation = Citation { url: Some("https://x".to_owned()), title: Some("X".to_owned()), cited_text: None, span: Some((0, 2)) };
        let picture = Source::Inline { media_type: "image/png".to_owned(), data: "AAAA".to_owned() };
        let signature = |owner| Some(Opaque { owner, data: "s".to_owned() });
        Answer {
            id: Some("up-1".to_owned()),
            model: Some("m-1".to_owned()),
            parts: vec![
                Part::Reasoning(Reasoning { text: "hm".to_owned(), opaque: None }),
                Part::Text(Text { citations: vec![citation], ..Text::plain("hi") }),
                Part::Image(Media { source: picture, name: None, detail: None }),
                call(false, "{}", signature(OpaqueOwner::Gemini)),
                call(true, "free", signature(OpaqueOwner::AnthropicSignature)),
            ],
            stop: Stop { reason: StopReason::ToolCalls, sequence: None },
            usage: None,
        }
    }

    #[test]
    fn an_answer_has_openais_shape() {
        let expected = json!({
            "id": "up-1", "object": "chat.completion", "created": 3, "model": "m-1",
            "choices": [{"index": 0, "finish_reason": "tool_calls", "logprobs": null, "message": {
                "role": "assistant", "content": "hi", "refusal": null, "reasoning_content": "hm",
                "annotations": [{"type": "url_citation", "url_citation": {"url": "https://x", "title": "X", "start_index": 0, "end_index": 2}}],
                "images": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}],
                "tool_calls": [
                    {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"},
                     "extra_content": {"google": {"thought_signature": "s"}}},
                    {"id": "c", "type": "custom", "custom": {"name": "f", "input": "free"},
                     "extra_content": {"google": {"thought_signature": "easyai:1:anthropic_signature:s"}}},
                ],
            }}],
            "usage": {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12,
                "prompt_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 0},
                "completion_tokens_details": {"reasoning_tokens": 2}},
        });
        assert_eq!(write(&whole()), expected);
    }

    #[test]
    fn content_is_null_only_beside_a_call_or_a_refusal() {
        let content = |parts: Vec<Part>| write(&Answer { parts, ..Answer::default() })["choices"][0]["message"]["content"].take();
        assert_eq!(content(Vec::new()), "");
        assert_eq!(content(vec![call(false, "", None)]), Value::Null);
        assert_eq!(content(vec![Part::Refusal("no".to_owned())]), Value::Null);
        assert_eq!(content(vec![Part::Text(Text::plain("a")), Part::Text(Text::plain("b"))]), "ab");
    }

    #[test]
    fn what_the_upstream_did_not_name_is_ours() {
        let written = write(&Answer::default());
        assert_eq!((&written["id"], &written["model"]), (&json!("chatcmpl-7"), &json!("public")));
    }

    #[test]
    fn what_is_written_is_read_back() {
        let mut answer = whole();
        // An id names one call.
        if let Some(Part::ToolCall(call)) = answer.parts.last_mut() {
            call.id = "d".to_owned();
        }
        let read = read_answer(&write_answer(&answer, &Usage::counted(0, 0), &envelope())).unwrap();
        assert_eq!(read, answer);
    }
}

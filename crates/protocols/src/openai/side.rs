//! The side-reader of a chat stream: what each chunk means, at the least cost. The bytes themselves pass by.

use std::sync::LazyLock;

use bytes::{Bytes, BytesMut};
use easyai_core::error::ErrorCode;
use memchr::memmem::Finder;

use super::chunk::{Chunk, SpokenChoices};
use super::due_usage::{DueUsage, UsageWatch};
use super::error::{error_frame, read_error};
use super::mend::{Calls, mended_chunk};
use crate::conversation::StopReason;
use crate::wire::{BadEvent, EventFacts, Reading, SideReader};

static CHOICES: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"choices\""));

static TELLING: LazyLock<[Finder<'static>; 3]> =
    LazyLock::new(|| [Finder::new("\"usage\""), Finder::new("\"finish_reason\""), Finder::new("\"error\"")]);

/// Reads one event's data.
///
/// # Errors
/// [`BadEvent`] if it was looked at and is not a JSON object.
fn read_chunk(data: &[u8], reading: Reading, usage: &mut UsageWatch) -> Result<EventFacts, BadEvent> {
    if data == b"[DONE]" || data.trim_ascii() == b"[DONE]" {
        return Ok(EventFacts { done: true, ..EventFacts::default() });
    }
    match reading {
        Reading::AfterCommit if looks_whole(data) && !tells_something(data) => Ok(EventFacts::default()),
        Reading::AfterCommit | Reading::Full => parse(data, usage),
    }
}

/// Looks at chat chunks that pass by. Each says all by itself, but for the numbers of its calls and where usage is told.
#[derive(Debug, Default)]
pub struct Side {
    calls: Calls,
    usage: UsageWatch,
}

impl SideReader for Side {
    fn event(&mut self, data: &[u8], reading: Reading) -> Result<EventFacts, BadEvent> {
        read_chunk(data, reading, &mut self.usage)
    }

    fn mended(&mut self, data: &[u8]) -> Option<Bytes> {
        mended_chunk(&mut self.calls, data)
    }

    fn due_usage(&self) -> Option<DueUsage> {
        self.usage.due()
    }

    fn error(&mut self, code: ErrorCode, message: &str, out: &mut BytesMut) {
        out.extend_from_slice(&error_frame(code, message));
    }
}

/// What a `finish_reason` means (`providers.md` section 2.7).
pub(crate) fn stop_reason(reason: &str) -> StopReason {
    match reason {
        // `model_length` is Mistral's: the context is full.
        "length" | "max_tokens" | "model_length" | "max_output_tokens" | "model_context_window_exceeded" => StopReason::Length,
        "tool_calls" | "function_call" | "tool_use" => StopReason::ToolCalls,
        // `sensitive` is Zhipu's.
        "content_filter" | "refusal" | "sensitive" => StopReason::ContentFilter,
        // `stop`, and whatever upstreams invent: `eos`, `end_turn`.
        _other => StopReason::Stop,
    }
}

/// Whether it looks like one whole object.
pub(crate) fn looks_whole(data: &[u8]) -> bool {
    data.first() == Some(&b'{') && data.last() == Some(&b'}')
}

/// Whether one of the telling members is there and not null. A key inside text has its quotes escaped, so it does not match.
pub(crate) fn tells_something(data: &[u8]) -> bool {
    let value =
        |key: &Finder<'_>, at: usize| data[at + key.needle().len()..].trim_ascii_start().strip_prefix(b":").map(<[u8]>::trim_ascii_start);
    let is_null = |key: &Finder<'_>, at| value(key, at).is_some_and(|value| value.starts_with(b"null"));
    let holds_one = |at| {
        let list = value(&CHOICES, at).and_then(|value| value.strip_prefix(b"["));
        list.is_some_and(|list| list.trim_ascii_start().starts_with(b"{"))
    };
    // What has no choices is no ordinary delta.
    !CHOICES.find_iter(data).any(holds_one) || TELLING.iter().any(|key| key.find_iter(data).any(|at| !is_null(key, at)))
}

fn parse(data: &[u8], watch: &mut UsageWatch) -> Result<EventFacts, BadEvent> {
    let chunk: Chunk = serde_json::from_slice(data).map_err(|error| BadEvent(error.to_string()))?;
    let choices = chunk.choices.unwrap_or_default();
    let bare = chunk.detail.0 || chunk.message.0 || chunk.base_resp.0.is_some_and(|base| base.failed());
    if chunk.usage.0.and_then(super::usage::WireUsage::into_usage).is_some() {
        watch.told();
    }
    let wire_usage = chunk.usage.0.or(chunk.x_groq.0.and_then(|groq| groq.usage.0));
    let wire_usage = wire_usage.or_else(|| choices.iter().find_map(|choice| choice.usage.0));
    if chunk.error.0 || (choices.is_empty() && bare) {
        // What was used until then is told with it (OpenRouter).
        let usage = wire_usage.and_then(super::usage::WireUsage::into_usage);
        return Ok(EventFacts { error: Some(read_error(data)), usage, ..EventFacts::default() });
    }
    let finish_reason = choices.iter().find_map(|choice| choice.finish_reason.0.clone());
    if finish_reason.is_some() {
        watch.finished(data);
    }
    Ok(EventFacts {
        useful: choices.iter().any(|choice| choice.delta.as_ref().is_some_and(super::chunk::Delta::is_useful)),
        finish: finish_reason.as_deref().map(stop_reason),
        usage_only: choices.is_empty() && wire_usage.is_some(),
        usage: wire_usage.and_then(super::usage::WireUsage::into_usage),
        error: None,
        done: false,
    })
}

/// Appends the text that a chunk delivered. A chunk that can't be read delivered none.
pub fn delivered_text(data: &[u8], into: &mut String) {
    if let Ok(chunk) = serde_json::from_slice::<SpokenChoices>(data) {
        chunk.append_to(into);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(data: &str) -> EventFacts {
        let full = read_chunk(data.as_bytes(), Reading::Full, &mut UsageWatch::default()).unwrap();
        let quick = read_chunk(data.as_bytes(), Reading::AfterCommit, &mut UsageWatch::default()).unwrap();
        assert_eq!(EventFacts { useful: quick.useful, ..full.clone() }, quick, "both readings see the same end, usage and error: {data}");
        full
    }

    #[test]
    fn a_role_or_empty_content_is_preamble() {
        for delta in
            [r#"{"role":"assistant","content":""}"#, "{}", r#"{"content":null}"#, r#"{"role":"assistant"}"#, r#"{"tool_calls":[]}"#]
        {
            assert!(
                !facts(&format!(r#"{{"choices":[{{"index":0,"delta":{delta},"finish_reason":null}}],"usage":null}}"#)).useful,
                "{delta}"
            );
        }
    }

    #[test]
    fn text_reasoning_tool_calls_refusals_and_audio_are_useful() {
        let deltas = [
            r#"{"content":"a"}"#,
            r#"{"content":[{"type":"text","text":"a"}]}"#,
            r#"{"reasoning_content":"a"}"#,
            r#"{"reasoning":"a"}"#,
            r#"{"refusal":"a"}"#,
            r#"{"tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":""}}]}"#,
            r#"{"function_call":{"name":"f"}}"#,
            r#"{"audio":{"data":"AAAA"}}"#,
        ];
        for delta in deltas {
            assert!(facts(&format!(r#"{{"choices":[{{"delta":{delta}}}]}}"#)).useful, "{delta}");
        }
    }

    #[test]
    fn ends_usage_and_errors_are_seen_without_parsing_every_chunk() {
        assert!(facts(r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#).finish.is_some());
        assert!(facts(r#"{"choices":[{"delta":{"content":"\"usage\": {"},"finish_reason": null}]}"#).finish.is_none());
        let usage = facts(r#"{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":3}}"#);
        assert!(usage.usage_only && usage.usage.is_some_and(|usage| usage.output_tokens == 3));
        assert!(
            facts(r#"{"choices":[{"delta":{},"finish_reason":"stop"}],"x_groq":{"usage":{"prompt_tokens":1,"completion_tokens":1}}}"#)
                .usage
                .is_some()
        );
        assert_eq!(
            facts(r#"{"error":{"message":"no","code":"server_error"}}"#).error.and_then(|error| error.code),
            Some("server_error".to_owned())
        );
        assert!(!facts(r#"{"choices":[],"prompt_filter_results":[{"x":1}]}"#).usage_only, "Azure's first chunk");
        assert_eq!(facts(r#"{"detail":"gone"}"#).error.map(|error| error.message), Some("gone".to_owned()));
        assert!(facts(r#"{"choices":null,"base_resp":{"status_code":1008,"status_msg":"no money"}}"#).error.is_some());
        assert!(facts(r#"{"choices":[],"message":"gone"}"#).error.is_some());
        assert!(facts("[DONE]").done && facts(" [DONE] ").done);
    }

    #[test]
    fn garbage_is_not_a_chunk() {
        for data in ["", "hello", "[]x", "{\"choices\":", "<html>", "42"] {
            assert!(read_chunk(data.as_bytes(), Reading::Full, &mut UsageWatch::default()).is_err(), "{data}");
            assert!(read_chunk(data.as_bytes(), Reading::AfterCommit, &mut UsageWatch::default()).is_err(), "{data}");
        }
    }

    #[test]
    fn delivered_text_is_all_that_costs_tokens() {
        let mut text = String::new();
        delivered_text(
            br#"{"choices":[{"delta":{"content":"a","reasoning_content":"b","tool_calls":[{"function":{"name":"f","arguments":"{}"}}]}}]}"#,
            &mut text,
        );
        assert_eq!(text, "baf{}");
    }
}

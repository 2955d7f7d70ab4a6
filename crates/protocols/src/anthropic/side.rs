//! The side-reader of a stream that passes by: what each event means, at the least cost.

use std::sync::LazyLock;

use bytes::BytesMut;
use easyai_core::error::ErrorCode;
use memchr::memmem::Finder;
use serde::Deserialize;

use super::error::write_error;
use super::stop::read_stop;
use super::usage::WireUsage;
use super::wire::{Block, BlockKind, Delta, EventKind, read_event};
use crate::conversation::StopReason;
use crate::openai::error::read_error;
use crate::openai::lenient::{Object, Present, Text, Word};
use crate::wire::{BadEvent, EventFacts, Reading, SideReader};

/// How nearly all events between the first and the last begin. They tell nothing after the commit.
const BLOCK_EVENT: &[u8] = b"{\"type\":\"content_block_";

/// `message_start`, `message_delta`, `message_stop`, and errors. Inside text quotes are escaped: what is found there costs a look, no more.
static TELLING: LazyLock<[Finder<'static>; 2]> = LazyLock::new(|| [Finder::new("\"message_"), Finder::new("\"error\"")]);

/// Looks at events that pass by. Usage is told from the last event on: what `message_start` counts of the output is no count of an answer.
#[derive(Debug, Default)]
pub struct Side {
    usage: WireUsage,
    /// Why it ends, if the beginning told that already and nothing else did.
    told_early: Option<StopReason>,
}

impl SideReader for Side {
    fn event(&mut self, data: &[u8], reading: Reading) -> Result<EventFacts, BadEvent> {
        match reading {
            Reading::AfterCommit if looks_whole(data) && !tells_something(data) => Ok(EventFacts::default()),
            Reading::AfterCommit | Reading::Full => self.parse(data),
        }
    }

    fn error(&mut self, code: ErrorCode, message: &str, out: &mut BytesMut) {
        write_error(code, message, out);
    }
}

fn looks_whole(data: &[u8]) -> bool {
    data.first() == Some(&b'{') && data.last() == Some(&b'}')
}

fn tells_something(data: &[u8]) -> bool {
    !data.starts_with(BLOCK_EVENT) && TELLING.iter().any(|finder| finder.find(data).is_some())
}

impl Side {
    fn parse(&mut self, data: &[u8]) -> Result<EventFacts, BadEvent> {
        // Not Anthropic's, but some compatible hosts add it.
        if data.trim_ascii() == b"[DONE]" {
            return Ok(EventFacts { done: true, ..EventFacts::default() });
        }
        let event = read_event(data)?;
        let mut facts = EventFacts::default();
        match event.kind {
            EventKind::MessageStart => {
                let message = event.message.0.unwrap_or_default();
                self.usage.replace(message.usage.0.unwrap_or_default());
                facts.useful = message.content.is_some_and(|content| content.0.iter().any(block_is_useful));
                self.told_early = message.stop_reason.0.as_deref().map(read_stop);
            }
            EventKind::ContentBlockStart => facts.useful = event.content_block.0.is_some_and(|block| block_is_useful(&block)),
            EventKind::ContentBlockDelta => facts.useful = event.delta.0.is_some_and(|delta| delta_is_useful(&delta)),
            EventKind::MessageDelta => {
                facts.finish = event.delta.0.and_then(|delta| delta.stop_reason.0).as_deref().map(read_stop);
                self.told_early = self.told_early.filter(|_| facts.finish.is_none());
                if let Some(usage) = event.usage.0 {
                    self.usage.replace(usage);
                    facts.usage = self.usage.into_usage();
                }
            }
            EventKind::MessageStop => (facts.done, facts.finish) = (true, self.told_early.take()),
            EventKind::Error => facts.error = Some(read_error(data)),
            EventKind::Other if event.error.0 => facts.error = Some(read_error(data)),
            EventKind::ContentBlockStop | EventKind::Other => {}
        }
        Ok(facts)
    }
}

fn block_is_useful(block: &Block) -> bool {
    match block.kind {
        BlockKind::ToolUse | BlockKind::ProviderToolUse => true,
        BlockKind::Text => !block.text.0.is_empty(),
        BlockKind::Thinking => !block.thinking.0.is_empty(),
        BlockKind::RedactedThinking | BlockKind::Other => false,
    }
}

/// A signature alone is not: thinking that is not shown sends it before anything is said.
const fn delta_is_useful(delta: &Delta) -> bool {
    !delta.text.0.is_empty() || !delta.thinking.0.is_empty() || !delta.partial_json.0.is_empty()
}

/// The text of an event, for counting.
#[derive(Deserialize)]
struct Spoken {
    #[serde(default)]
    content_block: Object<SpokenBlock>,
    #[serde(default)]
    delta: Object<SpokenDelta>,
    #[serde(default)]
    error: Present,
}

#[derive(Deserialize)]
struct SpokenBlock {
    #[serde(default)]
    text: Text,
    #[serde(default)]
    thinking: Text,
    #[serde(default)]
    name: Word,
}

#[derive(Deserialize)]
struct SpokenDelta {
    #[serde(default)]
    text: Text,
    #[serde(default)]
    thinking: Text,
    #[serde(default)]
    partial_json: Text,
}

/// Appends the text that an event delivered. An event that can't be read delivered none.
pub fn delivered_text(data: &[u8], into: &mut String) {
    let Ok(spoken) = serde_json::from_slice::<Spoken>(data) else { return };
    if spoken.error.0 {
        return;
    }
    if let Some(block) = spoken.content_block.0 {
        [block.thinking.0, block.text.0, block.name.0.unwrap_or_default()].iter().for_each(|text| into.push_str(text));
    }
    if let Some(delta) = spoken.delta.0 {
        [delta.thinking.0, delta.text.0, delta.partial_json.0].iter().for_each(|text| into.push_str(text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(side: &mut Side, data: &str) -> EventFacts {
        let mut other = Side { ..*side };
        let quick = other.event(data.as_bytes(), Reading::AfterCommit).unwrap();
        let full = side.event(data.as_bytes(), Reading::Full).unwrap();
        assert_eq!(EventFacts { useful: quick.useful, ..full.clone() }, quick, "both readings see the same end, usage and error: {data}");
        full
    }

    #[test]
    fn what_is_said_commits_and_what_frames_it_does_not() {
        let check = |useful: bool, data: &str| assert_eq!(facts(&mut Side::default(), data).useful, useful, "{data}");
        check(false, r#"{"type":"message_start","message":{"id":"msg_1","content":[],"usage":{"input_tokens":10,"output_tokens":1}}}"#);
        check(false, r#"{"type":"ping"}"#);
        check(false, r#"{"type":"new_event","delta":{"type":"text_delta","text":"a"}}"#);
        check(false, r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#);
        check(false, r#"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}"#);
        check(false, r#"{"type":"content_block_start","index":0,"content_block":{"type":"redacted_thinking","data":"abc"}}"#);
        check(false, r#"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"abc"}}"#);
        check(false, r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":""}}"#);
        check(false, r#"{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":""}}"#);
        check(false, r#"{"type":"content_block_stop","index":0}"#);
        check(true, r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}}"#);
        check(true, r#"{ "delta": {"text": "a", "type": "text_delta"}, "index": 0, "type": "content_block_delta" }"#);
        check(true, r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"a"}}"#);
        check(true, r#"{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{"}}"#);
        check(true, r#"{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"t","name":"f","input":{}}}"#);
        check(true, r#"{"type":"content_block_start","index":1,"content_block":{"type":"server_tool_use","id":"t","name":"web_search"}}"#);
        check(true, r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":"a"}}"#);
    }

    #[test]
    fn the_end_brings_the_usage_of_both_ends() {
        let mut side = Side::default();
        let start = r#"{"type":"message_start","message":{"usage":{"input_tokens":10,"cache_read_input_tokens":100,"output_tokens":1}}}"#;
        assert_eq!(facts(&mut side, start), EventFacts::default(), "one token of output is no count yet");
        let end = facts(&mut side, r#"{"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 7}}"#);
        assert_eq!(end.finish, Some(StopReason::ToolCalls));
        let usage = end.usage.unwrap();
        assert_eq!((usage.input_tokens, usage.cached_input_tokens, usage.output_tokens), (110, 100, 7));
        let corrected = r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"input_tokens":61,"output_tokens":8}}"#;
        let usage = facts(&mut side, corrected).usage.unwrap();
        assert_eq!((usage.input_tokens, usage.output_tokens), (161, 8));
        assert_eq!(facts(&mut side, r#"{"type":"message_delta","delta":{"stop_reason":null}}"#), EventFacts::default());
        assert!(facts(&mut side, r#"{"type":"message_stop"}"#).done);
        assert!(side.event(b" [DONE]", Reading::AfterCommit).unwrap().done);
    }

    #[test]
    fn a_beginning_may_hold_the_whole_answer() {
        let mut side = Side::default();
        let start = r#"{"type":"message_start","message":{"content":[{"type":"tool_use","id":"t","name":"f","input":{}}],"stop_reason":"tool_use"}}"#;
        let begun = facts(&mut side, start);
        assert_eq!((begun.useful, begun.finish), (true, None), "the rest may still come");
        let end = facts(&mut side, r#"{"type":"message_stop"}"#);
        assert_eq!((end.done, end.finish), (true, Some(StopReason::ToolCalls)));
        facts(&mut side, start);
        facts(&mut side, r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"}}"#);
        assert_eq!(facts(&mut side, r#"{"type":"message_stop"}"#).finish, None, "it has been told");
    }

    #[test]
    fn errors_are_seen_in_every_shape() {
        let mut side = Side::default();
        let kind = |facts: EventFacts| facts.error.map(|error| (error.kind.unwrap_or_default(), error.message));
        let overloaded = r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_1"}"#;
        assert_eq!(kind(facts(&mut side, overloaded)), Some(("overloaded_error".to_owned(), "Overloaded".to_owned())));
        assert_eq!(kind(facts(&mut side, r#"{"error":{"message":"no"}}"#)), Some((String::new(), "no".to_owned())));
        let text = r#"{"type":"content_block_delta","delta":{"type":"text_delta","text":"\"error\" \"message_stop\""}}"#;
        assert_eq!(facts(&mut side, text), EventFacts { useful: true, ..EventFacts::default() });
        let spaced = r#"{"type": "content_block_delta","delta":{"type":"text_delta","text":"\"error\" \"message_stop\""}}"#;
        assert_eq!(facts(&mut side, spaced), EventFacts { useful: true, ..EventFacts::default() });
    }

    #[test]
    fn garbage_is_no_event() {
        for data in ["", "hello", "[]x", "{\"type\":", "<html>", "42"] {
            for reading in [Reading::Full, Reading::AfterCommit] {
                assert!(Side::default().event(data.as_bytes(), reading).is_err(), "{data}");
            }
        }
    }

    #[test]
    fn delivered_text_is_all_that_costs_tokens() {
        let mut text = String::new();
        for data in [
            r#"{"type":"message_start","message":{"content":[]}}"#,
            r#"{"type":"content_block_delta","delta":{"type":"thinking_delta","thinking":"a"}}"#,
            r#"{"type":"content_block_delta","delta":{"type":"signature_delta","signature":"xxx"}}"#,
            r#"{"type":"content_block_delta","delta":{"type":"text_delta","text":"b"}}"#,
            r#"{"type":"content_block_start","content_block":{"type":"tool_use","id":"t","name":"f","input":{}}}"#,
            r#"{"type":"content_block_delta","delta":{"type":"input_json_delta","partial_json":"{}"}}"#,
            r#"{"type":"error","error":{"message":"no"}}"#,
            "garbage",
        ] {
            delivered_text(data.as_bytes(), &mut text);
        }
        assert_eq!(text, "abf{}");
    }
}

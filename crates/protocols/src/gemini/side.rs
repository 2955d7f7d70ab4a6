//! The side-reader of a stream: what each chunk means. The bytes themselves pass by.

use std::sync::LazyLock;

use bytes::BytesMut;
use easyai_core::error::ErrorCode;
use memchr::memmem::Finder;

use super::chunk::{self, Chunk, PromptFeedback};
use super::finish::{Delivered, blocked, stop_reason};
use super::frame::Framer;
use super::shape::{List, Object};
use super::usage::WireUsage;
use crate::openai::error::read_error;
use crate::openai::lenient::{Present, Word};
use crate::request::Framing;
use crate::wire::{BadEvent, EventFacts, Reading, SideReader};

/// What makes a chunk worth reading after the commit. Nearly every chunk counts usage, and only the last count is right.
static TELLING: LazyLock<[Finder<'static>; 5]> = LazyLock::new(|| {
    [
        Finder::new("\"usageMetadata\""),
        Finder::new("\"finishReason\""),
        Finder::new("\"error\""),
        Finder::new("\"promptFeedback\""),
        Finder::new("\"functionCall\""),
    ]
});

/// Looks at the chunks of one stream as they pass by.
#[derive(Debug, Default)]
pub struct Side {
    framing: Framing,
    usage: WireUsage,
    delivered: Delivered,
}

/// A chunk, without what it says.
#[derive(Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct SideChunk {
    error: Present,
    candidates: List<Object<SideCandidate>>,
    prompt_feedback: Object<PromptFeedback>,
    usage_metadata: Object<WireUsage>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct SideCandidate {
    content: Object<SideContent>,
    finish_reason: Word,
    finish_message: Word,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct SideContent {
    parts: List<Object<SidePart>>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct SidePart {
    text: Present,
    function_call: Present,
    inline_data: Present,
    file_data: Present,
    executable_code: Present,
    code_execution_result: Present,
}

impl SidePart {
    const fn is_useful(&self) -> bool {
        self.text.0
            || self.function_call.0
            || self.inline_data.0
            || self.file_data.0
            || self.executable_code.0
            || self.code_execution_result.0
    }
}

impl Side {
    /// A side-reader whose own failure is put together as the caller's stream is; [`Side::default`] is for events.
    #[must_use]
    pub fn new(framing: Framing) -> Self {
        Self { framing, ..Self::default() }
    }

    fn chunk(&mut self, data: &[u8], facts: &mut EventFacts) -> Result<(), serde_json::Error> {
        let chunk: SideChunk = serde_json::from_slice(data)?;
        if let Some(usage) = chunk.usage_metadata.0 {
            facts.usage = self.usage.merged(usage);
            self.delivered.counted |= facts.usage.is_some_and(|usage| usage.output_tokens > 0);
        }
        if chunk.error.0 {
            facts.error = Some(read_error(data));
            return Ok(());
        }
        let parts =
            || chunk.candidates.iter().filter_map(|candidate| candidate.content.0.as_ref()).flat_map(|content| content.parts.iter());
        let useful = parts().any(SidePart::is_useful);
        self.delivered.anything |= useful;
        self.delivered.call |= parts().any(|part| part.function_call.0);
        facts.useful |= useful;
        if let Some((candidate, word)) = chunk.candidates.iter().find_map(|one| Some((one, one.finish_reason.0.as_deref()?))) {
            match stop_reason(word, candidate.finish_message.0.as_deref(), self.delivered) {
                Ok(reason) => facts.finish = Some(reason),
                Err(error) => facts.error = Some(error),
            }
        }
        let feedback = chunk.prompt_feedback.0.unwrap_or_default();
        if let Some(reason) = feedback.block_reason.0.filter(|_| !self.delivered.anything) {
            facts.error = Some(blocked(&reason, feedback.block_reason_message.0.as_deref()));
        }
        Ok(())
    }
}

impl SideReader for Side {
    fn event(&mut self, data: &[u8], reading: Reading) -> Result<EventFacts, BadEvent> {
        let mut facts = EventFacts::default();
        let looks_whole = data.first() == Some(&b'{') && data.last() == Some(&b'}');
        if reading == Reading::AfterCommit && looks_whole && TELLING.iter().all(|finder| finder.find(data).is_none()) {
            self.delivered.anything = true;
            return Ok(facts);
        }
        let bad = |error: serde_json::Error| BadEvent(error.to_string());
        for object in chunk::objects(data).map_err(bad)? {
            self.chunk(object, &mut facts).map_err(bad)?;
        }
        Ok(facts)
    }

    fn error(&mut self, code: ErrorCode, message: &str, out: &mut BytesMut) {
        Framer::begun(self.framing).error(code, message, out);
    }
}

/// Appends the text that a chunk delivered, thoughts and calls included. A chunk that can't be read delivered none.
pub fn delivered_text(data: &[u8], into: &mut String) {
    for object in chunk::objects(data).unwrap_or_default() {
        let Ok(chunk) = serde_json::from_slice::<Chunk>(object) else { continue };
        let contents = chunk.candidates.objects().filter_map(|candidate| candidate.content.0);
        for part in contents.flat_map(|content| content.parts.objects()) {
            into.push_str(&part.text.0.unwrap_or_default());
            if let Some(call) = part.function_call.0 {
                into.push_str(&call.name.0.unwrap_or_default());
                into.push_str(call.args.as_ref().map_or("", |args| args.get()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conversation::StopReason;

    /// Facts of the last of these events, which both readings must agree on.
    fn facts(events: &[&str]) -> EventFacts {
        let run = |last: Reading| {
            let mut side = Side::default();
            let (end, before) = events.split_last().unwrap();
            for event in before {
                side.event(event.as_bytes(), Reading::Full).unwrap();
            }
            side.event(end.as_bytes(), last).unwrap()
        };
        let (full, quick) = (run(Reading::Full), run(Reading::AfterCommit));
        assert_eq!(EventFacts { useful: quick.useful, ..full.clone() }, quick, "{events:?}");
        full
    }

    fn part(part: &str) -> String {
        format!(r#"{{"candidates":[{{"content":{{"parts":[{part}],"role":"model"}},"index":0}}],"modelVersion":"m"}}"#)
    }

    fn finish(reason: &str) -> String {
        format!(r#"{{"candidates":[{{"content":{{"parts":[{{"text":""}}]}},"finishReason":"{reason}"}}]}}"#)
    }

    #[test]
    fn text_thoughts_calls_and_data_are_useful() {
        for useful in [
            r#"{"text":"a"}"#,
            r#"{"text":"a","thought":true}"#,
            r#"{"functionCall":{"name":"f"}}"#,
            r#"{"inlineData":{"mimeType":"image/png","data":"AA=="}}"#,
            r#"{"executableCode":{"code":"1"}}"#,
        ] {
            assert!(facts(&[&part(useful)]).useful, "{useful}");
        }
        for preamble in ["", r#"{"text":""}"#, r#"{"text":"","thoughtSignature":"s"}"#, "{}", "null", r#"{"functionCall":null}"#] {
            assert!(!facts(&[&part(preamble)]).useful, "{preamble}");
        }
        assert_eq!(facts(&[r#"{"candidates":[]}"#]), EventFacts::default());
    }

    #[test]
    fn an_end_may_come_with_the_last_text_and_more_than_once() {
        let whole = r#"{"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":1,"candidatesTokenCount":2}}"#;
        let found = facts(&[whole]);
        assert_eq!((found.useful, found.finish, found.usage.map(|usage| usage.output_tokens)), (true, Some(StopReason::Stop), Some(2)));
        assert_eq!(facts(&[whole, &finish("STOP")]).finish, Some(StopReason::Stop));
        assert_eq!(facts(&[&part(r#"{"functionCall":{"name":"f"}}"#), &finish("STOP")]).finish, Some(StopReason::ToolCalls));
        assert_eq!(facts(&[&finish("MAX_TOKENS")]).finish, Some(StopReason::Length));
        assert_eq!(facts(&[&part(r#"{"text":"a"}"#), &finish("SAFETY")]).finish, Some(StopReason::ContentFilter));
        assert_eq!(facts(&[&part(r#"{"text":"a"}"#), &finish("MALFORMED_FUNCTION_CALL")]).finish, Some(StopReason::Stop));
    }

    #[test]
    fn what_delivered_nothing_failed() {
        let code = |events: &[&str]| facts(events).error.and_then(|error| error.code);
        assert_eq!(code(&[&finish("MALFORMED_FUNCTION_CALL")]).as_deref(), Some("MALFORMED_FUNCTION_CALL"));
        assert_eq!(code(&[&finish("SAFETY")]).as_deref(), Some("SAFETY"));
        assert_eq!(code(&[&finish("STOP")]).as_deref(), Some("EMPTY_ANSWER"));
        assert_eq!(
            code(&[r#"{"promptFeedback":{"blockReason":"OTHER"},"usageMetadata":{"promptTokenCount":4}}"#]).as_deref(),
            Some("OTHER")
        );
        assert_eq!(code(&[r#"{"error":{"code":503,"message":"m","status":"UNAVAILABLE"}}"#]).as_deref(), Some("503"));
        assert_eq!(code(&["[{\n\"error\":{\"code\":503}}\n]"]).as_deref(), Some("503"));
    }

    #[test]
    fn usage_is_merged_over_the_stream() {
        let usage = facts(&[
            r#"{"usageMetadata":{"promptTokenCount":15,"thoughtsTokenCount":3}}"#,
            r#"{"usageMetadata":{"promptTokenCount":13,"candidatesTokenCount":2}}"#,
        ]);
        let usage = usage.usage.unwrap();
        assert_eq!((usage.input_tokens, usage.output_tokens, usage.reasoning_tokens), (13, 5, 3));
    }

    #[test]
    fn garbage_is_no_chunk() {
        for data in ["", "hello", "42", "\"x\"", "null", "{\"candidates\":", "[1]", "[{]"] {
            for reading in [Reading::Full, Reading::AfterCommit] {
                assert!(Side::default().event(data.as_bytes(), reading).is_err(), "{data}");
            }
        }
    }

    #[test]
    fn a_failure_fits_the_stream_it_ends() {
        let write = |framing| {
            let mut out = BytesMut::new();
            Side::new(framing).error(ErrorCode::UpstreamError, "m", &mut out);
            String::from_utf8(out.to_vec()).unwrap()
        };
        let (events, array) = (write(Framing::Events), write(Framing::Array));
        assert!(events.starts_with(r#"data: {"error":{"code":502,"#) && events.ends_with("\r\n\r\n"));
        assert!(array.starts_with(",\r\n{\"error\":") && array.ends_with("}]"));
    }

    #[test]
    fn delivered_text_is_all_that_costs_tokens() {
        let mut text = String::new();
        let parts = r#"{"text":"a"},{"text":"b","thought":true},{"functionCall":{"name":"f","args":{"x":1}}}"#;
        delivered_text(part(parts).as_bytes(), &mut text);
        delivered_text(b"junk", &mut text);
        assert_eq!(text, r#"abf{"x":1}"#);
    }
}

//! A chat upstream's whole answer: in the inner form, or only what it says beside its text where the bytes pass by.

use super::chunk::SpokenChoices;
use super::delta::{BaseResp, Choice, Whole};
use super::error::read_error;
use super::lenient::{Maybe, Present};
use super::stream_reader::Reader;
use super::usage::WireUsage;
use crate::conversation::{Answer, Collector, StopReason};
use crate::wire::{AnswerFacts, BadAnswer};

#[derive(serde::Deserialize)]
struct Wire {
    #[serde(default)]
    error: Present,
    #[serde(default)]
    choices: Option<Vec<Beginning>>,
    #[serde(default)]
    usage: Maybe<WireUsage>,
    #[serde(default)]
    base_resp: Maybe<BaseResp>,
}

#[derive(serde::Deserialize)]
struct Beginning {
    #[serde(default)]
    message: Present,
    #[serde(default)]
    finish_reason: Present,
    /// OpenRouter's: the provider behind it failed.
    #[serde(default)]
    error: Present,
}

/// Reads the body of a 200 that passes by.
///
/// # Errors
/// [`BadAnswer`] if it holds no answer.
pub fn answer_facts(body: &[u8]) -> Result<AnswerFacts, BadAnswer> {
    let wire: Wire = serde_json::from_slice(body).map_err(|error| BadAnswer::Unparseable(error.to_string()))?;
    if wire.error.0 {
        return Err(BadAnswer::Error(read_error(body)));
    }
    let choices = wire.choices.unwrap_or_default();
    if choices.is_empty() && wire.base_resp.0.is_some_and(|base| base.failed()) {
        return Err(BadAnswer::Error(read_error(body)));
    }
    if choices.iter().any(|choice| choice.error.0) && delivered_text(body).is_empty() {
        return Err(BadAnswer::Error(read_error(body)));
    }
    if !choices.iter().any(|choice| choice.message.0 || choice.finish_reason.0) {
        return Err(BadAnswer::Empty);
    }
    Ok(AnswerFacts { usage: wire.usage.0.and_then(WireUsage::into_usage) })
}

/// Reads the body of a 200 into the inner form. A message is a stream's only delta: so both are read by one reader.
///
/// # Errors
/// [`BadAnswer`] if it holds no answer.
pub fn read_answer(body: &[u8]) -> Result<Answer, BadAnswer> {
    let whole: Whole = serde_json::from_slice(body).map_err(|error| BadAnswer::Unparseable(error.to_string()))?;
    if whole.is_error() {
        return Err(BadAnswer::Error(read_error(body)));
    }
    if !whole.choices.as_ref().is_some_and(|choices| choices.0.iter().any(Choice::is_answer)) {
        return Err(BadAnswer::Empty);
    }
    let (mut reader, mut events, mut collector) = (Reader::default(), Vec::new(), Collector::default());
    reader.take(whole, &mut events);
    reader.stop(StopReason::Stop, &mut events);
    events.into_iter().for_each(|event| collector.push(event));
    Ok(collector.finish())
}

/// All text of an answer, for counting what an upstream did not count.
#[must_use]
pub fn delivered_text(body: &[u8]) -> String {
    let mut text = String::new();
    if let Ok(answer) = serde_json::from_slice::<SpokenChoices>(body) {
        answer.append_to(&mut text);
    }
    text
}

#[cfg(test)]
mod tests {
    use easyai_core::usage::{Usage, UsageSource};
    use proptest::prelude::*;

    use super::*;
    use crate::conversation::{Citation, Opaque, OpaqueOwner, Part, Reasoning, Stop, Text, ToolCall};

    #[test]
    fn answers_are_told_from_what_only_looks_like_one() {
        let good = br#"{"id":"x","choices":[{"message":{"content":"hi"}}],"usage":{"prompt_tokens":1,"completion_tokens":2},"new_field":[1,{"a":2}]}"#;
        assert!(answer_facts(good).unwrap().usage.is_some());
        assert_eq!(delivered_text(good), "hi");
        assert_eq!(answer_facts(br#"{"choices":[{"message":{"content":"a"}}],"error":null}"#), Ok(AnswerFacts { usage: None }));
        for body in [&br#"{"choices":[]}"#[..], b"{}", br#"{"choices":[{}]}"#] {
            assert_eq!((answer_facts(body), read_answer(body)), (Err(BadAnswer::Empty), Err(BadAnswer::Empty)));
        }
        for error in [
            &br#"{"error":{"message":"no"}}"#[..],
            br#"{"choices":null,"base_resp":{"status_code":1004,"status_msg":"login fail"}}"#,
            br#"{"choices":[{"message":{"role":"assistant","content":""},"finish_reason":"error","error":{"code":502,"message":"gone"}}]}"#,
        ] {
            assert!(matches!((answer_facts(error), read_answer(error)), (Err(BadAnswer::Error(_)), Err(BadAnswer::Error(_)))));
        }
        let partly = br#"{"choices":[{"message":{"content":"a"},"finish_reason":"error","error":{"code":502,"message":"gone"}}]}"#;
        assert!(answer_facts(partly).is_ok() && read_answer(partly).is_ok(), "what was said was said");
        for body in ["", "<html>", "{\"choices\":[", "\"text\""] {
            assert!(matches!(answer_facts(body.as_bytes()), Err(BadAnswer::Unparseable(_))), "{body}");
            assert!(matches!(read_answer(body.as_bytes()), Err(BadAnswer::Unparseable(_))), "{body}");
        }
    }

    const WHOLE: &str = r#"{"id":"chatcmpl-1","object":"chat.completion","created":1760000000,"model":"m-1","choices":[
        {"index":0,"finish_reason":"tool_calls","logprobs":null,"message":{"role":"assistant","content":"hi","refusal":null,
         "reasoning_content":"hm","audio":{"id":"a","data":"AAAA","transcript":"t"},
         "annotations":[{"type":"url_citation","url_citation":{"url":"https://x","title":"X","start_index":0,"end_index":2}}],
         "tool_calls":[
            {"id":"call_1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"},"extra_content":{"google":{"thought_signature":"s"}}},
            {"id":"call_2","type":"custom","custom":{"name":"g","input":"free"}}]}},
        {"index":1,"finish_reason":"stop","message":{"content":"another"}}],
        "usage":{"prompt_tokens":9,"completion_tokens":3,"total_tokens":12}}"#;

    #[test]
    fn a_whole_answer_is_read_into_parts() {
        let citation = Citation { url: Some("https://x".to_owned()), title: Some("X".to_owned()), cited_text: None, span: Some((0, 2)) };
        let call = |id: &str, name: &str, arguments: &str| ToolCall {
            id: id.to_owned(),
            name: name.to_owned(),
            arguments: arguments.to_owned(),
            custom: false,
            opaque: None,
        };
        let opaque = Some(Opaque { owner: OpaqueOwner::Gemini, data: "s".to_owned() });
        let expected = Answer {
            id: Some("chatcmpl-1".to_owned()),
            model: Some("m-1".to_owned()),
            parts: vec![
                Part::Reasoning(Reasoning { text: "hm".to_owned(), opaque: None }),
                Part::Text(Text { citations: vec![citation], ..Text::plain("hi") }),
                Part::ToolCall(ToolCall { opaque, ..call("call_1", "f", "{\"a\":1}") }),
                Part::ToolCall(ToolCall { custom: true, ..call("call_2", "g", "free") }),
            ],
            stop: Stop { reason: StopReason::ToolCalls, sequence: None },
            usage: Some(Usage { source: UsageSource::Upstream, ..Usage::counted(9, 3) }),
        };
        assert_eq!(read_answer(WHOLE.as_bytes()), Ok(expected));
    }

    #[test]
    fn compatible_answers_are_read_in_spite_of_their_quirks() {
        let check = |choice: &str, parts: &str, reason: StopReason| {
            let answer = read_answer(format!(r#"{{"id":"x-7","choices":[{choice}],"usage":null}}"#).as_bytes()).unwrap();
            let parts_read: Vec<String> = answer.parts.iter().map(shown).collect();
            assert_eq!((parts_read.join(" "), answer.stop.reason), (parts.to_owned(), reason), "{choice}");
        };
        check(r#"{"message":{"content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}}"#, "text:ab", StopReason::Stop);
        check(r#"{"message":{"content":"a","reasoning":"r","reasoning_details":[{"text":"r"}]}}"#, "thought:r text:a", StopReason::Stop);
        check(r#"{"message":{"content":null,"refusal":"no"},"finish_reason":"stop"}"#, "refused:no", StopReason::Stop);
        check(
            r#"{"message":{"function_call":{"name":"f","arguments":"{}"}},"finish_reason":"function_call"}"#,
            "call_x7_0:f{}",
            StopReason::ToolCalls,
        );
        check(
            r#"{"message":{"tool_calls":[{"function":{"name":"f","arguments":{"a":1}}}]},"finish_reason":"eos"}"#,
            "call_x7_0:f{\"a\":1}",
            StopReason::ToolCalls,
        );
        check(
            r#"{"message":{"tool_calls":[{"function":{"name":"f","arguments":"{}"}},{"function":{"name":"f","arguments":"{}"}}]}}"#,
            "call_x7_0:f{} call_x7_1:f{}",
            StopReason::ToolCalls,
        );
        check(r#"{"message":{"content":""},"finish_reason":"stop","moderation_hit_type":"violence"}"#, "", StopReason::ContentFilter);
        check(
            r#"{"message":{"content":"a","tool_calls":null,"annotations":"none"},"finish_reason":"length"}"#,
            "text:a",
            StopReason::Length,
        );
    }

    fn shown(part: &Part) -> String {
        match part {
            Part::Text(text) => format!("text:{}", text.text),
            Part::Reasoning(reasoning) => format!("thought:{}", reasoning.text),
            Part::Refusal(text) => format!("refused:{text}"),
            Part::ToolCall(call) => format!("{}:{}{}", call.id, call.name, call.arguments),
            other => format!("{other:?}"),
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), at in 0..WHOLE.len(), byte in any::<u8>()) {
            let _ = read_answer(&bytes);
            let mut mutated = WHOLE.as_bytes().to_vec();
            mutated[at] = byte;
            let _ = (read_answer(&mutated), answer_facts(&mutated), delivered_text(&mutated));
        }
    }
}

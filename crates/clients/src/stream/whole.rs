//! A whole answer as a stream: for callers who asked for one when the upstream ignored that.

use bytes::{Bytes, BytesMut};
use easyai_protocols::openai::read_answer::answer_facts;
use easyai_protocols::sse::{DONE, write_frame};
use easyai_protocols::wire::BadAnswer;
use serde::Deserialize;
use serde_json::value::RawValue;

/// The members of an answer that a chunk has too.
#[derive(Deserialize)]
struct Whole<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    created: Option<&'a RawValue>,
    #[serde(borrow, default)]
    model: Option<&'a RawValue>,
    #[serde(borrow)]
    choices: Vec<WholeChoice<'a>>,
    #[serde(borrow, default)]
    usage: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct WholeChoice<'a> {
    #[serde(default)]
    index: u32,
    #[serde(borrow, default)]
    message: Option<&'a RawValue>,
    #[serde(borrow, default)]
    finish_reason: Option<&'a RawValue>,
}

#[derive(serde::Serialize)]
struct Chunk<'a> {
    id: Option<&'a RawValue>,
    object: &'static str,
    created: Option<&'a RawValue>,
    model: Option<&'a RawValue>,
    choices: Vec<Choice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<&'a RawValue>,
}

#[derive(serde::Serialize)]
struct Choice<'a> {
    index: u32,
    delta: Delta<'a>,
    finish_reason: Option<&'a RawValue>,
}

#[derive(serde::Serialize)]
#[serde(untagged)]
enum Delta<'a> {
    Message(&'a RawValue),
    Nothing {},
}

impl<'a> Whole<'a> {
    const fn chunk(&self, choices: Vec<Choice<'a>>, usage: Option<&'a RawValue>) -> Chunk<'a> {
        Chunk { id: self.id, object: "chat.completion.chunk", created: self.created, model: self.model, choices, usage }
    }
}

/// The frames of the stream that a whole answer would have been: each message in one delta, each end, usage, `[DONE]`.
///
/// # Errors
/// [`BadAnswer`] if it is no answer.
pub(crate) fn from_whole(body: &[u8]) -> Result<Bytes, BadAnswer> {
    answer_facts(body)?;
    let unparseable = |error: serde_json::Error| BadAnswer::Unparseable(error.to_string());
    let whole: Whole<'_> = serde_json::from_slice(body).map_err(unparseable)?;
    let mut frames = BytesMut::with_capacity(body.len() + 512);
    let mut add = |chunk: &Chunk<'_>| serde_json::to_vec(chunk).map(|json| write_frame(&mut frames, &json)).map_err(unparseable);
    for choice in &whole.choices {
        if let Some(message) = choice.message {
            add(&whole.chunk(vec![Choice { index: choice.index, delta: Delta::Message(message), finish_reason: None }], None))?;
        }
    }
    let ends =
        whole.choices.iter().map(|choice| Choice { index: choice.index, delta: Delta::Nothing {}, finish_reason: choice.finish_reason });
    add(&whole.chunk(ends.collect(), None))?;
    if whole.usage.is_some() {
        add(&whole.chunk(Vec::new(), whole.usage))?;
    }
    frames.extend_from_slice(DONE);
    Ok(frames.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_answer_becomes_deltas_an_end_usage_and_done() {
        let body = br#"{"id":"c","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}"#;
        let frames = String::from_utf8(from_whole(body).unwrap().to_vec()).unwrap();
        let lines: Vec<&str> = frames.split("\n\n").collect();
        assert!(lines[0].contains(r#""delta":{"role":"assistant","content":"hi"},"finish_reason":null"#), "{frames}");
        assert!(lines[1].contains(r#""delta":{},"finish_reason":"stop""#), "{frames}");
        assert!(lines[2].contains(r#""choices":[],"usage":{"prompt_tokens":1"#), "{frames}");
        assert_eq!(lines[3], "data: [DONE]");
        assert!(from_whole(br#"{"error":{"message":"no"}}"#).is_err());
    }
}

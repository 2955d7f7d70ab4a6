//! `POST /responses/compact`: a conversation made short. What comes back is the caller's next input: its user's messages, and one item that
//! only the upstream who made it can read. So it is only passed through; nobody else can do it in its place.
//!
//! Source: openai-python 3.54, `types/responses/response_compact_params.py` and `compacted_response.py`.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::members::Members;
use super::scan::scan_compact;
use super::usage::WireUsage;
use super::{call_state, expand, tolerant};
use crate::conversation::Opaque;
use crate::openai::error::read_error;
use crate::openai::lenient::Present;
use crate::request::{BadRequest, TextRequest, Unary};
use crate::wire::{AnswerFacts, BadAnswer, Protocol};

/// Checks a body, and says which response it goes on from. Whether it must bring input, the upstream knows.
///
/// # Errors
/// [`BadRequest`] names the first field that is wrong.
pub fn scan(body: Bytes) -> Result<(TextRequest, Option<String>), BadRequest> {
    let body = if Opaque::may_be_tagged_in(Protocol::Compaction, &body) { without_our_marks(&body).unwrap_or(body) } else { body };
    let (request, previous) = scan_compact(body)?;
    if request.scan.stream {
        return Err(BadRequest::field("stream", "must not be true: a conversation that was made short comes whole"));
    }
    Ok((TextRequest::unary(Unary::Compaction(Box::new(request))), previous))
}

/// The same where earlier responses can't be looked up.
///
/// # Errors
/// [`BadRequest`] names the first field that is wrong.
pub fn alone(body: Bytes) -> Result<TextRequest, BadRequest> {
    match scan(body)? {
        (request, None) => Ok(request),
        (_, Some(_)) => {
            Err(BadRequest::field("previous_response_id", "is known at POST /v1/responses/compact alone: send the whole input"))
        }
    }
}

/// The body without what other upstreams' turns left in it: state that we marked with its owner, and ids of items that we made. Who makes
/// conversations short knows neither, and refuses both. None if it can't be read, or its input is a text.
fn without_our_marks(body: &[u8]) -> Option<Bytes> {
    let mut members: Members<'_> = serde_json::from_slice(body).ok()?;
    let input = members.value("input")?;
    let items: Vec<Members<'_>> = serde_json::from_str(input.get()).ok()?;
    let foreign = |item: &Members<'_>| item.text("encrypted_content").is_some_and(|state| call_state::is_ours(&state));
    let items = items.into_iter().filter(|item| !foreign(item)).map(|mut item| {
        let is_reference = item.text("type").as_deref() == Some(expand::REFERENCE);
        if !is_reference && item.text("id").is_some_and(|id| expand::is_ours(&id)) {
            item.remove("id");
        }
        item
    });
    members.set("input", &items.collect::<Vec<_>>());
    Some(members.written())
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wire<'a> {
    error: Present,
    #[serde(borrow, deserialize_with = "tolerant::maybe")]
    output: Option<Vec<&'a RawValue>>,
    #[serde(deserialize_with = "tolerant::maybe")]
    usage: Option<WireUsage>,
}

/// Looks at the body of a 200.
///
/// # Errors
/// [`BadAnswer`] if it has no output to go on from.
pub fn answer_facts(body: &[u8]) -> Result<AnswerFacts, BadAnswer> {
    let wire: Wire<'_> = serde_json::from_slice(body).map_err(|error| BadAnswer::Unparseable(error.to_string()))?;
    match wire.output {
        Some(_) if !wire.error.0 => Ok(AnswerFacts { usage: wire.usage.and_then(WireUsage::into_usage) }),
        None if !wire.error.0 => Err(BadAnswer::Empty),
        Some(_) | None => Err(BadAnswer::Error(read_error(body))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::StreamUsage;

    fn asked(body: &'static str) -> Result<(TextRequest, Option<String>), BadRequest> {
        scan(Bytes::from_static(body.as_bytes()))
    }

    #[test]
    fn a_conversation_is_sent_on_to_be_made_short() {
        let body = r#"{"model":"m","input":"12345678","instructions":"1234","previous_response_id":"resp_1","image":{}}"#;
        let (request, previous) = asked(body).unwrap();
        assert_eq!((request.protocol, request.scan.prompt_tokens), (Protocol::Compaction, 2 + 1 + 4));
        assert_eq!(previous.as_deref(), Some("resp_1"));
        let sent = request.outbound("up", StreamUsage::Ask).concat();
        assert_eq!(String::from_utf8_lossy(&sent), body.replace(r#""m""#, r#""up""#));
        assert!(asked(r#"{"model":"m"}"#).is_ok(), "what must be there the upstream says");
    }

    #[test]
    fn what_another_provider_left_in_it_stays_here() {
        let check = |body: &'static str, sent: &str| {
            let outbound = asked(body).unwrap().0.outbound("m", StreamUsage::Leave).concat();
            assert_eq!(String::from_utf8_lossy(&outbound), sent);
        };
        check(
            r#"{"input":[{"type":"reasoning","id":"rs_easyai_1_00","summary":[],"encrypted_content":"easyai:1:gemini:x"},{"type":"message","id":"msg_easyai_1_01","role":"assistant","content":"a"},{"type":"reasoning","id":"rs_1","encrypted_content":"gAAA"}],"model":"m"}"#,
            r#"{"input":[{"type":"message","role":"assistant","content":"a"},{"type":"reasoning","id":"rs_1","encrypted_content":"gAAA"}],"model":"m"}"#,
        );
        let about_us = r#"{ "input" : "what is easyai?", "model":"m" }"#;
        check(about_us, about_us);
    }

    #[test]
    fn a_wrong_field_is_named() {
        let check = |body: &'static str, param: &str| assert_eq!(asked(body).expect_err(body).param.as_deref(), Some(param), "{body}");
        check(r#"{"input":"a"}"#, "model");
        check(r#"{"model":"m","stream":true}"#, "stream");
        check(r#"{"model":"m","input":7}"#, "input");
        check(r#"{"model":"m","conversation":"conv_1"}"#, "conversation");
        let later = alone(Bytes::from_static(br#"{"model":"m","previous_response_id":"resp_1"}"#));
        assert_eq!(later.unwrap_err().param.as_deref(), Some("previous_response_id"));
    }

    #[test]
    fn an_answer_has_output_and_its_usage_is_read() {
        let answer = br#"{"object":"response.compaction","output":[{"type":"compaction"}],"usage":{"input_tokens":9,"output_tokens":3}}"#;
        let usage = answer_facts(answer).unwrap().usage.unwrap();
        assert_eq!((usage.input_tokens, usage.output_tokens), (9, 3));
        assert_eq!(answer_facts(br#"{"output":[],"usage":null}"#).unwrap().usage, None);
        assert_eq!(answer_facts(b"{}"), Err(BadAnswer::Empty));
        assert!(matches!(answer_facts(br#"{"error":{"message":"no"}}"#), Err(BadAnswer::Error(_))));
        assert!(matches!(answer_facts(b"<html>"), Err(BadAnswer::Unparseable(_))));
    }
}

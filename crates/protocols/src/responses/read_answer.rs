//! An upstream's whole response.

use easyai_core::usage::Usage;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::item::{Item, Piece};
use super::usage::WireUsage;
use crate::conversation::{Answer, Opaque, OpaqueOwner, Part, Reasoning, Stop, StopReason, Text, ToolCall};
use crate::openai::error::{WireError, read_error};
use crate::openai::lenient::{Present, Word};
use crate::wire::{AnswerFacts, BadAnswer};

/// A response object, as far as it is acted on.
#[derive(Debug, Deserialize)]
pub(super) struct Wire<'a> {
    #[serde(default)]
    pub(super) id: Word,
    #[serde(default)]
    pub(super) model: Word,
    #[serde(default)]
    pub(super) status: Word,
    #[serde(borrow, default)]
    pub(super) error: Option<&'a RawValue>,
    #[serde(default)]
    pub(super) incomplete_details: Option<Details>,
    #[serde(borrow, default)]
    pub(super) output: Option<Vec<&'a RawValue>>,
    #[serde(default)]
    pub(super) usage: Option<WireUsage>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Details {
    #[serde(default)]
    reason: Word,
}

#[derive(Deserialize)]
struct Failed {
    #[serde(default)]
    code: Word,
    #[serde(default)]
    message: Word,
}

impl Wire<'_> {
    /// The failure of a response that failed, whatever its HTTP status was.
    pub(super) fn failure(&self) -> Option<WireError> {
        let error = self.error.filter(|error| error.get() != "null");
        let failed = matches!(self.status.0.as_deref(), Some("failed" | "cancelled"));
        if error.is_none() && !failed {
            return None;
        }
        let told = error.and_then(|error| serde_json::from_str::<Failed>(error.get()).ok());
        let (code, message) = told.map_or((None, None), |told| (told.code.0, told.message.0));
        let message = message.unwrap_or_else(|| format!("the response ended as {}", self.status.0.as_deref().unwrap_or("failed")));
        Some(WireError { message, code: code.or_else(|| Some("server_error".to_owned())), ..WireError::default() })
    }

    pub(super) fn usage(&self) -> Option<Usage> {
        self.usage.and_then(WireUsage::into_usage)
    }

    /// Why it ended; `calls` says whether it calls tools.
    pub(super) fn stop(&self, calls: bool) -> Stop {
        let reason = match self.incomplete_details.as_ref().and_then(|details| details.reason.0.as_deref()) {
            Some("content_filter") => StopReason::ContentFilter,
            Some(_) => StopReason::Length,
            None if self.status.0.as_deref() == Some("incomplete") => StopReason::Length,
            None if calls => StopReason::ToolCalls,
            None => StopReason::Stop,
        };
        Stop { reason, sequence: None }
    }
}

fn read(body: &[u8]) -> Result<Wire<'_>, BadAnswer> {
    #[derive(Deserialize)]
    struct Sort {
        #[serde(default)]
        object: Word,
        #[serde(default)]
        choices: Present,
        #[serde(default)]
        output: Present,
    }
    let unparseable = |error: serde_json::Error| BadAnswer::Unparseable(error.to_string());
    let sort: Sort = serde_json::from_slice(body).map_err(unparseable)?;
    let wire: Wire<'_> = serde_json::from_slice(body).map_err(unparseable)?;
    if sort.object.0.as_deref() != Some("response") && !sort.output.0 {
        // An error in whatever shape, or another protocol's answer.
        if sort.choices.0 {
            return Err(BadAnswer::Unparseable("it is a chat completion, not a response".to_owned()));
        }
        return Err(if wire.error.is_some() || wire.status.0.is_some() {
            BadAnswer::Error(wire.failure().unwrap_or_else(|| read_error(body)))
        } else {
            BadAnswer::Error(read_error(body))
        });
    }
    match wire.failure() {
        Some(failure) => Err(BadAnswer::Error(failure)),
        None => Ok(wire),
    }
}

/// What a response that passes by says.
///
/// # Errors
/// [`BadAnswer`] if it failed, or is none.
pub fn answer_facts(body: &[u8]) -> Result<AnswerFacts, BadAnswer> {
    let wire = read(body)?;
    let empty = wire.output.as_ref().is_none_or(Vec::is_empty);
    if empty && wire.stop(false).reason == StopReason::Stop && wire.usage().is_none_or(|usage| usage.output_tokens == 0) {
        return Err(BadAnswer::Empty);
    }
    Ok(AnswerFacts { usage: wire.usage() })
}

/// Reads a response into the inner form.
///
/// # Errors
/// [`BadAnswer`] if it failed, or is none.
pub fn read_answer(body: &[u8]) -> Result<Answer, BadAnswer> {
    let wire = read(body)?;
    let mut parts = Vec::new();
    for raw in wire.output.iter().flatten() {
        if let Ok(item) = serde_json::from_str::<Item<'_>>(raw.get()) {
            read_item(item, &mut parts);
        }
    }
    let calls = parts.iter().any(|part| matches!(part, Part::ToolCall(_)));
    let stop = wire.stop(calls);
    if parts.is_empty() && stop.reason == StopReason::Stop && wire.usage().is_none_or(|usage| usage.output_tokens == 0) {
        return Err(BadAnswer::Empty);
    }
    Ok(Answer { id: wire.id.0.clone(), model: wire.model.0.clone(), parts, stop, usage: wire.usage() })
}

fn read_item(item: Item<'_>, parts: &mut Vec<Part>) {
    let call = |id: String, name, arguments, custom| Part::ToolCall(ToolCall { id, name, arguments, custom, opaque: None });
    let id = item.call_id.0.clone().or_else(|| item.id.0.clone()).unwrap_or_default();
    match item.kind.0.as_deref() {
        Some("message") => {
            let pieces = item.content.and_then(|content| serde_json::from_str::<Vec<Piece<'_>>>(content.get()).ok());
            parts.extend(pieces.into_iter().flatten().filter_map(piece));
        }
        Some("function_call") => parts.push(call(id, item.name.0.unwrap_or_default(), item.arguments.0, false)),
        Some("custom_tool_call") => parts.push(call(id, item.name.0.unwrap_or_default(), item.input.0, true)),
        Some("reasoning") => {
            let opaque = item.encrypted_content.0.clone().map(|data| Opaque { owner: OpaqueOwner::Openai, data });
            let text = reasoning_text(&item);
            if opaque.is_some() || !text.is_empty() {
                parts.push(Part::Reasoning(Reasoning { text, opaque }));
            }
        }
        // What a provider's own tools did.
        Some(_) | None => {}
    }
}

fn reasoning_text(item: &Item<'_>) -> String {
    if !item.summary.0.is_empty() {
        return item.summary.0.clone();
    }
    let pieces = item.content.and_then(|content| serde_json::from_str::<Vec<Piece<'_>>>(content.get()).ok());
    pieces.into_iter().flatten().map(|piece| piece.text.0).collect()
}

fn piece(piece: Piece<'_>) -> Option<Part> {
    match piece.kind.0.as_deref() {
        Some("refusal") => Some(Part::Refusal(piece.refusal.0)),
        Some("output_text" | "text") if !piece.text.0.is_empty() => {
            let citations = piece.annotations.into_iter().flatten().filter_map(super::item::Annotation::citation).collect();
            Some(Part::Text(Text { text: piece.text.0, citations, opaque: None }))
        }
        Some(_) | None => None,
    }
}

/// All text of a response that passed by, for counting.
#[must_use]
pub fn delivered_text(body: &[u8]) -> String {
    read_answer(body).map(|answer| answer.delivered_text()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_response_is_read() {
        let body = br#"{"id":"resp_1","object":"response","status":"completed","model":"m","error":null,"output":[
            {"id":"rs_1","type":"reasoning","summary":[{"type":"summary_text","text":"hm"}],"encrypted_content":"gAAA"},
            {"id":"ws_1","type":"web_search_call","status":"completed"},
            {"id":"msg_1","type":"message","role":"assistant","content":[{"type":"output_text","text":"hi","annotations":[{"type":"url_citation","url":"u","title":"t","start_index":0,"end_index":2}]}]},
            {"id":"fc_1","type":"function_call","call_id":"call_1","name":"f","arguments":"{}"}],
            "usage":{"input_tokens":3,"input_tokens_details":{"cached_tokens":1},"output_tokens":2,"output_tokens_details":{"reasoning_tokens":1},"total_tokens":5}}"#;
        let answer = read_answer(body).unwrap();
        assert_eq!(answer.stop.reason, StopReason::ToolCalls);
        assert_eq!(answer.parts.len(), 3);
        assert_eq!(answer.usage.map(|usage| (usage.input_tokens, usage.cached_input_tokens, usage.output_tokens)), Some((3, 1, 2)));
        assert_eq!(delivered_text(body), "hmhif{}");
    }

    #[test]
    fn a_response_that_failed_is_an_error_whatever_its_status() {
        let failed = br#"{"id":"resp_1","object":"response","status":"failed","error":{"code":"rate_limit_exceeded","message":"slow"}}"#;
        assert!(matches!(answer_facts(failed), Err(BadAnswer::Error(error)) if error.code.as_deref() == Some("rate_limit_exceeded")));
        assert!(matches!(answer_facts(br#"{"error":{"message":"no"}}"#), Err(BadAnswer::Error(_))));
        assert!(matches!(answer_facts(br#"{"object":"chat.completion","choices":[{}]}"#), Err(BadAnswer::Unparseable(_))));
        assert_eq!(answer_facts(br#"{"object":"response","status":"completed","output":[]}"#), Err(BadAnswer::Empty));
    }

    #[test]
    fn an_incomplete_response_says_why() {
        let stop = |reason: &str| {
            let body = format!(r#"{{"object":"response","status":"incomplete","incomplete_details":{{"reason":"{reason}"}},"output":[]}}"#);
            read_answer(body.as_bytes()).unwrap().stop.reason
        };
        assert_eq!(stop("max_output_tokens"), StopReason::Length);
        assert_eq!(stop("content_filter"), StopReason::ContentFilter);
    }
}

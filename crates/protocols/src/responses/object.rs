//! The response object: what it says of itself, and what it echoes of its request.
//!
//! Source: OpenAI API reference, "The response object"; `providers.md` section 5.2.

mod echo;

use bytes::Bytes;
use easyai_core::error::ErrorCode;
use easyai_core::usage::Usage;
use serde::Serialize;

pub(super) use self::echo::Echo;
use self::echo::Settings;
use super::item::Item;
use super::usage::UsageObject;
use crate::conversation::StopReason;
use crate::wire::Envelope;

/// Where a response stands that has no output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It waits for its turn in the background.
    Queued,
    /// It is being worked on.
    InProgress,
    /// It failed.
    Failed,
    /// Its caller gave it up.
    Cancelled,
}

/// A response in the background that waits for its turn.
#[must_use]
pub fn queued(envelope: &Envelope) -> Bytes {
    without_output(envelope, Status::Queued, None)
}

/// A response in the background that is worked on.
#[must_use]
pub fn in_progress(envelope: &Envelope) -> Bytes {
    without_output(envelope, Status::InProgress, None)
}

/// A response that failed.
#[must_use]
pub fn failed(envelope: &Envelope, code: ErrorCode, message: &str) -> Bytes {
    without_output(envelope, Status::Failed, Some((code.as_str(), message)))
}

/// A response in the background that its caller gave up.
#[must_use]
pub fn cancelled(envelope: &Envelope) -> Bytes {
    without_output(envelope, Status::Cancelled, None)
}

/// What is answered when the response `id` was deleted.
#[must_use]
pub fn deleted(id: &str) -> Bytes {
    #[derive(Serialize)]
    struct Deleted<'a> {
        id: &'a str,
        object: &'static str,
        deleted: bool,
    }
    written(&Deleted { id, object: "response", deleted: true })
}

/// A response without output. `error` is a code and a message.
#[must_use]
pub fn without_output(envelope: &Envelope, status: Status, error: Option<(&str, &str)>) -> Bytes {
    written(&Object::new(envelope, &Echo::of(&envelope.request), &envelope.model, Standing::Unended(status, error), &[]))
}

/// Text, numbers and the caller's own JSON can't fail to be written.
pub(super) fn written(value: &impl Serialize) -> Bytes {
    Bytes::from(serde_json::to_vec(value).unwrap_or_default())
}

/// How a response stands, and what belongs to that.
#[derive(Debug, Clone, Copy)]
pub(super) enum Standing<'a> {
    /// It has no end of its own; a code and a message say why it failed.
    Unended(Status, Option<(&'a str, &'a str)>),
    /// It ended, for a reason.
    Ended(StopReason, &'a Usage),
}

impl Standing<'_> {
    const fn status(self) -> &'static str {
        match self {
            Self::Unended(Status::Queued, _) => "queued",
            Self::Unended(Status::InProgress, _) => "in_progress",
            Self::Unended(Status::Failed, _) => "failed",
            Self::Unended(Status::Cancelled, _) => "cancelled",
            Self::Ended(StopReason::Stop | StopReason::ToolCalls, _) => "completed",
            Self::Ended(StopReason::Length | StopReason::ContentFilter, _) => "incomplete",
        }
    }

    const fn incomplete(self) -> Option<IncompleteDetails> {
        match self {
            Self::Ended(StopReason::Length, _) => Some(IncompleteDetails { reason: "max_output_tokens" }),
            Self::Ended(StopReason::ContentFilter, _) => Some(IncompleteDetails { reason: "content_filter" }),
            Self::Ended(StopReason::Stop | StopReason::ToolCalls, _) | Self::Unended(..) => None,
        }
    }
}

/// A response.
#[derive(Debug, Serialize)]
pub(super) struct Object<'a> {
    id: String,
    object: &'static str,
    created_at: i64,
    status: &'static str,
    error: Option<Failure<'a>>,
    incomplete_details: Option<IncompleteDetails>,
    model: &'a str,
    output: &'a [Item],
    #[serde(flatten)]
    settings: Settings<'a>,
    usage: Option<UsageObject>,
}

#[derive(Debug, Serialize)]
struct Failure<'a> {
    code: &'a str,
    message: &'a str,
}

#[derive(Debug, Serialize)]
struct IncompleteDetails {
    reason: &'static str,
}

impl<'a> Object<'a> {
    pub(super) fn new(envelope: &Envelope, echo: &'a Echo, model: &'a str, standing: Standing<'a>, output: &'a [Item]) -> Self {
        let (usage, error) = match standing {
            Standing::Ended(_, usage) => (Some(UsageObject::of(usage)), None),
            Standing::Unended(_, error) => (None, error.map(|(code, message)| Failure { code, message })),
        };
        Self {
            id: format!("resp_{}", envelope.id),
            object: "response",
            created_at: envelope.created_at,
            status: standing.status(),
            error,
            incomplete_details: standing.incomplete(),
            model,
            output,
            settings: echo.settings(),
            usage,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn envelope(request: &str) -> Envelope {
        Envelope {
            id: "1".to_owned(),
            created_at: 1_760_000_000,
            model: "m".into(),
            include_usage: true,
            input_tokens: 3,
            request: Bytes::copy_from_slice(request.as_bytes()),
        }
    }

    fn read(bytes: &Bytes) -> Value {
        serde_json::from_slice(bytes).unwrap()
    }

    /// What the published schema wants to be present, and what OpenAI shows beside it.
    const KEYS: &str = "id object created_at status error incomplete_details model output background instructions max_output_tokens \
        max_tool_calls metadata parallel_tool_calls previous_response_id prompt_cache_key reasoning safety_identifier service_tier store \
        temperature text tool_choice tools top_logprobs top_p truncation user usage";

    #[test]
    fn no_key_is_missing_whatever_was_asked() {
        for request in ["", "{}", "[]", r#"{"model":"m","input":"x","text":5,"store":"x","reasoning":null}"#] {
            let object = read(&queued(&envelope(request)));
            let keys: Vec<_> = object.as_object().unwrap().keys().map(String::as_str).collect();
            assert_eq!(keys, KEYS.split_whitespace().collect::<Vec<_>>(), "{request}");
            assert_eq!((&object["text"], &object["tools"]), (&json!({"format": {"type": "text"}}), &json!([])));
            assert_eq!(object["reasoning"], json!({"effort": null, "summary": null}));
        }
    }

    #[test]
    fn settings_are_echoed_as_the_caller_wrote_them() {
        let request = r#"{"instructions":"be brief","temperature":0.50,"store":false,"tools":[{"type":"function","name":"f"}],"text":{"verbosity":"low"},"reasoning":{"effort":"low"},"metadata":{"a":"b"},"background":true}"#;
        let bytes = in_progress(&envelope(request));
        let object = read(&bytes);
        assert_eq!((&object["status"], &object["background"]), (&json!("in_progress"), &json!(true)));
        assert_eq!((&object["instructions"], &object["store"]), (&json!("be brief"), &json!(false)));
        assert_eq!(object["text"], json!({"format": {"type": "text"}, "verbosity": "low"}));
        assert_eq!(object["reasoning"], json!({"effort": "low", "summary": null}));
        assert_eq!((&object["tools"][0]["name"], &object["metadata"]["a"]), (&json!("f"), &json!("b")));
        assert!(std::str::from_utf8(&bytes).unwrap().contains(r#""temperature":0.50"#));
    }

    #[test]
    fn an_echo_stands_on_one_line() {
        let object = in_progress(&envelope("{\"metadata\":{\r\n\"a\":\r\"b\"},\n\"tools\":[\n]}"));
        assert!(!object.contains(&b'\n') && !object.contains(&b'\r'), "{object:?}");
        assert_eq!(read(&object)["metadata"], json!({"a": "b"}));
    }

    #[test]
    fn a_failure_is_told_in_the_object() {
        let object = read(&failed(&envelope("{}"), ErrorCode::UpstreamError, "it broke"));
        assert_eq!((&object["status"], &object["id"]), (&json!("failed"), &json!("resp_1")));
        assert_eq!(object["error"], json!({"code": "upstream_error", "message": "it broke"}));
        assert_eq!(read(&cancelled(&envelope("{}")))["status"], "cancelled");
        assert_eq!(deleted("resp_1"), r#"{"id":"resp_1","object":"response","deleted":true}"#);
    }
}

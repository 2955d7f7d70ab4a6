//! Blocks as we write them: in answers to callers and in requests to upstreams.
//!
//! Source: `providers.md` sections 2.2, 9.1 and 9.2.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use super::marker::NO_STATE;
use crate::conversation::{Citation, Media, Source, ToolCall};

/// A block.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Block<'a> {
    Text {
        text: Cow<'a, str>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        citations: Vec<WrittenCitation<'a>>,
    },
    Thinking {
        thinking: &'a str,
        signature: Cow<'a, str>,
    },
    RedactedThinking {
        data: Cow<'a, str>,
    },
    ToolUse {
        id: Cow<'a, str>,
        name: Cow<'a, str>,
        input: Input<'a>,
    },
    ToolResult {
        tool_use_id: Cow<'a, str>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        content: Vec<Block<'a>>,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        is_error: bool,
    },
    Image {
        source: Place<'a>,
    },
    Document {
        source: Place<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        title: Option<&'a str>,
    },
}

/// Where an image or a document is.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Place<'a> {
    Base64 { media_type: &'a str, data: &'a str },
    Url { url: &'a str },
    Text { media_type: &'a str, data: Cow<'a, str> },
}

/// What a tool is called with: always an object.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Input<'a> {
    /// The arguments as they came.
    Object(&'a RawValue),
    /// None.
    Empty {},
    /// A custom tool's text.
    Custom { input: &'a str },
    /// What the model wrote is no object: kept as text, so that it can see what it did.
    Unreadable { arguments: &'a str },
}

/// A source on the web, the only sort that other providers know.
#[derive(Debug, Serialize)]
pub(super) struct WrittenCitation<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    url: &'a str,
    title: Option<&'a str>,
    cited_text: &'a str,
    /// Anthropic wants its own back. Marked, since this is not one.
    encrypted_index: &'static str,
}

impl<'a> Block<'a> {
    pub(super) fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::Text { text: text.into(), citations: Vec::new() }
    }
}

impl<'a> Input<'a> {
    /// The arguments of a call.
    pub(super) fn of(call: &'a ToolCall) -> Self {
        let arguments = call.arguments.trim();
        if call.custom {
            return Self::Custom { input: &call.arguments };
        }
        if arguments.is_empty() {
            return Self::Empty {};
        }
        match serde_json::from_str::<&RawValue>(arguments) {
            Ok(raw) if raw.get().starts_with('{') => Self::Object(raw),
            Ok(raw) if raw.get() == "null" => Self::Empty {},
            Ok(_) | Err(_) => Self::Unreadable { arguments: &call.arguments },
        }
    }

    /// Whether it is not what the model wrote.
    pub(super) const fn is_changed(&self) -> bool {
        matches!(self, Self::Unreadable { .. })
    }
}

impl<'a> WrittenCitation<'a> {
    /// None for what does not lie on the web: another provider's documents have no place here.
    pub(super) fn of(citation: &'a Citation) -> Option<Self> {
        Some(Self {
            kind: "web_search_result_location",
            url: citation.url.as_deref()?,
            title: citation.title.as_deref(),
            cited_text: citation.cited_text.as_deref().unwrap_or_default(),
            encrypted_index: NO_STATE,
        })
    }
}

/// A picture in an answer. There is no block for one, so it is shown as Markdown does.
pub(super) fn picture(media: &Media) -> String {
    match &media.source {
        Source::Inline { media_type, data } => format!("![image](data:{media_type};base64,{data})"),
        Source::Url { url, .. } => format!("![image]({url})"),
        Source::Stored(id) => format!("[image {id}]"),
    }
}

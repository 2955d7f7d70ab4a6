//! The items of a response's output, as our callers get them.
//!
//! Source: OpenAI API reference; `providers.md` section 5.2 for what must be present.

use serde::Serialize;

/// An item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Item {
    Reasoning {
        id: String,
        summary: Vec<Summary>,
        #[serde(skip_serializing_if = "Option::is_none")]
        encrypted_content: Option<String>,
    },
    Message {
        id: String,
        status: ItemStatus,
        role: &'static str,
        content: Vec<Content>,
    },
    FunctionCall {
        id: String,
        status: ItemStatus,
        call_id: String,
        name: String,
        arguments: String,
    },
    CustomToolCall {
        id: String,
        status: ItemStatus,
        call_id: String,
        name: String,
        input: String,
    },
    ImageGenerationCall {
        id: String,
        status: ItemStatus,
        /// Base64.
        result: Option<String>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ItemStatus {
    InProgress,
    Completed,
    /// The response ended in the middle of it.
    Incomplete,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Summary {
    SummaryText { text: String },
}

/// A part of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Content {
    OutputText { text: String, annotations: Vec<Annotation>, logprobs: [(); 0] },
    Refusal { refusal: String },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Annotation {
    UrlCitation { url: String, title: String, start_index: u64, end_index: u64 },
}

impl Content {
    pub(super) const fn text() -> Self {
        Self::OutputText { text: String::new(), annotations: Vec::new(), logprobs: [] }
    }

    pub(super) const fn refusal() -> Self {
        Self::Refusal { refusal: String::new() }
    }
}

impl Item {
    /// Sets how it stands. Reasoning has no word for it.
    pub(super) const fn set_status(&mut self, now: ItemStatus) {
        match self {
            Self::Message { status, .. }
            | Self::FunctionCall { status, .. }
            | Self::CustomToolCall { status, .. }
            | Self::ImageGenerationCall { status, .. } => *status = now,
            Self::Reasoning { .. } => {}
        }
    }
}

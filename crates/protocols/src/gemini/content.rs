//! Contents and parts as we write them, to callers and upstreams alike.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::conversation::{Media, Source};

/// One turn.
#[derive(Debug, serde::Serialize)]
pub(super) struct Content<'a> {
    pub(super) role: &'static str,
    pub(super) parts: Vec<Part<'a>>,
}

/// One piece of it: exactly one kind of content, and what belongs to it.
#[derive(Debug, Default, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Part<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "is_false")]
    pub(super) thought: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) function_call: Option<FunctionCall<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) function_response: Option<FunctionResponse<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) inline_data: Option<InlineData<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) file_data: Option<FileData<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) thought_signature: Option<Cow<'a, str>>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

#[derive(Debug, serde::Serialize)]
pub(super) struct FunctionCall<'a> {
    pub(super) id: &'a str,
    pub(super) name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) args: Option<Box<RawValue>>,
}

#[derive(Debug, serde::Serialize)]
pub(super) struct FunctionResponse<'a> {
    pub(super) id: &'a str,
    pub(super) name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) response: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) parts: Vec<Part<'a>>,
}

#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InlineData<'a> {
    pub(super) mime_type: &'a str,
    pub(super) data: &'a str,
}

#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FileData<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mime_type: Option<&'a str>,
    pub(super) file_uri: &'a str,
}

impl<'a> Part<'a> {
    /// Text.
    pub(super) fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self { text: Some(text.into()), ..Self::default() }
    }

    /// A thought.
    pub(super) fn thought(text: impl Into<Cow<'a, str>>) -> Self {
        Self { thought: true, ..Self::text(text) }
    }

    /// A call.
    pub(super) fn call(call: FunctionCall<'a>) -> Self {
        Self { function_call: Some(call), ..Self::default() }
    }

    /// Data, here or elsewhere.
    pub(super) fn media(media: &'a Media) -> Self {
        match &media.source {
            Source::Inline { media_type, data } => {
                Self { inline_data: Some(InlineData { mime_type: media_type, data }), ..Self::default() }
            }
            Source::Url { url, media_type } => {
                Self { file_data: Some(FileData { mime_type: media_type.as_deref(), file_uri: url }), ..Self::default() }
            }
            Source::Stored(uri) => Self { file_data: Some(FileData { mime_type: None, file_uri: uri }), ..Self::default() },
        }
    }

    /// With its signature.
    pub(super) fn signed(self, signature: Option<Cow<'a, str>>) -> Self {
        Self { thought_signature: signature, ..self }
    }
}

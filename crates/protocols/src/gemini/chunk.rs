//! The typed form of an answer, which is also that of a stream's chunk: only the fields that we act on.
//!
//! Source: `providers.md` sections 6.2 and 6.3.

use serde_json::value::RawValue;

use super::citation::{CitationMetadata, GroundingMetadata};
use super::shape::{Flag, List, Object};
use super::usage::WireUsage;
use crate::openai::lenient::{Present, Word};

/// A whole `GenerateContentResponse`; in a stream, with new parts only.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Chunk {
    pub(super) error: Present,
    pub(super) candidates: List<Object<Candidate>>,
    pub(super) prompt_feedback: Object<PromptFeedback>,
    pub(super) usage_metadata: Object<WireUsage>,
    pub(super) model_version: Word,
    pub(super) response_id: Word,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct PromptFeedback {
    pub(super) block_reason: Word,
    pub(super) block_reason_message: Word,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Candidate {
    pub(super) content: Object<Content>,
    pub(super) finish_reason: Word,
    pub(super) finish_message: Word,
    pub(super) grounding_metadata: Object<GroundingMetadata>,
    pub(super) citation_metadata: Object<CitationMetadata>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Content {
    pub(super) parts: List<Object<Part>>,
}

/// Text, a call or data. `executableCode` and `codeExecutionResult` are passed over: they come only from Google's own tools, which no
/// other protocol can ask for.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Part {
    pub(super) text: Word,
    pub(super) thought: Flag,
    pub(super) thought_signature: Word,
    pub(super) function_call: Object<FunctionCall>,
    pub(super) inline_data: Object<Blob>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct FunctionCall {
    pub(super) id: Word,
    pub(super) name: Word,
    pub(super) args: Option<Box<RawValue>>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Blob {
    pub(super) mime_type: Word,
    pub(super) data: Word,
}

/// The objects that an event holds: itself, or the members of an array, as errors on stream paths and streams without `alt=sse` come.
pub(super) fn objects(data: &[u8]) -> Result<Vec<&[u8]>, serde_json::Error> {
    if data.trim_ascii_start().first() != Some(&b'[') {
        return Ok(vec![data]);
    }
    let members: Vec<&RawValue> = serde_json::from_slice(data)?;
    Ok(members.into_iter().map(|member| member.get().as_bytes()).collect())
}

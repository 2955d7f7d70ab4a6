//! A caller's request for an order of documents: what we act on is typed, texts stay where they lie in the body.

use std::num::NonZeroU32;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::value::RawValue;

use crate::json::splice::with_model;

/// A request for an order of documents, checked. There is at least one document.
#[derive(Debug, Clone)]
pub struct RerankRequest {
    /// The public model name.
    pub model: Arc<str>,
    /// What is looked for. Not blank.
    pub query: String,
    /// Where to look, in the caller's order.
    pub documents: Vec<Document>,
    /// How many results are wanted at most.
    pub top_n: Option<NonZeroU32>,
    /// Whether results bring their documents.
    pub return_documents: bool,
    /// Tokens of a document that are looked at.
    pub max_tokens_per_doc: Option<NonZeroU32>,
    /// Whether other fields of the documents than `text` are to be looked at (`rank_fields`).
    pub other_rank_fields: bool,
    /// What is read, in tokens, estimated: the query once for each document, and the documents.
    pub tokens: u64,
    pub(super) body: Bytes,
    pub(super) model_at: Range<usize>,
}

/// Where a document lies in the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The whole document: a string, or an object.
    pub(super) at: Range<usize>,
    /// Its text, a JSON string; an object may have none.
    pub(super) text_at: Option<Range<usize>>,
}

impl Document {
    /// Whether it came as an object, not as a text.
    pub(super) fn is_object(&self) -> bool {
        self.text_at.as_ref() != Some(&self.at)
    }
}

impl RerankRequest {
    /// The body as it came.
    #[must_use]
    pub const fn body(&self) -> &Bytes {
        &self.body
    }

    /// The body for an upstream that speaks the common shape and calls the model `upstream_name`: the same bytes but for the name.
    #[must_use]
    pub fn outbound(&self, upstream_name: &str) -> Vec<Bytes> {
        with_model(&self.body, Some(&self.model_at), 0, upstream_name)
    }

    /// The text of a document, by its place; none if it has none.
    #[must_use]
    pub fn document_text(&self, index: usize) -> Option<String> {
        serde_json::from_str(self.text(self.documents.get(index)?)?.get()).ok()
    }

    /// The text of a document as the JSON string that the caller wrote.
    pub(super) fn text(&self, document: &Document) -> Option<&RawValue> {
        self.raw(document.text_at.as_ref()?)
    }

    /// What lies at `at`, which was checked to be JSON.
    pub(super) fn raw(&self, at: &Range<usize>) -> Option<&RawValue> {
        serde_json::from_slice(self.body.get(at.clone())?).ok()
    }
}

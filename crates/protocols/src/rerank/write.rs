//! The request as upstreams of the three dialects want it.

use std::num::NonZeroU32;

use bytes::Bytes;
use serde_json::value::RawValue;

use super::RerankRequest;
use crate::conversation::{CannotCarry, Notes};
use crate::wire::Written;

easyai_core::words! {
    /// How an upstream wants to be asked.
    pub enum RerankDialect as "rerank dialect" {
        /// `POST /v1/rerank` in the common shape, which is what callers send: Jina, SiliconFlow, vLLM, Xinference, Novita, Together,
        /// OpenRouter and most compatible upstreams.
        Jina = "jina",
        /// `POST /v2/rerank`: documents are texts only.
        Cohere = "cohere",
        /// `POST /v1/rerank` with `top_k`; documents are texts only, and `data` of the answer holds the results.
        Voyage = "voyage",
    }
}

impl RerankDialect {
    /// Where it is asked, below the upstream's host.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Jina | Self::Voyage => "/v1/rerank",
            Self::Cohere => "/v2/rerank",
        }
    }

    /// Whose protocol it is, for people.
    const fn target(self) -> &'static str {
        match self {
            Self::Jina => "a Jina-like rerank API",
            Self::Cohere => "Cohere's rerank API",
            Self::Voyage => "Voyage's rerank API",
        }
    }
}

#[derive(serde::Serialize)]
struct Wire<'a> {
    model: &'a str,
    query: &'a str,
    documents: Vec<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_n: Option<NonZeroU32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<NonZeroU32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens_per_doc: Option<NonZeroU32>,
}

/// The body for an upstream that speaks `dialect` and calls the model `upstream_name`. The common shape goes on as it came; the others
/// are not asked to send documents back, since [`write_answer`](super::write_answer) puts them in.
///
/// # Errors
/// [`CannotCarry`] if documents would be ranked by something else than the caller asked.
pub fn write_request(request: &RerankRequest, dialect: RerankDialect, upstream_name: &str) -> Result<Written, CannotCarry> {
    let mut notes = Notes::default();
    let (mut top_n, mut top_k, mut max_tokens_per_doc) = (None, None, None);
    match dialect {
        RerankDialect::Jina => return Ok(Written { body: Bytes::from(request.outbound(upstream_name).concat()), notes }),
        RerankDialect::Cohere => (top_n, max_tokens_per_doc) = (request.top_n, request.max_tokens_per_doc),
        RerankDialect::Voyage => {
            top_k = request.top_n;
            if request.max_tokens_per_doc.is_some() {
                notes.dropped("max_tokens_per_doc", "Voyage cuts documents at its models' own bounds");
            }
        }
    }
    let documents = texts(request, dialect)?;
    let wire = Wire { model: upstream_name, query: &request.query, documents, top_n, top_k, max_tokens_per_doc };
    // Text and numbers can't fail to be written.
    Ok(Written { body: Bytes::from(serde_json::to_vec(&wire).unwrap_or_default()), notes })
}

fn texts(request: &RerankRequest, dialect: RerankDialect) -> Result<Vec<&RawValue>, CannotCarry> {
    let refuse = |field: String, why: &str| CannotCarry { field, target: dialect.target(), why: why.to_owned() };
    if request.other_rank_fields {
        return Err(refuse("rank_fields".to_owned(), "it ranks by the text alone: send `text`, with everything to rank by in it"));
    }
    let documents = request.documents.iter().enumerate();
    documents
        .map(|(index, document)| {
            request.text(document).ok_or_else(|| refuse(format!("documents[{index}]"), "it ranks texts only: send a string or `text`"))
        })
        .collect()
}

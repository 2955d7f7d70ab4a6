//! An order of documents as it is answered: read from every dialect, and written to the caller.

use bytes::Bytes;
use easyai_core::usage::Usage;
use serde_json::value::RawValue;

use super::RerankRequest;
use crate::embeddings::usage::{InputUsage, WrittenUsage};
use crate::openai::error::read_error;
use crate::openai::lenient::{Count, Present, Word, tolerant};
use crate::wire::BadAnswer;

/// What an upstream answered.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RerankAnswer {
    /// The upstream's id of it.
    pub id: Option<String>,
    /// The model as the upstream calls it.
    pub model: Option<String>,
    /// The documents it chose, in its order. Each names another document of the request.
    pub results: Vec<Ranked>,
    /// Tokens, where the upstream bills by them.
    pub usage: Option<Usage>,
    /// Search units, where the upstream bills by them: one is a query with up to 100 documents (Cohere).
    pub search_units: Option<u64>,
}

/// A document's place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ranked {
    /// Which document of the request.
    pub index: usize,
    /// How relevant it is; more is better. Most upstreams give 0 to 1, some logits.
    pub score: f64,
}

#[derive(serde::Deserialize)]
struct Wire {
    #[serde(default)]
    error: Present,
    #[serde(default)]
    detail: Present,
    #[serde(default)]
    message: Present,
    #[serde(default)]
    id: Word,
    #[serde(default)]
    model: Word,
    #[serde(default)]
    results: Option<Vec<WireResult>>,
    /// Voyage's name for the results.
    #[serde(default)]
    data: Option<Vec<WireResult>>,
    #[serde(default, deserialize_with = "tolerant")]
    usage: Option<InputUsage>,
    #[serde(default, deserialize_with = "tolerant")]
    meta: Option<Meta>,
}

#[derive(serde::Deserialize)]
struct WireResult {
    index: usize,
    #[serde(default)]
    relevance_score: Option<f64>,
    /// What some compatible upstreams call it.
    #[serde(default)]
    score: Option<f64>,
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct Meta {
    #[serde(deserialize_with = "tolerant")]
    billed_units: Option<Units>,
    /// SiliconFlow's usage.
    #[serde(deserialize_with = "tolerant")]
    tokens: Option<InputUsage>,
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct Units {
    search_units: Count,
}

/// Reads the body of a 200 in any dialect.
///
/// # Errors
/// [`BadAnswer`] if it holds no results, or if they don't name documents of the request, each once.
pub fn read_answer(body: &[u8], request: &RerankRequest) -> Result<RerankAnswer, BadAnswer> {
    let wire: Wire = serde_json::from_slice(body).map_err(|error| BadAnswer::Unparseable(error.to_string()))?;
    let results = wire.results.or(wire.data).unwrap_or_default();
    if wire.error.0 || (results.is_empty() && (wire.detail.0 || wire.message.0)) {
        return Err(BadAnswer::Error(read_error(body)));
    }
    if results.is_empty() {
        return Err(BadAnswer::Empty);
    }
    let meta = wire.meta.unwrap_or_default();
    let units = [meta.billed_units.map(|units| units.search_units.0), wire.usage.map(InputUsage::search_units)];
    Ok(RerankAnswer {
        id: wire.id.0,
        model: wire.model.0,
        results: ranked(&results, request.documents.len())?,
        usage: wire.usage.and_then(InputUsage::into_usage).or(meta.tokens.and_then(InputUsage::into_usage)),
        search_units: units.into_iter().flatten().find(|units| *units > 0),
    })
}

/// Checks that results name documents, each once: callers look them up by it.
fn ranked(results: &[WireResult], documents: usize) -> Result<Vec<Ranked>, BadAnswer> {
    let bad = |index: usize, what: &str| BadAnswer::Unparseable(format!("document {index} of {documents} {what}"));
    let mut seen = vec![false; documents];
    let mut ranked = Vec::with_capacity(results.len());
    for result in results {
        let index = result.index;
        let score = result.relevance_score.or(result.score).ok_or_else(|| bad(index, "has no score"))?;
        match seen.get_mut(index) {
            Some(seen) if !*seen => *seen = true,
            Some(_) => return Err(bad(index, "is ranked twice")),
            None => return Err(bad(index, "does not exist")),
        }
        ranked.push(Ranked { index, score });
    }
    Ok(ranked)
}

#[derive(serde::Serialize)]
struct WrittenAnswer<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    model: &'a str,
    results: Vec<WrittenResult<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    meta: Option<WrittenMeta>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<WrittenUsage>,
}

#[derive(serde::Serialize)]
struct WrittenResult<'a> {
    index: usize,
    relevance_score: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<WrittenDocument<'a>>,
}

#[derive(serde::Serialize)]
#[serde(untagged)]
enum WrittenDocument<'a> {
    Text { text: &'a RawValue },
    AsItCame(&'a RawValue),
}

#[derive(serde::Serialize)]
struct WrittenMeta {
    billed_units: WrittenUnits,
}

#[derive(serde::Serialize)]
struct WrittenUnits {
    search_units: u64,
}

/// The answer in the common shape: the best first, no more than the caller wants, with the documents if the caller wants them.
#[must_use]
pub fn write_answer(answer: &RerankAnswer, request: &RerankRequest) -> Bytes {
    let mut ranked = answer.results.clone();
    ranked.sort_by(|one, other| other.score.total_cmp(&one.score));
    if let Some(top_n) = request.top_n {
        ranked.truncate(usize::try_from(top_n.get()).unwrap_or(usize::MAX));
    }
    let result = |ranked: Ranked| WrittenResult {
        index: ranked.index,
        relevance_score: ranked.score,
        document: request.return_documents.then(|| document(request, ranked.index)).flatten(),
    };
    let written = WrittenAnswer {
        id: answer.id.as_deref(),
        model: answer.model.as_deref().unwrap_or(&request.model),
        results: ranked.into_iter().map(result).collect(),
        meta: answer.search_units.map(|search_units| WrittenMeta { billed_units: WrittenUnits { search_units } }),
        usage: answer.usage.as_ref().map(WrittenUsage::from),
    };
    // Text and numbers can't fail to be written.
    Bytes::from(serde_json::to_vec(&written).unwrap_or_default())
}

fn document(request: &RerankRequest, index: usize) -> Option<WrittenDocument<'_>> {
    let document = request.documents.get(index)?;
    if document.is_object() {
        return request.raw(&document.at).map(WrittenDocument::AsItCame);
    }
    request.text(document).map(|text| WrittenDocument::Text { text })
}

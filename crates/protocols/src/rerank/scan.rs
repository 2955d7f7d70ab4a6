//! The one pass over the body of a request for an order of documents.

use std::num::NonZeroU32;
use std::ops::Range;

use bytes::Bytes;

use super::{Document, RerankRequest};
use crate::json::{Scanner, Sort};
use crate::openai::scan::{bool_or_null, model};
use crate::request::BadRequest;
use crate::request::members::{Seen, count, members, text};

#[derive(Default)]
struct Draft {
    seen: Seen,
    model: Option<(String, Range<usize>)>,
    query: Option<(String, u64)>,
    documents: Option<Vec<Document>>,
    document_tokens: u64,
    top_n: Option<NonZeroU32>,
    return_documents: bool,
    max_tokens_per_doc: Option<NonZeroU32>,
    other_rank_fields: bool,
}

/// Checks the body of a request for an order of documents.
///
/// # Errors
/// [`BadRequest`] names the first field that is wrong.
pub fn scan(body: Bytes) -> Result<RerankRequest, BadRequest> {
    let mut draft = Draft::default();
    members(&body, "`model`, `query` and `documents`", |scanner, key| draft.member(scanner, key))?;
    let Some((model, model_at)) = draft.model else {
        return Err(BadRequest::field("model", "is missing: name the model, as GET /v1/models lists it"));
    };
    let Some((query, query_tokens)) = draft.query else {
        return Err(BadRequest::field("query", "is missing: send what to look for"));
    };
    let Some(documents) = draft.documents else {
        return Err(BadRequest::field("documents", "is missing: send an array of texts"));
    };
    Ok(RerankRequest {
        model: model.into(),
        query,
        // Models of this kind read the query together with each document, and providers bill it so.
        tokens: query_tokens.saturating_mul(documents.len() as u64).saturating_add(draft.document_tokens),
        documents,
        top_n: draft.top_n,
        return_documents: draft.return_documents,
        max_tokens_per_doc: draft.max_tokens_per_doc,
        other_rank_fields: draft.other_rank_fields,
        body,
        model_at,
    })
}

impl Draft {
    fn member(&mut self, scanner: &mut Scanner<'_>, key: &str) -> Result<(), BadRequest> {
        match key {
            "model" => {
                self.seen.once("model")?;
                self.model = Some(model(scanner)?);
            }
            "query" => {
                self.seen.once("query")?;
                self.query = Some(query(scanner)?);
            }
            "documents" => {
                self.seen.once("documents")?;
                self.documents = Some(documents(scanner, &mut self.document_tokens)?);
            }
            "top_n" => {
                self.seen.once("top_n")?;
                self.top_n = count(scanner, "top_n")?;
            }
            "return_documents" => {
                self.seen.once("return_documents")?;
                self.return_documents = bool_or_null(scanner, "return_documents")?.unwrap_or(false);
            }
            "max_tokens_per_doc" => {
                self.seen.once("max_tokens_per_doc")?;
                self.max_tokens_per_doc = count(scanner, "max_tokens_per_doc")?;
            }
            "rank_fields" => {
                self.seen.once("rank_fields")?;
                self.other_rank_fields = other_rank_fields(scanner)?;
            }
            _unknown => {
                scanner.skip()?;
            }
        }
        Ok(())
    }
}

fn query(scanner: &mut Scanner<'_>) -> Result<(String, u64), BadRequest> {
    if scanner.peek()? != Sort::String {
        return Err(BadRequest::field("query", "must be a string"));
    }
    let (span, tokens) = text(scanner)?;
    let query = scanner.unescaped(&span)?.into_owned();
    if query.trim().is_empty() {
        return Err(BadRequest::field("query", "is blank: send what to look for"));
    }
    Ok((query, tokens))
}

fn documents(scanner: &mut Scanner<'_>, tokens: &mut u64) -> Result<Vec<Document>, BadRequest> {
    if scanner.peek()? != Sort::Array {
        return Err(BadRequest::field("documents", "must be an array of texts, or of objects with `text`"));
    }
    let mut documents = Vec::new();
    scanner.array(|scanner, index| {
        documents.push(document(scanner, index, tokens)?);
        Ok::<_, BadRequest>(())
    })?;
    if documents.is_empty() { Err(BadRequest::field("documents", "is empty: send at least one document")) } else { Ok(documents) }
}

fn document(scanner: &mut Scanner<'_>, index: usize, tokens: &mut u64) -> Result<Document, BadRequest> {
    let start = match scanner.peek()? {
        Sort::String => {
            let (at, size) = text(scanner)?;
            *tokens = tokens.saturating_add(size);
            return Ok(Document { text_at: Some(at.clone()), at });
        }
        Sort::Object => scanner.position(),
        Sort::Null | Sort::Bool | Sort::Number | Sort::Array => {
            return Err(BadRequest::field(&format!("documents[{index}]"), "must be a text, or an object with `text`"));
        }
    };
    let mut text_at = None;
    scanner.object(|scanner, key| {
        // Other members may be what `rank_fields` names; an image's URL is no text.
        if scanner.peek()? != Sort::String {
            return scanner.skip().map(drop).map_err(BadRequest::from);
        }
        let (at, size) = text(scanner)?;
        if key != "text" {
            return Ok(());
        }
        *tokens = tokens.saturating_add(size);
        match text_at.replace(at) {
            None => Ok(()),
            Some(_) => Err(BadRequest::field(&format!("documents[{index}].text"), "stands twice: send it once")),
        }
    })?;
    Ok(Document { at: start..scanner.position(), text_at })
}

/// Whether others than `text` alone are named.
fn other_rank_fields(scanner: &mut Scanner<'_>) -> Result<bool, BadRequest> {
    match scanner.peek()? {
        Sort::Null => scanner.skip().map(|_| false).map_err(BadRequest::from),
        Sort::Array => {
            let mut others = false;
            scanner.array(|scanner, index| {
                if scanner.peek()? != Sort::String {
                    return Err(BadRequest::field(&format!("rank_fields[{index}]"), "must be the name of a field"));
                }
                let span = scanner.skip()?;
                others |= scanner.unescaped(&span)? != "text";
                Ok(())
            })?;
            Ok(others)
        }
        Sort::Bool | Sort::Number | Sort::String | Sort::Object => {
            Err(BadRequest::field("rank_fields", "must be an array of names of fields"))
        }
    }
}

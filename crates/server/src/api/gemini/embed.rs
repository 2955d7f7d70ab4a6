//! `:embedContent` and `:batchEmbedContents`: asked like OpenAI's embeddings, answered in Gemini's shape.

use std::sync::Arc;

use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::response::Response;
use bytes::Bytes;
use easyai_core::error::ErrorCode;
use easyai_protocols::embeddings;
use easyai_protocols::gemini::embed::{self, EmbedAsk};
use easyai_protocols::gemini::path::Verb;
use easyai_protocols::request::{TextRequest, Unary};
use easyai_protocols::wire::Protocol;
use easyai_runner::TextAsk;
use serde::Serialize;

use crate::api::error::ApiError;
use crate::api::text::{self, ask};
use crate::api::{auth, body, callbacks};
use crate::app::App;

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    input: &'a [String],
    encoding_format: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    dimensions: Option<u32>,
}

pub async fn call(app: &Arc<App>, request: Request, model: &str, verb: Verb) -> Result<Response, ApiError> {
    let (head, incoming) = request.into_parts();
    let caller = auth::caller_of(app, &head)?;
    let asked = match body::read(&head.headers, incoming, app.max_body_bytes).await.and_then(|bytes| read(&bytes, model, verb)) {
        Ok(asked) => asked,
        Err(error) => return Err(text::unread(app, &caller, Protocol::Embeddings, error).await),
    };
    let request = TextRequest::unary(Unary::Embeddings(embeddings::scan(written(&asked))?));
    let callback = callbacks::of_head(&app.runner, &head.headers)?;
    let ask = TextAsk { callback, ..ask::read(&caller, head.headers, request)? };
    let response = text::run(app, &caller, ask).await?;
    let (mut head, answer) = response.into_parts();
    let answer = to_bytes(answer, usize::MAX).await.map_err(|error| internal(&error.to_string()))?;
    let vectors = embeddings::read_answer(&answer, asked.texts.len()).map_err(|error| internal(&error.to_string()))?.vectors;
    let body = match (verb, vectors.first()) {
        (Verb::EmbedContent, Some(vector)) => embed::write_one(vector),
        (_, _) => embed::write_batch(&vectors),
    };
    let mut response = super::json(body);
    carry(&mut head.headers, response.headers_mut());
    Ok(response)
}

/// What the gateway says of the call is the same whatever the shape.
fn carry(from: &mut HeaderMap, to: &mut HeaderMap) {
    for name in ["content-type", "content-length"] {
        from.remove(name);
    }
    to.extend(std::mem::take(from));
}

fn read(bytes: &Bytes, model: &str, verb: Verb) -> Result<EmbedAsk, ApiError> {
    let asked = if verb == Verb::EmbedContent { embed::read_one(bytes, model) } else { embed::read_batch(bytes, model) };
    Ok(asked?)
}

fn written(asked: &EmbedAsk) -> Bytes {
    let body = Body { model: &asked.model, input: &asked.texts, encoding_format: "float", dimensions: asked.dimensions };
    // Text and numbers can't fail to be written.
    Bytes::from(serde_json::to_vec(&body).unwrap_or_default())
}

fn internal(what: &str) -> ApiError {
    tracing::error!(error = what, "Vectors of our own could not be read");
    ApiError::new(ErrorCode::InternalError, "the gateway could not read its own answer: its log says why")
}

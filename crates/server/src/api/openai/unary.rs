//! `POST /v1/embeddings`, `/v1/moderations` and `/v1/rerank`: one question, one answer.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use easyai_protocols::request::{TextRequest, Unary};
use easyai_protocols::wire::Protocol;
use easyai_protocols::{embeddings as vectors, moderations as moderation, rerank as order};

use crate::api::text;
use crate::app::App;

/// Vectors of texts.
pub async fn embeddings(State(app): State<Arc<App>>, request: Request) -> Response {
    let scan = |body| vectors::scan(body).map(|asked| TextRequest::unary(Unary::Embeddings(asked)));
    text::create(&app, Protocol::Embeddings, request, scan).await
}

/// Whether texts are harmful.
pub async fn moderations(State(app): State<Arc<App>>, request: Request) -> Response {
    let scan = |body| moderation::scan(body).map(|asked| TextRequest::unary(Unary::Moderations(asked)));
    text::create(&app, Protocol::Moderations, request, scan).await
}

/// An order of documents by relevance.
pub async fn rerank(State(app): State<Arc<App>>, request: Request) -> Response {
    let scan = |body| order::scan(body).map(|asked| TextRequest::unary(Unary::Rerank(asked)));
    text::create(&app, Protocol::Rerank, request, scan).await
}

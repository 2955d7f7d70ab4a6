//! The HTTP interface: one router, a file a noun.

pub mod admin;
pub mod assets;
pub mod auth;
pub mod body;
pub mod callbacks;
pub mod count;
pub mod error;
pub mod events;
pub mod explain;
pub mod gemini;
pub mod headers;
pub mod health;
pub mod later;
pub mod media;
pub mod openai;
pub mod openapi;
pub mod replay;
pub mod stream;
pub mod tasks;
pub mod text;
pub mod videos;
pub mod wallet;

use std::sync::Arc;

use axum::Router;
use axum::http::{Method, Uri};
use axum::routing::{get, post};
use easyai_core::error::ErrorCode;

use crate::api::error::ApiError;
use crate::app::App;

/// All routes. Bodies are bounded by their handlers, heads and times by the listener.
pub fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/v1/chat/completions", post(text::chat).get(openai::chats::list))
        .route("/v1/chat/completions/{id}", get(openai::chats::one).post(openai::chats::one).delete(openai::chats::one))
        .route("/v1/chat/completions/{id}/messages", get(openai::chats::one))
        .route("/v1/completions", post(text::completions))
        .route("/v1/messages", post(text::messages))
        .route("/v1/models", get(openai::models::list))
        .route("/v1/messages/count_tokens", post(count::messages))
        .route("/v1/responses", post(openai::responses::create))
        .route("/v1/responses/compact", post(openai::responses::compact))
        .route("/v1/responses/input_tokens", post(openai::responses::input_tokens))
        .route("/v1/responses/{id}", get(openai::responses::retrieve).delete(openai::responses::delete))
        .route("/v1/responses/{id}/cancel", post(openai::responses::cancel))
        .route("/v1/responses/{id}/input_items", get(openai::responses::input_items))
        .route("/v1/embeddings", post(openai::unary::embeddings))
        .route("/v1/moderations", post(openai::unary::moderations))
        .route("/v1/rerank", post(openai::unary::rerank))
        .route("/v2/rerank", post(openai::unary::rerank))
        .route("/v1/models/{*model}", get(openai::models::get).post(gemini::call))
        .route("/v1beta/models", get(gemini::list))
        .route("/v1beta/models/{*model}", get(gemini::get).post(gemini::call))
        // Vercel's SDK leaves `models/` out before a name with a slash.
        .route("/v1beta/{*model}", post(gemini::call))
        .route("/v1/images/generations", post(media::generate_images))
        .route("/v1/images/edits", post(media::edit_images))
        .route("/v1/audio/speech", post(media::speech))
        .route("/v1/audio/transcriptions", post(media::transcribe))
        .route("/v1/audio/translations", post(media::translate))
        .route("/v1/videos", get(videos::list).post(videos::create))
        .route("/v1/videos/{id}", get(videos::retrieve).delete(videos::delete))
        .route("/v1/videos/{id}/content", get(videos::content))
        .route("/v1/videos/{id}/remix", post(videos::remix))
        .route("/api/v1/tasks", get(tasks::list).post(tasks::create::create))
        .route("/api/v1/tasks/{id}", get(tasks::get).delete(tasks::control::delete))
        .route("/api/v1/tasks/{id}/cancel", post(tasks::control::cancel))
        .route("/api/v1/tasks/{id}/trace", get(tasks::trace))
        .route("/api/v1/tasks/{id}/events", get(events::list))
        .route("/api/v1/tasks/{id}/stream", get(stream::resume))
        .route("/api/v1/callbacks", get(callbacks::list))
        .route("/api/v1/tasks/{id}/assets", get(assets::of_task))
        .route("/api/v1/assets/{id}", get(assets::get).delete(assets::delete))
        .route("/assets/{id}", get(assets::by_link))
        .route("/api/v1/explain", post(explain::explain))
        .route("/api/v1/wallet", get(wallet::get))
        .route("/api/admin/v1/replay", post(replay::replay))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .route("/openapi.json", get(openapi::document))
        .fallback(no_such_path)
        .method_not_allowed_fallback(no_such_method)
        .with_state(app)
}

async fn no_such_path(uri: Uri) -> ApiError {
    ApiError::status(404, ErrorCode::BadRequest, format!("there is nothing at {}: GET /openapi.json lists all paths", uri.path()))
}

async fn no_such_method(method: Method, uri: Uri) -> ApiError {
    ApiError::status(405, ErrorCode::BadRequest, format!("{} does not take {method}: GET /openapi.json lists all methods", uri.path()))
}

//! `POST /api/v1/explain`: what would be done with a chat, without doing it.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use easyai_core::explain::Explanation;

use crate::api::error::ApiError;
use crate::api::openai::chat::ask;
use crate::api::{auth, body};
use crate::app::App;

/// Explains a chat: the body of `POST /v1/chat/completions`, with the same headers.
///
/// # Errors
/// `invalid_api_key`, `bad_request`, `store_unavailable`. What would be refused is explained, not refused.
#[utoipa::path(post, path = "/api/v1/explain", tag = "Gateway", security(("key" = [])), request_body = serde_json::Value,
    responses((status = 200, description = "Candidates in order with price, estimate, limits and health; those left out with the reason; the hold; the limits of the caller", body = serde_json::Value)))]
pub async fn explain(State(app): State<Arc<App>>, request: Request) -> Result<Json<Explanation>, ApiError> {
    let (head, incoming) = request.into_parts();
    let caller = auth::caller(&app, &head.headers)?;
    let bytes = body::read(&head.headers, incoming, app.max_body_bytes).await?;
    let ask = ask::read(&caller, head.headers, bytes)?;
    let wallet = easyai_store::ledger::wallet(&app.db, caller.account.id).await?.unwrap_or_default();
    Ok(Json(app.runner.explain(&ask).with_wallet(wallet.available(), &app.currency)))
}

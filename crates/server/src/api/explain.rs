//! `POST /api/v1/explain`: what would be done with a call, without doing it.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, Request, State};
use bytes::Bytes;
use easyai_core::explain::Explanation;
use easyai_core::kind::Kind;
use easyai_protocols::read::read;
use easyai_protocols::request::TextRequest;

use crate::api::error::ApiError;
use crate::api::text::ask;
use crate::api::{auth, body};
use crate::app::App;

/// Which call's body it is.
#[derive(Debug, serde::Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ExplainQuery {
    /// The kind of the call, such as `messages`; `chat.completions` unless given.
    #[param(value_type = Option<String>)]
    pub kind: Option<Kind>,
    /// The model, for `generate_content`, which names it in its path.
    pub model: Option<String>,
}

/// Explains a call: the body of `POST /v1/chat/completions`, or of another endpoint named by `kind` (as JSON), with the same headers.
///
/// # Errors
/// `invalid_api_key`, `bad_request`, `store_unavailable`. What would be refused is explained, not refused.
#[utoipa::path(post, path = "/api/v1/explain", tag = "Gateway", security(("key" = [])), params(ExplainQuery), request_body = serde_json::Value,
    responses((status = 200, description = "Candidates in order with price, estimate, limits and health; those left out with the reason; the hold; the limits of the caller", body = serde_json::Value)))]
pub async fn explain(
    State(app): State<Arc<App>>,
    Query(query): Query<ExplainQuery>,
    request: Request,
) -> Result<Json<Explanation>, ApiError> {
    let (head, incoming) = request.into_parts();
    let caller = auth::caller(&app, &head.headers)?;
    let bytes = body::read(&head.headers, incoming, app.max_body_bytes).await?;
    let ask = ask::read(&caller, head.headers, scan(&query, bytes)?)?;
    let wallet = easyai_store::ledger::wallet(&app.db, caller.account.id).await?.unwrap_or_default();
    Ok(Json(app.runner.explain(&ask).with_wallet(wallet.available(), &app.currency)))
}

/// Reads the body of such a call.
///
/// # Errors
/// `bad_request` names the field that is wrong.
pub fn scan(query: &ExplainQuery, bytes: Bytes) -> Result<TextRequest, ApiError> {
    Ok(read(query.kind.unwrap_or(Kind::ChatCompletions), query.model.as_deref(), None, bytes)?)
}

//! Whether the process lives, whether it should get work, and what it counted. Open to everybody who reaches the port.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use easyai_core::error::ErrorCode;

use crate::api::error::ApiError;
use crate::app::App;

/// The database must answer a load balancer's question within this.
const DATABASE_PATIENCE: Duration = Duration::from_secs(2);

/// `GET /healthz`: the process answers.
#[utoipa::path(get, path = "/healthz", tag = "Operation", responses((status = 200, description = "The process answers")))]
pub async fn alive() -> &'static str {
    "ok"
}

/// `GET /readyz`: it may be sent work. False first when the process is to end, and while the database is gone.
///
/// # Errors
/// `shutting_down` or `store_unavailable`.
#[utoipa::path(get, path = "/readyz", tag = "Operation", responses((status = 200, description = "It may be sent work"), (status = 503, description = "It may not")))]
pub async fn ready(State(app): State<Arc<App>>) -> Result<&'static str, ApiError> {
    if app.runner.is_draining() {
        return Err(ApiError::new(ErrorCode::ShuttingDown, "the gateway is shutting down"));
    }
    let gone = |why: String| ApiError::new(ErrorCode::StoreUnavailable, format!("the database does not answer: {why}"));
    match tokio::time::timeout(DATABASE_PATIENCE, easyai_store::catalog::revision(&app.db)).await {
        Ok(Ok(_)) => Ok("ready"),
        Ok(Err(error)) => Err(gone(error.to_string())),
        Err(_) => Err(gone("it took too long".to_owned())),
    }
}

/// `GET /metrics`, for Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "Operation", responses((status = 200, description = "OpenMetrics text")))]
pub async fn metrics(State(app): State<Arc<App>>) -> Response {
    match app.telemetry.text(&app.runner, app.assets.counts()) {
        Ok(text) => ([(CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

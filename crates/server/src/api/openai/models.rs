//! `GET /v1/models`: what this key may ask for, in a shape that serves the SDKs of OpenAI and Anthropic.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use easyai_core::catalog::Model;
use easyai_core::error::ErrorCode;
use easyai_core::time::Timestamp;
use easyai_runner::Caller;

use crate::api::auth;
use crate::api::error::ApiError;
use crate::app::App;

/// One model.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct ModelView {
    /// The name to ask for.
    #[schema(value_type = String)]
    id: Arc<str>,
    object: &'static str,
    /// Seconds since 1970.
    created: i64,
    owned_by: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    #[schema(value_type = String)]
    display_name: Arc<str>,
    #[schema(value_type = String)]
    created_at: Timestamp,
}

/// The models of a caller.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct ModelList {
    object: &'static str,
    data: Vec<ModelView>,
    has_more: bool,
    #[schema(value_type = Option<String>)]
    first_id: Option<Arc<str>>,
    #[schema(value_type = Option<String>)]
    last_id: Option<Arc<str>>,
}

impl ModelView {
    fn of(model: &Model) -> Self {
        Self {
            id: Arc::clone(&model.name),
            object: "model",
            created: model.created_at.seconds(),
            owned_by: "easyai",
            kind: "model",
            display_name: Arc::clone(&model.name),
            created_at: model.created_at,
        }
    }
}

/// Whether the caller may use `model`.
pub fn allowed(caller: &Caller, model: &Model) -> bool {
    caller.group.models.allows(&model.name) && caller.key.models.allows(&model.name)
}

/// Lists the models that the caller may use.
///
/// # Errors
/// `invalid_api_key`.
#[utoipa::path(get, path = "/v1/models", tag = "OpenAI", security(("key" = [])), responses((status = 200, body = ModelList)))]
pub async fn list(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Json<ModelList>, ApiError> {
    let caller = auth::caller(&app, &headers)?;
    let mut data: Vec<ModelView> =
        caller.catalog.models.values().filter(|model| allowed(&caller, model)).map(|model| ModelView::of(model)).collect();
    data.sort_by(|one, other| one.id.cmp(&other.id));
    let id_of = |view: Option<&ModelView>| view.map(|view| Arc::clone(&view.id));
    Ok(Json(ModelList { object: "list", has_more: false, first_id: id_of(data.first()), last_id: id_of(data.last()), data }))
}

/// One model.
///
/// # Errors
/// `model_not_found` also for those that the caller may not use.
#[utoipa::path(get, path = "/v1/models/{model}", tag = "OpenAI", security(("key" = [])), params(("model" = String, Path)), responses((status = 200, body = ModelView)))]
pub async fn get(State(app): State<Arc<App>>, Path(name): Path<String>, headers: HeaderMap) -> Result<Json<ModelView>, ApiError> {
    let caller = auth::caller(&app, &headers)?;
    let model = caller.catalog.models.get(name.as_str()).filter(|model| allowed(&caller, model));
    let not_found =
        || ApiError::new(ErrorCode::ModelNotFound, format!("the model `{name}` does not exist: GET /v1/models lists those you can use"));
    model.map(|model| Json(ModelView::of(model))).ok_or_else(not_found)
}

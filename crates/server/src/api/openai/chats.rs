//! OpenAI's stored chats (`GET /v1/chat/completions` and below). The gateway keeps none, whatever `store` says: a list of them is empty, and
//! none is found. What a platform keeps lies there for all who share its credential, so it is not asked.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use bytes::Bytes;
use easyai_core::error::ErrorCode;

use crate::api::auth;
use crate::api::error::ApiError;
use crate::api::gemini::json;
use crate::app::App;

const EMPTY_PAGE: Bytes = Bytes::from_static(br#"{"object":"list","data":[],"first_id":null,"last_id":null,"has_more":false}"#);

/// The stored chats of a caller.
///
/// # Errors
/// `invalid_api_key`.
pub async fn list(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, ApiError> {
    auth::caller(&app, &headers)?;
    Ok(json(EMPTY_PAGE))
}

/// One of them, or its messages: read, changed or deleted.
pub async fn one(State(app): State<Arc<App>>, Path(id): Path<String>, headers: HeaderMap) -> ApiError {
    match auth::caller(&app, &headers) {
        Ok(_) => {
            let message = format!("the chat `{id}` does not exist: the gateway keeps no chats. It keeps responses: POST /v1/responses");
            ApiError { param: Some("completion_id".to_owned()), ..ApiError::new(ErrorCode::TaskNotFound, message) }
        }
        Err(refused) => refused,
    }
}

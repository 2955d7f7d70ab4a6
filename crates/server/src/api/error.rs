//! Errors as callers see them: one place turns a code and a message into an answer, in the shape of the caller's protocol.

use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use easyai_core::error::ErrorCode;
use easyai_core::id::TaskId;
use easyai_protocols::bridge::error_body;
use easyai_protocols::wire::Protocol;
use easyai_runner::RateLimits;

use super::headers;

/// What a caller is told instead of an answer.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{code}: {message}")]
pub struct ApiError {
    /// The stable code; it has one HTTP status.
    pub code: ErrorCode,
    /// What to do now.
    pub message: String,
    /// The field that is wrong.
    pub param: Option<String>,
    /// When to come again.
    pub retry_after: Option<Duration>,
    /// An HTTP status that says more than the code's own; only for paths and methods that don't exist.
    pub status: Option<u16>,
    /// The task that was refused or failed.
    pub task: Option<TaskId>,
    /// Attempts that were made for it.
    pub attempts: u32,
    /// In whose shape it is told.
    pub protocol: Protocol,
    /// What is left of the caller's limits.
    pub rates: Box<RateLimits>,
}

impl ApiError {
    /// An error with nothing but its code and message.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            param: None,
            retry_after: None,
            status: None,
            task: None,
            attempts: 0,
            protocol: Protocol::Chat,
            rates: Box::default(),
        }
    }

    /// An error whose HTTP status is not its code's own.
    #[must_use]
    pub fn status(status: u16, code: ErrorCode, message: impl Into<String>) -> Self {
        Self { status: Some(status), ..Self::new(code, message) }
    }

    /// A wrong field of the request.
    #[must_use]
    pub fn field(param: &str, message: impl Into<String>) -> Self {
        Self { param: Some(param.to_owned()), ..Self::new(ErrorCode::BadRequest, message) }
    }

    /// No such task, or not this caller's: one answer for both, so that ids can't be guessed.
    #[must_use]
    pub fn no_such_task() -> Self {
        Self::new(ErrorCode::TaskNotFound, "there is no such task among yours: GET /api/v1/tasks lists them")
    }

    /// The same as the runner records it, under a new task's id.
    #[must_use]
    pub fn as_call(&self) -> easyai_runner::CallError {
        easyai_runner::CallError {
            task: self.task.unwrap_or_else(|| TaskId::from_uuid(easyai_runner::clock::new_id())),
            code: self.code,
            message: self.message.clone(),
            param: self.param.clone(),
            retry_after: self.retry_after,
            attempts: self.attempts,
        }
    }

    /// Official SDKs retry 409, 429 and 5xx twice on their own. After a whole run of ours that would only do it all again, unless we
    /// can say when to come back.
    fn worth_retrying(&self) -> bool {
        self.retry_after.is_some()
    }
}

impl From<easyai_runner::CallError> for ApiError {
    fn from(error: easyai_runner::CallError) -> Self {
        let easyai_runner::CallError { task, code, message, param, retry_after, attempts } = error;
        Self { param, retry_after, task: Some(task), attempts, ..Self::new(code, message) }
    }
}

impl From<easyai_protocols::request::BadRequest> for ApiError {
    fn from(error: easyai_protocols::request::BadRequest) -> Self {
        Self { param: error.param, ..Self::new(ErrorCode::BadRequest, error.message) }
    }
}

impl From<easyai_store::StoreError> for ApiError {
    fn from(error: easyai_store::StoreError) -> Self {
        if error.is_temporary() {
            tracing::warn!(%error, "A request was refused: the database is not available");
            return Self {
                retry_after: Some(Duration::from_secs(1)),
                ..Self::new(ErrorCode::StoreUnavailable, "the gateway's database is not available: try again in a moment")
            };
        }
        tracing::error!(%error, "A request failed in the store");
        Self::new(ErrorCode::InternalError, "the gateway could not read its own records: its log says why")
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response =
            Response::new(Body::from(error_body(self.protocol, self.code, &self.message, self.param.as_deref(), self.retry_after)));
        *response.status_mut() = axum::http::StatusCode::from_u16(self.status.unwrap_or_else(|| self.code.http_status()))
            .unwrap_or(axum::http::StatusCode::INTERNAL_SERVER_ERROR);
        let worth_retrying = self.worth_retrying();
        let map = response.headers_mut();
        map.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        // Not a standard header, but official SDKs obey it (openai-python `_base_client.py`, `_should_retry`).
        map.insert("x-should-retry", HeaderValue::from_static(if worth_retrying { "true" } else { "false" }));
        if let Some(wait) = self.retry_after {
            // Rounded up: whoever comes at the second we name is not too early.
            map.insert(RETRY_AFTER, HeaderValue::from(wait.as_millis().div_ceil(1000).max(1).min(u128::from(u32::MAX)) as u64));
        }
        headers::rate_limits(map, &self.rates);
        if let Some(task) = self.task {
            headers::task(map, task);
            map.insert(headers::ATTEMPTS, HeaderValue::from(self.attempts));
        }
        response
    }
}

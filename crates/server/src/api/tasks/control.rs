//! Ending a task before its end, and forgetting one after it.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use easyai_core::error::ErrorCode;
use easyai_core::id::TaskId;
use easyai_runner::{Cancel, clock};
use easyai_store::jobs;

use super::{TaskView, find, full};
use crate::api::error::ApiError;
use crate::api::{assets, auth};
use crate::app::App;

/// A task that its owner does not want to see any more.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct DeletedTask {
    #[schema(value_type = String)]
    id: TaskId,
    object: &'static str,
    deleted: bool,
}

/// Cancels a task that goes on by itself. What its platform makes all the same is thrown away, and not charged.
///
/// # Errors
/// `task_not_found`; `bad_request` for one whose caller waits for its answer: closing that connection cancels it.
#[utoipa::path(post, path = "/api/v1/tasks/{id}/cancel", tag = "Gateway", security(("key" = [])), params(("id" = String, Path)), responses((status = 200, description = "The task, cancelled or about to be; or as it was, if it was over", body = TaskView)))]
pub async fn cancel(State(app): State<Arc<App>>, Path(id): Path<String>, request: Request) -> Result<Response, ApiError> {
    let head = request.into_parts().0;
    let caller = auth::caller(&app, &head.headers)?;
    let row = find(&app, &caller, &id).await?;
    if !row.status.is_terminal() {
        match app.runner.cancel(row.id).await? {
            Cancel::Done | Cancel::Asked => {}
            Cancel::TooLate => {
                let again = find(&app, &caller, &id).await?;
                if !again.status.is_terminal() {
                    let message = "this task's caller waits for its answer: closing that connection cancels it";
                    return Err(ApiError::status(409, ErrorCode::BadRequest, message));
                }
            }
        }
    }
    let row = find(&app, &caller, &id).await?;
    Ok(Json(full(&app, row, &assets::base(&app.links, &head)).await?).into_response())
}

/// Forgets a task that is over: its request, answer and files are deleted, and it is listed no more. The books keep what it cost.
///
/// # Errors
/// `task_not_found`; `bad_request` for one that is not over.
#[utoipa::path(delete, path = "/api/v1/tasks/{id}", tag = "Gateway", security(("key" = [])), params(("id" = String, Path)), responses((status = 200, body = DeletedTask)))]
pub async fn delete(State(app): State<Arc<App>>, Path(id): Path<String>, headers: HeaderMap) -> Result<Json<DeletedTask>, ApiError> {
    let caller = auth::caller(&app, &headers)?;
    let row = find(&app, &caller, &id).await?;
    if !row.status.is_terminal() {
        return Err(ApiError::status(409, ErrorCode::BadRequest, "the task is not over: cancel it first (POST /api/v1/tasks/{id}/cancel)"));
    }
    forget(&app, row.id).await?;
    Ok(Json(DeletedTask { id: row.id, object: "task.deleted", deleted: true }))
}

/// Hides a task, and deletes what is kept of it.
///
/// # Errors
/// [`ApiError`] if the database or the storage refuses.
pub async fn forget(app: &App, task: TaskId) -> Result<(), ApiError> {
    let now = clock::now();
    for asset in easyai_store::assets::by_task(&app.db, task).await?.iter().filter(|asset| asset.deleted_at.is_none()) {
        app.assets.delete(asset, now).await.map_err(|error| assets::unavailable(asset, error))?;
    }
    Ok(jobs::hide(&app.db, task, now).await?)
}

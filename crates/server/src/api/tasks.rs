//! `/api/v1/tasks`: what became of a caller's tasks.

mod usage;

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use easyai_core::error::ErrorCode;
use easyai_core::id::TaskId;
use easyai_core::kind::Kind;
use easyai_core::money::Money;
use easyai_core::task::TaskStatus;
use easyai_core::time::Timestamp;
use easyai_runner::Caller;
use easyai_store::tasks::{self, Filter, TaskRow};

use self::usage::UsageView;
use crate::api::auth;
use crate::api::error::ApiError;
use crate::app::App;

/// A page that a caller does not size.
const DEFAULT_PAGE: u32 = 20;

/// A task as its caller sees it.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct TaskView {
    #[schema(value_type = String, example = "task_01h455vb4pex5vsknk084sn02q")]
    id: TaskId,
    object: &'static str,
    #[schema(value_type = String, example = "chat.completions")]
    kind: Kind,
    #[schema(value_type = String)]
    model: Arc<str>,
    /// `queued`, `running`, `succeeded`, `failed` or `cancelled`.
    #[schema(value_type = String)]
    status: TaskStatus,
    stream: bool,
    /// Whether it cost nothing.
    simulated: bool,
    /// What was charged; of an unfinished task nothing yet.
    #[schema(value_type = String)]
    charge: Money,
    /// What is set aside while it is unfinished.
    #[schema(value_type = String)]
    held: Money,
    #[schema(value_type = String)]
    currency: Arc<str>,
    usage: Option<UsageView>,
    /// Attempts made.
    attempts: u32,
    /// Where it stands in the queue for its limits, while it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    queue: Option<QueueView>,
    /// Why it failed.
    error: Option<ErrorView>,
    #[schema(value_type = Option<String>)]
    upstream_request_id: Option<String>,
    #[schema(value_type = String)]
    created_at: Timestamp,
    #[schema(value_type = Option<String>)]
    finished_at: Option<Timestamp>,
    /// From its start to its end.
    duration_ms: Option<u64>,
}

/// A place in the queue for limits.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct QueueView {
    /// How many come before it.
    ahead: usize,
    /// How many wait, itself included.
    waiting: usize,
}

/// Why a task failed.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct ErrorView {
    #[schema(value_type = String)]
    code: ErrorCode,
    message: String,
}

/// A page of tasks, the latest first.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct TaskList {
    data: Vec<TaskView>,
    /// Pass it as `cursor` for the next page; null after the last.
    #[schema(value_type = Option<String>)]
    next_cursor: Option<TaskId>,
}

/// Which tasks, and how many.
#[derive(Debug, serde::Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// In this status.
    status: Option<String>,
    /// Of this model.
    model: Option<String>,
    /// Of this kind.
    kind: Option<String>,
    /// That began at this time or later.
    since: Option<String>,
    /// That began before this time.
    until: Option<String>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// Tasks on a page, 1 to 500.
    limit: Option<String>,
}

impl TaskView {
    pub(crate) fn of(row: TaskRow, currency: &Arc<str>) -> Self {
        let held = if row.status.is_terminal() { Money::ZERO } else { row.hold };
        let error = row.code.map(|code| ErrorView { code, message: row.message.unwrap_or_default() });
        Self {
            id: row.id,
            object: "task",
            kind: row.kind,
            model: row.model,
            status: row.status,
            stream: row.stream,
            simulated: row.simulated,
            charge: row.charge.unwrap_or_default(),
            held,
            currency: Arc::clone(currency),
            usage: row.usage.map(UsageView::from),
            attempts: row.attempts,
            queue: None,
            error,
            upstream_request_id: row.upstream_request_id,
            created_at: row.started_at,
            finished_at: row.finished_at,
            duration_ms: row.finished_at.map(|end| u64::try_from(end.since(row.started_at).as_millis()).unwrap_or(u64::MAX)),
        }
    }
}

fn read<T: std::str::FromStr>(name: &str, value: Option<&String>) -> Result<Option<T>, ApiError>
where
    T::Err: std::fmt::Display,
{
    value.map(|value| value.parse::<T>().map_err(|error| ApiError::field(name, format!("`{name}`: {error}")))).transpose()
}

/// Lists the caller's tasks.
///
/// # Errors
/// `bad_request` names the parameter that is wrong.
#[utoipa::path(get, path = "/api/v1/tasks", tag = "Gateway", security(("key" = [])), params(ListQuery), responses((status = 200, body = TaskList)))]
pub async fn list(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    query: Result<Query<ListQuery>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<TaskList>, ApiError> {
    let caller = auth::caller(&app, &headers)?;
    let Query(query) =
        query.map_err(|error| ApiError::new(ErrorCode::BadRequest, format!("the query can't be read: {}", error.body_text())))?;
    let filter = Filter {
        account: Some(caller.account.id),
        status: read("status", query.status.as_ref())?,
        model: query.model,
        kind: read("kind", query.kind.as_ref())?,
        since: read("since", query.since.as_ref())?,
        until: read("until", query.until.as_ref())?,
    };
    let after = read("cursor", query.cursor.as_ref())?;
    let limit = read::<u32>("limit", query.limit.as_ref())?.unwrap_or(DEFAULT_PAGE);
    if limit == 0 || limit > tasks::MAX_PAGE {
        return Err(ApiError::field("limit", format!("`limit` must be from 1 to {}", tasks::MAX_PAGE)));
    }
    let page = tasks::list(&app.db, &filter, after, limit).await?;
    let data = page.tasks.into_iter().map(|row| TaskView::of(row, &app.currency)).collect();
    Ok(Json(TaskList { data, next_cursor: page.next }))
}

/// Finds one of the caller's tasks.
pub(super) async fn find(app: &App, caller: &Caller, id: &str) -> Result<TaskRow, ApiError> {
    let id: TaskId = id.parse().map_err(|_| ApiError::no_such_task())?;
    let row = tasks::get(&app.db, id).await?;
    row.filter(|row| row.account_id == caller.account.id).ok_or_else(ApiError::no_such_task)
}

/// One task.
///
/// # Errors
/// `task_not_found` also for those of other accounts.
#[utoipa::path(get, path = "/api/v1/tasks/{id}", tag = "Gateway", security(("key" = [])), params(("id" = String, Path)), responses((status = 200, body = TaskView)))]
pub async fn get(State(app): State<Arc<App>>, Path(id): Path<String>, headers: HeaderMap) -> Result<Json<TaskView>, ApiError> {
    let caller = auth::caller(&app, &headers)?;
    let row = find(&app, &caller, &id).await?;
    let waits = if row.status.is_terminal() { None } else { app.runner.queue_position(row.id) };
    let queue = waits.map(|position| QueueView { ahead: position.ahead, waiting: position.waiting });
    Ok(Json(TaskView { queue, ..TaskView::of(row, &app.currency) }))
}

/// Why a task went as it did: candidates, those left out, the estimate, every decision with its rule. As it was recorded.
///
/// # Errors
/// `task_not_found`.
#[utoipa::path(get, path = "/api/v1/tasks/{id}/trace", tag = "Gateway", security(("key" = [])), params(("id" = String, Path)), responses((status = 200, description = "The recorded trace")))]
pub async fn trace(State(app): State<Arc<App>>, Path(id): Path<String>, headers: HeaderMap) -> Result<Response, ApiError> {
    let caller = auth::caller(&app, &headers)?;
    let row = find(&app, &caller, &id).await?;
    // A running task has decided nothing that is durable yet.
    let trace = tasks::trace(&app.db, row.id).await?.unwrap_or_else(|| "null".to_owned());
    Ok(([(CONTENT_TYPE, "application/json")], format!("{{\"task\":\"{}\",\"trace\":{trace}}}", row.id)).into_response())
}

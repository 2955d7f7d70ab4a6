//! `/api/v1/tasks`: a caller's tasks, those that were called and those that go on by themselves.

pub mod control;
pub mod create;
mod usage;

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, Request, State};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use easyai_core::error::ErrorCode;
use easyai_core::event::Progress;
use easyai_core::id::TaskId;
use easyai_core::job::JobState;
use easyai_core::kind::Kind;
use easyai_core::money::Money;
use easyai_core::task::TaskStatus;
use easyai_core::time::Timestamp;
use easyai_runner::{Caller, clock};
use easyai_store::jobs;
use easyai_store::tasks::{self, Filter, TaskRow};
use serde_json::value::RawValue;

use self::usage::UsageView;
use crate::api::assets::{self, AssetView};
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
    /// Where it stands in the queue, while it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    queue: Option<QueueView>,
    /// How far it is, from 0 to 1; of one that goes on by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>)]
    progress: Option<Progress>,
    /// When it is given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    deadline: Option<Timestamp>,
    /// The greater goes first.
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<i64>,
    /// Since when it is not wanted any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    cancel_requested_at: Option<Timestamp>,
    /// What it gave, once it has succeeded: of tasks that go on by themselves, and files of all.
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<ResultView>,
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
    /// When its turn may come, by how quickly the queue moved lately; none if that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    expected_seconds: Option<u64>,
}

/// What a task gave.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct ResultView {
    /// The answer as a call that waited would have got it, if it is JSON and was kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<serde_json::Value>)]
    answer: Option<Box<RawValue>>,
    /// Files that were made.
    assets: Vec<AssetView>,
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
            progress: None,
            deadline: None,
            priority: None,
            cancel_requested_at: None,
            result: None,
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
    row.filter(|row| row.account_id == caller.account.id && row.deleted_at.is_none()).ok_or_else(ApiError::no_such_task)
}

/// One task.
///
/// # Errors
/// `task_not_found` also for those of other accounts.
#[utoipa::path(get, path = "/api/v1/tasks/{id}", tag = "Gateway", security(("key" = [])), params(("id" = String, Path)), responses((status = 200, body = TaskView)))]
pub async fn get(State(app): State<Arc<App>>, Path(id): Path<String>, request: Request) -> Result<Json<TaskView>, ApiError> {
    let head = request.into_parts().0;
    let caller = auth::caller(&app, &head.headers)?;
    let row = find(&app, &caller, &id).await?;
    Ok(Json(full(&app, row, &assets::base(&app.links, &head)).await?))
}

/// A task with all that is known of it. The addresses of files begin with `base`.
///
/// # Errors
/// [`ApiError`] if it can't be read.
pub(super) async fn full(app: &App, row: TaskRow, base: &str) -> Result<TaskView, ApiError> {
    let job = jobs::get(&app.db, row.id).await?;
    let (task, status) = (row.id, row.status);
    let queue = match &job {
        _over if status.is_terminal() => None,
        Some(job) if job.state == JobState::Queued => {
            let (ahead, waiting) = jobs::place(&app.db, job).await?;
            let expected_seconds = app.runner.expected_wait(ahead).map(|wait| wait.as_secs());
            Some(QueueView { ahead, waiting, expected_seconds })
        }
        Some(_) | None => {
            let waits = app.runner.queue_position(task);
            waits.map(|position| QueueView { ahead: position.ahead, waiting: position.waiting, expected_seconds: None })
        }
    };
    let progress = match &job {
        Some(_) => tasks::events_of(&app.db, &row, 1, &app.currency).await?.last().map(|event| event.progress),
        None => None,
    };
    let result = if status == TaskStatus::Succeeded { result(app, task, base).await? } else { None };
    let (deadline, priority) = (job.as_ref().and_then(|job| job.deadline), job.as_ref().map(|job| job.priority));
    let cancel_requested_at = job.and_then(|job| job.cancel_requested_at).filter(|_| !status.is_terminal());
    Ok(TaskView { queue, progress, deadline, priority, cancel_requested_at, result, ..TaskView::of(row, &app.currency) })
}

/// What a task gave: none where nothing is kept of it.
async fn result(app: &App, task: TaskId, base: &str) -> Result<Option<ResultView>, ApiError> {
    let recorded = tasks::answer(&app.db, task).await?;
    let json = recorded.filter(|recorded| recorded.content_type.starts_with("application/json"));
    let answer = json.and_then(|recorded| serde_json::from_slice(&recorded.body).ok());
    let mut assets = AssetView::all(app, base, easyai_store::assets::by_task(&app.db, task).await?, clock::now());
    assets.retain(AssetView::is_result);
    Ok((answer.is_some() || !assets.is_empty()).then_some(ResultView { answer, assets }))
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

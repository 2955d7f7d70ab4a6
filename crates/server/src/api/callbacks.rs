//! Callbacks: whom a request wants told of its task, and `/api/v1/callbacks`, how far that is.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::http::header::HeaderName;
use easyai_core::delivery::{CallbackState, CallbackTarget, EventNames, Receiver};
use easyai_core::error::ErrorCode;
use easyai_core::id::{CallbackId, TaskId};
use easyai_core::time::Timestamp;
use easyai_runner::Runner;
use easyai_store::callbacks::{self, Callback, Filter};

use crate::api::error::ApiError;
use crate::api::{auth, headers};
use crate::app::App;

/// A page that a caller does not size.
const DEFAULT_PAGE: u32 = 20;

/// Whom the head of a creating call names, if anybody.
///
/// # Errors
/// `bad_request` names the header that is wrong.
pub fn of_head(runner: &Runner, map: &HeaderMap) -> Result<Option<Arc<CallbackTarget>>, ApiError> {
    let (url_name, events_name) = (headers::CALLBACK_URL, headers::CALLBACK_EVENTS);
    let url = text(map, &url_name)?;
    let events = text(map, &events_name)?.map(|events| events.split(','));
    read(runner, (url_name.as_str(), events_name.as_str()), url, events)
}

/// Whom `url` and `events` name, if anybody: checked, and ready for the task's beginning. `fields` are their names, for errors.
///
/// # Errors
/// `bad_request` names the field that is wrong.
pub fn read<'a>(
    runner: &Runner,
    fields: (&str, &str),
    url: Option<&str>,
    events: Option<impl Iterator<Item = &'a str>>,
) -> Result<Option<Arc<CallbackTarget>>, ApiError> {
    let (url_field, events_field) = fields;
    let names = events.map(EventNames::read).transpose();
    let names = names.map_err(|bad| ApiError::field(events_field, format!("`{events_field}`: {bad}")))?;
    match url {
        Some(url) => {
            let target = runner.callback_target(url, names.flatten());
            target.map(Some).map_err(|bad| ApiError::field(url_field, format!("`{url_field}`: {bad}")))
        }
        None if names.is_some() => Err(ApiError::field(events_field, format!("`{events_field}` says nothing without `{url_field}`"))),
        None => Ok(None),
    }
}

fn text<'a>(map: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, ApiError> {
    let bad = |_| ApiError::field(name.as_str(), format!("the header `{name}` must be plain text"));
    map.get(name).map(|value| value.to_str().map_err(bad)).transpose()
}

/// A callback as it is shown: how far one receiver is with the events of one task, or one event that was given up.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct CallbackView {
    #[schema(value_type = String, example = "cb_01h455vb4pex5vsknk084sn02q")]
    id: CallbackId,
    object: &'static str,
    #[schema(value_type = String)]
    task_id: TaskId,
    /// Who named the address: `caller`, or `gateway` for the operator's own.
    #[schema(value_type = String)]
    receiver: Receiver,
    #[schema(value_type = String)]
    url: Arc<str>,
    /// What is told; null is everything.
    #[schema(value_type = Option<Vec<String>>)]
    events: Option<EventNames>,
    /// `open`, `done`, or `dead`: given up.
    #[schema(value_type = String)]
    state: CallbackState,
    /// The one event that this is about, if it was given up alone; else this is about all of them.
    event: Option<u32>,
    /// The number of the event that is sent next.
    next_event: u32,
    /// Failed tries in a row.
    failures: u32,
    /// Of the last failed try.
    error: Option<String>,
    /// When it is sent again; null while there is nothing to send.
    #[schema(value_type = Option<String>)]
    next_attempt_at: Option<Timestamp>,
    #[schema(value_type = String)]
    created_at: Timestamp,
    #[schema(value_type = String)]
    updated_at: Timestamp,
}

impl CallbackView {
    pub(crate) fn of(row: Callback) -> Self {
        Self {
            id: row.id,
            object: "callback",
            task_id: row.task_id,
            receiver: row.receiver,
            url: row.url,
            events: row.events,
            state: row.state,
            event: Some(row.only_seq).filter(|seq| *seq > 0),
            next_event: row.next_seq,
            failures: row.failures,
            error: row.error,
            next_attempt_at: row.due_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// A page of callbacks, the latest first.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct CallbackList {
    data: Vec<CallbackView>,
    /// Pass it as `cursor` for the next page; null after the last.
    #[schema(value_type = Option<String>)]
    next_cursor: Option<CallbackId>,
}

/// Which callbacks, and how many.
#[derive(Debug, serde::Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// Of this task.
    task: Option<String>,
    /// In this state.
    state: Option<String>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// Callbacks on a page, 1 to 500.
    limit: Option<String>,
}

fn parsed<T: std::str::FromStr>(name: &str, value: Option<&String>) -> Result<Option<T>, ApiError>
where
    T::Err: std::fmt::Display,
{
    value.map(|value| value.parse::<T>().map_err(|error| ApiError::field(name, format!("`{name}`: {error}")))).transpose()
}

/// Lists the callbacks that the caller's tasks named. Those of the operator's own receiver are not among them.
///
/// # Errors
/// `bad_request` names the parameter that is wrong.
#[utoipa::path(get, path = "/api/v1/callbacks", tag = "Gateway", security(("key" = [])), params(ListQuery), responses((status = 200, body = CallbackList)))]
pub async fn list(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    query: Result<Query<ListQuery>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<CallbackList>, ApiError> {
    let caller = auth::caller(&app, &headers)?;
    let Query(query) =
        query.map_err(|error| ApiError::new(ErrorCode::BadRequest, format!("the query can't be read: {}", error.body_text())))?;
    let filter = Filter {
        account: Some(caller.account.id),
        task: parsed("task", query.task.as_ref())?,
        state: parsed("state", query.state.as_ref())?,
        receiver: Some(Receiver::Caller),
    };
    let limit = parsed::<u32>("limit", query.limit.as_ref())?.unwrap_or(DEFAULT_PAGE);
    if limit == 0 || limit > callbacks::MAX_PAGE {
        return Err(ApiError::field("limit", format!("`limit` must be from 1 to {}", callbacks::MAX_PAGE)));
    }
    let page = callbacks::list(&app.db, &filter, parsed("cursor", query.cursor.as_ref())?, limit).await?;
    Ok(Json(CallbackList { data: page.callbacks.into_iter().map(CallbackView::of).collect(), next_cursor: page.next }))
}

//! Tasks that are done later: taken on at once, with their hold, and told of by their object.
//!
//! `Prefer: respond-async` on any creating call gives the task object at once; `Prefer: wait=N` gives the answer if it is there within
//! N seconds, else the object (RFC 7240). A stream is sent as it comes: there the preference is left aside, as the RFC allows.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, HeaderName, HeaderValue, LOCATION};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use easyai_core::id::TaskId;
use easyai_core::kind::Kind;
use easyai_core::task::TaskStatus;
use easyai_protocols::media::MediaRequest;
use easyai_runner::{Caller, Enqueue, TextAsk};
use easyai_store::jobs::{RequestHead, SavedRequest};
use easyai_store::tasks;

use crate::api::error::ApiError;
use crate::api::tasks::TaskView;
use crate::api::{headers, tasks as api_tasks};
use crate::app::App;

/// Request: how the caller would like to be answered.
const PREFER: HeaderName = HeaderName::from_static("prefer");
/// Answer: what of that was done.
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// No connection is held open for longer: proxies in between would cut it.
const LONGEST_WAIT: Duration = Duration::from_secs(600);

/// How the caller would like to be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preference {
    /// With the task, at once.
    Task,
    /// With the answer, if it is there in time.
    Wait(Duration),
}

impl Preference {
    /// What a head prefers, if anything of ours. What is not understood is left aside, as RFC 7240 asks.
    #[must_use]
    pub fn of(map: &HeaderMap) -> Option<Self> {
        let values = map.get_all(PREFER).iter().filter_map(|value| value.to_str().ok());
        let words = values.flat_map(|value| value.split([',', ';'])).map(str::trim);
        let mut preference = None;
        for word in words {
            if word.eq_ignore_ascii_case("respond-async") {
                preference.get_or_insert(Self::Task);
            } else if let Some((name, seconds)) = word.split_once('=')
                && name.trim().eq_ignore_ascii_case("wait")
                && let Ok(seconds) = seconds.trim().trim_matches('"').parse::<u64>()
            {
                preference = Some(Self::Wait(Duration::from_secs(seconds).min(LONGEST_WAIT)));
            }
        }
        preference
    }

    fn applied(self) -> HeaderValue {
        match self {
            Self::Task => HeaderValue::from_static("respond-async"),
            Self::Wait(wait) => HeaderValue::from_str(&format!("wait={}", wait.as_secs())).unwrap_or(HeaderValue::from_static("wait")),
        }
    }
}

/// Takes on a task to be done later.
///
/// # Errors
/// What the runner refuses.
pub async fn enqueue(app: &Arc<App>, ask: TextAsk, priority: i64) -> Result<TaskId, ApiError> {
    let request = saved(&ask);
    Ok(app.runner.enqueue(Enqueue { ask, request, priority }).await?.task())
}

/// Takes it on, and answers as the caller prefers.
///
/// # Errors
/// What the runner refuses, or how the task failed within the time that its caller waits.
pub async fn answer(app: &Arc<App>, caller: &Caller, ask: TextAsk, preference: Preference, priority: i64) -> Result<Response, ApiError> {
    let base = ask.base_url.clone().unwrap_or_default();
    let task = enqueue(app, ask, priority).await?;
    let mut response = match preference {
        Preference::Task => object(app, caller, task, &base).await?,
        Preference::Wait(patience) => {
            if app.runner.ended_within(task, patience).await? {
                whole(app, caller, task, &base).await?
            } else {
                object(app, caller, task, &base).await?
            }
        }
    };
    response.headers_mut().insert(PREFERENCE_APPLIED, preference.applied());
    Ok(response)
}

/// The task object, with where to look for it: 202 as long as it is not over.
async fn object(app: &Arc<App>, caller: &Caller, task: TaskId, base: &str) -> Result<Response, ApiError> {
    let row = api_tasks::find(app, caller, &task.to_string()).await?;
    let over = row.status.is_terminal();
    let view: TaskView = api_tasks::full(app, row, base).await?;
    let mut response = Json(view).into_response();
    if !over {
        *response.status_mut() = StatusCode::ACCEPTED;
    }
    headers::task(response.headers_mut(), task);
    if let Ok(place) = HeaderValue::from_str(&format!("/api/v1/tasks/{task}")) {
        response.headers_mut().insert(LOCATION, place);
    }
    Ok(response)
}

/// The answer of a task that is over, as a call that waited would have got it.
async fn whole(app: &Arc<App>, caller: &Caller, task: TaskId, base: &str) -> Result<Response, ApiError> {
    let row = api_tasks::find(app, caller, &task.to_string()).await?;
    if row.status != TaskStatus::Succeeded {
        let code = row.code.unwrap_or(easyai_core::error::ErrorCode::InternalError);
        let message = row.message.unwrap_or_else(|| "the task failed".to_owned());
        return Err(ApiError { task: Some(task), attempts: row.attempts, ..ApiError::new(code, message) });
    }
    let Some(recorded) = tasks::answer(&app.db, task).await? else { return object(app, caller, task, base).await };
    let mut response = Response::new(Body::from(recorded.body));
    if let Ok(content_type) = HeaderValue::from_str(&recorded.content_type) {
        response.headers_mut().insert(CONTENT_TYPE, content_type);
    }
    headers::task(response.headers_mut(), task);
    if let Ok(charge) = HeaderValue::from_str(&row.charge.unwrap_or_default().to_string()) {
        response.headers_mut().insert(headers::CHARGE, charge);
    }
    Ok(response)
}

/// What is kept of a request, for whoever works on it.
fn saved(ask: &TextAsk) -> SavedRequest {
    let request = &ask.request;
    let kind = request.protocol.kind();
    let (content_type, body) = match request.media() {
        Some(media) => (media.body().content_type.clone(), media.body().bytes.clone()),
        None => ("application/json".to_owned(), request.body().clone()),
    };
    let remix_of = match request.media() {
        Some(MediaRequest::Video(video)) => video.remix_of.as_ref().map(|of| of.task),
        Some(_) | None => None,
    };
    let simulation = ask.headers.get(headers::SIMULATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
    SavedRequest {
        head: RequestHead {
            kind,
            model: (kind == Kind::GenerateContent).then(|| request.scan.model.to_string()),
            run_mode: ask.run_mode,
            simulation,
            session: ask.session.clone(),
            base_url: ask.base_url.as_deref().map(str::to_owned),
            remix_of,
        },
        content_type,
        body,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preferences_are_read_as_they_are_written() {
        let of = |value: &'static str| {
            let mut map = HeaderMap::new();
            map.insert(PREFER, HeaderValue::from_static(value));
            Preference::of(&map)
        };
        let wait = |seconds| Some(Preference::Wait(Duration::from_secs(seconds)));
        assert_eq!(of("respond-async"), Some(Preference::Task));
        assert_eq!(of("wait=5"), wait(5));
        assert_eq!(of("respond-async, wait=10"), wait(10));
        assert_eq!(of("Wait=\"7\"; respond-async"), wait(7));
        assert_eq!(of("return=minimal"), None);
        assert_eq!(of("wait=soon"), None);
        assert_eq!(of("wait=100000"), wait(600));
    }
}

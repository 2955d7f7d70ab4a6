//! `/api/v1/tasks/{id}/events`: a task's life as JSON, or live as server-sent events that can be taken up again by `Last-Event-ID`.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use easyai_core::event::Event;
use easyai_core::id::TaskId;
use easyai_store::tasks;
use futures_util::stream;
use tokio::sync::broadcast::{Receiver, error::RecvError};

use crate::api::auth;
use crate::api::error::ApiError;
use crate::api::tasks::find;
use crate::app::App;

/// If no commit is seen for so long, it is looked for: the task may run on another node. Also keeps the connection alive.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// All events of a task.
#[derive(Debug, serde::Serialize)]
pub struct EventList {
    data: Vec<Event>,
    /// Always null: a task has few events.
    next_cursor: Option<String>,
}

/// Lists a task's events, or follows them until the task is over if the caller accepts `text/event-stream`.
///
/// # Errors
/// `task_not_found`; `bad_request` for a `Last-Event-ID` that is no number.
#[utoipa::path(get, path = "/api/v1/tasks/{id}/events", tag = "Gateway", security(("key" = [])), params(("id" = String, Path), ("Last-Event-ID" = Option<u32>, Header)), responses((status = 200, description = "The events, as JSON or as server-sent events")))]
pub async fn list(State(app): State<Arc<App>>, Path(id): Path<String>, headers: HeaderMap) -> Result<Response, ApiError> {
    let caller = auth::caller(&app, &headers)?;
    let row = find(&app, &caller, &id).await?;
    let from = last_event_id(&headers)?.saturating_add(1);
    if !wants_stream(&headers) {
        let data = tasks::events_of(&app.db, &row, from, &app.currency).await?;
        return Ok(Json(EventList { data, next_cursor: None }).into_response());
    }
    // Subscribed before the first look, so that no commit is missed.
    let committed = app.runner.committed();
    let following = Following { app, task: row.id, from, committed, ready: VecDeque::new(), ended: row.status.is_terminal(), over: false };
    let mut response = Response::new(Body::from_stream(stream::unfold(following, Following::next)));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(response)
}

fn wants_stream(headers: &HeaderMap) -> bool {
    headers.get(ACCEPT).and_then(|value| value.to_str().ok()).is_some_and(|accept| accept.contains("text/event-stream"))
}

/// The number of the last event that the caller has; 0 if it has none.
///
/// # Errors
/// `bad_request` if it is no number.
pub fn last_event_id(headers: &HeaderMap) -> Result<u32, ApiError> {
    let Some(value) = headers.get("last-event-id") else { return Ok(0) };
    let number = value.to_str().ok().and_then(|value| value.trim().parse().ok());
    number.ok_or_else(|| ApiError::field("Last-Event-ID", "the header `Last-Event-ID` must be the number of the last event that you have"))
}

struct Following {
    app: Arc<App>,
    task: TaskId,
    from: u32,
    committed: Receiver<TaskId>,
    ready: VecDeque<Bytes>,
    /// The task was over before: nothing comes after what is there, also if the caller has it all.
    ended: bool,
    over: bool,
}

impl Following {
    async fn next(mut self) -> Option<(Result<Bytes, Infallible>, Self)> {
        loop {
            if let Some(frame) = self.ready.pop_front() {
                return Some((Ok(frame), self));
            }
            if self.over {
                return None;
            }
            match self.look().await {
                Ok(true) => {}
                Ok(false) => {
                    if !self.something_happened().await {
                        return Some((Ok(Bytes::from_static(b": waiting\n\n")), self));
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, task.id = %self.task, "Events could not be read: the stream ends");
                    return None;
                }
            }
        }
    }

    /// Reads what is new. True if there is something to send, or nothing more will come.
    async fn look(&mut self) -> Result<bool, easyai_store::StoreError> {
        for event in tasks::events(&self.app.db, self.task, self.from, &self.app.currency).await? {
            self.from = event.seq.saturating_add(1);
            self.over |= event.status.is_terminal() && event.progress == easyai_core::event::Progress::DONE;
            self.ready.push_back(frame(&event));
        }
        self.over |= self.ended;
        Ok(self.over || !self.ready.is_empty())
    }

    async fn something_happened(&mut self) -> bool {
        let task = self.task;
        let committed = &mut self.committed;
        let this_one = async move {
            loop {
                match committed.recv().await {
                    Ok(done) if done != task => {}
                    Ok(_) | Err(RecvError::Lagged(_) | RecvError::Closed) => return,
                }
            }
        };
        tokio::time::timeout(LOOK_EVERY, this_one).await.is_ok()
    }
}

fn frame(event: &Event) -> Bytes {
    // Typed values of our own can't fail to be written.
    let json = serde_json::to_string(event).unwrap_or_default();
    Bytes::from(format!("id: {}\nevent: {}\ndata: {json}\n\n", event.seq, event.event_type))
}

//! `GET /api/v1/tasks/{id}/stream`: the answer of a resumable call, from wherever its caller was when the connection broke.
//!
//! Frames are the caller's protocol's own, each with an `id:` line that counts them from 1. (The first connection has none: OpenAI's Python
//! SDK stumbles over them. Its caller counts.)

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::poll_fn;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use axum::response::Response;
use bytes::{Bytes, BytesMut};
use easyai_core::error::ErrorCode;
use easyai_protocols::sse::{Reader, SseEvent, write_frame, write_named};
use easyai_runner::RelayBody;
use easyai_store::tasks;
use futures_util::stream;

use crate::api::error::ApiError;
use crate::api::events::last_event_id;
use crate::api::{auth, headers, tasks as api_tasks};
use crate::app::App;

/// No event is longer than what a relay keeps.
const MAX_EVENT_BYTES: usize = 64 << 20;

/// Takes up the stream of a call that was made with `x-easyai-resumable: true`, after the event that `Last-Event-ID` names.
///
/// # Errors
/// `task_not_found`; `bad_request` for a task whose stream is not kept, or a `Last-Event-ID` that is no number.
#[utoipa::path(get, path = "/api/v1/tasks/{id}/stream", tag = "Gateway", security(("key" = [])), params(("id" = String, Path), ("Last-Event-ID" = Option<u32>, Header)), responses((status = 200, description = "The answer's frames as server-sent events, live if it is still on its way")))]
pub async fn resume(State(app): State<Arc<App>>, Path(id): Path<String>, head: HeaderMap) -> Result<Response, ApiError> {
    let caller = auth::caller(&app, &head)?;
    let row = api_tasks::find(&app, &caller, &id).await?;
    let after = u64::from(last_event_id(&head)?);
    let numbered = move |frames: Frames| frames.skip(move |number, _| number <= after).numbered();
    let mut response = match app.runner.relay(row.id) {
        Some(relay) => Response::new(live(relay.read(), numbered(Frames::new()))),
        None => {
            let recorded = tasks::answer(&app.db, row.id).await?;
            let recorded = recorded.filter(|recorded| recorded.content_type.starts_with("text/event-stream"));
            let recorded = recorded.ok_or_else(|| not_kept(row.status.is_terminal()))?;
            Response::new(Body::from(numbered(Frames::new()).all(recorded.body)))
        }
    };
    let map = response.headers_mut();
    map.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    map.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers::task(map, row.id);
    Ok(response)
}

fn not_kept(over: bool) -> ApiError {
    let message = if over {
        "the stream of this task was not kept: only those of calls with `x-easyai-resumable: true` can be taken up again"
    } else {
        "the stream of this task can't be taken up: it was not asked with `x-easyai-resumable: true`, or another node works on it"
    };
    ApiError::new(ErrorCode::BadRequest, message)
}

/// Whether an event is left out, by its number from 1 and its content.
type Skip = Box<dyn Fn(u64, &SseEvent) -> bool + Send>;

/// Frames read out of a stream and written again, some of them.
pub struct Frames {
    reader: Reader,
    number: u64,
    skip: Skip,
    numbered: bool,
}

impl Frames {
    /// All of them, as they are.
    pub fn new() -> Self {
        Self { reader: Reader::new(MAX_EVENT_BYTES), number: 0, skip: Box::new(|_, _| false), numbered: false }
    }

    /// Without those of which `skip` says so, by their number from 1 and their content.
    pub fn skip(self, skip: impl Fn(u64, &SseEvent) -> bool + Send + 'static) -> Self {
        Self { skip: Box::new(skip), ..self }
    }

    /// Each with its number.
    pub fn numbered(self) -> Self {
        Self { numbered: true, ..self }
    }

    fn take(&mut self, frames: Bytes, last: bool) -> Bytes {
        self.reader.push(frames);
        if last {
            self.reader.finish();
        }
        let mut out = BytesMut::new();
        while let Ok(Some(event)) = self.reader.next() {
            self.number += 1;
            if (self.skip)(self.number, &event) {
                continue;
            }
            if self.numbered {
                out.extend_from_slice(format!("id: {}\n", self.number).as_bytes());
            }
            match &event.name {
                Some(name) => write_named(&mut out, name, &event.data),
                None => write_frame(&mut out, &event.data),
            }
        }
        out.freeze()
    }

    /// All of a whole stream.
    pub fn all(mut self, frames: Bytes) -> Bytes {
        self.take(frames, true)
    }
}

/// A body of frames as they come.
pub fn live(relay: RelayBody, frames: Frames) -> Body {
    let state = (relay, frames, VecDeque::<Bytes>::new());
    Body::from_stream(stream::unfold(state, |(mut relay, mut frames, mut ready)| async move {
        loop {
            if let Some(next) = ready.pop_front() {
                return Some((Ok::<_, Infallible>(next), (relay, frames, ready)));
            }
            let more = poll_fn(|cx| relay.poll_data(cx)).await?;
            ready.extend(Some(frames.take(more, false)).filter(|frames| !frames.is_empty()));
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_counted_and_the_known_ones_left_out() {
        let stream = Bytes::from_static(b"data: a\n\nevent: x\ndata: b\n\n: comment\n\ndata: c\n\n");
        let all = Frames::new().skip(|number, _| number <= 1).numbered().all(stream);
        assert_eq!(all, "id: 2\nevent: x\ndata: b\n\nid: 3\ndata: c\n\n");
    }
}

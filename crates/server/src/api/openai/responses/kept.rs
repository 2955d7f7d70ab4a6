//! A response that was made before, or is on its way: as an object, or as its stream from any event on.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Query, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use axum::response::Response;
use bytes::{Bytes, BytesMut};
use easyai_core::error::ErrorCode;
use easyai_core::kind::Kind;
use easyai_core::usage::Usage;
use easyai_protocols::bridge;
use easyai_protocols::responses::expand::{input_items, object_of, renamed};
use easyai_protocols::responses::object::{Status, without_output};
use easyai_protocols::sse::SseEvent;
use easyai_protocols::wire::{Envelope, Protocol};
use easyai_runner::{Caller, Phase, Relay, task_of};
use easyai_store::responses::{self, StoredResponse};
use easyai_store::tasks;

use super::{Json, missing, refused};
use crate::api::auth;
use crate::api::error::ApiError;
use crate::api::gemini::json;
use crate::api::stream::{Frames, live};
use crate::app::App;

/// How a response is asked for.
#[derive(Debug, serde::Deserialize)]
pub struct Wanted {
    stream: Option<bool>,
    starting_after: Option<u64>,
}

/// A response, or its stream after the event that `starting_after` numbers.
pub async fn retrieve(State(app): State<Arc<App>>, Path(id): Path<String>, Query(wanted): Query<Wanted>, request: Request) -> Response {
    let (head, _) = request.into_parts();
    let found = async {
        let caller = auth::caller_of(&app, &head)?;
        if wanted.stream == Some(true) {
            stream(&app, &caller, &id, wanted.starting_after).await
        } else {
            object(&app, &caller, &id).await.map(json)
        }
    };
    found.await.unwrap_or_else(refused)
}

fn envelope(relay: &Relay) -> Envelope {
    Envelope {
        id: relay.task.uuid().simple().to_string(),
        created_at: relay.started_at.seconds(),
        model: Arc::clone(&relay.request.scan.model),
        include_usage: true,
        input_tokens: relay.request.scan.prompt_tokens,
        request: relay.request.original().clone(),
    }
}

/// The object of a response on its way.
pub fn standing(relay: &Relay, status: Status) -> Json {
    without_output(&envelope(relay), status, None)
}

/// The object of a response of this caller.
///
/// # Errors
/// `task_not_found` if there is none.
pub async fn object(app: &App, caller: &Caller, id: &str) -> Result<Json, ApiError> {
    if let Some(relay) = running(app, caller, id) {
        match relay.phase() {
            Phase::Opening | Phase::Streaming => return Ok(standing(&relay, Status::InProgress)),
            // Before it is booked.
            Phase::Over(Err(error)) if error.code == ErrorCode::Cancelled => return Ok(standing(&relay, Status::Cancelled)),
            // It is in the database by now, or failed.
            Phase::Over(_) => {}
        }
    }
    match stored(app, caller, id).await? {
        Some(stored) => object_of(&stored.answer.body).map(|object| renamed(&object, id)).ok_or_else(|| missing(id)),
        None => failed(app, caller, id).await,
    }
}

/// The input items of a response of this caller.
///
/// # Errors
/// `task_not_found` if there is none.
pub async fn input(app: &App, caller: &Caller, id: &str) -> Result<Bytes, ApiError> {
    if let Some(relay) = running(app, caller, id) {
        return Ok(input_items(relay.request.original(), &relay.task.uuid().simple().to_string()));
    }
    stored(app, caller, id).await?.map(|stored| stored.input).ok_or_else(|| missing(id))
}

fn running(app: &App, caller: &Caller, id: &str) -> Option<Arc<Relay>> {
    app.runner.relayed_response(id).filter(|relay| relay.account == caller.account.id)
}

async fn stored(app: &App, caller: &Caller, id: &str) -> Result<Option<StoredResponse>, ApiError> {
    Ok(responses::get(&app.db, caller.account.id, id).await?)
}

/// A response that was named before it began and has no answer, or none yet: its task says why.
async fn failed(app: &App, caller: &Caller, id: &str) -> Result<Json, ApiError> {
    let Some(task) = task_of(id) else { return Err(missing(id)) };
    let row = tasks::get(&app.db, task).await?;
    let ours = |row: &tasks::TaskRow| row.account_id == caller.account.id && row.kind == Kind::Responses;
    let row = row.filter(ours).ok_or_else(|| missing(id))?;
    let status = match row.code {
        Some(ErrorCode::Cancelled) => Status::Cancelled,
        Some(_) => Status::Failed,
        // Another process works on it.
        None if row.finished_at.is_none() => Status::InProgress,
        None => return Err(missing(id)),
    };
    let code = row.code.unwrap_or(ErrorCode::InternalError);
    let envelope = Envelope {
        id: task.uuid().simple().to_string(),
        created_at: row.started_at.seconds(),
        model: row.model,
        include_usage: true,
        input_tokens: row.input_tokens,
        request: Bytes::from_static(b"{\"background\":true}"),
    };
    let message = row.message.unwrap_or_default();
    Ok(without_output(&envelope, status, (status == Status::Failed).then_some((code.as_str(), message.as_str()))))
}

async fn stream(app: &App, caller: &Caller, id: &str, starting_after: Option<u64>) -> Result<Response, ApiError> {
    let known = move |_number: u64, event: &SseEvent| starting_after.is_some_and(|after| sequence(&event.data) <= after);
    let frames = Frames::new().skip(known);
    let body = match running(app, caller, id) {
        Some(relay) => live(relay.read(), frames),
        None => {
            let stored = stored(app, caller, id).await?.ok_or_else(|| missing(id))?;
            let is_stream = stored.answer.content_type.starts_with("text/event-stream");
            Body::from(frames.all(if is_stream { stored.answer.body } else { replayed(id, &stored.answer.body)? }))
        }
    };
    let mut response = Response::new(body);
    let map = response.headers_mut();
    map.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    map.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(response)
}

fn sequence(data: &[u8]) -> u64 {
    #[derive(serde::Deserialize)]
    struct Numbered {
        sequence_number: u64,
    }
    serde_json::from_slice::<Numbered>(data).map_or(0, |event| event.sequence_number)
}

/// The events that a response would have had if it had been streamed.
fn replayed(id: &str, object: &Bytes) -> Result<Bytes, ApiError> {
    let answer = bridge::read_answer(Protocol::Responses, object).map_err(|_| missing(id))?;
    let envelope = Envelope {
        id: id.strip_prefix("resp_").unwrap_or(id).to_owned(),
        created_at: 0,
        model: answer.model.clone().unwrap_or_default().into(),
        include_usage: true,
        input_tokens: 0,
        request: object.clone(),
    };
    let (stop, usage) = (answer.stop.clone(), answer.usage.unwrap_or(Usage::counted(0, 0)));
    let mut writer = bridge::stream_writer(Protocol::Responses, envelope);
    let mut out = BytesMut::new();
    for event in answer.into_events() {
        if !event.is_of_the_end() {
            writer.event(event, &mut out);
        }
    }
    writer.end(&stop, &usage, &mut out);
    Ok(out.freeze())
}

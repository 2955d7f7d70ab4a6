//! `POST /v1/chat/completions`.

pub mod ask;

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use easyai_runner::{Caller, RefusedCall, Reply, Served, clock};

use crate::api::error::ApiError;
use crate::api::{auth, body, headers};
use crate::app::App;

/// Answers a chat, whole or streamed.
pub async fn create(State(app): State<Arc<App>>, request: Request) -> Response {
    let started = Instant::now();
    let response = answer(&app, request).await.unwrap_or_else(refusal);
    app.telemetry.answered("chat.completions", response.status().as_u16(), started.elapsed());
    response
}

async fn answer(app: &Arc<App>, request: Request) -> Result<Response, ApiError> {
    let (head, incoming) = request.into_parts();
    let caller = auth::caller(app, &head.headers)?;
    let read = match body::read(&head.headers, incoming, app.max_body_bytes).await {
        Ok(bytes) => ask::read(&caller, head.headers, bytes),
        Err(error) => Err(error),
    };
    match read {
        Ok(ask) => {
            let reply = app.runner.chat(ask).await.map_err(ApiError::from);
            let rates = app.runner.rate_limits(&caller);
            match reply {
                Ok(reply) => {
                    let mut response = respond(app, reply);
                    headers::rate_limits(response.headers_mut(), &rates);
                    Ok(response)
                }
                Err(error) => Err(ApiError { rates: Box::new(rates), ..error }),
            }
        }
        Err(error) => Err(unread(app, &caller, error).await),
    }
}

/// A request that could not be read is a failed task too: its id can be looked up, and says what was wrong.
async fn unread(app: &App, caller: &Caller, error: ApiError) -> ApiError {
    let refused = error.as_call();
    let call = RefusedCall {
        caller,
        model: "",
        stream: false,
        run_mode: caller.key.run_mode,
        input_tokens: 0,
        started_at: clock::now(),
        trace: None,
    };
    app.runner.refused(call, &refused).await;
    ApiError { task: Some(refused.task), ..error }
}

/// Every refusal has a task id too, so that a caller and an operator can speak of the same call.
fn refusal(mut error: ApiError) -> Response {
    error.task.get_or_insert_with(|| easyai_core::id::TaskId::from_uuid(easyai_runner::clock::new_id()));
    error.into_response()
}

fn respond(app: &App, reply: Reply) -> Response {
    match reply {
        Reply::Plain { served, content_type, body } => {
            let mut response = Response::new(Body::from(body));
            response.headers_mut().insert(CONTENT_TYPE, content_type);
            tell(app, response.headers_mut(), &served);
            response
        }
        Reply::Stream { served, body } => {
            let mut response = event_stream(Body::new(*body));
            tell(app, response.headers_mut(), &served);
            response
        }
        Reply::Thinking { task, body } => {
            let mut response = event_stream(Body::new(*body));
            headers::task(response.headers_mut(), task);
            response
        }
        Reply::Replayed { task, answer } => {
            let mut response = Response::new(Body::from(answer.body));
            *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
            let map = response.headers_mut();
            if let Ok(content_type) = HeaderValue::from_str(&answer.content_type) {
                map.insert(CONTENT_TYPE, content_type);
            }
            map.insert(headers::REPLAYED, HeaderValue::from_static("true"));
            headers::task(map, task);
            response
        }
    }
}

fn event_stream(body: Body) -> Response {
    let mut response = Response::new(body);
    let map = response.headers_mut();
    map.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    map.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // Otherwise nginx in front of us would hold the stream back.
    map.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

fn tell(app: &App, map: &mut HeaderMap, served: &Served) {
    headers::task(map, served.task);
    map.insert(headers::ATTEMPTS, HeaderValue::from(served.attempts));
    if let Some(charged) = served.charged
        && let Ok(value) = HeaderValue::from_str(&charged.to_string())
    {
        map.insert(headers::CHARGE, value);
    }
    if let Some(model) = &served.fallback
        && let Ok(value) = HeaderValue::from_str(model)
    {
        map.insert(headers::MODEL, value);
    }
    if app.expose_platform
        && let Ok(value) = HeaderValue::from_str(&served.platform)
    {
        map.insert(headers::PLATFORM, value);
    }
}

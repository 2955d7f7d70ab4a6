//! A call for text in any of the protocols: `POST /v1/chat/completions`, `/v1/completions`, `/v1/messages`, and Gemini's
//! `models/{model}:generateContent`. What differs is how the body is read and which shape an error has.

pub mod ask;

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{AGE, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use easyai_core::error::ErrorCode;
use easyai_protocols::request::{BadRequest, Framing, TextRequest};
use easyai_protocols::wire::Protocol;
use easyai_protocols::{anthropic, completions, openai};
use easyai_runner::{CacheUse, CallError, Caller, Detached, RefusedCall, Reply, Served, clock};

use crate::api::error::ApiError;
use crate::api::gemini::ArrayBody;
use crate::api::later::{self, Preference};
use crate::api::{auth, body, headers};
use crate::app::App;

/// `POST /v1/chat/completions`.
pub async fn chat(State(app): State<Arc<App>>, request: Request) -> Response {
    create(&app, Protocol::Chat, request, openai::scan::scan).await
}

/// `POST /v1/completions`.
pub async fn completions(State(app): State<Arc<App>>, request: Request) -> Response {
    create(&app, Protocol::Completions, request, completions::scan::scan).await
}

/// `POST /v1/messages`.
pub async fn messages(State(app): State<Arc<App>>, request: Request) -> Response {
    create(&app, Protocol::Messages, request, anthropic::scan::scan).await
}

/// Answers a call, whole or streamed.
pub async fn create(
    app: &Arc<App>,
    protocol: Protocol,
    request: Request,
    scan: impl FnOnce(Bytes) -> Result<TextRequest, BadRequest>,
) -> Response {
    let started = Instant::now();
    let response = answer(app, protocol, request, scan).await.unwrap_or_else(|error| refusal(error, protocol));
    app.telemetry.answered(protocol.kind().as_str(), response.status().as_u16(), started.elapsed());
    response
}

async fn answer(
    app: &Arc<App>,
    protocol: Protocol,
    request: Request,
    scan: impl FnOnce(Bytes) -> Result<TextRequest, BadRequest>,
) -> Result<Response, ApiError> {
    let (head, incoming) = request.into_parts();
    let caller = auth::caller_of(app, &head)?;
    match read(app, &caller, protocol, head, incoming, scan).await {
        Ok(ask) => match Preference::of(&ask.headers).filter(|_| !ask.request.scan.stream) {
            Some(preference) => Box::pin(later::answer(app, &caller, ask, preference, 0)).await,
            None => run(app, &caller, ask).await,
        },
        Err(error) => Err(Box::pin(unread(app, &caller, protocol, error)).await),
    }
}

async fn read(
    app: &App,
    caller: &Caller,
    protocol: Protocol,
    head: Parts,
    incoming: Body,
    scan: impl FnOnce(Bytes) -> Result<TextRequest, BadRequest>,
) -> Result<easyai_runner::TextAsk, ApiError> {
    let most = if protocol.brings_files() { app.max_media_body_bytes } else { app.max_body_bytes };
    let bytes = body::read(&head.headers, incoming, most).await?;
    ask::of_call(app, caller, head, scan(bytes)?)
}

/// Runs what was asked and answers in the caller's framing.
pub async fn run(app: &Arc<App>, caller: &Caller, ask: easyai_runner::TextAsk) -> Result<Response, ApiError> {
    let (protocol, framing) = (ask.request.protocol, ask.request.framing);
    let goes_on = ask.request.scan.stream && ask.detached;
    let reply = if goes_on { Box::pin(detached(app, ask)).await } else { app.runner.text(ask).await.map_err(ApiError::from) };
    let rates = app.runner.rate_limits(caller);
    match reply {
        Ok(reply) => {
            let mut response = respond(app, reply, protocol, framing);
            headers::rate_limits(response.headers_mut(), &rates);
            Ok(response)
        }
        Err(error) => Err(ApiError { rates: Box::new(rates), ..error }),
    }
}

/// A stream that goes on without its caller, from its first useful delta.
async fn detached(app: &Arc<App>, ask: easyai_runner::TextAsk) -> Result<Reply, ApiError> {
    match app.runner.detach(ask).await? {
        Detached::Repeated(reply) => Ok(reply),
        Detached::Going(relay) => match relay.begun().await {
            Ok(Some(served)) => Ok(Reply::Relayed { served, body: Box::new(relay.read()) }),
            Ok(None) => Err(ApiError::new(ErrorCode::InternalError, "the answer is no stream")),
            Err(error) => Err(ApiError::from(CallError::clone(&error))),
        },
    }
}

/// A request that could not be read is a failed task too: its id can be looked up, and says what was wrong.
pub async fn unread(app: &App, caller: &Caller, protocol: Protocol, error: ApiError) -> ApiError {
    let refused = error.as_call();
    let call = RefusedCall {
        caller,
        kind: protocol.kind(),
        model: "",
        stream: false,
        run_mode: caller.key.run_mode,
        input_tokens: 0,
        started_at: clock::now(),
        trace: None,
        callback: None,
    };
    app.runner.refused(call, &refused).await;
    ApiError { task: Some(refused.task), ..error }
}

/// Every refusal has a task id too, so that a caller and an operator can speak of the same call.
pub fn refusal(mut error: ApiError, protocol: Protocol) -> Response {
    error.task.get_or_insert_with(|| easyai_core::id::TaskId::from_uuid(easyai_runner::clock::new_id()));
    ApiError { protocol, ..error }.into_response()
}

/// An answer in the caller's framing.
pub fn respond(app: &App, reply: Reply, protocol: Protocol, framing: Framing) -> Response {
    match reply {
        Reply::Plain { served, content_type, body } => {
            let mut response = Response::new(Body::from(body));
            response.headers_mut().insert(CONTENT_TYPE, content_type);
            tell(app, response.headers_mut(), &served);
            response
        }
        Reply::Cached { served, streamed, content_type, body } => {
            let body = Body::from(body);
            let mut response = if streamed { event_stream(body, protocol, framing) } else { Response::new(body) };
            response.headers_mut().insert(CONTENT_TYPE, content_type);
            tell(app, response.headers_mut(), &served);
            response
        }
        Reply::Stream { served, body } => {
            let file = body.file().cloned();
            let mut response = event_stream(Body::new(*body), protocol, framing);
            file.map(|media_type| response.headers_mut().insert(CONTENT_TYPE, media_type));
            tell(app, response.headers_mut(), &served);
            response
        }
        Reply::Relayed { served, body } => {
            let mut response = event_stream(Body::new(*body), protocol, framing);
            tell(app, response.headers_mut(), &served);
            response
        }
        Reply::Thinking { task, body } => {
            let mut response = event_stream(Body::new(*body), protocol, framing);
            headers::task(response.headers_mut(), task);
            response
        }
        Reply::Replayed { task, answer } => {
            let body = Body::from(answer.body);
            let body = if framing == Framing::Array { Body::new(ArrayBody::new(body)) } else { body };
            let mut response = Response::new(body);
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

fn event_stream(body: Body, protocol: Protocol, framing: Framing) -> Response {
    let body = if framing == Framing::Array { Body::new(ArrayBody::new(body)) } else { body };
    let mut response = Response::new(body);
    let map = response.headers_mut();
    map.insert(CONTENT_TYPE, HeaderValue::from_static(easyai_runner::content_type(protocol, framing)));
    map.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // Otherwise nginx in front of us would hold the stream back.
    map.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

fn tell(app: &App, map: &mut HeaderMap, served: &Served) {
    headers::task(map, served.task);
    map.insert(headers::ATTEMPTS, HeaderValue::from(served.attempts));
    match served.cache {
        None => {}
        Some(CacheUse::Miss) => drop(map.insert(headers::CACHE, HeaderValue::from_static("miss"))),
        Some(CacheUse::Hit { age }) => {
            map.insert(headers::CACHE, HeaderValue::from_static("hit"));
            map.insert(AGE, HeaderValue::from(age.as_secs()));
        }
    }
    let mut text = |name, text: &str| {
        if let Ok(value) = HeaderValue::from_str(text) {
            map.insert(name, value);
        }
    };
    if let Some(charged) = served.charged {
        text(headers::CHARGE, &charged.to_string());
    }
    if let Some(model) = &served.fallback {
        text(headers::MODEL, model);
    }
    if !served.conversions.is_empty() {
        text(headers::CONVERTED, &served.conversions);
    }
    if app.expose_platform {
        text(headers::PLATFORM, &served.platform);
    }
}

//! `POST /v1/responses`, and what can be done with a response afterwards.
//!
//! The gateway keeps responses itself, so that they can be gone on from, taken up again and looked up whatever platform made them.

mod history;
mod kept;

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{Path, Query, Request, State};
use axum::http::request::Parts;
use axum::response::Response;
use bytes::Bytes;
use easyai_core::error::ErrorCode;
use easyai_protocols::responses::expand::{self, Order};
use easyai_protocols::responses::object::{self, Status};
use easyai_protocols::responses::scan::{ResponsesAsk, scan};
use easyai_protocols::responses::{self, compact};
use easyai_protocols::wire::Protocol;
use easyai_runner::{CallError, Caller, Detached, Keep, KeepResponse, Reply, TextAsk};

use crate::api::error::ApiError;
use crate::api::gemini::json;
use crate::api::text::ask::{self, resumable};
use crate::api::{auth, body, callbacks, count, headers, text};
use crate::app::App;

pub use self::kept::retrieve;

/// The most items of one page.
const MAX_PAGE: usize = 100;

/// A page that a caller does not size, as OpenAI has it.
const DEFAULT_PAGE: usize = 20;

/// Makes a response: whole, streamed, or in the background.
pub async fn create(State(app): State<Arc<App>>, request: Request) -> Response {
    let started = Instant::now();
    let response = answer(&app, request).await.unwrap_or_else(refused);
    app.telemetry.answered(Protocol::Responses.kind().as_str(), response.status().as_u16(), started.elapsed());
    response
}

fn refused(error: ApiError) -> Response {
    text::refusal(error, Protocol::Responses)
}

async fn answer(app: &Arc<App>, request: Request) -> Result<Response, ApiError> {
    let (head, incoming) = request.into_parts();
    let caller = auth::caller_of(app, &head)?;
    match read(app, &caller, head, incoming).await {
        Ok((ask, wanted)) if wanted.background => in_background(app, ask).await,
        Ok((ask, _)) => text::run(app, &caller, ask).await,
        Err(error) => Err(text::unread(app, &caller, Protocol::Responses, error).await),
    }
}

/// Reads the request, puts earlier turns in place of `previous_response_id`, and says what is kept.
async fn read(app: &App, caller: &Caller, head: Parts, incoming: Body) -> Result<(TextAsk, ResponsesAsk), ApiError> {
    let bytes = body::read(&head.headers, incoming, app.max_body_bytes).await?;
    let (mut request, wanted) = scan(bytes.clone())?;
    if let Some(whole) = history::whole(app, caller, &request, wanted.previous_response_id.as_deref()).await? {
        request = scan(whole)?.0;
    }
    if wanted.background {
        request = scan(expand::in_the_foreground(request.body())?)?.0;
    }
    request = request.in_place_of(bytes.clone(), wanted.previous_response_id.as_deref());
    let goes_on = resumable(&head.headers)? && request.scan.stream;
    let callback = callbacks::of_head(&app.runner, &head.headers)?;
    let mut ask = ask::read(caller, head.headers, request)?;
    ask.callback = callback;
    if wanted.store {
        let input = expand::input_items(&bytes, &uuid_body());
        ask.keep = Keep::Response(KeepResponse {
            own_id: wanted.background && !ask.request.scan.stream,
            previous: wanted.previous_response_id.clone(),
            input,
        });
    }
    ask.detached = wanted.background || goes_on;
    Ok((ask, wanted))
}

/// What begins the ids of items that came without.
fn uuid_body() -> String {
    easyai_runner::clock::new_id().simple().to_string()
}

/// The run goes on by itself; its caller gets the stream, or an object to ask for later.
async fn in_background(app: &Arc<App>, ask: TextAsk) -> Result<Response, ApiError> {
    let streamed = ask.request.scan.stream;
    let relay = match app.runner.detach(ask).await? {
        Detached::Going(relay) => relay,
        Detached::Repeated(reply) => return Ok(text::respond(app, reply, Protocol::Responses, easyai_protocols::request::Framing::Events)),
    };
    if streamed {
        return match relay.begun().await {
            Ok(Some(served)) => {
                let reply = Reply::Relayed { served, body: Box::new(relay.read()) };
                Ok(text::respond(app, reply, Protocol::Responses, easyai_protocols::request::Framing::Events))
            }
            Ok(None) => Err(ApiError::new(ErrorCode::InternalError, "the answer is no stream")),
            Err(error) => Err(ApiError::from(CallError::clone(&error))),
        };
    }
    let mut response = json(kept::standing(&relay, Status::Queued));
    headers::task(response.headers_mut(), relay.task);
    Ok(response)
}

/// Makes a conversation short: what is answered is the input of the next response. It is no response, and not kept.
pub async fn compact(State(app): State<Arc<App>>, request: Request) -> Response {
    let started = Instant::now();
    let response = compacted(&app, request).await.unwrap_or_else(refused);
    app.telemetry.answered(Protocol::Compaction.kind().as_str(), response.status().as_u16(), started.elapsed());
    response
}

async fn compacted(app: &Arc<App>, request: Request) -> Result<Response, ApiError> {
    let (head, incoming) = request.into_parts();
    let caller = auth::caller_of(app, &head)?;
    match read_compaction(app, &caller, head, incoming).await {
        Ok(ask) => text::run(app, &caller, ask).await,
        Err(error) => Err(text::unread(app, &caller, Protocol::Compaction, error).await),
    }
}

/// Reads the request, and puts earlier turns in place of `previous_response_id`.
async fn read_compaction(app: &App, caller: &Caller, head: Parts, incoming: Body) -> Result<TextAsk, ApiError> {
    let bytes = body::read(&head.headers, incoming, app.max_body_bytes).await?;
    let (mut request, previous) = compact::scan(bytes.clone())?;
    if let Some(whole) = history::whole(app, caller, &request, previous.as_deref()).await? {
        request = compact::scan(whole)?.0;
    }
    ask::of_call(app, caller, head, request)
}

/// Counts a prompt, earlier turns included.
pub async fn input_tokens(State(app): State<Arc<App>>, request: Request) -> Response {
    let counted = async {
        let (head, incoming) = request.into_parts();
        let caller = auth::caller_of(&app, &head)?;
        let bytes = body::read(&head.headers, incoming, app.max_body_bytes).await?;
        let (mut request, previous) = responses::count::request(bytes)?;
        if let Some(whole) = history::whole(&app, &caller, &request, previous.as_deref()).await? {
            request = responses::count::request(whole)?.0;
        }
        let tokens = count::tokens(&app, &caller, head, request).await?;
        Ok(json(responses::count::answer(tokens)))
    };
    counted.await.unwrap_or_else(refused)
}

/// Forgets a response.
pub async fn delete(State(app): State<Arc<App>>, Path(id): Path<String>, request: Request) -> Response {
    let (head, _) = request.into_parts();
    let deleted = async {
        let caller = auth::caller_of(&app, &head)?;
        if easyai_store::responses::delete(&app.db, caller.account.id, &id).await? {
            Ok(json(object::deleted(&id)))
        } else {
            Err(missing(&id))
        }
    };
    deleted.await.unwrap_or_else(refused)
}

/// Cancels a response that is worked on in the background.
pub async fn cancel(State(app): State<Arc<App>>, Path(id): Path<String>, request: Request) -> Response {
    let (head, _) = request.into_parts();
    let cancelled = async {
        let caller = auth::caller_of(&app, &head)?;
        if let Some(relay) = app.runner.relayed_response(&id).filter(|relay| relay.account == caller.account.id) {
            relay.cancel();
            // How it ended does not matter: it did.
            let _ended = relay.ended().await;
            return Ok(json(kept::standing(&relay, Status::Cancelled)));
        }
        kept::object(&app, &caller, &id).await.map(json)
    };
    cancelled.await.unwrap_or_else(refused)
}

/// Which page of a list.
#[derive(Debug, serde::Deserialize)]
pub struct PageQuery {
    limit: Option<usize>,
    after: Option<String>,
    order: Option<String>,
}

/// Lists the input items of a response.
pub async fn input_items(State(app): State<Arc<App>>, Path(id): Path<String>, Query(page): Query<PageQuery>, request: Request) -> Response {
    let (head, _) = request.into_parts();
    let listed = async {
        let caller = auth::caller_of(&app, &head)?;
        let limit = page.limit.unwrap_or(DEFAULT_PAGE);
        if !(1..=MAX_PAGE).contains(&limit) {
            return Err(ApiError::field("limit", format!("`limit` must be from 1 to {MAX_PAGE}")));
        }
        let order = match page.order.as_deref() {
            None | Some("desc") => Order::Descending,
            Some("asc") => Order::Ascending,
            Some(_) => return Err(ApiError::field("order", "`order` must be asc or desc")),
        };
        let items = kept::input(&app, &caller, &id).await?;
        Ok(json(expand::items_page(&items, limit, page.after.as_deref(), order)))
    };
    listed.await.unwrap_or_else(refused)
}

/// No such response, or not this caller's.
fn missing(id: &str) -> ApiError {
    let message = format!("the response `{id}` does not exist, was not stored, or was deleted");
    ApiError { param: Some("response_id".to_owned()), ..ApiError::new(ErrorCode::TaskNotFound, message) }
}

/// A body as it is sent.
type Json = Bytes;

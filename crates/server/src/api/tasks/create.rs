//! `POST /api/v1/tasks`: any kind of call, done later.
//!
//! The body is the call's own, with the kind and what belongs to the task beside it; or the call's own under `request`. Files come in a
//! form whose fields are the same.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use bytes::Bytes;
use easyai_core::kind::Kind;
use easyai_protocols::multipart;
use easyai_protocols::read::read;
use easyai_protocols::request::TextRequest;
use easyai_protocols::responses::scan::scan;
use easyai_protocols::wire::Protocol;
use serde_json::{Map, Value};

use crate::api::error::ApiError;
use crate::api::text::ask;
use crate::api::{auth, body, callbacks, later};
use crate::app::App;

/// How far apart priorities may be.
const PRIORITIES: std::ops::RangeInclusive<i64> = -100..=100;

/// No task waits for longer than a week.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);

/// Where a call's own body may stand instead of beside the task's fields.
const NESTED: [&str; 2] = ["request", "body"];

/// What belongs to the task and not to the call.
#[derive(Debug, Default)]
struct Terms {
    kind: Option<String>,
    model: Option<String>,
    priority: Option<i64>,
    timeout: Option<Duration>,
    callback_url: Option<String>,
    callback_events: Option<Vec<String>>,
}

/// Takes on a task of any kind.
///
/// # Errors
/// `bad_request` names the field that is wrong; else as the call itself.
#[utoipa::path(post, path = "/api/v1/tasks", tag = "Gateway", security(("key" = [])), request_body = serde_json::Value, responses((status = 202, description = "The task", body = super::TaskView)))]
pub async fn create(State(app): State<Arc<App>>, request: Request) -> Result<Response, ApiError> {
    let (head, incoming) = request.into_parts();
    let caller = auth::caller(&app, &head.headers)?;
    let bytes = body::read(&head.headers, incoming, app.max_media_body_bytes).await?;
    let content_type = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("application/json").to_owned();
    let (terms, request) = if content_type.to_ascii_lowercase().starts_with("multipart/form-data") {
        of_form(&content_type, bytes)?
    } else {
        of_json(&bytes)?
    };
    if request.scan.stream {
        return Err(ApiError::field(
            "stream",
            "`stream` must not be true: nobody waits for a task that is done later. Follow its events instead",
        ));
    }
    stands_alone(&request)?;
    let preference = later::Preference::of(&head.headers).unwrap_or(later::Preference::Task);
    let mut ask = ask::of_call(&app, &caller, head, request)?;
    ask.deadline = terms.timeout.or(ask.deadline);
    let events = terms.callback_events.as_ref().map(|events| events.iter().map(String::as_str));
    ask.callback =
        callbacks::read(&app.runner, ("callback_url", "callback_events"), terms.callback_url.as_deref(), events)?.or(ask.callback);
    later::answer(&app, &caller, ask, preference, terms.priority.unwrap_or(0)).await
}

/// A response that is done as a task brings all that it needs. Earlier ones are looked up by `POST /v1/responses` alone, and an upstream
/// that were told of one would go on from it whosever it is.
fn stands_alone(request: &TextRequest) -> Result<(), ApiError> {
    if request.scan.needs.earlier_items {
        let message =
            "`input` refers to items of earlier responses, which are known at POST /v1/responses alone: send the items themselves";
        return Err(ApiError::field("input", message));
    }
    if request.protocol != Protocol::Responses {
        return Ok(());
    }
    let (_, asked) = scan(request.body().clone())?;
    if asked.previous_response_id.is_some() {
        let message = "`previous_response_id` is known at POST /v1/responses alone: ask there with `background`, or send the whole input";
        return Err(ApiError::field("previous_response_id", message));
    }
    if asked.background {
        return Err(ApiError::field("background", "`background` must not be true: a task is done in the background anyway"));
    }
    Ok(())
}

fn of_json(bytes: &Bytes) -> Result<(Terms, TextRequest), ApiError> {
    let bad = |error: serde_json::Error| {
        ApiError::new(easyai_core::error::ErrorCode::BadRequest, format!("the request body is not a JSON object: {error}"))
    };
    let mut members: Map<String, Value> = serde_json::from_slice(bytes).map_err(bad)?;
    let mut terms = Terms { kind: word(&mut members, "kind")?, ..Terms::default() };
    terms.priority = members.remove("priority").map(priority).transpose()?;
    terms.timeout = members.remove("timeout_ms").map(timeout).transpose()?;
    terms.callback_url = word(&mut members, "callback_url")?;
    terms.callback_events = members.remove("callback_events").map(words).transpose()?;
    let nested = NESTED.iter().find_map(|name| match members.remove(*name) {
        Some(Value::Object(own)) => Some(own),
        Some(other) => {
            members.insert((*name).to_owned(), other);
            None
        }
        None => None,
    });
    let own = nested.unwrap_or_else(|| std::mem::take(&mut members));
    let kind = kind(&terms)?;
    if kind == Kind::GenerateContent {
        terms.model = own.get("model").and_then(Value::as_str).map(str::to_owned);
    }
    let body = serde_json::to_vec(&own).map_err(bad)?;
    let request = read(kind, terms.model.as_deref(), Some("application/json"), body.into())?;
    Ok((terms, request))
}

fn of_form(content_type: &str, bytes: Bytes) -> Result<(Terms, TextRequest), ApiError> {
    let parts = multipart::parts(content_type, &bytes)?;
    let field = |name: &str| parts.iter().find(|part| part.name == name).map(|part| String::from_utf8_lossy(&part.data).trim().to_owned());
    let number = |name: &str| field(name).map(|text| text.parse::<i64>().map_or_else(|_| Value::from(text), Value::from));
    let terms = Terms {
        kind: field("kind"),
        model: None,
        priority: number("priority").map(priority).transpose()?,
        timeout: number("timeout_ms").map(timeout).transpose()?,
        callback_url: field("callback_url"),
        callback_events: field("callback_events").map(|events| events.split(',').map(|event| event.trim().to_owned()).collect()),
    };
    let request = read(kind(&terms)?, None, Some(content_type), bytes)?;
    Ok((terms, request))
}

fn kind(terms: &Terms) -> Result<Kind, ApiError> {
    let kinds = || Kind::ALL.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ");
    let Some(kind) = &terms.kind else { return Err(ApiError::field("kind", format!("`kind` is missing: one of {}", kinds()))) };
    kind.parse().map_err(|_| ApiError::field("kind", format!("`{kind}` is not a kind: use one of {}", kinds())))
}

fn word(members: &mut Map<String, Value>, name: &str) -> Result<Option<String>, ApiError> {
    match members.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(word)) => Ok(Some(word)),
        Some(_) => Err(ApiError::field(name, format!("`{name}` must be a string"))),
    }
}

/// A list of words, or one text with commas.
fn words(value: Value) -> Result<Vec<String>, ApiError> {
    let bad = || ApiError::field("callback_events", "`callback_events` must be an array of names of events");
    match value {
        Value::String(text) => Ok(text.split(',').map(|word| word.trim().to_owned()).collect()),
        Value::Array(words) => words.into_iter().map(|word| word.as_str().map(str::to_owned).ok_or_else(bad)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Err(bad()),
    }
}

fn priority(value: Value) -> Result<i64, ApiError> {
    let number = value.as_i64().filter(|number| PRIORITIES.contains(number));
    number.ok_or_else(|| ApiError::field("priority", "`priority` must be a whole number from -100 to 100; the greater goes first"))
}

fn timeout(value: Value) -> Result<Duration, ApiError> {
    let longest = u64::try_from(LONGEST.as_millis()).unwrap_or(u64::MAX);
    let ms = value.as_u64().filter(|ms| (1..=longest).contains(ms));
    ms.map(Duration::from_millis)
        .ok_or_else(|| ApiError::field("timeout_ms", format!("`timeout_ms` must be milliseconds from 1 to {longest}")))
}

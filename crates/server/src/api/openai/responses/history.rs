//! The conversation that led to a response.

use std::collections::HashMap;

use bytes::Bytes;
use easyai_core::error::ErrorCode;
use easyai_protocols::request::TextRequest;
use easyai_protocols::responses::expand::{self, Exchange, Reference, object_of, output_of};
use easyai_runner::Caller;
use easyai_store::responses;

use crate::api::error::ApiError;
use crate::app::App;

/// A conversation is not followed further back: no model's context holds more.
const MAX_TURNS: usize = 1_000;

/// Each is looked up.
const MAX_REFERENCES: usize = 1_000;

/// The body of `request` with what it refers to in it: the turns up to the response `previous`, and items of ours. None if it refers to
/// nothing.
///
/// # Errors
/// `bad_request` for a response that is not this caller's, as OpenAI answers; `store_unavailable` if nothing can be looked up.
pub async fn whole(app: &App, caller: &Caller, request: &TextRequest, previous: Option<&str>) -> Result<Option<Bytes>, ApiError> {
    let body = request.body();
    let resolved = if request.scan.needs.earlier_items { resolve(app, caller, body).await? } else { None };
    let Some(previous) = previous else { return Ok(resolved) };
    let earlier = of(app, caller, previous).await?;
    Ok(Some(expand::expand(resolved.as_ref().unwrap_or(body), &earlier)?))
}

/// All exchanges up to the response `id`, the first one first.
async fn of(app: &App, caller: &Caller, id: &str) -> Result<Vec<Exchange>, ApiError> {
    let mut exchanges = Vec::new();
    let mut next = Some(id.to_owned());
    while let Some(id) = next.take() {
        let Some(stored) = responses::get(&app.db, caller.account.id, &id).await? else { return Err(not_found(&id)) };
        let object = object_of(&stored.answer.body).ok_or_else(|| not_found(&id))?;
        exchanges.push(Exchange { input: stored.input, output: output_of(&object) });
        next = stored.previous.filter(|_| exchanges.len() < MAX_TURNS);
    }
    exchanges.reverse();
    Ok(exchanges)
}

/// The body with our own items in place of references to them; none if there are none of ours. References to an upstream's stay, if this caller got the item from it.
async fn resolve(app: &App, caller: &Caller, body: &Bytes) -> Result<Option<Bytes>, ApiError> {
    let references = expand::references(body);
    if references.len() > MAX_REFERENCES {
        let message = format!("`input` refers to more than {MAX_REFERENCES} items: send the items themselves, or `previous_response_id`");
        return Err(ApiError::field("input", message));
    }
    let (mut items, mut theirs) = (HashMap::new(), Vec::new());
    for Reference { item, response } in references {
        let Some(response) = response else {
            theirs.push(item);
            continue;
        };
        let stored = responses::get(&app.db, caller.account.id, &response).await?;
        let output = stored.and_then(|stored| object_of(&stored.answer.body)).map(|object| output_of(&object)).unwrap_or_default();
        let found = expand::item(&output, &item).ok_or_else(|| no_item(&item))?;
        items.insert(item, found);
    }
    if let Some(item) = responses::strange_item(&app.db, caller.account.id, &theirs).await? {
        return Err(no_item(item));
    }
    if items.is_empty() {
        return Ok(None);
    }
    Ok(Some(expand::with_items(body, &items)?))
}

fn no_item(id: &str) -> ApiError {
    let message = format!("`input` refers to the item `{id}`, which does not exist, was not stored, or was deleted: send the item itself");
    ApiError::field("input", message)
}

fn not_found(id: &str) -> ApiError {
    let message =
        format!("`previous_response_id`: the response `{id}` does not exist, was not stored, or was deleted: send the whole input");
    ApiError { param: Some("previous_response_id".to_owned()), ..ApiError::new(ErrorCode::BadRequest, message) }
}

//! From a request's head and body to what the runner is asked.

use std::time::Duration;

use axum::http::HeaderMap;
use axum::http::header::HeaderName;
use axum::http::request::Parts;
use easyai_core::catalog::Simulation;
use easyai_core::kind::RunMode;
use easyai_protocols::request::TextRequest;
use easyai_protocols::wire::Protocol;
use easyai_runner::{Caller, Keep, TextAsk};
use easyai_store::journal::Idempotency;
use sha2::{Digest, Sha256};

use crate::api::error::ApiError;
use crate::api::{assets, callbacks, headers};
use crate::app::App;

/// The longest `Idempotency-Key`, as the IETF draft's users have it.
const MAX_IDEMPOTENCY_KEY: usize = 255;

/// No caller waits for more than a day.
const MAX_DEADLINE_MS: u64 = 86_400_000;

/// What a caller asks for beside its body.
///
/// # Errors
/// `bad_request` names the field or header that is wrong.
pub fn read(caller: &Caller, headers: HeaderMap, request: TextRequest) -> Result<TextAsk, ApiError> {
    let run_mode = match text(&headers, &headers::RUN_MODE)? {
        None => RunMode::Live,
        Some(mode) => {
            mode.parse().map_err(|error: easyai_core::words::UnknownWord| ApiError::field(headers::RUN_MODE.as_str(), error.to_string()))?
        }
    };
    let simulation = text(&headers, &headers::SIMULATION)?.map(simulation).transpose()?;
    let deadline = text(&headers, &headers::TIMEOUT_MS)?.map(|value| millis(&headers::TIMEOUT_MS, value, 1)).transpose()?;
    let queue_timeout =
        text(&headers, &headers::QUEUE_TIMEOUT_MS)?.map(|value| millis(&headers::QUEUE_TIMEOUT_MS, value, 0)).transpose()?;
    let detached = resumable(&headers)? && request.scan.stream;
    let keep = if detached { Keep::Answer } else { Keep::Nothing };
    let session = text(&headers, &headers::SESSION)?.map(str::to_owned);
    let idempotency = text(&headers, &headers::IDEMPOTENCY_KEY)?.map(|key| idempotency(key, &request)).transpose()?;
    Ok(TextAsk {
        caller: caller.clone(),
        request,
        run_mode,
        simulation,
        deadline,
        queue_timeout,
        session,
        keep,
        detached,
        idempotency,
        job: None,
        base_url: None,
        callback: None,
        headers,
    })
}

/// The same of a call that came in here: what it makes will have an address where its caller reaches us, and whom its caller named is told
/// of its events.
///
/// # Errors
/// As [`read`].
pub fn of_call(app: &App, caller: &Caller, head: Parts, request: TextRequest) -> Result<TextAsk, ApiError> {
    let base_url = request.media().is_some().then(|| assets::base(&app.links, &head).into());
    let callback = callbacks::of_head(&app.runner, &head.headers)?;
    Ok(TextAsk { base_url, callback, ..read(caller, head.headers, request)? })
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, ApiError> {
    let bad = |_| ApiError::field(name.as_str(), format!("the header `{name}` must be plain text"));
    headers.get(name).map(|value| value.to_str().map_err(bad)).transpose()
}

/// Whether a stream shall go on without its caller.
///
/// # Errors
/// `bad_request` for anything but `true` and `false`.
pub fn resumable(headers: &HeaderMap) -> Result<bool, ApiError> {
    match text(headers, &headers::RESUMABLE)? {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(ApiError::field(headers::RESUMABLE.as_str(), format!("the header `{}` must be true or false", headers::RESUMABLE))),
    }
}

fn simulation(json: &str) -> Result<Simulation, ApiError> {
    serde_json::from_str(json).map_err(|error| {
        ApiError::field(headers::SIMULATION.as_str(), format!("the header `{}` can't be read: {error}", headers::SIMULATION))
    })
}

fn millis(header: &HeaderName, value: &str, least: u64) -> Result<Duration, ApiError> {
    let ms = value.trim().parse::<u64>().ok().filter(|ms| (least..=MAX_DEADLINE_MS).contains(ms));
    ms.map(Duration::from_millis).ok_or_else(|| {
        let message = format!("the header `{header}` must be milliseconds from {least} to {MAX_DEADLINE_MS}");
        ApiError::field(header.as_str(), message)
    })
}

fn idempotency(key: &str, request: &TextRequest) -> Result<Idempotency, ApiError> {
    if key.is_empty() || key.len() > MAX_IDEMPOTENCY_KEY {
        return Err(ApiError::field(
            headers::IDEMPOTENCY_KEY.as_str(),
            format!("the header `Idempotency-Key` must have 1 to {MAX_IDEMPOTENCY_KEY} characters"),
        ));
    }
    let mut hash = Sha256::new();
    // The same bytes may mean something else elsewhere: Gemini names the model in the path.
    if request.protocol != Protocol::Chat {
        hash.update(request.protocol.as_str());
        hash.update([u8::from(request.scan.stream)]);
        hash.update(request.scan.model.as_bytes());
    }
    match request.media().map(|media| media.body()).filter(|body| body.is_form()) {
        // SDKs draw a new boundary for each try of the same call.
        Some(form) => form.without_boundary().for_each(|piece| hash.update(piece)),
        None => hash.update(request.body()),
    }
    Ok(Idempotency { key: key.to_owned(), body_hash: hash.finalize().into() })
}

//! The gateway's own header names, written once.

use axum::http::HeaderMap;
use axum::http::header::{HeaderName, HeaderValue};
use easyai_core::id::TaskId;
use easyai_runner::{Rate, RateLimits};

/// On every answer: the task.
pub const TASK_ID: HeaderName = HeaderName::from_static("x-easyai-task-id");
/// Answer: attempts made.
pub const ATTEMPTS: HeaderName = HeaderName::from_static("x-easyai-attempts");
/// Answer: the platform that served, if the operator allows it.
pub const PLATFORM: HeaderName = HeaderName::from_static("x-easyai-platform");
/// Answer: fields of the request that were dropped or changed, since the upstream's protocol has no word for them.
pub const CONVERTED: HeaderName = HeaderName::from_static("x-easyai-converted");
/// Answer: what was charged; on plain answers, where it is known before the head is sent.
pub const CHARGE: HeaderName = HeaderName::from_static("x-easyai-charge");
/// Answer: this is the recorded answer of an earlier call with the same `Idempotency-Key`.
pub const REPLAYED: HeaderName = HeaderName::from_static("x-easyai-idempotent-replayed");
/// Answer: `hit` if it came from the response cache, `miss` if it did not although the cache is on for the call.
pub const CACHE: HeaderName = HeaderName::from_static("x-easyai-cache");
/// Request: the caller's own deadline, in milliseconds.
pub const TIMEOUT_MS: HeaderName = HeaderName::from_static("x-easyai-timeout-ms");
/// Request: how long the call may wait for a limit, in milliseconds.
pub const QUEUE_TIMEOUT_MS: HeaderName = HeaderName::from_static("x-easyai-queue-timeout-ms");
/// Request: what the caller calls its conversation; its calls prefer who served them before.
pub const SESSION: HeaderName = HeaderName::from_static("x-easyai-session");
/// Answer: the model that served, where it is a fallback of the one that was asked for.
pub const MODEL: HeaderName = HeaderName::from_static("x-easyai-model");
/// Request: `true` lets a stream go on when its caller drops, to be taken up again at `/api/v1/tasks/{id}/stream`.
pub const RESUMABLE: HeaderName = HeaderName::from_static("x-easyai-resumable");
/// Request: `simulation` makes the task a simulated one.
pub const RUN_MODE: HeaderName = HeaderName::from_static("x-easyai-run-mode");
/// Request: what the simulation client shall do, as JSON.
pub const SIMULATION: HeaderName = HeaderName::from_static("x-easyai-simulation");
/// Request: whom to tell the task's events.
pub const CALLBACK_URL: HeaderName = HeaderName::from_static("x-easyai-callback-url");
/// Request: which of them, by name, separated by commas; all without it.
pub const CALLBACK_EVENTS: HeaderName = HeaderName::from_static("x-easyai-callback-events");
/// Request: the caller may ask the same again under this key.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Answer: what OpenAI's SDKs show as the request id.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Answer: what Anthropic's SDKs show as the request id.
pub const ANTHROPIC_REQUEST_ID: HeaderName = HeaderName::from_static("request-id");

/// Tells what is left of the caller's limits, in OpenAI's words.
///
/// Source: OpenAI's guide to rate limits, "Rate limits in headers".
pub fn rate_limits(map: &mut HeaderMap, rates: &RateLimits) {
    for (rate, names) in [(&rates.requests, REQUESTS), (&rates.tokens, TOKENS)] {
        if let Some(Rate { limit, remaining, resets_in }) = rate {
            let [of_limit, of_remaining, of_reset] = names;
            map.insert(of_limit, HeaderValue::from(*limit));
            map.insert(of_remaining, HeaderValue::from(*remaining));
            let reset = format!("{}ms", resets_in.as_millis());
            map.extend(HeaderValue::from_str(&reset).map(|reset| (of_reset, reset)));
        }
    }
}

const REQUESTS: [HeaderName; 3] = [
    HeaderName::from_static("x-ratelimit-limit-requests"),
    HeaderName::from_static("x-ratelimit-remaining-requests"),
    HeaderName::from_static("x-ratelimit-reset-requests"),
];

const TOKENS: [HeaderName; 3] = [
    HeaderName::from_static("x-ratelimit-limit-tokens"),
    HeaderName::from_static("x-ratelimit-remaining-tokens"),
    HeaderName::from_static("x-ratelimit-reset-tokens"),
];

/// Names the task on an answer.
pub fn task(map: &mut HeaderMap, task: TaskId) {
    if let Ok(value) = HeaderValue::from_str(&task.to_string()) {
        map.insert(REQUEST_ID, value.clone());
        map.insert(ANTHROPIC_REQUEST_ID, value.clone());
        map.insert(TASK_ID, value);
    }
}

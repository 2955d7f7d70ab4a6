//! The gateway's own header names, written once.

use axum::http::HeaderMap;
use axum::http::header::{HeaderName, HeaderValue};
use easyai_core::id::TaskId;

/// On every answer: the task.
pub const TASK_ID: HeaderName = HeaderName::from_static("x-easyai-task-id");
/// Answer: attempts made.
pub const ATTEMPTS: HeaderName = HeaderName::from_static("x-easyai-attempts");
/// Answer: the platform that served, if the operator allows it.
pub const PLATFORM: HeaderName = HeaderName::from_static("x-easyai-platform");
/// Answer: what was charged; on plain answers, where it is known before the head is sent.
pub const CHARGE: HeaderName = HeaderName::from_static("x-easyai-charge");
/// Answer: this is the recorded answer of an earlier call with the same `Idempotency-Key`.
pub const REPLAYED: HeaderName = HeaderName::from_static("x-easyai-idempotent-replayed");
/// Request: the caller's own deadline, in milliseconds.
pub const TIMEOUT_MS: HeaderName = HeaderName::from_static("x-easyai-timeout-ms");
/// Request: `simulation` makes the task a simulated one.
pub const RUN_MODE: HeaderName = HeaderName::from_static("x-easyai-run-mode");
/// Request: what the simulation client shall do, as JSON.
pub const SIMULATION: HeaderName = HeaderName::from_static("x-easyai-simulation");
/// Request: the caller may ask the same again under this key.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Answer: what OpenAI's SDKs show as the request id.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Names the task on an answer.
pub fn task(map: &mut HeaderMap, task: TaskId) {
    if let Ok(value) = HeaderValue::from_str(&task.to_string()) {
        map.insert(REQUEST_ID, value.clone());
        map.insert(TASK_ID, value);
    }
}

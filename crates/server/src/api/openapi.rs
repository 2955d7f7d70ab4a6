//! The document of this interface, made from the handlers themselves.

use axum::Json;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};

use crate::api::{assets, callbacks, events, explain, health, openai, replay, stream, tasks, wallet};

#[derive(OpenApi)]
#[openapi(
    info(title = "EasyAI Gateway", description = "One address in front of all AI providers. Errors have the shape `{\"error\": {\"message\", \"type\", \"param\", \"code\"}}`; every answer to a call names its task in `x-easyai-task-id`."),
    paths(
        chat,
        openai::models::list,
        openai::models::get,
        tasks::create::create,
        tasks::list,
        tasks::get,
        tasks::trace,
        tasks::control::cancel,
        tasks::control::delete,
        events::list,
        stream::resume,
        callbacks::list,
        assets::of_task,
        assets::get,
        assets::delete,
        assets::by_link,
        explain::explain,
        wallet::get,
        replay::replay,
        health::alive,
        health::ready,
        health::metrics,
    ),
    modifiers(&Key)
)]
struct Document;

struct Key;

impl Modify for Key {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        for name in ["key", "admin"] {
            components.add_security_scheme(name, SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
        }
    }
}

/// What the gateway reads of a chat. All other fields of OpenAI's API go to the platform as they are.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "only its shape is used, for the document")]
struct ChatBody {
    /// A name of `GET /v1/models`.
    model: String,
    messages: Vec<ChatMessage>,
    stream: Option<bool>,
    max_completion_tokens: Option<u64>,
    n: Option<u32>,
}

/// One message; further fields pass through.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "only its shape is used, for the document")]
struct ChatMessage {
    role: String,
    content: String,
}

/// `POST /v1/chat/completions`: OpenAI's chat, plain or streamed.
#[utoipa::path(post, path = "/v1/chat/completions", tag = "OpenAI", security(("key" = [])), request_body = ChatBody,
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body give the same answer and one charge"),
        ("x-easyai-timeout-ms" = Option<u64>, Header, description = "The caller's own deadline"),
        ("Cache-Control" = Option<String>, Header, description = "Where the response cache is on: `no-cache` for a new answer, `no-store` to leave no trace"),
        ("x-easyai-simulation" = Option<String>, Header, description = "What a simulation shall do, as JSON: latency, deltas, faults"),
        ("x-easyai-callback-url" = Option<String>, Header, description = "Whom to tell the task's events, signed"),
        ("x-easyai-callback-events" = Option<String>, Header, description = "Which of them, by name, separated by commas; all without it"),
        ("x-easyai-run-mode" = Option<String>, Header, description = "`simulation` runs the call without cost"),
    ),
    responses(
        (status = 200, description = "The platform's answer, as JSON or as server-sent events"),
        (status = 400, description = "bad_request, context_length_exceeded, content_filter"),
        (status = 401, description = "invalid_api_key"),
        (status = 402, description = "insufficient_balance"),
        (status = 403, description = "model_not_allowed"),
        (status = 404, description = "model_not_found"),
        (status = 409, description = "idempotency_conflict"),
        (status = 413, description = "request_too_large"),
        (status = 429, description = "rate_limit"),
        (status = 502, description = "upstream_error, upstream_auth"),
        (status = 503, description = "no_candidate, candidates_cooling_down, shutting_down, store_unavailable, overloaded"),
        (status = 504, description = "upstream_timeout"),
    ))]
#[expect(dead_code, reason = "the handler itself takes the raw request; this carries its description")]
fn chat() {}

/// `GET /openapi.json`.
pub async fn document() -> Json<utoipa::openapi::OpenApi> {
    Json(Document::openapi())
}

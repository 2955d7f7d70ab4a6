//! How long a prompt is, in tokens: `POST /v1/messages/count_tokens`; `/v1/responses/input_tokens` and Gemini's `:countTokens` count by it too. A platform that
//! counts in the caller's protocol is asked; else it is counted here, by OpenAI's newest public vocabulary, from which other vendors' differ
//! by a few percent.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::response::Response;
use easyai_protocols::anthropic;
use easyai_protocols::request::TextRequest;
use easyai_protocols::wire::Protocol;
use easyai_runner::Caller;

use crate::api::error::ApiError;
use crate::api::gemini::json;
use crate::api::text::ask;
use crate::api::{auth, body, text};
use crate::app::App;

/// Tokens of what a message costs beside its text.
const TOKENS_A_TURN: u64 = 4;

/// `POST /v1/messages/count_tokens`.
pub async fn messages(State(app): State<Arc<App>>, request: Request) -> Response {
    let counted = async {
        let (head, incoming) = request.into_parts();
        let caller = auth::caller_of(&app, &head)?;
        let bytes = body::read(&head.headers, incoming, app.max_body_bytes).await?;
        let tokens = tokens(&app, &caller, head, anthropic::scan::scan_count(bytes)?).await?;
        Ok(json(anthropic::count::answer(tokens)))
    };
    counted.await.unwrap_or_else(|error| text::refusal(error, Protocol::Messages))
}

/// The tokens of a prompt, by who would answer it or as [`estimated`].
///
/// # Errors
/// `bad_request` names the first field that has no meaning.
pub async fn tokens(app: &App, caller: &Caller, head: Parts, request: TextRequest) -> Result<u64, ApiError> {
    let ask = ask::read(caller, head.headers, request)?;
    match app.runner.count(&ask).await {
        Some(counted) => Ok(counted),
        None => estimated(&ask.request).await,
    }
}

/// The tokens of a prompt: of its texts exactly, and for its framing what such a message usually costs. Media are not counted.
///
/// # Errors
/// `bad_request` names the first field that has no meaning.
async fn estimated(request: &TextRequest) -> Result<u64, ApiError> {
    if request.scan.spans.turns.is_empty() {
        // A response may be counted before it has any input: its instructions and tools alone.
        return Ok(request.scan.prompt_tokens);
    }
    let conversation = request.conversation()?;
    let turns = conversation.turns.len() as u64 + u64::from(!conversation.system.is_empty());
    let counted = easyai_runner::count_tokens(conversation.all_text()).await;
    Ok(counted.saturating_add(turns.saturating_mul(TOKENS_A_TURN)))
}

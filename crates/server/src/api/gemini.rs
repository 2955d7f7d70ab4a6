//! Gemini's API, as Google's SDKs speak it: `/v1beta/models/{model}:{verb}`, and the same under `/v1`.

mod array;
mod embed;
mod models;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::header::{CONTENT_TYPE, HeaderValue};
use axum::response::Response;
use bytes::Bytes;
use easyai_core::error::ErrorCode;
use easyai_protocols::gemini;
use easyai_protocols::gemini::path::Verb;
use easyai_protocols::request::Framing;
use easyai_protocols::wire::Protocol;

pub use self::array::ArrayBody;
pub use self::models::{get, list};
use crate::api::error::ApiError;
use crate::api::{auth, body, count, text};
use crate::app::App;

/// A call of a model by one of its verbs.
pub async fn call(State(app): State<Arc<App>>, Path(rest): Path<String>, request: Request) -> Response {
    let Some(named) = gemini::path::parse(&rest) else {
        let message = format!(
            "there is nothing at models/{rest}: after the model comes `:` and one of generateContent, streamGenerateContent, countTokens, \
             embedContent and batchEmbedContents"
        );
        return text::refusal(ApiError::status(404, ErrorCode::BadRequest, message), Protocol::GenerateContent);
    };
    let (model, verb) = (named.model.to_owned(), named.verb);
    match verb {
        Verb::GenerateContent | Verb::StreamGenerateContent => {
            let stream = verb == Verb::StreamGenerateContent;
            let framing = if stream && !wants_events(&request) { Framing::Array } else { Framing::Events };
            text::create(&app, Protocol::GenerateContent, request, |body| gemini::scan::scan(body, &model, stream, framing)).await
        }
        Verb::CountTokens => counted(&app, request, &model).await.unwrap_or_else(refused),
        Verb::EmbedContent | Verb::BatchEmbedContents => embed::call(&app, request, &model, verb).await.unwrap_or_else(refused),
    }
}

fn refused(error: ApiError) -> Response {
    text::refusal(error, Protocol::GenerateContent)
}

/// Without `alt=sse` a stream is one JSON array.
fn wants_events(request: &Request) -> bool {
    request.uri().query().is_some_and(|query| query.split('&').any(|pair| pair == "alt=sse"))
}

async fn counted(app: &App, request: Request, model: &str) -> Result<Response, ApiError> {
    let (head, incoming) = request.into_parts();
    let caller = auth::caller_of(app, &head)?;
    let bytes = body::read(&head.headers, incoming, app.max_body_bytes).await?;
    let asked = gemini::count::request(&bytes, model)?;
    Ok(json(gemini::count::answer(count::tokens(app, &caller, head, asked).await?)))
}

/// An answer of our own.
pub fn json(body: impl Into<Bytes>) -> Response {
    let mut response = Response::new(Body::from(body.into()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

//! Images, speech and transcription in OpenAI's shapes: `POST /v1/images/generations`, `/v1/images/edits`, `/v1/audio/speech`,
//! `/v1/audio/transcriptions` and `/v1/audio/translations`. Videos are jobs, and have a file of their own.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use easyai_protocols::read::read;
use easyai_protocols::wire::Protocol;

use crate::api::text;
use crate::app::App;

/// Images from a prompt.
pub async fn generate_images(State(app): State<Arc<App>>, request: Request) -> Response {
    create(&app, Protocol::Images, request).await
}

/// Images from images and a prompt.
pub async fn edit_images(State(app): State<Arc<App>>, request: Request) -> Response {
    create(&app, Protocol::ImageEdits, request).await
}

/// Speech from text.
pub async fn speech(State(app): State<Arc<App>>, request: Request) -> Response {
    create(&app, Protocol::Speech, request).await
}

/// Text from speech.
pub async fn transcribe(State(app): State<Arc<App>>, request: Request) -> Response {
    create(&app, Protocol::Transcriptions, request).await
}

/// English text from speech.
pub async fn translate(State(app): State<Arc<App>>, request: Request) -> Response {
    create(&app, Protocol::Translations, request).await
}

async fn create(app: &Arc<App>, protocol: Protocol, request: Request) -> Response {
    let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(str::to_owned);
    text::create(app, protocol, request, |body| read(protocol.kind(), None, content_type.as_deref(), body)).await
}

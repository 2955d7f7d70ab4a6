//! `GET /v1beta/models`: what this key may ask for, in Gemini's shape.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::response::Response;
use easyai_core::catalog::Model;
use easyai_core::error::ErrorCode;
use easyai_core::kind::ModelType;
use easyai_protocols::gemini::models::{self, Entry};
use easyai_protocols::gemini::path::{self, Verb};

use super::{json, refused};
use crate::api::auth;
use crate::api::error::ApiError;
use crate::api::openai::models::allowed;
use crate::app::App;

/// What can be done with a model that writes text, and with one that makes vectors.
const TEXT: &[Verb] = &[Verb::GenerateContent, Verb::StreamGenerateContent, Verb::CountTokens];
const VECTORS: &[Verb] = &[Verb::EmbedContent, Verb::BatchEmbedContents];

/// All models of a caller.
pub async fn list(State(app): State<Arc<App>>, request: Request) -> Response {
    let (head, _) = request.into_parts();
    let listed = auth::caller_of(&app, &head).map(|caller| {
        let mut found: Vec<&Arc<Model>> = caller.catalog.models.values().filter(|model| allowed(&caller, model)).collect();
        found.sort_by(|one, other| one.name.cmp(&other.name));
        json(models::list(&found.into_iter().map(|model| entry(model)).collect::<Vec<_>>()))
    });
    listed.unwrap_or_else(refused)
}

/// One model.
pub async fn get(State(app): State<Arc<App>>, Path(name): Path<String>, request: Request) -> Response {
    let (head, _) = request.into_parts();
    let name = path::bare(&name).to_owned();
    let found = auth::caller_of(&app, &head).and_then(|caller| {
        let model = caller.catalog.models.get(name.as_str()).filter(|model| allowed(&caller, model));
        let missing = || ApiError::new(ErrorCode::ModelNotFound, format!("the model `{name}` does not exist: list them at models/"));
        model.map(|model| json(models::one(&entry(model)))).ok_or_else(missing)
    });
    found.unwrap_or_else(refused)
}

fn entry(model: &Model) -> Entry<'_> {
    let does = |wanted: ModelType| model.offers.iter().any(|offer| offer.model_types.contains(&wanted));
    // What every platform can take, as far as the catalogue says.
    let least =
        |limit: &dyn Fn(&easyai_core::catalog::PlatformModel) -> Option<u32>| model.offers.iter().filter_map(|offer| limit(offer)).min();
    Entry {
        name: &model.name,
        display_name: &model.name,
        input_token_limit: least(&|offer| offer.context_tokens.map(std::num::NonZeroU32::get)).map(u64::from),
        output_token_limit: least(&|offer| offer.max_output_tokens.map(std::num::NonZeroU32::get)).map(u64::from),
        verbs: if does(ModelType::TextEmbed) && !does(ModelType::TextGenerate) { VECTORS } else { TEXT },
    }
}

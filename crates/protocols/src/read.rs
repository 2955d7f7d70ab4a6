//! Any caller's request by its kind alone: for tasks that are done later, and for *explain*.

use bytes::Bytes;
use easyai_core::kind::Kind;

use crate::request::{BadRequest, Framing, TextRequest, Unary};
use crate::{anthropic, completions, embeddings, gemini, media, moderations, openai, rerank, responses};

/// Reads a body of `kind`. `model` is the model of kinds that name it in the path (Gemini).
///
/// # Errors
/// [`BadRequest`] names the first field that is wrong.
pub fn read(kind: Kind, model: Option<&str>, content_type: Option<&str>, body: Bytes) -> Result<TextRequest, BadRequest> {
    match kind {
        Kind::ChatCompletions => openai::scan::scan(body),
        Kind::Completions => completions::scan::scan(body),
        Kind::Messages => anthropic::scan::scan(body),
        Kind::Responses => responses::scan::scan(body).map(|(request, _)| request),
        Kind::ResponsesCompact => responses::compact::alone(body),
        Kind::GenerateContent => {
            let model = model.ok_or_else(|| BadRequest::field("model", "is missing: name the model, as GET /v1/models lists it"))?;
            gemini::scan::scan(body, model, false, Framing::Events)
        }
        Kind::Embeddings => embeddings::scan(body).map(|asked| TextRequest::unary(Unary::Embeddings(asked))),
        Kind::Moderations => moderations::scan(body).map(|asked| TextRequest::unary(Unary::Moderations(asked))),
        Kind::Rerank => rerank::scan(body).map(|asked| TextRequest::unary(Unary::Rerank(asked))),
        Kind::ImagesGenerations
        | Kind::ImagesEdits
        | Kind::VideosGenerations
        | Kind::AudioSpeech
        | Kind::AudioTranscriptions
        | Kind::AudioTranslations => media::read(kind, content_type, body).map(|asked| TextRequest::unary(Unary::Media(Box::new(asked)))),
    }
}

//! Embeddings, moderations, rerank and compaction: one question, one answer. Where the upstream speaks the caller's shape bytes pass
//! through; else the question is written in the upstream's and the answer in the caller's.

use bytes::Bytes;
use easyai_core::catalog::PlatformModel;
use easyai_core::failure::{Category, Failure, Sent};
use easyai_core::kind::{Provider, RerankApi};
use easyai_core::usage::Usage;
use easyai_protocols::conversation::{CannotCarry, Notes};
use easyai_protocols::embeddings::{self, EmbedRequest};
use easyai_protocols::gemini::embed::{self, EmbedAsk};
use easyai_protocols::moderations::{self, ModerationRequest};
use easyai_protocols::request::{StreamUsage, TextRequest, Unary};
use easyai_protocols::rerank::{self, RerankDialect, RerankRequest};
use easyai_protocols::responses::compact;
use http::HeaderValue;

use crate::call::{Clients, PlainAnswer, TextAnswer, TextCall};
use crate::media;
use crate::stream::Clock;
use crate::text::{bad_answer, exchange};
use crate::upstream::{self, Endpoint};

/// Whether `offer` can be asked this at all.
///
/// # Errors
/// [`CannotCarry`] names what it can't be asked.
pub(crate) fn fits(offer: &PlatformModel, request: &TextRequest) -> Result<(), CannotCarry> {
    let cannot =
        |field: &str, why: &str| CannotCarry { field: field.to_owned(), target: target(offer.platform.provider), why: why.to_owned() };
    let Some(unary) = request.unary.as_deref() else { return Ok(()) };
    match (unary, offer.platform.provider) {
        (Unary::Media(asked), _) => media::fits(offer, asked),
        (Unary::Compaction(_), Provider::Openai) if !upstream::compacts(offer) => Err(cannot("input", NO_COMPACTION)),
        (Unary::Compaction(_), Provider::Anthropic | Provider::Gemini | Provider::Volces) => Err(cannot("input", "it has no compaction")),
        (_, Provider::Simulation | Provider::Openai) | (Unary::Embeddings(_), Provider::Volces) => Ok(()),
        (Unary::Embeddings(asked), Provider::Gemini) if asked.texts().is_some() => Ok(()),
        (Unary::Embeddings(_), Provider::Gemini) => Err(cannot("input", "token ids mean something only to OpenAI's tokenizers: send text")),
        (Unary::Embeddings(_), Provider::Anthropic) => Err(cannot("input", "it has no embeddings")),
        (Unary::Moderations(_), Provider::Anthropic | Provider::Gemini | Provider::Volces) => Err(cannot("input", "it has no moderation")),
        (Unary::Rerank(_), Provider::Anthropic | Provider::Gemini | Provider::Volces) => Err(cannot("documents", "it has no rerank")),
    }
}

/// Why a platform is not asked to make conversations short.
const NO_COMPACTION: &str = "the platform is not known to have /responses/compact: if it has, give it `api = \"responses\"`";

const fn target(provider: Provider) -> &'static str {
    match provider {
        Provider::Openai => "OpenAI's API",
        Provider::Anthropic => "the Messages API",
        Provider::Gemini => "the Gemini API",
        Provider::Volces => "the Ark API",
        Provider::Simulation => "the simulation",
    }
}

pub(crate) async fn call(clients: &Clients, call: &TextCall<'_>, unary: &Unary) -> Result<TextAnswer, Failure> {
    if let Err(lost) = fits(call.offer, call.request) {
        return Err(Failure::new(Category::BadRequest, Sent::Nothing, lost.to_string()));
    }
    let clock = Clock::start(call.offer.platform.timeouts, call.deadline);
    let asking = Asking { clients, call, clock };
    match (unary, call.offer.platform.provider) {
        (Unary::Embeddings(asked), Provider::Gemini) => asking.gemini_vectors(asked).await,
        (Unary::Embeddings(asked), Provider::Volces) if is_multimodal(&call.offer.upstream_name) => asking.ark_vectors(asked).await,
        (Unary::Embeddings(asked), _) => asking.vectors(asked).await,
        (Unary::Moderations(asked), _) => asking.moderation(asked).await,
        (Unary::Rerank(asked), _) => asking.order(asked).await,
        (Unary::Compaction(asked), _) => asking.compaction(asked).await,
        (Unary::Media(asked), _) => media::call(clients, call, asked).await,
    }
}

/// Ark's models that look at images too have an endpoint of their own (`providers.md` section 7.4).
fn is_multimodal(upstream_name: &str) -> bool {
    upstream_name.contains("vision")
}

struct Asking<'a> {
    clients: &'a Clients,
    call: &'a TextCall<'a>,
    clock: Clock,
}

impl Asking<'_> {
    async fn send(&self, endpoint: Endpoint, body: Vec<Bytes>) -> Result<(Bytes, Option<String>), Failure> {
        exchange(self.clients, self.call, endpoint, body, &self.clock).await
    }

    fn answer(&self, body: Bytes, usage: Option<Usage>, upstream_request_id: Option<String>, notes: Notes) -> TextAnswer {
        // What gives no usage is counted by its input alone: the answer is no text.
        let usage = usage.unwrap_or_else(|| Usage::counted(self.call.request.scan.prompt_tokens, 0));
        TextAnswer::Plain(PlainAnswer {
            protocol: self.call.request.protocol,
            body,
            content_type: HeaderValue::from_static("application/json"),
            usage: Some(usage),
            upstream_request_id,
            notes,
        })
    }

    async fn vectors(&self, asked: &EmbedRequest) -> Result<TextAnswer, Failure> {
        let (body, id) = self.send(Endpoint::Embeddings, asked.outbound(&self.call.offer.upstream_name)).await?;
        let facts = embeddings::answer_facts(&body).map_err(bad_answer)?;
        let body = embeddings::reencode(&body, asked.encoding).unwrap_or(body);
        Ok(self.answer(body, facts.usage, id, Notes::default()))
    }

    async fn gemini_vectors(&self, asked: &EmbedRequest) -> Result<TextAnswer, Failure> {
        let dimensions = asked.dimensions.map(std::num::NonZeroU32::get);
        let texts = asked.texts().unwrap_or_default();
        let ask = EmbedAsk { model: self.call.offer.upstream_name.to_string(), texts, dimensions, ..EmbedAsk::default() };
        let mut vectors = Vec::with_capacity(ask.texts.len());
        let mut id = None;
        for (body, texts) in embed::bodies(&ask).into_iter().zip(ask.texts.chunks(embed::MAX_BATCH)) {
            let (body, of) = self.send(Endpoint::BatchEmbedContents, vec![body]).await?;
            vectors.extend(embed::read_answer(&body, texts.len(), dimensions).map_err(bad_answer)?);
            id = of.or(id);
        }
        Ok(self.rewritten(asked, &vectors, None, id))
    }

    async fn ark_vectors(&self, asked: &EmbedRequest) -> Result<TextAnswer, Failure> {
        let Some(texts) = asked.texts() else {
            let message = "`input`: token ids mean something only to OpenAI's tokenizers: send text";
            return Err(Failure::new(Category::BadRequest, Sent::Nothing, message));
        };
        let (mut vectors, mut usage, mut id) = (Vec::with_capacity(texts.len()), None::<Usage>, None);
        for text in &texts {
            let body = embeddings::ark::write_request(&self.call.offer.upstream_name, text, asked.dimensions);
            let (body, of) = self.send(Endpoint::MultimodalEmbeddings, vec![body]).await?;
            let read = embeddings::read_answer(&body, 1).map_err(bad_answer)?;
            vectors.extend(read.vectors);
            usage = match (usage, read.usage) {
                (Some(sum), Some(more)) => Some(Usage { input_tokens: sum.input_tokens.saturating_add(more.input_tokens), ..sum }),
                (sum, more) => sum.or(more),
            };
            id = of.or(id);
        }
        Ok(self.rewritten(asked, &vectors, usage, id))
    }

    fn rewritten(&self, asked: &EmbedRequest, vectors: &[Vec<f32>], usage: Option<Usage>, id: Option<String>) -> TextAnswer {
        let shown = usage.unwrap_or_else(|| Usage::counted(asked.tokens, 0));
        let body = embeddings::write_answer(vectors, asked.encoding, &self.call.offer.upstream_name, &shown);
        self.answer(body, usage, id, Notes::default())
    }

    async fn moderation(&self, asked: &ModerationRequest) -> Result<TextAnswer, Failure> {
        let (body, id) = self.send(Endpoint::Moderations, asked.outbound(&self.call.offer.upstream_name)).await?;
        let facts = moderations::answer_facts(&body).map_err(bad_answer)?;
        Ok(self.answer(body, facts.usage.or(Some(Usage::counted(0, 0))), id, Notes::default()))
    }

    async fn compaction(&self, asked: &TextRequest) -> Result<TextAnswer, Failure> {
        let body = asked.outbound(&self.call.offer.upstream_name, StreamUsage::Leave);
        let (body, id) = self.send(Endpoint::ResponsesCompact, body).await.map_err(without_compaction)?;
        let facts = compact::answer_facts(&body).map_err(bad_answer)?;
        Ok(self.answer(body, facts.usage, id, Notes::default()))
    }

    async fn order(&self, asked: &RerankRequest) -> Result<TextAnswer, Failure> {
        let offer = self.call.offer;
        let refused = |lost: CannotCarry| Failure::new(Category::BadRequest, Sent::Nothing, lost.to_string());
        let written = rerank::write_request(asked, dialect(offer), &offer.upstream_name).map_err(refused)?;
        let (body, id) = self.send(Endpoint::Rerank, vec![written.body]).await?;
        let answer = rerank::read_answer(&body, asked).map_err(bad_answer)?;
        Ok(self.answer(rerank::write_answer(&answer, asked), answer.usage, id, written.notes))
    }
}

/// An upstream with Responses need not have this beside them: that is no fault of the model's, which serves everything else.
fn without_compaction(failure: Failure) -> Failure {
    if failure.category == Category::ModelUnavailable && !failure.message.to_ascii_lowercase().contains("model") {
        let message = format!("the platform has no /responses/compact: {}", failure.message);
        return Failure { category: Category::BadRequest, message, ..failure };
    }
    failure
}

/// How a platform is asked to rerank.
fn dialect(offer: &PlatformModel) -> RerankDialect {
    let base = &offer.platform.base_url;
    match offer.platform.options.rerank {
        Some(RerankApi::Jina) => RerankDialect::Jina,
        Some(RerankApi::Cohere) => RerankDialect::Cohere,
        Some(RerankApi::Voyage) => RerankDialect::Voyage,
        None if base.contains("cohere") => RerankDialect::Cohere,
        None if base.contains("voyageai") => RerankDialect::Voyage,
        None => RerankDialect::Jina,
    }
}

//! Embeddings, both sides: `:embedContent` and `:batchEmbedContents`.
//!
//! No answer tells usage: count the texts. Source: `providers.md` section 6.8.

use bytes::Bytes;
use serde_json::value::RawValue;

use super::path::bare;
use super::read_request::field::{Int, Place, elements, parse};
use super::shape::{List, Object};
use crate::openai::error::read_error;
use crate::openai::lenient::Present;
use crate::request::BadRequest;
use crate::wire::BadAnswer;

/// The most texts of one call.
pub const MAX_BATCH: usize = 100;

/// Texts to be turned into vectors.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EmbedAsk {
    /// The model, without `models/`.
    pub model: String,
    /// The texts, in order; never empty when read from a caller.
    pub texts: Vec<String>,
    /// How long the vectors are to be.
    pub dimensions: Option<u32>,
    /// What they are for, in Google's words, such as `RETRIEVAL_DOCUMENT`.
    pub task_type: Option<String>,
    /// The title of a document.
    pub title: Option<String>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Request<'a> {
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    #[serde(borrow, alias = "task_type")]
    task_type: Option<&'a RawValue>,
    #[serde(borrow)]
    title: Option<&'a RawValue>,
    #[serde(borrow, alias = "output_dimensionality")]
    output_dimensionality: Option<&'a RawValue>,
}

#[derive(serde::Deserialize)]
struct Batch<'a> {
    #[serde(borrow, default)]
    requests: Option<&'a RawValue>,
}

#[derive(serde::Deserialize)]
struct Content<'a> {
    #[serde(borrow, default)]
    parts: Option<&'a RawValue>,
}

#[derive(serde::Deserialize)]
struct Part {
    #[serde(default)]
    text: Option<String>,
}

/// Reads the body of `:embedContent`. `model` is the path's.
///
/// # Errors
/// [`BadRequest`] names the field that is wrong.
pub fn read_one(body: &[u8], model: &str) -> Result<EmbedAsk, BadRequest> {
    ask(parse(body)?, &Place::body(), model)
}

/// Reads the body of `:batchEmbedContents`. All requests must ask for the same: they are one call of an upstream.
///
/// # Errors
/// [`BadRequest`] names the field that is wrong.
pub fn read_batch(body: &[u8], model: &str) -> Result<EmbedAsk, BadRequest> {
    let batch: Batch<'_> = parse(body)?;
    let mut whole: Option<EmbedAsk> = None;
    for (index, raw) in elements(batch.requests, "requests")?.into_iter().enumerate() {
        let place = Place::named(format!("requests[{index}]"));
        let one = ask(place.object(raw)?, &place, model)?;
        let Some(whole) = &mut whole else {
            whole = Some(one);
            continue;
        };
        if (whole.dimensions, &whole.task_type, &whole.title) != (one.dimensions, &one.task_type, &one.title) {
            return Err(place.bad_self("must ask for the same `taskType`, `title` and `outputDimensionality` as the first"));
        }
        whole.texts.extend(one.texts);
    }
    whole.ok_or_else(|| BadRequest::field("requests", "is empty: send at least one"))
}

fn ask(request: Request<'_>, place: &Place, model: &str) -> Result<EmbedAsk, BadRequest> {
    let Some(content) = place.read::<Content<'_>>(request.content, "content")? else {
        return Err(place.bad("content", "is missing: send {\"parts\": [{\"text\": \"…\"}]}"));
    };
    let mut text = String::new();
    let parts = place.path("content.parts");
    for (index, raw) in elements(content.parts, &parts)?.into_iter().enumerate() {
        let part = Place::named(format!("{parts}[{index}]"));
        match part.object::<Part>(raw)?.text {
            Some(piece) => text.push_str(&piece),
            None => return Err(part.bad("text", "is missing: only text can be embedded here")),
        }
    }
    if text.is_empty() {
        return Err(place.bad("content", "holds no text"));
    }
    let dimensions = place.read::<Int>(request.output_dimensionality, "outputDimensionality")?.filter(|dimensions| dimensions.0 != 0);
    let dimensions = dimensions.map(|dimensions| u32::try_from(dimensions.0)).transpose();
    Ok(EmbedAsk {
        model: bare(model).to_owned(),
        texts: vec![text],
        dimensions: dimensions.map_err(|_| place.bad("outputDimensionality", "must be a count"))?,
        task_type: place.read(request.task_type, "taskType")?,
        title: place.read(request.title, "title")?,
    })
}

#[derive(serde::Serialize)]
struct One<'a> {
    embedding: Vector<'a>,
}

#[derive(serde::Serialize)]
struct Many<'a> {
    embeddings: Vec<Vector<'a>>,
}

#[derive(serde::Serialize)]
struct Vector<'a> {
    values: &'a [f32],
}

/// The answer to `:embedContent`.
#[must_use]
pub fn write_one(vector: &[f32]) -> Bytes {
    // Numbers can't fail to be written.
    serde_json::to_vec(&One { embedding: Vector { values: vector } }).unwrap_or_default().into()
}

/// The answer to `:batchEmbedContents`, in the order of the requests.
#[must_use]
pub fn write_batch(vectors: &[Vec<f32>]) -> Bytes {
    let embeddings = vectors.iter().map(|values| Vector { values }).collect();
    serde_json::to_vec(&Many { embeddings }).unwrap_or_default().into()
}

#[derive(serde::Serialize)]
struct BatchBody<'a> {
    requests: Vec<BatchRequest<'a>>,
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct BatchRequest<'a> {
    model: &'a str,
    content: TextContent<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    task_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_dimensionality: Option<u32>,
}

#[derive(serde::Serialize)]
struct TextContent<'a> {
    parts: [TextPart<'a>; 1],
}

#[derive(serde::Serialize)]
struct TextPart<'a> {
    text: &'a str,
}

/// The bodies of the `:batchEmbedContents` calls that `ask` takes, each with up to [`MAX_BATCH`] texts, in order. `ask.model` is what the
/// platform calls it.
#[must_use]
pub fn bodies(ask: &EmbedAsk) -> Vec<Bytes> {
    let model = format!("models/{}", bare(&ask.model));
    let body = |texts: &[String]| {
        let requests = texts.iter().map(|text| BatchRequest {
            model: &model,
            content: TextContent { parts: [TextPart { text }] },
            task_type: ask.task_type.as_deref(),
            title: ask.title.as_deref(),
            output_dimensionality: ask.dimensions,
        });
        Bytes::from(serde_json::to_vec(&BatchBody { requests: requests.collect() }).unwrap_or_default())
    };
    ask.texts.chunks(MAX_BATCH).map(body).collect()
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Answer {
    error: Present,
    embedding: Object<Values>,
    embeddings: List<Object<Values>>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Values {
    values: List<f32>,
}

/// Reads the answer to one of [`bodies`], or to a single `:embedContent`. `expected` is the number of its texts. Vectors shorter than a
/// model's own are not normalised by every model: they are made so when `dimensions` was asked for.
///
/// # Errors
/// [`BadAnswer`] if it does not hold one vector for each text.
pub fn read_answer(body: &[u8], expected: usize, dimensions: Option<u32>) -> Result<Vec<Vec<f32>>, BadAnswer> {
    let answer: Answer = serde_json::from_slice(body).map_err(|error| BadAnswer::Unparseable(error.to_string()))?;
    if answer.error.0 {
        return Err(BadAnswer::Error(read_error(body)));
    }
    let vectors = answer.embeddings.objects().chain(answer.embedding.0).map(|vector| vector.values.0);
    let mut vectors: Vec<Vec<f32>> = vectors.filter(|vector| !vector.is_empty()).collect();
    if vectors.is_empty() {
        return Err(BadAnswer::Empty);
    }
    if vectors.len() != expected {
        return Err(BadAnswer::Unparseable(format!("{} vectors came for {expected} texts", vectors.len())));
    }
    if dimensions.is_some() {
        vectors.iter_mut().for_each(|vector| normalise(vector));
    }
    Ok(vectors)
}

/// To length one; a vector of zeros stays.
fn normalise(vector: &mut [f32]) {
    let length = vector.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
    if length > 0.0 {
        for value in vector {
            #[expect(clippy::cast_possible_truncation, reason = "rounds to what the wire carries")]
            {
                *value = (f64::from(*value) / length) as f32;
            }
        }
    }
}

#[cfg(test)]
mod tests;

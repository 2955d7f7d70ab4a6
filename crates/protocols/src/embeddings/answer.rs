//! Vectors as they are answered: looked at while they pass by, read, and written.

use std::fmt;
use std::marker::PhantomData;

use bytes::{BufMut, Bytes, BytesMut};
use easyai_core::usage::Usage;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::Encoding;
use super::encoding::{Vector, Written};
use super::usage::{InputUsage, WrittenUsage};
use crate::openai::error::read_error;
use crate::openai::lenient::{Count, Present, Word, tolerant};
use crate::wire::{AnswerFacts, BadAnswer};

/// What an upstream answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Embeddings {
    /// One for each input, in the order of the inputs.
    pub vectors: Vec<Vec<f32>>,
    /// The model as the upstream calls it.
    pub model: Option<String>,
    /// What the upstream counted, if it did.
    pub usage: Option<Usage>,
}

#[derive(serde::Deserialize)]
#[serde(bound = "T: Deserialize<'de>")]
struct Wire<T> {
    #[serde(default)]
    error: Present,
    /// Errors without a wrapper, as FastAPI servers send them with any status.
    #[serde(default)]
    detail: Present,
    #[serde(default)]
    message: Present,
    #[serde(default)]
    model: Word,
    #[serde(default)]
    data: OneOrMany<T>,
    #[serde(default, deserialize_with = "tolerant")]
    usage: Option<InputUsage>,
}

#[derive(serde::Deserialize)]
struct Glanced {
    #[serde(default)]
    embedding: Present,
}

#[derive(serde::Deserialize)]
struct Read {
    #[serde(default)]
    index: Option<Count>,
    embedding: Vector,
}

/// Looks at the body of a 200 that passes by.
///
/// # Errors
/// [`BadAnswer`] if it holds no vectors.
pub fn answer_facts(body: &[u8]) -> Result<AnswerFacts, BadAnswer> {
    let wire: Wire<Glanced> = read(body)?;
    let whole = !wire.data.0.is_empty() && wire.data.0.iter().all(|element| element.embedding.0);
    if !whole {
        return Err(BadAnswer::Empty);
    }
    Ok(AnswerFacts { usage: wire.usage.and_then(InputUsage::into_usage) })
}

/// Reads the body of a 200, in either encoding, and Ark's multimodal one, whose `data` is an object.
///
/// # Errors
/// [`BadAnswer`] if it holds no vectors, or not as many as there were `inputs`.
pub fn read_answer(body: &[u8], inputs: usize) -> Result<Embeddings, BadAnswer> {
    let mut wire: Wire<Read> = read(body)?;
    if wire.data.0.is_empty() {
        return Err(BadAnswer::Empty);
    }
    if wire.data.0.len() != inputs {
        return Err(BadAnswer::Unparseable(format!("{} vectors for {inputs} inputs", wire.data.0.len())));
    }
    // Upstreams that say no index, or zero everywhere, keep the order of the inputs: the sort is stable.
    wire.data.0.sort_by_key(|element| element.index.map(|index| index.0));
    Ok(Embeddings {
        vectors: wire.data.0.into_iter().map(|element| element.embedding.0).collect(),
        model: wire.model.0,
        usage: wire.usage.and_then(InputUsage::into_usage),
    })
}

fn read<'de, T: Deserialize<'de>>(body: &'de [u8]) -> Result<Wire<T>, BadAnswer> {
    let wire: Wire<T> = serde_json::from_slice(body).map_err(|error| BadAnswer::Unparseable(error.to_string()))?;
    let is_error = wire.error.0 || (wire.data.0.is_empty() && (wire.detail.0 || wire.message.0));
    if is_error { Err(BadAnswer::Error(read_error(body))) } else { Ok(wire) }
}

#[derive(serde::Serialize)]
struct WrittenAnswer<'a> {
    object: &'static str,
    data: Vec<WrittenVector<'a>>,
    model: &'a str,
    usage: WrittenUsage,
}

#[derive(serde::Serialize)]
struct WrittenVector<'a> {
    object: &'static str,
    index: usize,
    embedding: Written<'a>,
}

/// Vectors as OpenAI answers them.
#[must_use]
pub fn write_answer(vectors: &[Vec<f32>], encoding: Encoding, model: &str, usage: &Usage) -> Bytes {
    let vectors = vectors.iter().enumerate();
    let answer = WrittenAnswer {
        object: "list",
        data: vectors
            .map(|(index, vector)| WrittenVector { object: "embedding", index, embedding: Written { vector, encoding } })
            .collect(),
        model,
        usage: usage.into(),
    };
    let mut body = BytesMut::new().writer();
    // Writing numbers and text into memory does not fail.
    let _ = serde_json::to_writer(&mut body, &answer);
    body.into_inner().freeze()
}

/// An array, or one element without it; null holds nothing.
struct OneOrMany<T>(Vec<T>);

impl<T> Default for OneOrMany<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneOrManyVisitor(PhantomData))
    }
}

struct OneOrManyVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for OneOrManyVisitor<T> {
    type Value = OneOrMany<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array or an object")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<OneOrMany<T>, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = seq.next_element()? {
            elements.push(element);
        }
        Ok(OneOrMany(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<OneOrMany<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(|element| OneOrMany(vec![element]))
    }

    fn visit_unit<E>(self) -> Result<OneOrMany<T>, E> {
        Ok(OneOrMany::default())
    }
}

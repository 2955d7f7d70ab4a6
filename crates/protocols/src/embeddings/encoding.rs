//! A vector as text: numbers, or base64 of little-endian `f32`.
//!
//! Source: openai-python `resources/embeddings.py`, which asks for base64 whenever its caller named no format.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::encoded::decode;

easyai_core::words! {
    /// How a vector is written.
    #[derive(Default)]
    pub enum Encoding as "encoding_format" {
        /// An array of numbers.
        #[default]
        Float = "float",
        /// Base64 of little-endian `f32`.
        Base64 = "base64",
    }
}

/// The bytes of a number in base64.
const F32_BYTES: usize = size_of::<f32>();

/// A vector to be written.
pub(super) struct Written<'a> {
    pub(super) vector: &'a [f32],
    pub(super) encoding: Encoding,
}

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.encoding {
            Encoding::Float => self.vector.serialize(serializer),
            Encoding::Base64 => {
                let mut bytes = Vec::with_capacity(self.vector.len() * F32_BYTES);
                for number in self.vector {
                    bytes.extend_from_slice(&number.to_le_bytes());
                }
                serializer.serialize_str(&STANDARD.encode(bytes))
            }
        }
    }
}

/// A vector that was read, however it was written.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Vector(pub(super) Vec<f32>);

impl<'de> Deserialize<'de> for Vector {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(VectorVisitor)
    }
}

struct VectorVisitor;

impl<'de> Visitor<'de> for VectorVisitor {
    type Value = Vector;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of numbers, or base64 of f32")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Vector, E> {
        let bytes = decode(text).ok_or_else(|| E::custom("not base64"))?;
        let (numbers, rest) = bytes.as_chunks::<F32_BYTES>();
        if rest.is_empty() {
            Ok(Vector(numbers.iter().map(|number| f32::from_le_bytes(*number)).collect()))
        } else {
            Err(E::custom("the base64 holds a piece of a number"))
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vector, A::Error> {
        let mut numbers = Vec::new();
        while let Some(number) = seq.next_element()? {
            numbers.push(number);
        }
        Ok(Vector(numbers))
    }
}

//! A caller's request for vectors: what we act on is typed, the rest stays as it came.

use std::num::NonZeroU32;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::Encoding;
use crate::json::splice::with_model;
use crate::request::InputForm;

/// A request for vectors, checked.
#[derive(Debug, Clone)]
pub struct EmbedRequest {
    /// The public model name.
    pub model: Arc<str>,
    /// In which form the inputs came.
    pub form: InputForm,
    /// How many vectors are wanted: one for each input.
    pub inputs: usize,
    /// The length of a vector, if the caller chose it.
    pub dimensions: Option<NonZeroU32>,
    /// How vectors are written in the answer.
    pub encoding: Encoding,
    /// The caller's own user.
    pub user: Option<String>,
    /// All inputs in tokens: estimated for texts, exact for token ids.
    pub tokens: u64,
    pub(super) body: Bytes,
    pub(super) model_at: Range<usize>,
    pub(super) input_at: Range<usize>,
}

impl EmbedRequest {
    /// The body as it came.
    #[must_use]
    pub const fn body(&self) -> &Bytes {
        &self.body
    }

    /// The body for an upstream of the same protocol that calls the model `upstream_name`: the same bytes but for the name.
    #[must_use]
    pub fn outbound(&self, upstream_name: &str) -> Vec<Bytes> {
        with_model(&self.body, Some(&self.model_at), 0, upstream_name)
    }

    /// The texts, in order; none if they came as token ids, which only upstreams with the same tokenizer understand.
    #[must_use]
    pub fn texts(&self) -> Option<Vec<String>> {
        let input = self.body.get(self.input_at.clone())?;
        match self.form {
            InputForm::Text => serde_json::from_slice(input).ok().map(|text| vec![text]),
            InputForm::Texts => serde_json::from_slice(input).ok(),
            InputForm::Tokens | InputForm::TokenLists => None,
        }
    }
}

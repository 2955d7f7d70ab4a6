//! What answers usually weigh: observed output tokens for each key and model, for the estimate behind a hold.

use std::sync::{Arc, Mutex, PoisonError};

use easyai_core::id::{KeyId, ModelId};
use easyai_core::quantile::OutputQuantile;
use moka::sync::Cache;

/// Pairs of key and model that are remembered; the least used are forgotten.
const REMEMBERED: u64 = 10_000;

/// Observed output tokens. In memory: after a restart the default serves until some answers have been seen.
#[derive(Debug)]
pub struct Outputs {
    observed: Cache<(KeyId, ModelId), Arc<Mutex<OutputQuantile>>>,
}

impl Default for Outputs {
    fn default() -> Self {
        Self { observed: Cache::new(REMEMBERED) }
    }
}

impl Outputs {
    /// What an answer to this key by this model usually has at most.
    #[must_use]
    pub fn expected(&self, key: KeyId, model: ModelId) -> Option<u64> {
        self.observed.get(&(key, model)).and_then(|quantile| quantile.lock().unwrap_or_else(PoisonError::into_inner).expected())
    }

    /// An answer had `tokens`.
    pub fn observe(&self, key: KeyId, model: ModelId, tokens: u64) {
        let quantile = self.observed.get_with((key, model), Arc::default);
        quantile.lock().unwrap_or_else(PoisonError::into_inner).observe(tokens);
    }
}

//! The tables of a scenario as they are written.

use easyai_core::catalog::{Capability, FaultPosition};
use easyai_core::failure::Category;
use easyai_core::money::Money;
use serde::Deserialize;
use toml::Spanned;

/// All tables that are not a catalogue's.
#[derive(Debug, Default)]
pub struct File {
    pub scenario: Option<Spanned<ScenarioTable>>,
    pub loads: Vec<Spanned<LoadTable>>,
    pub faults: Vec<Spanned<FaultTable>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScenarioTable {
    pub name: String,
    #[serde(default)]
    pub about: String,
    #[serde(default = "one")]
    pub seed: u64,
    pub duration_seconds: Spanned<u32>,
    #[serde(default = "plenty")]
    pub balance: Money,
}

const fn one() -> u64 {
    1
}

/// A thousand, in the billing currency.
const fn plenty() -> Money {
    Money::from_nanos(1_000_000_000_000)
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoadTable {
    pub model: Spanned<String>,
    pub requests_per_second: Spanned<u32>,
    #[serde(default)]
    pub from_seconds: u32,
    pub until_seconds: Option<Spanned<u32>>,
    pub streamed_percent: Option<Spanned<u32>>,
    pub max_tokens: Option<u32>,
    pub prompt_words: Option<Spanned<u32>>,
    pub timeout_ms: Option<Spanned<u32>>,
    pub queue_timeout_ms: Option<u32>,
    pub leaves_after_ms: Option<u32>,
    #[serde(default)]
    pub needs: Vec<Capability>,
    pub conversations: Option<Spanned<u32>>,
}

/// A fault as it is written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultTable {
    /// Whom it befalls.
    pub platform: Spanned<String>,
    /// Only calls with this credential.
    pub credential: Option<Spanned<String>>,
    /// Only calls of this model.
    pub model: Option<Spanned<String>>,
    /// The category of the failure; none where nothing fails, or the position says what happens.
    pub category: Option<Category>,
    /// How many of a hundred calls it meets.
    pub share_percent: Option<Spanned<u32>>,
    /// From when on.
    #[serde(default)]
    pub from_seconds: u32,
    /// Until when; the end of the scenario if absent.
    pub until_seconds: Option<Spanned<u32>>,
    /// Where it happens.
    pub position: Option<Spanned<FaultPosition>>,
    /// Deltas that are delivered before it.
    #[serde(default)]
    pub deltas: u32,
    /// What the platform asks to wait.
    pub retry_after_seconds: Option<u32>,
    /// The wait before the answer, or the failure.
    pub latency_ms: Option<u32>,
    /// The wait between deltas.
    pub chunk_delay_ms: Option<u32>,
    /// The HTTP status, if not the usual one of the category.
    pub status: Option<u16>,
    /// The platform's own code.
    pub code: Option<String>,
    /// The platform's own words.
    pub message: Option<String>,
    /// What `x-should-retry` says.
    pub should_retry: Option<bool>,
}

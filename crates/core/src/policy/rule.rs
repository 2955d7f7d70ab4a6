//! What a rule matches on. All that are given must match; the first rule that matches decides.

use crate::failure::Category;
use crate::kind::ModelType;

/// The conditions of a rule. An empty one matches every failure.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Match {
    /// Any of these categories.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<Category>,
    /// Any of these HTTP statuses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub status_codes: Vec<StatusPattern>,
    /// Any of these upstream error codes, exactly.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub error_codes: Vec<String>,
    /// Any of these in the message, whatever the case.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub message_contains: Vec<String>,
    /// Any of these model types.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub model_types: Vec<ModelType>,
}

/// One status, a class (`5xx`) or a range (`500-503`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusPattern {
    /// The first status that matches.
    pub from: u16,
    /// The last one.
    pub to: u16,
}

/// Text that is no status pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a status: write 503, \"5xx\" or \"500-504\"")]
pub struct BadStatusPattern(pub String);

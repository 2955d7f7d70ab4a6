//! Content that is a list of parts: text with the reasoning beside it, as everybody else sends them.

use std::ops::Range;

use bytes::Bytes;
use serde::Deserialize;

use crate::json::splice::Edit;
use crate::openai::lenient::{Content, List, Word};

/// Where a list of parts lies, and whether reasoning has its own member already.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) at: Range<usize>,
    pub(super) has_reasoning: bool,
}

#[derive(Deserialize)]
struct Part {
    #[serde(default, rename = "type")]
    kind: Word,
}

impl Parts {
    /// The list as text; none if it holds what text can't say.
    pub(super) fn as_text(&self, text: &str) -> Option<Edit> {
        let list = text.get(self.at.clone())?;
        let parts: List<Part> = serde_json::from_str(list).ok()?;
        // A reference (Mistral's) is a number that leads nowhere outside of its list.
        let is_text = |part: &Part| matches!(part.kind.0.as_deref(), Some("text" | "thinking" | "reference"));
        if !parts.0.iter().all(is_text) {
            return None;
        }
        let Content { text, thought } = serde_json::from_str(list).ok()?;
        let mut with = serde_json::to_string(&text).ok()?;
        if !self.has_reasoning && !thought.is_empty() {
            with.push_str(",\"reasoning_content\":");
            with.push_str(&serde_json::to_string(&thought).ok()?);
        }
        Some(Edit { at: self.at.clone(), with: Bytes::from(with) })
    }
}
